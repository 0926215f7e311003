"""Shopify webhooks, as in https://shopify.dev/docs/api/webhooks."""

import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_creation_and_payment_are_one_purchase(read: Read) -> None:
    [created] = read("shopify", "ok_order_created.json").touchpoints
    [paid] = read("shopify", "ok_order_paid.json").touchpoints

    assert created.external_id == paid.external_id
    assert created.revision < paid.revision
    assert pb.TOUCHPOINT_KIND_PURCHASE == created.kind == paid.kind


def test_an_order_tells_who_bought_what_for_how_much(read: Read) -> None:
    [made] = read("shopify", "ok_order_created.json").touchpoints

    assert "유기농 우유, 딸기잼" == made.product
    assert ("39800", "KRW", "3") == tuple(made.attributes[name] for name in ("amount", "currency", "items"))
    assert "문 앞에 놓아 주세요" == made.text
    assert (pb.IDENTIFIER_TYPE_PHONE, "+821098765432") in [(each.type, each.value) for each in made.identifiers]
    assert "shopify:115310627314723954" in [each.value for each in made.identifiers]
    assert "555-555-SHIP" not in str(made)


@pytest.mark.parametrize(
    ("file", "topic", "kind"),
    [
        ("ok_order_created.json", "orders/create", pb.TOUCHPOINT_KIND_PURCHASE),
        ("ok_order_cancelled.json", "orders/cancelled", pb.TOUCHPOINT_KIND_OTHER),
        ("ok_order_fulfilled.json", "orders/fulfilled", pb.TOUCHPOINT_KIND_DELIVERY),
        ("ok_refund.json", "refunds/create", pb.TOUCHPOINT_KIND_REFUND),
        ("ok_fulfillment.json", "fulfillments/create", pb.TOUCHPOINT_KIND_DELIVERY),
        ("ok_customer.json", "customers/create", pb.TOUCHPOINT_KIND_SIGNUP),
        ("ok_checkout.json", "checkouts/create", pb.TOUCHPOINT_KIND_CART),
    ],
)
def test_the_shape_tells_the_topic_where_there_is_no_header(
    read: Read, file: str, topic: str, kind: pb.TouchpointKind.ValueType
) -> None:
    guessed = read("shopify", file)
    told = read("shopify", file, headers={"x-shopify-topic": topic})

    assert guessed == told
    assert kind == guessed.touchpoints[0].kind


def test_the_steps_of_an_order_are_one_thread(read: Read) -> None:
    files = ("ok_order_created.json", "ok_refund.json", "ok_fulfillment.json", "ok_order_cancelled.json")

    threads = {read("shopify", file).touchpoints[0].thread_id for file in files}

    assert {"order:820982911946154508"} == threads


@pytest.mark.parametrize("headers", [{"x-shopify-topic": "orders/updated"}, {"x-shopify-topic": "themes/publish"}])
def test_other_topics_are_ignored(read: Read, headers: dict[str, str]) -> None:
    [ignored] = read("shopify", "ok_order_created.json", headers=headers).ignored

    assert ("event_type_unknown", headers["x-shopify-topic"]) == (ignored.reason, ignored.detail)


def test_a_test_notification_is_ignored(read: Read) -> None:
    [ignored] = read("shopify", "ok_order_created.json", headers={"x-shopify-test": "true"}).ignored

    assert "test_order" == ignored.reason


def test_a_broken_phone_number_does_not_lose_the_order(read: Read) -> None:
    [made] = read("shopify", "ok_unknown_extras.json").touchpoints

    assert pb.IDENTIFIER_TYPE_PHONE not in [each.type for each in made.identifiers]


def test_customer_numbers_may_be_member_numbers(read: Read) -> None:
    [made] = read("shopify", "ok_order_created.json", options={"customer_id": "member_id"}).touchpoints

    assert (pb.IDENTIFIER_TYPE_MEMBER_ID, "115310627314723954") in [
        (each.type, each.value) for each in made.identifiers
    ]


def test_number_without_country_from_abroad_is_not_taken_for_a_korean_one(read: Read) -> None:
    [made] = read("shopify", "ok_order_from_abroad.json").touchpoints

    phones = [each.value for each in made.identifiers if each.type == pb.IDENTIFIER_TYPE_PHONE]
    assert ["+12125550123"] == phones


def _order(read: Read, topic: str, **fields: object) -> pb.Touchpoint:
    order = {"id": 1, "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", **fields}
    body = json.dumps(order).encode()
    return read("shopify", "", body=body, headers={"x-shopify-topic": topic}).touchpoints[0]


