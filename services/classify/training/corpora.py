"""The labelled texts, in one shape, with splits that share no text."""

import hashlib
import itertools
import lzma
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent

TEST_SHARE = 0.07  # of each set, by a hash of the text
CALIBRATION_SHARE = 0.04


class Split(StrEnum):
    """What a text is used for; the same text is in one split only, whichever sets it occurs in."""

    TRAIN = "train"
    CALIBRATION = "calibration"
    TEST = "test"


@dataclass(slots=True)
class Example:
    """A text with the targets that its set knows; a target that is None is not trained on."""

    text: str
    source: str
    split: Split
    sentiment: tuple[float, float, float] | None = None  # negative, neutral, positive
    sentiment_weight: float = 1.0
    emotion: tuple[float, ...] | None = None  # share of each group
    abuse: float | None = None
    abuse_weight: float = 1.0
    utterance: int | None = None
    utterance_weight: float = 1.0
    kote: tuple[int, ...] | None = None
    goemotions: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file of labelled texts and where it comes from."""

    name: str
    file: str
    repository: str
    licence: str


SOURCES = (
    Source(name="nsmc", file="nsmc/train.tsv.xz", repository="e9t/nsmc", licence="CC0 1.0"),
    Source(name="nsmc_stars", file="nsmc/extra_stars.tsv.xz", repository="e9t/nsmc", licence="CC0 1.0"),
    Source(name="kote", file="kote/val.tsv.xz", repository="searle-j/KOTE", licence="MIT"),
    Source(name="curse_2runo", file="curse_2runo/train.tsv.xz", repository="2runo/Curse-detection-data", licence="MIT"),
    Source(
        name="malicious_zizun",
        file="malicious_zizun/train.tsv.xz",
        repository="ZIZUN/korean-malicious-comments-dataset",
        licence="MIT; its kocohub part CC BY-SA 4.0",
    ),
    Source(
        name="kocohub_hate",
        file="kocohub_hate/train.tsv.xz",
        repository="kocohub/korean-hate-speech",
        licence="CC BY-SA 4.0",
    ),
    Source(name="kmhas", file="kmhas/valid.tsv.xz", repository="adlnlp/K-MHaS", licence="CC BY-SA 4.0"),
    Source(name="intent_3i4k", file="intent_3i4k/train.tsv.xz", repository="warnikchow/3i4k", licence="CC BY-SA 4.0"),
    Source(
        name="goemotions",
        file="en_goemotions/train.tsv.xz",
        repository="monologg/GoEmotions-pytorch (of google-research)",
        licence="Apache-2.0 / CC BY 4.0",
    ),
    Source(
        name="banking77",
        file="en_banking77/train.tsv.xz",
        repository="PolyAI-LDN/task-specific-datasets",
        licence="CC BY 4.0",
    ),
)

_NOT_WORD = re.compile(r"[\W_]+")

NEGATIVE, NEUTRAL, POSITIVE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_POLARITY = {"negative": NEGATIVE, "neutral": NEUTRAL, "positive": POSITIVE}


@dataclass(frozen=True, slots=True)
class Labels:
    """How the sets' own labels map to the model's, from labels.yaml."""

    emotions: list[str]
    utterances: list[str]
    kote: list[list[str | None]]
    goemotions: list[list[str | None]]
    intents: list[str]
    patterns: dict[str, re.Pattern[str]] = field(default_factory=dict)

    @classmethod
    def load(cls) -> "Labels":
        """Read the mapping that stands beside this file."""
        raw: dict[str, Any] = yaml.safe_load((HERE / "labels.yaml").read_text(encoding="utf-8"))
        patterns = {name: re.compile(pattern) for name, pattern in raw["weak_english"].items()}
        patterns |= {f"korean_{name}": re.compile(pattern) for name, pattern in raw["weak_korean"].items()}
        return cls(raw["emotions"], raw["utterances"], raw["kote"], raw["goemotions"], raw["intent_3i4k"], patterns)

    def emotion(self, table: list[list[str | None]], labels: tuple[int, ...]) -> tuple[float, ...] | None:
        """Share each group's part of the labels."""
        counts = [0.0] * len(self.emotions)
        for label in labels:
            group = table[label][1]
            if group is not None:
                counts[self.emotions.index(group)] += 1
        total = sum(counts)
        return tuple(count / total for count in counts) if total else None

    def sentiment(self, table: list[list[str | None]], labels: tuple[int, ...]) -> tuple[float, float, float] | None:
        """Take the side of most labels; none without a clear majority, neutral when no label takes a side."""
        sides = [table[label][2] for label in labels]
        positive, negative = sides.count("positive"), sides.count("negative")
        if not positive and not negative:
            return NEUTRAL
        if min(positive, negative) * 2 > max(positive, negative):
            return None
        return POSITIVE if positive > negative else NEGATIVE


