"""Intercom: conversations between contacts, teammates and bots, and how contacts rate them."""

import re
from collections.abc import Iterator, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading, rich_text
from sori_ingest.channels.attachments import attach, type_of
from sori_ingest.channels.parts import Outcome, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.withdrawal import withdraw
from sori_ingest.settings.options import Option

NAME = "intercom"
TITLE = "Intercom conversations"
DOCUMENT = "https://developers.intercom.com/docs/references/webhooks/webhook-models"
CHANNEL = "chat, email, sns, call_center"
FIELDS: Mapping[str, str] = {
    "external_id": "id of the conversation part; `<conversation>:source` of its first message, `<conversation>:rating`",
    "revision": "time of the notification for a rating and for a redacted message, which becomes an empty one",
    "channel": "`source.type`",
    "kind": "inquiry of a contact, reply of a teammate or bot, resolution for `closed`, survey_response for a rating",
    "actor": "`author.type`",
    "occurred_time": "`created_at` of the part, the conversation or the rating",
    "identifiers": "MEMBER_ID `external_id` or `user_id` of the contact, EMAIL, ANONYMOUS_ID `intercom:<contact>`; of"
    " a group conversation the contact who speaks",
    "text": "`body` without HTML; `remark` of a rating",
    "survey": "CSAT, 1 to 5",
    "thread_id": "id of the conversation",
    "attributes": "subject, part_type, source_type, source_url, teammate, deleted, attachments",
    "ignored": "pings, notes, beginnings without words, assignments, snoozes, tags, contacts, other topics",
}
OPTIONS: Mapping[str, Option] = {}

_CUSTOMERS = frozenset({"user", "lead", "contact", "visitor"})
_AGENTS = frozenset({"admin", "team"})
_SOURCES = {
    "email": pb.CHANNEL_EMAIL,
    "phone_call": pb.CHANNEL_CALL_CENTER,
    "phone_switch": pb.CHANNEL_CALL_CENTER,
    **dict.fromkeys(("twitter", "facebook", "instagram"), pb.CHANNEL_SNS),
}
_NOTES = frozenset({"note", "note_and_reopen", "note_and_unsnooze", "quick_reply"})
_SAID = {  # and who is taken to have said it, where the part does not tell
    "conversation.user.replied": "user",
    "conversation.admin.replied": "admin",
    "conversation.operator.replied": "bot",
}
_BEGUN = frozenset({"conversation.user.created", "conversation.admin.single.created"})
_RATED = frozenset({"conversation.rating.added", "conversation.rating.remarked"})
_UNUSED = re.compile(r"(?:conversation|conversation_part|contact|user|company|ticket|admin|event|visitor|call)\..+")
_IMAGE = re.compile(r"<img\b", re.IGNORECASE)


def read(payload: Payload, source: Source) -> Reading:
    """Read one notification; see Adapter."""
    given = reading.json_object(payload)
    topic = reading.text(given, "topic")
    if topic == "ping" or reading.optional_text(given, "data.item.type") == "ping":
        return reading_of(Ignored("test_ping"))
    return reading_of(*_read(given, topic, payload, source))


def _read(given: reading.JsonObject, topic: str, payload: Payload, source: Source) -> Iterator[Outcome]:
    if topic in _BEGUN:
        first = _first_message(given, topic, payload, source)
        yield first
        if isinstance(first, Ignored) or first.actor != pb.ACTOR_CUSTOMER:
            yield from _answered(given, payload, source)
    elif topic in _SAID:
        yield from _parts(given, _SAID[topic], payload, source)
    elif topic == "conversation.admin.closed":
        yield from _closed(given, payload, source)
    elif topic in _RATED:
        yield _rating(given, payload, source)
    elif topic == "conversation.admin.noted":
        yield Ignored("private_note")
    elif topic == "conversation_part.redacted":
        yield from _redacted(given, payload, source)
    else:
        yield Ignored("event_type_unused" if _UNUSED.fullmatch(topic) else "event_type_unknown", topic)


