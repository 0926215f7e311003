"""Twilio: text messages, what was said on the telephone, and conversations."""

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading
from sori_ingest.channels.attachments import attach, type_of
from sori_ingest.channels.fingerprint import fingerprint
from sori_ingest.channels.forms import is_form
from sori_ingest.channels.parts import Outcome, read_each, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.withdrawal import withdraw
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "twilio"
TITLE = "Twilio messaging and voice"
DOCUMENT = "https://www.twilio.com/docs/messaging/guides/webhook-request"
CHANNEL = "chat, call_center"
FIELDS: Mapping[str, str] = {
    "external_id": "`MessageSid`; `RecordingSid` of a voicemail and its transcript; `TranscriptionSid:SequenceId`",
    "revision": "1 for the transcript of a voicemail; time of the change of a conversation's message",
    "channel": "chat for messages, call_center for what was spoken",
    "kind": "inquiry of a customer, reply of the company, other for an opt-out",
    "actor": "customer for inbound; bot for outbound messages; by `Track`, `Author` and `Source`",
    "occurred_time": "`Timestamp`, `DateCreated`, `RecordingStartTime`, `time`; else time of receipt",
    "identifiers": "PHONE `From` (of an outbound message `To`), also of WhatsApp and RCS; ANONYMOUS_ID of other "
    "messengers",
    "text": "`Body`, `TranscriptionText`, `SpeechResult`",
    "language": "`LanguageCode`",
    "thread_id": "`ConversationSid`, `CallSid`, else made of both numbers",
    "attributes": "from_country, opt_out, segments, confidence, seconds, event, deleted, attachments",
    "ignored": "status callbacks, states of calls, recordings of whole calls, transcripts that are not final,"
    " messages that are still to be added, blank messages; a form is answered with empty TwiML",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
}

_SENT = frozenset(
    {"queued", "sending", "sent", "delivered", "undelivered", "failed", "read", "accepted", "scheduled", "canceled"}
)
_OPT_OUTS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "수신거부", "수신 거부"}
)
_CHOICES = {"STOP": "true", "START": "false"}  # `OptOutType` -> attribute `opt_out`
_INBOUND_EVENT = "com.twilio.messaging.inbound-message.received"
_CONVERSED = {  # of Event Streams -> of webhooks; those before something happens have no `ed`, as `onMessageAdd`
    "com.twilio.conversations.message.added": "onMessageAdded",
    "com.twilio.conversations.message.updated": "onMessageUpdated",
    "com.twilio.conversations.message.removed": "onMessageRemoved",
}
_VOICEMAIL = frozenset({"", "recordverb"})
_MOST_MEDIA = 50
_LOST_PLUS = re.compile(r"(^|:) (?=[0-9])")
_NO_ANSWER = b'<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
_MESSENGERS = frozenset({"sms", "mms", "whatsapp", "messenger", "facebook", "gbm", "rcs"})


def read(payload: Payload, source: Source) -> Reading:
    """Read one callback, as a form or JSON, or a batch of Event Streams; see Adapter.

    A form is answered with an empty TwiML document: Twilio reports anything else as a mistake.
    """
    if is_form(payload):
        found = reading_of(_read(dict(reading.form(payload)), payload, source))
        return dataclasses.replace(found, reply=_NO_ANSWER, reply_content_type="text/xml")
    given = reading.json_value(payload)
    if isinstance(given, list):
        return read_each(given, "", lambda each: [_enveloped(each, payload, source)])
    if not isinstance(given, dict):
        raise Unreadable("not_json", "not an object")
    return reading_of(_enveloped(given, payload, source))


