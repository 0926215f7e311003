"""Times as people and spreadsheets spell them: in Korean, with named months, as day numbers of Excel."""

import datetime as dt
import re
from collections.abc import Iterable

from sori_ingest.channels import reading

_LONGEST_SERIAL = 20  # characters
_MONTHS = 12
_SPELLED = re.compile(  # 2024. 5. 1 오후 3:05:01, 2024년 5월 1일 10시 5분, 2024/05/01 3:05:01 오후 GMT+9
    r"(\d{4})\s?[./년年-]\s?(\d{1,2})\s?[./월月-]\s?(\d{1,2})\s?[.일日]?,?\s*(?:\([^()]{1,4}\)\s*)?"
    r"(?:(오전|오후|上午|下午|午前|午後|AM|PM)?\s*(\d{1,2})\s?(?:[:시]\s?(?:(\d{1,2})\s?(?:[:분]\s?(?:(\d{1,2})(?:[.]\d+)?\s?초?)?)?)?)"
    r"\s*(오전|오후|AM|PM)?\s*(?:(GMT|UTC|Z)(?![ +-])|(?:GMT|UTC)\s?([+-])(\d{1,2})(?::?(\d\d))?)?)?",
    re.I,
)
_TIME_FORMS = (*("%m/%d/%y %H:%M:%S", "%m/%d/%y %H:%M", "%m/%d/%y %I:%M:%S %p", "%m/%d/%y %I:%M %p", "%m/%d/%y"),)
_DOTTED_FORMS = ("%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y, %H:%M", "%d.%m.%Y")
_NAMED_MONTH_FORMS = (
    *("%d-%b-%Y %H:%M:%S", "%d-%b-%Y %H:%M", "%d-%b-%Y", "%b %d, %Y %I:%M %p", "%b %d, %Y %I:%M:%S %p"),
    *("%b %d, %Y %H:%M", "%b %d, %Y", "%B %d, %Y %I:%M %p", "%B %d, %Y", "%d %b %Y %H:%M:%S", "%d %b %Y"),
)
_DIGITS = re.compile(r"(20\d\d)([01]\d)([0-3]\d)(?:([0-2]\d)([0-5]\d)([0-5]\d)?)?")  # 20261130180000
_SHORT_DATE = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})(?!\d)(.*)", re.S)  # 04/07/2026 15:05, either way about
_LONGEST = 100  # characters
_NAMED = re.compile(  # Nov 20, 2026 at 03:04 PM; 20 November 2026 15:04; after "Reviewed in the United States on", too
    r"(?:^|\bon )(?:([A-Z][a-z]{2,8})\.? (\d{1,2}),?|(\d{1,2}) ([A-Z][a-z]{2,8})\.?,?) (\d{4})"
    r"(?:,?(?: at)? +(\d{1,2}):(\d\d)(?::(\d\d))? ?([AaPp])\.? ?[Mm]\.?)?\s*$"
)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SHORT_HALF = re.compile(r"(?<=[\d ])([ap])\.\s?m\.", re.I)  # as in Spanish
_DOTTED_CLOCK = re.compile(r"(?<=\d)[.](?=\d\d\b)")
CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.]\d+)?)?")
_SHORT_YEAR = re.compile(r"\d\d[./-]\s?\d{1,2}[./-]\s?\d{1,2}(?!\d).*", re.S)
_DAY = 86_400  # seconds
_FIRST_DAY = dt.datetime(1899, 12, 30)  # noqa: DTZ001  # Excel's days are counted from it.
_FIRST_SERIAL, _LAST_SERIAL = 36_526, 73_051  # 2000 to 2100


def moment(value: object, zone: str, *, is_day_first: bool | None = None) -> reading.Moment | None:
    """Read a time, which is of the zone where it has no offset; None of what is none.

    Of dates such as 04/07/2026 the month stands first unless told otherwise, of 04-07-2026 the day.
    """
    if isinstance(value, str) and (found := _SHORT_DATE.fullmatch(value.strip()[:60])):
        value = _turned(found, is_day_first=is_day_first)
    elif (
        isinstance(value, str)
        and not value[:4].isdecimal()
        and (found := _NAMED.search(value[:_LONGEST]))
        and (made := _named(found, zone))
    ):
        return made
    if isinstance(value, str) and "." in value[-3:]:
        value = _SHORT_HALF.sub(r"\1m", value)
    unfolded = _unfolded(value, zone)
    has_half = isinstance(unfolded, str) and unfolded[-1:] in ("M", "m")  # Then it is none of the usual times.
    if not has_half and (made := reading.moment(unfolded, local=zone)) is not None:
        return made
    if (found := _SPELLED.fullmatch(str(unfolded).strip()[:60])) and (made := _spelled(found, zone)):
        return made
    if has_half and (made := reading.moment(unfolded, local=zone)) is not None:
        return made
    text = str(value).strip()[:60]
    named = _NAMED_MONTH_FORMS if text[:12].upper().isupper() else _DOTTED_FORMS
    for form in _TIME_FORMS if "/" in text else named:
        try:
            spelled = dt.datetime.strptime(text, form)  # noqa: DTZ007
        except ValueError:
            continue
        return reading.moment(spelled.isoformat(), local=zone)
    return None


