"""A labelled text in one shape for all sets, the split that it falls into, and how labels map."""

import hashlib
import re
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
    stars: int | None = None  # 1 to 10


_NOT_WORD = re.compile(r"[\W_]+")

NEGATIVE, NEUTRAL, POSITIVE = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)


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


def split_of(text: str, seed: int) -> Split:
    """Choose a split by the letters and digits of the text alone, so that copies and near copies stay together."""
    key = _NOT_WORD.sub("", text.lower())
    share = int.from_bytes(hashlib.sha256(f"{seed}:{key}".encode()).digest()[:8]) / 2**64
    if share < TEST_SHARE:
        return Split.TEST
    return Split.CALIBRATION if share < TEST_SHARE + CALIBRATION_SHARE else Split.TRAIN
