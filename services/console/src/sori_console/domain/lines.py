"""The lines of the joint feed."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

_URGENT_FROM = 0.7  # 0 to 1
_SHOWN_CHARACTERS = 600
_SHOWN_TOPICS = 6


class LineKind(StrEnum):
    """What a line is; also the value of the filter in the address."""

    TOUCHPOINT = "touchpoint"
    VOICE = "voice"
    CASE = "case"
    ALERT = "alert"


class Mood(StrEnum):
    """Mood of a text."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"
    UNKNOWN = "unknown"


class Speaker(StrEnum):
    """Who spoke or acted in a touchpoint."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


class Tone(StrEnum):
    """What a turn of a case means for those who promised."""

    GOOD = "good"
    PLAIN = "plain"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Filter:
    """What a viewer wants to see of the feed; None and empty mean all."""

    kind: LineKind | None = None
    org_unit: str = ""

    @property
    def is_set(self) -> bool:
        """Say whether anything is left out."""
        return self.kind is not None or bool(self.org_unit)


@dataclass(frozen=True, slots=True)
class Text:
    """Words, cut where they would fill the page."""

    shown: str
    length: int  # characters of the whole

    @property
    def is_cut(self) -> bool:
        """Say whether words are missing."""
        return len(self.shown) < self.length


def cut(text: str) -> Text:
    """Keep as much of a text as a line shows."""
    return Text(text[:_SHOWN_CHARACTERS].rstrip() if len(text) > _SHOWN_CHARACTERS else text, len(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What classify says of a text."""

    mood: Mood
    topics: tuple[str, ...]
    urgency: float = 0.0  # 0 to 1
    abusive: bool = False

    @property
    def urgent(self) -> bool:
        """Say whether somebody should look soon."""
        return self.urgency >= _URGENT_FROM

    @property
    def shown_topics(self) -> tuple[str, ...]:
        """Give as many topics as a line shows."""
        return self.topics[:_SHOWN_TOPICS]


@dataclass(frozen=True, slots=True)
class Mark:
    """A rating or an answered survey question."""

    name: str  # rating, nps, csat or ces
    value: float
    highest: float

    def __str__(self) -> str:
        return f"{self.value:g}/{self.highest:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What all lines have."""

    kind: ClassVar[LineKind]
    item_id: str
    occurred_time: dt.datetime
    org_unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Touchpoint(Line):
    """A customer met the company."""

    kind = LineKind.TOUCHPOINT
    channel: str
    what: str  # inquiry, complaint, …
    speaker: Speaker
    text: Text
    opinion: Opinion
    marks: tuple[Mark, ...]
    product: str
    stage: str  # Empty when nobody is known, or for a viewer who may not know.
    customer: str  # The first signs of the customer's id, or empty.

    @property
    def mood(self) -> Mood | None:
        """Give the mood where it says something: of a customer's own words."""
        return self.opinion.mood if self.speaker is Speaker.CUSTOMER and self.text.length else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice(Line):
    """An employee said something that enough others could have said."""

    kind = LineKind.VOICE
    week: str  # As in `2026-W47`; nothing finer is known.
    text: Text
    opinion: Opinion

    @property
    def mood(self) -> Mood:
        """Give the mood of the words."""
        return self.opinion.mood


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseTurn(Line):
    """A case took a turn."""

    kind = LineKind.CASE
    change: str  # opened, answered, acknowledged, breached or resolved
    case: str  # The first signs of the case's id.
    from_staff: bool
    channel: str
    topics: tuple[str, ...]
    due_time: dt.datetime | None
    kept: bool | None  # Whether the promise was kept; None while that is open.

    mood: ClassVar[None] = None

    @property
    def tone(self) -> Tone:
        """Say whether this turn is good news."""
        if self.change == "breached" or (self.change == "answered" and self.kept is False):
            return Tone.BAD
        return Tone.GOOD if self.change in ("answered", "resolved") else Tone.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Line):
    """Somebody was told."""

    kind = LineKind.ALERT
    case: str
    reason: str
    target: str

    mood: ClassVar[None] = None


def short(identifier: str) -> str:
    """Give the first signs of an id, enough to recognise it."""
    return identifier[:8]


@dataclass(frozen=True, slots=True)
class Page:
    """The newest lines, and the token from which to follow on."""

    lines: tuple[Line, ...]
    resume_token: str


@dataclass(frozen=True, slots=True)
class Update:
    """One more line, and the token that resumes after it."""

    line: Line
    resume_token: str
