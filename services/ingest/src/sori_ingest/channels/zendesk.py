"""Zendesk: tickets and comments of event webhooks and triggers, and messages of messaging conversations."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading, rich_text
from sori_ingest.channels.attachments import attach, type_of
from sori_ingest.channels.fingerprint import fingerprint
from sori_ingest.channels.forms import is_form
from sori_ingest.channels.parts import Outcome, read_each, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.withdrawal import withdraw
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "zendesk"
TITLE = "Zendesk Support and messaging"
DOCUMENT = "https://developer.zendesk.com/api-reference/webhooks/event-types/ticket-events/"
CHANNEL = "email, web, app, chat, call_center, sns, crm"
FIELDS: Mapping[str, str] = {
    "external_id": "`comment:<id>`, `message:<id>`, `ticket:<id>` for its first words, `ticket:<id>:<status>:…`",
    "revision": "time of the event for a comment that is made private, which becomes an empty one, or redacted, of"
    " which the words that are left are kept, and for first words that are changed",
    "channel": "`via.channel`; kakao for its messages",
    "kind": "inquiry of a customer, reply of an agent or bot, resolution for solved, survey_response for a satisfaction"
    " rating",
    "actor": "`comment.author.is_staff`, `event.actor.type`, `author.type`, the role of a trigger's author",
    "occurred_time": "`time` of the event, `createdAt`, `created_at`, `updated_at`",
    "identifiers": "ANONYMOUS_ID `zendesk:<requester>`, or of another customer who comments; EMAIL, PHONE, MEMBER_ID"
    " (`external_id`) where a trigger or a messaging profile gives them; PHONE of who writes by WhatsApp or SMS",
    "text": "`comment.body`, `message.body`, `description`, without the heading that triggers write above it; the"
    " answers of a form",
    "survey": "CSAT: good and bad as 1 and 0, or 1 to 5",
    "thread_id": "number of the ticket; id of the conversation where there is no ticket",
    "attributes": "subject, status, priority, tags, group, via, ticket_external_id, attachments",
    "ignored": "private notes, statuses but solved and closed, closing after solving, messaging events without"
    " words, what Zendesk writes above a conversation of messaging, other events",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
}

_EVENT = "zen:event-type:"
_MESSAGING = "native_messaging"
_VIA = {
    **dict.fromkeys(("email", "mail"), pb.CHANNEL_EMAIL),
    **dict.fromkeys(("web", "web_form", "web form", "help_center", "web_widget"), pb.CHANNEL_WEB),
    **dict.fromkeys(("mobile", "mobile_sdk"), pb.CHANNEL_APP),
    **dict.fromkeys(("voice", "phone", "phone_call_inbound", "voicemail", "cti"), pb.CHANNEL_CALL_CENTER),
    **dict.fromkeys(("twitter", "twitter_dm", "facebook", "facebook_post", "instagram", "x_corp"), pb.CHANNEL_SNS),
    "kakao": pb.CHANNEL_KAKAO,
    **dict.fromkeys(("chat", _MESSAGING, "messaging", "whatsapp", "line", "sms", "apple"), pb.CHANNEL_CHAT),
}
_IDENTITIES = {"email": pb.IDENTIFIER_TYPE_EMAIL, "phone_number": pb.IDENTIFIER_TYPE_PHONE}
_BY_NUMBER = frozenset({"whatsapp", "twilio", "messagebird"})  # messengers that know people by their phone number
_REMOVALS = frozenset({"ticket.comment_redacted", "ticket.comment_made_private"})
_UNUSED_CONVERSATION = frozenset({"conversation:create", "conversation:read", "conversation:typing", "user:merge"})
_COMMENT_KINDS = {
    pb.ACTOR_CUSTOMER: pb.TOUCHPOINT_KIND_INQUIRY,
    pb.ACTOR_AGENT: pb.TOUCHPOINT_KIND_REPLY,
    pb.ACTOR_SYSTEM: pb.TOUCHPOINT_KIND_OTHER,
}
_STAFF_ROLES = frozenset({"agent", "admin", "staff"})  # also within the name of a role, as of a light agent
_RATINGS = {"good": 1.0, "bad": 0.0}
_SCORES = ("score", "rating", "current")
_SAME_MOMENT_SECONDS = 60
_HEADING = re.compile(r"-{20,}\s*\n\s*[^\n]{1,200}\d[^\n]{0,40}\n\s*")  # who wrote a comment and when, above its words
_TAG = re.compile(r"<(?:p|div|br|html|span|table|a|ul)\b", re.IGNORECASE)


def read(payload: Payload, source: Source) -> Reading:
    """Read an event of a webhook, a delivery of a messaging webhook, or the JSON or form of a trigger; see Adapter."""
    given: dict[str, Any] = dict(reading.form(payload)) if is_form(payload) else reading.json_object(payload)
    kind = reading.find(given, "type")
    if isinstance(kind, str) and kind.startswith(_EVENT):
        return reading_of(*_event(given, kind.removeprefix(_EVENT), payload, source))
    if isinstance(given.get("events"), list):
        return read_each(given["events"], "events", lambda event: _conversation(event, payload, source))
    if isinstance(given.get("messages"), list) and "trigger" in given:
        return read_each(_of_version_1(given), "messages", lambda event: _conversation(event, payload, source))
    if isinstance(given.get("trigger"), str) and "appUser" in given:
        return reading_of(Ignored("event_type_unknown", given["trigger"]))
    if "detail-type" in given:  # EventBridge has all of this in another form.
        return reading_of(Ignored("event_type_unknown", str(given["detail-type"])[:100]))
    return reading_of(*_ticket(given, payload, source))


# ---- event webhooks ----------------------------------------------------------------------------------------------


def _event(given: reading.JsonObject, kind: str, payload: Payload, source: Source) -> Iterator[Outcome]:
    if kind == "ticket.comment_added":
        yield _comment_added(given, payload, source)
    elif kind == "ticket.created":
        if reading.find(given, "detail.is_public") is False:
            yield Ignored("private_note")
            return
        made = _of_event(given, pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER, payload, source)
        made.external_id = f"ticket:{made.thread_id}"
        made.text = reading.optional_text(given, "detail.description").strip()
        made.text = made.text or reading.optional_text(given, "detail.subject").strip()
        yield Ignored("no_words", "messaging") if _is_heading(given, made.text) else made
    elif kind == "ticket.description_changed":
        yield _description_changed(given, kind, payload, source)
    elif kind == "ticket.status_changed":
        yield _status_changed(given, payload, source)
    elif kind == "ticket.csat_received":
        yield _csat_received(given, payload, source)
    elif kind in _REMOVALS:
        yield _removal(given, kind, payload, source)
    elif kind == "messaging_ticket.message_added":
        yield _message_added(given, payload, source)
    else:
        yield Ignored("event_type_unknown", kind)


def _description_changed(given: reading.JsonObject, kind: str, payload: Payload, source: Source) -> Outcome:
    """Read that the first words of a ticket are others, as when something in them was redacted."""
    if not reading.optional_text(given, "event.previous"):
        return Ignored("event_type_unused", kind)
    if reading.find(given, "detail.is_public") is False:
        return Ignored("private_note")
    times = ("detail.created_at", "time")
    made = _of_event(given, pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER, payload, source, times=times)
    made.external_id = f"ticket:{made.thread_id}"
    made.text = reading.optional_text(given, "event.current").strip()
    if _is_heading(given, made.text):
        return Ignored("no_words", "messaging")
    made.revision = max(reading.moment_at(given, "time", payload=payload, source=source).revision, 1)
    return made


def _comment_added(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    comment = reading.object_at(given, "event.comment")
    if comment.get("is_public") is False:
        return Ignored("private_note")
    actor = _author(given, "event.comment.author")
    made = _of_event(given, _COMMENT_KINDS[actor], actor, payload, source, author=_customer(comment, actor))
    made.text = reading.optional_text(comment, "body", "plain_body").strip()
    if not made.text:
        made.text = rich_text.words(reading.optional_text(comment, "html_body"))
    if actor != pb.ACTOR_AGENT and _is_heading(given, made.text):
        return Ignored("no_words", "messaging")
    made.external_id = _comment_id(given, comment, made)
    files = reading.objects_at(comment, "attachments")
    attach(made, [type_of(reading.optional_text(each, "content_type")) for each in files])
    if made.text or files:
        return made
    return Ignored("no_words")


def _removal(given: reading.JsonObject, kind: str, payload: Payload, source: Source) -> Outcome:
    """Read that words were redacted, or are no longer public; of a redacted comment there may be words left."""
    comment = reading.optional_object(given, "event.comment")
    actor = _author(given, "event.comment.author") if comment.get("author") else pb.ACTOR_SYSTEM
    made = _of_event(given, _COMMENT_KINDS[actor], actor, payload, source, author=_customer(comment, actor))
    made.external_id = f"comment:{reading.text(given, 'event.comment.id', 'event.comment_id')}"
    revision = reading.moment_at(given, "time", payload=payload, source=source).revision
    left = reading.optional_text(comment, "body").strip()
    if kind != "ticket.comment_redacted" or not left or comment.get("is_public") is False:
        return withdraw(made, revision)
    made.text, made.revision = left, max(revision, 1)
    return made


def _is_heading(given: reading.JsonObject, words: str) -> bool:
    """Say whether words are what Zendesk writes above a conversation of messaging, whose messages are told apart."""
    if reading.optional_text(given, "detail.via.channel").strip().lower() != _MESSAGING:
        return False
    return words.startswith("Conversation with ") or words == reading.optional_text(given, "detail.subject").strip()


def _comment_id(given: reading.JsonObject, comment: reading.JsonObject, made: pb.Touchpoint) -> str:
    """Name a comment; the first one is what `ticket.created` tells as well, and has its name."""
    description = reading.optional_text(given, "detail.description").strip()
    if made.text and made.text == description and made.actor == pb.ACTOR_CUSTOMER:
        created = reading.moment(reading.find(given, "detail.created_at"))
        said = reading.moment(reading.find(given, "time"))
        if created and said and abs((said.time - created.time).total_seconds()) <= _SAME_MOMENT_SECONDS:
            return f"ticket:{made.thread_id}"
    number = reading.optional_text(comment, "id")
    return f"comment:{number}" if number else f"event:{reading.text(given, 'id')}"


def _status_changed(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    status = reading.text(given, "event.current").strip().lower()
    if status not in ("solved", "closed"):
        return Ignored("status_not_final", status)
    if status == "closed" and reading.optional_text(given, "event.previous").strip().lower() == "solved":
        return Ignored("already_resolved")
    made = _of_event(given, pb.TOUCHPOINT_KIND_RESOLUTION, pb.ACTOR_AGENT, payload, source)
    made.external_id = f"ticket:{made.thread_id}:{status}:{reading.text(given, 'id')}"
    return made


def _csat_received(given: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    """Read a customer's rating: good or bad, or 1 to 5 where the survey is of the newer kind, with its answers."""
    event = reading.object_at(given, "event")
    answers = event.get("answers")
    rated = None
    words = ""
    for found in (
        *(event.get(each) for each in ("satisfaction_score", "satisfaction_rating", "survey_response")),
        event,
        *(answers if isinstance(answers, list) else ()),
    ):
        answer: reading.JsonObject = found if isinstance(found, dict) else {"score": found}
        rated = rated or _rated(reading.optional_text(answer, *_SCORES).strip().lower())
        words = words or reading.optional_text(answer, "comment", "value").strip()
    if rated is None:
        raise Unreadable("field_missing", "missing", "event.satisfaction_score")
    made = _of_event(given, pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, pb.ACTOR_CUSTOMER, payload, source)
    made.external_id = _rating_id(made.thread_id)
    made.revision = max(reading.moment_at(given, "time", payload=payload, source=source).revision, 1)
    made.text = words
    reading.answer_survey(made, pb.SURVEY_TYPE_CSAT, rated[0], lowest=rated[1], highest=rated[2])
    return made


