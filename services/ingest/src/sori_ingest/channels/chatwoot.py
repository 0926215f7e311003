"""Chatwoot: messages of conversations, how they end, and how customers rate them."""

from collections.abc import Iterator, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import quotation, reading
from sori_ingest.channels.attachments import attach
from sori_ingest.channels.fingerprint import fingerprint
from sori_ingest.channels.parts import Outcome, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source
from sori_ingest.channels.withdrawal import withdraw
from sori_ingest.settings.options import Option

NAME = "chatwoot"
TITLE = "Chatwoot conversations"
DOCUMENT = "https://www.chatwoot.com/hc/user-guide/articles/1677693021-how-to-use-webhooks"
CHANNEL = "chat, email, sns, call_center"
FIELDS: Mapping[str, str] = {
    "external_id": "id of the message; `<message>:csat`, `<message>:form`, `<message>:email`;"
    " `conversation:<id>:resolved:<time>`",
    "revision": "time of the update for an edited or deleted message; a deleted one becomes an empty one",
    "channel": "`conversation.channel`; call_center for a call",
    "kind": "inquiry for incoming, reply for outgoing and template, resolution for resolved, survey_response for CSAT,"
    " other for an e-mail address that a customer leaves",
    "actor": "customer for incoming; agent, or bot for templates and where no person sent it",
    "occurred_time": "`created_at`; of an answer `updated_at`, else that of the conversation, as of its end",
    "identifiers": "MEMBER_ID `identifier` of the contact, EMAIL, PHONE, ANONYMOUS_ID `chatwoot:<contact>`; of a group"
    " the contact who speaks",
    "text": "`content`, of e-mails without quoted replies and signature, else `transcribed_text` of voice messages"
    " and calls;"
    " `feedback_message` of a rating; the answers of a form",
    "survey": "CSAT, 1 to 5",
    "thread_id": "id of the conversation",
    "attributes": "event, inbox, account, content_type, status, deleted, subject, quoted, signature (1,000 characters"
    " each), attachments",
    "ignored": "private notes, activities, automatic answers by mail, surveys sent, updates of delivery, statuses but"
    " resolved, typing, contacts, other events",
}
OPTIONS: Mapping[str, Option] = {}

_TYPES = {"0": "incoming", "1": "outgoing", "2": "activity", "3": "template"}
_CHANNELS = {
    "Channel::Email": pb.CHANNEL_EMAIL,
    "Channel::TwitterProfile": pb.CHANNEL_SNS,
    "Channel::Voice": pb.CHANNEL_CALL_CENTER,
}
_MACHINES = frozenset({"agent_bot", "agentbot", "captain_assistant", "captain::assistant"})
_UNUSED = frozenset(
    {"conversation_updated", "conversation_typing_on", "conversation_typing_off", "conversation_opened"}
    | {"contact_created", "contact_updated", "inbox_created", "inbox_updated", "webwidget_triggered"}
)
_BY_RULE = frozenset(  # what a rule of Chatwoot's automation sends: the conversation, with its newest message
    f"automation_event.{each}"
    for each in ("message_created", "conversation_created", "conversation_opened", "conversation_updated")
)
_CALL = "voice_call"
_SURVEY = "content_attributes.submitted_values.csat_survey_response"


def read(payload: Payload, source: Source) -> Reading:
    """Read one event; see Adapter. A conversation that begins is read as the messages that it already has."""
    given = reading.json_object(payload)
    event = reading.text(given, "event")
    return reading_of(*_read(given, event, payload, source))


def _read(given: reading.JsonObject, event: str, payload: Payload, source: Source) -> Iterator[Outcome]:
    if event == "message_created":
        yield _message(given, given, payload, source)
    elif event == "message_updated":
        yield _updated(given, payload, source)
    elif event == "conversation_created" or event in _BY_RULE:
        messages = reading.objects_at(given, "messages")
        for message in messages:
            yield _message(given, message, payload, source)
        if not messages:
            yield Ignored("no_words", event)
    elif event in ("conversation_status_changed", "conversation_resolved"):
        yield _ended(given, event, payload, source)
    else:
        yield Ignored("event_type_unused" if event in _UNUSED else "event_type_unknown", event)


