"""Chance that keeps its promises in small samples."""

import random
from collections.abc import Sequence
from typing import Generic, TypeVar

Card = TypeVar("Card")


class Deck(Generic[Card]):
    """Deals every card once before any comes again, so that shares hold for every seed."""

    def __init__(self, cards: Sequence[Card], rng: random.Random) -> None:
        self._cards = list(cards)
        self._rng = rng
        self._left: list[Card] = []

    def deal(self) -> Card:
        """Return the next card."""
        if not self._left:
            self._left = self._cards.copy()
            self._rng.shuffle(self._left)
        return self._left.pop()


def parts(**counts: int) -> list[str]:
    """Repeat each name as often as its count says; with yes=2 and no=1 that is yes, yes, no."""
    return [name for name, count in counts.items() for _ in range(count)]