def _message_added(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    speaker = reading.text(given, "event.actor.type").strip().lower()
    speaker_id = reading.optional_text(given, "event.actor.id")
    if speaker == "end_user":
        kind, actor = pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER
    else:  # Else an agent, or a machine: `system`, `trigger`, and Zendesk's own bots.
        by_agent = speaker in _STAFF_ROLES and not speaker_id.startswith("zd:")
        kind, actor = pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT if by_agent else pb.ACTOR_BOT
    made = _of_event(given, kind, actor, payload, source, pb.CHANNEL_CHAT)
    made.external_id = f"message:{reading.text(given, 'event.message.id', 'id')}"
    made.text = reading.optional_text(given, "event.message.body", "event.message.text").strip()
    if actor == pb.ACTOR_CUSTOMER:
        reading.identify_account(made, "zendesk", speaker_id)
    reading.attribute(made, "conversation", reading.find(given, "event.conversation_id"))
    if not made.text:
        attach(made, [reading.optional_text(given, "event.message.type") or "file"])
    return made


def _of_event(
    given: reading.JsonObject,
    kind: pb.TouchpointKind.ValueType,
    actor: pb.Actor.ValueType,
    payload: Payload,
    source: Source,
    channel: pb.Channel.ValueType = pb.CHANNEL_CRM,
    *,
    author: str = "",
    times: tuple[str, ...] = ("time", "detail.updated_at"),
) -> pb.Touchpoint:
    ticket = reading.text(given, "detail.id")
    via = reading.optional_text(given, "detail.via.channel").strip().lower()
    made = reading.touchpoint(
        source,
        channel=_VIA.get(via, channel),
        kind=kind,
        actor=actor,
        at=reading.moment_at(given, *times, payload=payload, source=source),
        thread_id=ticket,
    )
    reading.identify_account(made, "zendesk", author or reading.optional_text(given, "detail.requester_id"))
    detail = reading.object_at(given, "detail")
    if via != _MESSAGING:  # Where the subject is "Conversation with" and a name.
        reading.attribute(made, "subject", detail.get("subject"))
    reading.attribute(made, "via", via)
    _describe(made, detail, group="group_id")
    reading.attribute(made, "ticket_external_id", detail.get("external_id"))
    return made


def _author(given: reading.JsonObject, path: str) -> pb.Actor.ValueType:
    """Tell who wrote a comment; where Zendesk does not say, whoever is not the requester is staff."""
    author, requester = reading.optional_text(given, f"{path}.id"), reading.optional_text(given, "detail.requester_id")
    if author == "-1":
        return pb.ACTOR_SYSTEM
    if reading.find(given, f"{path}.is_staff") is None and author and requester and author != requester:
        return pb.ACTOR_AGENT
    return pb.ACTOR_AGENT if reading.flag(given, f"{path}.is_staff") else pb.ACTOR_CUSTOMER


def _customer(comment: reading.JsonObject, actor: pb.Actor.ValueType) -> str:
    """Give the id of the customer who wrote a comment: the requester, or somebody in copy; none of staff."""
    return reading.optional_text(comment, "author.id") if actor == pb.ACTOR_CUSTOMER else ""


def _describe(made: pb.Touchpoint, ticket: reading.JsonObject, *, group: str) -> None:
    for name in ("status", "priority"):
        value = ticket.get(name)
        reading.attribute(made, name, value.lower() if isinstance(value, str) else value)
    tags = ticket.get("tags")
    if isinstance(tags, list):
        tags = ",".join(each for each in tags if isinstance(each, str))
    reading.attribute(made, "tags", tags)
    reading.attribute(made, "group", ticket.get(group))


# ---- messaging webhooks (Sunshine Conversations) -----------------------------------------------------------------


def _conversation(event: reading.JsonObject, payload: Payload, source: Source) -> Iterator[Outcome]:
    kind = reading.text(event, "type")
    if kind != "conversation:message":
        yield Ignored("event_type_unused" if kind in _UNUSED_CONVERSATION else "event_type_unknown", kind)
        return
    author = reading.object_at(event, "payload.message.author")
    actor = pb.ACTOR_CUSTOMER
    if reading.text(event, "payload.message.author.type") != "user":
        by_agent = reading.optional_text(event, "payload.message.source.type") == "zd:agentWorkspace"
        by_machine = "AI" in reading.items_at(author, "subtypes")
        actor = pb.ACTOR_AGENT if by_agent and not by_machine else pb.ACTOR_BOT
    thread = reading.text(event, "payload.conversation.id")
    messenger = reading.optional_text(event, "payload.message.source.type").strip().lower()
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_KAKAO if messenger == "kakao" else pb.CHANNEL_CHAT),
        kind=pb.TOUCHPOINT_KIND_INQUIRY if actor == pb.ACTOR_CUSTOMER else pb.TOUCHPOINT_KIND_REPLY,
        actor=actor,
        at=reading.moment_at(event, "payload.message.received", "createdAt", payload=payload, source=source),
        external_id=f"message:{reading.text(event, 'payload.message.id')}",
        text=reading.optional_text(event, "payload.message.content.text").strip(),
        thread_id=reading.optional_text(event, "payload.conversation.metadata.ticketId") or thread,
    )
    if actor == pb.ACTOR_CUSTOMER:
        user = reading.optional_object(author, "user")
        reading.identify_account(
            made, "zendesk", reading.optional_text(user, "id") or reading.optional_text(author, "userId")
        )
        reading.identify(made, pb.IDENTIFIER_TYPE_MEMBER_ID, reading.optional_text(user, "externalId"))
        reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(user, "profile.email"))
        if messenger in _BY_NUMBER:  # WhatsApp writes them without a plus.
            number = reading.optional_text(event, "payload.message.source.client.externalId")
            reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, f"+{number.removeprefix('+')}" if number else "")
        for each in reading.objects_at(user, "identities"):
            if (of_type := _IDENTITIES.get(reading.optional_text(each, "type"))) is not None:
                reading.identify(made, of_type, reading.optional_text(each, "value"))
    reading.attribute(made, "via", reading.find(event, "payload.message.source.type"))
    content = reading.optional_text(event, "payload.message.content.type") or "text"
    if content == "formResponse":
        _answer(made, reading.optional_object(event, "payload.message.content"))
    elif content != "text":
        attach(made, [content])
    yield made if made.text or content != "text" else Ignored("no_words")


