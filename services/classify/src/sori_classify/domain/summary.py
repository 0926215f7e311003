"""Extractive summaries: the sentences nearest to what all of them say (centroid; Radev and others, 2004)."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_SHORT = 2  # words; greetings and answers of one word sum up nothing
_ALIKE = 0.7  # share of words in common from which two sentences say the same
_LONG = 20  # words; more of them make a sentence no better
_ONCE = 0.5  # what a word weighs that does not return, of what it would by its rarity
# What people say to be polite, in calls and chats most of all; it is no matter.
_COURTESY = frozenset(
    {
        *("안녕", "감사", "죄송", "고객", "고객님", "잠시", "잠시만", "말씀", "양해", "부탁"),
        *("hello", "hi", "thank", "thanks", "sorry", "please", "moment", "calling", "help", "welcome"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of one of the texts."""

    text_index: int
    start: int  # code points
    end: int  # exclusive
    text: str
    words: tuple[str, ...]
    score: float = 0.0


def summarise(sentences: Sequence[Sentence], *, most: int, passing: frozenset[str] = frozenset()) -> list[Sentence]:
    """Choose up to `most` sentences that stand for all, in the order of the texts; no two say the same."""
    bags = [Counter(word for word in each.words if word not in passing and word not in _COURTESY) for each in sentences]
    holding = Counter(word for bag in bags for word in bag)
    many = len(sentences)
    # A word that returns is a matter; one that is nowhere missing is none.
    weight = {
        word: (1 if count > 1 else _ONCE) * math.log1p(count) * math.log((1 + many) / count)
        for word, count in holding.items()
    }
    scored = []
    for at, bag in enumerate(bags):
        if bag:
            worth = sum(weight[word] for word in bag)
            length = max(len(bag), _SHORT)
            scored.append((worth / math.sqrt(min(length, _LONG)) * (0.5 if len(bag) < _SHORT else 1.0), -at))
    chosen: list[tuple[int, float]] = []
    for score, behind in sorted(scored, reverse=True):
        at = -behind
        if all(_alike(bags[at], bags[other]) < _ALIKE for other, _ in chosen):
            chosen.append((at, score))
            if len(chosen) == most:
                break
    if not chosen and sentences:
        chosen = [(at, 0.0) for at in range(min(most, many))]
    return [
        Sentence(
            text_index=sentences[at].text_index,
            start=sentences[at].start,
            end=sentences[at].end,
            text=sentences[at].text,
            words=sentences[at].words,
            score=round(score, 4),
        )
        for at, score in sorted(chosen)
    ]


def _alike(one: Counter[str], other: Counter[str]) -> float:
    common = sum((one & other).values())
    return common / (min(sum(one.values()), sum(other.values())) or 1)
