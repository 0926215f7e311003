"""Moments and weeks as people read them."""

import datetime as dt
from zoneinfo import ZoneInfo

from sori_console.domain.words import Language, Words

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def moment(time: dt.datetime, *, now: dt.datetime, zone: ZoneInfo, language: Language) -> str:
    """Write a moment in the company's zone, with its year only when that is not this year."""
    local, today = time.astimezone(zone), now.astimezone(zone)
    if language is Language.KO:
        day = f"{local.month}월 {local.day}일"
        return f"{day} {local:%H:%M}" if local.year == today.year else f"{local.year}년 {day} {local:%H:%M}"
    day = f"{local.day} {_MONTHS[local.month - 1]}"
    return f"{day} {local:%H:%M}" if local.year == today.year else f"{day} {local.year} {local:%H:%M}"


def exact(time: dt.datetime, zone: ZoneInfo) -> str:
    """Write a moment for machines, with the zone's offset."""
    return time.astimezone(zone).isoformat(timespec="seconds")


def week_start(week: str) -> dt.date | None:
    """Give the Monday of an ISO week such as `2026-W47`, or None when it is not one."""
    year, _, number = week.partition("-W")
    try:
        return dt.date.fromisocalendar(int(year), int(number), 1)
    except ValueError:
        return None


def is_complete(week: str, *, now: dt.datetime, zone: ZoneInfo) -> bool:
    """Say whether a week is over in the company's zone."""
    monday = week_start(week)
    return monday is not None and monday + dt.timedelta(days=7) <= now.astimezone(zone).date()


def week_label(week: str, words: Words) -> str:
    """Name a week; one that cannot be read is shown as it is."""
    monday = week_start(week)
    if monday is None:
        return week
    calendar = monday.isocalendar()
    return words("line.week", year=calendar.year, week=calendar.week)
