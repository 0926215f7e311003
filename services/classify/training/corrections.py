"""What people said that classifications should have been, as examples, and what training on them changed."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from training.examples import Example, Labels, split_of

from sori_classify.domain import EMOTIONS, UTTERANCES, Scores, Sentiment
from sori_classify.model.onnx import Model

SOURCE = "corrections"

_SIDES = {
    str(Sentiment.NEGATIVE): (1.0, 0.0, 0.0),
    str(Sentiment.NEUTRAL): (0.0, 1.0, 0.0),
    str(Sentiment.POSITIVE): (0.0, 0.0, 1.0),
}


def read(path: Path, labels: Labels, seed: int) -> list[Example]:
    """Read exported corrections: a JSON object of a ClassificationCorrected on each line.

    Those without a text teach nothing and are left out. Of one touchpoint's, a later one goes before an earlier one,
    field by field.
    """
    merged: dict[str, dict[str, Any]] = {}
    with path.open(encoding="utf-8") as lines:
        rows = [(at, _object(path, at, line)) for at, line in enumerate(lines, 1) if line.strip()]
    rows.sort(key=lambda row: (_field(row[1], "corrected_time") or "", row[0]))
    for at, row in rows:
        if not row.get("text"):
            continue
        entry = merged.setdefault(str(_field(row, "touchpoint_id") or row["text"]), {})
        entry["text"] = row["text"]
        correction = row.get("correction")
        if not isinstance(correction, dict):
            raise ValueError(f"{path}:{at}: has no correction")
        entry |= {name: value for name, value in correction.items() if value is not None}
    return [_example(entry, labels, seed) for entry in merged.values()]


def report(before: Model | None, after: Model, examples: Sequence[Example]) -> list[str]:
    """Say how many of the corrected answers each model gives, on those it learnt from and on those kept to measure."""
    lines = ["| corrected | kept for | answers | right before | right now |", "| --- | --- | --- | --- | --- |"]
    for name in ("sentiment", "emotion", "abuse", "utterance"):
        for split in dict.fromkeys(example.split for example in examples):
            chosen = [one for one in examples if one.split is split and getattr(one, name) is not None]
            if not chosen:
                continue
            right = [
                "" if model is None else str(_right(name, chosen, model.score([one.text for one in chosen])))
                for model in (before, after)
            ]
            lines.append(f"| {name} | {split} | {len(chosen)} | {right[0]} | {right[1]} |")
    return lines


def _right(name: str, examples: Iterable[Example], scores: Iterable[Scores]) -> int:
    count = 0
    for example, found in zip(examples, scores, strict=True):
        feeling = (found.sentiment.negative, found.sentiment.neutral, found.sentiment.positive)
        count += {
            "sentiment": lambda one=example, told=feeling: _strongest(one.sentiment) == _strongest(told),
            "emotion": lambda one=example, told=found: _strongest(one.emotion) == _strongest(told.emotions),
            "abuse": lambda one=example, told=found: (one.abuse == 1) == (told.abuse > 0.5),
            "utterance": lambda one=example, told=found: one.utterance == _strongest(told.utterances),
        }[name]()
    return count


def _strongest(values: Sequence[float] | None) -> int:
    return -1 if values is None else max(range(len(values)), key=values.__getitem__)


def _object(path: Path, at: int, line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}:{at}: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}:{at}: is no JSON object")
    return found


def _field(row: dict[str, Any], name: str) -> Any:
    """Read a field by its name in the protocol or as JSON writes it, which is in camel case."""
    head, *tail = name.split("_")
    return row.get(name, row.get(head + "".join(map(str.capitalize, tail))))


def _example(entry: dict[str, Any], labels: Labels, seed: int) -> Example:
    example = Example(entry["text"], SOURCE, split_of(entry["text"], seed))
    side = str(entry.get("sentiment", "")).lower().removeprefix("sentiment_")
    example.sentiment = _SIDES.get(side)
    if entry.get("emotion") in EMOTIONS:
        example.emotion = tuple(float(name == entry["emotion"]) for name in labels.emotions)
    if isinstance(entry.get("abusive"), bool):
        example.abuse = float(entry["abusive"])
    utterance = str(entry.get("utterance", "")).lower().removeprefix("utterance_")
    if utterance in UTTERANCES:
        example.utterance = [str(one) for one in UTTERANCES].index(utterance)
    return example
