"""What stands on the joint feed, who may see it, and the figures drawn from it."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo


class Kind(StrEnum):
    """What a line of the feed is about."""

    TOUCHPOINT = "touchpoint"
    VOICE = "voice"
    CASE = "case"
    ALERT = "alert"


class Sentiment(StrEnum):
    """Mood of a text."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Change(StrEnum):
    """Turns that a case takes."""

    OPENED = "opened"
    ANSWERED = "answered"
    ACKNOWLEDGED = "acknowledged"
    BREACHED = "breached"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    UPDATED = "updated"  # Counts, but has no line.
    CLOCK_BREACHED = "clock_breached"  # A promise other than the first response; that one is `breached`.


class Origin(StrEnum):
    """Where a case comes from."""

    CUSTOMER = "customer"
    EMPLOYEE = "employee"


class ClockState(StrEnum):
    """Where a first-response clock stands."""

    RUNNING = "running"
    FULFILLED = "fulfilled"
    BREACHED = "breached"
    CANCELLED = "cancelled"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the feed."""

    sees_customers: bool  # Who the customer is, that is; what was said everybody sees.
    sees_staff_cases: bool  # Flags are raised before any release: they are for HR alone.

    @classmethod
    def with_roles(cls, roles: Iterable[str]) -> "Viewer":
        """Say what somebody with these roles, as in a token, may see."""
        held = frozenset(roles)
        return cls(sees_customers="cx.read" in held, sees_staff_cases="hr.read" in held)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines a reader wants and may see."""

    kind: Kind | None  # None: all.
    org_unit: str  # Empty: all.
    staff_cases: bool  # Whether cases of employees, and alerts about them, are among them.


class Belonging(NamedTuple):
    """A statement about whose a touchpoint is."""

    customer_id: uuid.UUID
    graph_version: int  # How often who is who had changed by then.


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Line:
    """One line of the feed, as it goes in; nobody changes it."""

    item_id: uuid.UUID  # The event behind it.
    kind: Kind
    occurred_time: dt.datetime
    org_unit: str
    week: str  # as in `2026-W47`
    content: bytes  # What readers get, without identifiers and without the customer.
    touchpoint_id: uuid.UUID | None = None
    about_id: uuid.UUID | None = None  # The touchpoint whose customer it is: itself, or a case's first message.
    revision: int = 0
    given: Belonging | None = None  # To whom, as the event says; None: nobody known.
    case_id: uuid.UUID | None = None
    staff: bool = False  # Whether it is a turn in an employee's case.
    channel: str | None = None
    sentiment: Sentiment | None = None  # None unless a customer's words were understood.
    nps_score: float | None = None  # 0 to 10
    csat_score: float | None = None  # 1 to 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseVersion:
    """A case as far as the figures depend on it."""

    case_id: uuid.UUID
    version: int
    origin: Origin
    org_unit: str
    week: str  # in which it was opened
    clock_state: ClockState | None  # None: nothing was promised.


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The released eNPS of a group and week."""

    org_unit: str
    week: str
    released_time: dt.datetime
    release_id: uuid.UUID
    enps: float | None


@dataclass(frozen=True, slots=True)
class Merge:
    """Two customers that turned out to be one."""

    survivor_id: uuid.UUID
    merged_id: uuid.UUID
    graph_version: int


@dataclass(frozen=True, slots=True)
class Split:
    """Touchpoints that turned out to be another customer's."""

    to: Belonging
    touchpoint_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What somebody says a classification should have been."""

    correction_id: uuid.UUID
    touchpoint_id: uuid.UUID
    corrected_time: dt.datetime
    content: bytes  # As it came.


@dataclass(frozen=True, slots=True)
class Erased:
    """One part of a customer's data that is to be erased."""

    erasure_id: uuid.UUID
    part: int
    part_count: int
    customer_ids: tuple[uuid.UUID, ...]
    touchpoint_ids: tuple[uuid.UUID, ...]


