"""Segment calls, as in https://segment.com/docs/connections/spec/."""

import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def people(found: Reading) -> set[tuple[int, str]]:
    return {(each.type, each.value) for each in found.touchpoints[0].identifiers}


def test_identify_ties_the_ids_and_traits_together(read: Read) -> None:
    found = read("segment", "ok_identify.json")

    assert {
        (pb.IDENTIFIER_TYPE_APP_USER_ID, "97980cfea0067"),
        (pb.IDENTIFIER_TYPE_ANONYMOUS_ID, "507f191e810c19729de860ea"),
        (pb.IDENTIFIER_TYPE_EMAIL, "peter@example.com"),
        (pb.IDENTIFIER_TYPE_PHONE, "+821012345678"),
    } == people(found)


def test_alias_is_an_observation_with_both_ids(read: Read) -> None:
    assert {
        (pb.IDENTIFIER_TYPE_APP_USER_ID, "97980cfea0067"),
        (pb.IDENTIFIER_TYPE_ANONYMOUS_ID, "anon-1"),
    } == people(read("segment", "ok_alias.json"))


def test_an_option_says_what_a_user_id_is(read: Read) -> None:
    found = read("segment", "ok_alias.json", options={"user_id": "member_id"})

    assert (pb.IDENTIFIER_TYPE_MEMBER_ID, "97980cfea0067") in people(found)


@pytest.mark.parametrize("rating", [9, 0, "great", "4/5"])
def test_words_of_a_review_stay_when_its_rating_is_none_of_the_spec(read: Read, rating: object) -> None:
    properties = {"review_body": "친절해요", "rating": rating}
    call = {"type": "track", "event": "Product Reviewed", "userId": "u-1", "properties": properties}

    [made] = read("segment", "", body=json.dumps(call).encode()).touchpoints

    assert ("친절해요", str(rating)) == (made.text, made.attributes["rating"])
    assert not made.HasField("rating")


def test_traits_of_a_group_are_nobodys(read: Read) -> None:
    found = read("segment", "ok_group.json")

    assert pb.IDENTIFIER_TYPE_EMAIL not in {kind for kind, _ in people(found)}
    assert "0e8c78ea9d97a7b8185e8632" == found.touchpoints[0].attributes["group_id"]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("Product Viewed", pb.TOUCHPOINT_KIND_VIEW),
        ("Product Added", pb.TOUCHPOINT_KIND_CART),
        ("product_added", pb.TOUCHPOINT_KIND_CART),
        ("Checkout Started", pb.TOUCHPOINT_KIND_CART),
        ("Order Completed", pb.TOUCHPOINT_KIND_PURCHASE),
        ("Order Refunded", pb.TOUCHPOINT_KIND_REFUND),
        ("Product Reviewed", pb.TOUCHPOINT_KIND_REVIEW),
        ("Product Shared", pb.TOUCHPOINT_KIND_REFERRAL),
        ("Signed Up", pb.TOUCHPOINT_KIND_SIGNUP),
        ("Application Opened", pb.TOUCHPOINT_KIND_VISIT),
        ("Danced", pb.TOUCHPOINT_KIND_OTHER),
    ],
)
def test_names_of_the_commerce_spec_are_kinds(read: Read, event: str, kind: pb.TouchpointKind.ValueType) -> None:
    body = json.dumps({"type": "track", "userId": "u", "event": event}).encode()

    [made] = read("segment", "", body=body).touchpoints

    assert kind == made.kind
    assert event == made.attributes["event"]


def test_an_order_names_its_products(read: Read) -> None:
    [made] = read("segment", "ok_order_completed.json").touchpoints

    assert ("50314b8e9bcf000000000000", "Monopoly: 3rd Edition, UNO") == (made.order_id, made.product)
    assert "25" == made.attributes["revenue"]


def test_a_review_has_words_and_stars(read: Read) -> None:
    [made] = read("segment", "ok_product_reviewed.json").touchpoints

    assert ("정말 맛있어요 🥛", 5, 1, 5) == (made.text, made.rating.value, made.rating.lowest, made.rating.highest)


@pytest.mark.parametrize(
    ("sent", "occurred"),
    [
        ("2026-11-22T03:04:00Z", "2026-11-22T03:00:05Z"),  # five seconds on the way
        ("2026-11-22T04:04:05Z", "2026-11-22T02:00:00Z"),  # the client's clock is an hour ahead
        ("2026-01-01T00:00:00Z", "2026-11-22T03:00:00Z"),  # played again from a file
    ],
)
def test_a_clients_clock_is_put_right(read: Read, sent: str, occurred: str) -> None:
    body = json.dumps({"type": "page", "userId": "u", "timestamp": "2026-11-22T03:00:00Z", "sentAt": sent}).encode()

    [made] = read("segment", "", body=body).touchpoints

    assert occurred == made.occurred_time.ToJsonString()


def test_a_batch_is_read_call_by_call(read: Read) -> None:
    found = read("segment", "ok_batch.json")

    assert ["identify", "track", "page"] == [each.attributes["call"] for each in found.touchpoints]
    assert ["delete"] == [each.detail for each in found.ignored]


def test_a_message_without_an_id_is_recognised_when_it_is_sent_again(read: Read) -> None:
    message = {"type": "track", "userId": "u", "event": "x", "timestamp": "2026-11-22T03:00:00Z"}

    [once] = read("segment", "", body=json.dumps({**message, "sentAt": "2026-11-22T03:00:01Z"}).encode()).touchpoints
    [again] = read("segment", "", body=json.dumps({**message, "sentAt": "2026-11-22T03:01:01Z"}).encode()).touchpoints

    assert once.external_id == again.external_id


def test_what_follows_the_path_of_an_address_is_not_kept(read: Read) -> None:
    [made] = read("segment", "ok_page.json").touchpoints

    assert "token" not in str(made)


def test_an_option_says_what_an_event_is(read: Read) -> None:
    [made] = read("segment", "ok_unknown_event_name.json", options={"event.고객이 춤을 춤": "visit"}).touchpoints

    assert pb.TOUCHPOINT_KIND_VISIT == made.kind


def test_the_address_says_what_a_single_call_is(read: Read) -> None:
    [made] = read("segment", "", body=b'{"userId":"u","name":"Home"}', query={"type": "screen"}).touchpoints

    assert ("screen", pb.CHANNEL_APP) == (made.attributes["call"], made.channel)


def test_where_only_the_clients_own_time_is_given_it_is_put_right(read: Read) -> None:
    [made] = read("segment", "ok_original_timestamp_only.json").touchpoints

    assert "2026-11-22T02:01:00Z" == made.occurred_time.ToJsonString()  # Its clock is a minute behind.
