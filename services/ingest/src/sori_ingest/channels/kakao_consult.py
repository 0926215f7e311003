"""KakaoTalk consultations (상담톡): what customers, agents and automatic answers say in a session."""

from collections.abc import Mapping
from typing import Any

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import kakao_accounts, reading
from sori_ingest.channels.attachments import attach
from sori_ingest.channels.fingerprint import fingerprint
from sori_ingest.channels.parts import Outcome, read_each, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings.options import Option

NAME = "kakao_consult"
TITLE = "KakaoTalk consult-talk (상담톡)"
DOCUMENT = "https://developer-center.happytalk.io/kakaotalk_webhook/counsel_data_reception/chat_reception/"
CHANNEL = "kakao"
FIELDS: Mapping[str, str] = {
    "external_id": "`serial_number` (a dealer's `msgKey`), with `sent:` before it for what the company sends;"
    " of a session's end `session:<session_id>:end`",
    "kind": "inquiry of a customer, reply of an agent or an automatic answer, resolution at the end of the session",
    "actor": "customer; agent for messages that are sent (`message_type`, `chat_bubble_type`), bot with `auto_answer`;"
    " `sender_type` where a dealer gives it; system for the end of the session",
    "occurred_time": "`time`, in ms since 1970",
    "identifiers": "KAKAO_ID `user_key`, APP_USER_ID `app_user_id` (KAKAO_ID with the option `app_user_id=kakao_id`)",
    "text": "`content`, the texts of `contents`, or `message`; empty for photo, video, audio, file",
    "thread_id": "`session_id`, else `user_key`",
    "attributes": "sender_key, message_type, extra, text_cut (the rest of a long text is in a file), attachments",
    "ignored": "metadata of a session (`reference`), unknown types, blank messages",
}
OPTIONS: Mapping[str, Option] = {
    "app_user_id": kakao_accounts.OPTION,
}

_MEDIA_TYPES = {
    **{each: each for each in ("photo", "image", "video", "audio", "voice", "file", "sticker", "emoticon", "location")},
    "contact": "contact",
    "profile": "contact",
    "wide_image": "image",
    "im": "image",
    "fi": "file",
}
_WORDS_TYPES = frozenset({"text", "link", "button", "keyboard", "tx", "li", "item_list", "wide_item_list", "", "wl"})
_ACTORS = {
    **dict.fromkeys(("user", "customer", "client", "guest", "in", "inbound", "고객", "사용자"), pb.ACTOR_CUSTOMER),
    **dict.fromkeys(
        (
            "agent",
            "counselor",
            "counsellor",
            "consultant",
            "manager",
            "admin",
            "operator",
            "out",
            "outbound",
            "상담원",
            "상담사",
        ),
        pb.ACTOR_AGENT,
    ),
    **dict.fromkeys(("bot", "chatbot", "auto", "챗봇"), pb.ACTOR_BOT),
    "system": pb.ACTOR_SYSTEM,
}
_SENDERS = (
    *("sender_type", "senderType", "writer_type", "writerType", "author_type", "authorType", "from_type", "fromType"),
    *("sender", "speaker", "writer", "author", "from", "role", "actor", "direction"),
)
_TYPES = ("type", "msgType", "msg_type")
_SENT_TYPES = ("message_type", "messageType", "chat_bubble_type", "chatBubbleType")
_ENDS = frozenset({"expired_session", "session_expired", "session_end", "session_closed", "end_session", "expired"})
_METADATA = frozenset({"reference", "metadata", "meta"})


def read(payload: Payload, source: Source) -> Reading:
    """Read one message or session event, or a list of them; see Adapter. Option `app_user_id` as of the OpenBuilder."""
    given = reading.json_value(payload)
    if isinstance(given, list):
        return read_each(given, "", lambda each: [_read(each, payload, source)])
    if not isinstance(given, dict):
        raise Unreadable("not_json", "not an object")
    return reading_of(_read(given, payload, source))


