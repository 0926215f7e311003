"""Touchpoints as far as a case depends on them."""

import datetime as dt
import uuid
from dataclasses import dataclass

from sori_notify.domain.customer import Belonging
from sori_notify.domain.policy import Promise, Subject
from sori_notify.domain.words import Actor, Channel, Kind, Severity

_SPOKEN = frozenset({Kind.INQUIRY, Kind.COMPLAINT, Kind.PRAISE, Kind.REVIEW, Kind.MENTION, Kind.REPLY})
_WANTS_ANSWER = _SPOKEN - {Kind.PRAISE}  # Thanks want none.


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # Frozen it would take three times as long to make.
class Message:
    """A touchpoint as far as a case depends on it; without its words."""

    touchpoint_id: uuid.UUID
    revision: int
    case_id: uuid.UUID  # The thread's: its first case has the same id.
    source: str
    thread_id: str
    actor: Actor
    kind: Kind
    channel: Channel | None  # None: one that this version does not know.
    org_unit: str
    topics: tuple[str, ...]
    customer_id: uuid.UUID | None  # Whose it is by all that is known now; None when nobody is known.
    occurred_time: dt.datetime
    opens: bool  # By the policies in force when it arrived, which are frozen with it.
    promise: Promise | None
    public: bool = True  # The customer can read it.
    severity: Severity = Severity.NORMAL
    segments: tuple[str, ...] = ()
    grouped: bool = False  # Its source knows no threads: customer and topic stand for one.
    given: Belonging | None = None  # Whose it was as journey said with it.

    @property
    def is_spoken(self) -> bool:
        """Say whether the customer said something."""
        return self.actor is Actor.CUSTOMER and (self.opens or self.kind in _SPOKEN)

    @property
    def wants_answer(self) -> bool:
        """Say whether the customer waits for an answer to it."""
        return self.actor is Actor.CUSTOMER and (self.opens or self.kind in _WANTS_ANSWER)

    @property
    def answers(self) -> bool:
        """Say whether it is what only a person can give: a reply that the customer can read."""
        return self.actor is Actor.AGENT and self.kind is Kind.REPLY and self.public

    @property
    def resolves(self) -> bool:
        """Say whether the thread was declared done by it."""
        return self.kind is Kind.RESOLUTION and self.actor in (Actor.AGENT, Actor.SYSTEM)

    @property
    def subject(self) -> Subject:
        """Give what policies look at."""
        return Subject(
            channel=self.channel,
            kind=self.kind,
            org_unit=self.org_unit,
            topics=self.topics,
            segments=self.segments,
            severity=self.severity,
        )
