"""Work on files that a service's own program does, without a platform that runs."""

import os
import sys
from importlib.util import find_spec
from typing import NoReturn

import typer


def hand_over(service: str, command: str, *arguments: str) -> NoReturn:
    """Become `sori-<service> COMMAND ARGUMENTS`, so that its output and exit status are this command's."""
    package = f"sori_{service.replace('-', '_')}"
    if find_spec(package) is None:
        typer.echo(f"sori: sori-{service} is not installed beside this program; `make setup` installs all", err=True)
        raise typer.Exit(2)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", f"{package}.offline", command, *arguments])
