from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_added_channel_is_told_of_its_user(read: Read) -> None:
    [made] = read("kakao_webhook", "ok_added.json").touchpoints

    assert (pb.CHANNEL_KAKAO, pb.TOUCHPOINT_KIND_OTHER, "added") == (made.channel, made.kind, made.attributes["event"])
    assert [(pb.IDENTIFIER_TYPE_APP_USER_ID, "1111")] == [(each.type, each.value) for each in made.identifiers]
    assert 1577836800 == made.occurred_time.seconds


def test_open_id_is_a_kakao_id(read: Read) -> None:
    [made] = read("kakao_webhook", "ok_blocked_by_open_id.json").touchpoints

    assert [(pb.IDENTIFIER_TYPE_KAKAO_ID, "Qz8sd0-open-id")] == [(each.type, each.value) for each in made.identifiers]
    assert "blocked" == made.attributes["event"]


@pytest.mark.parametrize("file", ["ok_unlink_form.txt", "ok_unlink_json.json"])
def test_unlinked_login_is_a_cancellation(read: Read, file: str) -> None:
    [made] = read("kakao_webhook", file).touchpoints

    assert (pb.TOUCHPOINT_KIND_CANCELLATION, "unlinked") == (made.kind, made.attributes["event"])
    assert ["1234567890"] == [each.value for each in made.identifiers]


def test_unlink_by_get_comes_in_the_query(read: Read) -> None:
    query = {"app_id": "123456", "user_id": "1234567890", "referrer_type": "UNLINK_FROM_APPS"}

    [made] = read("kakao_webhook", "", body=b"", query=query).touchpoints

    assert pb.TOUCHPOINT_KIND_CANCELLATION == made.kind


def test_old_and_new_names_of_the_channel_are_one_event(read: Read) -> None:
    [new] = read("kakao_webhook", "ok_added.json").touchpoints
    [old] = read("kakao_webhook", "ok_old_names_and_extras.json").touchpoints

    assert new.external_id == old.external_id


def test_without_a_time_the_resource_id_names_the_delivery(read: Read) -> None:
    headers = {"x-kakao-resource-id": "Rvy1c2dkzBAZ5hGD3rqYbxvr"}

    [made] = read("kakao_webhook", "ok_unlink_form.txt", headers=headers).touchpoints

    assert "Rvy1c2dkzBAZ5hGD3rqYbxvr" == made.external_id


def test_security_event_token_is_not_believed(read: Read) -> None:
    [ignored] = read("kakao_webhook", "ignored_security_event_token.txt").ignored

    assert "event_type_unknown" == ignored.reason


def test_time_of_the_old_format_names_the_event(read: Read) -> None:
    [made] = read("kakao_webhook", "ok_blocked_of_old_format.json").touchpoints

    assert 1_577_836_800 == made.occurred_time.seconds
    assert "_ZeUTxl:blocked:1298371:1577836800000" == made.external_id


def test_question_mark_of_a_copied_query_is_no_part_of_its_first_name(read: Read) -> None:
    [made] = read("kakao_webhook", "", body=b"?app_id=12&user_id=34&referrer_type=UNLINK_FROM_APPS").touchpoints

    assert ("12", "34") == (made.attributes["app_id"], made.identifiers[0].value)


@pytest.mark.parametrize("user", ["", "&user_id=7"])
def test_share_is_no_unlinked_login_whatever_the_app_sends_with_it(read: Read, user: str) -> None:
    body = f"CHAT_TYPE=MemoChat&HASH_CHAT_ID=abc&TEMPLATE_ID=1{user}".encode()

    [ignored] = read("kakao_webhook", "", body=body).ignored

    assert ("event_type_unknown", "share") == (ignored.reason, ignored.detail)
