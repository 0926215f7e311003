"""App Store reviews: https://developer.apple.com/documentation/appstoreconnectapi/customer-reviews, and the feed."""

import json
from collections.abc import Callable

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_an_edited_review_is_a_later_version_of_the_same_touchpoint(read: Read) -> None:
    first = read("app_store", "ok_connect_with_response.json").touchpoints[0]
    [edited] = read("app_store", "ok_edited.json").touchpoints

    assert first.external_id == edited.external_id
    assert first.revision < edited.revision


def test_our_response_is_an_agents_in_the_reviews_thread(read: Read) -> None:
    review, _, response = read("app_store", "ok_connect_with_response.json").touchpoints

    assert (pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_REPLY) == (response.actor, response.kind)
    assert review.thread_id == response.thread_id


def test_a_title_that_the_body_repeats_is_there_once(read: Read) -> None:
    first, second, _ = read("app_store", "ok_connect_with_response.json").touchpoints

    assert "환불 부탁드려요\n결제가 두 번 됐어요 💸" == first.text
    assert "Love it so much" == second.text


def test_the_feed_begins_with_the_app_itself(read: Read) -> None:
    found = read("app_store", "ok_feed.json")

    assert [1, 4] == [each.rating.value for each in found.touchpoints]
    assert ["not_a_review"] == [each.reason for each in found.ignored]
    assert "app_store:123456789" == found.touchpoints[0].identifiers[0].value


def test_times_keep_the_stores_offset(read: Read) -> None:
    review = read("app_store", "ok_connect_with_response.json").touchpoints[0]

    assert ("2026-11-10T12:01:02Z", -420) == (review.occurred_time.ToJsonString(), review.occurred_offset_minutes)


def test_reviews_may_come_as_a_mere_list(read: Read) -> None:
    first, second = read("app_store", "ok_list.json").touchpoints

    assert (4, 1) == (first.rating.value, second.rating.value)


def test_the_feed_says_the_same_as_xml(read: Read) -> None:
    [made] = read("app_store", "ok_feed_as_xml.xml").touchpoints

    assert ("11900000001", 1, "4.2.0") == (made.external_id, made.rating.value, made.attributes["app_version"])
    assert "로그인이 안 돼요\n업데이트 & 재설치 뒤에도 계속 꺼져요 😢" == made.text
    assert "app_store:123456789" == made.identifiers[0].value


def test_several_pages_may_come_as_a_list(read: Read) -> None:
    said = {"rating": 4, "title": "좋아요", "body": "빨라요", "createdDate": "2026-11-20T07:00:00-08:00"}
    answered = {"response": {"data": {"type": "customerReviewResponses", "id": "a1"}}}
    answer = {
        "type": "customerReviewResponses",
        "id": "a1",
        "attributes": {"responseBody": "감사합니다", "lastModifiedDate": "2026-11-21T07:00:00-08:00"},
    }
    pages = [
        {
            "data": [{"type": "customerReviews", "id": "r1", "attributes": said, "relationships": answered}],
            "included": [answer],
        },
        {"data": [{"type": "customerReviews", "id": "r2", "attributes": said}]},
    ]
    found = read("app_store", "", body=json.dumps(pages).encode())

    assert [("r1", "r1"), ("r2", "r2"), ("a1", "r1")] == [
        (each.external_id, each.thread_id) for each in found.touchpoints
    ]


def test_what_a_scraper_finds_is_read_as_the_feed_is(read: Read) -> None:
    [made] = read("app_store", "ok_scraped.json").touchpoints

    assert ("별로예요\n로그인이 안 돼요", 2, "1472864600") == (made.text, made.rating.value, made.external_id)
    assert ["app_store:324568166"] == [each.value for each in made.identifiers]
    assert "2026-07-27T01:26:24Z" == made.occurred_time.ToJsonString()
