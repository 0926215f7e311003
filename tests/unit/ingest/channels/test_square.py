"""Square events, as in https://developer.squareup.com/reference/square/webhooks."""

import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_money_is_written_in_the_currencys_unit(read: Read) -> None:
    [dollars] = read("square", "ok_payment_completed.json").touchpoints
    [won] = read("square", "ok_payment_in_won.json").touchpoints

    assert ("110.50", "USD") == (dollars.attributes["amount"], dollars.attributes["currency"])
    assert ("15000", "KRW") == (won.attributes["amount"], won.attributes["currency"])


def test_a_later_state_of_an_order_is_a_later_version(read: Read) -> None:
    [created] = read("square", "ok_order_created.json").touchpoints
    [updated] = read("square", "ok_order_updated.json").touchpoints

    assert created.external_id == updated.external_id
    assert created.revision < updated.revision


def test_payment_order_and_refund_are_one_thread(read: Read) -> None:
    [order] = read("square", "ok_order_created.json").touchpoints
    [refund] = read("square", "ok_refund.json").touchpoints

    assert order.thread_id == refund.thread_id
    assert (pb.TOUCHPOINT_KIND_REFUND, "10.00") == (refund.kind, refund.attributes["amount"])


@pytest.mark.parametrize(
    ("counted", "ignored_file"), [("payments", "ok_order_created.json"), ("orders", "ok_payment_completed.json")]
)
def test_a_sale_counts_once_where_an_option_says_what_counts(read: Read, counted: str, ignored_file: str) -> None:
    [ignored] = read("square", ignored_file, options={"purchases": counted}).ignored

    assert "not_counted" == ignored.reason


def test_a_location_is_an_org_unit_where_an_option_says_so(read: Read) -> None:
    options = {"location.S8GWD5R9QB376": "gangnam"}

    [made] = read("square", "ok_payment_completed.json", options=options).touchpoints

    assert "gangnam" == made.org_unit


def test_a_new_customer_is_a_signup(read: Read) -> None:
    [made] = read("square", "ok_customer.json").touchpoints

    assert pb.TOUCHPOINT_KIND_SIGNUP == made.kind
    assert (pb.IDENTIFIER_TYPE_MEMBER_ID, "M-100") in [(each.type, each.value) for each in made.identifiers]


def test_a_refund_that_is_on_its_way_is_one(read: Read) -> None:
    [made] = read("square", "ok_refund_pending.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_REFUND, "PENDING") == (made.kind, made.attributes["status"])


def test_draft_of_an_order_is_no_purchase(read: Read) -> None:
    found = read("square", "ignored_order_draft.json")

    assert ["not_completed"] == [each.reason for each in found.ignored]
    assert not found.touchpoints


@pytest.mark.parametrize(
    ("country", "number", "normal"),
    [
        ("US", "312-555-4240", "+13125554240"),  # Without its country it would be one of Gyeonggi-do.
        ("", "1-212-555-4240", "+12125554240"),
        ("JP", "090-1234-5678", "+819012345678"),
        ("", "010-1234-5678", "+821012345678"),
        ("", "+1-212-555-4240", "+12125554240"),
    ],
)
def test_number_is_of_the_customers_country(read: Read, country: str, number: str, normal: str) -> None:
    customer = {
        "id": "C1",
        "created_at": "2026-11-20T05:00:00Z",
        "phone_number": number,
        "address": {"country": country},
    }
    event = {"type": "customer.created", "data": {"object": {"customer": customer}}}

    [made] = read("square", "", body=json.dumps(event).encode()).touchpoints

    assert [normal] == [each.value for each in made.identifiers if each.type == pb.IDENTIFIER_TYPE_PHONE]


def test_a_fulfillment_may_come_alone(read: Read) -> None:
    [made] = read("square", "ok_fulfillment_single.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_DELIVERY, "PROPOSED") == (made.kind, made.attributes["fulfillment"])


def test_the_customer_pays_an_invoice_and_does_not_refund_it(read: Read) -> None:
    [paid] = read("square", "ok_invoice_paid.json").touchpoints
    [refunded] = read("square", "ok_invoice_refunded.json").touchpoints

    assert (pb.ACTOR_CUSTOMER, pb.ACTOR_SYSTEM) == (paid.actor, refunded.actor)
