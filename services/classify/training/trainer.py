"""The training loop."""

import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import typer
from torch import Tensor
from torch.nn import functional
from training.examples import Example
from training.network import FINE_HEADS, HEADS, LABELLED, Network, Shape, TableAdam
from training.perturbations import as_people_type

from sori_classify.model.onnx import encode, matrix

LONGEST_TRAINED = 200  # code units; longer texts are cut in training, where they are rare
FINE_WEIGHTS = {"kote": 8.0, "goemotions": 4.0}  # of the mean over labels, which is small


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to train."""

    seed: int
    epochs: int = 2
    batch: int = 768
    table_rate: float = 5e-3
    trunk_rate: float = 2.5e-3
    forget: float = 0.25
    mistyped: bool = False  # show some texts with other spaces or repeated letters
    stars_weight: float = 0.3
    taught: float = 0.4  # share of the loss that follows the teachers, where there are any
    untaught: tuple[str, ...] = ()  # sets whose sentiment labels are followed alone
    taught_elsewhere: float = 0.25  # weight of the teachers' opinion on texts whose set does not know the target
    repeats: dict[str, int] = field(default_factory=dict)  # how often an epoch shows a set; 1 where not named


@dataclass(frozen=True, slots=True)
class Opinions:
    """What teachers make of each example: their mean probabilities."""

    coarse: np.ndarray  # [examples, columns of HEADS]
    fine: np.ndarray  # [examples, columns of LABELLED, or of its first head where nobody knows the others]


def _shown(text: str) -> bytes:
    return encode(text)[: 2 * LONGEST_TRAINED]


class Targets:
    """The examples as arrays."""

    def __init__(self, examples: list[Example]) -> None:
        size = len(examples)
        self.texts = [example.text for example in examples]
        self.units = [_shown(text) for text in self.texts]
        self.coarse = {name: np.zeros((size, width), np.float32) for name, width in HEADS.items()}
        self.weights = {name: np.zeros(size, np.float32) for name in (*HEADS, *LABELLED)}
        self.fine = {name: np.zeros((size, width), np.uint8) for name, width in LABELLED.items()}
        self.stars = np.full(size, -1)
        self.sources = np.asarray([example.source for example in examples])
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
            if example.stars is not None:
                self.stars[at] = example.stars - 1
            for name in LABELLED:
                chosen = getattr(example, name)
                if chosen is not None:
                    self.fine[name][at, list(chosen)] = 1
                    self.weights[name][at] = 1


def train(
    examples: list[Example], shape: Shape, plan: Plan, *, opinions: Opinions | None = None, saved: Path | None = None
) -> Network:
    """Train a network, and say how it goes; goes on from the last whole epoch when `saved` holds one."""
    torch.manual_seed(plan.seed)
    targets = Targets(examples)
    useful = [opinions is not None or example.source != "unlabelled" for example in examples]
    shown = np.repeat(
        np.arange(len(examples)),
        [plan.repeats.get(example.source, 1) if one else 0 for example, one in zip(examples, useful, strict=True)],
    )
    network = Network(shape)
    network.forget = plan.forget
    network.train()
    table_optimiser = TableAdam(network)
    trunk_optimiser = torch.optim.AdamW(network.trunk.parameters(), lr=plan.trunk_rate, weight_decay=1e-4)
    each_epoch = len(shown) // plan.batch + 1
    steps = plan.epochs * each_epoch
    first = 0
    if saved is not None and saved.exists():
        state = torch.load(saved)
        network.load_state_dict(state["network"])
        table_optimiser.load_state_dict(state["table"])
        trunk_optimiser.load_state_dict(state["trunk"])
        first = int(state["epochs"])
        typer.echo(f"  goes on after epoch {first}")
    else:
        batches = _batches(shown, targets.units, plan.batch, np.random.default_rng(plan.seed))
        network.place(_laid_out(targets.units, chosen) for chosen in batches)
    started = told = time.monotonic()
    done, mean_loss = 0, 0.0
    for epoch in range(first, plan.epochs):
        # Each epoch has a chooser of its own, so that one that goes on later is no other.
        torch.manual_seed(plan.seed * 1_000 + epoch)
        chooser = np.random.default_rng([plan.seed, epoch])
        typist = random.Random(f"{plan.seed} {epoch}")
        for at, chosen in enumerate(_batches(shown, targets.units, plan.batch, chooser)):
            step = epoch * each_epoch + at
            rate = min(1.0, (step + 1) / 100) * max(0.03, 1 - step / steps)
            trunk_optimiser.param_groups[0]["lr"] = plan.trunk_rate * rate
            trunk_optimiser.zero_grad(set_to_none=True)
            rows = _typed(targets, chosen, typist) if plan.mistyped else _laid_out(targets.units, chosen)
            loss = _loss(network, rows, targets, chosen, plan, opinions)
            loss.backward()  # type: ignore[no-untyped-call]
            table_optimiser.step(plan.table_rate * rate)
            trunk_optimiser.step()
            done += 1
            mean_loss += (loss.item() - mean_loss) * max(0.01, 1 / done)
            now = time.monotonic()
            if now - told > 20:
                told = now
                left = (now - started) / done * (steps - step)
                typer.echo(f"  epoch {epoch + 1}  step {step}/{steps}  loss {mean_loss:.4f}  {left:.0f} s left")
        if saved is not None:
            state = {
                "network": network.state_dict(),
                "table": table_optimiser.state_dict(),
                "trunk": trunk_optimiser.state_dict(),
                "epochs": epoch + 1,
            }
            torch.save(state, saved.with_suffix(".part"))
            saved.with_suffix(".part").rename(saved)
    typer.echo(f"  trained in {time.monotonic() - started:.0f} s, loss {mean_loss:.4f}")
    network.eval()
    return network


def by_length(texts: list[str], size: int = 256) -> list[tuple[list[int], Tensor]]:
    """Encode texts into batches of about one length, each with the places of its texts."""
    units = [encode(text) for text in texts]
    order = sorted(range(len(units)), key=lambda at: len(units[at]))
    cuts = [order[start : start + size] for start in range(0, len(order), size)]
    return [(cut, _laid_out(units, cut)) for cut in cuts]


def logits(network: Network, texts: list[str]) -> tuple[Tensor, Tensor]:
    """Give the coarse and fine logits of texts, in order."""
    network.eval()
    coarse = torch.zeros(len(texts), sum(HEADS.values()))
    fine = torch.zeros(len(texts), sum(FINE_HEADS.values()))
    with torch.inference_mode():
        for chosen, units in by_length(texts):
            coarse[chosen], fine[chosen] = network(units)
    return coarse, fine


def opinion(network: Network, texts: list[str]) -> Opinions:
    """Give one teacher's probabilities."""
    coarse, fine = logits(network, texts)
    parts = [
        torch.sigmoid(logit) if name == "abuse" else torch.softmax(logit, dim=1)
        for name, logit in zip(HEADS, torch.split(coarse, list(HEADS.values()), dim=1), strict=True)
    ]
    labelled = torch.sigmoid(fine[:, : sum(LABELLED.values())])
    return Opinions(torch.cat(parts, dim=1).half().numpy(), labelled.half().numpy())


