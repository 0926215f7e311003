"""LINE Messaging API: what people send to an official account, one by one or in groups."""

from collections.abc import Iterator, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading
from sori_ingest.channels.attachments import attach
from sori_ingest.channels.fingerprint import fingerprint
from sori_ingest.channels.parts import Outcome, read_each, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.withdrawal import withdraw
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "line"
TITLE = "LINE Messaging API"
DOCUMENT = "https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects"
CHANNEL = "chat"
FIELDS: Mapping[str, str] = {
    "external_id": "`message.id`, else `webhookEventId`; the same for a redelivery",
    "revision": "`timestamp` of `messageEdited` and `unsend`; an unsent message becomes an empty one",
    "kind": "inquiry for messages, visit for a beacon, other for postback, follow, unfollow, unsend",
    "actor": "customer; what the account itself sends is not delivered",
    "occurred_time": "`timestamp`",
    "identifiers": "ANONYMOUS_ID `line:<source.userId>`",
    "text": "`message.text`, also what the customer wrote on a sticker; empty for image, video, audio, file, location",
    "thread_id": "`source.groupId`, `source.roomId`, else `source.userId`",
    "attributes": "event, source_type, postback, sticker_keywords, quoted_message_id, standby, deleted, attachments",
    "ignored": "deliveries without events (tests of the address), blank messages, join, leave, members, accountLink,"
    " videoPlayComplete, other events",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
}

_RELATIONS = frozenset({"follow", "unfollow"})
_UNUSED = frozenset(
    {
        "join",
        "leave",
        "memberJoined",
        "memberLeft",
        "accountLink",
        "videoPlayComplete",
        "things",
        "module",
        "membership",
    }
    | {"activated", "deactivated", "botSuspended", "botResumed", "delivery"}
)
_VERIFIER_USER = "Udeadbeefdeadbeefdeadbeefdeadbeef"  # of the console's old "verify" button
_VERIFIER_TOKENS = frozenset({"0" * 32, "f" * 32})


def read(payload: Payload, source: Source) -> Reading:
    """Read a delivery of any number of events; see Adapter. One without events is a test of the address."""
    given = reading.json_object(payload)
    if "events" not in given:
        raise Unreadable("field_missing", "missing", "events")
    events = reading.items_at(given, "events")
    if not events:
        return reading_of(Ignored("test_ping"))
    return read_each(events, "events", lambda event: _read(event, payload, source))


def _read(event: reading.JsonObject, payload: Payload, source: Source) -> Iterator[Outcome]:
    kind = reading.text(event, "type")
    if _is_verification(event):
        yield Ignored("test_ping")
    elif kind in ("message", "messageEdited"):
        yield _message(event, kind, payload, source)
    elif kind == "unsend":
        made = _begin(event, kind, payload, source, pb.TOUCHPOINT_KIND_INQUIRY)
        made.external_id = reading.text(event, "unsend.messageId")
        yield withdraw(made, _at(event, payload, source).revision)
    elif kind == "postback":
        made = _begin(event, kind, payload, source, pb.TOUCHPOINT_KIND_OTHER)
        reading.attribute(made, "postback", reading.text(event, "postback.data"))
        for name, value in reading.optional_object(event, "postback.params").items():
            reading.attribute(made, f"param.{name}", value)
        yield made
    elif kind in _RELATIONS:
        made = _begin(event, kind, payload, source, pb.TOUCHPOINT_KIND_OTHER)
        reading.attribute(made, "was_blocked", reading.find(event, "follow.isUnblocked"))
        yield made
    elif kind == "beacon" and reading.optional_text(event, "beacon.type") == "enter":
        made = _begin(event, kind, payload, source, pb.TOUCHPOINT_KIND_VISIT)
        reading.attribute(made, "beacon", reading.find(event, "beacon.hwid"))
        yield made
    else:
        yield Ignored("event_type_unused" if kind in _UNUSED else "event_type_unknown", kind)


def _message(event: reading.JsonObject, kind: str, payload: Payload, source: Source) -> Outcome:
    of_type = reading.text(event, "message.type")
    made = _begin(event, kind, payload, source, pb.TOUCHPOINT_KIND_INQUIRY)
    made.external_id = reading.text(event, "message.id")
    if kind == "messageEdited":
        made.revision = max(_at(event, payload, source).revision, 1)
    if of_type == "text":
        made.text = reading.optional_text(event, "message.text")
        if reading.find(event, "message.text") is None:
            raise Unreadable("field_missing", "missing", "message.text")
        if not made.text.strip() and not made.revision:
            return Ignored("no_words")
    else:
        made.text = reading.optional_text(event, "message.text")  # Some stickers hold what their sender wrote.
        attach(made, [of_type])
    keywords = [each for each in reading.items_at(event, "message.keywords") if isinstance(each, str)]
    reading.attribute(made, "sticker_keywords", ", ".join(keywords))
    reading.attribute(made, "quoted_message_id", reading.find(event, "message.quotedMessageId"))
    return made


def _begin(
    event: reading.JsonObject, name: str, payload: Payload, source: Source, kind: pb.TouchpointKind.ValueType
) -> pb.Touchpoint:
    user = reading.optional_text(event, "source.userId")
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_CHAT),
        kind=kind,
        at=_at(event, payload, source),
        external_id=reading.optional_text(event, "webhookEventId") or fingerprint(payload, event),
        thread_id=reading.optional_text(event, "source.groupId", "source.roomId") or user,
    )
    reading.identify_account(made, "line", user)
    reading.attribute(made, "event", name)
    reading.attribute(made, "source_type", reading.find(event, "source.type"))
    if reading.optional_text(event, "mode") == "standby":
        reading.attribute(made, "standby", "true")
    return made


def _at(event: reading.JsonObject, payload: Payload, source: Source) -> reading.Moment:
    return reading.moment_at(event, "timestamp", payload=payload, source=source)


def _is_verification(event: reading.JsonObject) -> bool:
    by_user = reading.optional_text(event, "source.userId") == _VERIFIER_USER
    return by_user or reading.optional_text(event, "replyToken") in _VERIFIER_TOKENS
