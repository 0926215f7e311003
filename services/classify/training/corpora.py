"""The public sets of labelled texts, each read into the one shape."""

import hashlib
import itertools
import lzma
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.examples import NEGATIVE, NEUTRAL, POSITIVE, Example, Labels, Split, split_of
from training.written import leaning, written


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

# What kocohub calls offensive begins lower than what the others call abuse, and part of it stands in malicious_zizun.
ABUSE_WEIGHTS = {"curse_2runo": 1.0, "malicious_zizun": 1.0, "kocohub_hate": 0.4, "kmhas": 1.0}
UNLABELLED = 0.15  # share of the reviews without a use of their own that teachers label


def checksums(data: Path) -> dict[str, str]:
    """Give each file's SHA-256."""
    return {source.file: hashlib.sha256((data / source.file).read_bytes()).hexdigest() for source in SOURCES}


def load(data: Path, seed: int, *, limit: int | None = None) -> list[Example]:
    """Read every set, and what was written for the project; `limit` takes that many rows of each.

    Examples without any target are for teachers to label.
    """
    labels = Labels.load()
    examples: list[Example] = []
    for source in SOURCES:
        rows = itertools.islice(_rows(data / source.file), limit)
        examples.extend(_READERS[source.name](rows, labels, seed))
    examples.extend(written(labels, seed, limit))
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
        stars, split = int(row["stars"]), split_of(row["text"], seed)
        if stars > 4 and _chance(row["text"], "stars") >= kept[stars]:
            # Only for teachers to label: what is left over is one-sided.
            if split is Split.TRAIN and _chance(row["text"], "unlabelled") < UNLABELLED:
                yield Example(row["text"], "unlabelled", split)
            continue
        side = target.get(stars, NEGATIVE if stars < 5 else POSITIVE)
        weight = 0.6 if 5 <= stars <= 8 else 1.0
        yield Example(row["text"], "nsmc_stars", split, sentiment=side, sentiment_weight=weight, stars=stars)


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
        split, side = split_of(row["text"], seed), labels.sentiment(labels.goemotions, chosen)
        if split is Split.TRAIN and side == NEUTRAL:
            side = leaning(row["text"])
        yield Example(
            row["text"],
            "goemotions",
            split,
            sentiment=side,
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
            yield Example(
                row["text"],
                name,
                split_of(row["text"], seed),
                abuse=float(row["abuse"]),
                abuse_weight=ABUSE_WEIGHTS[name],
            )

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
