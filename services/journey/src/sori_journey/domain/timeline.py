"""Touchpoints and where they stand."""

import datetime as dt
import uuid
from dataclasses import dataclass
from enum import StrEnum

from sori_journey.domain.identifiers import Identifier
from sori_journey.domain.stages import Stage


@dataclass(frozen=True, slots=True)
class TouchpointReference:
    """Names a customer by one of their touchpoints."""

    touchpoint_id: uuid.UUID


class Channel(StrEnum):
    """Where a customer and the company met."""

    APP = "app"
    WEB = "web"
    STORE = "store"
    KAKAO = "kakao"
    CALL_CENTER = "call_center"
    SNS = "sns"
    REVIEW = "review"
    SURVEY = "survey"
    EMAIL = "email"
    CHAT = "chat"
    DELIVERY = "delivery"
    CRM = "crm"


@dataclass(slots=True, kw_only=True)  # Frozen ones take three times as long to make, and every touchpoint makes these.
class Observation:
    """A touchpoint as far as its place on a timeline depends on it."""

    touchpoint_id: uuid.UUID
    revision: int
    source: str
    channel: str
    kind: str
    own: bool  # the customer's doing, not staff's or a system's
    sentiment: str
    occurred_time: dt.datetime
    identifiers: tuple[Identifier, ...]
    entry: bytes  # The sections of the earlier stations, as they came.


@dataclass(slots=True, kw_only=True)
class Placed:
    """An observation and where it belongs."""

    observation: Observation
    pattern_id: uuid.UUID | None  # None: it carried no usable identifier.
    customer_id: uuid.UUID | None
    stage: Stage | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoodMonth:
    """How the touchpoints of one month felt."""

    month: dt.date  # its first day
    negative: int
    neutral: int
    positive: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of one customer."""

    customer_id: uuid.UUID
    identifiers: tuple[Identifier, ...]
    first_occurred_time: dt.datetime | None
    last_occurred_time: dt.datetime | None
    touchpoint_count: int
    stage: Stage | None
    channel_counts: tuple[tuple[str, int], ...] = ()
    kind_counts: tuple[tuple[str, int], ...] = ()
    moods: tuple[MoodMonth, ...] = ()
    segments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineFilter:
    """Which entries of a timeline are wanted; an empty set means all."""

    channels: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    sentiments: frozenset[str] = frozenset()
    from_time: dt.datetime | None = None
    until_time: dt.datetime | None = None  # not included
