"""`sori token`: tokens signed with the local key."""

from typing import Annotated

import typer

from sori_cli import client, screen


def token(
    roles: Annotated[
        list[str],
        typer.Argument(
            metavar="ROLE...", help="One or more of admin, cx.act, cx.read, employee, hr.read, ingest.write."
        ),
    ],
    subject: Annotated[str, typer.Option(help="Whom it stands for.")] = "local",
    days: Annotated[float, typer.Option(min=0.001, max=3_650, help="Days until it ends.")] = 30,
    data: client.DataOption = client.DATA,
) -> None:
    """Print a token for the local deployment, signed with its key."""
    try:
        signed = client.local_issuer(data).token(roles, subject=subject, days=days)
    except (screen.Problem, ValueError) as problem:
        raise screen.failed(problem) from None
    typer.echo(signed)
