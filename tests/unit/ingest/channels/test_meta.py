"""Facebook and Instagram, as in https://developers.facebook.com/docs/graph-api/webhooks/reference/page/."""

import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_an_edit_and_a_removal_are_later_versions_of_the_comment(read: Read) -> None:
    [added] = read("meta", "ok_comment.json").touchpoints
    [edited] = read("meta", "ok_comment_edited.json").touchpoints
    [removed] = read("meta", "ok_comment_removed.json").touchpoints

    assert 1 == len({each.external_id for each in (added, edited, removed)})
    assert added.revision < edited.revision < removed.revision
    assert ("", "true") == (removed.text, removed.attributes["deleted"])
    assert pb.TOUCHPOINT_KIND_OTHER == removed.kind  # Nobody has to answer it.


def test_our_pages_comment_is_an_agents_answer_in_the_customers_thread(read: Read) -> None:
    [comment] = read("meta", "ok_comment.json").touchpoints
    [answer] = read("meta", "ok_own_reply.json").touchpoints

    assert (pb.ACTOR_CUSTOMER, pb.ACTOR_AGENT) == (comment.actor, answer.actor)
    assert pb.TOUCHPOINT_KIND_REPLY == answer.kind
    assert comment.thread_id == answer.thread_id
    assert not answer.identifiers


def test_an_option_names_further_accounts_of_ours(read: Read) -> None:
    [made] = read("meta", "ok_instagram_comment.json", options={"own_ids": "IG232323"}).touchpoints

    assert pb.ACTOR_AGENT == made.actor


@pytest.mark.parametrize(
    ("file", "actor"), [("ok_echo_of_bot.json", pb.ACTOR_BOT), ("ok_echo_of_agent.json", pb.ACTOR_AGENT)]
)
def test_an_echo_is_never_the_customers(read: Read, file: str, actor: pb.Actor.ValueType) -> None:
    [echo] = read("meta", file).touchpoints
    [message] = read("meta", "ok_message.json").touchpoints

    assert actor == echo.actor
    assert message.thread_id == echo.thread_id
    assert ["facebook:7001"] == [each.value for each in echo.identifiers]


def test_pictures_without_words_are_counted_and_not_linked(read: Read) -> None:
    [made] = read("meta", "ok_image_without_text.json").touchpoints

    assert ("", "image:2") == (made.text, made.attributes["attachments"])
    assert "scontent" not in str(made)


def test_a_message_that_was_unsent_loses_its_words(read: Read) -> None:
    [made] = read("meta", "ok_instagram_message_unsent.json").touchpoints

    assert made.revision > 0
    assert ("", "true") == (made.text, made.attributes["deleted"])
    assert pb.TOUCHPOINT_KIND_OTHER == made.kind


def test_the_same_number_on_facebook_and_instagram_is_not_one_person(read: Read) -> None:
    [facebook] = read("meta", "ok_comment.json").touchpoints
    [instagram] = read("meta", "ok_instagram_comment.json").touchpoints

    assert "facebook:24111" == facebook.identifiers[0].value
    assert "instagram:IG232323" == instagram.identifiers[0].value


def test_all_entries_of_a_batch_are_read(read: Read) -> None:
    found = read("meta", "ok_batch.json")

    assert 2 == len(found.touchpoints)
    assert [("event_type_unknown", "brand_new_field")] == [(each.reason, each.detail) for each in found.ignored]


def test_instagrams_own_login_has_the_change_in_the_entry(read: Read) -> None:
    value = {"id": "9", "text": "hi", "from": {"id": "2"}}
    entry = {"id": "1", "time": 1763600000, "field": "comments", "value": value}
    body = json.dumps({"object": "instagram", "entry": [entry]}).encode()

    [made] = read("meta", "", body=body).touchpoints

    assert ("9", "hi") == (made.external_id, made.text)


def test_a_mention_in_a_story_is_a_mention(read: Read) -> None:
    message = {"sender": {"id": "2"}, "message": {"mid": "m", "attachments": [{"type": "story_mention"}]}}
    body = json.dumps({"object": "instagram", "entry": [{"id": "1", "messaging": [message]}]}).encode()

    [made] = read("meta", "", body=body).touchpoints

    assert (pb.TOUCHPOINT_KIND_MENTION, "story_mention:1") == (made.kind, made.attributes["attachments"])


def test_deliveries_within_a_list_are_read_each(read: Read) -> None:
    comment, message = read("meta", "ok_instagram_deliveries_in_a_list.json").touchpoints

    assert ("색이 너무 예뻐요 😍", "17865799348089039") == (comment.text, comment.external_id)
    assert ("재입고 언제 되나요?", "mid.77") == (message.text, message.external_id)


def test_delivery_that_cannot_be_read_leaves_the_others_of_its_list_be(read: Read) -> None:
    message = {"sender": {"id": "U"}, "recipient": {"id": "P"}, "message": {"mid": "m", "text": "hi"}}
    delivery = {"object": "page", "entry": [{"id": "P", "time": 1795151903, "messaging": [message]}]}

    found = read("meta", "", body=json.dumps([{"entry": []}, "x", delivery]).encode())

    assert ["hi"] == [each.text for each in found.touchpoints]
    assert [("field_missing", "0.object"), ("not_json", "1")] == [
        (each.reason, each.field) for each in found.unreadable
    ]


