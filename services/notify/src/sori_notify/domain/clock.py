"""One promise measured: an append-only list of what happened to a clock, and what it adds up to."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter

from sori_notify.domain.calendar import ALWAYS, Calendar, Interval

_NOTHING = dt.timedelta()


class Metric(StrEnum):
    """What a clock measures."""

    FIRST_RESPONSE = "first_response"  # From the case's creation to the first public answer of a person.
    NEXT_RESPONSE = "next_response"  # From the oldest unanswered message after that; an instance each time.
    FIRST_RESOLUTION = "first_resolution"  # From creation to the first end.
    TOTAL_RESOLUTION = "total_resolution"  # All the time in which the case was not resolved.


class ClockState(StrEnum):
    """Where a promise stands."""

    RUNNING = "running"
    FULFILLED = "fulfilled"
    BREACHED = "breached"
    CANCELLED = "cancelled"
    PAUSED = "paused"


class Waiting(StrEnum):
    """What a clock may be paused for."""

    PENDING = "pending"  # the customer
    ON_HOLD = "on_hold"  # somebody else


class Tick(StrEnum):
    """What can happen to a clock."""

    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    FULFIL = "fulfil"
    BREACH = "breach"  # Never given, always found: it follows from the others and the calendar.
    CANCEL = "cancel"


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # Frozen it would take three times as long to make.
class ClockEvent:
    """Something that happened to a clock."""

    tick: Tick
    time: dt.datetime
    cause: str = ""  # Id of the touchpoint or act; empty: time itself.


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """How much working time a promise allows."""

    metric: Metric
    amount: dt.timedelta
    calendar: Calendar = ALWAYS
    warn_at: tuple[int, ...] = ()  # percentages of `amount`, ascending, 1 to 99
    pauses: frozenset[Waiting] = frozenset(Waiting)


@dataclass(frozen=True, slots=True, kw_only=True)
class Warned:
    """A percentage of a target that was used up, and when."""

    percent: int
    time: dt.datetime


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # Frozen it would take three times as long to make.
class Reading:
    """What a clock shows."""

    state: ClockState
    due_time: dt.datetime | None  # An answer at this very moment is in time. None: paused, or never due.
    used: dt.timedelta  # Working time.
    start_time: dt.datetime
    warnings: tuple[Warned, ...] = ()
    breach_time: dt.datetime | None = None
    fulfilled_time: dt.datetime | None = None
    next_time: dt.datetime | None = None  # When the next warning or the breach comes if nothing happens before.
    segments: tuple[Interval, ...] = ()  # When it ran, working or not; the last one up to now or the end.
    events: tuple[ClockEvent, ...] = ()  # With the breach among them.


@dataclass(slots=True, kw_only=True)
class _Hand:
    """The hand of a clock while its events are walked through."""

    target: Target
    used: dt.timedelta = _NOTHING
    due_time: dt.datetime | None = None
    breach_time: dt.datetime | None = None
    warnings: dict[int, dt.datetime]
    segments: list[Interval]

    def run(self, start: dt.datetime, end: dt.datetime, *, open_ended: bool = False) -> None:
        """Run from `start` until something happens at `end`, or has not happened by `end`."""
        calendar, target = self.target.calendar, self.target
        self._aim(start)
        if self.breach_time is None and self.due_time is not None and self.due_time < end:
            self.breach_time = self.due_time
        for percent in target.warn_at:
            if percent not in self.warnings:
                time = self._reaches(start, percent)
                if time is not None and (time < end or (open_ended and time == end)):
                    self.warnings[percent] = time
        self.used += calendar.working(start, end)
        self.segments.append((start, max(start, end)))

    def _aim(self, start: dt.datetime) -> None:
        """Work out when the promise falls due if the clock runs from `start` on."""
        if self.breach_time is None:
            self.due_time = self.target.calendar.add(start, self.target.amount - self.used)

    def rest(self, time: dt.datetime) -> None:
        """Say when it would have been due for a clock that ends, at `time`, while it is paused."""
        self._aim(time)

    def _reaches(self, start: dt.datetime, percent: int) -> dt.datetime | None:
        return self.target.calendar.add(start, self.target.amount * percent / 100 - self.used)

    def next_time(self, start: dt.datetime) -> dt.datetime | None:
        """Say when the next warning or the breach comes if the clock that ran from `start` runs on."""
        times = [self.due_time] if self.breach_time is None else []
        times += [self._reaches(start, each) for each in self.target.warn_at if each not in self.warnings]
        return min((each for each in times if each is not None), default=None)


_time_of = attrgetter("time")


def read(events: Iterable[ClockEvent], target: Target, *, now: dt.datetime | None) -> Reading | None:
    """Add up a clock from its events, or None when it was never started; repeats change nothing.

    Events of one moment count in the order in which they are given. Up to `now` silence is taken as silence; without
    it, nothing is known beyond the last event. What happens at the very moment of the due time is in time.
    """
    given = sorted(events, key=_time_of)
    first = 0
    while first < len(given) and given[first].tick is not Tick.START:
        first += 1
    if first == len(given):
        return None
    hand = _Hand(target=target, warnings={}, segments=[])
    begun: dt.datetime | None = given[first].time
    state, fulfilled = ClockState.RUNNING, None
    kept = [given[first]]
    for event in given[first + 1 :]:
        if not _matters(event.tick, state):
            continue
        kept.append(event)
        if event.tick is Tick.RESUME:
            begun, fulfilled, state = event.time, None, ClockState.RUNNING
            continue
        if begun is not None:
            hand.run(begun, event.time)
        elif event.tick is not Tick.PAUSE:
            hand.rest(event.time)
        begun = None
        if event.tick is Tick.PAUSE:
            state = ClockState.PAUSED
        elif event.tick is Tick.FULFIL:
            state, fulfilled = ClockState.FULFILLED, event.time
        else:
            state = ClockState.CANCELLED
    upcoming = None
    if begun is not None:
        before, until = hand.used, max(begun, now or begun)
        hand.run(begun, until, open_ended=True)
        after, hand.used = hand.used, before  # What comes next is reckoned from where this run began.
        upcoming = hand.next_time(begun)
        hand.used = after
    return _reading(hand, kept, state, fulfilled, upcoming)


def _matters(tick: Tick, state: ClockState) -> bool:
    """Say whether an event changes a clock that stands so; a repeat does not."""
    match tick:
        case Tick.PAUSE:
            return state is ClockState.RUNNING
        case Tick.RESUME:
            return state in (ClockState.PAUSED, ClockState.FULFILLED, ClockState.CANCELLED)
        case Tick.FULFIL | Tick.CANCEL:
            return state in (ClockState.RUNNING, ClockState.PAUSED)
        case Tick.START | Tick.BREACH:
            return False


def _reading(
    hand: _Hand,
    kept: Sequence[ClockEvent],
    state: ClockState,
    fulfilled: dt.datetime | None,
    upcoming: dt.datetime | None,
) -> Reading:
    events = list(kept)
    due = hand.due_time if state is not ClockState.PAUSED else None
    if hand.breach_time is not None:
        state, due = ClockState.BREACHED, hand.breach_time
        events.append(ClockEvent(tick=Tick.BREACH, time=hand.breach_time))
        events.sort(key=_time_of)  # What happened at that very moment stands before it.
    return Reading(
        state=state,
        due_time=due,
        used=hand.used,
        start_time=kept[0].time,
        warnings=tuple(Warned(percent=percent, time=time) for percent, time in sorted(hand.warnings.items())),
        breach_time=hand.breach_time,
        fulfilled_time=fulfilled,
        next_time=upcoming,
        segments=tuple(hand.segments),
        events=tuple(events),
    )
