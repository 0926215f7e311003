"""Lines of an evaluation: what happened, in any of the spellings in which it may come."""

import datetime as dt
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message as Proto
from google.protobuf.timestamp_pb2 import Timestamp

from sori.ingest.v1 import touchpoint_pb2
from sori.ingest.v1.touchpoint_pb2 import Touchpoint
from sori.journey.v1.customer_events_pb2 import CustomerMerged
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1 import evaluation_pb2
from sori_kit import ids, parse
from sori_kit.errors import InvalidInput
from sori_notify import domain
from sori_notify.domain import ActKind

_ACTS = {
    evaluation_pb2.CASE_CHANGE_TYPE_SET_PENDING: ActKind.SET_PENDING,
    evaluation_pb2.CASE_CHANGE_TYPE_ON_HOLD: ActKind.SET_ON_HOLD,
    evaluation_pb2.CASE_CHANGE_TYPE_RESUME: ActKind.RESUME,
    evaluation_pb2.CASE_CHANGE_TYPE_RESOLVE: ActKind.RESOLVE,
    evaluation_pb2.CASE_CHANGE_TYPE_REOPEN: ActKind.REOPEN,
    evaluation_pb2.CASE_CHANGE_TYPE_CLOSE: ActKind.CLOSE,
    evaluation_pb2.CASE_CHANGE_TYPE_ASSIGN: ActKind.ASSIGN,
    evaluation_pb2.CASE_CHANGE_TYPE_ACKNOWLEDGE: ActKind.ACKNOWLEDGE,
}
_CHANGES = {  # The words for them, with those that are not the protocol's.
    "set_pending": "SET_PENDING",
    "pending": "SET_PENDING",
    "on_hold": "ON_HOLD",
    "hold": "ON_HOLD",
    "set_on_hold": "ON_HOLD",
    "put_on_hold": "ON_HOLD",
    "resume": "RESUME",
    "resumed": "RESUME",
    "unhold": "RESUME",
    "open": "RESUME",
    "set_open": "RESUME",
    "resolve": "RESOLVE",
    "resolved": "RESOLVE",
    "solved": "RESOLVE",
    "reopen": "REOPEN",
    "reopened": "REOPEN",
    "close": "CLOSE",
    "closed": "CLOSE",
    "assign": "ASSIGN",
    "assigned": "ASSIGN",
    "reassign": "ASSIGN",
    "reassigned": "ASSIGN",
    "ack": "ACKNOWLEDGE",
    "acknowledge": "ACKNOWLEDGE",
    "acknowledged": "ACKNOWLEDGE",
    "merge": "MERGE",
    "merged": "MERGE",
}
_OPENED = frozenset({"opened", "new", "created"})
_TOLD = frozenset({"answered", "breached", "warned", "updated"})  # What follows from other lines.
_CHANGE_NAMES = ("change", "change_type", "action", "event_type", "event", "type", "state", "status")
_TIME_NAMES = ("time", "change_time", "changed_time", "event_time", "occurred_time", "timestamp", "at")
_CASE_TIMES = {"RESOLVE": "resolved_time", "ACKNOWLEDGE": "acknowledged_time", "CLOSE": "closed_time"}
_PREFIX = re.compile(r"^(case_change_type_|case_state_|(sori\.notify\.)?case[._])|\.v1$")
_WRAPPERS = ("record", "data", "message", "event")
M = TypeVar("M", bound=Proto)

YEARS = range(2000, 2061)  # Ingest takes nothing older, and nobody knows holidays further ahead.
_CHANGE = evaluation_pb2.CaseChange
_TIME = "google.protobuf.Timestamp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An act on a case that is named by its id or its thread, whichever the line gave."""

    act: domain.Act
    source: str
    name: str  # a thread's, or a case's id


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Two cases, or two customers, that are one."""

    time: dt.datetime
    source: str = ""
    name: str = ""
    into: str = ""
    customer_id: uuid.UUID | None = None
    into_customer_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A case was opened; what it says counts where no touchpoint of its thread opens one."""

    stitched: TouchpointStitched


Record = TouchpointStitched | Changed | Merged | Opened


def record(line: str) -> Record | None:
    """Read one line, or None where it says only what follows from others; one that cannot be read is InvalidInput."""
    try:
        given = json.loads(line)
    except ValueError as error:
        raise InvalidInput(f"is not JSON: {error}") from None
    found = _unwrapped(given)
    if isinstance(found, evaluation_pb2.CaseChange):
        return _change(found)
    if isinstance(found, CustomerMerged):
        return Merged(
            time=moment(found.merged_time, "merged_time"),
            customer_id=_id("customer", found.merged_customer_id),
            into_customer_id=_id("customer", found.customer_id),
        )
    if isinstance(found, TouchpointStitched):
        return _identified(found)
    return found


