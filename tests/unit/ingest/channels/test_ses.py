"""Amazon SES over SNS: https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]
PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads"


@pytest.mark.parametrize("file", ["ok_received.json", "ok_received_raw_delivery.json"])
def test_a_mail_is_read_as_if_it_had_come_by_smtp(read: Read, file: str) -> None:
    [notified] = read("ses", file).touchpoints
    [mailed] = read("email", "ok_reply_gmail_ko.eml").touchpoints

    assert (mailed.external_id, mailed.thread_id, mailed.text) == (
        notified.external_id,
        notified.thread_id,
        notified.text,
    )


def test_a_mail_in_base64_keeps_its_own_charset(read: Read) -> None:
    [made] = read("ses", "ok_received_base64.json").touchpoints

    assert "똠방각하 배송이 늦어요. 펲시콜라도 없네요." == made.text


def test_a_confirmation_is_left_to_the_edge(read: Read) -> None:
    [ignored] = read("ses", "ignored_subscription_confirmation.json").ignored

    assert "subscription_confirmation" == ignored.reason


def test_a_complaint_about_spam_is_the_receivers(read: Read) -> None:
    [made] = read("ses", "ok_spam_complaint.json").touchpoints

    assert (pb.ACTOR_CUSTOMER, "spam_complaint") == (made.actor, made.attributes["event"])
    assert ["richard@example.com"] == [each.value for each in made.identifiers]


def test_spam_is_kept_where_an_option_says_so(read: Read) -> None:
    body = (PAYLOADS / "ses" / "ok_received_raw_delivery.json").read_bytes()
    body = body.replace(b'"spamVerdict": {\n      "status": "PASS"', b'"spamVerdict": {\n      "status": "FAIL"')

    ignored = read("ses", "", body=body)
    kept = read("ses", "", body=body, options={"keep_spam": "true"})

    assert ["spam"] == [each.reason for each in ignored.ignored]
    assert 1 == len(kept.touchpoints)


def test_mail_is_taken_out_of_what_lambda_is_handed(read: Read) -> None:
    [made] = read("ses", "ok_lambda_event.json").touchpoints

    assert "배송이 늦어요" == made.text


def test_wrong_record_of_a_queue_is_named_by_its_place(read: Read) -> None:
    found = read("ses", "partly_queue_of_two.json")

    assert 1 == len(found.touchpoints)
    assert ["Records.1"] == [each.field for each in found.unreadable]


def test_what_amazon_sends_to_try_a_new_rule_or_topic_is_ignored(read: Read) -> None:
    body = (PAYLOADS / "ses" / "ok_received_raw_delivery.json").read_bytes()
    message_id = json.loads(body)["mail"]["messageId"].encode()
    topic = b'{"Type": "Notification", "Message": "Successfully validated SNS topic for Amazon SES event publishing."}'

    for tried in (body.replace(message_id, b"AMAZON_SES_SETUP_NOTIFICATION"), topic):
        assert ["test_ping"] == [each.reason for each in read("ses", "", body=tried).ignored]


def test_a_mail_without_a_sender_is_from_whom_ses_says(read: Read) -> None:
    given = json.loads((PAYLOADS / "ses" / "ok_received_raw_delivery.json").read_bytes())
    given["mail"]["source"] = "kim@other.example"
    given["content"] = "Subject: s\r\n\r\nhello"

    [made] = read("ses", "", body=json.dumps(given).encode()).touchpoints

    assert ["kim@other.example"] == [each.value for each in made.identifiers]


def test_a_mail_in_base64_is_one_whatever_the_notification_says(read: Read) -> None:
    given = json.loads((PAYLOADS / "ses" / "ok_received_raw_delivery.json").read_bytes())
    given["content"] = base64.b64encode(b"From: kim@other.example\r\n\r\nhello").decode()
    given["receipt"]["action"]["encoding"] = "UTF8"

    [made] = read("ses", "", body=json.dumps(given).encode()).touchpoints

    assert "hello" == made.text
