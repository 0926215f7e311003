"""Shopify: orders, payments, deliveries, refunds, checkouts and new customers."""

import re
from collections.abc import Iterator, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import commerce, parts, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "shopify"
TITLE = "Shopify"
DOCUMENT = "https://shopify.dev/docs/api/webhooks"
CHANNEL = "web (store for orders of a point of sale)"
FIELDS: Mapping[str, str] = {
    "external_id": "`order:`, `refund:`, `fulfillment:`, `checkout:`, `customer:` and the id; orders/cancelled and "
    "orders/fulfilled: `order:` id `#cancelled`, `#fulfilled`",
    "revision": "1 for orders/paid, which is the same purchase as orders/create; of deliveries and checkouts "
    "updated_at in milliseconds",
    "thread_id": "`order:` and the order's id",
    "kind": "by X-Shopify-Topic, or by the shape where there is no header: orders/create and orders/paid purchase, "
    "orders/cancelled other, orders/fulfilled and fulfillments delivery, refunds/create refund, checkouts and carts "
    "cart, customers/create signup",
    "actor": "customer; system for deliveries, refunds and cancellations but those of which cancel_reason is customer",
    "occurred_time": "created_at, processed_at, cancelled_at or updated_at, whichever belongs to the topic",
    "identifiers": "email, phone; customer.id as `shopify:…`, or as the type in the option `customer_id`",
    "order_id": "id, order_id",
    "product": "titles of the line items",
    "org_unit": "the option `location.<location_id>`",
    "text": "the order's note, which the customer writes in the cart",
    "language": "customer_locale",
    "attributes": "topic, order_name, amount, currency, items, payment, fulfillment, cancel_reason, refund_note, "
    "customer_note, tracking_company, …",
    "ignored": "test orders, orders/updated, requests of the privacy law, all other topics",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
    **commerce.OPTIONS,
}

_PURCHASES = ("orders/create", "orders/paid")
_DELIVERIES = ("fulfillments/create", "fulfillments/update")
_CHECKOUTS = ("checkouts/create", "checkouts/update", "carts/create", "carts/update")
_GID = re.compile(r"gid://shopify/(\w{1,60})/")
_KNOWN = frozenset({"Order", "Refund", "Fulfillment", "Customer", "Cart", "Checkout", "AbandonedCheckout"})
_OTHER_SHAPES = frozenset(  # of products, stocks, shops and collections
    {"variants", "product_type", "inventory_item_id", "myshopify_domain", "published_scope"}
)
_RESOURCES = frozenset(  # what the Admin API puts its answers into
    f"{name}{end}" for name in ("order", "refund", "fulfillment", "checkout", "customer") for end in ("", "s")
)
_OF_ITS_OWN = frozenset({"id", "created_at", "order_id", "line_items", "shop_domain"})  # of what is in no such thing
_PRIVACY = ("customers/data_request", "customers/redact", "shop/redact")


def read(payload: Payload, source: Source) -> Reading:
    """Read one webhook, or what the Admin API answers."""
    given = reading.json_object(payload)
    topic = payload.headers.get("x-shopify-topic", "").strip().lower()
    if not topic and _OF_ITS_OWN.isdisjoint(given) and (named := _RESOURCES & given.keys()):
        return _answered(given, min(named), payload, source)
    topic = topic or _topic(given)
    return parts.reading_of(*_outcomes(topic, given, payload, source))


def _answered(given: reading.JsonObject, name: str, payload: Payload, source: Source) -> Reading:
    """Read one resource by its name, or a page of them."""
    found = given[name]
    listed = [found] if isinstance(found, dict) else reading.items_at(given, name)
    if not listed:
        return Reading(ignored=(Ignored("no_events"),))
    created = f"{name.removesuffix('s')}s/create"

    def read_one(each: reading.JsonObject) -> Iterator[parts.Outcome]:
        topic = _order_topic(each) if created == "orders/create" else created
        return _outcomes(topic, each, payload, source)

    return parts.read_each(listed, name, read_one)


