"""What adapters read payloads with: typed getters that raise Unreadable, and setters that keep to the limits."""

import codecs
import datetime as dt
import email.message
import email.utils
import functools
import hashlib
import json
import math
import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Payload, Source, Unreadable
from sori_ingest.domain import rules, zones
from sori_kit import identifiers

JsonObject = dict[str, Any]
Getter = Callable[[object, str], Any]

_DEEPEST = 200  # levels of JSON; below what Python's stack takes, so that adapters may recurse
_MOST_FORM_FIELDS = 1_000
_LONG_TYPE = 200  # characters of a content type; longer ones are not remembered
_DIGEST = 24  # hex digits that stand for the end of a reference that is too long
_KEPT_ALIKE = {  # channel, kind, … by the word that configuration and mappings use, such as `call_center`
    "channel": (pb.Channel, "CHANNEL_"),
    "kind": (pb.TouchpointKind, "TOUCHPOINT_KIND_"),
    "actor": (pb.Actor, "ACTOR_"),
    "identifier": (pb.IdentifierType, "IDENTIFIER_TYPE_"),
    "survey": (pb.SurveyType, "SURVEY_TYPE_"),
}
_NUMBERS: Mapping[str, Mapping[str, int]] = {
    what: {word: number for name, number in kind.items() for word in (name, name.removeprefix(prefix))}
    for what, (kind, prefix) in _KEPT_ALIKE.items()
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_KOREAN = frozenset({"euc-kr", "euckr", "ks_c_5601-1987", "ks_c_5601", "ksc5601", "ks_c_5601_1987", "ms949", "uhc"})


# ---- bytes -------------------------------------------------------------------------------------------------------


class Media(StrEnum):
    """What a body holds."""

    JSON = "json"
    FORM = "form"
    MULTIPART = "multipart"
    MIME = "mime"
    XLSX = "xlsx"
    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    TEXT = "text"


_MEDIA = {
    "application/json": Media.JSON,
    "text/json": Media.JSON,
    "application/x-www-form-urlencoded": Media.FORM,
    "multipart/form-data": Media.MULTIPART,
    "message/rfc822": Media.MIME,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": Media.XLSX,
    "text/csv": Media.CSV,
    "application/csv": Media.CSV,
    "text/tab-separated-values": Media.TSV,
    "application/x-ndjson": Media.JSONL,
    "application/jsonl": Media.JSONL,
    "application/jsonlines": Media.JSONL,
}
_FORM_SHAPE = re.compile(rb"[\w.\-\[\]%+*~]{1,200}=[^\s&]*(?:&[\w.\-\[\]%+*~]{1,200}=[^\s&]*)*\s*")
_MAIL_SHAPE = re.compile(rb"(?:From [^\r\n]*\r?\n)?[!-9;-~]{1,76}:[ \t]?[^\r\n]*\r?\n(?:[ \t]|[!-9;-~]{1,76}:|\r?\n)")


def media(payload: Payload) -> Media:
    """Tell what a body holds, by its content type or else by its bytes."""
    kind = payload.content_type.partition(";")[0].strip().lower()
    if kind in _MEDIA:
        return _MEDIA[kind]
    if kind.endswith("+json"):
        return Media.JSON
    return _media_of(payload.body)


def _media_of(body: bytes) -> Media:
    if body.startswith(b"PK\x03\x04"):
        return Media.XLSX
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        body = body[:4096].decode("utf-16", errors="replace").encode("utf-8", errors="replace")
    start = body.removeprefix(codecs.BOM_UTF8).lstrip()
    if start[:1] in (b"{", b"["):
        return Media.JSONL if start[:1] == b"{" and _is_jsonl(start) else Media.JSON
    if start.startswith(b"--") and b"content-disposition: form-data" in start[:1000].lower():
        return Media.MULTIPART
    if _MAIL_SHAPE.match(start):
        return Media.MIME
    head = start.partition(b"\n")[0]
    if _FORM_SHAPE.fullmatch(start[:100_000]) and b"," not in head:
        return Media.FORM
    if b"\t" in head:
        return Media.TSV
    return Media.CSV if b"," in head or b";" in head else Media.TEXT


def _is_jsonl(start: bytes) -> bool:
    first, _, rest = start.partition(b"\n")
    if not (first.rstrip().endswith(b"}") and rest.strip()):
        return False
    return rest.lstrip().startswith(b"{") or _is_object(first)  # One line may be broken.


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(parse_json(line.decode("utf-8", "replace")), dict)
    except Unreadable:
        return False


def decoded(payload: Payload) -> str:
    """Give the body as text: by its mark, its named charset, as UTF-8, or else as CP949; NULs are left out."""
    return decode(payload.body, charset(payload.content_type))


def charset(content_type: str) -> str:
    """Give the charset that a content type names, or nothing."""
    if "charset" not in content_type.lower():
        return ""
    return _usual_charset(content_type) if len(content_type) < _LONG_TYPE else _charset(content_type)


@functools.lru_cache(256)
def _usual_charset(content_type: str) -> str:
    return _charset(content_type)


def _charset(content_type: str) -> str:
    header = email.message.Message()
    header["content-type"] = content_type.encode("ascii", "replace").decode().replace("\r", " ").replace("\n", " ")
    return str(header.get_param("charset", "")).strip().lower()


def decode(body: bytes, named: str = "") -> str:
    """Decode bytes by their mark, their named charset, as UTF-8, or else as CP949; NULs are left out."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return _decode(body, encoding)
    tries = [("cp949" if named in _KOREAN else named), "utf-8", "cp949"]
    for encoding in dict.fromkeys(each for each in tries if each):
        try:
            return _decode(body, encoding)
        except Unreadable:
            continue
    raise Unreadable("not_utf8", "neither UTF-8 nor CP949")


def _decode(body: bytes, encoding: str) -> str:
    try:
        text = body.decode(encoding)
    except (UnicodeError, LookupError, ValueError):  # ValueError: an encoding's name with a NUL in it.
        raise Unreadable("not_utf8", f"not {encoding}") from None
    if not isinstance(text, str):  # Codecs such as rot13 or hex are no charsets.
        raise Unreadable("not_utf8", "not a charset")
    return clean(text)


def clean(text: str) -> str:
    """Leave out what no text of ours may hold: NULs, and halves of surrogate pairs (as U+FFFD)."""
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii() and _has_surrogate(text):
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


_SURROGATE = re.compile("[\ud800-\udfff]")


def _has_surrogate(text: str) -> bool:
    return _SURROGATE.search(text) is not None


# ---- JSON and forms ----------------------------------------------------------------------------------------------


# A whole number of so many digits may be more than 64 bits hold, and would come back as a float.
_LONG_NUMBER = b"0" * 19
_SHAPE = bytes.maketrans(b"123456789{", b"000000000[")  # digits alike, and all that opens


def json_value(payload: Payload) -> Any:
    """Read the body as JSON. NaN and infinities count as null; of a key that is there twice the last counts."""
    body = payload.body
    shape = body.translate(_SHAPE)
    if _LONG_NUMBER not in shape and charset(payload.content_type) in ("", "utf-8"):
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            pass  # Not JSON; or not UTF-8, with a mark, a NaN, half of a surrogate pair: what the slow way knows of.
        else:
            if shape.count(b"[") > _DEEPEST:
                _refuse_deep(value, 0)
            return _mended(value) if b"\\u0000" in body else value
    return parse_json(decoded(payload))


def json_object(payload: Payload) -> JsonObject:
    """Read the body as one JSON object."""
    value = json_value(payload)
    if not isinstance(value, dict):
        raise Unreadable("not_json", "not an object")
    return value


def parse_json(text: str) -> Any:
    """Read a text as JSON; see json_value."""
    try:
        value = json.loads(text.removeprefix("\ufeff"), parse_constant=_no_number)
        if _is_nested_deep(text):
            _refuse_deep(value, 0)
        return _mended(value) if "\\u" in text else value
    except RecursionError:
        raise Unreadable("not_json", "nested too deep") from None
    except ValueError:  # Also a number of more digits than Python reads.
        raise Unreadable("not_json", "not JSON") from None


def _no_number(_: str) -> None:
    return None


def _is_nested_deep(text: str) -> bool:
    return text.count("[") + text.count("{") > _DEEPEST


def _refuse_deep(value: object, depth: int) -> None:
    if depth > _DEEPEST:
        raise Unreadable("not_json", "nested too deep")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(inner, dict | list):
            _refuse_deep(inner, depth + 1)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): _mended(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_mended(inner) for inner in value]
    return value


def form(payload: Payload) -> dict[str, str]:
    """Read the body as an URL-encoded form; of a field that is there twice the first counts."""
    try:
        pairs = urllib.parse.parse_qsl(
            decoded(payload).strip(), keep_blank_values=True, max_num_fields=_MOST_FORM_FIELDS, errors="replace"
        )
    except ValueError:
        raise Unreadable("not_form", f"more than {_MOST_FORM_FIELDS:,} fields") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        fields.setdefault(clean(name), clean(value))
    if not fields:
        raise Unreadable("not_form", "no fields")
    return fields


# ---- getters: a dotted path, with numbers for places in lists ----------------------------------------------------


def find(within: object, path: str) -> Any:
    """Give what stands at a path, or None."""
    if "." not in path and isinstance(within, dict):
        return within.get(path)
    at: Any = within
    for part in path.split("."):
        if isinstance(at, dict):
            at = at.get(part)
        elif isinstance(at, list) and part.isdecimal() and int(part) < len(at):
            at = at[int(part)]
        else:
            return within.get(path) if isinstance(within, dict) else None  # A name may have dots.
    return at


def text(within: object, *paths: str) -> str:
    """Give the first text of these paths; Unreadable where there is none. Numbers are written as text."""
    found = optional_text(within, *paths)
    if not found or found.isspace():
        raise Unreadable("field_missing", "missing", paths[0])
    return found


def optional_text(within: object, *paths: str) -> str:
    """Give the first text of these paths, or nothing; null counts as missing, objects and lists are Unreadable."""
    for path in paths:
        value = within.get(path) if isinstance(within, dict) and "." not in path else find(within, path)
        if value is not None and (found := value if isinstance(value, str) else _written(value, path)):
            return found
    return ""


def _written(value: object, path: str) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _digits(value, path)
    if isinstance(value, float):
        if not math.isfinite(value):
            return ""
        return _digits(int(value), path) if value.is_integer() and abs(value) < 1e15 else repr(value)
    raise Unreadable("field_wrong", "not a text", path)


def _digits(value: int, path: str) -> str:
    try:
        return str(value)
    except ValueError:  # More digits than Python writes.
        raise Unreadable("field_wrong", "not a number", path) from None


def number(within: object, *paths: str) -> float:
    """Give the first finite number of these paths; Unreadable where there is none."""
    found = optional_number(within, *paths)
    if found is None:
        raise Unreadable("field_missing", "missing", paths[0])
    return found


def optional_number(within: object, *paths: str) -> float | None:
    """Give the first finite number of these paths, also one written as text, or None."""
    for path in paths:
        value = find(within, path)
        if value is None or value == "":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise Unreadable("field_wrong", "not a number", path)
        try:
            made = float(value)
        except (ValueError, OverflowError):
            raise Unreadable("field_wrong", "not a number", path) from None
        if not math.isfinite(made):
            raise Unreadable("field_wrong", "not a finite number", path)
        return made
    return None


def optional_integer(within: object, *paths: str) -> int | None:
    """Give the first whole number of these paths that 64 bits hold, or None."""
    made = optional_number(within, *paths)
    if made is None:
        return None
    for path in paths:  # Of a large one a float would lose the end.
        value = find(within, path)
        if isinstance(value, int):
            made = value
            break
    if made != int(made) or abs(made) >= 1 << 63:
        raise Unreadable("field_wrong", "not a whole number", paths[0])
    return int(made)


def flag(within: object, path: str) -> bool:
    """Say whether something is true there, also as the text `true` or the number 1."""
    value = find(within, path)
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in ("true", "1", "yes"))


def object_at(within: object, path: str) -> JsonObject:
    """Give the object at a path; Unreadable where there is none."""
    value = find(within, path)
    if value is None:
        raise Unreadable("field_missing", "missing", path)
    if not isinstance(value, dict):
        raise Unreadable("field_wrong", "not an object", path)
    return value


def optional_object(within: object, path: str) -> JsonObject:
    """Give the object at a path, or an empty one; anything else is Unreadable."""
    value = find(within, path)
    return {} if value is None else object_at(within, path)


def items_at(within: object, path: str) -> list[Any]:
    """Give the list at a path, or an empty one where there is none; anything else is Unreadable."""
    value = find(within, path)
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable("field_wrong", "not a list", path)
    return value


def objects_at(within: object, path: str) -> list[JsonObject]:
    """Give the list of objects at a path, or an empty one; anything else is Unreadable."""
    found = items_at(within, path)
    for index, each in enumerate(found):
        if not isinstance(each, dict):
            raise Unreadable("field_wrong", "not an object", f"{path}.{index}")
    return found


# ---- time --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)  # Frozen it would take four times as long to make.
class Moment:
    """When something happened, and the offset of the clock that said so; nobody changes it."""

    time: dt.datetime  # UTC
    offset_minutes: int = 0

    @property
    def revision(self) -> int:
        """Milliseconds since 1970: grows with each edit whose time the source gives."""
        return int(self.time.timestamp()) * 1_000 + self.time.microsecond // 1_000


_EARLIEST = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_NUMBER = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,12})?")
_SCRIPT_TIME = re.compile(  # Fri Nov 20 2026 15:05:01 GMT+0900 (Korean Standard Time), as JavaScript writes it
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d{1,2}) (\d{4}) (\d\d:\d\d:\d\d) GMT([+-]\d{4})(?!\S)"
)
_OLD_TIME = re.compile(  # X, before its API 2, and Java
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) ([\d:]{8}) ([+-]\d{4}|UTC|GMT|KST|JST) (\d{4})"
)
_ODD_OFFSET = re.compile(r" (?:UTC|GMT)?([+-]\d\d):?(\d\d)$")  # of an e-mail's date, as e-mail has none
_HALF_OF_DAY = re.compile(r"\b(\d{1,2})(:\d\d(?::\d\d)?)\s?([AP])M$", re.I)
_FRACTION = re.compile(r"([.,]\d{6})\d+")
_ABBREVIATIONS = {"UTC": "+00:00", "GMT": "+00:00", "KST": "+09:00", "JST": "+09:00", "CET": "+01:00", "CEST": "+02:00"}
_MAGNITUDES = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (1e20, 1_000_000_000))  # s, ms, µs, ns since 1970


def moment(value: object, *, local: str = "") -> Moment | None:
    """Read seconds, ms, µs or ns since 1970, ISO 8601 or an e-mail's date; None where it is none of these.

    A time without an offset is taken in the IANA zone `local`, or as UTC. A number keeps the zone's offset.
    """
    if isinstance(value, str):
        value = value.strip()
        return _counted(value, local) if _NUMBER.fullmatch(value) else _spelled(value, local)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _counted(value, local)


def _counted(value: float | str, local: str) -> Moment | None:
    try:
        count = float(value)
        seconds, size = _MAGNITUDES[0][0], abs(count)
        unit = 1 if size < seconds else next((unit for limit, unit in _MAGNITUDES if size < limit), 0)
        if not unit:
            return None
        if not isinstance(value, int) and "." in str(value):
            time = dt.datetime.fromtimestamp(count / unit, dt.UTC)
        else:
            whole, rest = divmod(int(value), unit)
            time = _EARLIEST + dt.timedelta(seconds=whole, microseconds=rest * 1_000_000 // unit)
        return _in_zone(time, local)
    except (ValueError, OverflowError, OSError):
        return None


def _spelled(value: str, local: str) -> Moment | None:
    if len(value) > 64:
        return None
    if value.endswith("z"):  # RFC 3339 allows it.
        value = f"{value[:-1]}Z"
    head, _, last = value.rpartition(" ")
    if last in _ABBREVIATIONS:  # An e-mail's date has its offset apart, and without a colon.
        ahead = _ABBREVIATIONS[last]
        value = f"{head}{ahead}" if head[:4].isdigit() else f"{head} {ahead.replace(':', '')}"
    if script := _SCRIPT_TIME.match(value):
        value = f"{script[2]} {script[1]} {script[3]} {script[4]} {script[5]}"
    if old := _OLD_TIME.fullmatch(value):
        value = f"{old[2]} {old[1]} {old[5]} {old[3]} {_ABBREVIATIONS.get(old[4], old[4]).replace(':', '')}"
    made: dt.datetime | None
    try:
        made = dt.datetime.fromisoformat(_FRACTION.sub(r"\1", value))
    except ValueError:
        if value[-1:] in ("M", "m"):  # An e-mail's date has no halves of the day, and they would be lost.
            value = _HALF_OF_DAY.sub(_hour_of_day, value)
        try:
            made = email.utils.parsedate_to_datetime(_ODD_OFFSET.sub(r" \1\2", value))
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
    try:
        if made.tzinfo is None:
            made = made.replace(tzinfo=zones.zone(local) or dt.UTC)
            return Moment(made.astimezone(dt.UTC), _offset(made))
        offset = _offset(made)
        return Moment(made.astimezone(dt.UTC), offset) if offset else _in_zone(made.astimezone(dt.UTC), local)
    except (OverflowError, ValueError):
        return None


def _hour_of_day(clock: re.Match[str]) -> str:
    return f"{int(clock[1]) % 12 + 12 * (clock[3] in 'Pp'):02}{clock[2]}"


def _in_zone(time: dt.datetime, local: str) -> Moment:
    there = zones.zone(local) if local else None
    return Moment(time, _offset(time.astimezone(there)) if there else 0)


def _offset(time: dt.datetime) -> int:
    return round((time.utcoffset() or dt.timedelta()).total_seconds() / 60)


def moment_at(within: object, *paths: str, payload: Payload, source: Source) -> Moment:
    """Give the first time of these paths; the time of receipt where the source gives none.

    A time that is there and cannot be read is Unreadable. The source's option `zone` names the IANA zone of times
    without an offset.
    """
    local = source.options.get("zone", "")
    for path in paths:
        value = find(within, path)
        if value is None or value == "":
            continue
        if (made := moment(value, local=local)) is None:
            raise Unreadable("field_wrong", "not a time", path)
        return made
    return _in_zone(payload.received_time.astimezone(dt.UTC), local)


# ---- setters -----------------------------------------------------------------------------------------------------


def touchpoint(
    source: Source,
    *,
    channel: pb.Channel.ValueType,
    kind: pb.TouchpointKind.ValueType,
    at: Moment,
    actor: pb.Actor.ValueType = pb.ACTOR_CUSTOMER,
    external_id: str = "",
    revision: int = 0,
    text: str = "",
    language: str = "",
    thread_id: str = "",
    order_id: str = "",
    product: str = "",
    org_unit: str = "",
) -> pb.Touchpoint:
    """Begin a touchpoint of a source; what it lacks of a source's org unit is filled in."""
    made = pb.Touchpoint(
        source=source.name, external_id=external_id, channel=channel, kind=kind, actor=actor, thread_id=thread_id
    )
    # Most have no more than that: setting what is empty would take as long.
    if org_unit := org_unit or source.org_unit:
        made.org_unit = org_unit
    if at.offset_minutes:
        made.occurred_offset_minutes = at.offset_minutes
    if text:
        made.text = text
    if revision or language or order_id or product:
        made.revision, made.language, made.order_id, made.product = revision, language, order_id, product
    occurred = made.occurred_time
    occurred.seconds = int(at.time.timestamp() // 1)
    occurred.nanos = at.time.microsecond * 1_000
    return made


def enum_named(what: str, name: str) -> int:
    """Read the word for a channel, kind, actor, identifier or survey, or the protocol's name; 0 where there is none."""
    return _NUMBERS[what].get(name.strip().upper().replace("-", "_").replace(" ", "_"), 0)


def enum_word(what: str, value: int) -> str:
    """Give the word for a channel, kind, actor, identifier or survey, as `enum_named` reads it."""
    kind, prefix = _KEPT_ALIKE[what]
    names: Mapping[int, str] = {number: name for name, number in kind.items()}
    return names.get(value, "").removeprefix(prefix).lower()


def configured_channel(source: Source, usual: pb.Channel.ValueType) -> pb.Channel.ValueType:
    """Give the channel that the source's option `channel` names, or the usual one."""
    named = source.options.get("channel")
    return pb.Channel.ValueType(enum_named("channel", named) or usual) if named else usual


def configured_kind(source: Source, usual: pb.TouchpointKind.ValueType) -> pb.TouchpointKind.ValueType:
    """Give the kind that the source's option `kind` names, or the usual one."""
    named = source.options.get("kind")
    return pb.TouchpointKind.ValueType(enum_named("kind", named) or usual) if named else usual


_WITH_NOTE = re.compile(r"([^()]*\d)\s*\([^()\d]*\)")  # 010-1234-5678 (본인)
_WITH_NAME = re.compile(r"[^<>]*<\s*([^<>\s]+@[^<>\s]+)\s*>")  # Kim <kim@example.com>


def identify(made: pb.Touchpoint, kind: pb.IdentifierType.ValueType, value: str) -> None:
    """Add an identifier, once; nothing for an empty one, and nothing for an e-mail or number that is none.

    Vendors write `anonymous` or `+266696687` for a caller without a number: that is no reason to lose the words.
    """
    value = value.strip()
    if not value or len(value) > rules.LONGEST_IDENTIFIER or len(made.identifiers) >= rules.MOST_IDENTIFIERS:
        return
    if kind == pb.IDENTIFIER_TYPE_PHONE:
        found, _, problem = identifiers.phone(value)
        if problem and (noted := _WITH_NOTE.fullmatch(value)):
            found, _, problem = identifiers.phone(noted[1])
        value = found
    elif kind == pb.IDENTIFIER_TYPE_EMAIL:
        found, problem = identifiers.email(value)
        if problem and (named := _WITH_NAME.fullmatch(value)):
            found, problem = identifiers.email(named[1])
        value = found
    else:
        problem = ""
    if not problem and not any(each.type == kind and each.value == value for each in made.identifiers):
        made.identifiers.add(type=kind, value=value)


def identify_phone(made: pb.Touchpoint, value: str, country: str) -> None:
    """Add a phone number as it is written in a country, by its ISO 3166-1 code of two letters; in Korea without."""
    normal, _, problem = identifiers.phone(value.strip(), country.strip().upper() or "KR")
    if not problem:
        identify(made, pb.IDENTIFIER_TYPE_PHONE, normal)


def identify_account(made: pb.Touchpoint, vendor: str, value: str) -> None:
    """Add the id of an account at a vendor (`line`, `slack`, `x`, …), under which no other vendor knows the person."""
    if value.strip():
        identify(made, pb.IDENTIFIER_TYPE_ANONYMOUS_ID, f"{vendor}:{value.strip()}")


def rate(made: pb.Touchpoint, value: float | None, lowest: float, highest: float) -> None:
    """Set the rating, where there is one."""
    if value is not None:
        made.rating.value, made.rating.lowest, made.rating.highest = value, lowest, highest


def answer_survey(
    made: pb.Touchpoint,
    kind: pb.SurveyType.ValueType,
    score: float,
    *,
    lowest: float = 0,
    highest: float = 0,
    survey_id: str = "",
) -> None:
    """Set the survey answer; without a scale it is the question's usual one."""
    made.survey.type, made.survey.score, made.survey.survey_id = kind, score, survey_id
    made.survey.lowest, made.survey.highest = lowest, highest


def attribute(made: pb.Touchpoint, key: str, value: object) -> None:
    """Set an attribute, cut to its limits; nothing for null, an empty text, an object, or beyond the last place."""
    if value is None or not key:
        return
    if isinstance(value, str):
        written = clean(value)
    elif isinstance(value, (dict, list)):
        return
    else:
        try:
            written = _written(value, key)
        except Unreadable:
            return
    key = clean(key)[: rules.LONGEST_ATTRIBUTE_KEY]
    there = made.attributes
    if written and (len(there) < rules.MOST_ATTRIBUTES or key in there):
        there[key] = written[: rules.LONGEST_ATTRIBUTE_VALUE]


def attributes(made: pb.Touchpoint, within: Mapping[str, object], keys: Iterable[str] = ()) -> None:
    """Set attributes from an object's texts, numbers and flags: those named, or all."""
    for key in keys or within:
        attribute(made, key, within.get(key))


def fit(made: pb.Touchpoint, source: Source) -> pb.Touchpoint:
    """Bring what an adapter made within the limits: texts are cut, long references end in a digest."""
    if made.source != source.name:
        made.source = source.name
    named = made.org_unit
    org_unit = (named or source.org_unit)[: rules.LONGEST_ORG_UNIT]
    if org_unit != named:
        made.org_unit = org_unit
    text = made.text
    cut = len(text) > rules.LONGEST_TEXT
    if cut:
        made.text = text = text[: rules.LONGEST_TEXT]
        made.attributes["text_cut"] = "true"
    if "\0" in text:
        made.text = text.replace("\0", "")
    written = f"{made.external_id}{made.thread_id}{made.order_id}{made.product}"
    if len(written) > rules.LONGEST_REFERENCE or not _WORDS_ONLY(written):
        for name in _REFERENCES:
            value: str = getattr(made, name)
            if value and (fitting := reference(value)) != value:
                setattr(made, name, fitting)
    if made.HasField("survey"):
        made.survey.survey_id = reference(made.survey.survey_id)
    if (language := made.language) and rules.wrong_language(language):
        made.language = ""
    if len(made.attributes) > rules.MOST_ATTRIBUTES:
        kept = sorted(made.attributes, key=lambda key: (not (cut and key == "text_cut"), key))
        for key in kept[rules.MOST_ATTRIBUTES :]:
            del made.attributes[key]
    if len(made.identifiers) > rules.MOST_IDENTIFIERS:
        del made.identifiers[rules.MOST_IDENTIFIERS :]
    return made


_REFERENCES = ("external_id", "thread_id", "order_id", "product")
_WORDS_ONLY = re.compile(r"[!-~]*").fullmatch  # neither space nor anything unusual, as nearly always


def reference(value: str) -> str:
    """Shorten a reference that is too long, so that two that differ still do."""
    value = value.replace("\0", "").strip()
    if len(value) <= rules.LONGEST_REFERENCE:
        return value
    digest = hashlib.sha256(value.encode()).hexdigest()[:_DIGEST]
    return f"{value[: rules.LONGEST_REFERENCE - _DIGEST - 1]}~{digest}"
