import datetime as dt
import json
from collections.abc import Callable

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]

RECEIVED = dt.datetime(2026, 11, 22, 3, 4, 5, tzinfo=dt.UTC)


def _identifiers(made: pb.Touchpoint) -> set[tuple[int, str]]:
    return {(each.type, each.value) for each in made.identifiers}


def test_utterance_is_an_inquiry_of_the_customer(read: Read) -> None:
    [made] = read("kakao_openbuilder", "ok_utterance.json").touchpoints

    assert (pb.CHANNEL_KAKAO, pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER) == (made.channel, made.kind, made.actor)
    assert "주문한 지 일주일인데 아직도 안 왔어요 😡" == made.text
    assert "C0OUcNEy1kA0" == made.thread_id
    assert ("배송 조회", "20261101-7") == (made.attributes["block"], made.attributes["param.order_no"])
    assert 540 == made.occurred_offset_minutes


def test_the_builders_word_for_korean_becomes_a_language_tag(read: Read) -> None:
    [made] = read("kakao_openbuilder", "ok_utterance.json").touchpoints

    assert "ko" == made.language


def test_every_key_of_the_user_is_an_identifier(read: Read) -> None:
    [made] = read("kakao_openbuilder", "ok_utterance.json").touchpoints

    assert {
        (pb.IDENTIFIER_TYPE_KAKAO_ID, "C0OUcNEy1kA0"),
        (pb.IDENTIFIER_TYPE_KAKAO_ID, "2674bbc5576b7cea3564cf8c6d3fdc4aeb26d4612a0afc0e4c009a0754ebc61b63"),
        (pb.IDENTIFIER_TYPE_APP_USER_ID, "2090912345"),
    } == _identifiers(made)


def test_app_user_id_can_be_kept_apart_from_the_apps_own(read: Read) -> None:
    [made] = read("kakao_openbuilder", "ok_utterance.json", options={"app_user_id": "kakao_id"}).touchpoints

    assert (pb.IDENTIFIER_TYPE_KAKAO_ID, "2090912345") in _identifiers(made)


def test_uploaded_picture_is_counted_and_its_address_is_not_kept(read: Read) -> None:
    [made] = read("kakao_openbuilder", "ok_picture.json").touchpoints

    assert ("", "image:1") == (made.text, made.attributes["attachments"])
    assert "dn-m.talk.kakao.com" not in str(made)


def test_repeat_at_once_is_the_same_and_the_same_words_later_are_not(read: Read) -> None:
    [first] = read("kakao_openbuilder", "ok_minimal.json").touchpoints
    [again] = read("kakao_openbuilder", "ok_minimal.json", received=RECEIVED + dt.timedelta(seconds=20)).touchpoints
    [later] = read("kakao_openbuilder", "ok_minimal.json", received=RECEIVED + dt.timedelta(days=1)).touchpoints

    assert first.external_id == again.external_id
    assert first.external_id != later.external_id


def test_trial_in_the_builder_and_own_answer_are_not_customers(read: Read) -> None:
    reasons = {
        name: read("kakao_openbuilder", f"ignored_{name}.json").ignored[0].reason
        for name in ("builder_test", "skill_test_sample", "own_answer")
    }

    assert {"builder_test": "test_ping", "skill_test_sample": "test_ping", "own_answer": "bot_echo"} == reasons


def test_skill_is_answered_with_what_the_builder_has(read: Read) -> None:
    found = read("kakao_openbuilder", "ok_utterance.json")

    assert ({"version": "2.0", "data": {}}, "application/json") == (json.loads(found.reply), found.reply_content_type)


def test_option_says_what_the_bot_answers(read: Read) -> None:
    found = read("kakao_openbuilder", "ok_utterance.json", options={"answer": "접수되었습니다."})

    assert {"simpleText": {"text": "접수되었습니다."}} == json.loads(found.reply)["template"]["outputs"][0]


def test_private_pictures_are_counted_without_their_address(read: Read) -> None:
    [made] = read("kakao_openbuilder", "ok_private_picture.json").touchpoints

    assert ("사진 보냈어요", "image:2") == (made.text, made.attributes["attachments"])
    assert "secret" not in str(made)


def test_user_without_keys_of_the_channel_is_heard(read: Read) -> None:
    [made] = read("kakao_openbuilder", "ok_account_without_keys.json").touchpoints

    assert ("환불이 왜 이렇게 늦어요?", "138348") == (made.text, made.thread_id)


def test_check_of_a_parameter_is_passed_and_is_no_message(read: Read) -> None:
    found = read("kakao_openbuilder", "ignored_parameter_check.json")

    assert ((), ["parameter_check"]) == (found.touchpoints, [each.reason for each in found.ignored])
    assert {"status": "SUCCESS"} == json.loads(found.reply)
