"""Temperatures, so that a probability of 0.8 is right in eight cases of ten."""

from dataclasses import dataclass, field

import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import Tensor
from torch.nn import functional
from training.corpora import Example
from training.network import FINE_HEADS, HEADS, Network
from training.trainer import Targets, logits

# Only labels that people gave; weak ones say nothing about how sure the model may be.
HUMAN = {
    "sentiment": {"nsmc", "nsmc_stars", "kote", "goemotions"},
    "emotion": {"kote", "goemotions"},
    "abuse": {"curse_2runo", "malicious_zizun", "kocohub_hate", "kmhas"},
    "utterance": {"intent_3i4k"},
    "kote": {"kote"},
}


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the exported graph applies to its logits, and the thresholds that callers may use."""

    temperatures: dict[str, float] = field(default_factory=dict)
    shifts: dict[str, float] = field(default_factory=dict)
    kote_thresholds: list[float] = field(default_factory=list)


def calibrate(network: Network, examples: list[Example]) -> Calibration:
    """Fit one temperature for each head (and a shift for abuse) on texts that training did not see."""
    coarse, fine = logits(network, [example.text for example in examples])
    targets = Targets(examples)
    by_head = dict(zip(HEADS, torch.split(coarse, list(HEADS.values()), dim=1), strict=True))
    result = Calibration()
    for name, logit in by_head.items():
        chosen = np.flatnonzero(
            [example.source in HUMAN[name] and targets.weights[name][at] > 0 for at, example in enumerate(examples)]
        )
        target = torch.from_numpy(targets.coarse[name][chosen])
        temperature, shift = _fit(logit[chosen], target, binary=name == "abuse")
        result.temperatures[name] = temperature
        if name == "abuse":
            result.shifts[name] = shift
    chosen = np.flatnonzero(targets.weights["kote"] > 0)
    target = torch.from_numpy(targets.fine["kote"][chosen]).float()
    logit = fine[chosen][:, : FINE_HEADS["kote"]]
    result.temperatures["kote"], _ = _fit(logit, target, binary=True, shifted=False)
    probabilities = torch.sigmoid(logit / result.temperatures["kote"]).numpy()
    result.kote_thresholds.extend(
        _best_threshold(probabilities[:, at], target[:, at].numpy()) for at in range(FINE_HEADS["kote"])
    )
    return result


def expected_error(confidence: np.ndarray, right: np.ndarray, bins: int = 15) -> float:
    """Give the expected calibration error: the mean gap between confidence and accuracy over equal-width bins."""
    at = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs(confidence[at == one].sum() - right[at == one].sum()) for one in range(bins)]
    return float(sum(gaps) / len(confidence))


def _fit(logit: Tensor, target: Tensor, *, binary: bool, shifted: bool = True) -> tuple[float, float]:
    heat = torch.zeros((), requires_grad=True)  # logarithm of the temperature
    shift = torch.zeros((), requires_grad=True)
    variables = [heat, shift] if binary and shifted else [heat]
    optimiser = torch.optim.LBFGS(variables, lr=0.5, max_iter=60)

    def loss() -> Tensor:
        optimiser.zero_grad()
        scaled = logit / heat.exp()
        if binary:
            value = functional.binary_cross_entropy_with_logits(scaled + shift, target)
        else:
            value = -(target * functional.log_softmax(scaled, dim=1)).sum(dim=1).mean()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return round(heat.exp().item(), 5), round(shift.item(), 5)


def _best_threshold(probability: np.ndarray, target: np.ndarray) -> float:
    """Choose the threshold of the best F1; the default where a label hardly occurs."""
    if target.sum() < 3:
        return 0.5
    steps = np.arange(0.05, 0.7, 0.025)
    return round(float(max(steps, key=lambda step: f1_score(target, probability >= step, zero_division=0))), 3)
