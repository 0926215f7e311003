import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading, Unreadable

Read = Callable[..., Reading]
PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads" / "amazon_connect"


def test_transcript_is_one_touchpoint_with_its_turns(read: Read) -> None:
    [made] = read("amazon_connect", "ok_call_transcript.json").touchpoints

    assert (pb.CHANNEL_CALL_CENTER, pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER) == (
        made.channel,
        made.kind,
        made.actor,
    )
    assert [
        "AGENT: 안녕하세요, 소리 상점입니다.",
        "CUSTOMER: 주문한 게 아직도 안 왔어요. 환불해 주세요!",
        "AGENT: 바로 처리해 드리겠습니다.",
    ] == made.text.split("\n")
    assert "ko-KR" == made.language
    assert 1594494300 == made.occurred_time.seconds  # In the name of the recording.


def test_each_turn_keeps_its_sentiment(read: Read) -> None:
    [made] = read("amazon_connect", "ok_call_transcript.json").touchpoints

    assert ["NEUTRAL", "NEGATIVE", "POSITIVE"] == made.attributes["turn_sentiment"].split(",")
    assert ("-3.1", "0") == (made.attributes["sentiment_customer"], made.attributes["sentiment_agent"])


def test_long_call_keeps_the_sentiment_of_every_turn(read: Read) -> None:
    turns = [
        {"ParticipantId": "CUSTOMER", "Content": f"{number}", "Sentiment": "POSITIVE", "EndOffsetMillis": number}
        for number in range(1_000)
    ]
    body = json.dumps({"CustomerMetadata": {"ContactId": "c"}, "Transcript": turns}).encode()

    [made] = read("amazon_connect", "", body=body).touchpoints

    kept = [each for name in made.attributes if name.startswith("turn_sentiment") for each in [made.attributes[name]]]
    assert 1_000 == sum(each.count("POSITIVE") for each in kept)
    assert max(len(each) for each in kept) <= 1_000


def test_chat_is_a_chat_with_roles_by_participant(read: Read) -> None:
    [made] = read("amazon_connect", "ok_chat_transcript.json").touchpoints

    assert pb.CHANNEL_CHAT == made.channel
    assert "CUSTOM_BOT: How may I help?\nCUSTOMER: My parcel arrived broken 😢" == made.text
    assert ("-,NEGATIVE", "image:1") == (made.attributes["turn_sentiment"], made.attributes["attachments"])


def test_all_that_is_told_of_a_contact_is_one_touchpoint_that_grows(read: Read) -> None:
    files = (
        "ok_contact_initiated.json",
        "ok_contact_disconnected.json",
        "ok_real_time_segments.json",
        "ok_call_transcript.json",
        "ok_redacted_call_transcript.json",
    )

    made = [read("amazon_connect", file).touchpoints[0] for file in files]

    assert 1 == len({each.external_id for each in made})
    assert [each.revision for each in made] == sorted({each.revision for each in made})
    assert all(each.revision < 1 << 53 for each in made)


def test_record_of_the_contact_says_whose_transcript_it_is(read: Read) -> None:
    [record] = read("amazon_connect", "ok_contact_record.json").touchpoints
    [transcript] = read("amazon_connect", "ok_call_transcript.json").touchpoints

    known = {each.value for each in record.identifiers}
    assert "+821012345678" in known
    assert known & {each.value for each in transcript.identifiers}


def test_call_that_the_company_made_is_not_the_customers(read: Read) -> None:
    [made] = read("amazon_connect", "ok_outbound_contact.json").touchpoints

    assert (pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_OTHER) == (made.actor, made.kind)


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("ignored_queued.json", "event_type_unused"),
        ("ignored_task.json", "channel_unused"),
        ("ignored_agent_event.json", "event_type_unknown"),
        ("ignored_rule_matched.json", "event_type_unknown"),
        ("ignored_failed_analysis.json", "analysis_failed"),
        ("ignored_real_time_partial.json", "not_finished"),
    ],
)
def test_what_is_no_touchpoint_is_ignored(read: Read, file: str, reason: str) -> None:
    [ignored] = read("amazon_connect", file).ignored

    assert reason == ignored.reason


def test_events_are_read_in_every_spelling_that_is_documented(read: Read) -> None:
    [older] = read("amazon_connect", "ok_contact_event_of_older_spelling.json").touchpoints
    [bare] = read("amazon_connect", "ok_contact_event_without_envelope.json").touchpoints

    assert ("old-1", "old-0", "a-1") == (older.external_id, older.thread_id, older.attributes["agent"])
    assert (1628097473, 1628098149000) == (bare.occurred_time.seconds, bare.revision)


def test_transcript_of_a_chat_that_was_not_analysed_is_a_chat_of_its_first_contact(read: Read) -> None:
    [made] = read("amazon_connect", "ok_chat_transcript_unanalysed.json").touchpoints

    assert "CUSTOMER: 사진처럼 깨져서 왔어요 😢\nAGENT: 바로 교환해 드릴게요" == made.text
    assert (pb.CHANNEL_CHAT, "11111111-2222-3333-4444-555555555555") == (made.channel, made.thread_id)
    assert "image:1" == made.attributes["attachments"]


def test_chat_has_the_sentiment_of_each_turn_from_the_groups_of_its_items(read: Read) -> None:
    [made] = read("amazon_connect", "ok_chat_transcript_sentiment_by_group.json").touchpoints

    assert ["SYSTEM", "AGENT", "CUSTOMER", "CUSTOMER", "CUSTOMER"] == [
        line.partition(":")[0] for line in made.text.split("\n")
    ]
    assert "-,NEUTRAL,NEGATIVE,NEGATIVE,POSITIVE" == made.attributes["turn_sentiment"]
    assert ("-0.5", "1.15") == (made.attributes["sentiment_customer"], made.attributes["sentiment_agent"])


