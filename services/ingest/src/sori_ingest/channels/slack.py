"""Slack Events API: what staff say in channels, and what customers say in shared ones."""

import json
from collections.abc import Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import mrkdwn, reading
from sori_ingest.channels.attachments import attach, type_of
from sori_ingest.channels.forms import is_form
from sori_ingest.channels.parts import Outcome, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.withdrawal import withdraw
from sori_ingest.settings import options
from sori_ingest.settings.options import Option, one_of

NAME = "slack"
TITLE = "Slack Events API"
DOCUMENT = "https://docs.slack.dev/reference/events/message"
CHANNEL = "chat"
FIELDS: Mapping[str, str] = {
    "external_id": "`channel:ts` of the message; the same for its edits, its deletion and a mention in it",
    "revision": "`message.edited.ts`, or `event_ts` of a deletion, which makes the message an empty one",
    "kind": "inquiry of a customer, reply of staff in a shared channel, other for internal voice and deletions",
    "actor": "customer for another organisation's member in a shared channel, as `authorizations` say which is ours,"
    " else agent; option `voice` (customer, internal) decides for all channels of the source",
    "occurred_time": "`ts` of the message",
    "identifiers": "ANONYMOUS_ID `slack:<user>` of a customer; none of staff",
    "text": "`text` without markup, else the texts of `blocks`",
    "thread_id": "`channel:thread_ts`, or `channel:ts` of a message that begins one",
    "attributes": "voice (customer, company, internal), team, slack_channel, deleted, attachments",
    "ignored": "the challenge (it is answered), bots and apps, unfolded links, joins and other subtypes, other events",
}
OPTIONS: Mapping[str, Option] = {
    "channel": options.CHANNEL,
    "voice": Option(
        "whose voice it all is, `customer` or `internal`; unless given Slack says", one_of(("customer", "internal"))
    ),
}

_SPOKEN = frozenset({"", "file_share", "thread_broadcast", "me_message"})
_MESSAGES = frozenset({"message", "app_mention"})
_MOST_BLOCK_TEXTS = 1_000
_TEAMS = ("user_team", "source_team", "team")  # where a message names its author's
_SPEAKING = {
    "customer": (pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER),
    "company": (pb.TOUCHPOINT_KIND_REPLY, pb.ACTOR_AGENT),
    "internal": (pb.TOUCHPOINT_KIND_OTHER, pb.ACTOR_AGENT),
}


def read(payload: Payload, source: Source) -> Reading:
    """Read one event, or answer the challenge; see Adapter.

    Option `voice` says who speaks in the source's channels: `customer`, `internal`, or by the teams of channel and
    author where it is not given.
    """
    if is_form(payload):
        kind = "ssl_check" if "ssl_check" in (fields := reading.form(payload)) else fields.get("command", "interaction")
        return reading_of(Ignored("test_ping" if kind == "ssl_check" else "event_type_unknown", kind))
    given = reading.json_object(payload)
    kind = reading.text(given, "type")
    if kind == "url_verification":
        challenge = reading.text(given, "challenge")
        return Reading(
            ignored=(Ignored("url_verification"),),
            reply=json.dumps({"challenge": challenge}).encode(),
            reply_content_type="application/json",
        )
    if kind != "event_callback":
        return reading_of(Ignored("event_type_unknown", kind))
    event = reading.object_at(given, "event")
    name = reading.text(given, "event.type")
    if name not in _MESSAGES:
        return reading_of(Ignored("event_type_unknown", name))
    return reading_of(_read(given, event, payload, source))


