"""Who may be shown to whom, and in how large a crowd."""

import datetime as dt
import hashlib
import hmac
import json
import math
import random
import re
import unicodedata
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

MOST_TEXT = 10_000  # characters
MOST_NAME = 200  # characters of an org unit or a respondent key
SCORES = range(11)
_Z95 = 1.959963984540054  # Two-sided 95 % quantile of the normal distribution.

_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")
_MASKS = (  # Longest first: a card number holds what looks like a phone number.
    (re.compile(r"(?<![A-Za-z0-9.+%_-])[A-Za-z0-9.+%_-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+"), "[e-mail]"),
    (re.compile(r"(?<!\d)\d{6}[ \t]?[-–—][ \t]?[1-8]\d{6}(?!\d)|(?<!\d)\d{6}[1-8]\d{6}(?!\d)"), "[id number]"),
    (re.compile(r"(?<!\d)\d{4}(?:[ .-]?\d{4}){2}[ .-]?\d{3,4}(?!\d)"), "[card number]"),
    (re.compile(r"(?<![\d+])(?:\+?82[ .\-)]{0,2}\(?0?|\(?0)\d{1,3}\)?[ .-]?\d{3,4}[ .-]?\d{4}(?!\d)"), "[phone]"),
    (re.compile(r"\+[1-9][\d .()-]{7,18}\d(?!\d)"), "[phone]"),
)


class Kind(StrEnum):
    """What a person took part in."""

    VOICE = "voice"
    PULSE = "pulse"


class State(StrEnum):
    """What became of a pulse cell."""

    OPEN = "open"  # Nothing of it was ever shown.
    SHOWN = "shown"
    SEALED = "sealed"  # Part of a total that was shown, and never to be shown by itself.


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """The smallest crowd that is ever looked at: one org unit in one ISO week."""

    org_unit: str
    week: str  # as in `2026-W47`


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What one person said; nothing here leads to that person."""

    voice_id: uuid.UUID
    cell: Cell
    text: str
    classification: bytes | None  # A serialised Classification; None while classify has not answered.
    receipt_hash: bytes | None  # None for an imported one.
    position: float  # Place among the voices of its week; drawn, never derived.
    released: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """One answer from another tool."""

    cell: Cell
    respondent_key: str
    score: int | None
    text: str  # Masked; empty when only a mark was given.


@dataclass(frozen=True, slots=True)
class Person:
    """A person as one cell knows them: the same person is somebody else in every other cell."""

    kind: Kind
    cell: Cell
    person_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How a crowd answered the eNPS question."""

    respondents: int
    promoters: int  # marks of 9 and 10
    detractors: int  # marks of 0 to 6

    def __add__(self, other: "Marks") -> "Marks":
        return Marks(
            respondents=self.respondents + other.respondents,
            promoters=self.promoters + other.promoters,
            detractors=self.detractors + other.detractors,
        )


@dataclass(frozen=True, slots=True)
class PulseCell:
    """The answers of one cell, shown or not."""

    cell: Cell
    state: State
    marks: Marks


@dataclass(frozen=True, slots=True)
class Decision:
    """What of a week's pulses is to be shown from now on."""

    shown: tuple[PulseCell, ...]  # Newly.
    sealed: tuple[PulseCell, ...]  # Newly.
    total_shown: bool


