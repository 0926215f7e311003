"""Messages to customers that nobody writes by hand: when one is due, and when it stays unsent."""

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sori_notify.domain.rules import Fact, Question


class OutreachState(StrEnum):
    """What became of a message to a customer."""

    WAITING = "waiting"
    SENT = "sent"  # Handed to its target.
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation(Question):
    """What triggers a message to a customer, and what keeps it back."""

    name: str
    segments: frozenset[str] = frozenset()  # empty: all
    after: dt.timedelta = dt.timedelta()  # from the touchpoint on
    unless: frozenset[str] = frozenset()  # kinds: one of these within `after` keeps it back
    most: int = 1  # messages of this kind to one customer
    per: dt.timedelta = dt.timedelta(days=7)
    purpose: str = "marketing"  # what the customer has to have agreed to
    target: str = ""
    chain: str = ""  # hands the case over to a person once the message is sent; empty: does not

    def matches(self, fact: Fact, segments: frozenset[str], scope: Callable[[], object]) -> bool:
        """Say whether a touchpoint of a known customer triggers it."""
        return (
            bool(fact.customer_id)
            and fact.actor == "customer"
            and self.keys.match(*fact.words)
            and self.may_hold(fact)
            and (not self.segments or not self.segments.isdisjoint(segments))
            and (self.condition is None or self.condition(scope()))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outreach:
    """One message to one customer, and why it was sent or not."""

    outreach_id: uuid.UUID
    automation: str
    customer_id: uuid.UUID
    touchpoint_id: uuid.UUID
    triggered_time: dt.datetime  # when the touchpoint occurred
    due_time: dt.datetime
    state: OutreachState = OutreachState.WAITING
    reason: str = ""  # why it was skipped
    decided_time: dt.datetime | None = None


def keeps_back(automation: Automation | None, *, consents: bool, sent: int, happened: bool, late: bool) -> str:
    """Say why a message that is due stays unsent; empty: it goes out."""
    if automation is None:
        return "switched_off"
    if late:
        return "too_late"
    if happened:
        return "not_needed_any_more"
    if not consents:
        return "no_consent"
    return "too_often" if sent >= automation.most else ""