def _read(given: reading.JsonObject, event: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    subtype = reading.optional_text(event, "subtype")
    if subtype == "message_changed":
        message = reading.object_at(given, "event.message")
        if reading.optional_text(message, "subtype") == "tombstone":
            # Slack puts a remark of its own in the place of a deleted message that has answers.
            before = reading.optional_object(event, "previous_message")
            if _is_bot(given, before):
                return Ignored("bot_echo")
            return _deletion(given, event, reading.text(given, "event.message.ts"), before or message, payload, source)
        if _is_bot(given, message):
            return Ignored("bot_echo")
        if (of := reading.optional_text(message, "subtype")) not in _SPOKEN:  # Such as the title of a thread.
            return Ignored("event_type_unknown", f"message.{of}")
        if not _is_edited(event, message):
            return Ignored("text_unchanged")
        return _message(given, event, message, payload, source, "event.message")
    if subtype == "message_deleted":
        previous = reading.optional_object(event, "previous_message")
        deleted = reading.optional_text(event, "deleted_ts") or reading.optional_text(previous, "ts")
        if _is_bot(given, previous):
            return Ignored("bot_echo")
        if not deleted:
            raise Unreadable("field_missing", "missing", "event.deleted_ts")
        return _deletion(given, event, deleted, previous, payload, source)
    if _is_bot(given, event):
        return Ignored("bot_echo")
    if subtype in _SPOKEN:
        return _message(given, event, event, payload, source, "event")
    return Ignored("event_type_unknown", f"message.{subtype}")


def _message(
    given: reading.JsonObject,
    event: reading.JsonObject,
    message: reading.JsonObject,
    payload: Payload,
    source: Source,
    path: str,
) -> Outcome:
    ts = reading.text(given, f"{path}.ts", "event.ts") if path == "event" else reading.text(given, f"{path}.ts")
    made = _begin(given, event, message, ts, payload, source)
    if message is not event:
        edited = reading.moment(reading.find(message, "edited.ts"))
        at = edited or reading.moment_at(event, "event_ts", "ts", payload=payload, source=source)
        made.revision = max(at.revision, 1)
    made.text = mrkdwn.plain(reading.optional_text(message, "text")).strip() or _words_of(message.get("blocks"))
    files = [each for each in reading.objects_at(message, "files") if each.get("mode") != "tombstone"]
    kinds = [type_of(reading.optional_text(each, "mimetype")) for each in files] + _forwarded(message)
    if kinds:
        attach(made, kinds)
    return made if made.text or kinds or made.revision else Ignored("no_words")


def _forwarded(message: reading.JsonObject) -> list[str]:
    """Count the messages that somebody passes on: their words are of others. Links that are unfolded are none."""
    around = message.get("attachments")
    if not isinstance(around, list):
        return []
    return ["message" for each in around if isinstance(each, dict) and each.get("is_share") is True]


def _deletion(
    given: reading.JsonObject,
    event: reading.JsonObject,
    ts: str,
    message: reading.JsonObject,
    payload: Payload,
    source: Source,
) -> pb.Touchpoint:
    made = _begin(given, event, message, ts, payload, source)
    at = reading.moment_at(event, "event_ts", "ts", payload=payload, source=source)
    return withdraw(made, at.revision)


def _begin(
    given: reading.JsonObject,
    event: reading.JsonObject,
    message: reading.JsonObject,
    ts: str,
    payload: Payload,
    source: Source,
) -> pb.Touchpoint:
    channel = reading.text(given, "event.channel")
    voice = _voice(given, event, message, source)
    kind, actor = _SPEAKING[voice]
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_CHAT),
        kind=kind,
        actor=actor,
        at=reading.moment_at({"ts": ts}, "ts", payload=payload, source=source),
        external_id=f"{channel}:{ts}",
        thread_id=f"{channel}:{reading.optional_text(message, 'thread_ts') or ts}",
    )
    if voice == "customer":
        reading.identify_account(made, "slack", reading.optional_text(message, "user"))
    reading.attribute(made, "voice", voice)
    reading.attribute(made, "slack_channel", channel)
    reading.attribute(made, "team", given.get("team_id"))
    return made


def _voice(given: reading.JsonObject, event: reading.JsonObject, message: reading.JsonObject, source: Source) -> str:
    """Say whose voice it is: a customer's, the company's towards a customer, or one within the company."""
    configured = source.options.get("voice", "")
    if configured in ("customer", "internal"):
        return configured
    shared = given.get("is_ext_shared_channel")
    if shared is False:
        return "internal"  # Also where one organisation has many teams.
    ours = _ours(given)
    within = reading.optional_text(given, "team_id")  # the author's, or that of whoever owns the channel
    theirs = reading.optional_text(message, *_TEAMS) or reading.optional_text(event, *_TEAMS) or within
    if ours and theirs and theirs not in ours:
        sister = theirs == within and reading.optional_text(given, "enterprise_id") in ours
        if not sister:
            return "customer"
    return "company" if shared and reading.flag(given, "is_ext_shared_channel") else "internal"


def _ours(given: reading.JsonObject) -> set[str]:
    """Give the team and the organisation that installed the app: in a shared channel `team_id` may be of others."""
    installed = _installed(given)
    if installed or "context_team_id" in given or "context_enterprise_id" in given:
        for within, team, organisation in (
            (installed, "team_id", "enterprise_id"),
            (given, "context_team_id", "context_enterprise_id"),
        ):
            if found := {reading.optional_text(within, team), reading.optional_text(within, organisation)} - {""}:
                return found
    return {team} if (team := reading.optional_text(given, "team_id")) else set()


def _installed(given: reading.JsonObject) -> reading.JsonObject:
    """Give who installed the app: Slack tells no more than one."""
    found = given.get("authorizations")
    first = found[0] if isinstance(found, list) and found else None
    return first if isinstance(first, dict) else {}


def _is_edited(event: reading.JsonObject, message: reading.JsonObject) -> bool:
    """Say whether somebody changed a message; it is also told as changed when a link in it is unfolded."""
    before = reading.optional_text(event, "previous_message.text")
    return message.get("edited") is not None or before != reading.optional_text(message, "text")


def _is_bot(given: reading.JsonObject, message: reading.JsonObject) -> bool:
    """Say whether an app, a workflow or Slack itself wrote a message; our own app is known by its user, too."""
    if reading.optional_text(message, "bot_id") or reading.optional_text(message, "subtype") == "bot_message":
        return True
    user, installed = reading.optional_text(message, "user"), _installed(given)
    is_own = bool(user and installed) and user == reading.optional_text(installed, "user_id")
    return user == "USLACKBOT" or (is_own and reading.flag(installed, "is_bot"))


def _words_of(blocks: object) -> str:
    """Gather the texts of a message that has nothing but blocks, in their order."""
    words: list[str] = []
    waiting = [blocks]
    while waiting and len(words) < _MOST_BLOCK_TEXTS:
        at = waiting.pop()
        if isinstance(at, list):
            waiting += reversed(at)
        elif isinstance(at, dict):
            found = at.get("text")
            if isinstance(found, str):
                words.append(mrkdwn.plain(found))
            waiting += [at[each] for each in ("fields", "elements", "text") if isinstance(at.get(each), dict | list)]
    return " ".join(word.strip() for word in words if word.strip())
