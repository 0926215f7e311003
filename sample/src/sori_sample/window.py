"""The days the sample covers."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

SEOUL = dt.timezone(dt.timedelta(hours=9))  # Korea keeps no summer time.
DAY_COUNT = 30
WEEK_COUNT = 4


@dataclass(frozen=True, slots=True)
class Window:
    """The 30 days before `end`; `end` itself is outside, so that nothing is in the future today."""

    end: dt.date

    @property
    def start(self) -> dt.date:
        """First day."""
        return self.end - dt.timedelta(days=DAY_COUNT)

    @property
    def days(self) -> Sequence[dt.date]:
        """All 30 days."""
        return [self.start + dt.timedelta(days=number) for number in range(DAY_COUNT)]

    @property
    def weekdays(self) -> Sequence[dt.date]:
        """The days from Monday to Friday."""
        return [day for day in self.days if day.weekday() < 5]

    @property
    def mondays(self) -> Sequence[dt.date]:
        """Mondays of the four last ISO weeks that are over before `end`; the first may begin before the window."""
        this_monday = self.end - dt.timedelta(days=self.end.weekday())
        return [this_monday - dt.timedelta(weeks=count) for count in range(WEEK_COUNT, 0, -1)]

    def day(self, number: int) -> dt.date:
        """Return the day with this number, 1 to 30."""
        return self.start + dt.timedelta(days=number - 1)

    def number(self, day: dt.date) -> int:
        """Return the day's number, 1 to 30 inside the window."""
        return (day - self.start).days + 1

    def contains(self, time: dt.datetime) -> bool:
        """Say whether a moment is on one of the 30 days in Seoul."""
        return self.start <= time.astimezone(SEOUL).date() < self.end


def week_name(day: dt.date) -> str:
    """Return the ISO week of a day, as in `2026-W46`."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02}"


def at(day: dt.date, hour: float) -> dt.datetime:
    """Return the moment of a day in Seoul, to the second; `hour` may be fractional."""
    midnight = dt.datetime.combine(day, dt.time(), SEOUL)
    return midnight + dt.timedelta(seconds=int(hour * 3600))