def _message(given: reading.JsonObject, message: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    """Read a message, which is what was given, or one of those of the conversation that was given."""
    if reading.flag(message, "private"):
        return Ignored("private_note")
    number = reading.text(message, "id")
    if message is given:
        reading.object_at(given, "conversation")
    told = reading.text(message, "message_type")
    kind = _TYPES.get(told, told)
    content_type = reading.optional_text(message, "content_type") or "text"
    if kind == "activity":
        return Ignored("activity")
    if kind == "template" and content_type == "input_csat":
        return Ignored("survey_sent")
    if kind not in ("incoming", "outgoing", "template"):
        return Ignored("event_type_unknown", f"message_type {kind}")
    if kind == "incoming" and reading.flag(message, "content_attributes.email.auto_reply"):
        return Ignored("auto_reply")
    actor = _actor(message, kind)
    sender = reading.optional_object(message, "sender")
    is_contact = reading.optional_text(sender, "type") == "contact"
    if actor != pb.ACTOR_CUSTOMER or (reading.optional_object(given, "contact") and not is_contact):
        sender = {}  # Beside a contact it may be who is assigned.
    made = _begin(
        given,
        pb.TOUCHPOINT_KIND_INQUIRY if actor == pb.ACTOR_CUSTOMER else pb.TOUCHPOINT_KIND_REPLY,
        actor,
        reading.moment_at(message, "created_at", payload=payload, source=source),
        source,
        speaker=sender,
    )
    made.external_id = number
    if content_type == _CALL:  # Of which the content is a remark of Chatwoot's.
        made.channel = pb.CHANNEL_CALL_CENTER
    else:
        made.text = reading.optional_text(
            message,
            "content",
            "content_attributes.email.text_content.reply",
            "content_attributes.email.text_content.full",
            "processed_message_content",
        ).strip()
    made.text = made.text or _transcribed(message)
    if content_type == "incoming_email":
        _separate(made, message)
    if content_type != "text":
        reading.attribute(made, "content_type", content_type)
    files = reading.objects_at(message, "attachments")
    attach(made, [reading.optional_text(each, "file_type") or "file" for each in files])
    return made if made.text or files or content_type == _CALL else Ignored("no_words")


def _separate(made: pb.Touchpoint, message: reading.JsonObject) -> None:
    """Take what an e-mail quotes, and how it is signed, from its words; of a mere quote nothing is taken."""
    parts = quotation.separate(made.text)
    if parts.own:
        made.text = parts.own
        reading.attribute(made, "quoted", parts.quoted)
        reading.attribute(made, "signature", parts.signature)
    reading.attribute(made, "subject", reading.find(message, "content_attributes.email.subject"))


def _transcribed(message: reading.JsonObject) -> str:
    """Give what was said in voice messages, which Chatwoot may write down a while after it tells of them."""
    said = (reading.optional_text(each, "transcribed_text") for each in reading.objects_at(message, "attachments"))
    return "\n".join(each.strip() for each in said if each.strip())


def _updated(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    """Read an update: of its many reasons, answers of the customer, deletions and edits count."""
    if reading.flag(given, "private"):
        return Ignored("private_note")
    submitted = reading.find(given, "content_attributes.submitted_values")
    if isinstance(submitted, dict) and submitted.get("csat_survey_response"):
        return _rating(given, payload, source)
    if isinstance(submitted, list) and submitted:
        return _form(given, submitted, payload, source)
    if address := reading.optional_text(given, "content_attributes.submitted_email").strip():
        return _address(given, address, payload, source)
    deleted = reading.flag(given, "content_attributes.deleted")
    if not deleted and not _is_edited(given):
        return Ignored("status_update")
    revision = _changed(given, payload, source).revision
    # What is left of a deleted message is a remark of Chatwoot's, which is withdrawn with it.
    found = _message(given, {**given, "content": given.get("content") or "-"} if deleted else given, payload, source)
    if isinstance(found, Ignored):
        return found
    if deleted:
        return withdraw(found, revision)
    found.revision = max(revision, 1)
    return found


def _changed(given: reading.JsonObject, payload: Payload, source: Source) -> reading.Moment:
    """Give when a message was changed; of versions that do not tell it, its conversation's change is the same."""
    return reading.moment_at(given, "updated_at", "conversation.updated_at", payload=payload, source=source)


def _is_edited(given: reading.JsonObject) -> bool:
    """Say whether words have changed, which only newer versions of Chatwoot tell, or a voice message was written down.

    Without being told, a customer's message is taken as edited; what staff sent is updated whenever it gets on its way.
    """
    changes = given.get("changed_attributes")
    if _transcribed(given):
        return True
    if isinstance(changes, list):
        return any(isinstance(each, dict) and "content" in each for each in changes)
    kind = reading.optional_text(given, "message_type")
    return _TYPES.get(kind, kind) == "incoming"


def _rating(given: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    score = reading.number(given, f"{_SURVEY}.rating")
    at = _changed(given, payload, source)
    made = _begin(given, pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, pb.ACTOR_CUSTOMER, at, source)
    made.external_id = f"{reading.text(given, 'id')}:csat"
    made.text = reading.optional_text(given, f"{_SURVEY}.feedback_message").strip()
    if made.text:  # Chatwoot tells the mark at once, and again with the words.
        made.revision = 1
    reading.answer_survey(made, pb.SURVEY_TYPE_CSAT, score, lowest=1, highest=5)
    return made


def _form(given: reading.JsonObject, submitted: list[object], payload: Payload, source: Source) -> Outcome:
    """Read what a customer chose or filled in."""
    answers = [each for each in submitted if isinstance(each, dict)]
    lines = []
    for each in answers:
        name, value = reading.optional_text(each, "title", "name"), reading.optional_text(each, "value")
        lines.append(": ".join(part for part in (name, value) if part))
    at = _changed(given, payload, source)
    made = _begin(given, pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER, at, source)
    made.external_id = f"{reading.text(given, 'id')}:form"
    made.text = "\n".join(each for each in lines if each)
    reading.attribute(made, "content_type", given.get("content_type"))
    return made if made.text else Ignored("no_words")


def _address(given: reading.JsonObject, address: str, payload: Payload, source: Source) -> pb.Touchpoint:
    """Read that a customer left an address to be written to; Chatwoot asks for it when nobody answers."""
    at = _changed(given, payload, source)
    made = _begin(given, pb.TOUCHPOINT_KIND_OTHER, pb.ACTOR_CUSTOMER, at, source)
    made.external_id = f"{reading.text(given, 'id')}:email"
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, address)
    reading.attribute(made, "content_type", given.get("content_type"))
    return made


def _ended(given: reading.JsonObject, event: str, payload: Payload, source: Source) -> Outcome:
    status = reading.text(given, "status").strip().lower()
    if status != "resolved":
        return Ignored("status_not_final", status)
    at = reading.moment_at(given, "updated_at", "timestamp", "last_activity_at", payload=payload, source=source)
    made = _begin(given, pb.TOUCHPOINT_KIND_RESOLUTION, pb.ACTOR_AGENT, at, source)
    told = any(given.get(each) for each in ("updated_at", "timestamp", "last_activity_at"))
    made.external_id = f"conversation:{made.thread_id}:resolved:{at.revision if told else fingerprint(payload, given)}"
    reading.attribute(made, "event", event)
    reading.attribute(made, "status", status)
    return made


def _begin(
    given: reading.JsonObject,
    kind: pb.TouchpointKind.ValueType,
    actor: pb.Actor.ValueType,
    at: reading.Moment,
    source: Source,
    *,
    speaker: reading.JsonObject | None = None,
) -> pb.Touchpoint:
    is_message = isinstance(given.get("conversation"), dict)
    conversation: reading.JsonObject = given["conversation"] if is_message else given
    thread = ("conversation.id", "conversation.display_id") if is_message else ("id", "display_id")
    channel = reading.optional_text(conversation, "channel") or reading.optional_text(given, "inbox.channel_type")
    made = reading.touchpoint(
        source,
        channel=_CHANNELS.get(channel, pb.CHANNEL_CHAT),
        kind=kind,
        actor=actor,
        at=at,
        thread_id=reading.text(given, *thread),
    )
    number = reading.optional_text(speaker or {}, "id")
    for person in (reading.optional_object(given, "contact"), reading.optional_object(conversation, "meta.sender")):
        if not number or reading.optional_text(person, "id") in ("", number):  # Others of a group are other people.
            _identify(made, person)
    if speaker:
        _identify(made, speaker)
    reading.attribute(made, "inbox", reading.find(given, "inbox.name"))
    reading.attribute(made, "account", reading.find(given, "account.id"))
    return made


def _identify(made: pb.Touchpoint, contact: reading.JsonObject) -> None:
    if reading.optional_text(contact, "type") not in ("", "contact"):
        return
    reading.identify(made, pb.IDENTIFIER_TYPE_MEMBER_ID, reading.optional_text(contact, "identifier"))
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(contact, "email"))
    reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, reading.optional_text(contact, "phone_number"))
    reading.identify_account(made, "chatwoot", reading.optional_text(contact, "id"))


def _actor(message: reading.JsonObject, kind: str) -> pb.Actor.ValueType:
    if kind == "incoming":
        return pb.ACTOR_CUSTOMER
    sender = reading.optional_object(message, "sender")
    of_type = (reading.optional_text(sender, "type") or reading.optional_text(message, "sender_type")).lower()
    if kind == "template" or of_type in _MACHINES or not (sender or of_type):
        return pb.ACTOR_BOT
    return pb.ACTOR_AGENT
