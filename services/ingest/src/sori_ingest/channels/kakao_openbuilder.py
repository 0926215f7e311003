"""KakaoTalk chatbots made with the OpenBuilder: what customers say to a skill server."""

import dataclasses
import json
import re
from collections.abc import Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import kakao_accounts, reading
from sori_ingest.channels.attachments import attach
from sori_ingest.channels.fingerprint import fingerprint
from sori_ingest.channels.parts import Outcome, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "kakao_openbuilder"
TITLE = "KakaoTalk OpenBuilder skill"
DOCUMENT = "https://kakaobusiness.gitbook.io/main/tool/chatbot/skill_guide/answer_json_format"
CHANNEL = "kakao"
FIELDS: Mapping[str, str] = {
    "external_id": "made of the content and the ten minutes in which it came: the payload has no id",
    "kind": "inquiry",
    "actor": "customer; an answer of the skill server itself is ignored",
    "occurred_time": "time of receipt, with the offset of `userRequest.timezone`",
    "identifiers": "KAKAO_ID `plusfriendUserKey` and `botUserKey` (else `user.id`), APP_USER_ID `appUserId`"
    " (KAKAO_ID with"
    " the option `app_user_id=kakao_id`)",
    "text": "`userRequest.utterance`; empty where it is the address of a picture",
    "language": "`userRequest.lang`",
    "thread_id": "`plusfriendUserKey`, else the bot's user key",
    "attributes": "block, bot, skill, surface, is_friend, param.* (`action.params`), attachments",
    "ignored": "trials in the builder, checks of a parameter (they pass), blank utterances, skill responses; the skill"
    " is answered with the option"
    " `answer`, else so that the block says its own",
}
OPTIONS: Mapping[str, Option] = {
    "answer": Option("what the skill answers; unless given the block says its own"),
    "app_user_id": kakao_accounts.OPTION,
    "channel": options.CHANNEL,
    "kind": options.KIND,
}

_UPLOADED = re.compile(r"https?://(?:[a-z0-9.-]+\.)?(?:kakao(?:cdn)?\.(?:com|net))/[^\s,)]+", re.IGNORECASE)
_MOST_PARAMS = 20
_LANGUAGES = {"kr": "ko"}  # What the builder calls Korean.
_SAMPLE_UTTERANCE = "발화 내용"  # of the builder's "test skill" form


def read(payload: Payload, source: Source) -> Reading:
    """Read one skill payload, and answer it so that the block says what the builder has for it; see Adapter.

    Options: `answer`, what the bot says instead; `app_user_id=kakao_id`, Kakao's app user ids are not the app's own.
    """
    given = reading.json_object(payload)
    if "userRequest" not in given and "isInSlotFilling" in given:  # Asks whether a parameter's value is one.
        valid = json.dumps({"status": "SUCCESS"}).encode()
        return Reading(ignored=(Ignored("parameter_check"),), reply=valid, reply_content_type="application/json")
    found = reading_of(_read(given, payload, source))
    answer = source.options.get("answer", "")
    said = {"template": {"outputs": [{"simpleText": {"text": answer}}]}} if answer else {"data": {}}
    reply = json.dumps({"version": "2.0", **said}, ensure_ascii=False).encode()
    return dataclasses.replace(found, reply=reply, reply_content_type="application/json")


def _read(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    if "userRequest" not in given and ("template" in given or "useCallback" in given):
        return Ignored("bot_echo", "skill response")
    request = reading.object_at(given, "userRequest")
    user = reading.object_at(given, "userRequest.user")
    properties = reading.optional_object(given, "userRequest.user.properties")
    key = reading.optional_text(properties, "plusfriendUserKey", "plusfriend_user_key")
    bot_key = reading.optional_text(properties, "botUserKey", "bot_user_key")
    if _is_test(request, key or bot_key):
        return Ignored("test_ping", "skill test of the builder")
    person = key or bot_key or reading.text(given, "userRequest.user.id")
    utterance, media = _said(given, request)
    if not utterance and not media:
        if "utterance" not in request:
            raise Unreadable("field_missing", "missing", "userRequest.utterance")
        return Ignored("no_words")

    zone = reading.optional_text(request, "timezone")
    received = reading.Moment(payload.received_time)
    language = reading.optional_text(request, "lang").strip().lower()
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_KAKAO),
        kind=reading.configured_kind(source, pb.TOUCHPOINT_KIND_INQUIRY),
        at=reading.moment(payload.received_time.timestamp(), local=zone) or received,
        external_id=fingerprint(payload, given),
        text=utterance,
        language=_LANGUAGES.get(language, language),
        thread_id=person,
    )
    _identify(made, source, user, key, bot_key)
    reading.attribute(made, "block", reading.find(request, "block.name"))
    reading.attribute(made, "block_id", reading.find(request, "block.id"))
    reading.attribute(made, "bot", reading.find(given, "bot.id"))
    reading.attribute(made, "skill", reading.find(given, "action.name"))
    reading.attribute(made, "surface", reading.find(request, "params.surface"))
    reading.attribute(made, "is_friend", reading.find(properties, "isFriend"))
    for name, value in list(reading.optional_object(given, "action.params").items())[:_MOST_PARAMS]:
        if not isinstance(value, str) or not _UPLOADED.search(value):
            reading.attribute(made, f"param.{name}", value)
    attach(made, media)
    return made


def _said(given: reading.JsonObject, request: reading.JsonObject) -> tuple[str, list[str]]:
    """Give the words of an utterance and the types of what came with it; a picture's address is no words."""
    utterance = reading.optional_text(request, "utterance").strip()
    media = [reading.optional_text(each, "type") or "file" for each in _media(request)]
    is_address = bool(_UPLOADED.fullmatch(utterance))
    if not media:  # What a block asks for in private comes as a parameter, such as `secureimage`.
        values = reading.optional_object(given, "action.params").values()
        media = ["image" for each in values if isinstance(each, str) for _ in _UPLOADED.findall(each)]
    if not media and is_address:
        media = ["image"]
    return "" if is_address else utterance, media


def _identify(made: pb.Touchpoint, source: Source, user: reading.JsonObject, key: str, bot_key: str) -> None:
    user_id = reading.optional_text(user, "id")
    reading.identify(made, pb.IDENTIFIER_TYPE_KAKAO_ID, key)
    if reading.optional_text(user, "type") == "appUserId":
        kakao_accounts.identify_app_user(made, source, user_id)
        user_id = ""
    reading.identify(made, pb.IDENTIFIER_TYPE_KAKAO_ID, bot_key or ("" if key else user_id))
    kakao_accounts.identify_app_user(
        made, source, reading.optional_text(user, "properties.appUserId", "properties.app_user_id")
    )


def _is_test(request: reading.JsonObject, real_key: str) -> bool:
    """Say whether somebody tries the skill in the builder: its bot test, or the sample of its test form."""
    if reading.optional_text(request, "params.surface") == "BuilderBotTest":
        return True
    return not real_key and reading.optional_text(request, "utterance").strip() == _SAMPLE_UTTERANCE


def _media(request: reading.JsonObject) -> list[reading.JsonObject]:
    """Give what a customer uploaded; the builder hands in one object."""
    found = reading.find(request, "params.media")
    if isinstance(found, dict):
        return [found]
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
