import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]
PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads" / "intercom"


def test_first_message_is_an_inquiry_without_markup(read: Read) -> None:
    [made] = read("intercom", "ok_user_created.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER) == (made.kind, made.actor)
    assert "결제가 두 번 됐어요 😡\n\n확인해 주세요 & 환불도요" == made.text
    assert "134843299" == made.thread_id
    assert {"member-100", "kim@example.com", "intercom:6329bd9ffe4e2e91dac76188"} == {
        each.value for each in made.identifiers
    }
    assert "https://shop.example/pay" == made.attributes["source_url"]


@pytest.mark.parametrize(
    ("file", "kind", "actor"),
    [
        ("ok_user_replied.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
        ("ok_admin_replied.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT),
        ("ok_bot_replied.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_BOT),
        ("ok_bot_replied_as_admin.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_BOT),
        ("ok_closed.json", pb.TOUCHPOINT_KIND_RESOLUTION, pb.ACTOR_AGENT),
        ("ok_rated.json", pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, pb.ACTOR_CUSTOMER),
    ],
)
def test_topic_says_what_happened_and_by_whom(read: Read, file: str, kind: int, actor: int) -> None:
    [made] = read("intercom", file).touchpoints

    assert (kind, actor, "134843299") == (made.kind, made.actor, made.thread_id)


def test_customer_is_known_by_what_staff_say_and_staff_are_not(read: Read) -> None:
    [made] = read("intercom", "ok_admin_replied.json").touchpoints

    assert {"member-100", "intercom:6329bd9ffe4e2e91dac76188"} == {each.value for each in made.identifiers}


def test_rating_is_csat_with_its_remark(read: Read) -> None:
    [made] = read("intercom", "ok_rated.json").touchpoints

    assert (pb.SURVEY_TYPE_CSAT, 2, 1, 5) == (
        made.survey.type,
        made.survey.score,
        made.survey.lowest,
        made.survey.highest,
    )
    assert "답이 늦었어요" == made.text


def test_words_on_closing_are_a_reply_of_their_own(read: Read) -> None:
    reply, resolution = read("intercom", "ok_closed_with_words.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_REPLY, "해결되어 닫습니다") == (reply.kind, reply.text)
    assert pb.TOUCHPOINT_KIND_RESOLUTION == resolution.kind
    assert reply.external_id != resolution.external_id


def test_redacted_part_becomes_an_empty_revision(read: Read) -> None:
    [said] = read("intercom", "ok_user_replied.json").touchpoints
    [redacted] = read("intercom", "ok_part_redacted.json").touchpoints

    assert (said.external_id, said.thread_id) == (redacted.external_id, redacted.thread_id)
    assert said.revision < redacted.revision
    assert "" == redacted.text


def test_pictures_and_files_are_counted(read: Read) -> None:
    [made] = read("intercom", "ok_user_replied_with_picture_only.json").touchpoints

    assert ("", "file:1,image:1") == (made.text, made.attributes["attachments"])
    assert "signature" not in str(made)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("ignored_ping.json", "test_ping"),
        ("ignored_note.json", "private_note"),
        ("ignored_unknown_topic.json", "event_type_unknown"),
    ],
)
def test_what_is_no_touchpoint_is_ignored(read: Read, file: str, reason: str) -> None:
    [ignored] = read("intercom", file).ignored

    assert reason == ignored.reason


def test_emoji_of_several_people_stay_together(read: Read) -> None:
    body = '{"topic":"conversation.user.created","data":{"item":{"id":"1","source":{"body":"<p>👨‍👩‍👧 최고</p>"}}}}'

    [made] = read("intercom", "", body=body.encode()).touchpoints

    assert "👨‍👩‍👧 최고" == made.text


def test_words_in_a_group_are_those_of_the_contact_who_speaks(read: Read) -> None:
    [made] = read("intercom", "ok_user_replied_in_group.json").touchpoints

    assert {"member-200", "lee@example.com", "intercom:63d2bda75ff2a5a0b7d0e4ad"} == {
        each.value for each in made.identifiers
    }


def test_redacted_first_message_becomes_an_empty_revision(read: Read) -> None:
    [said] = read("intercom", "ok_user_created.json").touchpoints
    [redacted] = read("intercom", "ok_first_message_redacted.json").touchpoints

    assert (said.external_id, said.identifiers) == (redacted.external_id, redacted.identifiers)
    assert said.revision < redacted.revision
    assert ("", "true") == (redacted.text, redacted.attributes["deleted"])


@pytest.mark.parametrize(
    ("source", "heard"),
    [
        ({"type": "conversation", "body": "", "attachments": []}, 0),
        ({"type": "conversation", "body": None, "subject": None}, 0),
        ({"type": "conversation", "body": "", "attachments": [{"content_type": "image/png"}]}, 1),
        ({"type": "email", "body": "", "subject": "환불 요청"}, 1),
        ({"type": "phone_call", "body": None}, 1),
    ],
)
def test_conversation_that_begins_without_a_word_is_heard_when_there_is_one(
    read: Read, source: dict[str, object], heard: int
) -> None:
    given = {"topic": "conversation.user.created", "data": {"item": {"id": "1", "source": source}}}

    found = read("intercom", "", body=json.dumps(given).encode())

    assert (heard, 1 - heard) == (len(found.touchpoints), len(found.ignored))


def test_conversation_that_begins_with_a_message_of_ours_has_the_words_that_answer_it(read: Read) -> None:
    given = json.loads((PAYLOADS / "ok_user_created.json").read_bytes())
    item = given["data"]["item"]
    item["source"] |= {
        "author": {"type": "admin", "id": "814860"},
        "delivered_as": "automated",
        "body": "<p>도와드릴까요?</p>",
    }
    answer = {"type": "conversation_part", "id": "77", "part_type": "comment", "body": "<p>네, 환불요</p>"}
    answer |= {"author": {"type": "user", "id": "6329bd9ffe4e2e91dac76188"}, "created_at": item["created_at"] + 60}
    greeting = {"type": "conversation_part", "id": "76", "part_type": "comment", "body": "x", "author": {"type": "bot"}}
    item["conversation_parts"]["conversation_parts"] = [greeting, answer]

    ours, theirs = read("intercom", "", body=json.dumps(given).encode()).touchpoints

    assert (pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_OTHER) == (ours.actor, ours.kind)
    assert ("77", pb.ACTOR_CUSTOMER, pb.TOUCHPOINT_KIND_INQUIRY) == (theirs.external_id, theirs.actor, theirs.kind)
    assert "네, 환불요" == theirs.text
