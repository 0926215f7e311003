"""Columns to fields: how a row becomes a touchpoint."""

import datetime as dt
import json
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from google.protobuf.timestamp_pb2 import Timestamp

from sori.ingest.v1 import touchpoint_pb2
from sori_cli import marks
from sori_cli.files import Reject, Row
from sori_cli.screen import SEOUL, Problem, word, words

LONGEST_TEXT = 100_000  # characters, as ingest takes them
_LONGEST_TIME = 60  # characters
_FEWEST_NAMES = 2  # of fields, in a header that is not the first row

_TEXTS = {"text", "external_id", "source", "thread_id", "order_id", "product", "org_unit", "language"}
_ENUMS = {
    "channel": (touchpoint_pb2.Channel, "CHANNEL"),
    "kind": (touchpoint_pb2.TouchpointKind, "TOUCHPOINT_KIND"),
    "actor": (touchpoint_pb2.Actor, "ACTOR"),
}
_SURVEYS = {"nps", "csat", "ces"}
_IDENTIFIERS = {word(name, "IDENTIFIER_TYPE"): value for name, value in touchpoint_pb2.IdentifierType.items() if value}
_ATTRIBUTE = "attributes."
FIELDS = sorted({*_TEXTS, *_ENUMS, *_SURVEYS, *_IDENTIFIERS, "rating", "revision", "occurred_time"})

_LOST_ZERO = re.compile(r"1[016789]\d{7,8}")  # a mobile number that a spreadsheet took for a number

# 2026. 11. 20. 오후 3:00:05, 2026년 11월 20일 (금) 15시, 2026/11/20 3:00 PM, 2026/11/20 3:00:05 오후 GMT+9
_SPELLED = re.compile(
    r"(\d{4})\s?[./년-]\s?(\d{1,2})\s?[./월-]\s?(\d{1,2})\s?[.일]?,?\s*(?:\([월화수목금토일]\)\s*)?"
    r"(?:(오전|오후|AM|PM)?\s*(\d{1,2})\s?[:시]\s?(?:(\d{1,2})\s?[:분]?\s?(?:(\d{1,2})(?:\.\d+)?\s?초?)?)?"
    r"\s*(오전|오후|AM|PM)?)?(?:\s*(?:(UTC|GMT|Z)|(?:UTC|GMT)?\s?([+-]\d{1,2}):?(\d\d)?))?",
    re.I,
)
_SHORT_DATE = re.compile(r"(\d{1,2})([/-])(\d{1,2})\2(\d{4})(?!\d)(.*)", re.S)  # 04/07/2026 15:05, either way about
_SHORT_YEAR = re.compile(r"\d\d\.\s\d{1,2}\.\s\d{1,2}(?!\d).*", re.S)  # 26. 11. 20. 오후 3:00
_MONTHS = 12
_GUARDS = frozenset("='")
_SPACES = re.compile(r"[\s\u200b\ufeff]+")
_COMPACT = re.compile(  # 20261120, 20261120150601; as a count it would be in 1970 or 2600
    r"(20\d\d)([01]\d)([0-3]\d)(?:([0-2]\d)([0-5]\d)([0-5]\d)?)?"
)
_DOTTED = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})(?:,?\s+(\d{1,2}:\d\d(?::\d\d)?))?")  # 20.11.2026 15:04
_NAMED = re.compile(  # Nov 20, 2026 at 3:04 PM; 20-Nov-2026 15:04; as an e-mail, Fri, 20 Nov 2026 06:04:05 GMT
    r"(?:[A-Z][a-z]{2,8},? )?(?:([A-Z][a-z]{2,8})\.? (\d{1,2})|(\d{1,2})[ -]([A-Z][a-z]{2,8})\.?),?[ -](\d{4})"
    r"(?:,| at)?(.*)"
)
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d\d)(?!\d)(.*)", re.S)  # 11/20/26 3:04 PM
_HALF = re.compile(r"(?<=[\d ])([ap])\.\s?m\.", re.I)  # p. m., as in Spanish
_ZONES = {"KST": "+09:00", "JST": "+09:00", "CET": "+01:00", "CEST": "+02:00"}
_DAY = 86_400  # seconds
_FIRST_DAY = dt.datetime(1899, 12, 30)  # noqa: DTZ001  # Spreadsheets count days from it.
_SERIAL = re.compile(r"\d{5}(?:\.\d{1,12})?")
_FIRST_SERIAL, _LAST_SERIAL = 36_526, 73_051  # 2000 to 2100
_NOTHING = frozenset({"-", "–", "—", "n/a", "null", "none", "없음", "해당없음", "미입력", "무응답", "미응답"})
_SUMS = frozenset({"합계", "총계", "소계", "평균", "total", "grand total", "average", "mean", "sum"})
_NOBODY = frozenset({"anonymous", "익명", "비회원"})  # in place of who it was
_DASHES = re.compile(r"[\s-]+")
_PERCENT = 100

