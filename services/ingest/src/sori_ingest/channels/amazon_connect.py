"""Amazon Connect: contacts, and what Contact Lens heard in them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import questionnaire, reading
from sori_ingest.channels.attachments import attach, type_of
from sori_ingest.channels.envelopes import read_enveloped
from sori_ingest.channels.parts import Outcome
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings.options import Option

NAME = "amazon_connect"
TITLE = "Amazon Connect and Contact Lens"
DOCUMENT = "https://docs.aws.amazon.com/connect/latest/adminguide/contact-lens-example-output-files.html"
CHANNEL = "call_center, chat, email"
FIELDS: Mapping[str, str] = {
    "external_id": "id of the contact: events, real-time segments and transcripts of one contact are one touchpoint;"
    " they may come bare, in a list, or within what SNS, SQS, Kinesis, Firehose and Lambda put around them",
    "revision": "time of a contact event; above those the end of the last real-time segment; above those the"
    " transcript, and above it the redacted one",
    "channel": "`Channel`: call_center for VOICE, chat for CHAT and for the transcript of a chat that names none, email"
    " for EMAIL; tasks are ignored",
    "kind": "inquiry; other for a contact that the company began",
    "actor": "customer; agent for a contact that the company began",
    "occurred_time": "`initiationTimestamp`, the first `AbsoluteTime`, the time in the recording's name, else receipt",
    "identifiers": "ANONYMOUS_ID `amazon_connect:<contact>`, by which a transcript finds the customer whose PHONE or"
    " EMAIL the contact record has; `CustomerId` as MEMBER_ID; the contact's attributes by name or by the mapping",
    "text": "the turns, one a line, each after its participant: `CUSTOMER: …`",
    "language": "`LanguageCode`",
    "thread_id": "`initialContactId`, else the id of the contact",
    "attributes": "turn_sentiment (one word for each line of the text, `-` where there is none; goes on in"
    " turn_sentiment_2, …), sentiment_customer, sentiment_agent, categories, summary, seconds, event, queue, agent,"
    " disconnect_reason, attachments, and those that the company's flows set on the contact",
    "ignored": "other contact events, events of agents, tasks, supervisors who listen, matched rules, partial"
    " utterances, failed analyses, contacts without words, confirmations of a subscription",
}
OPTIONS: Mapping[str, Option] = {}

_CHANNELS = {
    "VOICE": pb.CHANNEL_CALL_CENTER,
    "TELEPHONY": pb.CHANNEL_CALL_CENTER,
    "CHAT": pb.CHANNEL_CHAT,
    "EMAIL": pb.CHANNEL_EMAIL,
}
_CONTACT_EVENT = "Amazon Connect Contact Event"
_EVENT_TIMES = (
    *("time", "detail.disconnectTimestamp", "detail.agentInfo.connectedToAgentTimestamp"),
    *("detail.queueInfo.enqueueTimestamp", "detail.initiationTimestamp"),
)
_TOLD = frozenset({"INITIATED", "CONNECTED_TO_AGENT", "DISCONNECTED", "COMPLETED"})
_OUTBOUND = frozenset({"OUTBOUND", "EXTERNAL_OUTBOUND", "AGENT_REPLY", "FLOW", "CAMPAIGN_PREVIEW"})
_LISTENING = "MONITOR"  # A supervisor who listens to a contact has one of their own.
_CUSTOMER = "CUSTOMER"
# A contact's later stories are above its earlier ones; all stay below 2**53, which JSON readers keep exactly.
_REAL_TIME = 1_000_000_000_000_000
_TRANSCRIPT = 2_000_000_000_000_000
_RECORDED = re.compile(r"_([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2}):?([0-9]{2})_UTC")
_MOST_SENTIMENT_ATTRIBUTES = 30
_LONGEST_ATTRIBUTE = 1_000  # characters
_SENTIMENT_WORDS = _LONGEST_ATTRIBUTE // len("POSITIVE,")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What somebody said without being interrupted."""

    speaker: str
    words: str
    sentiment: str
    end: int  # ms since the contact began


def read(payload: Payload, source: Source) -> Reading:
    """Read contact events, contact records, a transcript file or real-time segments; see Adapter."""
    return read_enveloped(payload, lambda given: [_read(given, payload, source)])