def _first_message(given: reading.JsonObject, topic: str, payload: Payload, source: Source) -> Outcome:
    item = reading.object_at(given, "data.item")
    conversation = reading.text(given, "data.item.id")
    name = next((each for each in ("source", "conversation_message") if isinstance(item.get(each), dict)), "")
    if not name:
        raise Unreadable("field_missing", "missing", "data.item.source")
    message = item[name]
    usual = "user" if topic == "conversation.user.created" else "admin"
    author = reading.optional_text(message, "author.type") or usual
    actor = _actor(author)
    kind = pb.TOUCHPOINT_KIND_INQUIRY if actor == pb.ACTOR_CUSTOMER else pb.TOUCHPOINT_KIND_OTHER
    at = reading.moment_at(item, "created_at", payload=payload, source=source)
    made = _begin(given, kind, actor, at, source, _speaker(message, actor))
    made.external_id = f"{conversation}:source"
    _say(made, message)
    reading.attribute(made, "subject", rich_text.words(reading.optional_text(message, "subject")))
    if actor == pb.ACTOR_CUSTOMER:
        _identify_author(made, message)
    told = made.text or made.attributes.get("attachments", "") or made.attributes.get("subject", "")
    if told or made.channel == pb.CHANNEL_CALL_CENTER or reading.flag(message, "redacted"):
        return made
    return Ignored("no_words")  # A workflow began it, and the customer speaks in a part that is told by itself.


def _answered(given: reading.JsonObject, payload: Payload, source: Source) -> Iterator[Outcome]:
    """Read what a contact says in a conversation that begins with a message of ours, which it answers."""
    for part in _conversation_parts(given):
        author = reading.optional_text(part, "author.type")
        if author in _CUSTOMERS:
            yield _part(given, part, payload, source, author)


def _parts(given: reading.JsonObject, usual: str, payload: Payload, source: Source) -> Iterator[Outcome]:
    """Read the parts of the side that the topic is about; a bot's may come under the topic of teammates."""
    parts = _conversation_parts(given)
    if not parts:
        raise Unreadable("field_missing", "missing", "data.item.conversation_parts")
    by_customer = _actor(usual) == pb.ACTOR_CUSTOMER
    found = 0
    for part in parts:
        author = reading.optional_text(part, "author.type") or usual
        if (_actor(author) == pb.ACTOR_CUSTOMER) == by_customer:
            found += 1
            yield _part(given, part, payload, source, author)
    if not found:
        yield Ignored("no_words")


def _part(
    given: reading.JsonObject, part: reading.JsonObject, payload: Payload, source: Source, author: str
) -> Outcome:
    part_type = reading.optional_text(part, "part_type")
    if part_type in _NOTES and part_type != "quick_reply":
        return Ignored("private_note")
    actor = _actor(author)
    kind = pb.TOUCHPOINT_KIND_INQUIRY if actor == pb.ACTOR_CUSTOMER else pb.TOUCHPOINT_KIND_REPLY
    at = reading.moment_at(part, "created_at", payload=payload, source=source)
    made = _begin(given, kind, actor, at, source, _speaker(part, actor))
    made.external_id = reading.text(part, "id")
    _say(made, part)
    reading.attribute(made, "part_type", part_type)
    if actor == pb.ACTOR_CUSTOMER:
        _identify_author(made, part)
    if reading.flag(part, "redacted"):
        return withdraw(made, _notified(given, payload, source).revision)
    if not made.text and not made.attributes.get("attachments", ""):
        return Ignored("no_words", part_type)
    return made


def _closed(given: reading.JsonObject, payload: Payload, source: Source) -> Iterator[Outcome]:
    """Read that a conversation is closed; what the teammate wrote on closing is a reply of its own."""
    part: reading.JsonObject = {}
    for each in _conversation_parts(given):
        if reading.optional_text(each, "part_type") == "close":
            part = each
        elif reading.optional_text(each, "author.type") in _AGENTS and reading.optional_text(each, "body"):
            yield _part(given, each, payload, source, "admin")
    author = reading.optional_text(part, "author.type") or "admin"
    if reading.optional_text(part, "body").strip():
        yield _part(given, part, payload, source, author)
    item = reading.object_at(given, "data.item")
    at = reading.moment_at(
        {"part": part, "item": item}, "part.created_at", "item.updated_at", payload=payload, source=source
    )
    made = _begin(given, pb.TOUCHPOINT_KIND_RESOLUTION, _actor(author), at, source)
    made.external_id = f"{reading.optional_text(part, 'id') or f'{made.thread_id}:{at.revision}'}:closed"
    yield made