def checksums(data: Path) -> dict[str, str]:
    """Give each file's SHA-256."""
    return {source.file: hashlib.sha256((data / source.file).read_bytes()).hexdigest() for source in SOURCES}


def split_of(text: str, seed: int) -> Split:
    """Choose a split by the letters and digits of the text alone, so that copies and near copies stay together."""
    key = _NOT_WORD.sub("", text.lower())
    share = int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8]) / 2**64
    if share < TEST_SHARE:
        return Split.TEST
    return Split.CALIBRATION if share < TEST_SHARE + CALIBRATION_SHARE else Split.TRAIN


def load(data: Path, seed: int, *, limit: int | None = None) -> list[Example]:
    """Read every set, and the phrases written for the project; `limit` takes that many rows of each."""
    labels = Labels.load()
    examples: list[Example] = []
    for source in SOURCES:
        rows = itertools.islice(_rows(data / source.file), limit)
        examples.extend(_READERS[source.name](rows, labels, seed))
    examples.extend(_phrases(labels, seed, limit or 300))
    return examples


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with lzma.open(path, "rt", encoding="utf-8", newline="\n") as lines:
        names = next(lines).rstrip("\n").split("\t")
        for line in lines:
            yield dict(zip(names, line.rstrip("\n").split("\t"), strict=True))


def _chance(text: str, salt: str) -> float:
    """Give a number from 0 to 1 that depends on the text alone."""
    return int.from_bytes(hashlib.blake2b(f"{salt}:{text}".encode(), digest_size=4).digest()) / 2**32


def _weak_statement(text: str, labels: Labels) -> int | None:
    if labels.patterns["korean_statement"].search(text) and not labels.patterns["korean_not_statement"].search(text):
        return labels.utterances.index("statement")
    return None


def _nsmc(rows: Iterator[dict[str, str]], labels: Labels, seed: int) -> Iterator[Example]:
    for row in rows:
        positive = row["label"] == "1"
        example = Example(
            row["text"], "nsmc", split_of(row["text"], seed), sentiment=POSITIVE if positive else NEGATIVE
        )
        if example.split is Split.TRAIN and _chance(row["text"], "utterance") < 0.15:
            example.utterance, example.utterance_weight = _weak_statement(row["text"], labels), 0.5
        if example.split is Split.TRAIN and positive and _chance(row["text"], "abuse") < 0.15:
            example.abuse, example.abuse_weight = 0.0, 0.3
        yield example


def _stars(rows: Iterator[dict[str, str]], labels: Labels, seed: int) -> Iterator[Example]:
    # 1-4 are few and all used; the others are thinned so that no side drowns another.
    kept = {5: 0.9, 6: 0.6, 7: 0.2, 8: 0.2, 9: 0.35, 10: 0.1}
    target = {5: (0.3, 0.7, 0.0), 6: NEUTRAL, 7: (0.0, 0.5, 0.5), 8: (0.0, 0.15, 0.85)}
    for row in rows:
        stars = int(row["stars"])
        if stars > 4 and _chance(row["text"], "stars") >= kept[stars]:
            continue
        side = target.get(stars, NEGATIVE if stars < 5 else POSITIVE)
        weight = 0.6 if 5 <= stars <= 8 else 1.0
        yield Example(row["text"], "nsmc_stars", split_of(row["text"], seed), sentiment=side, sentiment_weight=weight)


def _kote(rows: Iterator[dict[str, str]], labels: Labels, seed: int) -> Iterator[Example]:
    for row in rows:
        chosen = tuple(map(int, row["labels"].split(",")))
        yield Example(
            row["text"],
            "kote",
            split_of(row["text"], seed),
            sentiment=labels.sentiment(labels.kote, chosen),
            emotion=labels.emotion(labels.kote, chosen),
            kote=chosen,
        )


