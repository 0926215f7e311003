"""Messages on their way out: to whom, when, how many at once, and when a receiver is left in peace."""

import datetime as dt
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sori_notify.domain.schedules import Hours
from sori_notify.domain.words import Severity

_LONGEST_REST = dt.timedelta(minutes=10)
_FIRST_REST = dt.timedelta(seconds=15)
_FAILURES = 5  # in a row, after which a receiver is left in peace
_NUMBERS = re.compile(r"\d(?:[\d\s()+-]{2,}\d)")
_ADDRESSES = re.compile(r"\S+@\S+")


class DeliveryState(StrEnum):
    """How far a message has come."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    CANCELLED = "cancelled"  # Somebody took the case before it went out.
    DIGESTED = "digested"  # Another message stands for it and for others.


class Origin(StrEnum):
    """What a message comes from."""

    RULE = "rule"
    CHAIN = "chain"
    AUTOMATION = "automation"
    DIGEST = "digest"


class Words(StrEnum):
    """How much of what customers said a receiver may see, least first; always without numbers and addresses."""

    NONE = "none"
    EXCERPT = "excerpt"  # the beginning
    FULL = "full"  # all that a message has room for


_LENGTHS = {Words.EXCERPT: 200, Words.FULL: 2000}  # characters


class Role(StrEnum):
    """What those who read a target may do elsewhere, spelled as in their tokens."""

    INGEST_WRITE = "ingest.write"
    CX_READ = "cx.read"
    CX_ACT = "cx.act"
    HR_READ = "hr.read"
    EMPLOYEE = "employee"
    ADMIN = "admin"

    @property
    def may_see(self) -> Words:
        """Say how much of what customers said is theirs to see: all to who answers them, nothing to who need not."""
        return _MAY_SEE.get(self, Words.NONE)

    @property
    def knows_customers(self) -> bool:
        """Say whether they may learn which customer it is."""
        return self in _MAY_SEE


_MAY_SEE = {Role.CX_ACT: Words.FULL, Role.CX_READ: Words.EXCERPT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many messages in so long a time at most."""

    most: int = 20
    per: dt.timedelta = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A receiver, as far as it decides when and what it is sent; its address is not here."""

    name: str
    language: str = "ko"
    role: Role | None = None  # of all who read it; None: nobody has said
    words: Words = Words.NONE  # never more than the role may see
    rate: Rate = Rate()
    digest_above: int = 5  # More than that many waiting become one message; 0: never.
    quiet: Hours | None = None  # What is not critical waits until they are over.

    @property
    def knows_customers(self) -> bool:
        """Say whether its readers may learn which customer it is; one of which nobody has said may be a gateway."""
        return self.role is None or self.role.knows_customers

    def not_before(self, severity: Severity, now: dt.datetime) -> dt.datetime:
        """Say when a message may go out at the earliest."""
        if self.quiet is None or severity is Severity.CRITICAL:
            return now
        return self.quiet.until(now) or now


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message to one target."""

    delivery_id: uuid.UUID  # Also the receiver's idempotency key.
    target: str
    origin: Origin
    reason: str
    severity: Severity = Severity.NORMAL
    case_id: uuid.UUID | None = None
    chain_id: uuid.UUID | None = None
    org_unit: str = ""
    values: Mapping[str, object]  # what templates read
    created_time: dt.datetime
    attempts: int = 0
    state: DeliveryState = DeliveryState.PENDING
    sent_time: dt.datetime | None = None
    next_attempt_time: dt.datetime | None = None
    problem: str = ""  # of the latest attempt, as a code
    digest_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Whether a receiver that fails is left in peace for a while."""

    failures: int = 0  # in a row
    open_until: dt.datetime | None = None

    def allows(self, now: dt.datetime) -> int:
        """Say how many messages may be tried: none while it is open, one once it has been, any number otherwise."""
        if self.open_until is None:
            return 1_000_000
        return 0 if now < self.open_until else 1

    def failed(self, now: dt.datetime) -> "Breaker":
        """Count a failure; from the fifth in a row on the receiver rests, each time for longer.

        What fails while it rests was under way before, and is no reason to let it rest for longer.
        """
        if self.open_until is not None and now < self.open_until:
            return self
        failures = self.failures + 1
        if failures < _FAILURES:
            return replace(self, failures=failures)
        rest: dt.timedelta = _FIRST_REST * 2 ** min(failures - _FAILURES, 16)
        return Breaker(failures=failures, open_until=now + min(rest, _LONGEST_REST))

    def succeeded(self) -> "Breaker":
        """Forget the failures."""
        return Breaker()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What goes out to one target now."""

    single: tuple[Delivery, ...] = ()
    together: tuple[Delivery, ...] = ()  # as one digest


def gather(target: Target, waiting: Sequence[Delivery], *, sent: int, allowed: int) -> Sending:
    """Choose what goes out: each for itself while there are few, one digest for all when there are many.

    `sent` is how many went out in the rate's time; `allowed` what the breaker lets through.
    """
    room = min(target.rate.most - sent, allowed)
    if room <= 0 or not waiting:
        return Sending()
    many = target.digest_above and (len(waiting) > target.digest_above or len(waiting) > target.rate.most - sent)
    fresh = [each for each in waiting if each.origin is not Origin.DIGEST and each.attempts == 0]
    if many and len(fresh) > 1:
        rest = [each for each in waiting if each.origin is Origin.DIGEST or each.attempts]
        return Sending(single=tuple(rest[: room - 1]), together=tuple(fresh))
    return Sending(single=tuple(waiting[:room]))


def excerpt(text: str, words: Words) -> str:
    """Give what a receiver may see of what a customer said."""
    if words is Words.NONE:
        return ""
    masked, most = _NUMBERS.sub("***", _ADDRESSES.sub("***", " ".join(text.split()))), _LENGTHS[words]
    return masked if len(masked) <= most else masked[: most - 1] + "…"


def shown(values: Mapping[str, object], target: Target) -> dict[str, object]:
    """Leave out of what a message says what the readers of its target may not see by now."""
    hidden = {"words"} if target.knows_customers else {"words", "customer_id"}
    found = {name: value for name, value in values.items() if name not in hidden}
    if words := excerpt(str(values.get("words", "")), target.words):
        found["words"] = words
    return found