def _read(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    if "detail-type" in given:
        kind = reading.text(given, "detail-type")
        if kind != _CONTACT_EVENT:
            return Ignored("event_type_unknown", kind)
        detail = _lowered(reading.object_at(given, "detail"))
        return _event({"detail": detail, "time": given.get("time")}, payload, source)
    if "eventType" in given and "contactId" in given:  # What a rule's target gets that takes the detail alone.
        return _event({"detail": _lowered(given)}, payload, source)
    if "EventType" in given and "ContactId" in given:
        return _real_time(given, payload, source)
    if "Transcript" in given or "CustomerMetadata" in given or "JobStatus" in given:
        return _transcript(given, payload, source)
    if "ContactId" in given and ("InitiationTimestamp" in given or "CustomerEndpoint" in given):
        return _record(given, payload, source)
    if "AgentARN" in given:  # An event of the agents' stream: a login, a change of state, a heart beat.
        return Ignored("event_type_unknown", reading.optional_text(given, "EventType"))
    raise Unreadable("field_missing", "missing", "Transcript")


# ---- contact events and records ----------------------------------------------------------------------------------


def _event(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    event = reading.text(given, "detail.eventType")
    if event not in _TOLD:
        return Ignored("event_type_unused", event)
    contact = reading.text(given, "detail.contactId")
    channel = reading.text(given, "detail.channel").upper()
    if channel not in _CHANNELS:
        return Ignored("channel_unused", channel)
    method = reading.optional_text(given, "detail.initiationMethod").upper()
    if method == _LISTENING:
        return Ignored("contact_unused", method)
    outbound = method in _OUTBOUND
    made = reading.touchpoint(
        source,
        channel=_CHANNELS[channel],
        kind=pb.TOUCHPOINT_KIND_OTHER if outbound else pb.TOUCHPOINT_KIND_INQUIRY,
        actor=pb.ACTOR_AGENT if outbound else pb.ACTOR_CUSTOMER,
        at=reading.moment_at(given, "detail.initiationTimestamp", "time", payload=payload, source=source),
        external_id=contact,
        revision=max(reading.moment_at(given, *_EVENT_TIMES, payload=payload, source=source).revision, 1),
        thread_id=reading.optional_text(given, "detail.initialContactId") or contact,
    )
    reading.identify_account(made, NAME, contact)
    _endpoint(made, reading.optional_object(given, "detail"), "customerEndpoint", "type", "address")
    reading.identify(made, pb.IDENTIFIER_TYPE_MEMBER_ID, reading.optional_text(given, "detail.customerId"))
    reading.attribute(made, "event", event)
    reading.attribute(made, "initiation_method", reading.find(given, "detail.initiationMethod"))
    reading.attribute(made, "disconnect_reason", reading.find(given, "detail.disconnectReason"))
    for name, path in (("queue", "detail.queueInfo.queueArn"), ("agent", "detail.agentInfo.agentArn")):
        reading.attribute(made, name, reading.optional_text(given, path).rpartition("/")[2])
    _seconds(made, reading.find(given, "detail.initiationTimestamp"), reading.find(given, "detail.disconnectTimestamp"))
    return made


def _lowered(value: object) -> Any:
    """Spell names as `contactId`; older events, and parts of newer ones, have `ContactId`."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: _lowered(each) for name, each in value.items()}
    return [_lowered(each) for each in value] if isinstance(value, list) else value


def _record(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    """Read a contact record, which the company streams when a contact has ended."""
    contact = reading.text(given, "ContactId")
    channel = reading.text(given, "Channel").upper()
    if channel not in _CHANNELS:
        return Ignored("channel_unused", channel)
    method = reading.optional_text(given, "InitiationMethod").upper()
    if method == _LISTENING:
        return Ignored("contact_unused", method)
    outbound = method in _OUTBOUND
    ended = reading.moment_at(given, "LastUpdateTimestamp", "DisconnectTimestamp", payload=payload, source=source)
    made = reading.touchpoint(
        source,
        channel=_CHANNELS[channel],
        kind=pb.TOUCHPOINT_KIND_OTHER if outbound else pb.TOUCHPOINT_KIND_INQUIRY,
        actor=pb.ACTOR_AGENT if outbound else pb.ACTOR_CUSTOMER,
        at=reading.moment_at(given, "InitiationTimestamp", payload=payload, source=source),
        external_id=contact,
        revision=max(ended.revision, 1),
        thread_id=reading.optional_text(given, "InitialContactId") or contact,
    )
    reading.identify_account(made, NAME, contact)
    _endpoint(made, given, "CustomerEndpoint", "Type", "Address")
    reading.identify(made, pb.IDENTIFIER_TYPE_MEMBER_ID, reading.optional_text(given, "CustomerId"))
    reading.attribute(made, "event", "contact_record")
    reading.attribute(made, "initiation_method", given.get("InitiationMethod"))
    reading.attribute(made, "queue", reading.find(given, "Queue.Name"))
    agent = reading.optional_text(given, "Agent.ARN").rpartition("/")[2]
    reading.attribute(made, "agent", agent or reading.optional_text(given, "Agent.Username"))
    reading.attribute(made, "disconnect_reason", given.get("DisconnectReason"))
    _seconds(made, given.get("InitiationTimestamp"), given.get("DisconnectTimestamp"))
    for name, value in reading.optional_object(given, "Attributes").items():  # What the company's flows set.
        if isinstance(value, str) and not questionnaire.fill(made, name, value, source):
            reading.attribute(made, name, value)
    return made


def _endpoint(made: pb.Touchpoint, within: reading.JsonObject, name: str, kind: str, address: str) -> None:
    of_type = reading.optional_text(within, f"{name}.{kind}").upper()
    value = reading.optional_text(within, f"{name}.{address}")
    by_mail = of_type == "EMAIL_ADDRESS" or "@" in value
    reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL if by_mail else pb.IDENTIFIER_TYPE_PHONE, value)


def _seconds(made: pb.Touchpoint, begun: object, ended: object) -> None:
    first, last = reading.moment(begun), reading.moment(ended)
    if first and last:
        reading.attribute(made, "seconds", int((last.time - first.time).total_seconds()))


# ---- Contact Lens ------------------------------------------------------------------------------------------------


def _transcript(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    if (status := reading.optional_text(given, "JobStatus")) not in ("", "COMPLETED"):
        return Ignored("analysis_failed", status)
    contact = reading.text(given, "CustomerMetadata.ContactId", "ContactId")
    channel = reading.optional_text(given, "Channel").upper() or _unnamed_channel(given)
    if channel not in _CHANNELS:
        return Ignored("channel_unused", channel)
    if "Transcript" not in given and channel == "EMAIL":
        return Ignored("no_words")  # What is told of an e-mail names the file of its words.
    if "Transcript" not in given:
        raise Unreadable("field_missing", "missing", "Transcript")
    items = reading.objects_at(given, "Transcript")
    turns = list(_turns(items, _roles(given), _grouped_sentiments(given)))
    files = [each for each in items if reading.optional_text(each, "Type").upper() == "ATTACHMENT"]
    if not turns and not files:
        return Ignored("no_words")
    made = _spoken(given, contact, channel, turns, _began(given, items, payload, source), source)
    redacted = reading.optional_text(given, "ContentMetadata.Output").lower() == "redacted"
    made.revision = _TRANSCRIPT + (1 if redacted else 0)
    overall = reading.find(given, "ConversationCharacteristics.Sentiment.OverallSentiment")
    if isinstance(overall, dict):
        names = ("DetailsByParticipantRole", "SentimentByParticipantRole")  # Of chats; calls have the roles at once.
        scores = next((found for name in names if isinstance(found := overall.get(name), dict)), overall)
        for role in ("CUSTOMER", "AGENT"):
            reading.attribute(made, f"sentiment_{role.lower()}", scores.get(role))
    matched = reading.items_at(given, "Categories.MatchedCategories")
    reading.attribute(made, "categories", ",".join(each for each in matched if isinstance(each, str)))
    reading.attribute(
        made, "summary", reading.find(given, "ConversationCharacteristics.ContactSummary.PostContactSummary.Content")
    )
    length = reading.optional_number(given, "ConversationCharacteristics.TotalConversationDurationMillis")
    if length is not None:
        reading.attribute(made, "seconds", round(length / 1_000))
    if redacted:
        reading.attribute(made, "redacted", "true")
    kinds: list[str] = []
    for each in files:  # One item may hold several.
        told = reading.objects_at(each, "Attachments") or [each]
        kinds += [type_of(reading.optional_text(one, "ContentType")) for one in told]
    attach(made, kinds)
    return made


def _unnamed_channel(given: reading.JsonObject) -> str:
    """Tell a chat from a call: Connect's own transcripts of chats, not yet analysed, name no channel."""
    items = given.get("Transcript")
    first = items[0] if isinstance(items, list) and items else None
    return "CHAT" if isinstance(first, dict) and ("AbsoluteTime" in first or "ContentType" in first) else "VOICE"


def _real_time(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    """Read the segments of one event of the stream, the newest words of a contact that still goes on."""
    event = reading.text(given, "EventType")
    if event != "SEGMENTS":
        return Ignored("event_type_unused", event)
    contact = reading.text(given, "ContactId")
    channel = (reading.optional_text(given, "Channel") or "VOICE").upper()
    if channel not in _CHANNELS:
        return Ignored("channel_unused", channel)
    segments = reading.objects_at(given, "Segments")
    items = [each["Transcript"] for each in segments if isinstance(each.get("Transcript"), dict)]
    turns = list(_turns(items, {}, {}))
    if not turns:
        return Ignored("not_finished")  # Utterances are parts of turns, to be said again; the others hold no words.
    made = _spoken(given, contact, channel, turns, _began(given, items, payload, source), source)
    ends = [max(each.end, 0) for each in turns]
    made.revision = _REAL_TIME + min(max(ends), _REAL_TIME - 1)
    reading.attribute(made, "event", "real_time")
    return made


def _roles(given: reading.JsonObject) -> Mapping[str, str]:
    return {
        reading.optional_text(each, "ParticipantId"): reading.optional_text(each, "ParticipantRole")
        for each in reading.objects_at(given, "Participants")
    }


def _grouped_sentiments(given: reading.JsonObject) -> Mapping[str, str]:
    """Give the sentiment of each item of a chat by its id; of a call it stands within the item."""
    found: dict[str, str] = {}
    for group in reading.objects_at(given, "ConversationCharacteristics.Sentiment.DetailsByTranscriptItemGroup"):
        sentiment = reading.optional_text(group, "Sentiment")
        for item in reading.objects_at(group, "TranscriptItems"):
            found[reading.optional_text(item, "Id")] = sentiment
    return found


def _turns(
    items: Sequence[reading.JsonObject], roles: Mapping[str, str], sentiments: Mapping[str, str]
) -> Iterator[Turn]:
    for item in items:
        if reading.optional_text(item, "Type").upper() in ("EVENT", "ATTACHMENT"):
            continue
        words = " ".join(_words(item).split())
        if not words:
            continue
        participant = reading.optional_text(item, "ParticipantId")
        role = reading.optional_text(item, "ParticipantRole") or roles.get(participant, "") or participant
        ended = reading.optional_integer(item, "EndOffsetMillis", "BeginOffsetMillis")
        said = reading.moment(reading.optional_text(item, "AbsoluteTime", "Time.AbsoluteTime"))
        sentiment = reading.optional_text(item, "Sentiment") or sentiments.get(reading.optional_text(item, "Id"), "")
        yield Turn(
            speaker=role.upper() or "UNKNOWN",
            words=words,
            sentiment=sentiment.upper(),
            end=ended if ended is not None else said.revision if said else 0,
        )


def _words(item: reading.JsonObject) -> str:
    """Give what a turn says; of lists, panels and other templates the words that the customer is shown."""
    content = reading.optional_text(item, "Content")
    if "interactive" not in reading.optional_text(item, "ContentType") or not content.lstrip().startswith("{"):
        return content
    try:
        shown = reading.optional_object(reading.parse_json(content), "data.content")
        choices = reading.objects_at(shown, "elements")
        words = [reading.optional_text(shown, name) for name in ("title", "subtitle", "body")]
        words += [reading.optional_text(each, "title") for each in choices]
    except Unreadable:
        return content
    return " / ".join(filter(None, words)) or content


def _began(
    given: reading.JsonObject, items: Sequence[reading.JsonObject], payload: Payload, source: Source
) -> reading.Moment:
    """Say when a contact began: by its first message, or by the name that Connect gave to its recording."""
    for item in items:
        if said := reading.moment(reading.optional_text(item, "AbsoluteTime", "Time.AbsoluteTime")):
            return said
    if name := _RECORDED.search(reading.optional_text(given, "CustomerMetadata.InputS3Uri")):
        year, month, day, hour, minute = name.groups()
        if recorded := reading.moment(f"{year}-{month}-{day}T{hour}:{minute}:00Z"):
            return recorded
    return reading.moment_at({}, payload=payload, source=source)


def _spoken(
    given: reading.JsonObject, contact: str, channel: str, turns: Sequence[Turn], at: reading.Moment, source: Source
) -> pb.Touchpoint:
    by_customer = not turns or any(each.speaker == _CUSTOMER for each in turns)
    made = reading.touchpoint(
        source,
        channel=_CHANNELS[channel],
        kind=pb.TOUCHPOINT_KIND_INQUIRY if by_customer else pb.TOUCHPOINT_KIND_OTHER,
        actor=pb.ACTOR_CUSTOMER if by_customer else pb.ACTOR_AGENT,
        at=at,
        external_id=contact,
        text="\n".join(f"{each.speaker}: {each.words}" for each in turns),
        language=reading.optional_text(given, "LanguageCode"),
        thread_id=reading.optional_text(given, "InitialContactId") or contact,
    )
    reading.identify_account(made, NAME, contact)
    sentiments = [each.sentiment or "-" for each in turns]
    if any(each.sentiment for each in turns):
        for place in range(min(-(-len(sentiments) // _SENTIMENT_WORDS), _MOST_SENTIMENT_ATTRIBUTES)):
            words = sentiments[place * _SENTIMENT_WORDS : (place + 1) * _SENTIMENT_WORDS]
            reading.attribute(made, f"turn_sentiment_{place + 1}" if place else "turn_sentiment", ",".join(words))
    return made