def _of_version_1(given: reading.JsonObject) -> list[Any]:
    """Spell a delivery of version 1 of these webhooks, which has the messages of one user, as version 2 does."""
    user = reading.optional_object(given, "appUser")
    person = {
        "id": user.get("_id"),
        "externalId": user.get("userId"),
        "profile": {"email": user.get("email")},
    }
    return [
        {
            "type": "conversation:message",
            "payload": {
                "conversation": {"id": reading.find(given, "conversation._id") or user.get("_id")},
                "message": {
                    "id": message.get("_id"),
                    "received": message.get("received"),
                    "author": {"type": "user" if message.get("role") == "appUser" else "business", "user": person},
                    "content": message,
                    "source": message.get("source"),
                },
            },
        }
        if isinstance(message, dict)
        else message
        for message in given["messages"]
    ]


def _answer(made: pb.Touchpoint, form: reading.JsonObject) -> None:
    """Take the words of a form that somebody filled in; an e-mail address in it is an identifier, and no words."""
    lines = []
    for field in reading.objects_at(form, "fields"):
        label = reading.optional_text(field, "label", "name").strip()
        chosen = ", ".join(reading.optional_text(each, "label") for each in reading.objects_at(field, "select"))
        answer = reading.optional_text(field, "text").strip() or chosen
        if answer:
            lines.append(f"{label}: {answer}" if label else answer)
        if made.actor == pb.ACTOR_CUSTOMER:
            reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(field, "email"))
    made.text = "\n".join(lines)
    if not lines:
        attach(made, ["form"])


