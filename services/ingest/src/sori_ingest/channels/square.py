"""Square: payments, orders, refunds, invoices and new customers."""

from collections.abc import Iterator, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import commerce, parts, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source
from sori_ingest.settings import options
from sori_ingest.settings.options import Option, one_of

NAME = "square"
TITLE = "Square"
DOCUMENT = "https://developer.squareup.com/reference/square/webhooks"
CHANNEL = "store"
FIELDS: Mapping[str, str] = {
    "external_id": "`payment:`, `order:`, `refund:`, `invoice:`, `customer:` and the id",
    "revision": "the object's version, else updated_at in milliseconds",
    "thread_id": "`order:` and the order's id",
    "kind": "payment purchase once it is completed; order purchase (other when cancelled); fulfillment delivery; "
    "refund; invoice.payment_made and invoice.refunded other; customer.created signup",
    "actor": "customer; system for deliveries, refunds and cancellations",
    "occurred_time": "the object's created_at (updated_at of a fulfillment or invoice), else the event's",
    "identifiers": "buyer_email_address, recipients of invoices, customers' e-mail and phone; reference_id as "
    "member_id; customer_id as `square:…`, or as the type in the option `customer_id`",
    "order_id": "order_id",
    "org_unit": "the option `location.<location_id>`",
    "text": "a customer's reason has no field at Square; empty",
    "attributes": "event, amount, currency, status, location, note, reason, source_type, receipt_number",
    "ignored": "payments that are not completed, orders that are drafts, refunds that failed or were rejected; with the"
    " option `purchases` (payments or orders) the others, so that a sale does not count twice; all other events",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
    "purchases": Option(
        "what counts as a purchase, `orders` or `payments`; both unless given", one_of(("orders", "payments"))
    ),
    **commerce.OPTIONS,
}

_TEST = "TEST_NOTIFICATION"
_KEPT_INVOICES = ("invoice.payment_made", "invoice.refunded")


def read(payload: Payload, source: Source) -> Reading:
    """Read one event."""
    given = reading.json_object(payload)
    event = reading.text(given, "type", "event_type")  # Its name before version 2, and of a test.
    if event == _TEST:
        return parts.reading_of(Ignored("test_ping"))
    return parts.reading_of(*_outcomes(event, given, payload, source))


def _outcomes(event: str, given: reading.JsonObject, payload: Payload, source: Source) -> Iterator[parts.Outcome]:
    entity, _, what = event.partition(".")
    counted = source.options.get("purchases", "")
    if (entity == "payment" and counted == "orders") or (
        entity == "order" and what != "fulfillment.updated" and counted == "payments"
    ):
        yield Ignored("not_counted", event)
    elif event in ("payment.created", "payment.updated"):
        yield _payment(event, given, payload, source)
    elif event in ("order.created", "order.updated"):
        yield _order(event, given, payload, source)
    elif event == "order.fulfillment.updated":
        yield _fulfillment(event, given, payload, source)
    elif event in ("refund.created", "refund.updated"):
        yield _refund(event, given, payload, source)
    elif event in _KEPT_INVOICES:
        yield _invoice(event, given, payload, source)
    elif event == "customer.created":
        yield _customer(event, given, payload, source)
    else:
        yield Ignored("event_type_unknown", event[:64])


def _begin(
    event: str,
    external_id: str,
    kind: pb.TouchpointKind.ValueType,
    within: reading.JsonObject,
    given: reading.JsonObject,
    times: tuple[str, ...],
    payload: Payload,
    source: Source,
) -> pb.Touchpoint:
    found = {"event": given.get("created_at"), **{time: within.get(time) for time in times}}
    version = reading.optional_integer(within, "version")
    updated = reading.moment(reading.optional_text(within, "updated_at"))
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_STORE),
        kind=kind,
        at=reading.moment_at(found, *times, "event", payload=payload, source=source),
        external_id=external_id,
        revision=max(0, version if version is not None else updated.revision if updated else 0),
        order_id=reading.optional_text(within, "order_id"),
    )
    made.thread_id = f"order:{made.order_id}" if made.order_id else external_id
    reading.attribute(made, "event", event)
    reading.attribute(made, "status", reading.optional_text(within, "status", "state"))
    location = reading.optional_text(within, "location_id") or reading.optional_text(given, "location_id")
    commerce.place(made, location, source)
    return made


def _money(made: pb.Touchpoint, within: reading.JsonObject, *paths: str) -> None:
    for path in paths:
        amount = reading.optional_integer(within, f"{path}.amount")
        if amount is not None:
            currency = reading.optional_text(within, f"{path}.currency")
            reading.attribute(made, "amount", commerce.major_units(amount, currency))
            reading.attribute(made, "currency", currency)
            return


def _phone(made: pb.Touchpoint, person: reading.JsonObject) -> None:
    """Add a person's number, which Square keeps as it was typed: with a country's code, with or without the plus."""
    number = reading.optional_text(person, "phone_number")
    known = len(made.identifiers)
    reading.identify_phone(made, number, reading.optional_text(person, "address.country"))
    if len(made.identifiers) == known and number and not number.lstrip().startswith("+"):
        reading.identify_phone(made, f"+{number.strip()}", "")


