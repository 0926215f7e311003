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


_EXPORT = (
    "Package Name,App Version Code,App Version Name,Reviewer Language,Device,Review Submit Date and Time,"
    "Review Submit Millis Since Epoch,Review Last Update Date and Time,Review Last Update Millis Since Epoch,"
    "Star Rating,Review Title,Review Text,Developer Reply Date and Time,"
    "Developer Reply Millis Since Epoch,Developer Reply Text,Review Link\r\n"
    "kr.example.app,1402,14.0.2,ko,gta8wifi,2026-11-01T03:04:05Z,1793502245000,2026-11-02T03:04:05Z,1793588645123,1,,"
    '"결제가 두 번\n됐어요",2026-11-03T03:04:05Z,1793675045000,죄송합니다,'
    "https://play.google.com/console/developers/1/app/2/user-feedback/review-details?reviewId=gp%3AAOqp1&corpus=PUBLIC\r\n"
    "kr.example.app,,,en,a51,2026-11-01T03:04:05Z,1793502245000,2026-11-01T03:04:05Z,1793502245000,5,,,,,,\r\n"
    "kr.example.app,,,en,a51,2026-11-01T03:04:05Z,1793502245000,2026-11-01T03:04:05Z,1793502245000,many,,,,,,\r\n"
)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-8-sig"])
def test_the_consoles_export_says_what_the_api_says(read: Read, encoding: str) -> None:
    found = read("google_play", "", body=_EXPORT.encode(encoding))
    review, reply, stars = found.touchpoints

    assert ("gp:AOqp1", "결제가 두 번\n됐어요", 1, "ko") == (
        review.external_id,
        review.text,
        review.rating.value,
        review.language,
    )
    assert (1_793_588_645_123, "14.0.2") == (review.revision, review.attributes["app_version"])
    assert ("gp:AOqp1#reply", pb.ACTOR_AGENT, "죄송합니다") == (reply.external_id, reply.actor, reply.text)
    assert ("csv:1793502245000:a51:en", 5, "") == (stars.external_id, stars.rating.value, stars.text)
    assert ["row.2"] == [each.field.rpartition(".starRating")[0] for each in found.unreadable]


def test_another_table_is_no_export(read: Read) -> None:
    with pytest.raises(Unreadable):
        read("google_play", "", body=b"a,b\n1,2\n")


def test_several_pages_may_come_as_a_list(read: Read) -> None:
    pages = [
        {"reviews": [{"reviewId": each, "comments": [{"userComment": {"text": "x", "starRating": 5}}]}]}
        for each in "ab"
    ]

    assert ["a", "b"] == [
        each.external_id for each in read("google_play", "", body=json.dumps(pages).encode()).touchpoints
    ]


def test_what_a_scraper_finds_is_read_in_both_of_its_languages(read: Read) -> None:
    review, reply, stars = read("google_play", "ok_scraped_in_python.json").touchpoints

    assert (review, reply) == read("google_play", "ok_scraped_in_javascript.json").touchpoints
    assert ("자꾸 튕겨요", 1, "4.1.0") == (review.text, review.rating.value, review.attributes["app_version"])
    assert ("불편을 드려 죄송합니다", pb.ACTOR_AGENT) == (reply.text, reply.actor)
    assert "2026-06-23T20:06:09Z" == review.occurred_time.ToJsonString()
    assert ("", 5) == (stars.text, stars.rating.value)
