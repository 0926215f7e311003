"""Segment's tracking API: identify, track, page, screen, group and alias, one by one or in a batch."""

import datetime as dt
import hashlib
import json
import re
import urllib.parse
from collections.abc import Iterator, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import commerce, parts, questionnaire, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "segment"
TITLE = "Segment tracking API"
DOCUMENT = "https://segment.com/docs/connections/spec/"
CHANNEL = "web; app where the library or the device says so; the option `channel`"
FIELDS: Mapping[str, str] = {
    "external_id": "messageId; without one a digest of the message",
    "kind": "page and screen view; track by the event's name (e-commerce spec), or as the option `event.<name>` says; "
    "identify, group and alias other",
    "actor": "customer",
    "occurred_time": "timestamp, else originalTimestamp, put right by the time of receipt less sentAt, as Segment does;"
    " timestamp as it is where originalTimestamp or no sentAt is there",
    "identifiers": "userId as app_user_id (or the type in the option `user_id`), anonymousId, previousId of alias as "
    "anonymous_id (or the type in the option `previous_id`), traits email and phone, context.device.id",
    "text": "review_body, comment, feedback or message of the properties",
    "rating": "properties.rating of Product Reviewed where it is 1 to 5; else it is an attribute",
    "order_id": "properties.order_id",
    "product": "properties.name or the products' names; of page and screen nothing",
    "attributes": "event, call, traits as trait.…, group_id, path, title, and the properties that are texts, "
    "numbers or flags",
    "ignored": "other types, such as delete",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
    "event.…": Option("kind of the events of that name, as in `event.Quiz Done: survey_response`", options.kind),
    "previous_id": Option("type of identifier that a previousId is; anonymous_id unless given", options.identifier),
    "user_id": Option("type of identifier that a userId is; app_user_id unless given", options.identifier),
}

_CALLS = ("identify", "track", "page", "screen", "group", "alias")
_LARGEST_SKEW = dt.timedelta(days=1)  # A message sent longer ago was stored, or is played again.
_AHEAD = dt.timedelta(minutes=5)
_NO_LETTER = re.compile(r"[\W_]+")
_MOBILE = re.compile(r"ios|android|swift|kotlin|flutter|react-native|unity|xamarin", re.I)
_EVENTS = {
    **dict.fromkeys(
        ("productssearched", "productlistviewed", "productlistfiltered", "promotionviewed", "promotionclicked",
         "productclicked", "productviewed", "couponentered"),
        pb.TOUCHPOINT_KIND_VIEW,
    ),
    **dict.fromkeys(
        ("productadded", "productremoved", "cartviewed", "checkoutstarted", "checkoutstepviewed",
         "checkoutstepcompleted", "paymentinfoentered", "couponapplied", "couponremoved", "coupondenied",
         "productaddedtowishlist",
         "productremovedfromwishlist", "wishlistproductaddedtocart", "addedtocart"),
        pb.TOUCHPOINT_KIND_CART,
    ),
    **dict.fromkeys(("ordercompleted", "completedorder", "purchased"), pb.TOUCHPOINT_KIND_PURCHASE),
    **dict.fromkeys(("orderrefunded", "refundrequested"), pb.TOUCHPOINT_KIND_REFUND),
    **dict.fromkeys(("orderfulfilled", "ordershipped", "orderdelivered"), pb.TOUCHPOINT_KIND_DELIVERY),
    "productreviewed": pb.TOUCHPOINT_KIND_REVIEW,
    **dict.fromkeys(("productshared", "cartshared", "invitesent", "referralsent"), pb.TOUCHPOINT_KIND_REFERRAL),
    **dict.fromkeys(
        ("signedup", "signup", "userregistered", "accountcreated", "registered"), pb.TOUCHPOINT_KIND_SIGNUP
    ),
    **dict.fromkeys(
        ("accountdeleted", "subscriptioncancelled", "subscriptioncanceled", "trialcancelled"),
        pb.TOUCHPOINT_KIND_CANCELLATION,
    ),
    **dict.fromkeys(
        ("applicationopened", "sessionstarted", "signedin", "loggedin", "storevisited"), pb.TOUCHPOINT_KIND_VISIT
    ),
}  # fmt: skip
_PERSONAL = frozenset(  # Who somebody is, which nobody needs to know here.
    ("name", "firstname", "lastname", "username", "address", "birthday", "avatar", "title", "description", "website")
)
_WORDS = ("review_body", "reviewBody", "comment", "feedback", "message")


