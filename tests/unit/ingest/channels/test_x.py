"""X: https://docs.x.com/x-api/account-activity/introduction and posts of API v2."""

import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_the_full_text_counts_with_its_entities_undone(read: Read) -> None:
    [made] = read("x", "ok_mention.json").touchpoints

    assert "@sorimarket 배송 언제 오나요 & 환불도 되나요 😭 <3" == made.text
    assert ("photo:2", "ko") == (made.attributes["attachments"], made.language)
    assert ["x:2244994945"] == [each.value for each in made.identifiers]


def test_an_edited_post_is_a_later_version_of_the_first_one(read: Read) -> None:
    [first] = read("x", "ok_mention.json").touchpoints
    [edited] = read("x", "ok_edited.json").touchpoints
    [deleted] = read("x", "ok_deleted.json").touchpoints

    assert first.external_id == edited.external_id == deleted.external_id
    assert first.revision < edited.revision < deleted.revision
    assert ("", "true") == (deleted.text, deleted.attributes["deleted"])
    assert pb.TOUCHPOINT_KIND_OTHER == deleted.kind  # Nobody has to answer it.


def test_what_we_answer_is_an_agents(read: Read) -> None:
    [mention] = read("x", "ok_mention.json").touchpoints
    [answer] = read("x", "ok_own_reply.json").touchpoints

    assert (pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_REPLY) == (answer.actor, answer.kind)
    assert mention.thread_id == answer.thread_id


def test_messages_of_both_sides_are_one_thread(read: Read) -> None:
    [received] = read("x", "ok_direct_message.json").touchpoints
    [sent] = read("x", "ok_direct_message_sent.json").touchpoints
    [automatic] = read("x", "ok_direct_message_sent.json", options={"bot_app_ids": "13090192"}).touchpoints

    assert [pb.ACTOR_CUSTOMER, pb.ACTOR_AGENT, pb.ACTOR_BOT] == [each.actor for each in (received, sent, automatic)]
    assert received.thread_id == sent.thread_id
    assert received.identifiers == sent.identifiers


@pytest.mark.parametrize(
    ("file", "reason"), [("ignored_retweet.json", "retweet"), ("ignored_own_post.json", "own_post")]
)
def test_retweets_and_our_own_posts_are_ignored(read: Read, file: str, reason: str) -> None:
    assert [reason] == [each.reason for each in read("x", file).ignored]


def test_posts_of_the_second_api_are_read_within_any_envelope(read: Read) -> None:
    [streamed] = read("x", "ok_v2_filtered_stream.json").touchpoints
    [delivered] = read("x", "ok_activity_mention.json").touchpoints

    assert streamed == delivered
    assert "1859200000000000008" == streamed.thread_id


def test_messages_of_the_older_api_are_read_within_the_newer_envelope(read: Read) -> None:
    assert read("x", "ok_direct_message.json") == read("x", "ok_activity_direct_message.json")


def test_a_long_post_has_its_words_in_a_note(read: Read) -> None:
    _, long = read("x", "ok_v2_search.json").touchpoints

    assert "아주 긴 글" == long.text


def test_our_account_is_known_by_an_option_too(read: Read) -> None:
    [made] = read("x", "ok_v2_filtered_stream.json", options={"own_ids": "1, 2244994945"}).touchpoints

    assert pb.ACTOR_AGENT == made.actor


@pytest.mark.parametrize("file", ["ok_post_without_envelope.json", "ok_posts_in_a_list.json"])
def test_posts_need_no_envelope(read: Read, file: str) -> None:
    [made] = read("x", file).touchpoints

    assert (pb.TOUCHPOINT_KIND_MENTION, pb.ACTOR_CUSTOMER) == (made.kind, made.actor)
    assert made.text.startswith("@sori ")


def test_a_post_counts_without_its_author(read: Read) -> None:
    [made] = read("x", "ok_filtered_stream_without_author.json").touchpoints

    assert ("1880000000000000001", 0) == (made.external_id, len(made.identifiers))


def test_messages_that_are_looked_up_are_of_both_sides(read: Read) -> None:
    found = read("x", "ok_v2_messages.json", options={"own_ids": "930524282358325248"})
    received, sent = found.touchpoints

    assert ("주문 & 환불 문의요", "photo:1") == (received.text, received.attributes["attachments"])
    assert [pb.ACTOR_CUSTOMER, pb.ACTOR_AGENT] == [received.actor, sent.actor]
    assert "dm:2244994945" == received.thread_id == sent.thread_id
    assert ["ParticipantsJoin"] == [each.detail for each in found.ignored]


def test_a_post_without_a_time_has_that_of_its_id(read: Read) -> None:
    [made] = read("x", "ok_v2_default_fields.json").touchpoints
    [small] = read("x", "", body=b'{"data": {"id": "10", "text": "x", "edit_history_tweet_ids": ["10"]}}').touchpoints

    assert "2024-11-20T11:39:56.922Z" == made.occurred_time.ToJsonString()
    assert "2026-11-22T03:04:05Z" == small.occurred_time.ToJsonString()  # The time of receipt.


def test_an_id_of_tomorrow_holds_no_time(read: Read) -> None:
    body = b'{"data": {"id": "9223372036854775807", "text": "x", "edit_history_tweet_ids": []}}'

    [made] = read("x", "", body=body).touchpoints

    assert "2026-11-22T03:04:05Z" == made.occurred_time.ToJsonString()


def test_files_are_of_the_type_that_is_included(read: Read) -> None:
    body = (
        b'{"data": {"id": "11", "text": "x", "author_id": "2", "attachments": {"media_keys": ["3_1", "7_2", "3_9"]}},'
        b' "includes": {"media": [{"media_key": "3_1", "type": "photo"}, {"media_key": "7_2", "type": "video"}]}}'
    )

    [made] = read("x", "", body=body).touchpoints

    assert "media:1,photo:1,video:1" == made.attributes["attachments"]


def test_posts_of_the_second_api_are_read_within_the_older_envelope(read: Read) -> None:
    [made] = read("x", "ok_v2_post_in_the_older_envelope.json").touchpoints

    assert ("@sorimarket 앱이 안 열려요", "1859200000000000008") == (made.text, made.thread_id)
    assert ["x:2244994945"] == [each.value for each in made.identifiers]


def test_what_a_post_answers_and_quotes_may_be_numbers_only(read: Read) -> None:
    body = (
        b'{"for_user_id": "1", "tweet_create_events": [{"id": 9, "text": "x", "user": {"id": 2}, '
        b'"in_reply_to_status_id": 7, "quoted_status_id": 8, "created_at": "Wed Feb 28 23:00:35 +0000 2018"}]}'
    )

    [made] = read("x", "", body=body).touchpoints

    assert ("7", "7", "8") == (made.thread_id, made.attributes["in_reply_to"], made.attributes["quoted"])


def test_an_event_includes_its_files_itself(read: Read) -> None:
    post = {"id": "11", "text": "x", "author_id": "2", "attachments": {"media_keys": ["3_1"]}}
    event = {"event_type": "post.mention.create", "filter": {"user_id": "1"}, "payload": post}
    event["includes"] = {"users": [{"id": "2"}], "media": [{"media_key": "3_1", "type": "photo"}]}

    [made] = read("x", "", body=json.dumps({"data": event}).encode()).touchpoints

    assert "photo:1" == made.attributes["attachments"]
