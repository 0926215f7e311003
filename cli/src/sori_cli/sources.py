"""`sori sources`: what ingest would make of a payload, without a platform that runs."""

from pathlib import Path
from typing import Annotated

import typer

from sori_cli.offline import hand_over

app = typer.Typer(help="Adapters, and the sources that use them; works on files alone.", no_args_is_help=True)


@app.command()
def check(
    adapter: Annotated[str, typer.Argument(help="Name of the adapter; `sori sources list` shows them.")],
    file: Annotated[str, typer.Argument(help="The payload as the source sends it; - reads standard input.")],
    as_json: Annotated[bool, typer.Option("--json", help="No table, and reasons as JSON.")] = False,
    source: Annotated[str, typer.Option(help="Name of the source; the adapter's unless given.")] = "",
    sources: Annotated[str, typer.Option(help="Take the source's configuration from this YAML file.")] = "",
    org_unit: Annotated[str, typer.Option(help="Shop or team that the source belongs to.")] = "",
    mapping: Annotated[str, typer.Option(help="A YAML file of lines `column: field`.")] = "",
    option: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE, an option of the source; again for each.")
    ] = None,
    header: Annotated[list[str] | None, typer.Option(help="'NAME: VALUE' of the request; again for each.")] = None,
    query: Annotated[list[str] | None, typer.Option(help="NAME=VALUE of the request; again for each.")] = None,
    content_type: Annotated[str, typer.Option(help="Told by the bytes unless given.")] = "",
    now: Annotated[str, typer.Option(help="Time of receipt, ISO 8601; now unless given.")] = "",
) -> None:
    """Run a payload through an adapter and show what would result.

    Standard output has one touchpoint a line, as proto JSON in normal form; standard error a table, and what was
    ignored or would be quarantined and why. With --json, and when nothing else came of it, the reason is on standard
    output as one object: {"ignored": …} or {"quarantined": …, "fields": […]}.

    Exit code: 0 when there is a touchpoint, 3 when all is to ignore, 4 when it would be quarantined, 2 for wrong use.
    """
    given = ["--json"] if as_json else []
    for name, value in (
        ("source", source),
        ("sources", sources),
        ("org-unit", org_unit),
        ("mapping", mapping),
        ("content-type", content_type),
        ("now", now),
    ):
        given += [f"--{name}={value}"] if value else []
    for name, values in (("option", option), ("header", header), ("query", query)):
        given += [f"--{name}={value}" for value in values or ()]
    hand_over("ingest", "check", *given, "--", adapter, file)


@app.command("list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False) -> None:
    """List the adapters that a source can have."""
    hand_over("ingest", "adapters", *(["--json"] if as_json else []))


@app.command()
def validate(
    file: Annotated[Path, typer.Argument(help="A file of sources, such as deploy/local/policies/sources.yaml.")],
    secrets: Annotated[bool, typer.Option(help="Look for the secrets too.")] = False,
) -> None:
    """Check a file of sources; exit code 1 with the line of each thing that is wrong."""
    hand_over("ingest", "validate", *(["--secrets"] if secrets else []), "--", str(file))
