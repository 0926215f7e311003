"""Facebook and Instagram: comments, mentions, recommendations and messages of our pages and accounts."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import attachments, questionnaire, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.channels.withdrawal import withdraw
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "meta"
TITLE = "Facebook and Instagram"
DOCUMENT = "https://developers.facebook.com/docs/graph-api/webhooks/reference/page/"
CHANNEL = "sns, review (recommendations), chat (Messenger and Instagram messages)"
FIELDS: Mapping[str, str] = {
    "external_id": "comment_id, else post_id; id of an Instagram comment; mid of a message",
    "revision": "0 for `add`, the event's time in milliseconds for an edit or a removal",
    "thread_id": "the first comment of a thread; the visitor's post or the recommendation that is commented; of "
    "messages our page's and the person's id",
    "kind": "inquiry for comments, posts on our page and messages; mention, also in a story; review for "
    "recommendations; survey_response for Messenger's feedback template; reply for what our page or bot says; other "
    "for what was removed and for buttons that say nothing",
    "actor": "customer; agent for our page (the entry's id and the option `own_ids`) and for echoes from Meta's inbox; "
    "bot for echoes of an app",
    "occurred_time": "created_time or timestamp, else the entry's time",
    "identifiers": "the person's id as `facebook:…` or `instagram:…`",
    "text": "message, text or review_text; empty when it was removed",
    "rating": "recommendations: 1 of 0 to 1 when positive, 0 when negative; older ratings 1 to 5",
    "survey": "NPS, CSAT or CES of a feedback template",
    "attributes": "platform, item, post_id, parent_id, attachments, deleted, question",
    "ignored": "reactions, likes, reads, deliveries, our own posts, hidden comments, the dashboard's test",
}
OPTIONS: Mapping[str, Option] = {
    "agent_app_ids": Option("apps by which people of ours write, beside Meta's inbox, with commas between"),
    "channel": options.CHANNEL,
    "kind": options.KIND,
    "own_ids": Option("our own pages and accounts, with commas between"),
}

_INBOXES = frozenset({"263902037430900", "1217981644879628"})  # Meta's own inbox for people, on Facebook and Instagram
_COMMENTS = ("comments", "live_comments")
_SILENT_ITEMS = ("reaction", "like", "event", "milestone", "offer", "album", "page")
_SILENT_MESSAGES = ("read", "delivery", "reaction", "optin", "referral", "account_linking", "pass_thread_control",
                    "take_thread_control", "request_thread_control", "app_roles", "policy_enforcement")  # fmt: skip
_EDITS = ("edited", "edit")
_REMOVALS = ("remove", "delete", "removed")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Event:
    """One change or message, with what its entry says."""

    platform: str  # facebook, instagram
    own: frozenset[str]  # our ids
    page: str
    entry_time: object
    path: str


def read(payload: Payload, source: Source) -> Reading:
    """Read all entries; one that cannot be read leaves the others be."""
    given = reading.json_value(payload)
    made: list[pb.Touchpoint] = []
    ignored: list[Ignored] = []
    unreadable: list[Unreadable] = []
    if isinstance(given, list):  # As some of Meta's documents have it.
        for place, delivery in enumerate(given):
            try:
                _read_delivery(delivery, f"{place}.", payload, source, made, ignored, unreadable)
            except Unreadable as error:
                where = ".".join(filter(None, (str(place), error.field)))
                unreadable.append(Unreadable(error.reason, error.detail, where))
    else:
        _read_delivery(given, "", payload, source, made, ignored, unreadable)
    if not (made or ignored or unreadable):
        ignored.append(Ignored("no_events"))
    if len(unreadable) == 1 and not (made or ignored):
        raise unreadable[0]
    return Reading(touchpoints=tuple(made), ignored=tuple(ignored), unreadable=tuple(unreadable))


def _read_delivery(
    given: object,
    path: str,
    payload: Payload,
    source: Source,
    made: list[pb.Touchpoint],
    ignored: list[Ignored],
    unreadable: list[Unreadable],
) -> None:
    if not isinstance(given, dict):
        raise Unreadable("not_json", "not an object")
    platform = {"page": "facebook", "instagram": "instagram"}.get(kind := reading.text(given, "object"))
    if platform is None:
        ignored.append(Ignored("event_type_unknown", kind[:64]))
        return
    if given.get("entry") is None:
        raise Unreadable("field_missing", "missing", "entry")
    for index, entry in enumerate(reading.objects_at(given, "entry")):
        for event, each, what in _events(entry, f"{path}entry.{index}", platform, source):
            try:
                if isinstance(found := _read(event, each, what, payload, source), Ignored):
                    ignored.append(found)
                else:
                    made.append(found)
            except Unreadable as error:
                unreadable.append(Unreadable(error.reason, error.detail, f"{event.path}.{error.field}"))


def _events(
    entry: reading.JsonObject, path: str, platform: str, source: Source
) -> Iterator[tuple[_Event, object, str]]:
    page = reading.optional_text(entry, "id")
    if "field" in entry and "changes" not in entry:  # As Instagram's API with its own login has it.
        entry = {**entry, "changes": [{"field": entry["field"], "value": entry.get("value")}]}
    own = frozenset([page, *re.split(r"[\s,]+", source.options.get("own_ids", ""))]) - {""}
    for what in ("changes", "messaging", "standby"):
        found = entry.get(what)
        for place, each in enumerate(found if isinstance(found, list) else []):
            where = f"{path}.{what}.{place}"
            yield _Event(platform=platform, own=own, page=page, entry_time=entry.get("time"), path=where), each, what


def _read(event: _Event, each: object, what: str, payload: Payload, source: Source) -> pb.Touchpoint | Ignored:
    if event.page == "0":  # The button "Test" of Meta's dashboard.
        return Ignored("test_ping")
    if not isinstance(each, dict):
        raise Unreadable("field_wrong", "not an object")
    if what == "changes":
        return _change(event, each, payload, source)
    return _message(event, each, payload, source)


def _change(event: _Event, each: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint | Ignored:
    field = reading.text(each, "field")
    if field in ("feed", "mention", "mentions", "ratings", "group_feed", *_COMMENTS):
        value = reading.object_at(each, "value")
        if field == "feed" or field == "ratings" or event.platform == "facebook":
            return _post(event, field, value, payload, source)
        return _instagram(event, field, value, payload, source)
    if "sender" in (value := reading.optional_object(each, "value")):  # Some of Instagram's messages are changes.
        return _message(event, value, payload, source)
    return Ignored("event_type_unknown", field[:64])


def _post(
    event: _Event, field: str, value: reading.JsonObject, payload: Payload, source: Source
) -> pb.Touchpoint | Ignored:
    item = reading.optional_text(value, "item")
    verb = reading.optional_text(value, "verb").lower()
    if item in _SILENT_ITEMS:
        return Ignored("reaction" if item in ("reaction", "like") else "event_type_unknown", item)
    if verb in ("hide", "unhide", "block", "unblock", "mute", "follow", "unfollow"):
        return Ignored("moderation", verb)
    author = reading.optional_text(value, "from.id", "sender_id", "reviewer_id")
    post_id = reading.optional_text(value, "post_id", "open_graph_story_id")
    is_comment = item == "comment" or bool(reading.optional_text(value, "comment_id"))
    ours = author in event.own
    if ours and not is_comment:
        return Ignored("own_post", item)
    external_id = reading.text(value, "comment_id") if is_comment else post_id
    if not external_id:
        raise Unreadable("field_missing", "missing", "value.post_id")
    kind = pb.TOUCHPOINT_KIND_INQUIRY
    if field in ("mention", "mentions"):
        kind = pb.TOUCHPOINT_KIND_MENTION
    elif field == "ratings" and item != "comment":
        kind = pb.TOUCHPOINT_KIND_REVIEW
    parent = reading.optional_text(value, "parent_id")
    made = _begin(event, value, "created_time", verb, external_id, kind, ours, payload, source)
    made.thread_id = _thread(field, value, external_id, post_id, parent, ours) if is_comment else external_id
    if kind == pb.TOUCHPOINT_KIND_REVIEW:
        made.channel = pb.CHANNEL_REVIEW
        if verb not in _REMOVALS:
            _recommend(made, value)
    if not ours:
        reading.identify_account(made, event.platform, author)
    if verb not in _REMOVALS:
        made.text = reading.optional_text(value, "message", "review_text")
        _attached(made, value)
    reading.attribute(made, "item", item)
    reading.attribute(made, "post_id", post_id)
    reading.attribute(made, "parent_id", parent)
    return made


def _thread(field: str, value: reading.JsonObject, comment_id: str, post_id: str, parent: str, ours: bool) -> str:
    """Say what a comment belongs to: below a post of our own each first comment begins a thread."""
    if field == "ratings":
        return comment_id.partition("_")[0]  # A recommendation's id is the first half of that of a comment on it.
    if parent and parent != post_id:
        return parent
    to_visitor = ours or reading.find(value, "post.status_type") == "wall_post"
    return post_id if to_visitor and post_id else comment_id


def _recommend(made: pb.Touchpoint, value: reading.JsonObject) -> None:
    recommends = reading.optional_text(value, "recommendation_type").lower()
    if recommends in ("positive", "negative"):
        reading.rate(made, float(recommends == "positive"), 0, 1)
    else:
        reading.rate(made, reading.optional_number(value, "rating"), 1, 5)


def _instagram(
    event: _Event, field: str, value: reading.JsonObject, payload: Payload, source: Source
) -> pb.Touchpoint | Ignored:
    is_mention = field == "mentions"
    media = reading.optional_text(value, "media.id", "media_id")
    external_id = reading.optional_text(value, "id", "comment_id") or (media if is_mention else "")
    if not external_id:
        raise Unreadable("field_missing", "missing", "value.id")
    author = reading.optional_text(value, "from.id")
    ours = author in event.own or bool(reading.optional_text(value, "from.self_ig_scoped_id"))
    verb = reading.optional_text(value, "verb").lower()
    kind = pb.TOUCHPOINT_KIND_MENTION if is_mention else pb.TOUCHPOINT_KIND_INQUIRY
    made = _begin(event, value, "timestamp", verb, external_id, kind, ours, payload, source)
    made.thread_id = reading.optional_text(value, "parent_id") or external_id
    if not ours:
        reading.identify_account(made, event.platform, author)
    if verb not in _REMOVALS:
        made.text = reading.optional_text(value, "text")  # A mention's words are to be asked for; it has ids only.
    reading.attribute(made, "post_id", media)
    reading.attribute(made, "item", reading.optional_text(value, "media.media_product_type").lower())
    return made


def _begin(
    event: _Event,
    value: reading.JsonObject,
    time: str,
    verb: str,
    external_id: str,
    kind: pb.TouchpointKind.ValueType,
    ours: bool,
    payload: Payload,
    source: Source,
) -> pb.Touchpoint:
    times = {"own": value.get(time), "entry": event.entry_time}
    at = reading.moment_at(times, "own", "entry", payload=payload, source=source)
    changed = reading.moment_at(times, "entry", payload=payload, source=source)
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_SNS),
        kind=pb.TOUCHPOINT_KIND_REPLY if ours else reading.configured_kind(source, kind),
        actor=pb.ACTOR_AGENT if ours else pb.ACTOR_CUSTOMER,
        at=at,
        external_id=external_id,
        revision=changed.revision if verb in (*_EDITS, *_REMOVALS) else 0,
    )
    reading.attribute(made, "platform", event.platform)
    if verb in _REMOVALS:
        withdraw(made, made.revision)
    return made


def _attached(made: pb.Touchpoint, value: reading.JsonObject) -> None:
    item, photos = value.get("item"), value.get("photos")
    images = len(photos) if isinstance(photos, list) else int(item == "photo" or bool(value.get("photo")))
    attachments.attach(made, ["image"] * images + ["video"] * (item == "video" or bool(value.get("video"))))


def _message(event: _Event, each: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint | Ignored:
    for silent in _SILENT_MESSAGES:
        if silent in each:
            return Ignored("event_type_unknown" if silent in ("app_roles", "policy_enforcement") else "receipt", silent)
    sender = reading.text(each, "sender.id", "sender.user_ref")  # The latter where a page of ours asked them in.
    receiver = reading.optional_text(each, "recipient.id")
    if "messaging_feedback" in each:
        return _feedback(event, each, sender, receiver, payload, source)
    if "message" in each:
        message = reading.object_at(each, "message")
    elif "message_edit" in each:
        message = reading.object_at(each, "message_edit")
    elif "postback" in each:
        message = reading.object_at(each, "postback")
    else:
        return Ignored("event_type_unknown", ", ".join(sorted(each))[:64])
    echo = reading.flag(message, "is_echo") or sender in event.own
    person = receiver if echo else sender
    app = reading.optional_text(message, "app_id")
    actor = pb.ACTOR_CUSTOMER
    if echo:
        people = _INBOXES | set(re.split(r"[\s,]+", source.options.get("agent_app_ids", "")))
        actor = pb.ACTOR_AGENT if not app or app in people else pb.ACTOR_BOT
    at = reading.moment_at(
        {"own": each.get("timestamp"), "entry": event.entry_time}, "own", "entry", payload=payload, source=source
    )
    deleted = reading.flag(message, "is_deleted")
    edited = reading.optional_integer(message, "num_edit") or 0
    made = reading.touchpoint(
        source,
        channel=pb.CHANNEL_CHAT,
        kind=pb.TOUCHPOINT_KIND_REPLY if echo else pb.TOUCHPOINT_KIND_INQUIRY,
        actor=actor,
        at=at,
        external_id=_message_id(message, each, event),
        revision=at.revision if deleted else max(0, edited),
        thread_id=f"{event.page}:{person}" if person else "",
        text="" if deleted else reading.optional_text(message, "text", "title"),
    )
    reading.identify_account(made, event.platform, person)
    reading.attribute(made, "platform", event.platform)
    if deleted:
        withdraw(made, made.revision)
    sent = [reading.optional_text(file, "type") for file in reading.objects_at(message, "attachments")]
    if not sent and reading.flag(message, "is_unsupported"):  # A kind of message that Meta does not pass on.
        sent = ["unsupported"]
    attachments.attach(made, [] if deleted else sent)
    if "story_mention" in sent and not echo and not deleted:
        made.kind = pb.TOUCHPOINT_KIND_MENTION
    if "postback" in each and not made.text.strip():  # A button that says nothing, as when a conversation is opened.
        made.kind = pb.TOUCHPOINT_KIND_OTHER
        reading.attribute(made, "item", "postback")
    return made


def _feedback(
    event: _Event, each: reading.JsonObject, sender: str, receiver: str, payload: Payload, source: Source
) -> pb.Touchpoint | Ignored:
    """Read the answer to a customer feedback template of Messenger, which asks one question."""
    for screen in reading.objects_at(each, "messaging_feedback.feedback_screens"):
        for name, answer in reading.optional_object(screen, "questions").items():
            kind = questionnaire.SURVEYS.get(reading.optional_text(answer, "type").strip().lower())
            if not kind or (score := reading.optional_number(answer, "payload")) is None:
                continue
            times = {"own": each.get("timestamp"), "entry": event.entry_time}
            at = reading.moment_at(times, "own", "entry", payload=payload, source=source)
            thread = f"{event.page or receiver}:{sender}"
            made = reading.touchpoint(
                source,
                channel=pb.CHANNEL_CHAT,
                kind=pb.TOUCHPOINT_KIND_SURVEY_RESPONSE,
                at=at,
                external_id=f"{thread}:{name}:{at.revision}",
                thread_id=thread,
                text=reading.optional_text(answer, "follow_up.payload"),
            )
            reading.identify_account(made, event.platform, sender)
            reading.answer_survey(made, kind, score)
            reading.attribute(made, "platform", event.platform)
            reading.attribute(made, "question", name)
            return made
    return Ignored("no_answer", "messaging_feedback")


def _message_id(message: reading.JsonObject, each: reading.JsonObject, event: _Event) -> str:
    """Give a message's id; a postback of old has none but its person and time."""
    if "postback" in each and not message.get("mid"):
        person = reading.text(each, "sender.id", "sender.user_ref")
        return f"{event.page}:{person}:{reading.optional_text(each, 'timestamp')}"
    return reading.text(message, "mid")
