"""Command line of the training: `python -m training --help`, from services/classify with `src` on PYTHONPATH."""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import torch
import typer
from training import calibration, card, corpora, evaluation
from training.corpora import Split
from training.export import difference, export
from training.integers import Served
from training.network import Shape
from training.trainer import Plan, by_length, train

SERVICE = Path(__file__).resolve().parents[1]
MODEL = SERVICE / "models" / "sori-small-1"
DATA = SERVICE.parents[1].parent / "shared" / "data"

app = typer.Typer(help="Train and measure the model of classify.", no_args_is_help=True, add_completion=False)

DataOption = Annotated[
    Path,
    typer.Option(
        "--data", envvar="SORI_TRAINING_DATA", exists=True, file_okay=False, help="Folder of the labelled texts."
    ),
]
OutOption = Annotated[Path, typer.Option("--out", help="Folder of the model.")]
SeedOption = Annotated[int, typer.Option(help="Seed of the splits, the weights and the order of the texts.")]
LimitOption = Annotated[int | None, typer.Option(help="Take this many rows of each set; for a dry run.")]
ThreadsOption = Annotated[int, typer.Option(min=1, help="Threads to train on.")]


@app.command("train")
def train_command(
    data: DataOption = DATA,
    out: OutOption = MODEL,
    seed: SeedOption = 7,
    epochs: Annotated[int, typer.Option(min=1, help="Rounds over the texts.")] = 2,
    limit: LimitOption = None,
    threads: ThreadsOption = 2,
) -> None:
    """Train, calibrate, export, quantise and measure a model, and write its card; takes minutes."""
    torch.set_num_threads(threads)
    # Small sets would drown among the reviews.
    plan = Plan(seed=seed, epochs=epochs, repeats={"kote": 3, "kmhas": 2, "curse_2runo": 2})
    shape = Shape()
    typer.echo("Reading the labelled texts")
    checksums = corpora.checksums(data)
    examples = corpora.load(data, seed, limit=limit)
    splits = {split: [example for example in examples if example.split is split] for split in Split}
    typer.echo("  " + ", ".join(f"{split}: {len(chosen):,}" for split, chosen in splits.items()))
    typer.echo("Training")
    network = train(splits[Split.TRAIN], shape, plan)
    typer.echo("Calibrating")
    found = calibration.calibrate(network, splits[Split.CALIBRATION])
    typer.echo(f"  temperatures {found.temperatures}")
    typer.echo("Exporting")
    out.mkdir(parents=True, exist_ok=True)
    sample = [units for _, units in by_length([example.text for example in splits[Split.CALIBRATION]])]
    served = Served(network, found.temperatures, found.shifts, sample)
    export(served, out / "model.onnx")
    typer.echo(f"  the file and PyTorch differ by at most {difference(served, out / 'model.onnx', sample):.1e}")
    rows = Counter(example.source for example in splits[Split.TRAIN])
    card.write(out, plan=plan, shape=shape, checksums=checksums, rows=rows, calibration=found)
    _measure(out, splits[Split.TEST])


@app.command("evaluate")
def evaluate_command(data: DataOption = DATA, out: OutOption = MODEL, limit: LimitOption = None) -> None:
    """Measure a trained model on the test split of its own seed again, and bring its card up to date."""
    seed = int(json.loads((out / "card.json").read_text(encoding="utf-8"))["training"]["seed"])
    _measure(out, [example for example in corpora.load(data, seed, limit=limit) if example.split is Split.TEST])


def _measure(out: Path, examples: list[corpora.Example]) -> None:
    typer.echo("Measuring")
    written = json.loads((out / "card.json").read_text(encoding="utf-8"))
    written["measured"] = evaluation.evaluate(out, examples, written["kote_thresholds"])
    written["weaknesses"] = list(card.WEAKNESSES)
    card.save(out, written)
    typer.echo((out / "MODEL_CARD.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    app(prog_name="python -m training")