def _payment(event: str, given: reading.JsonObject, payload: Payload, source: Source) -> parts.Outcome:
    within = reading.object_at(given, "data.object.payment")
    payment_id = reading.text(given, "data.object.payment.id", "data.id")
    if reading.optional_text(within, "status") not in ("", "COMPLETED"):
        return Ignored("not_completed", event)
    kind = pb.TOUCHPOINT_KIND_PURCHASE
    made = _begin(event, f"payment:{payment_id}", kind, within, given, ("created_at",), payload, source)
    _money(made, within, "total_money", "amount_money")
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(within, "buyer_email_address"))
    commerce.identify_customer(made, NAME, reading.optional_text(within, "customer_id"), source)
    for name in ("note", "source_type", "receipt_number"):
        reading.attribute(made, name, reading.optional_text(within, name))
    return made


def _order(event: str, given: reading.JsonObject, payload: Payload, source: Source) -> parts.Outcome:
    within = reading.optional_object(given, f"data.object.{event.replace('.', '_')}")
    within = within or reading.object_at(given, "data.object.order")
    order_id = reading.optional_text(within, "order_id", "id") or reading.text(given, "data.id")
    state = reading.optional_text(within, "state")
    if state == "DRAFT":  # A basket that a price was asked for; nothing is sold.
        return Ignored("not_completed", event)
    cancelled = state == "CANCELED"
    kind = pb.TOUCHPOINT_KIND_OTHER if cancelled else pb.TOUCHPOINT_KIND_PURCHASE
    external_id = f"order:{order_id}"
    made = _begin(event, external_id, kind, within, given, ("created_at",), payload, source)
    made.order_id, made.thread_id = order_id, external_id
    if cancelled:
        made.actor = pb.ACTOR_SYSTEM
    _money(made, within, "total_money")
    items = reading.objects_at(within, "line_items")
    commerce.list_products(made, [reading.optional_text(item, "name") for item in items])
    commerce.identify_customer(made, NAME, reading.optional_text(within, "customer_id"), source)
    return made


def _fulfillment(event: str, given: reading.JsonObject, payload: Payload, source: Source) -> parts.Outcome:
    within = reading.object_at(given, "data.object.order_fulfillment_updated")
    order_id = reading.text(given, "data.object.order_fulfillment_updated.order_id")
    kind = pb.TOUCHPOINT_KIND_DELIVERY
    times = ("updated_at", "created_at")
    made = _begin(event, f"order:{order_id}#fulfillment", kind, within, given, times, payload, source)
    made.actor = pb.ACTOR_SYSTEM
    found = within.get("fulfillment_update")
    updates = [found] if isinstance(found, dict) else reading.objects_at(within, "fulfillment_update")
    states = [reading.optional_text(each, "new_state", "state") for each in updates]
    reading.attribute(made, "fulfillment", ", ".join(dict.fromkeys(states)))
    return made


def _refund(event: str, given: reading.JsonObject, payload: Payload, source: Source) -> parts.Outcome:
    within = reading.object_at(given, "data.object.refund")
    refund_id = reading.text(given, "data.object.refund.id", "data.id")
    if reading.optional_text(within, "status") in ("REJECTED", "FAILED"):
        return Ignored("not_completed", event)
    kind = pb.TOUCHPOINT_KIND_REFUND
    made = _begin(event, f"refund:{refund_id}", kind, within, given, ("created_at",), payload, source)
    made.actor = pb.ACTOR_SYSTEM
    _money(made, within, "amount_money")
    reading.attribute(made, "reason", reading.optional_text(within, "reason"))
    reading.attribute(made, "payment_id", reading.optional_text(within, "payment_id"))
    commerce.identify_customer(made, NAME, reading.optional_text(within, "customer_id"), source)
    return made


def _invoice(event: str, given: reading.JsonObject, payload: Payload, source: Source) -> parts.Outcome:
    within = reading.object_at(given, "data.object.invoice")
    invoice_id = reading.text(given, "data.object.invoice.id", "data.id")
    times = ("updated_at", "created_at")
    kind = pb.TOUCHPOINT_KIND_OTHER  # The payment or refund has an event of its own.
    made = _begin(event, f"invoice:{invoice_id}", kind, within, given, times, payload, source)
    if event == "invoice.refunded":
        made.actor = pb.ACTOR_SYSTEM
    recipient = reading.optional_object(within, "primary_recipient")
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(recipient, "email_address"))
    _phone(made, recipient)
    commerce.identify_customer(made, NAME, reading.optional_text(recipient, "customer_id"), source)
    _money(made, within, "payment_requests.0.computed_amount_money")
    return made


def _customer(event: str, given: reading.JsonObject, payload: Payload, source: Source) -> parts.Outcome:
    within = reading.object_at(given, "data.object.customer")
    customer_id = reading.text(given, "data.object.customer.id", "data.id")
    kind = pb.TOUCHPOINT_KIND_SIGNUP
    made = _begin(event, f"customer:{customer_id}", kind, within, given, ("created_at",), payload, source)
    reading.identify(made, pb.IDENTIFIER_TYPE_MEMBER_ID, reading.optional_text(within, "reference_id"))
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(within, "email_address"))
    _phone(made, within)
    commerce.identify_customer(made, NAME, customer_id, source)
    return made