def test_answer_to_a_feedback_template_is_a_survey(read: Read) -> None:
    [made] = read("meta", "ok_feedback_template.json").touchpoints

    assert (pb.SURVEY_TYPE_CSAT, 2, "답변이 너무 늦었어요") == (made.survey.type, made.survey.score, made.text)
    assert (pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, "100:555") == (made.kind, made.thread_id)
    assert ["facebook:555"] == [each.value for each in made.identifiers]


def test_messages_of_instagram_may_come_as_changes(read: Read) -> None:
    found = read("meta", "ok_instagram_messages_as_changes.json")
    said, pressed = found.touchpoints

    assert ("재입고 언제 되나요?", pb.CHANNEL_CHAT, pb.TOUCHPOINT_KIND_INQUIRY) == (said.text, said.channel, said.kind)
    assert ("상담원 연결", "aWdfZAG1faXRlbToxOm") == (pressed.text, pressed.external_id)
    assert "17841400001:IG77" == said.thread_id == pressed.thread_id
    assert ["receipt"] == [each.reason for each in found.ignored]


def test_a_message_as_a_change_is_the_same_as_one_of_its_own(read: Read) -> None:
    message = {"sender": {"id": "2"}, "recipient": {"id": "1"}, "timestamp": 1763600000, "message": {"mid": "m"}}
    change = {"id": "1", "time": 1763600000, "changes": [{"field": "messages", "value": message}]}
    usual = {"id": "1", "time": 1763600000, "messaging": [message]}

    one, other = (
        read("meta", "", body=json.dumps({"object": "instagram", "entry": [entry]}).encode())
        for entry in (change, usual)
    )

    assert one == other


def test_who_came_by_a_plugin_of_our_page_has_a_reference_only(read: Read) -> None:
    message = {"sender": {"user_ref": 98}, "recipient": {"id": "1"}, "timestamp": 7, "postback": {"title": "시작하기"}}
    body = json.dumps({"object": "page", "entry": [{"id": "1", "messaging": [message]}]}).encode()

    [made] = read("meta", "", body=body).touchpoints

    assert ("시작하기", "1:98", "1:98:7") == (made.text, made.thread_id, made.external_id)


def test_photos_and_videos_that_visitors_post_are_counted(read: Read) -> None:
    photo, video = read("meta", "ok_visitors_photo_and_video.json").touchpoints

    assert ("", "image:1") == (photo.text, photo.attributes["attachments"])
    assert ("소리가 이상해요", "video:1") == (video.text, video.attributes["attachments"])


def test_what_meta_does_not_pass_on_is_told(read: Read) -> None:
    message = {"sender": {"id": "2"}, "message": {"mid": "m", "is_unsupported": True}}
    body = json.dumps({"object": "instagram", "entry": [{"id": "1", "messaging": [message]}]}).encode()

    [made] = read("meta", "", body=body).touchpoints

    assert ("", "unsupported:1") == (made.text, made.attributes["attachments"])


def _change(field: str, value: dict[str, object]) -> bytes:
    entry = {"id": "100", "time": 1763600001, "changes": [{"field": field, "value": {"verb": "add", **value}}]}
    return json.dumps({"object": "page", "entry": [entry]}).encode()


def test_our_answer_to_a_visitors_post_is_in_its_thread(read: Read) -> None:
    post = {"item": "status", "post_id": "100_9", "from": {"id": "24111"}, "message": "언제 열어요?"}
    comment = {"item": "comment", "post_id": "100_9", "parent_id": "100_9", "message": "10시에 열어요"}
    ours = {**comment, "comment_id": "9_1", "from": {"id": "100"}}
    theirs = {**comment, "comment_id": "9_2", "from": {"id": "24111"}, "post": {"status_type": "wall_post"}}

    asked, answered, thanked = (
        read("meta", "", body=_change("feed", each)).touchpoints[0] for each in (post, ours, theirs)
    )

    assert asked.thread_id == answered.thread_id == thanked.thread_id


def test_below_our_own_post_each_first_comment_begins_a_thread(read: Read) -> None:
    comment = {"item": "comment", "post_id": "100_9", "parent_id": "100_9", "from": {"id": "24111"}}
    post = {"post": {"status_type": "added_photos"}}

    one, other = (
        read("meta", "", body=_change("feed", {**comment, **post, "comment_id": each})).touchpoints[0]
        for each in ("9_1", "9_2")
    )

    assert ("9_1", "9_2") == (one.thread_id, other.thread_id)


def test_what_is_said_about_a_recommendation_is_in_its_thread(read: Read) -> None:
    rating = {"item": "rating", "open_graph_story_id": 904801129604590, "reviewer_id": 705955836155788, "rating": 3}
    comment = {
        "item": "comment",
        "comment_id": "904801129604590_904802532937783",
        "post_id": "100002241334695_904801129604590",
        "parent_id": "100002241334695_904801129604590",
        "sender_id": 100,
        "message": "감사합니다",
    }

    review, answer = (read("meta", "", body=_change("ratings", each)).touchpoints[0] for each in (rating, comment))

    assert "904801129604590" == review.thread_id == answer.thread_id
    assert pb.ACTOR_AGENT == answer.actor


def test_a_button_that_says_nothing_wants_no_answer(read: Read) -> None:
    opened = {
        "sender": {"id": "2"},
        "recipient": {"id": "1"},
        "timestamp": 7,
        "postback": {"payload": "x", "title": ""},
    }
    body = json.dumps({"object": "page", "entry": [{"id": "1", "messaging": [opened]}]}).encode()

    [made] = read("meta", "", body=body).touchpoints

    assert (pb.TOUCHPOINT_KIND_OTHER, "postback") == (made.kind, made.attributes["item"])