def mean(opinions: list[Opinions]) -> Opinions:
    """Give what several teachers think together."""
    return Opinions(
        *(np.mean([getattr(one, part) for one in opinions], axis=0, dtype=np.float32) for part in ("coarse", "fine"))
    )


def _batches(shown: np.ndarray, units: list[bytes], size: int, chooser: np.random.Generator) -> Iterator[np.ndarray]:
    """Shuffle, then sort by length within stretches of 30 batches, so that little is padding."""
    shuffled = chooser.permutation(shown)
    for start in range(0, len(shuffled), size * 30):
        stretch = shuffled[start : start + size * 30]
        stretch = stretch[np.argsort([len(units[at]) for at in stretch], kind="stable")]
        cuts = list(range(0, len(stretch), size))
        for cut in chooser.permutation(cuts):
            yield stretch[cut : cut + size]


def _laid_out(units: list[bytes], chosen: Iterable[int]) -> Tensor:
    return torch.from_numpy(matrix([units[at] for at in chosen]).astype(np.int64))


def _typed(targets: Targets, chosen: np.ndarray, typist: random.Random) -> Tensor:
    """Lay out the texts, some of them typed another way."""
    units = []
    for at in chosen:
        text = targets.texts[at]
        typed = as_people_type(text, typist)
        units.append(targets.units[at] if typed is text else _shown(typed[:LONGEST_TRAINED]))
    return _laid_out(units, range(len(units)))


def _loss(
    network: Network, rows: Tensor, targets: Targets, chosen: np.ndarray, plan: Plan, opinions: Opinions | None
) -> Tensor:
    coarse, fine = network(rows)
    total = torch.zeros(())
    column = 0
    for name, width in HEADS.items():
        logit = coarse[:, column : column + width]
        weight = torch.from_numpy(targets.weights[name][chosen])
        target = torch.from_numpy(targets.coarse[name][chosen])
        if opinions is not None:
            taught = torch.from_numpy(opinions.coarse[chosen, column : column + width]).float()
            if name == "sentiment":
                sure = torch.from_numpy(np.isin(targets.sources[chosen], plan.untaught)).unsqueeze(1)
                taught = torch.where(sure, target, taught)
            target, weight = _mixed(target, weight, taught, plan)
        if name == "abuse":
            each = functional.binary_cross_entropy_with_logits(logit, target, reduction="none").squeeze(1)
        else:
            each = -(target * functional.log_softmax(logit, dim=1)).sum(dim=1)
        total = total + (each * weight).sum()
        column += width
    column = 0
    for name, width in LABELLED.items():
        logit = fine[:, column : column + width]
        weight = torch.from_numpy(targets.weights[name][chosen])
        target = torch.from_numpy(targets.fine[name][chosen]).float()
        if opinions is not None and column < opinions.fine.shape[1]:
            taught = torch.from_numpy(opinions.fine[chosen, column : column + width]).float()
            target, weight = _mixed(target, weight, taught, plan)
        each = functional.binary_cross_entropy_with_logits(logit, target, reduction="none").mean(dim=1)
        total = total + FINE_WEIGHTS[name] * (each * weight).sum()
        column += width
    stars = torch.from_numpy(targets.stars[chosen])
    starred = stars >= 0
    if bool(starred.any()):
        total = total + plan.stars_weight * functional.cross_entropy(
            fine[starred][:, column:], stars[starred], reduction="sum"
        )
    return total / len(chosen)


def _mixed(target: Tensor, weight: Tensor, taught: Tensor, plan: Plan) -> tuple[Tensor, Tensor]:
    """Give the target between label and teachers, and the teachers alone where there is no label."""
    known = (weight > 0).unsqueeze(1)
    mixed = torch.where(known, (1 - plan.taught) * target + plan.taught * taught, taught)
    return mixed, torch.where(known.squeeze(1), weight, plan.taught_elsewhere)