# What most often comes through a channel, where nothing says what happened.
_USUAL_KINDS = {
    "review": "review",
    "survey": "survey_response",
    "sns": "mention",
    "delivery": "delivery",
    "crm": "other",
}


class BadCell(Exception):
    """A cell that does not suit its field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What rows hold that do not say otherwise."""

    source: str
    channel: int
    kind: int
    actor: int
    org_unit: str
    occurred_time: Timestamp
    occurred_offset_minutes: int
    external_id_prefix: str  # The line number follows.


def enum_value(field: str, name: str) -> int:
    """Read the name of a channel, kind or actor, as in `call_center`."""
    kind, prefix = _ENUMS[field]
    try:
        value: int = kind.Value(f"{prefix}_{_DASHES.sub('_', name.strip().upper())}")
    except ValueError:
        value = 0
    if not value:
        raise BadCell(f"is none of {', '.join(words(kind, prefix))}")
    return value


def usual_kind(channel: str) -> str:
    """Say what most often happens on a channel."""
    return _USUAL_KINDS.get(channel, "inquiry")


def read_map(given: Sequence[str]) -> dict[str, str]:
    """Read `--map`: `column=field` each, or one YAML file that maps columns to fields."""
    found: dict[str, str] = {}
    for each in given:
        column, equals, field = each.rpartition("=")
        if equals:
            found[column.strip()] = field.strip()
        else:
            found |= _read_yaml(Path(each))
    for column, field in found.items():
        if field not in FIELDS and not field.startswith(_ATTRIBUTE):
            raise Problem(
                f"--map {column}={field}: there is no field {field}; there are {', '.join(FIELDS)}, attributes.NAME"
            )
    fields = [field for field in found.values() if field not in _IDENTIFIERS]
    if twice := sorted({field for field in fields if fields.count(field) > 1}):
        raise Problem(f"--map: more than one column goes to {', '.join(twice)}")
    if len(surveys := sorted(_SURVEYS & set(fields))) > 1:
        raise Problem(f"--map: a row holds one survey answer, and {' and '.join(surveys)} are two")
    return found


def _unguarded(cell: str) -> str:
    """Take off what keeps a spreadsheet from counting with a cell, as in ="0101234" and '+82 10."""
    if cell[:2] == '="' and cell[-1] == '"' and len(cell) > 2:
        return cell[2:-1]
    return cell[1:] if cell[:1] == "'" and cell[1:2] in ("+", "-", "=", "@") else cell


def is_header(cells: Sequence[str], columns: Mapping[str, str], *, is_first: bool = True) -> bool:
    """Say whether a row names the columns that a mapping names, or without one any field.

    Below the first row one field is too few: a channel may be called `email`, too.
    """
    names = {_plain(cell) for cell in cells}
    if columns:
        return {_plain(column) for column in columns} <= names
    return len(names.intersection(FIELDS)) >= (1 if is_first else _FEWEST_NAMES)


def is_day_first(
    rows: Iterable[Row | Reject], header: Sequence[str], columns: Mapping[str, str], *, now: dt.datetime
) -> bool | None:
    """Say whether the day stands before the month in a file's dates, where one of them can only be meant so."""
    names = [_plain(name) for name in header]
    times = {_plain(name) for name, field in columns.items() if field == "occurred_time"} or {"occurred_time"}
    places = [at for at, name in enumerate(names) if name in times]
    latest = (now + dt.timedelta(days=2)).date().isoformat()
    found, to_come = False, {True: False, False: False}  # whether any date would be, by whether the day stands first
    for row in rows:
        for cell in [row.cells[at] for at in places if at < len(row.cells)] if isinstance(row, Row) else ():
            date = _SHORT_DATE.fullmatch(cell.strip())
            if date is None:
                continue
            if int(date[3]) > _MONTHS:
                return False
            found = found or int(date[1]) > _MONTHS
            for first in to_come:
                to_come[first] = to_come[first] or _turned(date, is_day_first=first) > latest
    return True if found or (to_come[False] and not to_come[True]) else None