# ---- what a trigger writes ---------------------------------------------------------------------------------------


def _ticket(given: reading.JsonObject, payload: Payload, source: Source) -> Iterator[Outcome]:
    """Read the JSON of a trigger, which has the names of Zendesk's placeholders, within `ticket` or flat."""
    nested = isinstance(given.get("ticket"), dict)
    ticket: reading.JsonObject = given["ticket"] if nested else given
    number = reading.optional_text(ticket, "id", "ticket_id") or reading.optional_text(given, "ticket_id")
    if not number:
        raise Unreadable("field_missing", "missing", "ticket.id" if nested else "ticket_id")
    if number.lstrip().startswith("{{"):  # A test of the webhook, for which there is no ticket.
        yield Ignored("test_ping", "placeholders")
        return
    status = reading.optional_text(ticket, "status", "ticket_status").strip().lower()
    comment, words = _latest_comment(given, ticket)
    said: list[Outcome] = []
    if words and (comment.get("public") is False or comment.get("is_public") in (False, "false")):
        yield Ignored("private_note")
        return
    rating = _rating(given, ticket, number, payload, source)
    if rating is not None:
        said.append(rating)
    elif words:
        actor = _trigger_author(given, ticket, comment)
        made = _of_trigger(given, ticket, number, actor, payload, source, comment)
        made.text = words
        comment_id = reading.optional_text(comment, "id") or reading.optional_text(ticket, "latest_comment_id")
        made.external_id = f"comment:{comment_id}" if comment_id else f"ticket:{number}:{_words_id(given, payload)}"
        said.append(made)
    elif status not in ("solved", "closed"):
        made = _of_trigger(given, ticket, number, pb.ACTOR_CUSTOMER, payload, source)
        made.text = _plain(reading.optional_text(ticket, "description", "ticket_description"))
        made.text = made.text or reading.optional_text(ticket, "title", "subject", "ticket_title").strip()
        made.external_id = f"ticket:{number}"
        if not made.text:
            raise Unreadable("field_missing", "missing", "ticket.description" if nested else "description")
        said.append(made)
    if status in ("solved", "closed") and rating is None:
        made = _of_trigger(given, ticket, number, pb.ACTOR_AGENT, payload, source)
        made.kind = pb.TOUCHPOINT_KIND_RESOLUTION
        updated = reading.optional_text(ticket, "updated_at", "updated_at_with_timestamp", "ticket_updated_at")
        made.external_id = f"ticket:{number}:{status}:{updated or fingerprint(payload, given)}"
        said.append(made)
    yield from said


