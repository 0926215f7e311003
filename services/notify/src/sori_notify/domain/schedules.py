"""Who is on call when, and which hours of a day are meant; clocks that are put forward and back included."""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

_DAY = dt.timedelta(days=1)
WEEK = (1, 2, 3, 4, 5, 6, 7)  # ISO weekdays; Monday is 1


def moment(local: dt.datetime, zone: str) -> dt.datetime:
    """Give the moment at which a zone's clocks show a time; of two the first, of none the one the change leads to."""
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(dt.UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """A part of each of some days, from `start` until just before `end`; over midnight where `end` is not later."""

    start: dt.time
    end: dt.time
    days: tuple[int, ...] = WEEK  # on which it starts
    zone: str = "Asia/Seoul"

    def spans(self, at: dt.datetime) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        """Give the spans around and after a moment, for a fortnight, in order."""
        day = at.astimezone(ZoneInfo(self.zone)).date() - _DAY
        for number in range(16):
            date = day + number * _DAY
            if date.isoweekday() in self.days:
                last = date if self.end > self.start else date + _DAY
                yield (
                    moment(dt.datetime.combine(date, self.start), self.zone),
                    moment(dt.datetime.combine(last, self.end), self.zone),
                )

    def until(self, at: dt.datetime) -> dt.datetime | None:
        """Say when the span ends that a moment is in; None: it is in none."""
        return max((end for start, end in self.spans(at) if start <= at < end), default=None)

    def opens(self, at: dt.datetime) -> dt.datetime:
        """Say from when on it is within: `at` itself where it is."""
        if self.until(at) is not None:
            return at
        return min(start for start, _ in self.spans(at) if start >= at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """Somebody's turn, from `start_time` until just before `end_time`."""

    person: str
    start_time: dt.datetime
    end_time: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """People who take turns of one length; they hand over at the same time of the day, summer and winter."""

    people: tuple[str, ...]
    start: dt.datetime  # what the zone's clocks show; the first one's first turn
    length: dt.timedelta
    hours: Hours | None = None  # Only then is anybody on call.

    def turns(self, zone: str, start: dt.datetime, end: dt.datetime) -> Iterator[Shift]:
        """Give the turns that overlap a time, in order."""
        shown = start.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        number = max(0, (shown - self.start) // self.length - 1)
        while True:
            begin = moment(self.start + number * self.length, zone)
            if begin >= end:
                return
            finish = moment(self.start + (number + 1) * self.length, zone)
            if finish > start:
                person = self.people[number % len(self.people)]
                yield from self._open(Shift(person=person, start_time=begin, end_time=finish))
            number += 1

    def _open(self, turn: Shift) -> Iterator[Shift]:
        if self.hours is None:
            yield turn
            return
        at = turn.start_time
        while at < turn.end_time:
            begin = self.hours.opens(at)
            finish = self.hours.until(begin)
            if begin >= turn.end_time or finish is None:
                return
            yield Shift(person=turn.person, start_time=begin, end_time=min(finish, turn.end_time))
            at = finish


Source = Callable[[dt.datetime, dt.datetime], Sequence[Shift]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Who is on call: an override, else what was imported, else the first rotation that has somebody."""

    name: str
    zone: str = "Asia/Seoul"
    rotations: tuple[Rotation, ...] = ()
    overrides: tuple[Shift, ...] = ()
    imported: Source | None = None

    def on_call(self, at: dt.datetime) -> tuple[str, ...]:
        """Name who is on call at a moment; empty: nobody is."""
        for layer in self._layers(at, at + dt.timedelta(microseconds=1)):
            if found := [each.person for each in layer if each.start_time <= at < each.end_time]:
                return tuple(dict.fromkeys(found))
        return ()

    def shifts(self, start: dt.datetime, end: dt.datetime) -> list[Shift]:
        """Give who is on call between two moments, cut to them; joined where nobody hands over."""
        layers = list(self._layers(start, end))
        edges = {start, end}
        for layer in layers:
            for each in layer:
                edges.update(time for time in (each.start_time, each.end_time) if start < time < end)
        found: list[Shift] = []
        open_shifts: dict[str, Shift] = {}
        ordered = sorted(edges)
        for begin, finish in itertools.pairwise(ordered):
            names = self.on_call_of(layers, begin)
            for name in [each for each in open_shifts if each not in names]:
                found.append(open_shifts.pop(name))
            for name in names:
                known = open_shifts.get(name)
                open_shifts[name] = Shift(person=name, start_time=known.start_time if known else begin, end_time=finish)
        found += open_shifts.values()
        return sorted(found, key=lambda each: (each.start_time, each.person))

    @staticmethod
    def on_call_of(layers: Sequence[Sequence[Shift]], at: dt.datetime) -> tuple[str, ...]:
        """Name who is on call by layers, the first that has somebody."""
        for layer in layers:
            if found := [each.person for each in layer if each.start_time <= at < each.end_time]:
                return tuple(dict.fromkeys(found))
        return ()

    def _layers(self, start: dt.datetime, end: dt.datetime) -> Iterator[Sequence[Shift]]:
        yield self.overrides
        if self.imported:
            yield self.imported(start, end)
        for rotation in self.rotations:
            yield list(rotation.turns(self.zone, start, end))
