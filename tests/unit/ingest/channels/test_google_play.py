"""Google Play reviews, as in https://developers.google.com/android-publisher/api-ref/rest/v3/reviews."""

import base64
import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading, Unreadable

Read = Callable[..., Reading]


def test_an_edited_review_is_a_later_version_of_the_same_touchpoint(read: Read) -> None:
    first = read("google_play", "ok_list.json").touchpoints[0]
    [edited] = read("google_play", "ok_edited.json").touchpoints

    assert first.external_id == edited.external_id
    assert first.revision < edited.revision


def test_the_developers_reply_is_an_agents_in_the_reviews_thread(read: Read) -> None:
    review, reply, _ = read("google_play", "ok_list.json").touchpoints

    assert (pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_REPLY) == (reply.actor, reply.kind)
    assert review.thread_id == reply.thread_id
    assert review.external_id != reply.external_id


def test_the_words_are_the_original_ones(read: Read) -> None:
    translated = read("google_play", "ok_list.json").touchpoints[2]

    assert ("Great app", "en-US") == (translated.text, translated.language)


def test_title_and_body_are_on_lines_of_their_own(read: Read) -> None:
    review = read("google_play", "ok_list.json", options={"app": "kr.sori.app"}).touchpoints[0]

    assert "로그인 오류\n업데이트 후 로그인이 안 돼요 😡" == review.text
    assert "kr.sori.app" == review.product
    assert (1, 1, 5) == (review.rating.value, review.rating.lowest, review.rating.highest)


def test_who_wrote_it_stays_unknown(read: Read) -> None:
    review = read("google_play", "ok_list.json").touchpoints[0]

    assert not review.identifiers
    assert "김하늘" not in str(review)


def test_review_without_an_answer_may_say_so_by_null(read: Read) -> None:
    [made] = read("google_play", "ok_without_answer.json").touchpoints

    assert ("자꾸 꺼져요", 1) == (made.text, made.rating.value)


def _pushed(said: object) -> bytes:
    data = base64.b64encode(json.dumps(said).encode()).decode()
    return json.dumps(
        {"message": {"data": data, "messageId": "1"}, "subscription": "projects/p/subscriptions/s"}
    ).encode()


@pytest.mark.parametrize(
    ("event", "reason"),
    [("testNotification", "test_ping"), ("subscriptionNotification", "event_type_unknown")],
)
def test_notifications_for_developers_are_not_for_us(read: Read, event: str, reason: str) -> None:
    notice = {"version": "1.0", "packageName": "kr.example.app", "eventTimeMillis": "1503349566168", event: {}}

    for body in (_pushed(notice), json.dumps(notice).encode()):
        assert [reason] == [each.reason for each in read("google_play", "", body=body).ignored]


def test_reviews_may_be_pushed(read: Read) -> None:
    review = {
        "reviewId": "gp:1",
        "comments": [{"userComment": {"text": "good", "starRating": 5, "lastModified": "2025-11-28T03:20:00Z"}}],
    }
    [made] = read("google_play", "", body=_pushed(review)).touchpoints

    assert ("gp:1", "good") == (made.external_id, made.text)
    assert ("2025-11-28T03:20:00Z", 1_764_300_000_000) == (made.occurred_time.ToJsonString(), made.revision)


@pytest.mark.parametrize("data", ["%%", "bm8=", "WzFd"])
def test_a_push_of_something_else_is_unreadable(read: Read, data: str) -> None:
    with pytest.raises(Unreadable):
        read("google_play", "", body=json.dumps({"message": {"data": data}}).encode())
