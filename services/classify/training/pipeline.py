"""From labelled texts to a measured model with its card."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import typer
from training import calibration, card, checks, corpora, corrections, evaluation, table, teachers
from training.examples import Example, Labels, Split
from training.export import export
from training.integers import Served
from training.network import Shape
from training.trainer import Plan, by_length, train
from training.work import fingerprint

from sori_classify.model.onnx import Model

# Small sets would drown among the reviews.
REPEATS = {"kote": 4, "kmhas": 3, "curse_2runo": 2, "phrases": 2, "sentences": 3, corrections.SOURCE: 5}
# Written for a side, in words that the sets lack: on these a teacher knows less than the label.
UNTAUGHT = ("phrases", "sentences")
TEACHER = Shape(slots=2**22, rows=2**19, channels=256, hidden=256)


def make(
    data: Path,
    out: Path,
    work: Path,
    *,
    seed: int,
    epochs: int,
    taught: bool,
    teacher: Path | None,
    limit: int | None,
    without: Sequence[str],
    corrected: Path | None,
) -> None:
    """Train teachers and a model, calibrate, export, quantise and measure it, and write its card.

    A teacher that is given, a model that is served, teaches instead of new ones. Sets named in `without` are measured,
    but neither trained nor calibrated on.
    """
    plan = Plan(seed=seed, epochs=epochs, mistyped=True, repeats=REPEATS, untaught=UNTAUGHT)
    shape = Shape()
    typer.echo("Reading the labelled texts")
    checksums = corpora.checksums(data)
    examples = corpora.load(data, seed, limit=limit)
    by_people = corrections.read(corrected, Labels.load(), seed) if corrected else []
    before = Model.load(out) if by_people and (out / "model.onnx").exists() else None
    examples += by_people
    splits = {split: [example for example in examples if example.split is split] for split in Split}
    typer.echo("  " + ", ".join(f"{split}: {len(chosen):,}" for split, chosen in splits.items()))
    seen, tuning = (
        [example for example in splits[split] if example.source not in without]
        for split in (Split.TRAIN, Split.CALIBRATION)
    )
    work.mkdir(parents=True, exist_ok=True)
    served = Model.load(teacher) if teacher else None
    opinions, rates = None, None
    if served is not None:
        opinions, rates = teachers.by_model(served, seen), calibration.usual_rates(served, tuning)
    elif taught:
        opinions = teachers.taught(seen, TEACHER, Plan(seed=seed, repeats=REPEATS), work)
        rates = calibration.best_rates(opinions, seen)
    typer.echo("Training")
    teaches = served.version if served is not None else taught
    saved = work / f"model-{fingerprint([shape, plan, teaches, *seen])}.pt"
    network = train(seen, shape, plan, opinions=opinions, saved=saved)
    typer.echo("Calibrating")
    found = calibration.calibrate(network, tuning, rates)
    typer.echo(f"  temperatures {found.temperatures}, shifts {found.shifts}")
    typer.echo("Exporting")
    out.mkdir(parents=True, exist_ok=True)
    integers = Served(network, found, [units for _, units in by_length([example.text for example in tuning])])
    export(integers, out / "model.onnx")
    rows = Counter(example.source for example in seen)
    written = card.write(out, plan=plan, shape=shape, checksums=checksums, rows=rows, calibration=found)
    written["training"] |= {"taught": taught, "without": list(without)}
    if served is not None:
        written["training"]["teacher"] = served.version
    written["parity"] = checks.parity(network, integers, found, out, splits[Split.TEST])
    card.save(out, written)
    typer.echo(f"  parity {json.dumps(written['parity'])}")
    if by_people:
        written["corrections"] = corrections.report(before, Model.load(out), by_people)
        card.save(out, written)
        typer.echo("\n".join(written["corrections"]))
    evaluate(data, out, work, baselines=limit is None, limit=limit, examples=examples)


def evaluate(
    data: Path,
    out: Path,
    work: Path | None,
    *,
    baselines: bool,
    limit: int | None,
    examples: list[Example] | None = None,
) -> list[table.Line]:
    """Measure a trained model on the test split of its own seed, and bring its card up to date."""
    written = json.loads((out / "card.json").read_text(encoding="utf-8"))
    if examples is None:
        examples = corpora.load(data, int(written["training"]["seed"]), limit=limit)
    typer.echo("Measuring", err=True)
    unseen = [example for example in examples if example.split is Split.TEST]
    lines = table.lines(out, examples, work if baselines else None, lambda told: typer.echo(told, err=True))
    written["measured"] = evaluation.evaluate(out, unseen)
    written["baseline"] = evaluation.baseline(out, [example.text for example in unseen])
    model = Model.load(out)
    written["promises"] = [asdict(line) for line in lines]
    written["batches"] = {"largest_difference": checks.batches(model, [example.text for example in unseen])}
    written["perturbed"] = [row for source in ("nsmc", "goemotions") for row in checks.perturbed(model, unseen, source)]
    written["slices"] = checks.slices(model, unseen, table.probes())
    written["weaknesses"] = list(card.WEAKNESSES)
    card.save(out, written)
    return lines


def evaluate_probes(
    data: Path, out: Path, work: Path | None, *, baselines: bool, limit: int | None
) -> list[table.Line]:
    """Measure a trained model on the probes alone, and bring what its card says of them up to date."""
    written = json.loads((out / "card.json").read_text(encoding="utf-8"))
    # Only the baselines learn from the labelled texts.
    examples = corpora.load(data, int(written["training"]["seed"]), limit=limit) if baselines else []
    model = Model.load(out)
    lines = table.promised(
        table.PROBED, model, examples, work if baselines else None, lambda told: typer.echo(told, err=True)
    )
    promises = {(line.what, line.measure): asdict(line) for line in lines}
    written["promises"] = [promises.get((row["what"], row["measure"]), row) for row in written["promises"]]
    slices = {row["slice"]: row for row in checks.written_slices(model, table.probes())}
    written["slices"] = [slices.get(row["slice"], row) for row in written["slices"]]
    written["weaknesses"] = list(card.WEAKNESSES)
    card.save(out, written)
    return lines


def threads(count: int) -> None:
    """Set how many threads PyTorch trains on."""
    torch.set_num_threads(count)
