"""Working time: which seconds count, in a zone of the world, on the days and holidays of a house."""

import datetime as dt
import functools
import hashlib
import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from types import MappingProxyType
from zoneinfo import ZoneInfo

Hours = tuple[tuple[int, int], ...]  # Half-open intervals of wall-clock time, in seconds since midnight, 0 to 86,400.
Interval = tuple[dt.datetime, dt.datetime]  # Half-open, UTC.

DAY = 86_400
ALL_DAY: Hours = ((0, DAY),)
CLOSED: Hours = ()
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICRO = dt.timedelta(microseconds=1)
_MICROS = 1_000_000  # in a second
_YEARS = 40  # How far ahead a calendar is searched for working time; one that has none by then counts as over.
_LAST_YEAR = 9_990


class NeverOpens(ValueError):
    """A calendar has no working time at all."""


@dataclass(frozen=True, slots=True)
class _Year:
    """The working time of one year's local days, as instants in microseconds since 1970."""

    starts: list[int]
    ends: list[int]
    passed: list[int]  # working microseconds before each interval, and all of them at the end

    def before(self, instant: int) -> int:
        """Count the working microseconds of this year before an instant."""
        index = bisect_right(self.starts, instant)
        if index == 0:
            return 0
        return self.passed[index - 1] + min(instant, self.ends[index - 1]) - self.starts[index - 1]

    def reach(self, amount: int) -> int:
        """Give the earliest instant before which that much of this year's working time lies; `amount` is above 0."""
        index = bisect_left(self.passed, amount) - 1
        return self.starts[index] + amount - self.passed[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Working hours: an instant counts when the clock on the wall in `zone` stands within that day's hours.

    An exception of a date comes before a holiday, and a holiday before the hours of the weekday.
    """

    name: str
    zone: str  # IANA name
    weekly: tuple[Hours, ...]  # seven, Monday first; sorted and apart
    exceptions: Mapping[dt.date, Hours] = field(default_factory=lambda: MappingProxyType({}))
    holidays: frozenset[dt.date] = frozenset()
    holiday_hours: Hours = CLOSED  # What is worked on a holiday that is no exception.
    version: str = field(init=False)  # Of its content: two calendars with one version count alike.
    is_always: bool = field(init=False)
    _years: dict[int, _Year] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not any(self.weekly) and not any(self.exceptions.values()):
            raise NeverOpens(f"calendar {self.name!r} never opens")
        ZoneInfo(self.zone)  # Raises for a zone that is not there.
        object.__setattr__(self, "version", hashlib.sha256(json.dumps(self.content()).encode()).hexdigest()[:16])
        plain = all(hours == ALL_DAY for hours in (*self.weekly, *self.exceptions.values()))
        object.__setattr__(self, "is_always", plain and (not self.holidays or self.holiday_hours == ALL_DAY))

    def content(self) -> dict[str, object]:
        """Spell everything that decides what counts, in one order, as JSON can hold it."""
        return {
            "name": self.name,
            "zone": self.zone,
            "weekly": [[list(each) for each in hours] for hours in self.weekly],
            "exceptions": {
                day.isoformat(): [list(each) for each in hours] for day, hours in sorted(self.exceptions.items())
            },
            "holidays": sorted(day.isoformat() for day in self.holidays),
            "holiday_hours": [list(each) for each in self.holiday_hours],
        }

    @classmethod
    def of_content(cls, content: Mapping[str, object]) -> "Calendar":
        """Read what `content` spelt."""
        given: dict[str, object] = dict(content)
        weekly, exceptions = given["weekly"], given["exceptions"]
        holidays, reduced = given["holidays"], given["holiday_hours"]
        assert isinstance(weekly, list)
        assert isinstance(exceptions, dict)
        assert isinstance(holidays, list)
        assert isinstance(reduced, list)
        return cls(
            name=str(given["name"]),
            zone=str(given["zone"]),
            weekly=tuple(_hours(each) for each in weekly),
            exceptions={dt.date.fromisoformat(day): _hours(each) for day, each in exceptions.items()},
            holidays=frozenset(map(dt.date.fromisoformat, holidays)),
            holiday_hours=_hours(reduced),
        )

    def hours_on(self, day: dt.date) -> Hours:
        """Give the hours of a local date."""
        if day in self.exceptions:
            return self.exceptions[day]
        return self.holiday_hours if day in self.holidays else self.weekly[day.weekday()]

    def working(self, start: dt.datetime, end: dt.datetime) -> dt.timedelta:
        """Measure the working time between two instants; an end before the start is none."""
        if end <= start:
            return dt.timedelta()
        if self.is_always:
            return end - start
        first, last = _micros(start), _micros(end)
        passed = 0
        for year in range(_year_of(start, -1), _year_of(end, 1) + 1):
            found = self._year(year)
            passed += found.before(last) - found.before(first)
        return passed * _MICRO

    def add(self, start: dt.datetime, amount: dt.timedelta) -> dt.datetime | None:
        """Give the earliest instant at which `amount` of working time has passed since `start`.

        None says that there is not that much working time ahead, as after the last date of a fair.
        """
        if amount <= dt.timedelta():
            return start
        if self.is_always:
            return start + amount
        first, left = _micros(start), amount // _MICRO
        begin = _year_of(start, -1)
        for year in range(begin, min(begin + _YEARS, _LAST_YEAR)):
            found = self._year(year)
            gone = found.before(first)
            if found.passed[-1] - gone >= left:
                return _EPOCH + found.reach(gone + left) * _MICRO
            left -= found.passed[-1] - gone
        return None

    def intervals(self, start: dt.datetime, end: dt.datetime) -> Iterator[Interval]:
        """List the working time between two instants, oldest first; intervals that touch are one."""
        if end <= start:
            return
        if self.is_always:
            yield start, end
            return
        first, last = _micros(start), _micros(end)
        opened = closed = None
        for year in range(_year_of(start, -1), _year_of(end, 1) + 1):
            found = self._year(year)
            for left, right in zip(found.starts, found.ends, strict=True):
                left, right = max(left, first), min(right, last)
                if left >= right:
                    continue
                if left == closed:
                    closed = right
                    continue
                if opened is not None and closed is not None:
                    yield _EPOCH + opened * _MICRO, _EPOCH + closed * _MICRO
                opened, closed = left, right
        if opened is not None and closed is not None:
            yield _EPOCH + opened * _MICRO, _EPOCH + closed * _MICRO

    def _year(self, year: int) -> _Year:
        found = self._years.get(year)
        if found is None:
            found = self._years[year] = self._build(year)
        return found

    def _build(self, year: int) -> _Year:
        found: list[tuple[int, int]] = []
        spans = _spans(self.zone, year)
        day = dt.date(year, 1, 1)
        while day.year == year:
            if hours := self.hours_on(day):
                midnight = _micros(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC))
                for begin, end, offset in spans:
                    for opens, closes in hours:
                        left = max(midnight + opens * _MICROS - offset, begin)
                        right = min(midnight + closes * _MICROS - offset, end)
                        if left < right:
                            found.append((left, right))
            day += dt.timedelta(days=1)
        found.sort()
        return _Year(
            [left for left, _ in found],
            [right for _, right in found],
            [0, *accumulate(right - left for left, right in found)],
        )


def _hours(given: list[list[int]]) -> Hours:
    return tuple((int(opens), int(closes)) for opens, closes in given)


def _micros(time: dt.datetime) -> int:
    return (time - _EPOCH) // _MICRO


def _year_of(time: dt.datetime, days: int) -> int:
    """Give the earliest (-1) or latest (1) year that an instant's local date may have, wherever it is."""
    return (time.astimezone(dt.UTC) + dt.timedelta(days=days)).year


@functools.lru_cache(maxsize=512)
def _spans(zone: str, year: int) -> list[tuple[int, int, int]]:
    """Cut a year, and some days around it, where the offset from UTC changes: (from, until, offset), microseconds."""
    info = ZoneInfo(zone)

    def offset(time: dt.datetime) -> int:
        found = time.astimezone(info).utcoffset()
        assert found is not None
        return found // _MICRO

    at = dt.datetime(year, 1, 1, tzinfo=dt.UTC) - dt.timedelta(days=3)
    last = dt.datetime(year + 1, 1, 1, tzinfo=dt.UTC) + dt.timedelta(days=3)
    spans: list[tuple[int, int, int]] = []
    begin, current = at, offset(at)
    while at < last:
        after = at + dt.timedelta(days=1)
        if offset(after) != current:
            low, high = at, after  # The change is in (low, high], to the second.
            while high - low > dt.timedelta(seconds=1):
                middle = low + (high - low) // dt.timedelta(seconds=2) * dt.timedelta(seconds=1)
                low, high = (low, middle) if offset(middle) != current else (middle, high)
            spans.append((_micros(begin), _micros(high), current))
            begin, current = high, offset(high)
        at = after
    spans.append((_micros(begin), _micros(last), current))
    return spans


ALWAYS = Calendar(name="24x7", zone="UTC", weekly=(ALL_DAY,) * 7)
