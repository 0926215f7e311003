import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading, Unreadable

Read = Callable[..., Reading]
PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads" / "chatwoot"


@pytest.mark.parametrize(
    ("file", "kind", "actor"),
    [
        ("ok_incoming.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
        ("ok_numbered_type_and_old_time.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
        ("ok_outgoing.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT),
        ("ok_outgoing_bot.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_BOT),
        ("ok_template.json", pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_BOT),
        ("ok_resolved.json", pb.TOUCHPOINT_KIND_RESOLUTION, pb.ACTOR_AGENT),
        ("ok_csat.json", pb.TOUCHPOINT_KIND_SURVEY_RESPONSE, pb.ACTOR_CUSTOMER),
        ("ok_form_answered.json", pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
    ],
)
def test_event_says_what_happened_and_by_whom(read: Read, file: str, kind: int, actor: int) -> None:
    [made] = read("chatwoot", file).touchpoints

    assert (kind, actor, "42") == (made.kind, made.actor, made.thread_id)


def test_customer_is_known_whoever_speaks_and_staff_are_not(read: Read) -> None:
    [made] = read("chatwoot", "ok_outgoing.json").touchpoints

    assert {"member-9", "kim@example.com", "+821012345678", "chatwoot:21"} == {each.value for each in made.identifiers}


def test_first_message_of_a_conversation_is_counted_once(read: Read) -> None:
    [message] = read("chatwoot", "ok_incoming.json").touchpoints
    [begun] = read("chatwoot", "ok_conversation_created.json").touchpoints

    assert (message.external_id, message.revision) == (begun.external_id, begun.revision)
    assert message.text == begun.text


def test_rating_is_csat_with_its_words(read: Read) -> None:
    [made] = read("chatwoot", "ok_csat.json").touchpoints

    assert (pb.SURVEY_TYPE_CSAT, 4, "친절해요") == (made.survey.type, made.survey.score, made.text)


def test_edit_and_deletion_are_revisions_of_the_message(read: Read) -> None:
    [first] = read("chatwoot", "ok_incoming.json").touchpoints
    [edited] = read("chatwoot", "ok_edited.json").touchpoints
    [deleted] = read("chatwoot", "ok_deleted.json").touchpoints

    assert 1 == len({each.external_id for each in (first, edited, deleted)})
    assert first.revision < edited.revision
    assert first.revision < deleted.revision
    assert ("배송지 변경 취소할게요", "") == (edited.text, deleted.text)


def test_attachments_are_counted_without_their_address(read: Read) -> None:
    [made] = read("chatwoot", "ok_attachment_only.json").touchpoints

    assert ("", "audio:1,image:1") == (made.text, made.attributes["attachments"])
    assert "sig=" not in str(made)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("ignored_private_note.json", "private_note"),
        ("ignored_activity.json", "activity"),
        ("ignored_survey_sent.json", "survey_sent"),
        ("ignored_delivery_update.json", "status_update"),
        ("ignored_reopened.json", "status_not_final"),
        ("ignored_typing.json", "event_type_unused"),
        ("ignored_unknown_event.json", "event_type_unknown"),
    ],
)
def test_what_is_no_touchpoint_is_ignored(read: Read, file: str, reason: str) -> None:
    [ignored] = read("chatwoot", file).ignored

    assert reason == ignored.reason


def test_documented_sample_does_not_take_the_agent_beside_the_contact_for_the_customer(read: Read) -> None:
    [made] = read("chatwoot", "ok_documented_sample.json").touchpoints

    assert ["chatwoot:7"] == [each.value for each in made.identifiers]
    assert (pb.ACTOR_CUSTOMER, "12") == (made.actor, made.thread_id)


def test_rule_of_the_automation_tells_the_message_as_the_webhook_does(read: Read) -> None:
    [made] = read("chatwoot", "ok_automation_rule.json").touchpoints

    assert ("654", "207", "배송 조회가 안 돼요") == (made.external_id, made.thread_id, made.text)
    assert pb.ACTOR_CUSTOMER == made.actor


def test_sender_who_is_a_contact_is_the_customer(read: Read) -> None:
    sender = {"id": 21, "type": "contact", "email": "kim@example.com", "phone_number": "+821012345678"}
    event = {
        "event": "message_created",
        "id": 7,
        "content": "안녕하세요",
        "message_type": "incoming",
        "created_at": "2026-11-20T05:18:22Z",
        "sender": sender,
        "contact": {"id": 21, "name": "Kim"},
        "conversation": {"id": 42, "channel": "Channel::WebWidget"},
    }

    [made] = read("chatwoot", "", body=json.dumps(event).encode()).touchpoints

    assert {"chatwoot:21", "kim@example.com", "+821012345678"} == {each.value for each in made.identifiers}


def a_voice_message(event: str, transcribed: str) -> bytes:
    return json.dumps(
        {
            "event": event,
            "id": 8,
            "content": None,
            "message_type": "incoming",
            "created_at": "2026-11-20T05:18:22Z",
            "updated_at": "2026-11-20T05:18:30Z",
            "changed_attributes": [{"updated_at": {"previous_value": "a", "current_value": "b"}}],
            "attachments": [{"id": 1, "file_type": "audio", "transcribed_text": transcribed}],
            "conversation": {"id": 42, "channel": "Channel::Whatsapp", "meta": {"sender": {"id": 21}}},
        }
    ).encode()


def test_voice_message_has_its_words_once_they_are_written_down(read: Read) -> None:
    [spoken] = read("chatwoot", "", body=a_voice_message("message_created", "")).touchpoints
    [written] = read("chatwoot", "", body=a_voice_message("message_updated", "환불해 주세요")).touchpoints

    assert ("", "audio:1") == (spoken.text, spoken.attributes["attachments"])
    assert ("환불해 주세요", "audio:1") == (written.text, written.attributes["attachments"])
    assert spoken.external_id == written.external_id
    assert spoken.revision < written.revision


def test_address_that_a_customer_leaves_says_who_it_is(read: Read) -> None:
    [made] = read("chatwoot", "ok_address_left.json").touchpoints

    assert (pb.TOUCHPOINT_KIND_OTHER, pb.ACTOR_CUSTOMER, "42") == (made.kind, made.actor, made.thread_id)
    assert {"chatwoot:21", "kim.minji@example.com"} == {each.value for each in made.identifiers}
    assert ("", "1005:email") == (made.text, made.external_id)


def test_quoted_reply_of_an_email_is_apart(read: Read) -> None:
    [made] = read("chatwoot", "ok_email.json").touchpoints

    assert ("아직도 안 왔어요.", pb.CHANNEL_EMAIL) == (made.text, made.channel)
    assert made.attributes["quoted"].endswith("내일 도착합니다.")
    assert "배송 문의" == made.attributes["subject"]


@pytest.mark.parametrize("file", ["ok_csat.json", "ok_form_answered.json", "ok_address_left.json"])
def test_answer_is_of_the_time_at_which_its_conversation_changed(read: Read, file: str) -> None:
    given = json.loads((PAYLOADS / file).read_bytes())
    given.pop("updated_at", None)
    given["conversation"]["updated_at"] = 1583330000.25

    [made] = read("chatwoot", "", body=json.dumps(given).encode()).touchpoints

    assert 1583330000250 == made.occurred_time.ToMilliseconds()


def test_redelivered_edit_is_the_same_revision(read: Read) -> None:
    given = json.loads((PAYLOADS / "ok_edited_as_older_versions_tell.json").read_bytes())
    given.pop("updated_at", None)
    given["conversation"]["updated_at"] = 1583330000.25
    body = json.dumps(given).encode()

    [first] = read("chatwoot", "", body=body).touchpoints
    [again] = read("chatwoot", "", body=body, received=dt.datetime(2026, 11, 23, tzinfo=dt.UTC)).touchpoints

    assert 1583330000250 == first.revision == again.revision


def test_words_in_a_group_are_those_of_the_contact_who_speaks(read: Read) -> None:
    given = json.loads((PAYLOADS / "ok_incoming.json").read_bytes())
    given["sender"] = {"id": 99, "name": "Lee", "email": "lee@example.com", "type": "contact"}

    [made] = read("chatwoot", "", body=json.dumps(given).encode()).touchpoints

    assert {"chatwoot:99", "lee@example.com"} == {each.value for each in made.identifiers}


def test_message_of_no_conversation_is_kept_for_a_person_to_see(read: Read) -> None:
    given = json.loads((PAYLOADS / "ok_incoming.json").read_bytes())
    del given["conversation"]

    with pytest.raises(Unreadable, match="conversation"):
        read("chatwoot", "", body=json.dumps(given).encode())


def test_words_of_a_call_are_those_that_were_spoken(read: Read) -> None:
    given = json.loads((PAYLOADS / "ok_incoming.json").read_bytes())
    given |= {
        "content": "Voice Call",
        "content_type": "voice_call",
        "content_attributes": {"data": {"status": "ringing"}},
    }
    spoken: dict[str, object] = {"event": "message_updated", "updated_at": "2026-11-20T05:18:22Z"}
    spoken["attachments"] = [{"id": 1, "file_type": "audio", "transcribed_text": "환불해 주세요"}]

    [begun] = read("chatwoot", "", body=json.dumps(given).encode()).touchpoints
    [ended] = read("chatwoot", "", body=json.dumps(given | spoken).encode()).touchpoints

    assert (pb.CHANNEL_CALL_CENTER, "", "voice_call") == (begun.channel, begun.text, begun.attributes["content_type"])
    assert (begun.external_id, "환불해 주세요") == (ended.external_id, ended.text)
    assert begun.revision < ended.revision


@pytest.mark.parametrize(("automatic", "reasons"), [(True, ["auto_reply"]), (False, []), (None, [])])
def test_note_of_absence_is_nobodys_voice(read: Read, automatic: bool | None, reasons: list[str]) -> None:
    given = json.loads((PAYLOADS / "ok_email.json").read_bytes())
    given["content_attributes"]["email"]["auto_reply"] = automatic

    assert reasons == [each.reason for each in read("chatwoot", "", body=json.dumps(given).encode()).ignored]
