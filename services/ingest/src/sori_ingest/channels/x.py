"""X: mentions, replies, quotes and direct messages, as the Account Activity API and API v2 deliver them."""

import functools
import re
from collections.abc import Iterator, Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import attachments, parts, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.withdrawal import withdraw
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "x"
TITLE = "X"
DOCUMENT = "https://docs.x.com/x-api/account-activity/introduction"
CHANNEL = "sns, chat (direct messages)"
FIELDS: Mapping[str, str] = {
    "external_id": "id of the post's first version; of a message `dm:` and its id",
    "revision": "place of the version among the edits; a deletion's time in milliseconds",
    "thread_id": "conversation_id, else the post that is answered, else the post; of messages `dm:` and the person",
    "kind": "mention; inquiry for direct messages; reply for what we answer; other for what was deleted",
    "actor": "customer; agent for our own account (for_user_id and the option `own_ids`); bot for messages that an app "
    "named in the option `bot_app_ids` sent for us",
    "occurred_time": "created_at, timestamp_ms, created_timestamp; the time within a post's id where it has none",
    "identifiers": "the author's id as `x:…`",
    "text": "full text, HTML entities undone; empty when deleted",
    "language": "lang",
    "attributes": "in_reply_to, quoted, attachments, deleted",
    "ignored": "retweets, our own posts that answer nobody, likes, follows, typing, reads, revocations",
}
OPTIONS: Mapping[str, Option] = {
    "bot_app_ids": Option("apps that send messages for us without a person, with commas between"),
    "channel": options.CHANNEL,
    "kind": options.KIND,
    "own_ids": Option("our own accounts, with commas between"),
}

_POSTS = ("tweet_create_events", "post_create_events")
_DELETIONS = ("tweet_delete_events", "post_delete_events")
_MESSAGES = ("direct_message_events",)
_AROUND = ("for_user_id", "users", "apps", "user_has_blocked", "is_blocked_by")
_NO_LANGUAGE = ("und", "qme", "qam", "qct", "qht", "qst", "zxx", "art")
_SNOWFLAKES = 10**15  # Ids from here on hold the time in ms, 22 bits up, since _EPOCH.
_EPOCH = 1_288_834_974_657  # ms since 1970
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


def read(payload: Payload, source: Source) -> Reading:
    """Read all events of a delivery."""
    given = _around(reading.json_value(payload))
    own = frozenset(re.split(r"[\s,]+", source.options.get("own_ids", ""))) - {""}
    if user := reading.optional_text(given, "for_user_id"):
        own |= {user}
    if "data" in given:
        return _second(given, own, payload, source)
    found = Reading()
    for name, events in given.items():
        if name in _AROUND:
            continue
        if name in (*_POSTS, *_DELETIONS, *_MESSAGES):
            listed = reading.items_at(given, name)
            make = functools.partial(_first, name, own=own, payload=payload, source=source)
            found = _joined(found, parts.read_each(listed, name, make))
        elif isinstance(events, list | dict):
            found = _joined(found, Reading(ignored=(Ignored("event_type_unknown", name[:64]),)))
    if not (found.touchpoints or found.ignored or found.unreadable):
        if not own:
            raise Unreadable("field_missing", "no events", "for_user_id")
        return Reading(ignored=(Ignored("no_events"),))
    return found


def _around(value: object) -> reading.JsonObject:
    """Put posts that come without an envelope, one or a list, into that of their API."""
    listed = value if isinstance(value, list) else [value]
    first = listed[0] if listed else None
    if isinstance(first, dict) and "user" in first and ("text" in first or "full_text" in first):
        return {_POSTS[0]: listed}
    if isinstance(first, dict) and ("author_id" in first or "edit_history_tweet_ids" in first):
        return {"data": listed}
    if not isinstance(value, dict):
        raise Unreadable("not_json", "not an object")
    return value


def _joined(one: Reading, other: Reading) -> Reading:
    return Reading(
        touchpoints=one.touchpoints + other.touchpoints,
        ignored=one.ignored + other.ignored,
        unreadable=one.unreadable + other.unreadable,
    )


def _first(
    kind: str, each: reading.JsonObject, *, own: frozenset[str], payload: Payload, source: Source
) -> Iterator[parts.Outcome]:
    """Read an event of the Account Activity API."""
    if kind in _MESSAGES:
        yield _message(each, own, payload, source)
    elif kind in _DELETIONS:
        yield _deletion(each, own, payload, source)
    elif each.get("retweeted_status"):
        yield Ignored("retweet")
    elif "author_id" in each and "user" not in each:  # The newer shape within the older envelope.
        yield _second_post(each, {}, own, payload, source)
    else:
        yield _first_post(each, own, payload, source)