def moment(given: Timestamp, field: str) -> dt.datetime:
    """Read a time for which there are calendars; any other is InvalidInput."""
    found = parse.time(given, field)
    if found.year not in YEARS:
        raise InvalidInput.of_field(field, f"is not in the years {YEARS[0]} to {YEARS[-1]}")
    return found


def _unwrapped(
    given: object, *, word: str = "", time: object = None
) -> TouchpointStitched | evaluation_pb2.CaseChange | CustomerMerged | Opened | None:
    """Read an object, or what it wraps; `word` and `time` are what its wrappers say of it."""
    if not isinstance(given, dict):
        raise InvalidInput("is not a JSON object")
    keys = {_snake(str(key)): value for key, value in given.items()}
    for name in ("case_change", "change"):
        if isinstance(keys.get(name), dict):
            return _flat_change(keys[name])
    for name in ("stitched", "touchpoint_stitched", "touchpoint_classified", "touchpoint_received"):
        if isinstance(keys.get(name), dict):
            return _parse(keys[name], TouchpointStitched())
    if isinstance(keys.get("touchpoint"), dict):
        return _parse(given, TouchpointStitched())
    if isinstance(keys.get("customer_merged"), dict):
        return _parse(keys["customer_merged"], CustomerMerged())
    if "merged_customer_id" in keys:
        return _parse(given, CustomerMerged())
    if _is_change(keys):
        return _flat_change(given)
    word, time = _word(keys) or word, next((keys[name] for name in _TIME_NAMES if name in keys), time)
    if isinstance(keys.get("case"), dict):
        return _of_case(keys["case"], word, time)
    if "occurred_time" in keys:
        return TouchpointStitched(touchpoint=_parse(given, Touchpoint()))
    for name, value in keys.items():
        if isinstance(value, dict) and (name in _WRAPPERS or name.startswith("case_")):
            return _unwrapped(value, word=_turn(name) or word, time=time)
    raise InvalidInput("is neither a touchpoint nor a case change")


def _is_change(keys: Mapping[str, Any]) -> bool:
    """Say whether an object says what became of a case that it names."""
    named = {"case_id", "thread_id", "thread", "customer_id"} & keys.keys() or isinstance(keys.get("case"), str)
    return bool(named and not {"kind", "channel"} & keys.keys() and ("change" in keys or _word(keys)))


def _turn(text: str) -> str:
    """Give the word for what happened to a case, without what stands around it; empty: it is none."""
    word = _PREFIX.sub("", _snake(text.strip().replace("-", "_").replace(" ", "_")))
    word = _PREFIX.sub("", word)
    return word if word in _CHANGES or word in _OPENED or word in _TOLD else ""


def _word(keys: Mapping[str, Any]) -> str:
    return next((word for name in _CHANGE_NAMES if isinstance(keys.get(name), str) and (word := _turn(keys[name]))), "")


def _flat_change(given: Mapping[str, Any]) -> evaluation_pb2.CaseChange | Opened | None:
    """Read a change that stands in one object, whichever words it uses."""
    keys = {_snake(str(key)): value for key, value in given.items()}
    word = _word(keys)
    time = next((keys[name] for name in _TIME_NAMES if name in keys), None)
    names = {"thread_id": keys.get("thread_id", keys.get("thread")), "case_id": keys.get("case_id", keys.get("case"))}
    if word in _OPENED:
        return _of_case({**keys, **names}, word, time)
    if word in _TOLD:
        return None
    return _parse({**keys, **names, "change": _CHANGES.get(word, keys.get("change")), "time": time}, _CHANGE())


def _of_case(given: Mapping[str, Any], word: str, time: object) -> evaluation_pb2.CaseChange | Opened | None:
    """Read a case as it stood after something had happened to it."""
    keys = {_snake(str(key)): value for key, value in given.items()}
    word = word if word not in ("", "updated") else _turn(str(keys.get("state", "")))
    if word in _OPENED:
        kind = touchpoint_pb2.TOUCHPOINT_KIND_INQUIRY
        said = {**keys, "kind": kind, "actor": touchpoint_pb2.ACTOR_CUSTOMER}
        said["occurred_time"] = keys.get("opened_time", time)
        said["thread_id"] = keys.get("thread_id") or keys.get("case_id")
        said["attributes"] = {"severity": str(keys.get("severity", "")).removeprefix("CASE_SEVERITY_")}
        about = {"classification": {"topics": keys.get("topics", [])}, "position": keys}
        return Opened(stitched=_identified(_parse({"touchpoint": said, **about}, TouchpointStitched())))
    if word not in _CHANGES:
        return None
    change = _CHANGES[word]
    when = keys.get(_CASE_TIMES.get(change, ""), time)
    actor = keys.get("acknowledged_by", "") if change == "ACKNOWLEDGE" else ""
    return _parse({**keys, "change": change, "time": when, "actor": actor}, _CHANGE())


