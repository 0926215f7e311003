"""Temperatures, so that a probability of 0.8 is right in eight cases of ten."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from training.examples import Example
from training.network import FINE_HEADS, HEADS, Network
from training.trainer import Opinions, Targets, logits

from sori_classify.model.onnx import Model

# Only labels that people gave; weak ones say nothing about how sure the model may be. Neither does kocohub's abuse,
# which begins lower than the others'.
HUMAN = {
    "sentiment": {"nsmc", "nsmc_stars", "kote", "goemotions"},
    "emotion": {"kote", "goemotions"},
    "abuse": {"curse_2runo", "malicious_zizun", "kmhas"},
    "utterance": {"intent_3i4k"},
    "kote": {"kote"},
}


# The column that may be shifted: neutral, whose share differs most between sets, and abuse.
SHIFTED = {"sentiment": 1, "abuse": 0}


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the exported graph applies to its logits, and the thresholds that callers may use."""

    temperatures: dict[str, float] = field(default_factory=dict)
    shifts: dict[str, float] = field(default_factory=dict)
    # The probability at which each of KOTE's labels is best said to hold; the graph moves it to 0.5.
    kote_thresholds: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rates:
    """How often something is best said of a set's texts, told from opinions on many texts."""

    kote: np.ndarray  # of each label
    abuse: float  # mean over the sets


def best_rates(opinions: Opinions, examples: list[Example]) -> Rates:
    """Find the thresholds that suit opinions best, and say how often they are passed.

    There are twenty times as many texts with an opinion from somebody who was not trained on them as there are for
    calibration, where the best thresholds of 44 labels are mostly chance. A threshold does not fit another model, but
    the rate does.
    """
    targets = Targets(examples)
    chosen = np.flatnonzero([example.source in HUMAN["kote"] for example in examples])
    truth, told = targets.fine["kote"][chosen], opinions.fine[chosen, : FINE_HEADS["kote"]]
    steps = np.arange(0.04, 0.6, 0.02)
    rates = []
    for at in range(truth.shape[1]):
        best = max(steps, key=lambda step: _f1(truth[:, at], told[:, at] >= step))
        rates.append(float((told[:, at] >= best).mean()))
    column = list(HEADS).index("abuse")
    first = sum(list(HEADS.values())[:column])
    sets = []
    for source in sorted(HUMAN["abuse"]):
        places = np.flatnonzero([example.source == source for example in examples])
        sets.append((targets.coarse["abuse"][places, 0] > 0.5, opinions.coarse[places, first]))
    best = max(np.arange(0.3, 0.8, 0.01), key=lambda step: np.mean([((p > step) == y).mean() for y, p in sets]))
    return Rates(np.asarray(rates), float(np.mean([(told > best).mean() for _, told in sets])))


def usual_rates(model: Model, examples: list[Example]) -> Rates:
    """Say how often a model that is served says yes to texts that it was not trained on."""
    kote = model.score([example.text for example in examples if example.source in HUMAN["kote"]], fine=True)
    sets = [
        model.score([example.text for example in examples if example.source == source])
        for source in sorted(HUMAN["abuse"])
    ]
    return Rates(
        (np.asarray([one.kote for one in kote]) >= 0.5).mean(axis=0),
        float(np.mean([np.mean([one.abuse > 0.5 for one in scores]) for scores in sets])),
    )


def calibrate(network: Network, examples: list[Example], rates: Rates | None = None) -> Calibration:
    """Fit temperatures and shifts on texts that training did not see; rates say where yes begins, if there are any."""
    coarse, fine = logits(network, [example.text for example in examples])
    targets = Targets(examples)
    by_head = dict(zip(HEADS, torch.split(coarse, list(HEADS.values()), dim=1), strict=True))
    result = Calibration()
    for name, logit in by_head.items():
        chosen = np.flatnonzero(
            [example.source in HUMAN[name] and targets.weights[name][at] > 0 for at, example in enumerate(examples)]
        )
        target = torch.from_numpy(targets.coarse[name][chosen])
        sources = [examples[at].source for at in chosen]
        # One score for sets that do not agree: each has the same say, however large it is.
        say = torch.tensor([len(sources) / sources.count(source) for source in sources])
        temperature, shift = _fit(logit[chosen], target, say, SHIFTED.get(name))
        if name == "abuse" and rates is not None:
            shift = -_passed(logit[chosen, 0] / temperature, say, rates.abuse)
        result.temperatures[name] = temperature
        if name in SHIFTED:
            result.shifts[name] = round(shift, 5)
    chosen = np.flatnonzero(targets.weights["kote"] > 0)
    target = torch.from_numpy(targets.fine["kote"][chosen]).float()
    logit = fine[chosen][:, : FINE_HEADS["kote"]]
    result.temperatures["kote"], _ = _fit(logit, target, torch.ones(len(chosen)), None)
    probabilities = torch.sigmoid(logit / result.temperatures["kote"]).numpy()
    for at in range(FINE_HEADS["kote"]):
        if rates is None:
            threshold = _best_threshold(probabilities[:, at], target[:, at].numpy())
        else:
            threshold = float(np.quantile(probabilities[:, at], 1 - rates.kote[at]))
        result.kote_thresholds.append(round(min(max(threshold, 0.01), 0.7), 4))
    return result


def _passed(values: Tensor, say: Tensor, rate: float) -> float:
    """Give the value that a share of the texts, weighted by their say, lies above."""
    order = torch.argsort(values, descending=True)
    share = torch.cumsum(say[order], dim=0) / say.sum()
    return float(values[order][int((share < rate).sum())])


def _fit(logit: Tensor, target: Tensor, say: Tensor, shifted: int | None) -> tuple[float, float]:
    """Find the temperature, and what one column has to be shifted by, that make the targets most likely."""
    heat = torch.zeros((), requires_grad=True)  # logarithm of the temperature
    shift = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.LBFGS([heat] if shifted is None else [heat, shift], lr=0.5, max_iter=60)
    column = torch.zeros(logit.shape[1])
    if shifted is not None:
        column[shifted] = 1
    several = bool((target.sum(dim=1) > 1.01).any())

    def loss() -> Tensor:
        optimiser.zero_grad()
        scaled = logit / heat.exp() + shift * column
        if several or logit.shape[1] == 1:
            each = functional.binary_cross_entropy_with_logits(scaled, target, reduction="none").mean(dim=1)
        else:
            each = -(target * functional.log_softmax(scaled, dim=1)).sum(dim=1)
        value = (each * say).sum() / say.sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return round(heat.exp().item(), 5), round(shift.item(), 5)


def _best_threshold(probability: np.ndarray, target: np.ndarray) -> float:
    """Choose the threshold of the best F1, with some texts' worth of trust in what is best for all labels."""
    steps = np.arange(0.04, 0.6, 0.02)
    found = []
    for step in steps:
        said = probability >= step
        hits = float((said & (target > 0)).sum())
        # As if a few more texts had been read at about the usual rate, for labels that are rare.
        found.append((2 * hits + 4 * (1 - abs(step - 0.25))) / (float(said.sum()) + float(target.sum()) + 4))
    return float(steps[int(np.argmax(found))])


def _f1(truth: np.ndarray, said: np.ndarray) -> float:
    total = float(truth.sum() + said.sum())
    return 2 * float((truth * said).sum()) / total if total else 0.0
