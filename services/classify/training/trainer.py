"""The training loop."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import typer
from torch import Tensor
from torch.nn import functional
from training.corpora import Example
from training.network import FINE_HEADS, HEADS, Network, Shape

from sori_classify.model.onnx import encode, matrix

LONGEST_TRAINED = 200  # code units; longer texts are cut in training, where they are rare


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train."""

    seed: int
    epochs: int = 2
    batch: int = 384
    table_rate: float = 3e-3
    trunk_rate: float = 1.5e-3
    forget: float = 0.25
    repeats: dict[str, int]  # how often an epoch shows a set; 1 where not named


class Targets:
    """The examples as arrays."""

    def __init__(self, examples: list[Example]) -> None:
        size = len(examples)
        self.units = [encode(example.text)[: 2 * LONGEST_TRAINED] for example in examples]
        self.coarse = {
            name: np.zeros((size, width if name != "utterance" else 4), np.float32) for name, width in HEADS.items()
        }
        self.weights = {name: np.zeros(size, np.float32) for name in (*HEADS, *FINE_HEADS)}
        self.fine = {name: np.zeros((size, width), np.uint8) for name, width in FINE_HEADS.items()}
        for at, example in enumerate(examples):
            if example.sentiment is not None:
                self.coarse["sentiment"][at] = example.sentiment
                self.weights["sentiment"][at] = example.sentiment_weight
            if example.emotion is not None:
                self.coarse["emotion"][at] = example.emotion
                self.weights["emotion"][at] = 1
            if example.abuse is not None:
                self.coarse["abuse"][at] = example.abuse
                self.weights["abuse"][at] = example.abuse_weight
            if example.utterance is not None:
                self.coarse["utterance"][at, example.utterance] = 1
                self.weights["utterance"][at] = example.utterance_weight
            for name in FINE_HEADS:
                chosen = getattr(example, name)
                if chosen is not None:
                    self.fine[name][at, list(chosen)] = 1
                    self.weights[name][at] = 1


def train(examples: list[Example], shape: Shape, plan: Plan) -> Network:
    """Train a network, and say how it goes every few seconds."""
    torch.manual_seed(plan.seed)
    chooser = np.random.default_rng(plan.seed)
    targets = Targets(examples)
    shown = np.repeat(np.arange(len(examples)), [plan.repeats.get(example.source, 1) for example in examples])
    network = Network(shape)
    network.forget = plan.forget
    network.train()
    table_optimiser = torch.optim.SparseAdam(network.table.parameters(), lr=plan.table_rate)
    trunk_optimiser = torch.optim.AdamW(network.trunk.parameters(), lr=plan.trunk_rate, weight_decay=1e-4)
    steps = plan.epochs * (len(shown) // plan.batch + 1)
    started = told = time.monotonic()
    step, mean_loss = 0, 0.0
    for epoch in range(plan.epochs):
        for chosen in _batches(shown, targets.units, plan.batch, chooser):
            warm = min(1.0, (step + 1) / 100)
            rate = warm * max(0.03, 1 - step / steps)
            for optimiser, full in ((table_optimiser, plan.table_rate), (trunk_optimiser, plan.trunk_rate)):
                optimiser.param_groups[0]["lr"] = full * rate
                optimiser.zero_grad(set_to_none=True)
            loss = _loss(network, targets, chosen)
            loss.backward()  # type: ignore[no-untyped-call]
            table_optimiser.step()
            trunk_optimiser.step()
            mean_loss += (loss.item() - mean_loss) * max(0.01, 1 / (step + 1))
            step += 1
            now = time.monotonic()
            if now - told > 10:
                told = now
                left = (now - started) / step * (steps - step)
                typer.echo(f"  epoch {epoch + 1}  step {step}/{steps}  loss {mean_loss:.4f}  {left:.0f} s left")
    typer.echo(f"  trained in {time.monotonic() - started:.0f} s, loss {mean_loss:.4f}")
    network.eval()
    return network


def by_length(texts: list[str], size: int = 256) -> list[tuple[list[int], Tensor]]:
    """Encode texts into batches of about one length, each with the places of its texts."""
    units = [encode(text) for text in texts]
    order = sorted(range(len(units)), key=lambda at: len(units[at]))
    cuts = [order[start : start + size] for start in range(0, len(order), size)]
    return [(cut, torch.from_numpy(matrix([units[at] for at in cut]).astype(np.int64))) for cut in cuts]


def logits(network: Network, texts: list[str]) -> tuple[Tensor, Tensor]:
    """Give the coarse and fine logits of texts, in order."""
    coarse = torch.zeros(len(texts), sum(HEADS.values()))
    fine = torch.zeros(len(texts), sum(FINE_HEADS.values()))
    with torch.inference_mode():
        for chosen, units in by_length(texts):
            coarse[chosen], fine[chosen] = network(units)
    return coarse, fine


def _batches(shown: np.ndarray, units: list[bytes], size: int, chooser: np.random.Generator) -> Iterator[np.ndarray]:
    """Shuffle, then sort by length within stretches of 30 batches, so that little is padding."""
    shuffled = chooser.permutation(shown)
    for start in range(0, len(shuffled), size * 30):
        stretch = shuffled[start : start + size * 30]
        stretch = stretch[np.argsort([len(units[at]) for at in stretch], kind="stable")]
        cuts = list(range(0, len(stretch), size))
        for cut in chooser.permutation(cuts):
            yield stretch[cut : cut + size]


def _loss(network: Network, targets: Targets, chosen: np.ndarray) -> Tensor:
    rows = torch.from_numpy(matrix([targets.units[at] for at in chosen]).astype(np.int64))
    coarse, fine = network(rows)
    total = torch.zeros(())
    for name, logit in zip(HEADS, torch.split(coarse, list(HEADS.values()), dim=1), strict=True):
        weight = torch.from_numpy(targets.weights[name][chosen])
        target = torch.from_numpy(targets.coarse[name][chosen])
        if name == "abuse":
            each = functional.binary_cross_entropy_with_logits(logit, target, reduction="none").squeeze(1)
        else:
            each = -(target * functional.log_softmax(logit, dim=1)).sum(dim=1)
        total = total + (each * weight).sum()
    for name, logit in zip(FINE_HEADS, torch.split(fine, list(FINE_HEADS.values()), dim=1), strict=True):
        weight = torch.from_numpy(targets.weights[name][chosen])
        target = torch.from_numpy(targets.fine[name][chosen]).float()
        each = functional.binary_cross_entropy_with_logits(logit, target, reduction="none").mean(dim=1)
        total = total + 4 * (each * weight).sum()
    return total / len(chosen)
