import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_message_of_a_customer_is_an_inquiry_in_its_session(read: Read) -> None:
    [made] = read("kakao_consult", "ok_text.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER) == (made.kind, made.actor)
    assert "상담문의 드립니다. 환불이 안 됐어요 🙏" == made.text
    assert ("12345678", "1689884130894833200") == (made.thread_id, made.external_id)
    assert [(pb.IDENTIFIER_TYPE_KAKAO_ID, "MZjEVK4x18_V")] == [(each.type, each.value) for each in made.identifiers]
    assert (1653985613, 535_000_000) == (made.occurred_time.seconds, made.occurred_time.nanos)


@pytest.mark.parametrize(
    ("file", "actor"),
    [
        ("ok_agent_message.json", pb.ACTOR_AGENT),
        ("ok_automatic_answer.json", pb.ACTOR_BOT),
        ("ok_bot_by_sender_type.json", pb.ACTOR_BOT),
    ],
)
def test_what_the_company_says_is_never_the_customers(read: Read, file: str, actor: int) -> None:
    [made] = read("kakao_consult", file).touchpoints

    assert (pb.TOUCHPOINT_KIND_REPLY, actor) == (made.kind, made.actor)


def test_photos_have_no_words_and_no_address(read: Read) -> None:
    [made] = read("kakao_consult", "ok_photos.json").touchpoints

    assert ("", "photo:2") == (made.text, made.attributes["attachments"])
    assert "talk.kakao.com" not in str(made)


def test_long_text_is_known_to_be_cut(read: Read) -> None:
    [made] = read("kakao_consult", "ok_long_text.json").touchpoints

    assert ("길이가 300자인 문자", "true") == (made.text, made.attributes["text_cut"])


def test_expired_session_resolves_it(read: Read) -> None:
    [made] = read("kakao_consult", "ok_session_end.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_RESOLUTION, pb.ACTOR_SYSTEM, "163760025") == (made.kind, made.actor, made.thread_id)


def test_dealers_spelling_of_the_fields_is_read_too(read: Read) -> None:
    [made] = read("kakao_consult", "ok_dealer_format.json").touchpoints

    assert ("배송지를 바꾸고 싶어요", "777", 540) == (made.text, made.thread_id, made.occurred_offset_minutes)


def test_unknown_type_is_ignored_by_name(read: Read) -> None:
    [ignored] = read("kakao_consult", "ignored_unknown_type.json").ignored

    assert ("event_type_unknown", "poll") == (ignored.reason, ignored.detail)


def test_words_that_come_with_metadata_of_the_session_are_read(read: Read) -> None:
    given = {"user_key": "u", "session_id": "1", "serial_number": "2", "type": "text", "content": "환불요"}
    body = json.dumps(given | {"time": 1782871200123, "reference": {"extra": "메타"}}).encode()

    [made] = read("kakao_consult", "", body=body).touchpoints

    assert ("2", "환불요") == (made.external_id, made.text)


def test_empty_list_of_contents_leaves_the_content(read: Read) -> None:
    given = {"user_key": "u", "serial_number": "2", "type": "text", "content": "환불요", "contents": []}

    [made] = read("kakao_consult", "", body=json.dumps(given).encode()).touchpoints

    assert "환불요" == made.text
