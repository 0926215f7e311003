"""Zammad: the articles of tickets, as its triggers post them."""

import email.utils
from collections.abc import Iterator, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import markup, quotation, reading, rich_text
from sori_ingest.channels.attachments import attach, type_of
from sori_ingest.channels.parts import Outcome, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source
from sori_ingest.settings.options import Option

NAME = "zammad"
TITLE = "Zammad tickets"
DOCUMENT = "https://admin-docs.zammad.org/en/latest/manage/webhook/payload.html"
CHANNEL = "email, web, call_center, chat, sns, crm"
FIELDS: Mapping[str, str] = {
    "external_id": "`article:<article.id>`; `ticket:<ticket.id>:closed:<time>` for its end",
    "revision": "`article.updated_at`, where the article was changed since `created_at`",
    "channel": "`article.type`",
    "kind": "inquiry of a customer, reply of an agent, other of the system, resolution for a closed ticket",
    "actor": "`article.sender`: Customer, Agent, System",
    "occurred_time": "`article.created_at`; `ticket.close_at`",
    "identifiers": "EMAIL, PHONE (`phone`, `mobile`) and ANONYMOUS_ID `zammad:<id>` of `ticket.customer`, or of another"
    " customer who wrote the article (`origin_by`, `created_by`); else EMAIL of `article.from`",
    "text": "`article.body`, HTML by `article.content_type`; of e-mails without quoted replies and signature",
    "language": "`article.detected_language`",
    "thread_id": "`ticket.id`",
    "attributes": "subject, number, state, priority, group, article_type, quoted, signature (1,000 characters each),"
    " attachments",
    "ignored": "internal articles, automatic answers of customers, changes without an article that close nothing,"
    " unknown senders",
}
OPTIONS: Mapping[str, Option] = {}

_TYPES = {
    **dict.fromkeys(("email",), pb.CHANNEL_EMAIL),
    **dict.fromkeys(("phone",), pb.CHANNEL_CALL_CENTER),
    **dict.fromkeys(("web",), pb.CHANNEL_WEB),
    **dict.fromkeys(("twitter status", "facebook feed post", "facebook feed comment"), pb.CHANNEL_SNS),
    **dict.fromkeys(
        ("chat", "sms", "telegram personal-message", "twitter direct-message", "whatsapp message"), pb.CHANNEL_CHAT
    ),
}
_SENDERS = {
    "customer": (pb.ACTOR_CUSTOMER, pb.TOUCHPOINT_KIND_INQUIRY),
    "agent": (pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_REPLY),
    "system": (pb.ACTOR_SYSTEM, pb.TOUCHPOINT_KIND_OTHER),
}
_STAFF = ("Agent", "Admin")
_CLOSED = frozenset({"closed", "merged", "pending close"})
_CLOSED_WITH_SECONDS = 60  # between an article and the end of its ticket, when one action did both


def read(payload: Payload, source: Source) -> Reading:
    """Read what a trigger posts of a ticket and the article that set it off; see Adapter."""
    given = reading.json_object(payload)
    return reading_of(*_read(given, payload, source))


def _read(given: reading.JsonObject, payload: Payload, source: Source) -> Iterator[Outcome]:
    ticket = reading.text(given, "ticket.id", "article.ticket_id")
    article = reading.optional_object(given, "article")
    state = _named(given, "ticket.state").lower()
    if article:
        yield _article(given, article, ticket, payload, source)
    if state in _CLOSED and state != "pending close" and _ends(given, article):
        yield _end(given, ticket, state, payload, source)
    elif not article:
        yield Ignored("no_article", state)


def _article(
    given: reading.JsonObject, article: reading.JsonObject, ticket: str, payload: Payload, source: Source
) -> Outcome:
    if reading.flag(article, "internal"):
        return Ignored("private_note")
    number = reading.text(given, "article.id")
    sender = reading.text(given, "article.sender").strip().lower()
    if sender not in _SENDERS:
        return Ignored("event_type_unknown", f"sender {sender}")
    actor, kind = _SENDERS[sender]
    if actor == pb.ACTOR_CUSTOMER and reading.flag(article, "preferences.is-auto-response"):
        return Ignored("auto_reply")  # Such as a note of absence, as Zammad knows by the mail's headers.
    of_type = _named(given, "article.type").lower()
    at = reading.moment_at(article, "created_at", payload=payload, source=source)
    parts = _parts(article, of_type)
    made = reading.touchpoint(
        source,
        channel=_TYPES.get(of_type, pb.CHANNEL_CRM),
        kind=kind,
        actor=actor,
        at=at,
        external_id=f"article:{number}",
        text=parts.own,
        language=reading.optional_text(article, "detected_language"),
        thread_id=ticket,
    )
    updated = reading.moment(article.get("updated_at"))
    if updated and updated.time > at.time:
        made.revision = updated.revision
    in_copy = _in_copy(given, article) if actor == pb.ACTOR_CUSTOMER else {}
    _identify(made, given, in_copy)
    if actor == pb.ACTOR_CUSTOMER and not in_copy and not _object(reading.find(given, "ticket.customer")):
        _, address = email.utils.parseaddr(reading.optional_text(article, "reply_to", "from"))
        reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, address)
    reading.attribute(made, "article_type", of_type)
    reading.attribute(made, "subject", reading.optional_text(given, "article.subject", "ticket.title"))
    reading.attribute(made, "quoted", parts.quoted)
    reading.attribute(made, "signature", parts.signature)
    _describe(made, given)
    files = reading.objects_at(article, "attachments")
    attach(made, [type_of(_media_type(each)) for each in files])
    return made if made.text or files else Ignored("no_words")