def _parse(given: Mapping[str, Any], message: M) -> M:
    try:
        json_format.ParseDict(_spelt(given, message.DESCRIPTOR), message, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise InvalidInput(str(error)) from None
    return message


def _spelt(given: Mapping[str, Any], descriptor: Any) -> dict[str, Any]:
    """Spell short words, as in `kakao`, and times without an offset, which are UTC, the way protobuf's JSON does."""
    fields = {name: each for each in descriptor.fields for name in (each.name, each.json_name)}
    found: dict[str, Any] = {}
    for key, value in given.items():
        field = fields.get(key) or fields.get(_snake(key))
        if field is None or value is None:
            continue
        one = not isinstance(value, list)
        values = [_value(each, field) for each in ([value] if one else value)]
        found[field.name] = values[0] if one else values
    return found


def _value(value: Any, field: FieldDescriptor) -> Any:
    if field.enum_type is not None and isinstance(value, str):
        names = field.enum_type.values_by_name
        prefix = field.enum_type.values[0].name.removesuffix("UNSPECIFIED")
        word = value.strip().replace("-", "_").replace(" ", "_")
        return next((each for each in (value, word.upper(), prefix + word.upper()) if each in names), value)
    if field.type == FieldDescriptor.TYPE_STRING:
        return str(value).encode(errors="replace").decode() if isinstance(value, int | str) else value
    if field.message_type is None:
        return value
    if field.message_type.full_name == _TIME:
        return parse.spell_time(value)
    if field.message_type.GetOptions().map_entry:
        return {str(key): str(each).lower() if isinstance(each, bool) else each for key, each in value.items()}
    return _spelt(value, field.message_type) if isinstance(value, dict) else value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def _id(kind: str, text: str) -> uuid.UUID:
    """Give the UUID that a text is, or one that stands for it."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return ids.derive(kind, text)


def _identified(stitched: TouchpointStitched) -> TouchpointStitched:
    """Give a touchpoint the ids that ingest and journey would have given it."""
    touchpoint = stitched.touchpoint
    if not touchpoint.HasField("occurred_time"):
        raise InvalidInput("occurred_time is missing")
    moment(touchpoint.occurred_time, "occurred_time")
    if not touchpoint.touchpoint_id:
        own = touchpoint.external_id or _digest(touchpoint)
        touchpoint.touchpoint_id = str(ids.derive("touchpoint", touchpoint.source, own))
    touchpoint.touchpoint_id = str(_id("touchpoint", touchpoint.touchpoint_id))
    if stitched.position.customer_id:
        stitched.position.customer_id = str(_id("customer", stitched.position.customer_id))
    return stitched


def _change(given: evaluation_pb2.CaseChange) -> Changed | Merged:
    if not given.HasField("time"):
        raise InvalidInput("time is missing")
    time = moment(given.time, "time")
    name = given.thread_id or given.case_id
    if given.change == evaluation_pb2.CASE_CHANGE_TYPE_MERGE:
        if given.customer_id and given.into_customer_id:
            customer, into = _id("customer", given.customer_id), _id("customer", given.into_customer_id)
            return Merged(time=time, customer_id=customer, into_customer_id=into)
        into_name = given.into_thread_id or given.into_case_id
        if not name or not into_name:
            raise InvalidInput("merge needs two cases, two threads or two customers")
        return Merged(time=time, source=given.source, name=name, into=into_name)
    if given.change not in _ACTS:
        raise InvalidInput("change is missing")
    if not name:
        raise InvalidInput("case_id and thread_id are missing")
    act = domain.Act(
        act_id=ids.derive("change", given.change_id or _digest(given)),
        case_id=None,
        kind=_ACTS[given.change],
        time=time,
        actor=given.actor,
        team=given.team,
        person=given.person,
    )
    return Changed(act=act, source=given.source, name=name)


def _digest(message: Proto) -> str:
    return message.SerializeToString(deterministic=True).hex()
