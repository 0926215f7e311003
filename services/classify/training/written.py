"""Texts made for the project: what customers and staff say, English reviews, and words of two English lexicons."""

import itertools
import random
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from pathlib import Path
from statistics import mean
from typing import Any
from xml.etree import ElementTree

import yaml
from training import endings
from training.examples import NEGATIVE, NEUTRAL, POSITIVE, Example, Labels, Split
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

HERE = Path(__file__).parent

REVIEWS = 24_000
WAYS_OF_A_SENTENCE = 3
OTHER_ENDING = 0.35  # share of Korean sentences that end in another way than they are written
NEIGHBOUR = 0.3  # share of sentences that another of their group follows
FRAMES_OF_A_WORD = 3
TAKES_A_SIDE = 0.2  # of a word's polarity, which goes from -1 to 1
STRONG = 0.4
FROM_LEXICON = 0.25  # share of a review's adjectives
VADER_MOST = 4.0  # valence of the strongest words
SIDES_OF_NEUTRAL = 0.2  # probability of both sides together, for a text that people call neutral

_VADER = SentimentIntensityAnalyzer()

_MARKS = {"ko": ["", "", ".", "!", "..", "~"], "en": ["", "", ".", "!", "..."]}
_POLARITY = {"negative": NEGATIVE, "neutral": NEUTRAL, "positive": POSITIVE}
_TURNED = {"negative": "positive", "neutral": "neutral", "positive": "negative"}
_FEELING = {"negative": "disappointment", "neutral": "neutral", "positive": "joy"}


def written(labels: Labels, seed: int, limit: int | None = None) -> Iterator[Example]:
    """Make all of them, all for training; `limit` makes that many of each kind."""
    yield from _phrases(labels, seed, limit or 300)
    yield from itertools.islice(_sentences(labels, seed), limit)
    yield from _reviews(labels, seed, limit or REVIEWS)
    yield from itertools.islice(_words(seed), limit)


def leaning(text: str) -> tuple[float, float, float]:
    """Give the target of a neutral English text, with what VADER makes of its words in the balance of the sides."""
    lean = float(_VADER.polarity_scores(text)["compound"])  # -1 to 1
    return SIDES_OF_NEUTRAL / 2 * (1 - lean), 1 - SIDES_OF_NEUTRAL, SIDES_OF_NEUTRAL / 2 * (1 + lean)


def _phrases(labels: Labels, seed: int, most: int) -> Iterator[Example]:
    groups: list[dict[str, Any]] = yaml.safe_load((HERE / "phrases.yaml").read_text(encoding="utf-8"))
    chooser = random.Random(seed)
    fillers = {
        "ko": ["", "", "", "정말 ", "진짜 ", "ㅠㅠ ", "솔직히 "],
        "en": ["", "", "", "honestly ", "really, ", "so "],
    }
    for group in groups:
        pairs = list(itertools.product(group["subjects"], group["predicates"]))
        chooser.shuffle(pairs)
        language = group["language"]
        for subject, predicate in pairs[:most]:
            filler = chooser.choice(fillers[language])
            said = _otherwise(predicate, chooser) if language == "ko" and "utterance" not in group else predicate
            text = f"{subject} {filler if chooser.random() < 0.5 else ''}{said}{chooser.choice(_MARKS[language])}"
            if chooser.random() < 0.25:
                other = chooser.choice(pairs)
                text = f"{text} {other[0]} {other[1]}"
            yield Example(
                text,
                "phrases",
                Split.TRAIN,
                sentiment=_POLARITY[group["sentiment"]],
                emotion=_only(labels, group["emotion"]),
                abuse=0.0,
                abuse_weight=0.5,
                utterance=labels.utterances.index(group.get("utterance", "statement")),
            )


def _sentences(labels: Labels, seed: int) -> Iterator[Example]:
    """Give each line of sentences.yaml a few times, with other endings, marks and neighbours."""
    groups: list[dict[str, str]] = yaml.safe_load((HERE / "sentences.yaml").read_text(encoding="utf-8"))
    chooser = random.Random(seed)
    for group in groups:
        lines, language = group["lines"].splitlines(), group["language"]
        for line in lines * WAYS_OF_A_SENTENCE:
            said = [line, chooser.choice(lines)] if chooser.random() < NEIGHBOUR else [line]
            yield Example(
                " ".join(
                    (_otherwise(one, chooser) if language == "ko" else one) + chooser.choice(_MARKS[language])
                    for one in said
                ),
                "sentences",
                Split.TRAIN,
                sentiment=_POLARITY[group["sentiment"]],
                emotion=_only(labels, group["emotion"]),
                abuse=0.0,
                abuse_weight=0.5,
            )


