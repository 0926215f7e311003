"""`sori up`: the command."""

import datetime as dt
from typing import Annotated

import typer

from sori_cli import client, screen
from sori_local import ports

SEED = 20260101  # of the sample company


def up(
    data: client.DataOption = client.DATA,
    base_port: Annotated[
        int, typer.Option(min=1_024, max=65_000, help="First port; all others follow from it.")
    ] = ports.BASE_PORT,
    sample: Annotated[bool, typer.Option("--sample", help="Feed the sample company's month.")] = False,
    once: Annotated[
        bool, typer.Option("--once", help="Wait until all has arrived, reconcile, stop; exit code 1 on any mismatch.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of the sample company.")] = SEED,
    end: Annotated[str, typer.Option(help="Last day of the sample's month; yesterday in Seoul unless given.")] = "",
    no_durable: Annotated[
        bool, typer.Option("--no-durable", help="Let the broker answer before the disk has it: faster, may lose.")
    ] = False,
    only: Annotated[str, typer.Option(hidden=True, help="Only these services, comma-separated.")] = "",
) -> None:
    """Bring the platform up on this machine, and print a link to the console and a token for each role.

    Everything is kept under --data; engines of your own are used where SORI_NATS_URL or SORI_POSTGRES_URL are set.
    Ctrl-C drains and stops everything. Starting again on the same folder goes on where it ended, and feeding the
    same sample again adds nothing.
    """
    try:
        last = dt.date.fromisoformat(end) if end else dt.datetime.now(screen.SEOUL).date() - dt.timedelta(days=1)
    except ValueError:
        raise screen.failed(f"--end {end}: is not a date such as 2026-11-30") from None
    chosen = tuple(only.split(",")) if only else ports.SERVICES
    from sori_cli import deployment  # It brings all that only this command needs.

    wish = deployment.Wish(
        data=data,
        base_port=base_port,
        only=chosen,
        durable=not no_durable,
        sample=sample,
        once=once,
        seed=seed,
        end=last,
    )
    if code := screen.run(deployment.run(wish)):
        raise typer.Exit(code)
