"""Working calendars as a policy file spells them."""

import datetime as dt
import functools
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays as library
from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from sori_notify.domain import ALWAYS, Calendar, NeverOpens
from sori_notify.domain.calendar import CLOSED, DAY, Hours

ALWAYS_NAMES = frozenset({"24x7", "24/7", "always"})

_FIRST_YEAR, _LAST_YEAR = 2000, 2060  # for which holidays are worked out
_DAYS = {
    name: number
    for number, names in enumerate(
        (
            ("mon", "monday", "월"),
            ("tue", "tuesday", "화"),
            ("wed", "wednesday", "수"),
            ("thu", "thursday", "목"),
            ("fri", "friday", "금"),
            ("sat", "saturday", "토"),
            ("sun", "sunday", "일"),
        )
    )
    for name in names
}
_SETS = {"weekdays": range(5), "weekend": range(5, 7), "daily": range(7), "everyday": range(7)}
_TIME = r"(\d{1,2}):(\d\d)(?::(\d\d))?"
_INTERVAL = re.compile(rf"{_TIME}\s*[-–~]\s*{_TIME}")
_STARTS, _ENDS = ("start", "from", "open", "opens"), ("end", "to", "until", "close", "closes")


def read_hours(given: object) -> list[tuple[int, int]]:
    """Read `09:00-12:00`, a list of such, or nothing for a day that is closed; the end may be past midnight.

    `{start: "09:00", end: "12:00"}` and `[["09:00", "12:00"]]` are intervals, too.
    """
    if given in (None, False, "", "closed"):
        return []
    found: list[tuple[int, int]] = []
    for text in _intervals(given):
        parts = _INTERVAL.fullmatch(text.strip()) if isinstance(text, str) else None
        if parts is None:
            raise ValueError("is not an interval such as 09:00-18:00, a list of such, or `closed`")
        numbers = [int(part or 0) for part in parts.groups()]
        opens, closes = (
            hours * 3600 + minutes * 60 + seconds for hours, minutes, seconds in (numbers[:3], numbers[3:])
        )
        if max(opens, closes) > DAY or max(numbers[1], numbers[2], numbers[4], numbers[5]) > 59 or opens == closes:
            raise ValueError(f"{text} is not an interval of a day")
        found.append((opens, closes if closes > opens else closes + DAY))
    return found


def _intervals(given: object) -> list[object]:
    """Give each interval as one text, where it can be read as one."""
    if isinstance(given, str):
        return list(given.split(","))
    if isinstance(given, dict):
        ends = [next((given[name] for name in names if name in given), None) for names in (_STARTS, _ENDS)]
        return ["-".join(map(_clock, ends)) if len(given) == len(ends) else given]
    if not isinstance(given, list):
        return [given]
    if len(given) == 2 and all(re.fullmatch(_TIME, _clock(each)) for each in given):
        return ["-".join(map(_clock, given))]
    return [text for each in given for text in _intervals(each)]


def _clock(given: object) -> str:
    """Spell a time of the day; YAML reads one without quotes, as in 18:00, as the number 18 x 60."""
    if not isinstance(given, int):
        return str(given).strip()
    minutes, seconds = (given, 0) if given <= DAY // 60 else divmod(given, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


_Hours = Annotated[list[tuple[int, int]], BeforeValidator(read_hours)]


def _dated(given: object) -> object:
    """Let a list of `{date: …, hours: …}` stand for hours by date."""
    if not isinstance(given, list):
        return {} if given is None else given
    found: dict[str, object] = {}
    for each in given:
        if not isinstance(each, dict) or set(each) not in ({"date", "hours"}, {"date", "closed"}):
            raise ValueError("is not a list of {date: 2026-12-24, hours: 09:00-12:00} or {date: …, closed: true}")
        if str(each["date"]) in found:
            raise ValueError(f"{each['date']} stands twice")
        found[str(each["date"])] = each.get("hours")
    return found


def _days(given: object) -> object:
    """Let a list of dates stand for dates without names."""
    return dict.fromkeys(given, "") if isinstance(given, list) else given


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class HolidaysIn(_Strict):
    """Which public holidays there are, and what is worked on them."""

    country: str = Field("", description="ISO 3166 code, as in KR; with its substitute and temporary holidays")
    subdivision: str = ""
    categories: list[str] = ["public"]
    add: Annotated[dict[dt.date, str], BeforeValidator(_days)] = {}
    remove: list[dt.date] = []
    hours: _Hours = []

    @field_validator("country")
    @classmethod
    def _is_known(cls, country: str) -> str:
        if country and country.upper() not in library.list_supported_countries():
            raise ValueError(f"holidays of {country!r} are not known: give an ISO 3166 code such as KR")
        return country.upper()

    def days(self) -> frozenset[dt.date]:
        """Work out the dates."""
        found = _public(self.country, self.subdivision, tuple(self.categories)) if self.country else frozenset()
        return (found | frozenset(self.add)) - frozenset(self.remove)