def _outcomes(topic: str, given: reading.JsonObject, payload: Payload, source: Source) -> Iterator[parts.Outcome]:
    if topic in _PRIVACY:
        yield Ignored("privacy_request", topic)
    elif payload.headers.get("x-shopify-test", "").lower() == "true" or reading.flag(given, "test"):
        yield Ignored("test_order", topic)
    elif topic in _PURCHASES:
        yield _purchase(topic, given, payload, source)
    elif topic in ("orders/cancelled", "orders/fulfilled"):
        yield _step(topic, given, payload, source)
    elif topic in _DELIVERIES:
        yield _delivery(topic, given, payload, source)
    elif topic == "refunds/create":
        yield _refund(topic, given, payload, source)
    elif topic in _CHECKOUTS:
        yield _checkout(topic, given, payload, source)
    elif topic == "customers/create":
        yield _customer(topic, given, payload, source)
    elif topic:
        yield Ignored("event_type_unknown", topic[:64])
    else:
        raise Unreadable("field_missing", "no X-Shopify-Topic, and the shape tells none", "id")


def _topic(given: reading.JsonObject) -> str:
    """Guess the topic by the shape, for payloads that come without headers."""
    if "data_request" in given or "orders_requested" in given:
        return "customers/data_request"
    if "orders_to_redact" in given:
        return "customers/redact"
    if "shop_domain" in given and "shop_id" in given:
        return "shop/redact"
    if "order_edit" in given:
        return "orders/edited"
    if "refund_line_items" in given or ("order_id" in given and "transactions" in given):
        return "refunds/create"
    if (kind := _GID.match(str(given.get("admin_graphql_api_id", "")))) and kind[1] not in _KNOWN:
        return kind[1].lower()
    if not _OTHER_SHAPES.isdisjoint(given):
        return "other"
    if "order_id" in given and (
        "tracking_number" in given or "shipment_status" in given or "tracking_company" in given
    ):
        return "fulfillments/create"
    if "abandoned_checkout_url" in given:
        return "checkouts/create"
    if "financial_status" in given or "order_number" in given or ("line_items" in given and "total_price" in given):
        return _order_topic(given)
    if "line_items" in given and "token" in given:
        return "carts/create"
    if "id" in given and ("orders_count" in given or "verified_email" in given or "default_address" in given):
        return "customers/create"
    return ""


def _order_topic(given: reading.JsonObject) -> str:
    if given.get("cancelled_at"):
        return "orders/cancelled"
    if given.get("fulfillment_status") == "fulfilled" and given.get("source_name") != "pos":
        return "orders/fulfilled"
    return "orders/paid" if given.get("financial_status") == "paid" else "orders/create"


def _begin(
    topic: str,
    external_id: str,
    kind: pb.TouchpointKind.ValueType,
    given: reading.JsonObject,
    times: tuple[str, ...],
    payload: Payload,
    source: Source,
) -> pb.Touchpoint:
    usual = pb.CHANNEL_STORE if given.get("source_name") == "pos" else pb.CHANNEL_WEB
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, usual),
        kind=kind,
        at=reading.moment_at(given, *times, payload=payload, source=source),
        external_id=external_id,
        language=reading.optional_text(given, "customer_locale"),
    )
    reading.attribute(made, "topic", topic)
    return made


def _order(
    topic: str,
    suffix: str,
    kind: pb.TouchpointKind.ValueType,
    given: reading.JsonObject,
    times: tuple[str, ...],
    payload: Payload,
    source: Source,
) -> pb.Touchpoint:
    order_id = reading.text(given, "id")
    made = _begin(topic, f"order:{order_id}{suffix}", kind, given, times, payload, source)
    made.order_id, made.thread_id = order_id, f"order:{order_id}"
    _people(made, given, source)
    _bought(made, given)
    commerce.place(made, reading.optional_text(given, "location_id"), source)
    reading.attribute(made, "order_name", reading.optional_text(given, "name"))
    prices = ("total_price", "current_total_price")  # The latter is what edits and refunds leave, so 0 once cancelled.
    changed = topic in ("orders/paid", "orders/fulfilled")
    reading.attribute(made, "amount", reading.optional_text(given, *(prices[::-1] if changed else prices)))
    reading.attribute(made, "currency", reading.optional_text(given, "currency"))
    reading.attribute(made, "payment", reading.optional_text(given, "financial_status"))
    reading.attribute(made, "fulfillment", reading.optional_text(given, "fulfillment_status"))
    return made