def _read(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    event = reading.optional_text(given, "event", "requestType", "event_type").strip().lower()
    has_words = any(given.get(each) is not None for each in ("content", "contents", "message", "text"))
    tells_metadata = bool({"reference", "last_reference", "lastReference"} & given.keys())
    if event in _METADATA or (not event and tells_metadata and not has_words):
        return Ignored("session_metadata")
    user_key = reading.text(given, "user_key", "userKey")
    session = reading.optional_text(given, "session_id", "sessionId")
    sent_type = reading.optional_text(given, *_SENT_TYPES)
    kind = (reading.optional_text(given, *_TYPES) or sent_type).strip().lower()
    if event in _ENDS or kind in _ENDS:
        return _session_end(given, payload, source, user_key, session)
    if event and event not in ("message", "chat", "msg"):
        return Ignored("event_type_unknown", event)
    if not kind and not has_words:
        if session and not given.get("serial_number"):  # Kakao tells by the path that a session ended, not in the body.
            return _session_end(given, payload, source, user_key, session)
        raise Unreadable("field_missing", "missing", "type")
    if kind not in _WORDS_TYPES and kind not in _MEDIA_TYPES:
        return Ignored("event_type_unknown", kind)
    return _message(given, payload, source, user_key, session, kind, sent=bool(sent_type))


def _message(
    given: reading.JsonObject, payload: Payload, source: Source, user_key: str, session: str, kind: str, *, sent: bool
) -> Outcome:
    actor = _actor(given, sent=sent)
    words, media = _content(given, kind)
    has_rest = bool(reading.optional_text(given, "attachment.url")) and kind in _WORDS_TYPES
    if not words and not media and not has_rest:
        if kind in _MEDIA_TYPES:
            media = [_MEDIA_TYPES[kind]]
        elif not any(each in given for each in ("content", "contents", "message", "text")):
            raise Unreadable("field_missing", "missing", "content")
        else:
            return Ignored("no_words")
    if actor == pb.ACTOR_SYSTEM:
        made_kind = pb.TOUCHPOINT_KIND_OTHER
    else:
        made_kind = pb.TOUCHPOINT_KIND_INQUIRY if actor == pb.ACTOR_CUSTOMER else pb.TOUCHPOINT_KIND_REPLY
    made = reading.touchpoint(
        source,
        channel=pb.CHANNEL_KAKAO,
        kind=made_kind,
        actor=actor,
        at=_time(given, payload, source),
        external_id=_message_id(given, payload, sent=sent),
        text=words,
        thread_id=session or user_key,
    )
    _identify(made, given, source, user_key)
    reading.attribute(made, "message_type", kind)
    reading.attribute(made, "extra", given.get("extra"))
    if has_rest:
        reading.attribute(made, "text_cut", "true")
    attach(made, media)
    return made


def _message_id(given: reading.JsonObject, payload: Payload, *, sent: bool) -> str:
    """Name a message; numbers of those that are sent are the company's own, and may be anything."""
    number = reading.optional_text(given, "serial_number", "serialNumber", "msgKey", "msg_key", "message_id")
    return f"{'sent:' if sent else ''}{number}" if number else fingerprint(payload, given)


def _session_end(
    given: reading.JsonObject, payload: Payload, source: Source, user_key: str, session: str
) -> pb.Touchpoint:
    made = reading.touchpoint(
        source,
        channel=pb.CHANNEL_KAKAO,
        kind=pb.TOUCHPOINT_KIND_RESOLUTION,
        actor=pb.ACTOR_SYSTEM,
        at=_time(given, payload, source),
        external_id=f"session:{session}:end" if session else fingerprint(payload, given),
        thread_id=session or user_key,
    )
    _identify(made, given, source, user_key)
    reading.attribute(made, "event", "session_end")
    return made


def _time(given: reading.JsonObject, payload: Payload, source: Source) -> reading.Moment:
    return reading.moment_at(given, "time", "kakaoTime", "sendTime", "created_at", payload=payload, source=source)


def _identify(made: pb.Touchpoint, given: reading.JsonObject, source: Source, user_key: str) -> None:
    reading.identify(made, pb.IDENTIFIER_TYPE_KAKAO_ID, user_key)
    kakao_accounts.identify_app_user(made, source, reading.optional_text(given, "app_user_id", "appUserId"))
    reading.attribute(made, "sender_key", reading.optional_text(given, "sender_key", "senderKey"))


def _actor(given: reading.JsonObject, *, sent: bool) -> pb.Actor.ValueType:
    for name in _SENDERS:
        hint = given.get(name)
        if isinstance(hint, dict):
            hint = hint.get("type")
        if isinstance(hint, str) and (actor := _ACTORS.get(hint.strip().lower())):
            return actor
    if not sent:
        return pb.ACTOR_CUSTOMER
    automatic = reading.optional_text(given, "auto_answer", "autoAnswer").strip().lower()
    return pb.ACTOR_BOT if automatic and automatic not in ("n", "no", "false", "0") else pb.ACTOR_AGENT


def _content(given: reading.JsonObject, kind: str) -> tuple[str, list[str]]:
    """Give the words of a message and the types of what came with it."""
    parts: list[Any] = []
    for name in ("contents", "content", "message", "text"):
        if found := given.get(name):
            parts = found if isinstance(found, list) else [found]
            break
    media_type = _MEDIA_TYPES.get(kind, "")
    words: list[str] = []
    media: list[str] = []
    for part in parts:
        if isinstance(part, dict):
            words.append(reading.optional_text(part, "text", "content", "message"))
            if reading.optional_text(part, "url", "img_url", "file_url"):
                media.append(media_type or _MEDIA_TYPES.get(reading.optional_text(part, "type").lower(), "file"))
        elif isinstance(part, str) and media_type and part.strip().startswith(("http://", "https://")):
            media.append(media_type)
        elif isinstance(part, str):
            words.append(part)
    for name, of_type in (("image_url", "image"), ("file_url", "file")):
        if reading.optional_text(given, name):
            media.append(of_type)
    attached = given.get("attachment")
    if isinstance(attached, dict) and media_type and not media:
        media.append(media_type)
    return "\n".join(each for each in (word.strip() for word in words) if each), media
