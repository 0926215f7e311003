"""Naver TalkTalk: what customers do and say in a chat, and the echoes of what agents and bots answer."""

import re
from collections.abc import Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading
from sori_ingest.channels.attachments import attach
from sori_ingest.channels.fingerprint import fingerprint
from sori_ingest.channels.parts import Outcome, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "naver_talktalk"
TITLE = "Naver TalkTalk"
DOCUMENT = "https://github.com/navertalk/chatbot-api"
CHANNEL = "chat"
FIELDS: Mapping[str, str] = {
    "external_id": "made of the content and the ten minutes in which it came: the payload has no id",
    "kind": "visit for `open`, inquiry for `send`, reply for `echo`, resolution for the `handover` of a finished"
    " consultation, purchase for a confirmed payment, other for `leave`, `friend`, `profile`",
    "actor": "customer; of an echo agent where `options.sourceId` is 1, else bot; of a finished consultation"
    " agent, or system where it ended by itself",
    "occurred_time": "time of receipt: the payload has no time",
    "identifiers": "ANONYMOUS_ID `naver:<user>`; PHONE and EMAIL of a `profile`; PHONE of the safe number that a"
    " customer hands in (`inputType` vphone)",
    "text": "`textContent.text`; titles and descriptions of `compositeContent` and of its lists",
    "thread_id": "`user`",
    "order_id": "`merchantPayKey` of a confirmed payment",
    "product": "product number in the path of `options.referer`",
    "attributes": "event, partner, inflow, from, friend, set, input_type, button_code, standby, attachments",
    "ignored": "the bot's own handovers, echoes of other events, refused profiles, unconfirmed or failed payments,"
    " other events; `pay_complete` among them, which who answers it with a 200 approves: a bot that takes payments"
    " judges that event itself and hands the others on",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
}

_PARTNER = 1  # `sourceId` of a person in the partner centre
_CONTENT = re.compile(r"([a-z]+)Content")
_PRODUCT = re.compile(r"/products?/([0-9]{4,20})")
_UNUSED = frozenset({"pay_complete", "product", "typingOn", "typingOff"})
_AUTO_END = re.compile(r"autoEnd\W{1,4}true")


def read(payload: Payload, source: Source) -> Reading:
    """Read one event; see Adapter."""
    given = reading.json_object(payload)
    event = reading.text(given, "event").strip()
    if event == "test":
        return reading_of(Ignored("test_ping"))
    return reading_of(_read(given, event, payload, source))


def _read(given: reading.JsonObject, event: str, payload: Payload, source: Source) -> Outcome:
    if event == "send":
        return _said(given, event, payload, source, pb.ACTOR_CUSTOMER)
    if event == "echo":
        return _echo(given, payload, source)
    if event == "open":
        made = _begin(given, event, payload, source, pb.TOUCHPOINT_KIND_VISIT)
        if product := _PRODUCT.search(reading.optional_text(given, "options.referer")):
            made.product = product[1]
        reading.attributes(made, reading.optional_object(given, "options"), ("inflow", "from", "friend"))
        return made
    if event in ("leave", "friend"):
        made = _begin(given, event, payload, source, pb.TOUCHPOINT_KIND_OTHER)
        reading.attribute(made, "set", reading.find(given, "options.set"))
        return made
    if event == "profile":
        return _profile(given, event, payload, source)
    if event == "handover":
        return _handover(given, event, payload, source)
    if event == "pay_confirm":
        return _payment(given, event, payload, source)
    return Ignored("event_type_unused" if event in _UNUSED else "event_type_unknown", event)


def _begin(
    given: reading.JsonObject,
    event: str,
    payload: Payload,
    source: Source,
    kind: pb.TouchpointKind.ValueType,
    actor: pb.Actor.ValueType = pb.ACTOR_CUSTOMER,
) -> pb.Touchpoint:
    user = reading.text(given, "user")
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_CHAT),
        kind=kind,
        actor=actor,
        at=reading.moment_at(given, payload=payload, source=source),
        external_id=fingerprint(payload, given),
        thread_id=user,
    )
    reading.identify_account(made, "naver", user)
    reading.attribute(made, "event", event)
    reading.attribute(made, "partner", given.get("partner"))
    return made


