"""Kakao's webhooks on relations: a channel added or blocked, a Kakao Login unlinked from the app."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import kakao_accounts, reading
from sori_ingest.channels.fingerprint import fingerprint
from sori_ingest.channels.forms import is_form
from sori_ingest.channels.parts import Outcome, reading_of
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source, Unreadable
from sori_ingest.settings.options import Option

NAME = "kakao_webhook"
TITLE = "Kakao channel and login webhooks"
DOCUMENT = "https://developers.kakao.com/docs/latest/en/kakaotalk-channel/callback"
CHANNEL = "kakao"
FIELDS: Mapping[str, str] = {
    "external_id": "channel, event, user and `updated_at`; without a time the header `X-Kakao-Resource-ID` or the"
    " content and the ten minutes in which it came",
    "kind": "other for `added` and `blocked`, cancellation for an unlinked login",
    "actor": "customer",
    "occurred_time": "`updated_at`, once `timestamp`; time of receipt for an unlinked login",
    "identifiers": "APP_USER_ID `id` with `id_type` app_user_id, and `user_id` (KAKAO_ID with the option"
    " `app_user_id=kakao_id`); KAKAO_ID `id` with `id_type` open_id",
    "attributes": "event, channel (`channel_public_id`), app_id, referrer_type",
    "ignored": "other events, shared messages, security event tokens (nothing here verifies them)",
}
OPTIONS: Mapping[str, Option] = {
    "app_user_id": kakao_accounts.OPTION,
}

_CHANNEL_EVENTS = frozenset({"added", "blocked"})
_CHANGED = ("updated_at", "timestamp")  # and its name before
_SECURITY_EVENT = b"eyJ"  # where a signed token starts
_OTHER_WEBHOOKS = ("CHAT_TYPE", "HASH_CHAT_ID", "TEMPLATE_ID")  # of a shared message


def read(payload: Payload, source: Source) -> Reading:
    """Read one webhook, as JSON, a form, or the query of a GET; see Adapter. Option `app_user_id` as of OpenBuilder.

    Account status webhooks are signed tokens of their own kind; they are ignored, since nothing here verifies them.
    """
    if payload.body.lstrip().startswith(_SECURITY_EVENT) or "secevent" in payload.content_type.lower():
        return reading_of(Ignored("event_type_unknown", "security event token"))
    given: dict[str, Any]
    payload = dataclasses.replace(payload, body=payload.body.lstrip().removeprefix(b"?"))  # of a query, as it is copied
    if not payload.body.strip() and payload.query:
        given = dict(payload.query)
    elif is_form(payload):
        given = dict(reading.form(payload))
    else:
        given = reading.json_object(payload)
    return reading_of(_read(given, payload, source))


def _read(given: reading.JsonObject, payload: Payload, source: Source) -> Outcome:
    event = reading.optional_text(given, "event").strip()
    if event:
        return _relation(given, event, payload, source)
    if any(each in given for each in _OTHER_WEBHOOKS):  # A share brings the app's own parameters, such as a user's id.
        return Ignored("event_type_unknown", "share")
    if reading.optional_text(given, "user_id") or "referrer_type" in given:
        return _unlink(given, payload, source)
    raise Unreadable("field_missing", "missing", "event")


def _relation(given: reading.JsonObject, event: str, payload: Payload, source: Source) -> Outcome:
    if event not in _CHANNEL_EVENTS:
        return Ignored("event_type_unknown", event)
    user = reading.text(given, "id")
    channel = reading.optional_text(given, "channel_public_id", "plus_friend_public_id", "channel_uuid")
    updated = reading.optional_text(given, *_CHANGED)
    made = reading.touchpoint(
        source,
        channel=pb.CHANNEL_KAKAO,
        kind=pb.TOUCHPOINT_KIND_OTHER,
        at=reading.moment_at(given, *_CHANGED, payload=payload, source=source),
        external_id=f"{channel}:{event}:{user}:{updated}" if updated else _delivery(given, payload),
    )
    if reading.optional_text(given, "id_type") == "open_id":
        reading.identify(made, pb.IDENTIFIER_TYPE_KAKAO_ID, user)
    else:
        kakao_accounts.identify_app_user(made, source, user)
    reading.attribute(made, "event", event)
    reading.attribute(made, "channel", channel)
    return made


def _unlink(given: reading.JsonObject, payload: Payload, source: Source) -> pb.Touchpoint:
    user = reading.text(given, "user_id")
    made = reading.touchpoint(
        source,
        channel=pb.CHANNEL_KAKAO,
        kind=pb.TOUCHPOINT_KIND_CANCELLATION,
        at=reading.moment_at(given, payload=payload, source=source),
        external_id=_delivery(given, payload),
    )
    kakao_accounts.identify_app_user(made, source, user)
    reading.attribute(made, "event", "unlinked")
    reading.attributes(made, given, ("app_id", "referrer_type"))
    return made


def _delivery(given: reading.JsonObject, payload: Payload) -> str:
    return payload.headers.get("x-kakao-resource-id", "") or fingerprint(payload, given)