def _turned(date: re.Match[str], *, is_day_first: bool) -> str:
    """Write a date with its year first."""
    day, month = (date[1], date[3]) if is_day_first else (date[3], date[1])
    return f"{date[4]}-{int(month):02}-{int(day):02}"


def scale(
    rows: Iterable[Row | Reject], header: Sequence[str], columns: Mapping[str, str], field: str
) -> tuple[float, float]:
    """Say which scale a file's marks of a field are on, where it is not the usual one; else zeros."""
    names = [_plain(name) for name in header]
    marked = {_plain(name) for name, each in columns.items() if each == field} or {field}
    at = next((place for place, name in enumerate(names) if name in marked), len(names))
    return marks.scale(field, (row.cells[at] for row in rows if isinstance(row, Row) and at < len(row.cells)))


def _plain(name: str) -> str:
    """Spell a column's name as others that look alike: composed, with single spaces."""
    return _SPACES.sub(" ", unicodedata.normalize("NFC", name)).strip()


class Mapper:
    """Makes touchpoints of the rows under one header."""

    def __init__(
        self,
        header: Sequence[str],
        columns: Mapping[str, str],
        defaults: Defaults,
        is_day_first: Callable[[], bool | None] = lambda: None,
        scale_of: Callable[[str], tuple[float, float]] = lambda _: (0, 0),
    ) -> None:
        names = [_plain(name) for name in header]
        columns = {_plain(name): field for name, field in columns.items()}
        columns = columns or {name: name for name in names if name in FIELDS}
        there = ", ".join(name or "(without a name)" for name in names)
        if not columns:
            raise Problem(f"no column has the name of a field: say with --map which is which; the columns are {there}")
        if missing := [column for column in columns if column not in names]:
            raise Problem(f"there is no column {', '.join(missing)}; the columns are {there}")
        if twice := [column for column in columns if names.count(column) > 1]:
            raise Problem(f"more than one column is named {', '.join(twice)}")
        self._names = names
        self._width = len(names)
        self._setters = [(names.index(column), field, self._setter(field)) for column, field in columns.items()]
        self._is_day_first = is_day_first
        self._order: tuple[bool | None] | None = None  # what is_day_first says, once it is asked
        self._scale_of = scale_of
        self._scales: dict[str, tuple[float, float]] = {}  # what scale_of says, once it is asked
        self._defaults = defaults

    def touchpoint(self, row: Row) -> touchpoint_pb2.Touchpoint | Reject:
        """Make the touchpoint of a row, or say what is wrong with the row."""
        cells = row.cells
        if len(cells) != self._width and (len(cells) < self._width or any(cells[self._width :])):
            return Reject(row.line, f"has {len(cells)} cells instead of {self._width}")
        if cells[0].strip().lower() in _SUMS and not any(not at and field == "text" for at, field, _ in self._setters):
            return Reject(row.line, "sums up other rows")
        defaults = self._defaults
        fields: dict[str, Any] = {
            "source": defaults.source,
            "external_id": f"{defaults.external_id_prefix}{row.line}",
            "channel": defaults.channel,
            "kind": defaults.kind,
            "actor": defaults.actor,
            "org_unit": defaults.org_unit,
            "occurred_time": defaults.occurred_time,
            "occurred_offset_minutes": defaults.occurred_offset_minutes,
        }
        for index, field, put in self._setters:
            cell = cells[index]
            try:
                put(fields, _unguarded(cell) if cell[:1] in _GUARDS else cell)
            except BadCell as error:
                return Reject(row.line, str(error), field)
        return touchpoint_pb2.Touchpoint(**fields)

    def _setter(self, field: str) -> Callable[[dict[str, Any], str], None]:
        if field == "rating":
            return self._put_rating
        if field in _SURVEYS:
            kind = touchpoint_pb2.SurveyType.Value(f"SURVEY_TYPE_{field.upper()}")
            return lambda fields, cell: self._put_survey(fields, field, kind, cell)
        return self._put_time if field == "occurred_time" else _setter(field)

    def _put_rating(self, fields: dict[str, Any], cell: str) -> None:
        if cell and not _is_nothing(cell):
            value, lowest, highest = self._mark("rating", cell)
            fields["rating"] = touchpoint_pb2.Rating(value=value, lowest=lowest, highest=highest)

    def _put_survey(
        self, fields: dict[str, Any], field: str, kind: touchpoint_pb2.SurveyType.ValueType, cell: str
    ) -> None:
        if cell and not _is_nothing(cell):
            value, lowest, highest = self._mark(field, cell)
            if kind == touchpoint_pb2.SURVEY_TYPE_NPS:  # It has one scale.
                lowest = highest = 0
            fields["survey"] = touchpoint_pb2.Survey(type=kind, score=value, lowest=lowest, highest=highest)

    def _mark(self, field: str, cell: str) -> tuple[float, float, float]:
        """Read a mark and the scale that it or its column tells; zeros where that is the usual one."""
        try:
            value, highest = marks.read(cell, words=field in ("rating", "csat"))
        except marks.NoMark as error:
            raise BadCell(str(error)) from None
        if highest:
            return value, 0.0 if highest == _PERCENT else min(1.0, value), highest
        if (told := self._scales.get(field)) is None:
            told = self._scales[field] = self._scale_of(field)
        return value, *told

    def _put_time(self, fields: dict[str, Any], cell: str) -> None:
        if self._order is None and not cell[:4].isdecimal() and _SHORT_DATE.fullmatch(cell.strip()):
            self._order = (self._is_day_first(),)
        order = self._order[0] if self._order else None
        fields["occurred_time"], fields["occurred_offset_minutes"] = read_time(cell, is_day_first=order)

    def document(self, row: Row) -> touchpoint_pb2.Touchpoint | Reject:
        """Make the touchpoint of a JSON object, whose names, or paths, are the header."""
        opened = self.opened(row)
        return self.touchpoint(opened) if isinstance(opened, Row) else opened

    def opened(self, row: Row) -> Row | Reject:
        """Give the cells of a JSON object, whose names, or paths, are the header."""
        try:
            value = json.loads(row.cells[0], parse_constant=lambda _: None)
        except (ValueError, RecursionError):
            return Reject(row.line, "is not JSON")
        if not isinstance(value, dict):
            return Reject(row.line, "is not a JSON object")
        cells = []
        for name in self._names:
            cell = _at(value, name)
            if isinstance(cell, dict | list):
                return Reject(row.line, "is not a text or number", name)
            cells.append(_cell(cell))
        return Row(row.line, cells)