def _said(
    given: reading.JsonObject, event: str, payload: Payload, source: Source, actor: pb.Actor.ValueType
) -> Outcome:
    kind = pb.TOUCHPOINT_KIND_INQUIRY if actor == pb.ACTOR_CUSTOMER else pb.TOUCHPOINT_KIND_REPLY
    made = _begin(given, event, payload, source, kind, actor)
    contents = [name[1] for each in given if (name := _CONTENT.fullmatch(each)) and given[each] is not None]
    if not contents:
        raise Unreadable("field_missing", "missing", "textContent")
    words = [reading.optional_text(given, "textContent.text")]
    for each in reading.objects_at(given, "compositeContent.compositeList"):
        for part in (each, *reading.objects_at(each, "elementList.data")):
            words += [reading.optional_text(part, name) for name in ("title", "description", "subDescription")]
    made.text = "\n".join(each.strip() for each in words if each.strip())
    input_type = reading.optional_text(given, "textContent.inputType")
    if input_type == "vphone" and actor == pb.ACTOR_CUSTOMER:  # A safe number and the day until which it holds.
        reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, words[0].partition(",")[0])
    attach(made, [name for name in contents if name not in ("text", "composite")])
    if not made.text and not made.attributes.get("attachments", ""):
        return Ignored("no_words")
    reading.attribute(made, "input_type", input_type)
    reading.attribute(made, "button_code", reading.find(given, "textContent.code"))
    if reading.flag(given, "standby"):
        reading.attribute(made, "standby", "true")  # A person has the thread, not the bot.
    return made


def _echo(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    """Read what an agent or a bot of the company sent; whose it is, `sourceId` says."""
    echoed = reading.optional_text(given, "echoedEvent") or "send"
    if echoed != "send":
        return Ignored("bot_echo", echoed)
    sender = reading.optional_number(given, "options.sourceId")
    by_agent = sender == _PARTNER or (sender is None and bool(reading.optional_text(given, "options.managerNickname")))
    return _said(given, "echo", payload, source, pb.ACTOR_AGENT if by_agent else pb.ACTOR_BOT)


def _profile(given: reading.JsonObject, event: str, payload: Payload, source: Source) -> Outcome:
    result = reading.optional_text(given, "options.result").upper()
    if result not in ("", "SUCCESS"):
        return Ignored("profile_refused", result)
    made = _begin(given, event, payload, source, pb.TOUCHPOINT_KIND_OTHER)
    reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, reading.optional_text(given, "options.cellphone"))
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(given, "options.email"))
    return made


def _handover(given: reading.JsonObject, event: str, payload: Payload, source: Source) -> Outcome:
    """Read that an agent has finished: the thread is passed back to the bot, which no target says."""
    metadata = reading.find(given, "options.metadata")
    passed = reading.optional_text(given, "options.control") == "passThread"
    if not passed or reading.find(given, "options.targetId") is not None or not metadata:
        return Ignored("handover")
    actor = pb.ACTOR_SYSTEM if _AUTO_END.search(str(metadata)) else pb.ACTOR_AGENT
    return _begin(given, event, payload, source, pb.TOUCHPOINT_KIND_RESOLUTION, actor)


def _payment(given: reading.JsonObject, event: str, payload: Payload, source: Source) -> Outcome:
    if reading.optional_text(given, "options.paymentConfirmResult.code", "options.code").lower() != "success":
        return Ignored("payment_failed")
    made = _begin(given, event, payload, source, pb.TOUCHPOINT_KIND_PURCHASE)
    made.order_id = reading.optional_text(
        given,
        "options.paymentConfirmResult.merchantPayKey",
        "options.paymentConfirmResult.detail.merchantPayKey",
        "options.paymentConfirmResult.deatil.merchantPayKey",  # So the document spells it.
    )
    if payment := reading.optional_text(given, "options.paymentConfirmResult.paymentId"):
        made.external_id = f"payment:{payment}"
    return made
