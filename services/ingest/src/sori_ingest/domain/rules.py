"""Limits and defaults of the normal form; a rule gives what is wrong, as in "is missing", or nothing."""

import math
import re
import unicodedata
from dataclasses import dataclass

MOST_TOUCHPOINTS = 1_000  # in one batch
MOST_IDENTIFIERS = 20
MOST_ATTRIBUTES = 50
LONGEST_TEXT = 100_000  # characters, as all lengths here
LONGEST_IDENTIFIER = 256
LONGEST_REFERENCE = 256  # a record, thread, order, product or survey
LONGEST_ORG_UNIT = 64
LONGEST_ATTRIBUTE_KEY = 64
LONGEST_ATTRIBUTE_VALUE = 1_000
LARGEST_OFFSET = 1_080  # minutes

USUAL_RATING = (1.0, 5.0)

_FUTURE_SECONDS = 300
_YEAR_2000 = 946_684_800  # seconds since 1970
_SHRINKS = 4  # Composing makes at most this many code points one.
_MOST_MARKS = 30  # combining marks in a row: Unicode's stream-safe text (UAX #15); sorting more takes quadratic time
_SOURCE = re.compile(r"[a-z0-9._-]{1,64}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,8}")


@dataclass(slots=True)  # Frozen it would take four times as long to make.
class Instant:
    """A moment as the wire has it; nobody changes it."""

    seconds: int  # since 1970, UTC
    nanos: int


@dataclass(frozen=True, slots=True)
class Question:
    """A kind of survey question."""

    lowest: float
    highest: float
    fixed: bool = False  # No other scale is allowed.


NPS = Question(0, 10, fixed=True)
CSAT = Question(1, 5)
CES = Question(1, 7)


def clean(value: str, longest: int) -> tuple[str, str]:
    """Bring a string into NFC; gives it with what is wrong with it."""
    if not value.isascii() and not unicodedata.is_normalized("NFC", value):
        if len(value) > longest * _SHRINKS:
            return value, _too_long(longest)
        if _has_long_run_of_marks(value):
            return value, f"has more than {_MOST_MARKS} combining marks in a row"
        value = unicodedata.normalize("NFC", value)
    if len(value) > longest:
        return value, _too_long(longest)
    if "\0" in value:
        return value, "holds a NUL character"
    return value, ""


def _too_long(longest: int) -> str:
    return f"is longer than {longest:,} characters"


def _has_long_run_of_marks(value: str) -> bool:
    run = 0
    for character in value:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > _MOST_MARKS:
            return True
    return False


def wrong_source(source: str) -> str:
    """Judge the name of a source."""
    if not source:
        return "is missing"
    return "" if _SOURCE.fullmatch(source) else "is not 1 to 64 of a-z, 0-9, '-', '_', '.'"


def wrong_language(tag: str) -> str:
    """Judge the shape of a BCP 47 tag."""
    return "" if _LANGUAGE.fullmatch(tag) else "is not a BCP 47 language tag"


def wrong_time(seconds: int, nanos: int, now: Instant) -> str:
    """Judge when something is said to have happened."""
    if not 0 <= nanos < 1_000_000_000:
        return "has nanoseconds outside of 0 to 999,999,999"
    if seconds < _YEAR_2000:
        return "is before 2000"
    ahead = seconds - _FUTURE_SECONDS
    if ahead > now.seconds or (ahead == now.seconds and nanos > now.nanos):
        return "is more than five minutes in the future"
    return ""


def scale(lowest: float, highest: float, usual: tuple[float, float]) -> tuple[float, float]:
    """Fill in the usual scale where none is given."""
    return usual if lowest == highest == 0 else (lowest, highest)


def wrong_scale(lowest: float, highest: float) -> str:
    """Judge a scale by its best mark."""
    if math.isfinite(lowest) and math.isfinite(highest) and lowest < highest:
        return ""
    return "is not above `lowest`, both finite"


def wrong_mark(mark: float, lowest: float, highest: float) -> str:
    """Judge a mark on a scale."""
    if not math.isfinite(mark):
        return "is not a finite number"
    return "" if lowest <= mark <= highest else "is outside of the scale"
