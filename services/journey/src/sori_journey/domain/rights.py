"""What a customer allows, and for how long."""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class ConsentState(StrEnum):
    """What a customer said about one purpose."""

    GRANTED = "granted"
    DENIED = "denied"


class ConsentSource(StrEnum):
    """Where a customer said it."""

    APP = "app"
    WEB = "web"
    STORE = "store"
    CALL_CENTER = "call_center"
    KAKAO = "kakao"
    EMAIL = "email"
    PAPER = "paper"
    IMPORT = "import"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One customer's word about one purpose."""

    customer_id: uuid.UUID  # to whom it was said; a merge leaves it as it is
    purpose: str
    state: ConsentState
    source: ConsentSource
    recorded_time: dt.datetime
    expire_time: dt.datetime | None  # None: until another word


def effective_consents(said: Iterable[Consent], *, now: dt.datetime) -> list[Consent]:
    """Give what counts for each purpose: of each former customer the latest word, of those the most restrictive.

    A consent that has expired counts as denied; denied stands above granted, and of two granted ones the one that
    ends first.
    """
    latest: dict[tuple[uuid.UUID, str], Consent] = {}
    for each in said:
        key = each.customer_id, each.purpose
        if key not in latest or _freshness(latest[key]) < _freshness(each):
            latest[key] = each
    strictest: dict[str, Consent] = {}
    for each in latest.values():
        if each.purpose not in strictest or _strictness(each, now) > _strictness(strictest[each.purpose], now):
            strictest[each.purpose] = each
    return [strictest[purpose] for purpose in sorted(strictest)]


def is_granted(consent: Consent, *, now: dt.datetime) -> bool:
    """Say whether a consent holds now."""
    return consent.state is ConsentState.GRANTED and (consent.expire_time is None or consent.expire_time > now)


def _freshness(consent: Consent) -> tuple[dt.datetime, bool, float, str]:
    """Order the words of one customer about one purpose; at the same moment the stricter one counts."""
    return consent.recorded_time, consent.state is ConsentState.DENIED, -_end(consent), consent.source


def _end(consent: Consent) -> float:
    """Say when a consent ends, in seconds since 1970."""
    return consent.expire_time.timestamp() if consent.expire_time else float("inf")


def _strictness(consent: Consent, now: dt.datetime) -> tuple[bool, float, dt.datetime, uuid.UUID]:
    return not is_granted(consent, now=now), -_end(consent), consent.recorded_time, consent.customer_id
