"""How good a model is on texts that neither training nor calibration saw, asked in the way it is served."""

import math
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score
from training.calibration import HUMAN
from training.examples import Example
from training.measures import expected_error
from training.network import LABELLED

from sori_classify.domain import EMOTIONS, Scores
from sori_classify.model import Shelf
from sori_classify.model.onnx import Model
from sori_classify.usecases import drift
from sori_classify.usecases.reading import judge

LEXICONS = Path(__file__).parents[1] / "lexicons"
ABUSE_SETS = ("curse_2runo", "malicious_zizun", "kocohub_hate", "kmhas")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured row."""

    task: str
    source: str
    texts: int
    accuracy: float
    majority: float  # accuracy of always giving the commonest answer
    macro_f1: float
    calibration_error: float


def evaluate(folder: Path, examples: list[Example]) -> dict[str, object]:
    """Score the examples with the exported model, and measure every head on every set that has labels for it."""
    model = Model.load(folder)
    scores = model.score([example.text for example in examples], fine=True)
    pairs = list(zip(examples, scores, strict=True))
    figures = [_two_sides(pairs)]
    for source in ("nsmc_stars", "kote", "goemotions"):
        figures.append(_sentiment(source, _of(pairs, source)))
    for source in ("kote", "goemotions"):
        figures.append(_emotion(source, _of(pairs, source)))
    for source in ABUSE_SETS:
        figures.append(_abuse(source, _of(pairs, source)))
    figures.append(_abuse("all four", [pair for pair in pairs if pair[0].source in ABUSE_SETS]))
    for source in ("intent_3i4k", "goemotions", "banking77"):
        figures.append(_utterance(source, _of(pairs, source)))
    return {
        "figures": [asdict(figure) for figure in figures],
        "kote_44_macro_f1": _kote(_of(pairs, "kote")),
        "short_texts_per_second_one_thread": _speed(model, [example.text for example in examples]),
    }


Pairs = list[tuple[Example, Scores]]


def baseline(folder: Path, texts: list[str]) -> dict[str, float]:
    """Measure the shares with which live texts are compared, to see them drift."""
    serving = Shelf(folder, LEXICONS).serving
    return drift.count(texts, judge(serving, texts)).shares()


def _of(pairs: Pairs, source: str) -> Pairs:
    return [pair for pair in pairs if pair[0].source == source]


def _figure(task: str, source: str, truth: list[int], guess: list[int], confidence: list[float]) -> Figure:
    right = np.asarray(truth) == np.asarray(guess)
    return Figure(
        task=task,
        source=source,
        texts=len(truth),
        accuracy=round(float(right.mean()), 4),
        majority=round(Counter(truth).most_common(1)[0][1] / len(truth), 4),
        macro_f1=round(float(f1_score(truth, guess, average="macro", zero_division=0)), 4),
        calibration_error=round(expected_error(np.asarray(confidence), right), 4),
    )


def _two_sides(pairs: Pairs) -> Figure:
    truth, guess, confidence = [], [], []
    for example, scores in _of(pairs, "nsmc"):
        assert example.sentiment is not None
        truth.append(int(example.sentiment[2]))
        positive = scores.sentiment.positive / (scores.sentiment.positive + scores.sentiment.negative)
        guess.append(int(positive > 0.5))
        confidence.append(max(positive, 1 - positive))
    return _figure("sentiment, two sides", "nsmc", truth, guess, confidence)


def _sentiment(source: str, pairs: Pairs) -> Figure:
    truth, guess, confidence = [], [], []
    for example, scores in pairs:
        if example.sentiment is None or max(example.sentiment) < 0.8:
            continue
        found = (scores.sentiment.negative, scores.sentiment.neutral, scores.sentiment.positive)
        truth.append(int(np.argmax(example.sentiment)))
        guess.append(int(np.argmax(found)))
        confidence.append(max(found))
    return _figure("sentiment, three classes", source, truth, guess, confidence)


def _emotion(source: str, pairs: Pairs) -> Figure:
    """Count an answer as right when the annotators named the group, whether or not they named others too."""
    truth, guess, right, confidence = [], [], [], []
    named: Counter[int] = Counter()
    for example, scores in pairs:
        if example.emotion is None:
            continue
        groups = [at for at, share in enumerate(example.emotion) if share > 0]
        named.update(groups)
        best = int(np.argmax(scores.emotions))
        guess.append(best)
        truth.append(best if best in groups else int(np.argmax(example.emotion)))
        right.append(best in groups)
        confidence.append(sum(share for at, share in enumerate(example.emotion) if at == best))
    claimed = [max(scores.emotions) for example, scores in pairs if example.emotion is not None]
    return Figure(
        task="emotion, strongest is among those named",
        source=source,
        texts=len(truth),
        accuracy=round(float(np.mean(right)), 4),
        majority=round(named.most_common(1)[0][1] / len(truth), 4),
        macro_f1=round(float(f1_score(truth, guess, average="macro", labels=range(len(EMOTIONS)), zero_division=0)), 4),
        # The score is the share of the annotators' labels that fall into the group, so that is what it must match.
        calibration_error=round(expected_error(np.asarray(claimed), np.asarray(confidence)), 4),
    )


def _abuse(source: str, pairs: Pairs) -> Figure:
    truth = [int(example.abuse or 0) for example, _ in pairs]
    guess = [int(scores.abuse > 0.5) for _, scores in pairs]
    return _figure("abuse", source, truth, guess, [max(scores.abuse, 1 - scores.abuse) for _, scores in pairs])


def _utterance(source: str, pairs: Pairs) -> Figure:
    known = [(example.utterance, scores) for example, scores in pairs if example.utterance is not None]
    truth = [utterance for utterance, _ in known]
    guess = [int(np.argmax(scores.utterances)) for _, scores in known]
    task = "utterance" if source in HUMAN["utterance"] else "utterance, agreement with weak labels"
    return _figure(task, source, truth, guess, [max(scores.utterances) for _, scores in known])


def _kote(pairs: Pairs) -> float:
    truth = np.zeros((len(pairs), LABELLED["kote"]), int)
    for at, (example, _) in enumerate(pairs):
        truth[at, list(example.kote or ())] = 1
    guess = np.asarray([scores.kote for _, scores in pairs]) >= 0.5
    return round(float(f1_score(truth, guess, average="macro", zero_division=0)), 4)


def _speed(model: Model, texts: list[str]) -> int:
    """Give texts per second of processor time, encoding included, for reviews and messages as they come."""
    texts = texts[:4096]
    fastest = math.inf
    for _ in range(5):
        started = time.process_time()
        model.score(texts)
        fastest = min(fastest, time.process_time() - started)
    return int(len(texts) / fastest)