def _purchase(topic: str, given: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    times = ("created_at", "processed_at")
    made = _order(topic, "", pb.TOUCHPOINT_KIND_PURCHASE, given, times, payload, source)
    made.revision = int(topic == "orders/paid")
    made.text = reading.optional_text(given, "note")
    reading.attribute(made, "customer_note", reading.optional_text(given, "customer.note"))
    return made


def _step(topic: str, given: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    cancelled = topic == "orders/cancelled"
    made = _order(
        topic,
        "#cancelled" if cancelled else "#fulfilled",
        pb.TOUCHPOINT_KIND_OTHER if cancelled else pb.TOUCHPOINT_KIND_DELIVERY,
        given,
        ("cancelled_at", "updated_at") if cancelled else ("updated_at", "created_at"),
        payload,
        source,
    )
    made.actor = pb.ACTOR_SYSTEM
    if cancelled:
        reading.attribute(made, "cancel_reason", reading.optional_text(given, "cancel_reason"))
        if given.get("cancel_reason") == "customer":
            made.actor = pb.ACTOR_CUSTOMER
    return made


def _delivery(topic: str, given: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    times = ("updated_at", "created_at")
    external_id = f"fulfillment:{reading.text(given, 'id')}"
    made = _begin(topic, external_id, pb.TOUCHPOINT_KIND_DELIVERY, given, times, payload, source)
    made.actor = pb.ACTOR_SYSTEM
    made.order_id = reading.text(given, "order_id")
    made.thread_id = f"order:{made.order_id}"
    made.revision = _version(given)
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(given, "email"))
    _bought(made, given)
    commerce.place(made, reading.optional_text(given, "location_id"), source)
    for name in ("status", "shipment_status", "tracking_company"):
        reading.attribute(made, name, reading.optional_text(given, name))
    return made


def _refund(topic: str, given: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    times = ("processed_at", "created_at")
    external_id = f"refund:{reading.text(given, 'id')}"
    made = _begin(topic, external_id, pb.TOUCHPOINT_KIND_REFUND, given, times, payload, source)
    made.actor = pb.ACTOR_SYSTEM
    made.order_id = reading.text(given, "order_id")
    made.thread_id = f"order:{made.order_id}"
    lines = reading.objects_at(given, "refund_line_items")
    items = [reading.optional_object(line, "line_item") for line in lines]
    commerce.list_products(made, [reading.optional_text(item, "title", "name") for item in items])
    reading.attribute(made, "refund_note", reading.optional_text(given, "note"))  # The merchant's words.
    amounts = [
        reading.optional_number(each, "amount") or 0.0
        for each in reading.objects_at(given, "transactions")
        if each.get("kind") == "refund" and each.get("status") in (None, "success", "pending")
    ]
    if amounts:
        currency = reading.optional_text(given, "transactions.0.currency")
        reading.attribute(made, "amount", f"{sum(amounts):.{commerce.digits(currency)}f}")
        reading.attribute(made, "currency", currency)
    return made


def _checkout(topic: str, given: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    external_id = f"checkout:{reading.text(given, 'id', 'token')}"
    times = ("updated_at", "created_at")
    made = _begin(topic, external_id, pb.TOUCHPOINT_KIND_CART, given, times, payload, source)
    made.revision = _version(given)
    made.text = reading.optional_text(given, "note")
    _people(made, given, source)
    _bought(made, given)
    reading.attribute(made, "amount", reading.optional_text(given, "total_price"))
    reading.attribute(made, "currency", reading.optional_text(given, "currency"))
    return made


def _customer(topic: str, given: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    customer_id = reading.text(given, "id")
    times = ("created_at",)
    made = _begin(topic, f"customer:{customer_id}", pb.TOUCHPOINT_KIND_SIGNUP, given, times, payload, source)
    _people(made, {"email": given.get("email"), "phone": given.get("phone"), "customer": {"id": customer_id}}, source)
    reading.attribute(made, "customer_note", reading.optional_text(given, "note"))
    return made


def _people(made: pb.Touchpoint, given: reading.JsonObject, source: Source) -> None:
    for path in ("email", "contact_email", "customer.email"):
        reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(given, path))
    country = reading.optional_text(given, "billing_address.country_code")
    for path in ("phone", "customer.phone", "billing_address.phone"):  # A parcel may go to somebody else.
        reading.identify_phone(made, reading.optional_text(given, path), country)
    commerce.identify_customer(made, NAME, reading.optional_text(given, "customer.id"), source)


def _bought(made: pb.Touchpoint, given: reading.JsonObject) -> None:
    items = reading.objects_at(given, "line_items")
    commerce.list_products(made, [reading.optional_text(item, "title", "name") for item in items])
    quantity = sum(int(reading.optional_number(item, "quantity") or 1) for item in items)
    reading.attribute(made, "items", quantity or None)


def _version(given: reading.JsonObject) -> int:
    at = reading.moment(reading.optional_text(given, "updated_at"))
    return max(0, at.revision) if at else 0
