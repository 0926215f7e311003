"""CloudEvents over HTTP: binary, structured and batched, with our touchpoint or a mapped object as data."""

import base64
import binascii
import json
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import DecodeError

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import parts, questionnaire, reading, records
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.domain import fields
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "cloudevents"
TITLE = "CloudEvents 1.0"
DOCUMENT = "https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md"
CHANNEL = "as the data says, else the option `channel`, else crm"
FIELDS: Mapping[str, str] = {
    "external_id": "the data's, else source and id of the event, which together are unique",
    "occurred_time": "the data's, else time of the event, else the time of receipt",
    "kind": "the data's, else the option `kind`, else other",
    "text": "data: a sori.ingest.v1.Touchpoint as JSON (or as protobuf in binary mode), or any object whose fields the "
    "source's mapping names or that are called as ours; text/plain data is the text",
    "rating": "the data's `rating`, `stars`, `별점`, …",
    "attributes": "event_type, event_source, event_subject, beside the data's; without a mapping all other texts, "
    "numbers and flags of an object that is no Touchpoint",
    "ignored": "events without data, or with nothing but empty fields in it; "
    "types that the option `types` does not list, where there is one",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
    "kind": options.KIND,
    "types": Option("types of events that are taken, with commas between; all unless given"),
}

_STRUCTURED = "application/cloudevents"
_BATCH = "application/cloudevents-batch"
_JSON_FORMS = frozenset(
    ["occurredTime", "externalId", "threadId", "orderId", "orgUnit", "occurredOffsetMinutes", "identifiers"]
)
_WORDS = ("message", "comment", "body", "content", "feedback", "description", "review", "의견", "내용", "후기", "문의")
_STARS = ("stars", "star_rating", "starRating", "별점", "평점")  # 1 to 5
_PEOPLE = {  # with what their `id` is called
    "customer": "customer_id",
    "user": "user_id",
    "member": "member_id",
    "contact": "contact_id",
    "고객": "customer_id",
}
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)("?)')  # to the end of the text where it is left open
_ESCAPED = re.compile(r"\\(.)")
_NOTHING: tuple[object, ...] = (None, "", [], {})
_NESTED = ("rating", "survey", "attributes")
_REFERENCES = frozenset(
    ("externalId", "external_id", "threadId", "thread_id", "orderId", "order_id", "product", "orgUnit", "org_unit")
)
_ENUMS = (("channel", "channel"), ("kind", "kind"), ("actor", "actor"))
_OUTPUTS = ("touchpointId", "touchpoint_id", "receivedTime", "received_time", "maskedCounts", "masked_counts", "source")


def read(payload: Payload, source: Source) -> Reading:
    """Read one event in either mode, or a batch."""
    kind = payload.content_type.partition(";")[0].strip().lower()
    if not kind.startswith(_STRUCTURED) and not {"ce-specversion", "ce-id"}.isdisjoint(payload.headers):
        return _binary(payload, source)
    given = reading.json_value(payload)
    if isinstance(given, list):
        if not given:
            return Reading(ignored=(Ignored("no_events"),))
        return parts.read_each(given, "", lambda event: [_event(event, payload, source)])
    if kind.startswith(_BATCH) or not isinstance(given, dict):
        raise Unreadable("not_json", "not a list" if kind.startswith(_BATCH) else "not an object")
    return parts.reading_of(_event(given, payload, source))


def _binary(payload: Payload, source: Source) -> Reading:
    event: dict[str, Any] = {
        name.removeprefix("ce-"): _header(value) for name, value in payload.headers.items() if name.startswith("ce-")
    }
    event["datacontenttype"] = payload.content_type
    if payload.body:
        event["data"] = _data(payload.body, payload.content_type, payload)
    return parts.reading_of(_event(event, payload, source))


def _header(value: str) -> str:
    """Undo what HTTP and then CloudEvents do to an attribute: quoted strings and percent-encoding."""
    if '"' in value:
        value = _QUOTED.sub(lambda found: _ESCAPED.sub(r"\1", found[1]) if found[2] else found[0], value)
    return urllib.parse.unquote(value)


def _data(body: bytes, content_type: str, payload: Payload) -> Any:
    """Read data by its content type: JSON where none is given."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("application/protobuf", "application/x-protobuf"):
        try:
            return pb.Touchpoint.FromString(body)
        except DecodeError:
            raise Unreadable("field_wrong", "not a touchpoint", "data") from None
    text = reading.decode(body, reading.charset(content_type or payload.content_type))
    if kind.startswith("text/") and kind != "text/json":
        return text
    if kind and kind != "text/json" and not kind.endswith(("/json", "+json")):
        raise Unreadable("field_wrong", "neither JSON nor text", "datacontenttype")
    return reading.parse_json(text)


def _event(event: reading.JsonObject, payload: Payload, source: Source) -> parts.Outcome:
    version = reading.text(event, "specversion")
    if version != "1.0" and not version.startswith("1.0."):
        raise Unreadable("field_wrong", "not 1.0", "specversion")
    event_id, origin, kind = (reading.text(event, name) for name in ("id", "source", "type"))
    types = [each.strip() for each in source.options.get("types", "").split(",") if each.strip()]
    if types and kind not in types:
        return Ignored("event_type_unknown", kind[:64])
    data = event.get("data")
    if "data_base64" in event:
        data = _data(_bytes(event), reading.optional_text(event, "datacontenttype"), payload)
    if isinstance(data, str) and reading.optional_text(event, "datacontenttype").startswith("application/json"):
        data = _json_text(data)
    if data in (None, "", {}) or (isinstance(data, dict) and all(each in _NOTHING for each in data.values())):
        return Ignored("no_data", kind[:64])
    made = _touchpoint(data, event, payload, source)
    made.external_id = made.external_id or f"{origin}#{event_id}"
    reading.attribute(made, "event_type", kind)
    reading.attribute(made, "event_source", origin)
    reading.attribute(made, "event_subject", reading.optional_text(event, "subject"))
    if isinstance(data, dict) and not source.mapping and not _is_touchpoint(data):
        _keep_others(made, data, source)
    return made


def _json_text(data: str) -> Any:
    """Read JSON that a sender wrote into a string; a mere text stays one."""
    try:
        return reading.parse_json(data) if data.lstrip()[:1] in "{[" else data
    except Unreadable:
        return data


def _bytes(event: reading.JsonObject) -> bytes:
    try:
        return base64.b64decode(reading.text(event, "data_base64"), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("field_wrong", "not base64", "data_base64") from None


def _touchpoint(data: object, event: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    if isinstance(data, str):
        data = {"text": data}
    if isinstance(data, pb.Touchpoint):
        made = data
    elif not isinstance(data, dict):
        raise Unreadable("field_wrong", "not an object", "data")
    elif not source.mapping and _is_touchpoint(data):
        made = _parsed(data)
        _by_usual_names(made, data, source)
    else:
        return _mapped(data, event, payload, source)
    made.channel = made.channel or reading.configured_channel(source, pb.CHANNEL_CRM)
    made.kind = made.kind or reading.configured_kind(source, pb.TOUCHPOINT_KIND_OTHER)
    if not made.HasField("occurred_time"):
        at = reading.moment_at(event, "time", payload=payload, source=source)
        made.occurred_time.FromDatetime(at.time.replace(tzinfo=None))
        made.occurred_offset_minutes = at.offset_minutes
    return made


def _is_touchpoint(data: reading.JsonObject) -> bool:
    """Say whether an object has what only a touchpoint's JSON has: our names in camel case, or our messages."""
    return not _JSON_FORMS.isdisjoint(data) or any(isinstance(data.get(name), dict) for name in _NESTED)


def _mapped(data: reading.JsonObject, event: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    made = records.mapped(data, payload, source, channel=pb.CHANNEL_CRM, kind=pb.TOUCHPOINT_KIND_OTHER)
    if not source.mapping:
        _by_usual_names(made, data, source)
    said = next(
        (found for name in _names(source, "occurred_time") if (found := _at(data, name)) not in (None, "")), None
    )
    at = reading.moment_at({"data": said, "time": event.get("time")}, "data", "time", payload=payload, source=source)
    made.occurred_time.FromDatetime(at.time.replace(tzinfo=None))
    made.occurred_offset_minutes = at.offset_minutes
    if not (made.text or made.identifiers or made.HasField("rating") or made.HasField("survey") or made.order_id):
        raise Unreadable("field_missing", "no field of a touchpoint; give the source a mapping", "data")
    return made


def _by_usual_names(made: pb.Touchpoint, data: reading.JsonObject, source: Source) -> None:
    """Fill in what has none of our names, by those that such things usually have, as in `message` and `userId`."""
    if not made.text:
        made.text = next((data[each] for each in _WORDS if isinstance(data.get(each), str)), "")
    stars = next((data[each] for each in _STARS if each in data), None)
    if isinstance(stars, int | float) and 1 <= stars <= 5 and not (stars is True or made.HasField("rating")):
        made.rating.value = stars
    for name, value in data.items():
        if not fields.is_field(name) and name not in _JSON_FORMS and isinstance(value, str | int):
            field = questionnaire.field_of(name, source)
            if field in fields.IDENTIFIERS or (field in fields.TEXTS and not getattr(made, field)):
                questionnaire.fill(made, name, str(value), source)
    if not (made.text or made.HasField("rating") or made.HasField("survey") or made.order_id):
        return  # Whatever it is about is elsewhere, and wants a mapping.
    of_customer = made.actor in (pb.ACTOR_UNSPECIFIED, pb.ACTOR_CUSTOMER)
    for person, called in _PEOPLE.items():
        if person in data and (of_customer or person != "user"):  # The user may be the agent who speaks.
            _by_person(made, called, data[person], source)


def _keep_others(made: pb.Touchpoint, data: reading.JsonObject, source: Source) -> None:
    """Keep as attributes what no field of a touchpoint has taken."""
    for name, value in data.items():
        if fields.is_field(name) or name in made.attributes or not isinstance(value, str | int | float):
            continue
        field = "text" if name in _WORDS else "rating" if name in _STARS else questionnaire.field_of(name, source)
        if field == "rating" and made.rating.value == value:
            continue
        if field not in fields.IDENTIFIERS and not (field in fields.TEXTS and getattr(made, field) == str(value)):
            reading.attribute(made, name, value)


def _by_person(made: pb.Touchpoint, called: str, person: object, source: Source) -> None:
    for name, value in person.items() if isinstance(person, dict) else ():
        name = called if name == "id" else name
        if isinstance(value, str | int) and questionnaire.field_of(name, source) in fields.IDENTIFIERS:
            questionnaire.fill(made, name, str(value), source)


def _at(data: reading.JsonObject, name: str) -> object:
    return data[name] if name in data else reading.find(data, name)


def _names(source: Source, field: str) -> list[str]:
    return [name for name, mapped in source.mapping.items() if mapped == field] or [field]


def _parsed(data: reading.JsonObject) -> pb.Touchpoint:
    given = {name: value for name, value in data.items() if name not in _OUTPUTS}
    for name, what in _ENUMS:
        _spell(given, name, what)
        if isinstance(unknown := given.get(name), str) and unknown and not unknown.endswith("_UNSPECIFIED"):
            raise Unreadable("field_wrong", f"no {name} of that name", name)
    people = given.get("identifiers")
    if isinstance(people, list):
        given["identifiers"] = [dict(each) if isinstance(each, dict) else each for each in people]
        for each in given["identifiers"]:
            if isinstance(each, dict):
                each.pop("temporary", None)
                _spell(each, "type", "identifier")
    if isinstance(given.get("survey"), dict):
        given["survey"] = dict(given["survey"])
        _spell(given["survey"], "type", "survey")
    for name, value in given.items():
        if name in _REFERENCES and isinstance(value, int) and not isinstance(value, bool):
            given[name] = str(value)
    if isinstance(given.get("attributes"), dict):
        given["attributes"] = {
            key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in given["attributes"].items()
            if value is not None
        }
    moment = None
    for name in ("occurredTime", "occurred_time"):
        if (said := given.pop(name, None)) not in (None, "") and (moment := reading.moment(said)) is None:
            raise Unreadable("field_wrong", "not a time", f"data.{name}")
    try:
        made = json_format.ParseDict(given, pb.Touchpoint(), ignore_unknown_fields=True)
    except (json_format.ParseError, ValueError, TypeError, OverflowError, AttributeError):
        raise Unreadable("field_wrong", "not a touchpoint", "data") from None
    if moment is not None:
        made.occurred_time.FromDatetime(moment.time.replace(tzinfo=None))
        made.occurred_offset_minutes = made.occurred_offset_minutes or moment.offset_minutes
    return made


def _spell(given: dict[str, Any], name: str, what: str) -> None:
    """Allow our words, as in `kakao`, beside the protocol's names, as in CHANNEL_KAKAO."""
    value = given.get(name)
    if isinstance(value, str) and (number := reading.enum_named(what, value)):
        given[name] = number
