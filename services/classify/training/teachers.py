"""Opinions of several larger models on every text for training, none on a text that it was trained on itself."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import typer
from training.examples import Example
from training.linear import EASED, Grams, Linear, known
from training.network import HEADS, LABELLED, Shape
from training.trainer import Opinions, Plan, opinion, train
from training.work import fingerprint, kept

from sori_classify.model.onnx import Model

FOLDS = 3
LINEAR_SHARE = 0.35  # of the opinion, for the heads that a linear teacher knows

_START = dict(zip(HEADS, np.cumsum([0, *HEADS.values()])[:-1].tolist(), strict=True))


def taught(examples: list[Example], shape: Shape, plan: Plan, work: Path) -> Opinions:
    """Ask networks and linear models; what is in the work folder already is not made again."""
    work.mkdir(parents=True, exist_ok=True)
    folds = np.asarray([_fold(example.text) for example in examples])
    stamp = fingerprint([shape, plan, *examples])
    network = Opinions(
        **kept(work / f"networks-{stamp}.npz", lambda: asdict(_networks(examples, folds, shape, plan, work, stamp)))
    )
    linear = Opinions(**kept(work / f"linear-{stamp}.npz", lambda: asdict(_linear(examples, folds, plan))))
    coarse, fine = network.coarse.astype(np.float32), network.fine.astype(np.float32)
    for name in ("sentiment", "abuse"):
        columns = slice(_START[name], _START[name] + HEADS[name])
        coarse[:, columns] = (1 - LINEAR_SHARE) * coarse[:, columns] + LINEAR_SHARE * linear.coarse[:, columns]
    fine[:, : LABELLED["kote"]] = (1 - LINEAR_SHARE) * fine[:, : LABELLED["kote"]] + LINEAR_SHARE * linear.fine[
        :, : LABELLED["kote"]
    ]
    return Opinions(coarse, fine)


def by_model(model: Model, examples: list[Example]) -> Opinions:
    """Ask a model that is served. Of texts that it was trained on it repeats part of what their labels said."""
    scores = model.score([example.text for example in examples], fine=True)
    coarse = np.asarray([[*one.sentiment, *one.emotions, one.abuse, *one.utterances] for one in scores], np.float32)
    moved = np.asarray([one.kote for one in scores], np.float32).clip(1e-6, 1 - 1e-6)
    thresholds = np.asarray(json.loads(model.card_json)["kote_thresholds"], np.float32)
    odds = moved / (1 - moved) * thresholds / (1 - thresholds)  # as they were before 0.5 became the threshold
    return Opinions(coarse, odds / (1 + odds))


def _fold(text: str) -> int:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4, salt=b"fold").digest()[0] % FOLDS


def _networks(examples: list[Example], folds: np.ndarray, shape: Shape, plan: Plan, work: Path, stamp: str) -> Opinions:
    """Train a network for each fold on the others; texts without a label are read by all of them."""
    texts = [example.text for example in examples]
    nobodys = np.asarray([example.source == "unlabelled" for example in examples])
    coarse = np.zeros((len(examples), sum(HEADS.values())), np.float32)
    fine = np.zeros((len(examples), sum(LABELLED.values())), np.float32)
    for fold in range(FOLDS):
        typer.echo(f"Teacher {fold + 1} of {FOLDS}")
        seen = [example for example, its in zip(examples, folds, strict=True) if its != fold]
        saved = work / f"teacher-{stamp}-{fold}.pt"
        network = train(seen, shape, replace(plan, seed=plan.seed + 100 + fold), saved=saved)
        for places, share in ((np.flatnonzero((folds == fold) & ~nobodys), 1.0), (np.flatnonzero(nobodys), 1 / FOLDS)):
            told = opinion(network, [texts[at] for at in places])
            coarse[places] += share * told.coarse
            fine[places] += share * told.fine
    for fold in range(FOLDS):
        (work / f"teacher-{stamp}-{fold}.pt").unlink(missing_ok=True)
    return Opinions(coarse.astype(np.float16), fine.astype(np.float16))


def _linear(examples: list[Example], folds: np.ndarray, plan: Plan) -> Opinions:
    typer.echo("Linear teachers")
    rows = Grams().fit([example.text for example in examples], typer.echo)
    coarse = np.zeros((len(examples), sum(HEADS.values())), np.float16)
    fine = np.zeros((len(examples), sum(LABELLED.values())), np.float16)
    for name in EASED:
        places, target, weight = known(name, examples)
        for fold in range(FOLDS):
            seen = folds[places] != fold
            model = Linear(name, plan.seed).fit(rows[places[seen]], target[seen], weight[seen])
            read = np.flatnonzero(folds == fold)
            found = model.predict(rows[read])
            if name in HEADS:
                coarse[read, _START[name] : _START[name] + HEADS[name]] = found
            else:
                fine[read, : LABELLED[name]] = found
        typer.echo(f"  {name} done")
    return Opinions(coarse, fine)