def test_what_a_flow_set_on_a_contact_is_kept(read: Read) -> None:
    record = {
        "ContactId": "c1",
        "Channel": "VOICE",
        "InitiationTimestamp": "2026-11-20T01:00:00Z",
        "CustomerId": "M-100",
        "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+821012345678"},
        "Agent": {"ARN": "arn:aws:connect:ap-northeast-2:1:instance/i/agent/a-7", "Username": "kim"},
        "Attributes": {"orderId": "A-77", "menu": "환불", "empty": "", "other": None},
    }

    [made] = read("amazon_connect", "", body=json.dumps(record).encode()).touchpoints

    assert {"M-100", "+821012345678", "amazon_connect:c1"} == {each.value for each in made.identifiers}
    assert ("A-77", "환불", "a-7") == (made.order_id, made.attributes["menu"], made.attributes["agent"])
    assert {"event", "menu", "agent"} == set(made.attributes)


def test_event_names_the_customer_as_the_record_does(read: Read) -> None:
    detail = {"eventType": "COMPLETED", "contactId": "c1", "channel": "CHAT", "customerId": "M-100"}
    event = {"detail-type": "Amazon Connect Contact Event", "time": "2026-11-20T01:00:00Z", "detail": detail}

    [made] = read("amazon_connect", "", body=json.dumps(event).encode()).touchpoints

    assert (pb.IDENTIFIER_TYPE_MEMBER_ID, "M-100") in [(each.type, each.value) for each in made.identifiers]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            {
                "templateType": "ListPicker",
                "data": {"content": {"title": "무엇을 도울까요?", "elements": [{"title": "환불"}]}},
            },
            "무엇을 도울까요? / 환불",
        ),
        ({"templateType": "Other", "data": {"content": "x"}}, '{"templateType": "Other", "data": {"content": "x"}}'),
    ],
)
def test_of_a_template_the_words_that_are_shown_are_a_turn(read: Read, content: object, words: str) -> None:
    turns = [
        {"ContentType": "text/plain", "ParticipantRole": "CUSTOMER", "Content": "안녕하세요"},
        {
            "ContentType": "application/vnd.amazonaws.connect.message.interactive",
            "ParticipantRole": "SYSTEM",
            "Content": json.dumps(content, ensure_ascii=False),
        },
    ]
    transcript = {"ContactId": "c3", "Transcript": [{"Type": "MESSAGE", **each} for each in turns]}

    [made] = read("amazon_connect", "", body=json.dumps(transcript).encode()).touchpoints

    assert f"CUSTOMER: 안녕하세요\nSYSTEM: {words}" == made.text


def in_base64(told: bytes) -> str:
    return base64.b64encode(told).decode()


@pytest.mark.parametrize(
    "around",
    [
        lambda told: {"Type": "Notification", "TopicArn": "arn:aws:sns:x:1:t", "Message": told.decode()},
        lambda told: {"Records": [{"Sns": {"Type": "Notification", "Message": told.decode()}}]},
        lambda told: {"Records": [{"body": json.dumps({"Type": "Notification", "Message": told.decode()})}]},
        lambda told: {"Records": [{"kinesis": {"partitionKey": "c", "data": in_base64(told)}}]},
        lambda told: {"requestId": "r", "timestamp": 1, "records": [{"data": in_base64(told)}]},
        lambda told: [{"partitionKey": "c", "data": in_base64(told)}],
        lambda told: [json.loads(told)],
    ],
)
@pytest.mark.parametrize("file", ["ok_real_time_segments.json", "ok_contact_record.json", "ok_contact_initiated.json"])
def test_event_is_the_same_whatever_is_around_it(read: Read, around: Callable[[bytes], object], file: str) -> None:
    told = (PAYLOADS / file).read_bytes()

    made = read("amazon_connect", "", body=json.dumps(around(told)).encode()).touchpoints

    assert read("amazon_connect", file).touchpoints == made


def test_records_are_read_one_by_one_and_firehose_is_answered(read: Read) -> None:
    told = (PAYLOADS / "ok_contact_record.json").read_bytes()
    records = [{"data": in_base64(each)} for each in (told, b"{", b'{"detail-type": "x"}')]

    found = read("amazon_connect", "", body=json.dumps({"requestId": "r-1", "records": [*records, None]}).encode())

    assert 1 == len(found.touchpoints)
    assert ["records.1.data", "records.3"] == [each.field for each in found.unreadable]
    assert ["event_type_unknown"] == [each.reason for each in found.ignored]
    assert {"requestId", "timestamp"} == json.loads(found.reply).keys()


def test_subscription_of_a_topic_is_no_contact(read: Read) -> None:
    [ignored] = read("amazon_connect", "", body=b'{"Type": "SubscriptionConfirmation", "Token": "t"}').ignored

    assert "subscription_confirmation" == ignored.reason


@pytest.mark.parametrize("held", ["no json", "[]"])
def test_envelope_of_something_else_is_kept(read: Read, held: str) -> None:
    with pytest.raises(Unreadable, match="Message"):
        read("amazon_connect", "", body=json.dumps({"Type": "Notification", "Message": held}).encode())


@pytest.mark.parametrize("file", ["ok_contact_initiated.json", "ok_contact_record.json"])
def test_supervisor_who_listens_is_no_customer(read: Read, file: str) -> None:
    body = (PAYLOADS / file).read_bytes().replace(b'"INBOUND"', b'"MONITOR"')

    [ignored] = read("amazon_connect", "", body=body).ignored

    assert ("contact_unused", "MONITOR") == (ignored.reason, ignored.detail)