@pytest.mark.parametrize(
    ("topic", "current", "amount"),
    [
        ("orders/create", "398.00", "388.00"),
        ("orders/paid", "350.00", "350.00"),
        ("orders/cancelled", "0.00", "388.00"),
    ],
)
def test_amount_is_the_orders_and_of_a_payment_what_edits_leave(
    read: Read, topic: str, current: str, amount: str
) -> None:
    made = _order(read, topic, total_price="388.00", current_total_price=current, currency="USD")

    assert amount == made.attributes["amount"]


@pytest.mark.parametrize(
    ("country", "number", "normal"),
    [
        ("US", "(212) 555-4240", ["+12125554240"]),
        ("US", "555-555-SHIP", []),
        ("JP", "090-1234-5678", ["+819012345678"]),
        ("KR", "010-1234-5678", ["+821012345678"]),
        ("", "010-1234-5678", ["+821012345678"]),
        ("XX", "010-1234-5678", []),
        ("US", "+82 10 1234 5678", ["+821012345678"]),
    ],
)
def test_number_is_of_the_country_of_the_bill(read: Read, country: str, number: str, normal: list[str]) -> None:
    made = _order(read, "orders/create", billing_address={"country_code": country, "phone": number})

    assert normal == [each.value for each in made.identifiers]


@pytest.mark.parametrize(("currency", "amount"), [("USD", "15.50"), ("KRW", "16"), ("KWD", "15.500")])
def test_refund_is_the_sum_of_its_payments_in_the_currencys_unit(read: Read, currency: str, amount: str) -> None:
    paid = [
        {"kind": "refund", "status": "success", "amount": "10.00", "currency": currency},
        {"kind": "refund", "status": "pending", "amount": "5.50", "currency": currency},
        {"kind": "refund", "status": "failure", "amount": "99.00", "currency": currency},
    ]

    made = _order(read, "refunds/create", order_id=7, transactions=paid)

    assert (amount, currency) == (made.attributes["amount"], made.attributes["currency"])


def test_answers_of_the_admin_api_are_read_as_webhooks_are(read: Read) -> None:
    [created] = read("shopify", "ok_order_created.json").touchpoints
    [cancelled] = read("shopify", "ok_order_cancelled.json").touchpoints

    assert (created, cancelled) == read("shopify", "ok_admin_api_orders.json").touchpoints


def test_one_resource_of_the_admin_api_is_read_by_its_name(read: Read) -> None:
    [refund] = read("shopify", "ok_refund.json").touchpoints

    assert (refund,) == read("shopify", "ok_admin_api_refund.json").touchpoints


def test_an_order_is_cancelled_by_the_customer_where_the_reason_says_so(read: Read) -> None:
    order = {"id": 1, "financial_status": "refunded", "cancelled_at": "2026-11-20T09:00:00Z"}

    asked, fraud = (
        read("shopify", "", body=json.dumps({**order, "cancel_reason": reason}).encode()).touchpoints[0]
        for reason in ("customer", "fraud")
    )

    assert (pb.ACTOR_CUSTOMER, pb.ACTOR_SYSTEM) == (asked.actor, fraud.actor)


@pytest.mark.parametrize(
    ("name", "resource", "kind"),
    [
        ("checkout", {"token": "t", "line_items": [], "total_price": "1"}, pb.TOUCHPOINT_KIND_CART),
        ("customer", {"id": 1, "email": "a@b.kr"}, pb.TOUCHPOINT_KIND_SIGNUP),
        ("fulfillment", {"id": 1, "order_id": 2, "status": "success"}, pb.TOUCHPOINT_KIND_DELIVERY),
        ("refund", {"id": 1, "order_id": 2, "note": None}, pb.TOUCHPOINT_KIND_REFUND),
        ("order", {"id": 1}, pb.TOUCHPOINT_KIND_PURCHASE),
    ],
)
def test_a_resource_is_what_it_is_called(
    read: Read, name: str, resource: dict[str, object], kind: pb.TouchpointKind.ValueType
) -> None:
    [one] = read("shopify", "", body=json.dumps({name: resource}).encode()).touchpoints
    [listed] = read("shopify", "", body=json.dumps({f"{name}s": [resource]}).encode()).touchpoints

    assert one == listed
    assert kind == one.kind


def test_a_checkout_is_named_by_its_id_and_a_cart_by_its_token(read: Read) -> None:
    [checkout] = read("shopify", "ok_checkout.json").touchpoints
    cart = json.dumps({"token": "eeafa272", "line_items": [], "updated_at": "2026-11-20T16:09:45+09:00"}).encode()
    [carted] = read("shopify", "", body=cart).touchpoints

    assert ("checkout:981820079255243537", "checkout:eeafa272") == (checkout.external_id, carted.external_id)
