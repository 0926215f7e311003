"""`sori sla`: promises, tried on a file."""

from pathlib import Path
from typing import Annotated

import typer

from sori_cli.offline import hand_over

app = typer.Typer(help="Promises: what a policy file makes of what happened.", no_args_is_help=True)


@app.callback()
def sla() -> None:
    """Promises: what a policy file makes of what happened."""


@app.command()
def evaluate(
    policies: Annotated[Path, typer.Option(help="YAML file with policies and calendars.")],
    events: Annotated[str, typer.Option(help="JSON lines: touchpoints and case changes, in any order; - reads input.")],
    now: Annotated[str, typer.Option(help="Moment at which the clocks are read; the present unless given.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a clock and line.")] = False,
) -> None:
    """Print each clock: policy, state, due time, working seconds used, warnings, breach."""
    arguments = [f"--policies={policies}", f"--events={events}"]
    arguments += [f"--now={now}"] if now else []
    hand_over("notify", "evaluate", *arguments, *(["--json"] if as_json else []))
