"""What the made-up staff say: weekly eNPS marks and voices."""

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sori.ee_feedback.v1 import ee_feedback_service_pb2 as pb
from sori_sample.company import CALL_CENTER, DELIVERY_TEAM, HQ_CX, UNITS, Unit
from sori_sample.decks import Deck, parts
from sori_sample.stories import ENPS_CARDS, FALLING_SHOP, VOICE_CARDS, Mood, Plan
from sori_sample.texts import Author, Said, Sentiment
from sori_sample.window import week_name

PULSE_SHARE: Final = 0.78  # 0 to 1; of a unit's people who answer in a week
ENOUGH_FOR_PULSE: Final = 5  # distinct people, the default k of ee-feedback
ENOUGH_FOR_VOICES: Final = 8  # distinct authors
SHORT_PULSES: Final[Mapping[tuple[str, int], int]] = {("shop-jeju", 1): 4, ("shop-daegu", 2): 3, ("hq-cx", 0): 4}
VOICE_COUNTS: Final[Mapping[str, Sequence[int]]] = {  # distinct authors in each of the four weeks
    "shop-gangnam": (9, 8, 9, 8),
    "shop-hongdae": (8, 10, 11, 9),
    "shop-jamsil": (8, 8, 5, 8),
    "shop-busan": (8, 6, 8, 8),
    "shop-daegu": (4, 8, 3, 8),
    "shop-jeju": (3, 5, 8, 2),
    "call-center": (8, 9, 10, 11),
    "delivery-team": (5, 8, 9, 8),
    "hq-cx": (4, 8, 3, 2),
}
DANGERS: Final = frozenset(  # unit and week of a voice about safety or abuse
    {
        ("shop-gangnam", 1),
        ("shop-jamsil", 0),
        ("shop-busan", 2),
        ("shop-hongdae", 2),
        ("call-center", 1),
        ("delivery-team", 2),
        ("shop-jeju", 1),
        ("shop-daegu", 0),
    }
)
EVERYDAY_TOPICS: Final = ("workload", "tools", "manager", "pay", "recognition", "growth", "belonging")
TOPICS_BY_MOOD: Final[Mapping[tuple[str, Mood], Sequence[str]]] = {
    (FALLING_SHOP, Mood.FALLEN): ("workload", "manager", "belonging"),
    (CALL_CENTER.name, Mood.TIRED): ("workload", "tools"),
    (DELIVERY_TEAM.name, Mood.TIRED): ("workload", "tools", "recognition"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffWeek:
    """What to expect of one unit's staff in one week."""

    org_unit: str
    week: str
    mood: str
    respondent_count: int
    promoter_count: int
    detractor_count: int
    enps: float
    pulse_too_few: bool
    voice_count: int  # one voice an author
    negative_voice_count: int
    voices_too_few: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffMonth:
    """Everything staff said, with what only its maker knows."""

    responses: Sequence[pb.ImportedResponse]
    weeks: Sequence[StaffWeek]
    voice_labels: Sequence[Said]


def listen(plan: Plan, rng: random.Random) -> StaffMonth:
    """Ask the staff of every unit in each of the four weeks."""
    author = Author(rng)
    languages = Deck(parts(ko=4, en=1), rng)
    responses: list[pb.ImportedResponse] = []
    weeks: list[StaffWeek] = []
    labels: list[Said] = []
    for index, monday in enumerate(plan.window.mondays):
        for unit in UNITS:
            mood = plan.staff_mood(unit.name, monday)
            marks = _marks(unit, index, mood, rng)
            voices = _voices(unit, index, mood, author, languages, rng)
            week = week_name(monday)
            for person in sorted({*marks, *voices}):
                said = voices.get(person)
                response = pb.ImportedResponse(
                    respondent_key=person, org_unit=unit.name, week=week, text=said.text if said else ""
                )
                if person in marks:
                    response.score = marks[person]
                responses.append(response)
            weeks.append(_expected(unit, monday, mood, list(marks.values()), list(voices.values())))
            labels.extend(voices.values())
    return StaffMonth(responses=responses, weeks=weeks, voice_labels=labels)


def _people(unit: Unit) -> list[str]:
    return [f"{unit.name}-employee-{number:02}" for number in range(1, unit.headcount + 1)]


def _place(unit: Unit) -> str:
    """Name the kind of unit as the texts do."""
    return {CALL_CENTER.name: "call", DELIVERY_TEAM.name: "delivery", HQ_CX.name: "hq"}.get(unit.name, "shop")


def _marks(unit: Unit, week: int, mood: Mood, rng: random.Random) -> dict[str, int]:
    count = SHORT_PULSES.get((unit.name, week), round(unit.headcount * PULSE_SHARE))
    deck = Deck(ENPS_CARDS[mood], rng)
    return {person: deck.deal() for person in rng.sample(_people(unit), count)}


def _voices(
    unit: Unit, week: int, mood: Mood, author: Author, languages: Deck[str], rng: random.Random
) -> dict[str, Said]:
    deck = Deck(VOICE_CARDS[mood], rng)
    topics = TOPICS_BY_MOOD.get((unit.name, mood), EVERYDAY_TOPICS)
    found: dict[str, Said] = {}
    for number, person in enumerate(rng.sample(_people(unit), VOICE_COUNTS[unit.name][week])):
        danger = number == 0 and (unit.name, week) in DANGERS
        sentiment = Sentiment.NEGATIVE if danger else Sentiment(deck.deal())
        about = ("safety",) if danger else topics
        found[person] = author.write("staff", languages.deal(), sentiment, topics=about, unit=unit, place=_place(unit))
    return found


def _expected(unit: Unit, monday: dt.date, mood: Mood, marks: Sequence[int], voices: Sequence[Said]) -> StaffWeek:
    promoters = sum(mark >= 9 for mark in marks)
    detractors = sum(mark <= 6 for mark in marks)
    return StaffWeek(
        org_unit=unit.name,
        week=week_name(monday),
        mood=mood,
        respondent_count=len(marks),
        promoter_count=promoters,
        detractor_count=detractors,
        enps=round((promoters - detractors) / len(marks) * 100, 1),
        pulse_too_few=len(marks) < ENOUGH_FOR_PULSE,
        voice_count=len(voices),
        negative_voice_count=sum(said.sentiment == Sentiment.NEGATIVE for said in voices),
        voices_too_few=len(voices) < ENOUGH_FOR_VOICES,
    )
