"""The command `python -m sori_sample`, which writes the sample to files."""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import json_format
from google.protobuf.message import Message

from sori_sample.sample import DEFAULT_SEED, generate
from sori_sample.window import SEOUL

DEFAULT_END = dt.datetime(2026, 11, 22)  # noqa: DTZ001 - A date; typer knows only datetimes.


def main(
    out: Annotated[Path, typer.Option(help="Folder to write to; made if missing.")],
    seed: Annotated[int, typer.Option(help="The same seed and end give the same files.")] = DEFAULT_SEED,
    end: Annotated[
        dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="Day after the last one of the 30.")
    ] = DEFAULT_END,
    *,
    shift: Annotated[
        bool, typer.Option("--shift", help="Move the month so that it ends yesterday in Korea; overrides --end.")
    ] = False,
) -> None:
    """Write touchpoints.jsonl, staff.jsonl and truth.json: a made-up month of a made-up company."""
    sample = generate(seed=seed, end=dt.datetime.now(SEOUL).date() if shift else end.date())
    out.mkdir(parents=True, exist_ok=True)
    _write_lines(out / "touchpoints.jsonl", sample.touchpoints)
    _write_lines(out / "staff.jsonl", sample.responses)
    (out / "truth.json").write_text(sample.truth.to_json() + "\n", encoding="utf-8")
    typer.echo(f"{len(sample.touchpoints)} touchpoints and {len(sample.responses)} staff responses in {out}")


def _write_lines(path: Path, messages: Iterable[Message]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for message in messages:
            fields = json_format.MessageToDict(message, preserving_proto_field_name=True)
            if "attributes" in fields:  # A map, whose order differs from process to process.
                fields["attributes"] = dict(sorted(fields["attributes"].items()))
            file.write(json.dumps(fields, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    typer.run(main)