def _rating(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    item = reading.object_at(given, "data.item")
    score = reading.number(given, "data.item.conversation_rating.rating")
    at = reading.moment_at(
        item, "conversation_rating.created_at", "updated_at", "created_at", payload=payload, source=source
    )
    rated_by = reading.optional_text(item, "conversation_rating.contact.id")
    made = _begin(given, pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, pb.ACTOR_CUSTOMER, at, source, rated_by)
    made.external_id = f"{made.thread_id}:rating"
    made.revision = _notified(given, payload, source).revision
    made.text = reading.optional_text(item, "conversation_rating.remark").strip()
    reading.answer_survey(made, pb.SURVEY_TYPE_CSAT, score, lowest=1, highest=5)
    reading.attribute(made, "teammate", reading.find(item, "conversation_rating.teammate.id"))
    return made


def _redacted(given: reading.JsonObject, payload: Payload, source: Source) -> Iterator[Outcome]:
    item = reading.object_at(given, "data.item")
    if reading.optional_text(item, "type") == "conversation_part":
        yield _part(given, {**item, "redacted": True}, payload, source, reading.optional_text(item, "author.type"))
        return
    parts = [each for each in _conversation_parts(given) if reading.flag(each, "redacted")]
    for part in parts:
        yield _part(given, part, payload, source, reading.optional_text(part, "author.type"))
    if not parts and reading.flag(item, "source.redacted"):
        made = _first_message(given, "conversation.user.created", payload, source)
        yield made if isinstance(made, Ignored) else withdraw(made, _notified(given, payload, source).revision)
    elif not parts:
        yield Ignored("no_words")


def _begin(
    given: reading.JsonObject,
    kind: pb.TouchpointKind.ValueType,
    actor: pb.Actor.ValueType,
    at: reading.Moment,
    source: Source,
    speaker: str = "",
) -> pb.Touchpoint:
    item = reading.object_at(given, "data.item")
    source_type = reading.optional_text(item, "source.type", "conversation_message.type").lower()
    made = reading.touchpoint(
        source,
        channel=_SOURCES.get(source_type, pb.CHANNEL_CHAT),
        kind=kind,
        actor=actor,
        at=at,
        thread_id=reading.text(given, "data.item.conversation_id", "data.item.conversation.id", "data.item.id"),
    )
    contacts = item.get("contacts")
    listed = contacts.get("contacts") if isinstance(contacts, dict) else contacts
    people = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    for old in ("user", "customer"):
        if isinstance(item.get(old), dict):
            people.append(item[old])
    if speaker and len({reading.optional_text(each, "id") for each in people} - {""}) > 1:
        people = [each for each in people if reading.optional_text(each, "id") == speaker]
    for person in people[:1]:  # Others of a group conversation are other people.
        _identify_contact(made, person)
    reading.attribute(made, "source_type", source_type)
    reading.attribute(made, "source_url", reading.optional_text(item, "source.url").partition("?")[0])
    return made


def _speaker(message: reading.JsonObject, actor: pb.Actor.ValueType) -> str:
    """Give the id of the contact who speaks; none where somebody else does."""
    return reading.optional_text(message, "author.id") if actor == pb.ACTOR_CUSTOMER else ""


def _identify_contact(made: pb.Touchpoint, person: reading.JsonObject) -> None:
    member = reading.optional_text(person, "external_id", "user_id")
    reading.identify(made, pb.IDENTIFIER_TYPE_MEMBER_ID, member)
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(person, "email"))
    reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, reading.optional_text(person, "phone"))
    reading.identify_account(made, "intercom", reading.optional_text(person, "id"))


def _identify_author(made: pb.Touchpoint, message: reading.JsonObject) -> None:
    author = reading.optional_object(message, "author")
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(author, "email"))
    reading.identify_account(made, "intercom", reading.optional_text(author, "id"))


def _say(made: pb.Touchpoint, message: reading.JsonObject) -> None:
    body = reading.optional_text(message, "body")
    made.text = rich_text.words(body)
    files = reading.objects_at(message, "attachments")
    types = [type_of(reading.optional_text(each, "content_type")) for each in files]
    attach(made, types + ["image"] * len(_IMAGE.findall(body)))


def _conversation_parts(given: reading.JsonObject) -> list[reading.JsonObject]:
    found = reading.find(given, "data.item.conversation_parts")
    if isinstance(found, list):
        return reading.objects_at(given, "data.item.conversation_parts")
    return reading.objects_at(given, "data.item.conversation_parts.conversation_parts")


def _notified(given: reading.JsonObject, payload: Payload, source: Source) -> reading.Moment:
    return reading.moment_at(given, "created_at", "first_sent_at", payload=payload, source=source)


def _actor(author: str) -> pb.Actor.ValueType:
    """Say who speaks; whoever is not known to be a contact or a teammate is a machine."""
    if author in _CUSTOMERS:
        return pb.ACTOR_CUSTOMER
    return pb.ACTOR_AGENT if author in _AGENTS else pb.ACTOR_BOT