def read(payload: Payload, source: Source) -> Reading:
    """Read one call, or all of a batch."""
    given = reading.json_object(payload)
    if "batch" in given:
        batch = reading.items_at(given, "batch")
        if not batch:
            return Reading(ignored=(Ignored("no_events"),))
        around = {
            name: value for name, value in given.items() if name in ("sentAt", "context", "userId", "anonymousId")
        }
        return parts.read_each(batch, "batch", lambda each: _call({**around, **each}, payload, source))
    return parts.reading_of(*_call(given, payload, source))


def _call(given: reading.JsonObject, payload: Payload, source: Source) -> Iterator[parts.Outcome]:
    call = reading.optional_text(given, "type").lower() or payload.query.get("type", "") or _guess(given)
    if call not in _CALLS:
        if not call:
            raise Unreadable("field_missing", "missing", "type")
        yield Ignored("event_type_unknown", call[:64])
        return
    user = reading.optional_text(given, "userId", "user_id").strip()
    anonymous = reading.optional_text(given, "anonymousId", "anonymous_id").strip()
    if not user and not anonymous:
        raise Unreadable("field_missing", "neither userId nor anonymousId", "userId")
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, _channel(call, given)),
        kind=_kind(call, given, source),
        at=_moment(given, payload),
        external_id=reading.optional_text(given, "messageId", "message_id") or _digest(given),
    )
    _people(made, call, user, anonymous, given, source)
    reading.attribute(made, "call", call)
    if call == "track":
        reading.attribute(made, "event", reading.text(given, "event"))
    if call == "group":
        reading.attribute(made, "group_id", reading.optional_text(given, "groupId"))
    _describe(made, call, given, source)
    yield made


def _guess(given: reading.JsonObject) -> str:
    """Tell the call by what only it has: of a single one the address says which it is, and files have no address."""
    for name, call in (("event", "track"), ("previousId", "alias"), ("groupId", "group"), ("traits", "identify")):
        if name in given:
            return call
    return "page" if "properties" in given or "name" in given else ""


def _channel(call: str, given: reading.JsonObject) -> pb.Channel.ValueType:
    library = reading.optional_text(given, "context.library.name")
    device = reading.optional_text(given, "context.device.type").lower()
    mobile = call == "screen" or _MOBILE.search(library) or device in ("ios", "android")
    return pb.CHANNEL_APP if mobile else pb.CHANNEL_WEB


def _kind(call: str, given: reading.JsonObject, source: Source) -> pb.TouchpointKind.ValueType:
    if call in ("page", "screen"):
        return pb.TOUCHPOINT_KIND_VIEW
    if call != "track":
        return pb.TOUCHPOINT_KIND_OTHER
    event = reading.text(given, "event")
    mapped = reading.enum_named("kind", source.options.get(f"event.{event}", ""))
    usual = _EVENTS.get(_NO_LETTER.sub("", event).lower(), pb.TOUCHPOINT_KIND_OTHER)
    return pb.TouchpointKind.ValueType(mapped) if mapped else usual


def _moment(given: reading.JsonObject, payload: Payload) -> reading.Moment:
    """Put the client's clock right: what it was off when it sent, it was off when it wrote."""
    local = reading.optional_text(given, "context.timezone")
    received = reading.Moment(payload.received_time.astimezone(dt.UTC))
    said: dict[str, reading.Moment | None] = {}
    written = "timestamp" if given.get("timestamp") not in (None, "") else "originalTimestamp"
    by_client = written == "originalTimestamp" or "originalTimestamp" not in given
    for name in (written, "sentAt"):
        value = given.get(name)
        said[name] = None if value in (None, "") else reading.moment(value, local=local)
        if value not in (None, "") and said[name] is None:
            raise Unreadable("field_wrong", "not a time", name)
    at, sent = said[written], said["sentAt"]
    if at is None:
        return received
    if sent is not None and by_client:
        skew = received.time - sent.time
        if abs(skew) <= _LARGEST_SKEW or at.time > received.time + _AHEAD:
            at = reading.Moment(at.time + skew, at.offset_minutes)
    return at if at.time <= received.time + _AHEAD else received