def _words_id(given: reading.JsonObject, payload: Payload) -> str:
    return fingerprint(payload, given)[:16]


def _latest_comment(given: reading.JsonObject, ticket: reading.JsonObject) -> tuple[reading.JsonObject, str]:
    for within in (ticket, given):
        for name in ("latest_public_comment", "latest_comment", "comment", "latest_comment_html"):
            found = within.get(name)
            if isinstance(found, str) and found.strip():
                return {}, _plain(found)
            if isinstance(found, dict):
                words = reading.optional_text(found, "value", "body", "plain_body", "text", "html_body")
                if words.strip():
                    return found, _plain(words)
    return {}, ""


def _plain(words: str) -> str:
    plain = rich_text.words(words) if _TAG.search(words) else words.strip()
    heading = _HEADING.match(plain)
    return plain[heading.end() :] if heading else plain


def _trigger_author(
    given: reading.JsonObject, ticket: reading.JsonObject, comment: reading.JsonObject
) -> pb.Actor.ValueType:
    """Tell who wrote a comment: by role, or by being the requester; without either it is taken as the customer's."""
    role = reading.optional_text(comment, "author.role", "author_role") or reading.optional_text(
        given, "current_user.role", "author_role", "author.role"
    )
    if role:
        return pb.ACTOR_AGENT if any(each in role.lower() for each in _STAFF_ROLES) else pb.ACTOR_CUSTOMER
    if isinstance(comment.get("author"), dict) and "is_staff" in comment["author"]:
        return pb.ACTOR_AGENT if reading.flag(comment, "author.is_staff") else pb.ACTOR_CUSTOMER
    requester = _requester(given, ticket)
    email, number = _commenter(given, comment)
    doing = reading.optional_text(given, "current_user.email", "current_user_email").strip()
    author = (email or number or doing).lower()
    known = {each.lower() for each in (requester["email"], requester["id"]) if each}
    if author and known:
        return pb.ACTOR_CUSTOMER if author in known else pb.ACTOR_AGENT
    return pb.ACTOR_CUSTOMER


