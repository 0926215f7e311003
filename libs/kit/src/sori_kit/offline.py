"""Commands that a service's program has for files alone: no settings, no broker, no database."""

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class Command:
    """What one of them does."""

    help: str
    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]  # gives the exit status


def add(commands: Mapping[str, Command], parsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Let a parser know the commands."""
    for word, each in commands.items():
        each.arguments(parsers.add_parser(word, help=each.help, description=each.help))


def main(service: str, commands: Mapping[str, Command]) -> NoReturn:
    """Be `python -m sori_<service>.offline`, which starts in a fraction of the time that the whole program takes."""
    parser = argparse.ArgumentParser(prog=f"sori-{service}")
    add(commands, parser.add_subparsers(dest="command", required=True))
    given = parser.parse_args()
    sys.exit(commands[given.command].run(given))