def is_day_first(values: Iterable[object], received: dt.datetime) -> bool | None:
    """Say whether the day stands before the month in a table's dates, where one of them can only be meant so."""
    dates = [found for each in values if isinstance(each, str) and (found := _SHORT_DATE.match(each.strip()))]
    if any(int(each[3]) > _MONTHS for each in dates):
        return False
    return True if any(int(each[1]) > _MONTHS for each in dates) or _are_to_come(dates, received) else None


def _are_to_come(dates: Iterable[re.Match[str]], received: dt.datetime) -> bool:
    """Say whether one of the dates would be in the future with the month first, and none with the day first."""
    latest = (received + dt.timedelta(days=2)).date().isoformat()
    month_first = [_turned(each, is_day_first=False)[: len(latest)] for each in dates]
    day_first = [_turned(each, is_day_first=True)[: len(latest)] for each in dates]
    return any(each > latest for each in month_first) and all(each <= latest for each in day_first)


def _turned(found: re.Match[str], *, is_day_first: bool | None) -> str:
    """Write a date with its year first."""
    first, second = int(found[1]), int(found[3])
    if is_day_first is None:
        is_day_first = found[2] == "-" and second <= _MONTHS
    day, month = (first, second) if is_day_first else (second, first)
    return f"{found[4]}-{month:02}-{day:02}{_DOTTED_CLOCK.sub(':', found[5])}"


def _unfolded(value: object, zone: str) -> object:
    """Write out a time that stands as digits alone, as Excel's day number, with a short year or with UTC after it."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    if found := _DIGITS.fullmatch(text):
        return f"{found[1]}-{found[2]}-{found[3]}T{found[4] or '00'}:{found[5] or '00'}:{found[6] or '00'}"
    if text[:1].isdecimal() and len(text) <= _LONGEST_SERIAL and text.replace(".", "", 1).isdecimal():
        days = float(text)
        return (
            (_FIRST_DAY + dt.timedelta(seconds=round(days * _DAY))).isoformat()
            if _FIRST_SERIAL <= days < _LAST_SERIAL
            else value
        )
    if text[-4:] in (" UTC", " GMT"):
        return f"{text[:-4]}Z"
    return f"20{text}" if zone == "Asia/Seoul" and _SHORT_YEAR.fullmatch(text) else value


def _named(found: re.Match[str], zone: str) -> reading.Moment | None:
    """Read a time whose month has its name, and whose clock, if any, says which half of the day it means."""
    name, day = (found[1], found[2]) if found[1] else (found[4], found[3])
    if (short := name[:3].lower()) not in _NAMES:
        return None
    hour = int(found[6] or 0) % 12 + 12 * ((found[9] or "").lower() == "p") if found[9] else 0
    clock = f"{hour:02}:{found[7] or '00'}:{found[8] or '00'}"
    return reading.moment(f"{found[5]}-{_NAMES.index(short) + 1:02}-{int(day):02}T{clock}", local=zone)


def _spelled(found: re.Match[str], zone: str) -> reading.Moment | None:
    year, month, day, hour, minute, second = (int(found[group] or 0) for group in (1, 2, 3, 5, 6, 7))
    half = (found[4] or found[8] or "").upper()
    if half in ("오후", "下午", "午後", "PM") and hour < 12:
        hour += 12
    elif half in ("오전", "上午", "午前", "AM") and hour == 12:
        hour = 0
    offset = f"{found[10]}{int(found[11]):02}:{found[12] or '00'}" if found[10] else "Z" if found[9] else ""
    return reading.moment(f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{offset}", local=zone)


def at_clock(found: reading.Moment, clock: str) -> reading.Moment:
    """Add the time of day that stands in a column of its own beside the date."""
    local = found.time + dt.timedelta(minutes=found.offset_minutes)
    if not (parts := CLOCK.fullmatch(clock)) or local.time() != dt.time():
        return found
    hours, minutes, seconds = (int(each or 0) for each in parts.groups())
    later = dt.timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return reading.Moment(found.time + later, found.offset_minutes)
