"""Measure a model on any table of texts and labels, with nothing installed but what classify serves with."""

import csv
import lzma
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from training import measures

from sori_classify.domain import Scores
from sori_classify.model.onnx import Model

KOTE_LABELS = 44
LABEL_COLUMNS = ("label", "labels", "abuse", "stars", "rating", "sentiment")
ENDINGS = (".tsv", ".tsv.xz")

_NEGATIVE, _NEUTRAL, _POSITIVE = range(3)
_SIDES = {
    "negative": _NEGATIVE, "neg": _NEGATIVE, "부정": _NEGATIVE, "부정적": _NEGATIVE, "-1": _NEGATIVE,
    "neutral": _NEUTRAL, "neu": _NEUTRAL, "중립": _NEUTRAL, "중립적": _NEUTRAL, "보통": _NEUTRAL, "mixed": _NEUTRAL,
    "positive": _POSITIVE, "pos": _POSITIVE, "긍정": _POSITIVE, "긍정적": _POSITIVE,
}  # fmt: skip
_ABUSE = {
    "abuse": 1, "abusive": 1, "hate": 1, "offensive": 1, "toxic": 1, "욕설": 1, "악성": 1, "혐오": 1,
    "clean": 0, "none": 0, "not_abuse": 0, "normal": 0, "정상": 0, "일반": 0,
}  # fmt: skip
_ABUSE_FILE = re.compile(r"abus|hate|curse|profan|malicious|toxic|kmhas|k-mhas|욕설|악성|혐오", re.IGNORECASE)
_WHOLE = re.compile(r"^(-?\d+)\.0+$")  # 5.0, as a table of numbers with gaps spells 5
_STARS_FILE = re.compile(r"star|rating", re.IGNORECASE)


class Task(StrEnum):
    """What a file's labels ask of the model."""

    TWO_SIDES = "sentiment, two sides"
    THREE_CLASSES = "sentiment, three classes"
    ABUSE = "abuse"
    KOTE = "kote, 44 emotions"


class Unreadable(Exception):
    """The file is no table of texts with labels that a task knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """How a model did on one file."""

    file: str
    task: Task
    n: int
    accuracy: float
    macro_f1: float
    ece: float | None  # none where several labels hold at once
    majority: float  # accuracy of always giving the commonest answer


@dataclass(frozen=True, slots=True)
class Question:
    """A file's texts, and what is right for each."""

    task: Task
    texts: Sequence[str]
    truth: np.ndarray  # [texts], or [texts, labels] for KOTE


def judge(model: Model, path: Path, task: Task | None = None) -> Judged:
    """Measure on one file; its task is told from its labels and its name unless it is given."""
    question = read(path, task)
    return measure(question, model.score(question.texts, fine=question.task is Task.KOTE), path.name)


def files(folder: Path) -> list[Path]:
    """Name the tables in a folder, or the one file that was given."""
    if folder.is_file():
        return [folder]
    return sorted(path for path in folder.iterdir() if path.name.endswith(ENDINGS))


def read(path: Path, task: Task | None = None) -> Question:
    """Read a table; rows without a text or a label are left out."""
    rows = [(text, label) for text, label in _rows(path) if text.strip() and label.strip()]
    if not rows:
        raise Unreadable(f"{path.name}: no rows with a text and a label")
    texts, given = zip(*rows, strict=True)
    labels = [_WHOLE.sub(r"\1", label.strip().lower()) for label in given]
    values = set(labels)
    task = task or _task(path.name, values)
    try:
        return Question(task, texts, _truth(path.name, task, labels, values))
    except (KeyError, ValueError, IndexError) as error:
        raise Unreadable(f"{path.name}: has a label that says nothing of {task.value}: {error}") from error


def _truth(name: str, task: Task, labels: Sequence[str], values: set[str]) -> np.ndarray:
    if task is Task.KOTE:
        truth = np.zeros((len(labels), KOTE_LABELS), int)
        for at, label in enumerate(labels):
            truth[at, [int(one) for one in label.split(",")]] = 1
        return truth
    number = _numbers(name, task, values)
    return np.asarray([number(label) for label in labels])