def _goemotions(rows: Iterator[dict[str, str]], labels: Labels, seed: int) -> Iterator[Example]:
    for row in rows:
        chosen = tuple(map(int, row["labels"].split(",")))
        lowered = row["text"].lower()
        yield Example(
            row["text"],
            "goemotions",
            split_of(row["text"], seed),
            sentiment=labels.sentiment(labels.goemotions, chosen),
            emotion=labels.emotion(labels.goemotions, chosen),
            goemotions=chosen,
            abuse=1.0 if labels.patterns["abuse"].search(lowered) else 0.0,
            abuse_weight=0.5,
            utterance=_weak_english(lowered, labels),
            utterance_weight=0.5,
        )


def _weak_english(lowered: str, labels: Labels) -> int:
    for name in ("request", "question"):
        if labels.patterns[name].search(lowered):
            return labels.utterances.index(name)
    return labels.utterances.index("statement")


def _abuse(name: str) -> Any:
    def read(rows: Iterator[dict[str, str]], labels: Labels, seed: int) -> Iterator[Example]:
        for row in rows:
            yield Example(row["text"], name, split_of(row["text"], seed), abuse=float(row["abuse"]))

    return read


def _intents(rows: Iterator[dict[str, str]], labels: Labels, seed: int) -> Iterator[Example]:
    for row in rows:
        kind = labels.intents[int(row["label"])]
        text = row["text"]
        # The set has no punctuation, but people who write use it.
        if kind in ("question", "statement", "request") and _chance(text, "mark") < 0.4:
            text += "?" if kind == "question" else "."
        example = Example(text, "intent_3i4k", split_of(row["text"], seed), utterance=labels.utterances.index(kind))
        if example.split is Split.TRAIN:
            if _chance(text, "abuse") < 0.4:
                example.abuse, example.abuse_weight = 0.0, 0.3
            if kind in ("question", "request") and _chance(text, "sentiment") < 0.4:
                example.sentiment, example.sentiment_weight = NEUTRAL, 0.3
        yield example


def _banking(rows: Iterator[dict[str, str]], labels: Labels, seed: int) -> Iterator[Example]:
    for row in rows:
        yield Example(
            row["text"],
            "banking77",
            split_of(row["text"], seed),
            sentiment=(0.25, 0.75, 0.0) if split_of(row["text"], seed) is Split.TRAIN else None,
            sentiment_weight=0.3,
            abuse=0.0,
            abuse_weight=0.3,
            utterance=_weak_english(row["text"].lower(), labels),
            utterance_weight=0.5,
        )


def _phrases(labels: Labels, seed: int, most: int) -> Iterator[Example]:
    groups: list[dict[str, Any]] = yaml.safe_load((HERE / "phrases.yaml").read_text(encoding="utf-8"))
    chooser = random.Random(seed)
    fillers = {
        "ko": ["", "", "", "정말 ", "진짜 ", "ㅠㅠ ", "솔직히 "],
        "en": ["", "", "", "honestly ", "really, ", "so "],
    }
    ends = {"ko": ["", "", ".", "!", "..", "~"], "en": ["", "", ".", "!", "..."]}
    for group in groups:
        pairs = list(itertools.product(group["subjects"], group["predicates"]))
        chooser.shuffle(pairs)
        language = group["language"]
        emotion = tuple(1.0 if name == group["emotion"] else 0.0 for name in labels.emotions)
        for subject, predicate in pairs[:most]:
            filler = chooser.choice(fillers[language])
            text = f"{subject} {filler if chooser.random() < 0.5 else ''}{predicate}{chooser.choice(ends[language])}"
            if chooser.random() < 0.25:
                other = chooser.choice(pairs)
                text = f"{text} {other[0]} {other[1]}"
            yield Example(
                text,
                "phrases",
                Split.TRAIN,
                sentiment=_POLARITY[group["sentiment"]],
                emotion=emotion,
                abuse=0.0,
                abuse_weight=0.5,
                utterance=labels.utterances.index(group.get("utterance", "statement")),
            )


_READERS: dict[str, Any] = {
    "nsmc": _nsmc,
    "nsmc_stars": _stars,
    "kote": _kote,
    "curse_2runo": _abuse("curse_2runo"),
    "malicious_zizun": _abuse("malicious_zizun"),
    "kocohub_hate": _abuse("kocohub_hate"),
    "kmhas": _abuse("kmhas"),
    "intent_3i4k": _intents,
    "goemotions": _goemotions,
    "banking77": _banking,
}
