"""What must hold for a model beside its accuracy: parity, batches, typing errors, kinds of texts."""

import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from training.calibration import Calibration
from training.examples import Example
from training.export import difference
from training.integers import Served
from training.judge import Question, Task, answers
from training.network import HEADS, Network
from training.perturbations import ALL
from training.trainer import by_length, logits

from sori_classify.domain import Language, Scores, language_of
from sori_classify.model.onnx import Model

PARITY_TEXTS = 10_000
BATCH_TEXTS = 512
PERTURBED_TEXTS = 4_000

_SLANG = re.compile("[ㄱ-ㅎㅏ-ㅣ]{2}")
_EMOJI = re.compile("[\u2600-\u27bf\U0001f300-\U0001faff]")
_HANGUL = re.compile("[가-힣]{2}")
_WORD = re.compile("[A-Za-z]{3}")


def parity(
    network: Network, served: Served, found: Calibration, folder: Path, examples: Sequence[Example]
) -> dict[str, object]:
    """Compare the file with PyTorch on many texts, and 8-bit integers with floats in what they answer."""
    texts = [example.text for example in examples]
    batches = [units for _, units in by_length(texts[:PARITY_TEXTS], size=64)]
    coarse, _ = logits(network, texts)
    sentiment, _, abuse, _ = torch.split(coarse, list(HEADS.values()), dim=1)
    neutral = torch.tensor([0.0, found.shifts["sentiment"], 0.0])
    scores = Model.load(folder).score(texts)
    floats = {
        Task.TWO_SIDES: torch.where(sentiment[:, 2] > sentiment[:, 0], 2, 0).numpy(),
        Task.THREE_CLASSES: (sentiment / found.temperatures["sentiment"] + neutral).argmax(dim=1).numpy(),
        Task.ABUSE: (abuse[:, 0] / found.temperatures["abuse"] + found.shifts["abuse"] > 0).int().numpy(),
    }
    rows = {}
    for task, guess in floats.items():
        chosen, truth = _truth(task, examples)
        integers, _ = answers(task, [scores[at] for at in chosen])
        rows[str(task)] = {
            "texts": len(chosen),
            "float": round(float((guess[chosen] == truth).mean()), 4),
            "int8": round(float((integers == truth).mean()), 4),
        }
    return {
        "texts": min(PARITY_TEXTS, len(texts)),
        "largest_difference": difference(served, folder / "model.onnx", batches),
        "accuracy": rows,
    }


def batches(model: Model, texts: Sequence[str]) -> float:
    """Give the largest difference that a text's company makes: alone, in a batch of 256, among other neighbours."""
    texts = list(texts[:BATCH_TEXTS])
    alone = [model.score([text], fine=True)[0] for text in texts]
    company = [one for start in range(0, len(texts), 256) for one in model.score(texts[start : start + 256], fine=True)]
    mixed = list(range(len(texts)))
    random.Random(7).shuffle(mixed)
    others = dict(zip(mixed, model.score([texts[at] for at in mixed], fine=True), strict=True))
    return max(
        float(np.abs(_flat(one) - _flat(other)).max())
        for at, one in enumerate(alone)
        for other in (company[at], others[at])
    )


def perturbed(model: Model, examples: Sequence[Example], source: str) -> list[dict[str, object]]:
    """Say how accuracy on two sides of sentiment falls when texts are typed in other ways."""
    chosen, truth = _truth(Task.TWO_SIDES, [example for example in examples if example.source == source])
    pool = [example.text for example in examples if example.source == source]
    texts = [pool[at] for at in chosen][:PERTURBED_TEXTS]
    truth = truth[:PERTURBED_TEXTS]

    def right(change: Callable[[str, random.Random], str] | None) -> float:
        chooser = random.Random(7)
        guess, _ = answers(Task.TWO_SIDES, model.score([change(text, chooser) if change else text for text in texts]))
        return float((guess == truth).mean())

    plain = right(None)
    rows: list[dict[str, object]] = []
    for name, change in ALL.items():
        found = right(change)
        rows.append(
            {
                "set": source,
                "texts": len(texts),
                "change": name,
                "accuracy": round(found, 4),
                "drop": round(plain - found, 4),
            }
        )
    return rows


def slices(
    model: Model, examples: Sequence[Example], probes: Sequence[tuple[str, Question]]
) -> list[dict[str, object]]:
    """Say how well two sides of sentiment are told in kinds of texts; employees' texts are those of the probes."""
    chosen, truth = _truth(Task.TWO_SIDES, examples)
    texts = [examples[at].text for at in chosen]
    guess, _ = answers(Task.TWO_SIDES, model.score(texts))
    right = guess == truth
    kinds: dict[str, Callable[[str], bool]] = {
        "all": lambda text: True,
        "short (up to 10 characters)": lambda text: len(text) <= 10,
        "long (over 100 characters)": lambda text: len(text) > 100,
        "slang (jamo)": lambda text: bool(_SLANG.search(text)),
        "emoji": lambda text: bool(_EMOJI.search(text)),
        "Korean": lambda text: language_of(text) is Language.KOREAN,
        "English": lambda text: language_of(text) is Language.ENGLISH,
        "code-mixed": lambda text: bool(_HANGUL.search(text) and _WORD.search(text)),
    }
    rows: list[dict[str, object]] = []
    for name, belongs in kinds.items():
        places = [at for at, text in enumerate(texts) if belongs(text)]
        rows.append(
            {
                "slice": name,
                "texts": len(places),
                "accuracy": round(float(right[places].mean()), 4) if places else None,
            }
        )
    return rows + written_slices(model, probes)


def written_slices(model: Model, probes: Sequence[tuple[str, Question]]) -> list[dict[str, object]]:
    """Say the same of the kinds of texts for which probes stand."""
    rows: list[dict[str, object]] = []
    for name, question in probes:
        if name == "employer_ko":
            guess, _ = answers(question.task, model.score(question.texts))
            rows.append(
                {
                    "slice": "employees (written for the project)",
                    "texts": len(question.texts),
                    "accuracy": round(float((guess == question.truth).mean()), 4),
                }
            )
    return rows


def _truth(task: Task, examples: Sequence[Example]) -> tuple[list[int], np.ndarray]:
    chosen, truth = [], []
    for at, example in enumerate(examples):
        if task is Task.ABUSE:
            if example.abuse is not None and example.abuse_weight == 1:
                chosen.append(at)
                truth.append(int(example.abuse))
        elif example.sentiment is not None and max(example.sentiment) >= 0.8:
            side = int(np.argmax(example.sentiment))
            if task is Task.THREE_CLASSES or side != 1:
                chosen.append(at)
                truth.append(side)
    return chosen, np.asarray(truth)


def _flat(scores: Scores) -> np.ndarray:
    feeling = scores.sentiment
    return np.asarray(
        [
            feeling.negative,
            feeling.neutral,
            feeling.positive,
            *scores.emotions,
            scores.abuse,
            *scores.utterances,
            *scores.kote,
        ]
    )