Merges: TypeAlias = Mapping[uuid.UUID, Sequence[tuple[int, uuid.UUID]]]  # customer: (graph version, into whom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Figures of one shop or team in one week; no answers is None, not 0."""

    org_unit: str
    week: str
    touchpoint_count: int
    negative_count: int
    neutral_count: int
    positive_count: int
    nps_count: int
    nps: float | None  # -100 to 100
    csat_count: int
    csat: float | None  # 0 to 1
    first_response_count: int
    first_response_attainment: float | None  # 0 to 1
    enps: float | None  # -100 to 100
    voice_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How much is on the feed."""

    touchpoints: int
    voices: int
    cases: int
    alerts: int


def week_of(time: dt.datetime, zone: ZoneInfo) -> str:
    """Name the ISO week, as in `2026-W47`, in which a moment falls in a zone."""
    year, week, _ = time.astimezone(zone).isocalendar()
    return f"{year}-W{week:02}"


def monday_of(week: str, zone: ZoneInfo) -> dt.datetime:
    """Give the first moment of an ISO week in a zone; what names no week is a ValueError."""
    day = dt.date.fromisoformat(week)
    monday = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    if week_of(monday, zone) != week:  # A date, or a week written in another way.
        raise ValueError(f"{week!r} is not written as in 2026-W47")
    return monday.astimezone(dt.UTC)


def on_scale_of_five(score: float, lowest: float, highest: float) -> float | None:
    """Bring a mark onto the scale from 1 to 5, or give None when its own scale has no extent."""
    if highest <= lowest:
        return None
    return round(1 + (score - lowest) / (highest - lowest) * 4, 6)  # Rounded: 0.1 + 0.2 must not miss a box.


def net_score(promoters: int, detractors: int, answers: int) -> float | None:
    """Compute NPS or eNPS, -100 to 100, or None without answers."""
    return (promoters - detractors) / answers * 100 if answers else None


def share(part: int, whole: int) -> float | None:
    """Compute a share, 0 to 1, or None of nothing."""
    return part / whole if whole else None


def newest(lines: Iterable[Line]) -> list[Line]:
    """Keep of each touchpoint the highest revision, and every other line; order stays."""
    kept: dict[uuid.UUID, Line] = {}
    for line in lines:
        key = line.touchpoint_id or line.item_id
        known = kept.get(key)
        if known is None or (known.revision, known.item_id) < (line.revision, line.item_id):
            kept[key] = line
    return list(kept.values())


def latest_versions(cases: Iterable[CaseVersion]) -> list[CaseVersion]:
    """Keep of each case the highest version."""
    kept: dict[uuid.UUID, CaseVersion] = {}
    for case in cases:
        known = kept.get(case.case_id)
        if known is None or known.version < case.version:
            kept[case.case_id] = case
    return list(kept.values())


def latest_releases(pulses: Iterable[Pulse]) -> list[Pulse]:
    """Keep of each group and week the latest release."""
    kept: dict[tuple[str, str], Pulse] = {}
    for pulse in pulses:
        known = kept.get((pulse.org_unit, pulse.week))
        if known is None or (known.released_time, known.release_id) < (pulse.released_time, pulse.release_id):
            kept[pulse.org_unit, pulse.week] = pulse
    return list(kept.values())


def owner(given: Belonging | None, split: Belonging | None, merges: Merges) -> uuid.UUID | None:
    """Say whose a line is now: the latest statement about its touchpoint, and the merges of customers after that.

    What came to be known first or last does not matter.
    """
    current = given
    if split is not None and (given is None or split.graph_version > given.graph_version):
        current = split
    while current is not None:
        version = current.graph_version
        later = [each for each in merges.get(current.customer_id, ()) if each[0] > version]
        if not later:
            return current.customer_id
        version, into = min(later)
        current = Belonging(into, version)
    return None
