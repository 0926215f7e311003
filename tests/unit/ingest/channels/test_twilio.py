import urllib.parse
from collections.abc import Callable

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]


def test_text_message_is_an_inquiry_of_its_number(read: Read) -> None:
    [made] = read("twilio", "ok_sms.txt").touchpoints

    assert (pb.CHANNEL_CHAT, pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER) == (made.channel, made.kind, made.actor)
    assert "택배가 파손돼서 왔어요 😭" == made.text
    assert [(pb.IDENTIFIER_TYPE_PHONE, "+821012345678")] == [(each.type, each.value) for each in made.identifiers]


def test_form_and_json_are_one_message(read: Read) -> None:
    by_form = read("twilio", "ok_sms.txt").touchpoints
    by_json = read("twilio", "ok_json.json").touchpoints

    assert by_form == by_json


def test_both_directions_are_one_thread_that_tells_no_number(read: Read) -> None:
    [question] = read("twilio", "ok_sms.txt").touchpoints
    [answer] = read("twilio", "ok_outbound_json.json").touchpoints

    assert question.thread_id == answer.thread_id
    assert "1012345678" not in question.thread_id
    assert (pb.ACTOR_BOT, pb.TOUCHPOINT_KIND_REPLY) == (answer.actor, answer.kind)
    assert ["+821012345678"] == [each.value for each in answer.identifiers]


def test_messengers_have_accounts_and_whatsapp_has_numbers(read: Read) -> None:
    [messenger] = read("twilio", "ok_messenger.txt").touchpoints
    [whatsapp] = read("twilio", "ok_whatsapp.txt").touchpoints

    assert ["messenger:1234567890"] == [each.value for each in messenger.identifiers]
    assert ["+821012345678"] == [each.value for each in whatsapp.identifiers]


def test_rcs_has_numbers_too(read: Read) -> None:
    body = b"MessageSid=SM1&From=rcs%3A%2B821012345678&To=rcs%3Aacme_agent&Body=hi&NumMedia=0"

    [made] = read("twilio", "", body=body, content_type="application/x-www-form-urlencoded").touchpoints

    assert ["+821012345678"] == [each.value for each in made.identifiers]


def test_media_are_counted_without_their_address(read: Read) -> None:
    [made] = read("twilio", "ok_picture_only.txt").touchpoints

    assert ("", "image:1,video:1") == (made.text, made.attributes["attachments"])
    assert "api.twilio.com" not in str(made)


def test_opt_out_is_told_and_wants_no_answer(read: Read) -> None:
    [made] = read("twilio", "ok_opt_out.txt").touchpoints

    assert (pb.TOUCHPOINT_KIND_OTHER, "true") == (made.kind, made.attributes["opt_out"])


def test_transcript_is_a_revision_of_its_voicemail(read: Read) -> None:
    [recorded] = read("twilio", "ok_voicemail.txt").touchpoints
    [written] = read("twilio", "ok_transcript_of_voicemail.txt").touchpoints

    assert recorded.external_id == written.external_id == "RE01"
    assert recorded.revision < written.revision
    assert ("", "환불이 아직 안 됐습니다. 전화 주세요.") == (recorded.text, written.text)
    assert pb.CHANNEL_CALL_CENTER == written.channel


def test_live_transcript_knows_who_speaks_by_the_track(read: Read) -> None:
    [customer] = read("twilio", "ok_live_transcript.txt").touchpoints
    [agent] = read("twilio", "ok_live_transcript_of_agent.txt").touchpoints

    assert (pb.ACTOR_CUSTOMER, pb.ACTOR_AGENT) == (customer.actor, agent.actor)
    assert customer.thread_id == agent.thread_id
    assert ("여보세요, 배송이 안 왔어요", "ko-KR") == (customer.text, customer.language)


def test_event_streams_are_read_one_by_one(read: Read) -> None:
    found = read("twilio", "ok_event_streams_batch.json")

    assert ["SM09"] == [each.external_id for each in found.touchpoints]
    assert ["event_type_unknown"] == [each.reason for each in found.ignored]


def test_removed_message_of_a_conversation_becomes_an_empty_revision(read: Read) -> None:
    [said] = read("twilio", "ok_conversation_customer.txt").touchpoints
    [removed] = read("twilio", "ok_conversation_removed.txt").touchpoints

    assert said.external_id == removed.external_id
    assert said.revision < removed.revision
    assert "" == removed.text


def test_message_of_a_conversation_is_the_same_by_event_streams(read: Read) -> None:
    said, system, edited, removed = read("twilio", "ok_event_streams_of_conversations.json").touchpoints

    assert (pb.ACTOR_CUSTOMER, "사이즈 교환되나요?", "image:1") == (
        said.actor,
        said.text,
        said.attributes["attachments"],
    )
    assert ["+821012345678"] == [each.value for each in said.identifiers]
    assert (pb.ACTOR_BOT, "색상 교환되나요?", "") == (system.actor, edited.text, removed.text)
    assert 0 == said.revision < edited.revision < removed.revision
    assert {"CHee95cfd541a925a3337fec19a0200009"} == {each.thread_id for each in (said, system, edited, removed)}


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("ignored_status_callback.txt", "status_callback"),
        ("ignored_call_status.txt", "call_status"),
        ("ignored_call_recording.txt", "recording_without_words"),
        ("ignored_live_transcript_not_final.txt", "not_finished"),
        ("ignored_message_to_be_added.txt", "event_type_unused"),
    ],
)
def test_what_is_no_touchpoint_is_ignored(read: Read, file: str, reason: str) -> None:
    [ignored] = read("twilio", file).ignored

    assert reason == ignored.reason


def test_form_is_answered_in_the_language_of_twilio(read: Read) -> None:
    found = read("twilio", "ok_sms.txt")

    assert (b"<Response></Response>", "text/xml") == (found.reply[-21:], found.reply_content_type)


def test_plus_sign_that_a_form_lost_is_given_back(read: Read) -> None:
    body = b"MessageSid=SM1&From=+821012345678&To=+827012345678&Body=hi&NumMedia=0"

    [made] = read("twilio", "", body=body).touchpoints

    assert ["+821012345678"] == [each.value for each in made.identifiers]
    assert read("twilio", "ok_sms.txt").touchpoints[0].thread_id == made.thread_id


def test_form_that_is_not_encoded_with_care_is_read(read: Read) -> None:
    body = "MessageSid=SM1&From=+821012345678&To=+827012345678&Body=배송이, 아직 안 왔어요&NumMedia=0".encode()

    [made] = read("twilio", "", body=body).touchpoints

    assert "배송이, 아직 안 왔어요" == made.text


def test_a_place_that_is_sent_is_an_attachment(read: Read) -> None:
    [made] = read("twilio", "ok_whatsapp_location.txt").touchpoints

    assert ("", "location:1") == (made.text, made.attributes["attachments"])


def test_turn_in_which_nothing_was_understood_has_no_words(read: Read) -> None:
    turn = {"TranscriptionEvent": "transcription-content", "TranscriptionSid": "GT1", "CallSid": "CA1", "Final": "true"}
    body = urllib.parse.urlencode(turn | {"SequenceId": "5", "TranscriptionData": '{"transcript": ""}'}).encode()

    [ignored] = read("twilio", "", body=body).ignored

    assert "no_words" == ignored.reason