def measure(question: Question, scores: Sequence[Scores], file: str) -> Judged:
    """Compare what the model says with what is right."""
    truth = question.truth
    if question.task is Task.KOTE:
        said = (np.asarray([one.kote for one in scores]) >= 0.5).astype(int)
        return Judged(
            file=file,
            task=question.task,
            n=len(truth),
            accuracy=round(float((said == truth).mean()), 4),
            macro_f1=round(measures.macro_f1_of_labels(truth, said), 4),
            ece=None,
            majority=round(float((truth == (truth.mean(axis=0) > 0.5)).mean()), 4),
        )
    guess, confidence = answers(question.task, scores)
    counts = np.unique(truth, return_counts=True)[1]
    return Judged(
        file=file,
        task=question.task,
        n=len(truth),
        accuracy=round(float((guess == truth).mean()), 4),
        macro_f1=round(measures.macro_f1(truth, guess), 4),
        ece=round(measures.expected_error(confidence, guess == truth), 4),
        majority=round(float(counts.max() / len(truth)), 4),
    )


def answers(task: Task, scores: Sequence[Scores]) -> tuple[np.ndarray, np.ndarray]:
    """Give the model's answer to each text, and how sure it is."""
    if task is Task.ABUSE:
        abuse = np.asarray([one.abuse for one in scores])
        return (abuse > 0.5).astype(int), np.maximum(abuse, 1 - abuse)
    found = np.asarray([(one.sentiment.negative, one.sentiment.neutral, one.sentiment.positive) for one in scores])
    if task is Task.TWO_SIDES:
        positive = found[:, _POSITIVE] / (found[:, _NEGATIVE] + found[:, _POSITIVE])
        return np.where(positive > 0.5, _POSITIVE, _NEGATIVE), np.maximum(positive, 1 - positive)
    return found.argmax(axis=1), found.max(axis=1)


def _rows(path: Path) -> Iterator[tuple[str, str]]:
    opened = lzma.open if path.name.endswith(".xz") else open
    with opened(path, "rt", encoding="utf-8-sig", newline="\n") as lines:
        rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
        try:
            rows.fieldnames = names = [name.strip().lower() for name in rows.fieldnames or ()]
            column = next((name for name in LABEL_COLUMNS if name in names), None)
            if "text" not in names or column is None:
                raise Unreadable(f"{path.name}: needs a column `text` and one of {', '.join(LABEL_COLUMNS)}")
            for row in rows:
                yield (row["text"] or "").rstrip("\r"), (row[column] or "").rstrip("\r")
        except (UnicodeDecodeError, csv.Error, lzma.LZMAError, EOFError) as error:
            raise Unreadable(f"{path.name}: is no table in UTF-8: {error}") from error


def _task(name: str, values: set[str]) -> Task:
    if any("," in value for value in values):
        return Task.KOTE
    if values <= {"0", "1"}:
        return Task.ABUSE if _ABUSE_FILE.search(name) else Task.TWO_SIDES
    if values <= set(_ABUSE):
        return Task.ABUSE
    if values <= {"0", "1", "2"} or ("-1" in values and values <= {"-1", "0", "1"}):
        return Task.THREE_CLASSES
    if values <= set(_SIDES):
        return Task.THREE_CLASSES if _NEUTRAL in {_SIDES[value] for value in values} else Task.TWO_SIDES
    if all(value.isdecimal() for value in values):
        highest = max(map(int, values))
        if highest <= 10 and "0" not in values:
            return Task.THREE_CLASSES
        if highest < KOTE_LABELS:
            return Task.KOTE
    raise Unreadable(f"{name}: no task has labels like {', '.join(sorted(values)[:5])}")


def _numbers(name: str, task: Task, values: set[str]) -> Callable[[str], int]:
    if task is Task.ABUSE:
        table = {"0": 0, "1": 1} | _ABUSE
        return table.__getitem__
    if values <= {"0", "1"}:
        return {"0": _NEGATIVE, "1": _POSITIVE}.__getitem__
    if "-1" in values:
        return ({"-1": _NEGATIVE, "0": _NEUTRAL, "1": _POSITIVE} | _SIDES).__getitem__
    if values <= {"0", "1", "2"} and not _STARS_FILE.search(name):
        return {"0": _NEGATIVE, "1": _NEUTRAL, "2": _POSITIVE}.__getitem__
    if values <= set(_SIDES):
        return _SIDES.__getitem__
    # One to five stars, or one to ten: the middle is neutral.
    low, high = (2, 4) if max(map(int, values)) <= 5 else (4, 7)
    return lambda value: _NEGATIVE if int(value) <= low else _POSITIVE if int(value) >= high else _NEUTRAL
