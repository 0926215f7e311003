"""Amazon SES over SNS: mails received, and what became of the mails that we sent."""

import base64
import binascii
import dataclasses
import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import email, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "ses"
TITLE = "Amazon SES over SNS"
DOCUMENT = "https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html"
CHANNEL = "email"
FIELDS: Mapping[str, str] = {
    "external_id": "Message-ID of the mail, as in `email`; of a spam complaint `complaint:` and its feedbackId",
    "kind": "as in `email`; other for a spam complaint, with the attribute event=spam_complaint",
    "actor": "as in `email`",
    "occurred_time": "as in `email`; mail.timestamp stands in for an absurd Date",
    "identifiers": "as in `email`; complainedRecipients",
    "text": "as in `email`: the mail is in `content`, as UTF-8 or base64 by receipt.action.encoding",
    "attributes": "as in `email`; event, feedback_type",
    "ignored": "subscription_confirmation (the HTTP edge confirms), bounces, deliveries, opens, clicks; what SES found "
    "to be a virus, or spam unless the option `keep_spam` is true; test_ping. A mail that SES put into S3 is "
    "unreadable: choose the SNS action, which sends it along",
}
OPTIONS: Mapping[str, Option] = {
    **email.OPTIONS,
    "keep_spam": Option("take what Amazon's filter calls spam, too: true or false", options.flag),
}

_SETUP = "AMAZON_SES_SETUP_NOTIFICATION"  # in place of an id, of the mail that tries a new rule
_LONGEST_SENDER = 320  # characters of an address
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")
_RECEIPTS = frozenset(
    ("Delivery", "Send", "Open", "Click", "Reject", "DeliveryDelay", "Rendering Failure", "Subscription")
)


def read(payload: Payload, source: Source) -> Reading:
    """Read an envelope of SNS, or what is within where SNS delivers it raw."""
    given = reading.json_object(payload)
    records = given.get("Records")
    if not isinstance(records, list):
        return _enveloped(given, payload, source)
    if not records:
        return Reading(ignored=(Ignored("no_events"),))
    found, unreadable = Reading(), []
    for index, record in enumerate(records):  # As Lambda and queues hand them on.
        try:
            each = _enveloped(_recorded(record), payload, source)
        except Unreadable as problem:
            field = ".".join(filter(None, (f"Records.{index}", problem.field)))
            unreadable.append(Unreadable(problem.reason, problem.detail, field))
        else:
            found = Reading(touchpoints=found.touchpoints + each.touchpoints, ignored=found.ignored + each.ignored)
    return dataclasses.replace(found, unreadable=tuple(unreadable))


def _recorded(record: object) -> reading.JsonObject:
    """Take what SNS or SES said out of a record."""
    if not isinstance(record, dict):
        raise Unreadable("field_wrong", "not an object")
    if isinstance(record.get("body"), str):  # of a queue
        body = reading.parse_json(record["body"])
        if not isinstance(body, dict):
            raise Unreadable("not_json", "not an object", "body")
        return body
    if isinstance(record.get("ses"), dict):
        return {"notificationType": "Received", **record["ses"]}
    return reading.object_at(record, "Sns")


def _enveloped(given: reading.JsonObject, payload: Payload, source: Source) -> Reading:
    kind = reading.optional_text(given, "Type")
    if kind in ("SubscriptionConfirmation", "UnsubscribeConfirmation"):
        return Reading(ignored=(Ignored("subscription_confirmation", kind),))
    if kind and kind != "Notification":
        return Reading(ignored=(Ignored("event_type_unknown", kind[:64]),))
    if not kind:
        return _notification(given, payload, source)
    message = given.get("Message")
    if not isinstance(message, str) or not message:
        raise Unreadable("field_missing", "missing", "Message")
    if message.startswith("Successfully validated SNS topic"):
        return Reading(ignored=(Ignored("test_ping"),))
    try:
        notification = reading.parse_json(message)
    except Unreadable:
        raise Unreadable("field_wrong", "not JSON", "Message") from None
    if not isinstance(notification, dict):
        raise Unreadable("field_wrong", "not an object", "Message")
    return _notification(notification, payload, source)


def _notification(given: reading.JsonObject, payload: Payload, source: Source) -> Reading:
    kind = reading.text(given, "notificationType", "eventType")
    if kind == "Received":
        return _received(given, payload, source)
    if kind == "Complaint":
        return _complaint(given, payload, source)
    if kind == "Bounce":
        return Reading(ignored=(Ignored("bounce", _word(given, "bounce.bounceType")),))
    if kind in _RECEIPTS:
        return Reading(ignored=(Ignored("receipt", kind),))
    reason = "test_ping" if kind == "AmazonSnsSubscriptionSucceeded" else "event_type_unknown"
    return Reading(ignored=(Ignored(reason, kind[:64]),))


def _word(given: reading.JsonObject, path: str, most: int = 40) -> str:
    value = reading.find(given, path)
    return value[:most] if isinstance(value, str) else ""


def _received(given: reading.JsonObject, payload: Payload, source: Source) -> Reading:
    if _word(given, "mail.messageId") == _SETUP:
        return Reading(ignored=(Ignored("test_ping"),))
    if _word(given, "receipt.virusVerdict.status") == "FAIL":
        return Reading(ignored=(Ignored("virus"),))
    if _word(given, "receipt.spamVerdict.status") == "FAIL" and not reading.flag(source.options, "keep_spam"):
        return Reading(ignored=(Ignored("spam"),))
    content = given.get("content")
    if not isinstance(content, str) or not content:
        raise Unreadable("field_missing", "the mail is not in the notification", "content")
    body = _decoded(content, _word(given, "receipt.action.encoding"))
    if "@" in (sender := _word(given, "mail.source", most=_LONGEST_SENDER)):
        payload = dataclasses.replace(payload, headers={**payload.headers, email.ENVELOPE: sender})
    received = reading.moment(reading.optional_text(given, "receipt.timestamp", "mail.timestamp"))
    if received and received.time <= payload.received_time + dt.timedelta(minutes=5):
        payload = dataclasses.replace(payload, received_time=received.time)
    return email.read_mail(body, payload, source)


def _decoded(content: str, encoding: str) -> bytes:
    if encoding.upper() == "BASE64" or _is_base64(content):
        try:
            return base64.b64decode(content)
        except (binascii.Error, ValueError):
            raise Unreadable("field_wrong", "not base64", "content") from None
    return content.encode("utf-8", "replace")


def _is_base64(content: str) -> bool:
    """Say whether there is no colon, without which no header would be one."""
    return _BASE64.fullmatch(content[:4_000]) is not None


def _complaint(given: reading.JsonObject, payload: Payload, source: Source) -> Reading:
    complaint: dict[str, Any] = reading.object_at(given, "complaint")
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_EMAIL),
        kind=pb.TOUCHPOINT_KIND_OTHER,
        at=reading.moment_at(
            given, "complaint.arrivalDate", "complaint.timestamp", "mail.timestamp", payload=payload, source=source
        ),
        external_id=f"complaint:{reading.text(given, 'complaint.feedbackId', 'mail.messageId')}",
    )
    for recipient in reading.objects_at(complaint, "complainedRecipients"):
        reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, reading.optional_text(recipient, "emailAddress"))
    reading.attribute(made, "event", "spam_complaint")
    reading.attribute(made, "feedback_type", reading.optional_text(complaint, "complaintFeedbackType"))
    return Reading(touchpoints=(made,))