def _holidays(given: object) -> object:
    """Let a country's code stand for its public holidays, and a list of dates for those dates."""
    if isinstance(given, str):
        return {"country": given}
    if isinstance(given, list):
        countries = [each for each in given if isinstance(each, str) and each.isalpha()]
        if len(countries) < 2:
            return {"country": "".join(countries), "add": [each for each in given if each not in countries]}
    return {} if given in (None, False) else given


@functools.lru_cache(maxsize=64)
def _public(country: str, subdivision: str, categories: tuple[str, ...]) -> frozenset[dt.date]:
    years = range(_FIRST_YEAR, _LAST_YEAR + 1)
    try:
        found = library.country_holidays(country, subdiv=subdivision or None, years=years, categories=categories)
    except (NotImplementedError, ValueError) as error:
        raise ValueError(str(error)) from None
    return frozenset(found)


class CalendarIn(_Strict):
    """One calendar of a policy file."""

    zone: str = Field("Asia/Seoul", validation_alias=AliasChoices("zone", "time_zone", "timezone"))
    weekly: dict[str, _Hours] = {}
    exceptions: Annotated[dict[dt.date, _Hours], BeforeValidator(_dated)] = {}
    holidays: Annotated[HolidaysIn, BeforeValidator(_holidays)] = HolidaysIn()

    @field_validator("zone")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{zone!r} is not a time zone such as Asia/Seoul") from None
        return zone

    @field_validator("weekly")
    @classmethod
    def _are_days(cls, weekly: dict[str, list[tuple[int, int]]]) -> dict[str, list[tuple[int, int]]]:
        seen: set[int] = set()
        for name in weekly:
            numbers = _numbers(name)
            if not numbers:
                raise ValueError(f"{name!r} is not a day such as mon, mon-fri or weekdays")
            if seen & numbers:
                raise ValueError(f"{name!r} names a day for the second time")
            seen |= numbers
        return weekly

    def read(self, name: str) -> Calendar:
        """Make the calendar; intervals that overlap, or none at all, are a ValueError."""
        weekly: list[list[tuple[int, int]]] = [[] for _ in range(7)]
        for days, hours in self.weekly.items():
            for number in sorted(_numbers(days)):
                weekly[number] += hours
        try:
            return Calendar(
                name=name,
                zone=self.zone,
                weekly=_wrapped(weekly),
                exceptions={day: _within_day(hours) for day, hours in self.exceptions.items()},
                holidays=self.holidays.days(),
                holiday_hours=_within_day(self.holidays.hours),
            )
        except NeverOpens:
            raise ValueError("never opens: give it weekly hours") from None


def _numbers(name: str) -> set[int]:
    name = name.strip().lower()
    if name in _SETS:
        return set(_SETS[name])
    found: set[int] = set()
    for part in name.split(","):
        first, _, last = (word.strip() for word in part.partition("-"))
        if first not in _DAYS or (last and last not in _DAYS):
            return set()
        length = (_DAYS[last] - _DAYS[first]) % 7 if last else 0
        found |= {(_DAYS[first] + step) % 7 for step in range(length + 1)}
    return found


def _wrapped(weekly: list[list[tuple[int, int]]]) -> tuple[Hours, ...]:
    """Give what reaches past midnight to the day after."""
    days: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for number, hours in enumerate(weekly):
        for opens, closes in hours:
            days[number].append((opens, min(closes, DAY)))
            if closes > DAY:
                days[(number + 1) % 7].append((0, closes - DAY))
    return tuple(map(_sorted, days))


def _within_day(hours: list[tuple[int, int]]) -> Hours:
    if any(closes > DAY for _, closes in hours):
        raise ValueError("the hours of one date end at 24:00 at the latest")
    return _sorted(hours)


def _sorted(hours: list[tuple[int, int]]) -> Hours:
    if not hours:
        return CLOSED
    found = sorted(hours)
    for (_, closes), (opens, _) in pairwise(found):
        if opens < closes:
            raise ValueError("intervals of a day overlap")
    merged = [found[0]]
    for opens, closes in found[1:]:  # 22:00-24:00 and 00:00-06:00 stay apart, 09:00-12:00 and 12:00-18:00 do not.
        if opens == merged[-1][1]:
            merged[-1] = (merged[-1][0], closes)
        else:
            merged.append((opens, closes))
    return tuple(merged)


def resolve(given: Mapping[str, CalendarIn]) -> tuple[dict[str, Calendar], dict[str, str]]:
    """Make all calendars of a file; gives them by name, and what is wrong with those that cannot be made."""
    found: dict[str, Calendar] = dict.fromkeys(ALWAYS_NAMES, ALWAYS)
    wrong: dict[str, str] = {}
    for name, each in given.items():
        try:
            found[name] = each.read(name)
        except ValueError as error:
            wrong[name] = str(error)
    return found, wrong