def _first_post(each: reading.JsonObject, own: frozenset[str], payload: Payload, source: Source) -> parts.Outcome:
    post_id = reading.text(each, "id_str", "id")
    author = reading.text(each, "user.id_str", "user.id")
    answered = reading.optional_text(each, "in_reply_to_status_id_str", "in_reply_to_status_id")
    if author in own and not answered:
        return Ignored("own_post")
    versions = [str(version) for version in reading.items_at(each, "edit_history.edit_tweet_ids")]
    at = reading.moment_at(each, "timestamp_ms", "created_at", payload=payload, source=source)
    made = _begin(post_id, versions, author, own, at, source)
    made.thread_id = answered or made.external_id
    made.text = _plain(reading.optional_text(each, "extended_tweet.full_text", "full_text", "text"))
    made.language = _language(each)
    paths = ("extended_tweet.extended_entities.media", "extended_entities.media", "entities.media")
    media = next((found for path in paths if (found := reading.objects_at(each, path))), [])
    attachments.attach(made, [reading.optional_text(file, "type") for file in media])
    reading.attribute(made, "in_reply_to", answered)
    reading.attribute(made, "quoted", reading.optional_text(each, "quoted_status_id_str", "quoted_status_id"))
    return made


def _deletion(each: reading.JsonObject, own: frozenset[str], payload: Payload, source: Source) -> parts.Outcome:
    post_id = reading.text(each, "status.id", "id")
    author = reading.optional_text(each, "status.user_id")
    if author in own:
        return Ignored("own_post", "deleted")
    at = reading.moment_at(each, "timestamp_ms", payload=payload, source=source)
    made = _begin(post_id, [], author, own, at, source)
    made.thread_id = post_id
    return withdraw(made, at.revision)


def _message(each: reading.JsonObject, own: frozenset[str], payload: Payload, source: Source) -> parts.Outcome:
    if (kind := reading.optional_text(each, "type")) not in ("", "message_create"):
        return Ignored("event_type_unknown", kind[:64])
    said = reading.object_at(each, "message_create")
    sender = reading.text(each, "message_create.sender_id")
    app = reading.optional_text(said, "source_app_id")
    made = _direct(
        message_id=reading.text(each, "id"),
        sender=sender,
        receiver=reading.optional_text(said, "target.recipient_id"),
        is_bot=bool(app) and app in re.split(r"[\s,]+", source.options.get("bot_app_ids", "")),
        own=own,
        at=reading.moment_at(each, "created_timestamp", payload=payload, source=source),
        source=source,
    )
    made.text = _plain(reading.optional_text(said, "message_data.text"))
    kind = reading.optional_text(said, "message_data.attachment.media.type", "message_data.attachment.type")
    attachments.attach(made, [kind] if kind else [])
    return made


def _direct(
    *,
    message_id: str,
    sender: str,
    receiver: str,
    is_bot: bool,
    own: frozenset[str],
    at: reading.Moment,
    source: Source,
) -> pb.Touchpoint:
    ours = sender in own
    person = receiver if ours else sender
    made = reading.touchpoint(
        source,
        channel=pb.CHANNEL_CHAT,
        kind=pb.TOUCHPOINT_KIND_REPLY if ours else pb.TOUCHPOINT_KIND_INQUIRY,
        actor=(pb.ACTOR_BOT if is_bot else pb.ACTOR_AGENT) if ours else pb.ACTOR_CUSTOMER,
        at=at,
        external_id=f"dm:{message_id}",
        thread_id=f"dm:{person}" if person else "",
    )
    reading.identify_account(made, NAME, person)
    return made


def _second(given: reading.JsonObject, own: frozenset[str], payload: Payload, source: Source) -> Reading:
    """Read posts and messages as API v2 has them, also within events of the Activity API."""
    data = given["data"]
    listed = data if isinstance(data, list) else [data]
    if not listed:
        return Reading(ignored=(Ignored("no_events"),))
    media = _included(given)
    return parts.read_each(listed, "data", lambda each: _second_each(each, media, own, payload, source))


def _included(given: reading.JsonObject) -> dict[str, str]:
    """Give the types of the files that an answer or event includes."""
    if "includes" not in given:
        return {}
    files = reading.objects_at(given, "includes.media")
    return {reading.optional_text(file, "media_key"): reading.optional_text(file, "type") for file in files}


def _second_each(
    each: reading.JsonObject, media: Mapping[str, str], own: frozenset[str], payload: Payload, source: Source
) -> Iterator[parts.Outcome]:
    event = reading.optional_text(each, "event_type")
    if not event:
        yield _second_post(each, media, own, payload, source)
        return
    if event == "MessageCreate":  # As messages are looked up.
        yield _second_message(each, media, own, payload, source)
        return
    media = {**media, **_included(each)}
    own |= {reading.optional_text(each, "filter.user_id")} - {""}
    inner = reading.optional_object(each, "payload")
    if older := [name for name in (*_POSTS, *_DELETIONS, *_MESSAGES) if name in inner]:
        # An event of the Account Activity API within the newer envelope, as messages come in practice.
        for name in older:
            for one in reading.objects_at(inner, name):
                yield from _first(name, one, own=own, payload=payload, source=source)
    elif event.startswith("dm.") and reading.optional_text(inner, "event_type") in ("", "MessageCreate"):
        if event not in ("dm.received", "dm.sent"):
            yield Ignored("event_type_unknown", event[:64])
        else:
            yield _second_message(inner, media, own, payload, source)
    elif event in ("post.create", "post.mention.create", "post.reply.create", "post.quote.create"):
        yield _second_post(inner, media, own, payload, source)
    elif event == "post.delete":
        yield _deletion(
            {**inner, "status": {"id": inner.get("id"), "user_id": inner.get("author_id")}}, own, payload, source
        )
    else:
        yield Ignored("event_type_unknown", event[:64])


