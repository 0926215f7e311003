"""Work on files that a service's own program does, without a platform that runs."""

import os
import sys
from pathlib import Path
from typing import NoReturn

import typer


def hand_over(service: str, command: str, *arguments: str) -> NoReturn:
    """Become `sori-<service> COMMAND ARGUMENTS`, so that its output and exit status are this command's."""
    name = f"sori-{service}"
    program = Path(sys.executable).with_name(name)
    if not program.exists():
        typer.echo(
            f"sori: {name} is not installed beside {sys.executable}; `make setup` installs every service", err=True
        )
        raise typer.Exit(2)
    sys.stdout.flush()
    os.execv(program, [name, command, *arguments])