def _commenter(given: reading.JsonObject, comment: reading.JsonObject) -> tuple[str, str]:
    """Give the address and the id of who wrote a comment, as far as a trigger tells."""
    email = reading.optional_text(comment, "author.email", "author_email") or reading.optional_text(
        given, "author_email"
    )
    return email.strip(), reading.optional_text(comment, "author.id", "author_id").strip()


def _customer_of_trigger(
    given: reading.JsonObject, ticket: reading.JsonObject, comment: reading.JsonObject
) -> dict[str, str]:
    """Give the customer who wrote a comment: the requester, or somebody in copy."""
    requester = _requester(given, ticket)
    email, number = _commenter(given, comment)
    for mine, known in ((email, requester["email"]), (number, requester["id"])):
        if mine and known and mine.lower() != known.lower():
            return {"id": number, "email": email, "phone": "", "external_id": ""}
    return requester


def _requester(given: reading.JsonObject, ticket: reading.JsonObject) -> dict[str, str]:
    found: dict[str, str] = dict.fromkeys(("id", "email", "phone", "external_id"), "")
    for within in (ticket, given):
        for name in found:
            paths = (f"requester.{name}", f"requester_{name}", f"ticket_requester_{name}")
            found[name] = found[name] or reading.optional_text(within, *paths).strip()
    return found