def _parts(article: reading.JsonObject, of_type: str) -> quotation.Parts:
    """Give the words of an article; of an e-mail that says nothing else, what it quotes counts as its words."""
    body = reading.optional_text(article, "body")
    is_html = "html" in reading.optional_text(article, "content_type")
    if of_type == "email":
        parts = quotation.separate_written(markup.read(body) if is_html else markup.Written(text=markup.tidy(body)))
        if parts.own:
            return parts
    return quotation.Parts(own=rich_text.words(body) if is_html else body.strip())


def _media_type(attachment: reading.JsonObject) -> str:
    preferences = attachment.get("preferences")
    if not isinstance(preferences, dict):
        return ""
    return next(
        (preferences[each] for each in ("Content-Type", "Mime-Type") if isinstance(preferences.get(each), str)), ""
    )


def _ends(given: reading.JsonObject, article: reading.JsonObject) -> bool:
    """Say whether this is what closed the ticket: no article was written, or the article was at the same moment."""
    if not article:
        return True
    closed = reading.moment(reading.find(given, "ticket.last_close_at")) or reading.moment(
        reading.find(given, "ticket.close_at")
    )
    said = reading.moment(article.get("created_at"))
    if closed is None or said is None:
        return False
    return abs((closed.time - said.time).total_seconds()) <= _CLOSED_WITH_SECONDS


def _end(given: reading.JsonObject, ticket: str, state: str, payload: Payload, source: Source) -> pb.Touchpoint:
    at = reading.moment_at(
        given, "ticket.last_close_at", "ticket.close_at", "ticket.updated_at", payload=payload, source=source
    )
    made = reading.touchpoint(
        source,
        channel=pb.CHANNEL_CRM,
        kind=pb.TOUCHPOINT_KIND_RESOLUTION,
        actor=pb.ACTOR_AGENT,
        at=at,
        external_id=f"ticket:{ticket}:{state}:{at.revision}",
        thread_id=ticket,
    )
    _identify(made, given)
    _describe(made, given)
    return made


def _identify(made: pb.Touchpoint, given: reading.JsonObject, in_copy: reading.JsonObject | None = None) -> None:
    person = in_copy or _object(reading.find(given, "ticket.customer"))
    number = reading.optional_text(person, "id")
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(person, "email"))
    for name in ("mobile", "phone"):
        reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, reading.optional_text(person, name))
    reading.identify_account(made, "zammad", number or reading.optional_text(given, "ticket.customer_id"))


def _in_copy(given: reading.JsonObject, article: reading.JsonObject) -> reading.JsonObject:
    """Give who wrote a customer's article, where that is not the customer of the ticket but another one.

    An article that staff write down for somebody, a call say, has who that is as `origin_by`.
    """
    author = _object(article.get("origin_by")) or _object(article.get("created_by"))
    roles = author.get("roles")
    number = reading.optional_text(author, "id")
    if not number or number == reading.optional_text(given, "ticket.customer.id", "ticket.customer_id"):
        return {}
    is_customer = isinstance(roles, list) and "Customer" in roles and not any(each in roles for each in _STAFF)
    return author if is_customer else {}


def _object(found: object) -> reading.JsonObject:
    return found if isinstance(found, dict) else {}


def _describe(made: pb.Touchpoint, given: reading.JsonObject) -> None:
    for name in ("state", "priority", "group"):
        reading.attribute(made, name, _named(given, f"ticket.{name}"))
    reading.attribute(made, "number", reading.find(given, "ticket.number"))


def _named(given: reading.JsonObject, path: str) -> str:
    """Give the name of what is written as an object with a name, or as its name alone."""
    found = reading.find(given, path)
    return reading.optional_text(found, "name") if isinstance(found, dict) else reading.optional_text(given, path)
