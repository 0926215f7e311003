"""What a case is, and who may see it."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from sori_notify.domain.clock import ClockState, Metric, Reading, Target, Warned
from sori_notify.domain.words import Channel, Severity


class Origin(StrEnum):
    """Where a case comes from."""

    CUSTOMER = "customer"
    EMPLOYEE = "employee"


class CaseState(StrEnum):
    """How far a case has come."""

    NEW = "new"
    OPEN = "open"
    RESOLVED = "resolved"
    PENDING = "pending"  # waits for the customer
    ON_HOLD = "on_hold"  # waits for somebody else
    CLOSED = "closed"
    REOPENED = "reopened"


class Change(StrEnum):
    """A turn in a case that is announced."""

    OPENED = "opened"
    ANSWERED = "answered"
    ACKNOWLEDGED = "acknowledged"
    BREACHED = "breached"  # The first response.
    RESOLVED = "resolved"
    REOPENED = "reopened"
    UPDATED = "updated"  # Anything else of it: its state, who has it, how severe it is.


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # Frozen it would take three times as long to make.
class Clock:
    """One promise of a case, and what became of it."""

    metric: Metric
    instance: int  # from 1
    policy: str
    version: str  # of the promise as it was when the case opened
    state: ClockState
    start_time: dt.datetime
    due_time: dt.datetime | None
    target: dt.timedelta  # working time
    used: dt.timedelta = field(compare=False)  # working time, as of the last time that anybody looked
    warnings: tuple[Warned, ...] = ()
    breach_time: dt.datetime | None = None
    fulfilled_time: dt.datetime | None = None
    declared: bool = False  # Its breach was announced.
    reading: Reading | None = field(default=None, compare=False)  # What it comes from; not kept.
    terms: Target | None = field(default=None, compare=False)  # As above.

    @property
    def is_late_for(self) -> bool:
        """Say whether it is broken and nobody has heard of it."""
        return self.state is ClockState.BREACHED and not self.declared

    @property
    def look_time(self) -> dt.datetime | None:
        """Say when somebody has to look at it next."""
        if self.is_late_for:
            return self.breach_time
        return self.reading.next_time if self.reading else None


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # Frozen it would take three times as long to make.
class Case:
    """One matter that wants an answer."""

    case_id: uuid.UUID
    thread_key: uuid.UUID | None = None  # The thread whose story it is part of; None: an employee's.
    origin: Origin
    state: CaseState = CaseState.NEW
    source: str = ""
    thread_id: str = ""
    customer_id: uuid.UUID | None = None
    channel: Channel | None = None
    org_unit: str = ""
    touchpoint_id: uuid.UUID | None = None
    topics: tuple[str, ...] = ()
    segments: tuple[str, ...] = ()
    severity: Severity = Severity.NORMAL
    tags: tuple[str, ...] = ()
    team: str = ""
    person: str = ""
    opened_time: dt.datetime
    clocks: tuple[Clock, ...] = ()  # by metric and instance
    answered_time: dt.datetime | None = None
    resolved_time: dt.datetime | None = None  # None while it is not, or not any more.
    closed_time: dt.datetime | None = None
    acknowledged_by: str = ""  # token subject
    acknowledged_time: dt.datetime | None = None
    version: int = field(default=0, compare=False)  # Grows with each change that is kept; 0: not stored yet.

    @property
    def clock(self) -> Clock | None:
        """Give the first-response clock; None: no policy promises an answer."""
        for each in self.clocks:
            if each.metric is Metric.FIRST_RESPONSE:
                return each
        return None

    def clock_of(self, metric: Metric, instance: int) -> Clock | None:
        """Give one clock."""
        return next((each for each in self.clocks if (each.metric, each.instance) == (metric, instance)), None)

    @property
    def is_done(self) -> bool:
        """Say whether nothing is to be done."""
        return self.state in (CaseState.RESOLVED, CaseState.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTurn:
    """A clock that was announced: a share of its time is used up."""

    case_id: uuid.UUID
    version: int  # of the case
    metric: Metric
    instance: int
    percent: int  # 100: it is broken


def flagged(case_id: uuid.UUID, *, org_unit: str, reasons: Sequence[str], week: dt.datetime) -> Case:
    """Open a case for an employee's voice; nothing finer than its week is kept."""
    return Case(
        case_id=case_id, origin=Origin.EMPLOYEE, org_unit=org_unit, topics=tuple(reasons), opened_time=week, version=1
    )


def visible(roles: Collection[str]) -> frozenset[Origin]:
    """Say which cases a caller may see, and so act on."""
    found: set[Origin] = set()
    if "cx.read" in roles or "cx.act" in roles:
        found.add(Origin.CUSTOMER)
    if "hr.read" in roles:
        found.add(Origin.EMPLOYEE)
    return frozenset(found)