@dataclass(frozen=True, slots=True)
class Enps:
    """An eNPS with its 95 % interval, each -100 to 100."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Result:
    """What may be said of a cell; the total of a week has an empty org unit."""

    cell: Cell
    marks: Marks | None  # None: withheld.


def week_of(now: dt.datetime, zone: dt.tzinfo) -> str:
    """Name the ISO week of a moment, where `zone` is."""
    year, week, _ = now.astimezone(zone).isocalendar()
    return f"{year:04}-W{week:02}"


def is_week(value: str) -> bool:
    """Say whether a string names a week that exists; they sort by time."""
    found = _WEEK.fullmatch(value)
    if found is None:
        return False
    try:
        dt.date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:
        return False
    return True


def start_of(week: str, zone: dt.tzinfo) -> dt.datetime:
    """Give the first moment of a week where `zone` is, in UTC."""
    monday = dt.date.fromisocalendar(int(week[:4]), int(week[6:]), 1)
    return dt.datetime.combine(monday, dt.time(), zone).astimezone(dt.UTC)


def clean(text: str) -> str:
    """Bring words to one form: NFC, no space around them, personal numbers and e-mail addresses masked."""
    cleaned = unicodedata.normalize("NFC", text).strip()
    for pattern, mask in _MASKS:
        cleaned = pattern.sub(mask, cleaned)
    return cleaned


def name(value: str) -> str:
    """Bring an org unit to one form: NFC, no space around it."""
    return unicodedata.normalize("NFC", value).strip()


def problem_of_text(text: str) -> str:
    """Say what is wrong with words, or nothing."""
    if not text.strip():
        return "is missing"
    if len(text) > MOST_TEXT:
        return f"has more than {MOST_TEXT:,} characters"
    return "holds a NUL character" if "\0" in text else ""


def problem_of_name(name: str) -> str:
    """Say what is wrong with an org unit or a respondent key, or nothing."""
    if not name.strip():
        return "is missing"
    if len(name) > MOST_NAME:
        return f"has more than {MOST_NAME} characters"
    return "holds a control character" if any(unicodedata.category(each) == "Cc" for each in name) else ""


def recognise(secret: bytes, kind: Kind, cell: Cell, subject: str) -> Person:
    """Turn a subject into what its cell alone can recognise."""
    parts = json.dumps([kind, cell.org_unit, cell.week, subject]).encode()
    return Person(kind, cell, hmac.digest(secret, parts, "sha256"))


def hash_receipt(receipt: str) -> bytes:
    """Turn a receipt into what may be kept of it."""
    return hashlib.sha256(receipt.encode()).digest()


def draw_id(rng: random.Random) -> uuid.UUID:
    """Draw a UUID."""
    return uuid.UUID(int=rng.getrandbits(128), version=4)


def reissue(voices: Iterable[Voice], rng: random.Random, *, released: bool) -> list[Voice]:
    """Shuffle voices and give each a new id and place, so that nothing leads back to what they were."""
    shuffled = [replace(voice, voice_id=draw_id(rng), position=rng.random(), released=released) for voice in voices]
    rng.shuffle(shuffled)
    return shuffled


def flag_reasons(*, abusive: bool, topics: Collection[str], urgency_reasons: Collection[str]) -> tuple[str, ...]:
    """Say why somebody must look at once; empty when nobody need."""
    found = {
        "abuse": abusive,
        "safety": "safety" in topics or "health_or_safety" in urgency_reasons,
        "self_harm": "self_harm" in urgency_reasons,
        "privacy": "privacy" in topics,
    }
    return tuple(reason for reason, given in found.items() if given)


def count_marks(counts: Mapping[int, int]) -> Marks:
    """Sum up how many people gave each score."""
    return Marks(
        respondents=sum(counts.values()),
        promoters=sum(count for score, count in counts.items() if score >= 9),
        detractors=sum(count for score, count in counts.items() if score <= 6),
    )


def enps(marks: Marks) -> Enps:
    """Work out the eNPS of at least one answer.

    The interval is the adjusted Wald one for the difference of two shares of one multinomial sample (Bonett and
    Price 2012, Journal of Educational and Behavioral Statistics 37(4), 479-488): one answer is added to promoters
    and one to detractors, so that a small unanimous crowd gets an honest width.
    """
    size = marks.respondents + 2
    promoters, detractors = (marks.promoters + 1) / size, (marks.detractors + 1) / size
    centre = promoters - detractors
    half = _Z95 * math.sqrt((promoters + detractors - centre**2) / size)
    return Enps(
        value=(marks.promoters - marks.detractors) / marks.respondents * 100,
        low=max(-1.0, centre - half) * 100,
        high=min(1.0, centre + half) * 100,
    )


def decide(cells: Sequence[PulseCell], *, total_shown: bool, k: int) -> Decision:
    """Decide which cells of one ended week to show, and whether its total.

    A cell is shown from k people on. The total is what would tell of the withheld cells by subtraction: it is shown
    only if they hold nobody, or at least k people together, and then they stay withheld for good. Cells that come
    after the total have nobody in it.
    """
    opened = [each for each in cells if each.state is State.OPEN]
    shown = tuple(each for each in opened if each.marks.respondents >= k)
    small = tuple(each for each in opened if each.marks.respondents < k)
    if total_shown:
        return Decision(shown, (), True)
    hidden = sum(each.marks.respondents for each in small)
    if not cells or 0 < hidden < k:
        return Decision(shown, (), False)
    return Decision(shown, small, True)


def results(cells: Sequence[PulseCell], weeks_with_total: Collection[str]) -> list[Result]:
    """Say what may be said of cells, all of a week's where its total is wanted: by group, then week."""
    totals: dict[str, Marks] = {}
    for each in cells:
        week = each.cell.week
        if week in weeks_with_total and each.state is not State.OPEN:
            totals[week] = totals[week] + each.marks if week in totals else each.marks
    found = [Result(each.cell, each.marks if each.state is State.SHOWN else None) for each in cells]
    found += [Result(Cell("", week), marks) for week, marks in totals.items()]
    return sorted(found, key=lambda result: result.cell)