def _enveloped(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    """Take an event of Event Streams out of its envelope."""
    kind = reading.optional_text(given, "type")
    if "specversion" not in given or not kind.startswith("com.twilio."):
        return _read(given, payload, source)
    if kind in _CONVERSED:
        told = reading.object_at(given, "data")
        named = {"Body": told.get("MessageBody"), "DateUpdated": given.get("time")}
        return _read({**named, **told, "EventType": _CONVERSED[kind]}, payload, source)
    if kind != _INBOUND_EVENT:
        return Ignored("event_type_unknown", kind)
    return _read({**reading.object_at(given, "data"), "Timestamp": given.get("time")}, payload, source)


def _read(named: dict[str, Any], payload: Payload, source: Source) -> Outcome:
    """Tell by its fields what a callback is about; they are spelled `MessageSid`, `messageSid` or `message_sid`."""
    given = {name.replace("_", "").lower(): value for name, value in named.items()}
    event = _text(given, "eventtype")
    if event in _CONVERSED.values() and _text(given, "conversationsid"):
        return _conversation(given, event, payload, source)
    if event.startswith("on"):
        return Ignored("event_type_unused", event)
    if "transcriptionevent" in given:
        return _live_transcript(given, payload, source)
    if "transcriptiontext" in given or ("transcriptionsid" in given and "recordingsid" in given):
        return _voicemail(given, payload, source, transcribed=True)
    if "speechresult" in given:
        return _speech(given, payload, source)
    if "recordingsid" in given or "recordingurl" in given:
        return _voicemail(given, payload, source, transcribed=False)
    if any(each in given for each in ("messagesid", "smssid", "smsmessagesid")) or "body" in given:
        return _message(given, payload, source)
    if "callstatus" in given or "callsid" in given:
        return Ignored("call_status", _text(given, "callstatus"))
    if event:
        return Ignored("event_type_unknown", event)
    if "payloadtype" in given or "level" in given:
        return Ignored("event_type_unknown", "debugger")
    raise Unreadable("field_missing", "missing", "MessageSid")


def _message(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    status = _text(given, "messagestatus") or _text(given, "smsstatus") or _text(given, "status")
    direction = _text(given, "direction").lower()
    if status.lower() in _SENT and ("messagestatus" in given or "body" not in given):
        return Ignored("status_callback", status)
    outbound = direction.startswith("outbound")
    sid = next(
        (found for each in ("messagesid", "smsmessagesid", "smssid", "sid") if (found := _text(given, each))), ""
    )
    if not sid:
        raise Unreadable("field_missing", "missing", "MessageSid")
    ours, theirs = _address(_needed(given, "From", keep=True)), _address(_text(given, "to"))
    if not outbound:
        ours, theirs = theirs, ours
    words, media = _text(given, "body").strip(), _media(given)
    choice = _text(given, "optouttype").upper() or ("STOP" if words.upper() in _OPT_OUTS and not outbound else "")
    opt_out = _CHOICES.get(choice, "")
    if "body" not in given and not media:
        raise Unreadable("field_missing", "missing", "Body")
    if not words and not media and not opt_out:
        return Ignored("no_words")
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_CHAT),
        kind=pb.TOUCHPOINT_KIND_REPLY if outbound else pb.TOUCHPOINT_KIND_INQUIRY,
        actor=pb.ACTOR_BOT if outbound else pb.ACTOR_CUSTOMER,
        at=_at(given, payload, source, "timestamp", "datesent", "datecreated"),
        external_id=sid,
        text=words,
        thread_id=_pair(ours, theirs),
    )
    _identify(made, theirs)
    reading.attribute(made, "from_country", _text(given, "fromcountry"))
    reading.attribute(made, "segments", _text(given, "numsegments"))
    if opt_out:
        made.kind = pb.TOUCHPOINT_KIND_OTHER
        reading.attribute(made, "opt_out", opt_out)
    attach(made, media)
    return made


def _voicemail(given: reading.JsonObject, payload: Payload, source: Source, *, transcribed: bool) -> Outcome:
    """Read a recorded message; its transcript comes later, as a revision of the same touchpoint."""
    if not transcribed:
        status = _text(given, "recordingstatus").lower()
        if status not in ("", "completed"):
            return Ignored("status_callback", status)
        if _text(given, "recordingsource").lower() not in _VOICEMAIL:
            return Ignored("recording_without_words")
    recording = _text(given, "recordingsid") or _text(given, "recordingurl").rstrip("/").rpartition("/")[2]
    words = _text(given, "transcriptiontext").strip()
    sid = recording or _needed(given, "TranscriptionSid")
    made = _call(given, payload, source, "recordingstarttime", "timestamp")
    made.thread_id = made.thread_id or sid
    made.external_id = sid
    made.text = words
    if transcribed and recording and words:
        made.revision = 1
    reading.attribute(made, "seconds", _text(given, "recordingduration"))
    if transcribed and not words:
        reading.attribute(made, "transcription", _text(given, "transcriptionstatus") or "failed")
    if recording:
        attach(made, ["audio"])
    return made


