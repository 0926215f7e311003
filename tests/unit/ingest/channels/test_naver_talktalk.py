import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_message_is_an_inquiry(read: Read) -> None:
    [made] = read("naver_talktalk", "ok_send_text.json").touchpoints

    assert (pb.CHANNEL_CHAT, pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER) == (made.channel, made.kind, made.actor)
    assert ("이 상품 재입고 되나요? 🙂", "al-2eGuGr5WQOnco1_V-FQ") == (made.text, made.thread_id)
    assert [(pb.IDENTIFIER_TYPE_ANONYMOUS_ID, "naver:al-2eGuGr5WQOnco1_V-FQ")] == [
        (each.type, each.value) for each in made.identifiers
    ]


@pytest.mark.parametrize(
    ("file", "kind", "actor"),
    [
        ("ok_open.json", pb.TOUCHPOINT_KIND_VISIT, pb.ACTOR_CUSTOMER),
        ("ok_leave.json", pb.TOUCHPOINT_KIND_OTHER, pb.ACTOR_CUSTOMER),
        ("ok_friend.json", pb.TOUCHPOINT_KIND_OTHER, pb.ACTOR_CUSTOMER),
        ("ok_echo_of_agent.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT),
        ("ok_echo_of_bot.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_BOT),
        ("ok_handover_at_the_end.json", pb.TOUCHPOINT_KIND_RESOLUTION, pb.ACTOR_AGENT),
        ("ok_payment.json", pb.TOUCHPOINT_KIND_PURCHASE, pb.ACTOR_CUSTOMER),
    ],
)
def test_event_says_what_happened_and_by_whom(read: Read, file: str, kind: int, actor: int) -> None:
    [made] = read("naver_talktalk", file).touchpoints

    assert (kind, actor) == (made.kind, made.actor)


def test_visit_knows_the_product_page_it_came_from(read: Read) -> None:
    [made] = read("naver_talktalk", "ok_open.json").touchpoints

    assert ("309672359", "button") == (made.product, made.attributes["inflow"])


def test_picture_is_counted_without_its_address(read: Read) -> None:
    [made] = read("naver_talktalk", "ok_send_image.json").touchpoints

    assert ("", "image:1") == (made.text, made.attributes["attachments"])
    assert "secret" not in str(made)


def test_profile_links_the_telephone_and_keeps_no_address(read: Read) -> None:
    [made] = read("naver_talktalk", "ok_profile.json").touchpoints

    assert "+821012341234" in {each.value for each in made.identifiers}
    assert "불정로" not in str(made)


def test_message_to_a_person_is_marked_standby(read: Read) -> None:
    [made] = read("naver_talktalk", "ok_send_on_standby.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_INQUIRY, "true") == (made.kind, made.attributes["standby"])


def test_safe_number_that_a_customer_hands_in_links_their_calls(read: Read) -> None:
    [made] = read("naver_talktalk", "ok_send_safe_number.json").touchpoints

    assert [(pb.IDENTIFIER_TYPE_PHONE, "+8250719003814")] == [
        (each.type, each.value) for each in made.identifiers if each.type != pb.IDENTIFIER_TYPE_ANONYMOUS_ID
    ]


def test_list_within_a_composite_message_is_read(read: Read) -> None:
    element = {
        "title": "라지 피자",
        "description": "콜라 포함",
        "subDescription": "27,760원",
        "image": {"imageUrl": "x"},
    }
    composite = {"title": "주문 내역", "elementList": {"type": "LIST", "data": [element]}}
    event = {
        "event": "echo",
        "echoedEvent": "send",
        "user": "u1",
        "compositeContent": {"compositeList": [composite, {"title": "끝", "elementList": None}]},
    }

    [made] = read("naver_talktalk", "", body=json.dumps(event).encode()).touchpoints

    assert "주문 내역\n라지 피자\n콜라 포함\n27,760원\n끝" == made.text