def _otherwise(text: str, chooser: random.Random) -> str:
    """Give some Korean sentences another ending, and the others as they are."""
    return chooser.choice(endings.others(text) or (text,)) if chooser.random() < OTHER_ENDING else text


def _reviews(labels: Labels, seed: int, most: int) -> Iterator[Example]:
    """Fill the patterns of reviews.yaml at random; the same seed gives the same sentences."""
    raw: dict[str, Any] = yaml.safe_load((HERE / "reviews.yaml").read_text(encoding="utf-8"))
    listed = adjectives()
    raw["lexicon"] = {
        "positive": [word for word, polarity in listed.items() if polarity >= STRONG],
        "negative": [word for word, polarity in listed.items() if polarity <= -STRONG],
        "neutral": raw["adjectives"]["neutral"],
    }
    chooser = random.Random(seed)
    for _ in range(most):
        side, text = _review(raw, chooser)
        if chooser.random() < 0.3:
            # Two of one opinion; a longer text is more than its first sentence.
            other, more = _review(raw, chooser)
            text = f"{text}{chooser.choice(['. ', ', ', ' and ', '! '])}{more}" if other == side else text
        ending = "" if text.endswith("!") else chooser.choice(["", "", ".", "!", "..."])
        yield Example(
            text + ending,
            "reviews",
            Split.TRAIN,
            sentiment=_POLARITY[side],
            emotion=_only(labels, _FEELING[side]) if chooser.random() < 0.3 else None,
            abuse=0.0,
            abuse_weight=0.2,
        )


def _review(raw: dict[str, Any], chooser: random.Random) -> tuple[str, str]:
    side = chooser.choices(["negative", "positive", "neutral"], [10, 10, 2])[0]
    if chooser.random() < 0.35:
        return side, chooser.choice(raw["sentences"][side])
    turned = side != "neutral" and chooser.random() < 0.22
    pattern = chooser.choice(raw["patterns"]["turned" if turned else "same"])
    said = _TURNED[side] if turned else side
    if "{v}" in pattern and side == "neutral":
        pattern = "the {n} is {a}"
    nouns = raw["nouns"][chooser.choice(list(raw["nouns"]))]
    first, second = (
        chooser.choice(raw["lexicon" if chooser.random() < FROM_LEXICON else "adjectives"][said]) for _ in range(2)
    )
    verbs = raw["verbs"].get(said, [""])
    return side, pattern.format(
        n=chooser.choice(nouns), m=chooser.choice(nouns), a=first, b=second, v=chooser.choice(verbs)
    )


def adjectives() -> dict[str, float]:
    """Give the English adjectives of TextBlob's lexicon with their polarity, the mean over their senses."""
    path = distribution("textblob").locate_file("textblob/en/en-sentiment.xml")
    senses: dict[str, list[float]] = {}
    for word in ElementTree.parse(str(path)).iter("word"):
        if word.get("pos") == "JJ" and word.get("form", "").isalpha():
            senses.setdefault(word.get("form", ""), []).append(float(word.get("polarity", 0)))
    return {form: mean(found) for form, found in sorted(senses.items())}


def _words(seed: int) -> Iterator[Example]:
    """Put each English word that a lexicon gives a side into a frame that says nothing."""
    valences: Mapping[str, float] = _VADER.lexicon
    frames = [
        "{}",
        "it is {}",
        "so {}",
        "very {}",
        "the {} thing",
        "it was {} again",
        "they are {}",
        "{} for me",
        "that {}",
    ]
    for source, polarities in (
        ("vader", {word: valence / VADER_MOST for word, valence in sorted(valences.items())}),
        ("textblob", adjectives()),
    ):
        chooser = random.Random(f"{source} {seed}")
        for word, polarity in polarities.items():
            if not (word.isascii() and word.isalpha()) or abs(polarity) < TAKES_A_SIDE:
                continue
            sure = 0.9 if abs(polarity) >= STRONG else 0.75
            target = (0.03, 0.97 - sure, sure) if polarity > 0 else (sure, 0.97 - sure, 0.03)
            for frame in chooser.sample(frames, FRAMES_OF_A_WORD):
                yield Example(frame.format(word), source, Split.TRAIN, sentiment=target, sentiment_weight=0.7)


def _only(labels: Labels, emotion: str) -> tuple[float, ...]:
    return tuple(1.0 if name == emotion else 0.0 for name in labels.emotions)