def _at(value: Any, path: str) -> Any:
    if isinstance(value, dict) and path in value:
        return value[path]
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def _cell(value: Any) -> str:
    if value is None or value is True or value is False:
        return {None: "", True: "true", False: "false"}[value]
    if isinstance(value, str):  # Halves of surrogate pairs are no text.
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return f"{value:.0f}" if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def check_text(text: str) -> None:
    """Refuse a text that ingest would refuse, before it is sent."""
    if len(text) > LONGEST_TEXT:  # Which also bounds its bytes, to four times as many.
        raise BadCell(f"has {len(text):,} characters, more than {LONGEST_TEXT:,}")


def read_time(text: str, *, is_day_first: bool | None = None) -> tuple[Timestamp, int]:
    """Read ISO 8601, Korean and American spellings, or seconds (or ms) since 1970; without an offset it is Korean time.

    Of dates such as 04/07/2026 the month stands first unless told otherwise, of 04-07-2026 the day.
    """
    text = text.strip()
    if text.endswith("z"):  # RFC 3339 allows it.
        text = f"{text[:-1]}Z"
    if not text[:4].isdecimal() and (short := _SHORT_DATE.fullmatch(text[:_LONGEST_TIME])):
        if is_day_first is None:
            is_day_first = short[2] == "-" and int(short[3]) <= _MONTHS
        text = f"{_turned(short, is_day_first=is_day_first)}{short[5]}"
    time = _read_time(text)
    time = time if time.tzinfo else time.replace(tzinfo=SEOUL)
    made = Timestamp()
    try:
        made.FromDatetime(time)
    except (ValueError, OverflowError):
        raise BadCell("is not a time that can be stored") from None
    return made, round((time.utcoffset() or dt.timedelta()).total_seconds() / 60)


def _read_time(text: str) -> dt.datetime:
    if text[4:5] == "-":  # ISO 8601, as nearly always
        try:
            return dt.datetime.fromisoformat(text)
        except ValueError:
            pass
    text = _as_iso(text)
    try:
        seconds = float(text)
        if not math.isfinite(seconds):
            raise BadCell("is not a time")
        return dt.datetime.fromtimestamp(seconds / 1000 if abs(seconds) > 1e11 else seconds, SEOUL)
    except (ValueError, OverflowError, OSError):
        try:
            return dt.datetime.fromisoformat(text)
        except ValueError:
            raise BadCell("is not a time: neither ISO 8601 nor seconds since 1970" if text else "is empty") from None