def _digest(given: reading.JsonObject) -> str:
    said = {name: value for name, value in given.items() if name not in ("sentAt", "receivedAt")}
    written = json.dumps(said, sort_keys=True, ensure_ascii=True, default=str)
    return f"sha256:{hashlib.sha256(written.encode()).hexdigest()}"


def _people(
    made: pb.Touchpoint, call: str, user: str, anonymous: str, given: reading.JsonObject, source: Source
) -> None:
    reading.identify(made, _type(source, "user_id", pb.IDENTIFIER_TYPE_APP_USER_ID), user)
    if call == "alias":
        previous = reading.text(given, "previousId", "previous_id").strip()
        reading.identify(made, _type(source, "previous_id", pb.IDENTIFIER_TYPE_ANONYMOUS_ID), previous)
    reading.identify(made, pb.IDENTIFIER_TYPE_ANONYMOUS_ID, anonymous)
    reading.identify(made, pb.IDENTIFIER_TYPE_DEVICE_ID, reading.optional_text(given, "context.device.id"))
    traits = {**reading.optional_object(given, "context.traits")}
    if call == "identify":  # Those of a group are not the person's.
        traits.update(reading.optional_object(given, "traits"))
    for name, value in traits.items():
        if isinstance(value, str) and questionnaire.field_of(name, source) in (
            "email", "phone", "member_id", "loyalty_card", "kakao_id",
        ):  # fmt: skip
            questionnaire.fill(made, name, value, source)
        elif _NO_LETTER.sub("", name).lower() not in _PERSONAL:
            reading.attribute(made, f"trait.{name}", value)


def _type(source: Source, option: str, usual: pb.IdentifierType.ValueType) -> pb.IdentifierType.ValueType:
    return pb.IdentifierType.ValueType(reading.enum_named("identifier", source.options.get(option, "")) or usual)


def _describe(made: pb.Touchpoint, call: str, given: reading.JsonObject, source: Source) -> None:
    properties = reading.optional_object(given, "properties")
    page = reading.optional_text(given, "context.page.path", "properties.path")
    reading.attribute(made, "path", page or _path(reading.optional_text(given, "context.page.url", "properties.url")))
    if call in ("page", "screen"):
        reading.attribute(made, "title", reading.optional_text(given, "name", "properties.title", "properties.name"))
        reading.attribute(made, "category", reading.optional_text(given, "category", "properties.category"))
    elif call == "track":
        made.order_id = reading.optional_text(properties, "order_id", "orderId")
        products = [reading.optional_text(each, "name", "product_id", "sku") for each in _products(properties)]
        name = reading.optional_text(properties, "product_name") or _name(made, properties)
        commerce.list_products(made, products or [name])
        made.text = next((said for word in _WORDS if (said := _said(properties, word))), "")
        if made.kind == pb.TOUCHPOINT_KIND_REVIEW:
            reading.rate(made, _stars(properties), 1, 5)
    for name, value in properties.items():
        if name in (*_WORDS, "url", "path", "referrer", "search", "title", "email", "phone"):
            continue
        if source.mapping.get(name) and isinstance(value, str):
            questionnaire.fill(made, name, value, source)
        else:
            reading.attribute(made, name, value)


def _name(made: pb.Touchpoint, properties: reading.JsonObject) -> str:
    """Give `name`, which is a product's in the events of the e-commerce spec."""
    return reading.optional_text(properties, "name") if made.kind != pb.TOUCHPOINT_KIND_OTHER else ""


def _products(properties: reading.JsonObject) -> list[reading.JsonObject]:
    found = properties.get("products")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _stars(properties: reading.JsonObject) -> float | None:
    """Give the rating where it is one of 1 to 5, as the spec's are; any other stays an attribute beside the words."""
    try:
        given = reading.optional_number(properties, "rating")
    except Unreadable:
        return None
    return given if given is not None and 1 <= given <= 5 else None


def _said(properties: reading.JsonObject, word: str) -> str:
    value = properties.get(word)
    return value if isinstance(value, str) else ""


def _path(url: str) -> str:
    """Leave out what follows the path of an address: it may hold tokens."""
    try:
        return urllib.parse.urlsplit(url).path
    except ValueError:
        return ""