def _second_message(
    each: reading.JsonObject, media: Mapping[str, str], own: frozenset[str], payload: Payload, source: Source
) -> parts.Outcome:
    if "message_create" in each:
        return _message(each, own, payload, source)
    sender = reading.text(each, "sender_id")
    people = [str(person) for person in reading.items_at(each, "participant_ids")]
    if not people and "-" in (both := reading.optional_text(each, "dm_conversation_id")):
        people = both.split("-")
    made = _direct(
        message_id=reading.text(each, "id", "dm_event_id"),
        sender=sender,
        receiver=next((person for person in people if person not in own), ""),
        is_bot=False,
        own=own,
        at=reading.moment_at(each, "created_at", payload=payload, source=source),
        source=source,
    )
    made.text = _plain(reading.optional_text(each, "text"))
    _attach(made, each, media)
    return made


def _second_post(
    each: reading.JsonObject, media: Mapping[str, str], own: frozenset[str], payload: Payload, source: Source
) -> parts.Outcome:
    if "created_at" in each and "user" in each:  # The older shape within a newer envelope.
        return _first_post(each, own, payload, source) if not each.get("retweeted_status") else Ignored("retweet")
    post_id = reading.text(each, "id")
    author = reading.optional_text(each, "author_id")  # Only there where the stream was asked for it.
    referenced: dict[str, str] = {}
    for reference in reading.objects_at(each, "referenced_tweets"):
        referenced[reading.optional_text(reference, "type")] = reading.optional_text(reference, "id")
    if "retweeted" in referenced:
        return Ignored("retweet")
    if author in own and "replied_to" not in referenced:
        return Ignored("own_post")
    versions = [str(version) for version in reading.items_at(each, "edit_history_tweet_ids")]
    times = {"created_at": each.get("created_at") or _time_within(post_id, payload)}  # Only there where asked for.
    at = reading.moment_at(times, "created_at", payload=payload, source=source)
    made = _begin(post_id, versions, author, own, at, source)
    made.thread_id = reading.optional_text(each, "conversation_id") or referenced.get("replied_to") or made.external_id
    made.text = _plain(reading.optional_text(each, "note_tweet.text", "text"))
    made.language = _language(each)
    _attach(made, each, media)
    reading.attribute(made, "in_reply_to", referenced.get("replied_to", ""))
    reading.attribute(made, "quoted", referenced.get("quoted", ""))
    return made


def _time_within(post_id: str, payload: Payload) -> int | None:
    """Give the time that a post's id holds, in ms since 1970; None where it holds none that can be."""
    if not (post_id.isdecimal() and post_id.isascii() and len(post_id) < 20) or int(post_id) < _SNOWFLAKES:
        return None
    time = (int(post_id) >> 22) + _EPOCH
    return time if time <= payload.received_time.timestamp() * 1_000 else None


def _attach(made: pb.Touchpoint, each: reading.JsonObject, media: Mapping[str, str]) -> None:
    """Count the files of a post or message, by type where the answer includes what they are."""
    keys = [str(key) for key in reading.items_at(each, "attachments.media_keys")]
    attachments.attach(made, [media.get(key) or "media" for key in keys])


def _begin(
    post_id: str, versions: list[str], author: str, own: frozenset[str], at: reading.Moment, source: Source
) -> pb.Touchpoint:
    """Begin a post's touchpoint: each edit has an id of its own, and lists those before it."""
    ours = author in own
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_SNS),
        kind=pb.TOUCHPOINT_KIND_REPLY if ours else reading.configured_kind(source, pb.TOUCHPOINT_KIND_MENTION),
        actor=pb.ACTOR_AGENT if ours else pb.ACTOR_CUSTOMER,
        at=at,
        external_id=versions[0] if versions else post_id,
        revision=versions.index(post_id) if post_id in versions else 0,
    )
    if not ours:
        reading.identify_account(made, NAME, author)
    return made


def _language(each: reading.JsonObject) -> str:
    language = reading.optional_text(each, "lang")
    return "" if language in _NO_LANGUAGE else {"in": "id", "iw": "he"}.get(language, language)


def _plain(text: str) -> str:
    """Undo what X escapes: these three, once."""
    return re.sub("&(?:lt|gt|amp);", lambda found: _ENTITIES[found.group()], text)
