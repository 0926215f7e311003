"""The three stories hidden in the month: when they happen, to whom, and how hard."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sori_sample.company import CALL_CENTER, DELIVERY_TEAM
from sori_sample.decks import parts
from sori_sample.window import Window

FAILURE_FIRST_DAY: Final = 18  # day numbers are 1 to 30
FAILURE_LAST_DAY: Final = 20
FAILURE_MENTION_COUNTS: Final = (32, 28, 16)  # extra mentions on each of its days
FALLING_SHOP: Final = "shop-hongdae"
QUEUE_FIRST_DAY: Final = 21
PROMISE_MINUTES: Final = 5.0


class Mood(StrEnum):
    """How a group of people feels at a time; decides the cards in its decks."""

    USUAL = "usual"
    TIRED = "tired"
    FALLEN = "fallen"


TEXT_CARDS: Final[Mapping[Mood, Sequence[str]]] = {
    Mood.USUAL: parts(negative=4, neutral=5, positive=2),
    Mood.TIRED: parts(negative=6, neutral=3, positive=1),
    Mood.FALLEN: parts(negative=8, neutral=2, positive=0),
}
REVIEW_CARDS: Final[Mapping[Mood, Sequence[str]]] = {
    Mood.USUAL: parts(negative=2, neutral=2, positive=6),
    Mood.TIRED: parts(negative=5, neutral=2, positive=3),
    Mood.FALLEN: parts(negative=7, neutral=2, positive=1),
}
VOICE_CARDS: Final[Mapping[Mood, Sequence[str]]] = {
    Mood.USUAL: parts(negative=3, neutral=3, positive=4),
    Mood.TIRED: parts(negative=6, neutral=2, positive=2),
    Mood.FALLEN: parts(negative=8, neutral=1, positive=1),
}
CSAT_CARDS: Final[Mapping[Mood, Sequence[int]]] = {
    Mood.USUAL: [5, 5, 5, 5, 4, 4, 4, 4, 3, 2],
    Mood.TIRED: [5, 5, 4, 4, 4, 3, 3, 3, 2, 1],
    Mood.FALLEN: [5, 4, 4, 3, 3, 3, 2, 2, 1, 1],
}
NPS_CARDS: Final[Mapping[Mood, Sequence[int]]] = {
    Mood.USUAL: [10, 10, 9, 9, 9, 8, 8, 7, 6, 3],
    Mood.TIRED: [10, 9, 9, 8, 8, 7, 7, 6, 5, 2],
    Mood.FALLEN: [9, 8, 8, 7, 6, 5, 4, 3, 2, 0],
}
ENPS_CARDS: Final[Mapping[Mood, Sequence[int]]] = {
    Mood.USUAL: [10, 10, 9, 9, 9, 8, 8, 7, 7, 5],
    Mood.TIRED: [10, 9, 8, 8, 8, 7, 7, 6, 5, 4],
    Mood.FALLEN: [9, 8, 7, 6, 6, 5, 4, 3, 2, 0],
}


@dataclass(frozen=True, slots=True)
class Plan:
    """Answers, for any day, which story is going on."""

    window: Window

    @property
    def failure_days(self) -> Sequence[dt.date]:
        """The days on which deliveries fail and people say so."""
        return [self.window.day(number) for number in range(FAILURE_FIRST_DAY, FAILURE_LAST_DAY + 1)]

    @property
    def staff_fall(self) -> dt.date:
        """The Monday on which the falling shop's staff lose heart."""
        return self.window.mondays[1]

    @property
    def customer_fall(self) -> dt.date:
        """The Monday, two weeks later, from which its customers feel it."""
        return self.window.mondays[3]

    def delays(self, ordered: dt.date) -> bool:
        """Say whether an online order of this day gets stuck in the failure."""
        return FAILURE_FIRST_DAY - 1 <= self.window.number(ordered) < FAILURE_LAST_DAY

    def queue_breaks(self, day: dt.date) -> bool:
        """Say whether the call centre's queue is too long on this day."""
        return self.window.number(day) >= QUEUE_FIRST_DAY

    def customer_mood(self, unit: str, day: dt.date) -> Mood:
        """Say how a shop's customers feel on a day."""
        return Mood.FALLEN if unit == FALLING_SHOP and day >= self.customer_fall else Mood.USUAL

    def staff_mood(self, unit: str, monday: dt.date) -> Mood:
        """Say how a unit's staff feel in a week."""
        week = [monday + dt.timedelta(days=number) for number in range(7)]
        if unit == FALLING_SHOP:
            return Mood.FALLEN if monday >= self.staff_fall else Mood.USUAL
        if unit == CALL_CENTER.name and sum(map(self.queue_breaks, week)) >= 3:
            return Mood.TIRED
        if unit == DELIVERY_TEAM.name and set(week) & set(self.failure_days):
            return Mood.TIRED
        return Mood.USUAL
