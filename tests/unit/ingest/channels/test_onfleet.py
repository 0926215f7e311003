"""Onfleet events, as in https://docs.onfleet.com/reference/webhooks."""

import json
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading, Unreadable

Read = Callable[..., Reading]


def test_the_riders_note_is_an_agents_words(read: Read) -> None:
    [made] = read("onfleet", "ok_completed.json").touchpoints

    assert ("경비실에 맡겼습니다 📦", pb.ACTOR_AGENT) == (made.text, made.actor)
    assert pb.TOUCHPOINT_KIND_DELIVERY == made.kind
    assert ("true", "image:2") == (made.attributes["success"], made.attributes["attachments"])


def test_a_step_without_a_note_is_a_systems(read: Read) -> None:
    [made] = read("onfleet", "ok_started.json").touchpoints

    assert ("", pb.ACTOR_SYSTEM) == (made.text, made.actor)


def test_the_receiver_is_known_and_the_rider_is_not_named(read: Read) -> None:
    [made] = read("onfleet", "ok_completed.json").touchpoints

    assert ["+821055556666", "M-9"] == [each.value for each in made.identifiers]
    assert "Swartz" not in str(made)
    assert "+821000000000" not in str(made)


def test_a_failure_says_why(read: Read) -> None:
    [made] = read("onfleet", "ok_failed.json").touchpoints

    assert ("부재중, 연락 안 됨", "false", "OTHER") == (
        made.text,
        made.attributes["success"],
        made.attributes["failure_reason"],
    )


def test_feedback_is_the_customers_review_in_the_tasks_thread(read: Read) -> None:
    [made] = read("onfleet", "ok_feedback.json").touchpoints

    assert (pb.ACTOR_CUSTOMER, pb.TOUCHPOINT_KIND_REVIEW, 2) == (made.actor, made.kind, made.rating.value)
    assert "11z1BFspwhBYDvIH_FrJfWMm" == made.thread_id


def test_the_validation_is_answered_with_what_it_asks_for(read: Read) -> None:
    found = read("onfleet", "", body=b"", query={"check": "abc123"})

    assert (b"abc123", "validation") == (found.reply, found.ignored[0].reason)


def test_a_delay_is_told_by_the_task_or_by_the_event(read: Read) -> None:
    [task] = read("onfleet", "ok_delayed.json").touchpoints
    [event] = read("onfleet", "ok_delayed_by_the_event.json").touchpoints

    assert ("30", "15") == (task.attributes["delay_minutes"], event.attributes["delay_minutes"])


def test_an_sms_that_belongs_to_no_task_is_the_receivers(read: Read) -> None:
    [made] = read("onfleet", "ok_sms_without_a_task.json").touchpoints

    assert ("어디쯤 오셨어요?", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER) == (made.text, made.kind, made.actor)
    assert ["+821055556666"] == [each.value for each in made.identifiers]
    assert "EaJtFbXSqTGM6UlPYTX9cvbR" == made.thread_id


def test_an_sms_is_in_the_thread_of_its_task(read: Read) -> None:
    event = {"triggerId": 14, "time": 1763600000123, "taskId": "T", "SMS": "어디쯤?", "recipient": {"phone": "x"}}

    [made] = read("onfleet", "", body=json.dumps(event).encode()).touchpoints

    assert ("T", "T:smsRecipientResponseMissed:1763600000123") == (made.thread_id, made.external_id)


def test_an_sms_without_words_is_ignored_and_one_that_has_them_elsewhere_is_kept(read: Read) -> None:
    event = {"triggerId": 14, "time": 1763600000123, "taskId": "T"}

    blank = read("onfleet", "", body=json.dumps({**event, "SMS": " "}).encode())
    with pytest.raises(Unreadable, match="SMS"):
        read("onfleet", "", body=json.dumps({**event, "words": "어디쯤?"}).encode())

    assert ["no_text"] == [each.reason for each in blank.ignored]
