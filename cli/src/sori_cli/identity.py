"""`sori identity`: who is who, tried on a file."""

from pathlib import Path
from typing import Annotated

import typer

from sori_cli.offline import hand_over

app = typer.Typer(help="Try the rules of who is who on a file; needs no platform.", no_args_is_help=True)


@app.callback()
def identity() -> None:
    """Try the rules of who is who on a file; needs no platform."""


@app.command("replay")
def replay(
    file: Annotated[
        str, typer.Argument(help="One JSON object a line: an observation, a merge or a split; - reads input.")
    ],
    policy: Annotated[Path | None, typer.Option(help="Identity policy (YAML); else the standard one.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One customer a line as JSON, for machines.")] = False,
) -> None:
    """Print the customers that observations, merges and splits come to, with their identifiers and touchpoints."""
    options = ["--policy", str(policy)] if policy else []
    hand_over("journey", "replay", *options, *(["--json"] if as_json else []), "--", file)