def _of_trigger(
    given: reading.JsonObject,
    ticket: reading.JsonObject,
    number: str,
    actor: pb.Actor.ValueType,
    payload: Payload,
    source: Source,
    comment: reading.JsonObject | None = None,
) -> pb.Touchpoint:
    via = ticket.get("via")
    via_name = reading.optional_text(ticket, "via.channel") if isinstance(via, dict) else str(via or "")
    via_name = via_name.strip().lower()
    made = reading.touchpoint(
        source,
        channel=_VIA.get(via_name.replace(" ", "_"), pb.CHANNEL_CRM),
        kind=pb.TOUCHPOINT_KIND_INQUIRY if actor == pb.ACTOR_CUSTOMER else pb.TOUCHPOINT_KIND_REPLY,
        actor=actor,
        at=_trigger_time(given, ticket, payload, source),
        thread_id=number,
    )
    by_customer = comment is not None and actor == pb.ACTOR_CUSTOMER
    person = _customer_of_trigger(given, ticket, comment or {}) if by_customer else _requester(given, ticket)
    reading.identify(made, pb.IDENTIFIER_TYPE_MEMBER_ID, person["external_id"])
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, person["email"])
    reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, person["phone"])
    reading.identify_account(made, "zendesk", person["id"])
    reading.attribute(made, "subject", reading.optional_text(ticket, "title", "subject", "ticket_title"))
    reading.attribute(made, "via", via_name)
    _describe(made, ticket, group="group")
    return made


def _trigger_time(
    given: reading.JsonObject, ticket: reading.JsonObject, payload: Payload, source: Source
) -> reading.Moment:
    """Take the latest time that can be read: placeholders also write dates for people, such as `May 18`."""
    for within in (ticket, given):
        for name in ("comment.created_at", "updated_at_with_timestamp", "updated_at", "created_at_with_timestamp"):
            if made := reading.moment(reading.find(within, name), local=source.options.get("zone", "")):
                return made
        if made := reading.moment(reading.find(within, "created_at"), local=source.options.get("zone", "")):
            return made
    return reading.moment_at({}, payload=payload, source=source)


def _rating(
    given: reading.JsonObject, ticket: reading.JsonObject, number: str, payload: Payload, source: Source
) -> pb.Touchpoint | None:
    """Read a satisfaction rating, if that is what the trigger tells."""
    for within in (ticket, given):
        for name in ("satisfaction_rating", "satisfaction"):
            found = within.get(name)
            answer: reading.JsonObject = found if isinstance(found, dict) else {"score": found}
            score = reading.optional_text(answer, "score", "current_rating", "rating").strip().lower()
            words = reading.optional_text(answer, "comment", "current_comment").strip()
            made = _rated(score)
            if made is None:
                continue
            touchpoint = _of_trigger(given, ticket, number, pb.ACTOR_CUSTOMER, payload, source)
            touchpoint.kind, touchpoint.text = pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, words
            touchpoint.external_id = _rating_id(number)
            touchpoint.revision = reading.Moment(_trigger_time(given, ticket, payload, source).time).revision
            reading.answer_survey(touchpoint, pb.SURVEY_TYPE_CSAT, made[0], lowest=made[1], highest=made[2])
            return touchpoint
    return None


def _rating_id(ticket: str) -> str:
    return f"ticket:{ticket}:rating"


def _rated(score: str) -> tuple[float, float, float] | None:
    name = score.partition(",")[0].partition("_with")[0].strip()  # Of `good, I'm satisfied`, `good_with_comment`.
    if name in _RATINGS:
        return _RATINGS[name], 0, 1
    return (float(score), 1, 5) if score in ("1", "2", "3", "4", "5") else None