def _speech(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    """Read what a caller answered to a prompt; one call has many of these."""
    words = _text(given, "speechresult").strip()
    if not words:
        return Ignored("no_words")
    made = _call(given, payload, source, "timestamp")
    made.external_id = f"{_needed(given, 'CallSid')}:{fingerprint(payload, [words, _text(given, 'confidence')])[:16]}"
    made.text = words
    reading.attribute(made, "confidence", _text(given, "confidence"))
    return made


def _live_transcript(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    event = _text(given, "transcriptionevent")
    if event != "transcription-content":
        return Ignored("event_type_unused", event)
    if "final" in given and not reading.flag(given, "final"):
        return Ignored("not_finished")
    data = given.get("transcriptiondata")
    content = reading.parse_json(data) if isinstance(data, str) else data
    words = reading.optional_text({"TranscriptionData": content}, "TranscriptionData.transcript").strip()
    if not words:
        if reading.find(content, "transcript") is not None:
            return Ignored("no_words")
        raise Unreadable("field_missing", "missing", "TranscriptionData.transcript")
    made = _call(given, payload, source, "timestamp")
    made.external_id = f"{_needed(given, 'TranscriptionSid')}:{_needed(given, 'SequenceId')}"
    made.thread_id = made.thread_id or _needed(given, "TranscriptionSid")
    made.text = words
    made.language = _text(given, "languagecode")
    if _text(given, "track") == "outbound_track":  # What the caller hears.
        made.actor, made.kind = pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_REPLY
    reading.attribute(made, "confidence", reading.find(content, "confidence"))
    return made


def _call(given: reading.JsonObject, payload: Payload, source: Source, *times: str) -> pb.Touchpoint:
    outbound = _text(given, "direction").lower().startswith("outbound")
    made = reading.touchpoint(
        source,
        channel=pb.CHANNEL_CALL_CENTER,
        kind=pb.TOUCHPOINT_KIND_INQUIRY,
        at=_at(given, payload, source, *times),
        thread_id=_text(given, "callsid"),
    )
    _identify(made, _address(_text(given, "to" if outbound else "from") or _text(given, "caller")))
    reading.attribute(made, "from_country", _text(given, "fromcountry"))
    return made


def _conversation(given: reading.JsonObject, event: str, payload: Payload, source: Source) -> Outcome:
    author, via = _address(_text(given, "author")), _text(given, "source").lower()
    if author.startswith(("+", "whatsapp:", "messenger:")) or via in _MESSENGERS:
        actor = pb.ACTOR_CUSTOMER
    else:
        actor = pb.ACTOR_BOT if via == "api" or author.lower() in ("", "system", "bot") else pb.ACTOR_AGENT
    made = reading.touchpoint(
        source,
        channel=pb.CHANNEL_CHAT,
        kind=pb.TOUCHPOINT_KIND_INQUIRY if actor == pb.ACTOR_CUSTOMER else pb.TOUCHPOINT_KIND_REPLY,
        actor=actor,
        at=_at(given, payload, source, "datecreated", "dateupdated"),
        external_id=_needed(given, "MessageSid"),
        text=_text(given, "body").strip(),
        thread_id=_needed(given, "ConversationSid"),
    )
    reading.attribute(made, "event", event)
    if actor == pb.ACTOR_CUSTOMER:
        _identify(made, author)
    if event == "onMessageAdded":
        media = given.get("media")
        listed = reading.parse_json(media) if isinstance(media, str) and media.strip() else media
        files = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
        attach(made, [type_of(reading.optional_text(each, "ContentType", "content_type")) for each in files])
        return made if made.text or files else Ignored("no_words")
    revision = _at(given, payload, source, "dateremoved", "dateupdated").revision
    if event == "onMessageRemoved":
        return withdraw(made, revision)
    made.revision = max(revision, 1)
    return made


def _text(given: reading.JsonObject, name: str) -> str:
    return reading.optional_text(given, name)


def _needed(given: reading.JsonObject, name: str, *, keep: bool = False) -> str:
    """Give a field that has to be there; it is named as Twilio spells it."""
    found = _text(given, name.lower())
    if found.strip():
        return found if keep else found.strip()
    raise Unreadable("field_missing", "missing", name)


def _address(written: str) -> str:
    """Give back the plus sign of a number, which a form that is not encoded with care makes a space."""
    return _LOST_PLUS.sub(r"\1+", written).strip()


def _media(given: reading.JsonObject) -> list[str]:
    count = reading.optional_integer(given, "nummedia") or 0
    types = [type_of(_text(given, f"mediacontenttype{index}")) for index in range(max(0, min(count, _MOST_MEDIA)))]
    return [*types, "location"] if _text(given, "latitude") else types  # WhatsApp's


def _at(given: reading.JsonObject, payload: Payload, source: Source, *times: str) -> reading.Moment:
    return reading.moment_at(given, *times, payload=payload, source=source)


def _identify(made: pb.Touchpoint, address: str) -> None:
    messenger, colon, name = address.strip().rpartition(":")
    if not colon or messenger in ("whatsapp", "rcs"):
        reading.identify(made, pb.IDENTIFIER_TYPE_PHONE, name)
    else:
        reading.identify_account(made, messenger, name)


def _pair(ours: str, theirs: str) -> str:
    """Name the conversation of two numbers without telling them."""
    return hashlib.sha256(json.dumps([ours, theirs]).encode()).hexdigest()[:32]
