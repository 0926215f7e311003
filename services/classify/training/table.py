"""The figures that are promised, beside what they must be and what simpler ways reach on the same texts."""

import csv
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from training import judge, measures
from training.examples import Example, Split
from training.judge import Question, Task
from training.linear import Grams, Linear, known
from training.work import fingerprint, kept
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from sori_classify.domain import Scores
from sori_classify.model.onnx import Model

HERE = Path(__file__).parent
PROBES = HERE / "probes.tsv"

_MEMORY = """
import sys
from pathlib import Path
from sori_classify.model.onnx import Model
model = Model.load(Path(sys.argv[1]))
for _ in range(20):
    model.score(["배송이 너무 늦어서 화가 나요 " * 3] * 256)
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What must be reached, and the texts of our own that stand for what is kept back."""

    what: str
    source: str  # a set, or probes.tsv's domain after "probe:"
    task: Task
    measure: str  # accuracy, macro-F1 or ECE
    must: float
    aim: float


PROMISES = (
    Promise(what="NSMC", source="nsmc", task=Task.TWO_SIDES, measure="accuracy", must=0.880, aim=0.900),
    Promise(
        what="Korean shopping reviews",
        source="probe:shopping_ko",
        task=Task.TWO_SIDES,
        measure="accuracy",
        must=0.865,
        aim=0.900,
    ),
    Promise(
        what="Korean employer reviews",
        source="probe:employer_ko",
        task=Task.TWO_SIDES,
        measure="accuracy",
        must=0.71,
        aim=0.78,
    ),
    Promise(
        what="Korean app reviews",
        source="probe:app_ko",
        task=Task.THREE_CLASSES,
        measure="accuracy",
        must=0.78,
        aim=0.82,
    ),
    Promise(
        what="Korean app reviews",
        source="probe:app_ko",
        task=Task.THREE_CLASSES,
        measure="macro-F1",
        must=0.50,
        aim=0.58,
    ),
    Promise(
        what="Korean comments of many kinds (KOTE)",
        source="kote",
        task=Task.THREE_CLASSES,
        measure="accuracy",
        must=0.78,
        aim=0.82,
    ),
    Promise(
        what="Korean comments of many kinds (KOTE)",
        source="kote",
        task=Task.THREE_CLASSES,
        measure="macro-F1",
        must=0.50,
        aim=0.58,
    ),
    Promise(
        what="English sentences", source="probe:english", task=Task.TWO_SIDES, measure="accuracy", must=0.80, aim=0.86
    ),
    Promise(
        what="English comments (GoEmotions)",
        source="goemotions",
        task=Task.TWO_SIDES,
        measure="accuracy",
        must=0.80,
        aim=0.86,
    ),
    Promise(what="abuse: K-MHaS", source="kmhas", task=Task.ABUSE, measure="accuracy", must=0.80, aim=0.83),
    Promise(what="abuse: profanity", source="curse_2runo", task=Task.ABUSE, measure="accuracy", must=0.85, aim=0.88),
    Promise(
        what="abuse: malicious", source="malicious_zizun", task=Task.ABUSE, measure="accuracy", must=0.84, aim=0.87
    ),
    Promise(what="KOTE, 44 emotions", source="kote", task=Task.KOTE, measure="macro-F1", must=0.42, aim=0.48),
    Promise(what="ECE, sentiment, in domain", source="nsmc", task=Task.TWO_SIDES, measure="ECE", must=0.03, aim=0.02),
    Promise(what="ECE, sentiment, elsewhere", source="probe:", task=Task.TWO_SIDES, measure="ECE", must=0.08, aim=0.05),
)
PROBED = tuple(promise for promise in PROMISES if promise.source.startswith("probe:"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table; what was not asked is None."""

    what: str
    source: str
    n: int
    measure: str
    model: float
    linear: float | None
    majority: float | None
    vader: float | None
    must: float
    aim: float


def probes() -> list[tuple[str, Question]]:
    """Read the texts that were written for the project to measure with, and never to train with."""
    with PROBES.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    sides = {"negative": 0, "neutral": 1, "positive": 2}
    found = []
    for domain in dict.fromkeys(row["domain"] for row in rows):
        chosen = [row for row in rows if row["domain"] == domain]
        truth = np.asarray([sides[row["label"]] for row in chosen])
        task = Task.THREE_CLASSES if (truth == 1).any() else Task.TWO_SIDES
        found.append((domain, Question(task, [row["text"] for row in chosen], truth)))
    return found


def lines(
    folder: Path, examples: Sequence[Example], baselines: Path | None, report: Callable[[str], None]
) -> list[Line]:
    """Measure all that is promised, speed and size too; baselines as `promised` has them."""
    model = Model.load(folder)
    found = promised(PROMISES, model, examples, baselines, report)
    texts = [example.text for example in examples if example.split is Split.TEST][:4096]
    for size, what, must, aim in (
        (32, "texts/s of one core, batches of 32", 8_000, 15_000),
        (1, "one by one", 4_000, 6_000),
    ):
        found.append(_plain(what, "test split", len(texts), "texts/s", speed(model, texts, size), must, aim))
    megabytes = sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) / 1e6
    found.append(_plain("shipped size", "folder", 1, "MB", round(megabytes, 1), 40, 25))
    found.append(_plain("memory of one worker", "process", 1, "MB", round(memory(folder), 1), 300, 200))
    return found


def promised(
    promises: Sequence[Promise],
    model: Model,
    examples: Sequence[Example],
    baselines: Path | None,
    report: Callable[[str], None],
) -> list[Line]:
    """Measure the model, and the baselines unless their folder is None; theirs take minutes and are kept there."""
    questions = [_question(promise, examples) for promise in promises]
    linear = _linear(examples, questions, baselines, report) if baselines else [None] * len(questions)
    found = []
    for promise, question, guess in zip(promises, questions, linear, strict=True):
        scores = model.score(question.texts, fine=question.task is Task.KOTE)
        found.append(
            Line(
                what=promise.what,
                source=promise.source if promise.source != "probe:" else "probes, all with a side",
                n=len(question.texts),
                measure=promise.measure,
                model=_of_scores(promise, question, scores),
                linear=None if guess is None else _of_probabilities(promise, question, guess),
                majority=_majority(promise, question),
                vader=_vader(promise, question) if promise.source in ("probe:english", "goemotions") else None,
                must=promise.must,
                aim=promise.aim,
            )
        )
    return found


def speed(model: Model, texts: Sequence[str], size: int) -> float:
    """Give texts per second of processor time, encoding included, in batches of a size."""
    fastest = math.inf
    for _ in range(5):
        started = time.process_time()
        for start in range(0, len(texts), size):
            model.score(texts[start : start + size])
        fastest = min(fastest, time.process_time() - started)
    return float(int(len(texts) / fastest))


def memory(folder: Path) -> float:
    """Give the most memory that a process of its own held while it scored, in MB."""
    made = subprocess.run(
        [sys.executable, "-c", _MEMORY, str(folder)], env=os.environ, capture_output=True, text=True, check=True
    )
    return int(made.stdout) * 1024 / 1e6


def page(found: Sequence[Line]) -> str:
    """Write the table for people."""
    rows = [
        "| what | texts of | n | measure | model | TF-IDF + LR | majority | VADER | must | aim |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for line in found:
        cells = [line.model, line.linear, line.majority, line.vader, line.must, line.aim]
        rows.append(
            f"| {line.what} | {line.source} | {line.n:,} | {line.measure} | "
            + " | ".join("" if cell is None else f"{cell:,.3f}" if line.must < 1 else f"{cell:,.10g}" for cell in cells)
            + " |"
        )
    return "\n".join(rows)


def _plain(what: str, source: str, n: int, measure: str, model: float, must: float, aim: float) -> Line:
    return Line(
        what=what, source=source, n=n, measure=measure, model=model,
        linear=None, majority=None, vader=None, must=must, aim=aim,
    )  # fmt: skip


def _question(promise: Promise, examples: Sequence[Example]) -> Question:
    if promise.source.startswith("probe:"):
        chosen = [question for name, question in probes() if promise.source in ("probe:", f"probe:{name}")]
        texts = [text for question in chosen for text in question.texts]
        truth = np.concatenate([question.truth for question in chosen])
        if promise.task is Task.TWO_SIDES:
            texts, truth = [text for text, side in zip(texts, truth, strict=True) if side != 1], truth[truth != 1]
        return Question(promise.task, texts, truth)
    chosen_texts: list[str] = []
    targets: list[int | list[int]] = []
    for example in examples:
        if example.split is not Split.TEST or example.source != promise.source:
            continue
        if promise.task is Task.KOTE:
            targets.append([int(at in (example.kote or ())) for at in range(judge.KOTE_LABELS)])
        elif promise.task is Task.ABUSE:
            targets.append(int(example.abuse or 0))
        else:
            if example.sentiment is None or max(example.sentiment) < 0.8:
                continue
            side = int(np.argmax(example.sentiment))
            if promise.task is Task.TWO_SIDES and side == 1:
                continue
            targets.append(side)
        chosen_texts.append(example.text)
    return Question(promise.task, chosen_texts, np.asarray(targets))


def _of_scores(promise: Promise, question: Question, scores: Sequence[Scores]) -> float:
    judged = judge.measure(question, scores, promise.source)
    return {"accuracy": judged.accuracy, "macro-F1": judged.macro_f1, "ECE": judged.ece or 0.0}[promise.measure]


def _of_probabilities(promise: Promise, question: Question, found: np.ndarray) -> float:
    """Measure a baseline's probabilities, [texts, classes]."""
    if question.task is Task.KOTE:
        return round(measures.macro_f1_of_labels(question.truth, (found >= 0.25).astype(int)), 4)
    if question.task is Task.ABUSE:
        guess, sure = (found[:, 0] > 0.5).astype(int), np.maximum(found[:, 0], 1 - found[:, 0])
    elif question.task is Task.TWO_SIDES:
        positive = found[:, 2] / (found[:, 0] + found[:, 2])
        guess, sure = np.where(positive > 0.5, 2, 0), np.maximum(positive, 1 - positive)
    else:
        guess, sure = found.argmax(axis=1), found.max(axis=1)
    if promise.measure == "ECE":
        return round(measures.expected_error(sure, guess == question.truth), 4)
    if promise.measure == "macro-F1":
        return round(measures.macro_f1(question.truth, guess), 4)
    return round(float((guess == question.truth).mean()), 4)


def _majority(promise: Promise, question: Question) -> float | None:
    if promise.measure == "ECE":
        return None
    if question.task is Task.KOTE:
        return round(measures.macro_f1_of_labels(question.truth, np.zeros_like(question.truth)), 4)
    classes, counts = np.unique(question.truth, return_counts=True)
    if promise.measure == "macro-F1":
        return round(measures.macro_f1(question.truth, np.full(len(question.truth), classes[counts.argmax()])), 4)
    return round(float(counts.max() / counts.sum()), 4)


def _vader(promise: Promise, question: Question) -> float | None:
    if promise.measure != "accuracy":
        return None
    reader = SentimentIntensityAnalyzer()
    said = np.asarray([2 if reader.polarity_scores(text)["compound"] > 0 else 0 for text in question.texts])
    return round(float((said == question.truth).mean()), 4)


def _linear(
    examples: Sequence[Example], questions: Sequence[Question], folder: Path, report: Callable[[str], None]
) -> list[np.ndarray | None]:
    """Train the baseline on the same texts as the model, and ask it the same questions."""
    seen = [example for example in examples if example.split is Split.TRAIN and example.source != "unlabelled"]
    names = [{Task.ABUSE: "abuse", Task.KOTE: "kote"}.get(question.task, "sentiment") for question in questions]

    def make() -> dict[str, np.ndarray]:
        report("Training the baseline (TF-IDF and logistic regression)")
        grams = Grams()
        rows = grams.fit([example.text for example in seen], report)
        answers: dict[str, np.ndarray] = {}
        for head in dict.fromkeys(names):
            places, target, weight = known(head, seen)
            model = Linear(head, seed=7).fit(rows[places], target, weight)
            report(f"  {head} done")
            for at, (name, question) in enumerate(zip(names, questions, strict=True)):
                if name == head:
                    answers[str(at)] = model.predict(grams.read(question.texts))
        return answers

    stamp = fingerprint([*seen, *(question.texts for question in questions)])
    stored = kept(folder / f"baseline-{stamp}.npz", make)
    return [stored[str(at)] for at in range(len(questions))]
