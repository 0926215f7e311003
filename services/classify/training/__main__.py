"""Command line of the training: `python -m training --help`, from services/classify with `src` on PYTHONPATH."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from training import judge

from sori_classify.model.onnx import Model

SERVICE = Path(__file__).resolve().parents[1]
MODEL = SERVICE / "models" / "sori-small-2"
DATA = SERVICE.parents[1].parent / "shared" / "data"
WORK = SERVICE.parents[1] / ".venv-train" / "work"

app = typer.Typer(help="Train and measure the model of classify.", no_args_is_help=True, add_completion=False)

DataOption = Annotated[
    Path, typer.Option("--data", envvar="SORI_TRAINING_DATA", file_okay=False, help="Folder of the labelled texts.")
]
WorkOption = Annotated[Path, typer.Option("--work", help="Folder for what a later run can go on from.")]
LimitOption = Annotated[int | None, typer.Option(help="Take this many rows of each set; for a dry run.")]


@app.command("train")
def train_command(
    data: DataOption = DATA,
    out: Annotated[Path, typer.Option("--out", help="Folder of the model.")] = MODEL,
    work: WorkOption = WORK,
    seed: Annotated[int, typer.Option(help="Seed of the splits, the weights and the order of the texts.")] = 7,
    epochs: Annotated[int, typer.Option(min=1, help="Rounds over the texts.")] = 2,
    taught: Annotated[bool, typer.Option(help="Learn from teachers too, which takes twice as long.")] = True,
    teacher: Annotated[
        Path | None,
        typer.Option(
            exists=True, file_okay=False, help="Folder of a served model that teaches, instead of new teachers."
        ),
    ] = None,
    without: Annotated[list[str] | None, typer.Option(help="Leave out a set, to see how the model does on it.")] = None,
    corrected: Annotated[
        Path | None,
        typer.Option(
            "--corrections",
            envvar="SORI_TRAINING_CORRECTIONS",
            exists=True,
            dir_okay=False,
            help="JSON lines of corrections, as exported.",
        ),
    ] = None,
    limit: LimitOption = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads to train on.")] = 2,
) -> None:
    """Train, calibrate, export, quantise and measure a model, and write its card; takes about half an hour.

    Goes on where an earlier run with the same texts and settings was stopped.
    """
    from training import pipeline, table  # PyTorch is not there where a model is only judged.

    pipeline.threads(threads)
    pipeline.make(
        data,
        out,
        work,
        seed=seed,
        epochs=epochs,
        taught=taught,
        teacher=teacher,
        limit=limit,
        without=without or [],
        corrected=corrected,
    )
    card = json.loads((out / "card.json").read_text(encoding="utf-8"))
    typer.echo(table.page([table.Line(**line) for line in card["promises"]]))


@app.command("evaluate")
def evaluate_command(
    model: Annotated[Path, typer.Option("--model", help="Folder of the model.")] = MODEL,
    texts: Annotated[
        Path | None,
        typer.Option("--texts", exists=True, help="Judge on the TSV files of this folder (or this one file) instead."),
    ] = None,
    task: Annotated[
        judge.Task | None, typer.Option(help="What the labels of --texts ask; else told from them.")
    ] = None,
    data: DataOption = DATA,
    work: WorkOption = WORK,
    baselines: Annotated[bool, typer.Option(help="Train and measure the baselines too; takes minutes once.")] = True,
    probes: Annotated[
        bool, typer.Option("--probes", help="Measure only on probes.tsv again, and leave the card's other figures.")
    ] = False,
    limit: LimitOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON lines.")] = False,
) -> None:
    """Print what the model reaches beside what it must: on its own test split, or on any texts with labels."""
    if texts is not None:
        _judge(model, texts, task, as_json=as_json)
        return
    from training import pipeline, table  # PyTorch is not there where a model is only judged.

    measure = pipeline.evaluate_probes if probes else pipeline.evaluate
    lines = measure(data, model, work, baselines=baselines, limit=limit)
    if as_json:
        for line in lines:
            typer.echo(json.dumps(asdict(line), ensure_ascii=False))
    else:
        typer.echo(table.page(lines))


def _judge(folder: Path, texts: Path, task: judge.Task | None, *, as_json: bool) -> None:
    try:
        model = Model.load(folder)
    except (OSError, ValueError, KeyError) as error:
        typer.echo(f"{folder}: no model to judge: {error}", err=True)
        raise typer.Exit(1) from error
    tables = judge.files(texts)
    if not tables:
        typer.echo(f"{texts}: no file that ends in {' or '.join(judge.ENDINGS)}", err=True)
        raise typer.Exit(1)
    failed = False
    if not as_json:
        typer.echo("| file | task | n | accuracy | macro-F1 | ECE | majority |")
        typer.echo("| --- | --- | --- | --- | --- | --- | --- |")
    for path in tables:
        try:
            found = judge.judge(model, path, task)
        except judge.Unreadable as error:
            typer.echo(str(error), err=True)
            failed = True
            continue
        if as_json:
            typer.echo(json.dumps(asdict(found), ensure_ascii=False))
        else:
            ece = "" if found.ece is None else f"{found.ece:.3f}"
            typer.echo(
                f"| {found.file} | {found.task} | {found.n:,} | {found.accuracy:.3f} | {found.macro_f1:.3f} | {ece} | "
                f"{found.majority:.3f} |"
            )
    if failed:
        raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m training")