def _as_iso(text: str) -> str:
    """Spell a date as spreadsheets and people in Korea write it in ISO 8601; anything else stays as it is."""
    if len(text) > _LONGEST_TIME:
        return text
    if found := _COMPACT.fullmatch(text):
        return f"{found[1]}-{found[2]}-{found[3]}T{found[4] or '00'}:{found[5] or '00'}:{found[6] or '00'}"
    if _SERIAL.fullmatch(text) and _FIRST_SERIAL <= (days := float(text)) < _LAST_SERIAL:
        return (_FIRST_DAY + dt.timedelta(seconds=round(days * _DAY))).isoformat()
    text = _year_first(text)
    head, _, zone = text.rpartition(" ")
    if zone in _ZONES:
        text = f"{head} {_ZONES[zone]}"
    if text[2:3] == "." and _SHORT_YEAR.fullmatch(text):
        text = f"20{text}"
    found = _SPELLED.fullmatch(text)
    if found is None:
        return text
    year, month, day, hour, minute, second = (int(found[each] or 0) for each in (1, 2, 3, 5, 6, 7))
    half = (found[4] or found[8] or "").upper()
    if half in ("오후", "PM") and hour < 12:
        hour += 12
    elif half in ("오전", "AM") and hour == 12:
        hour = 0
    offset = f"{int(found[10]):+03}:{found[11] or '00'}" if found[10] else "Z" if found[9] else ""
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{offset}"


def _year_first(text: str) -> str:
    """Turn about a date that has its year last, or names its month."""
    text = _HALF.sub(r"\1m", text) if text[-1:] == "." else text
    if found := _DOTTED.fullmatch(text):
        return f"{found[3]}-{found[2]}-{found[1]} {found[4] or ''}".rstrip()
    if found := _AMERICAN.fullmatch(text):
        return f"20{found[3]}-{found[1]}-{found[2]}{found[4]}"
    if (found := _NAMED.fullmatch(text)) and (name := (found[1] or found[4])[:3].lower()) in _MONTH_NAMES:
        return f"{found[5]}-{_MONTH_NAMES.index(name) + 1}-{found[2] or found[3]}{found[6]}"
    return text


def _is_nothing(cell: str) -> bool:
    return cell.strip().lower() in _NOTHING


def _read_yaml(path: Path) -> dict[str, str]:
    try:
        loaded = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Problem(f"--map {path}: neither column=field nor a file ({error.strerror})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Problem(f"--map {path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(loaded, dict) or not all(isinstance(each, str) for pair in loaded.items() for each in pair):
        raise Problem(f"--map {path}: must hold lines `column: field`")
    return loaded


def _setter(field: str) -> Callable[[dict[str, Any], str], None]:
    """Give what puts a cell into a field; an empty cell leaves the default."""
    if field == "text":
        return _put_text
    if field in _TEXTS:
        return lambda fields, cell: fields.update({field: cell}) if cell else None
    if field in _ENUMS:
        return lambda fields, cell: fields.update({field: enum_value(field, cell)}) if cell else None
    if field in _IDENTIFIERS:
        kind = touchpoint_pb2.IdentifierType.ValueType(_IDENTIFIERS[field])
        return lambda fields, cell: _put_identifier(fields, kind, cell)
    if field.startswith(_ATTRIBUTE):
        name = field.removeprefix(_ATTRIBUTE)
        return lambda fields, cell: fields.setdefault("attributes", {}).update({name: cell}) if cell else None
    return _put_revision


def _put_text(fields: dict[str, Any], cell: str) -> None:
    check_text(cell)
    fields["text"] = cell


def _put_identifier(fields: dict[str, Any], kind: touchpoint_pb2.IdentifierType.ValueType, cell: str) -> None:
    if (value := cell.strip()) and not _is_nothing(value) and value.lower() not in _NOBODY:
        if kind == touchpoint_pb2.IDENTIFIER_TYPE_PHONE and _LOST_ZERO.fullmatch(value):
            value = f"0{value}"
        fields.setdefault("identifiers", []).append(touchpoint_pb2.Identifier(type=kind, value=value))


def _put_revision(fields: dict[str, Any], cell: str) -> None:
    if cell:
        try:
            fields["revision"] = int(cell)
        except ValueError:
            raise BadCell("is not a whole number") from None
