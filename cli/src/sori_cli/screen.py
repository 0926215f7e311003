"""What the commands print, and how they fail: one line, exit code 1."""

import asyncio
import datetime as dt
import json
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import typer
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.markup import escape
from rich.table import Table

SEOUL = ZoneInfo("Asia/Seoul")
_WIDE = 200  # characters, where nobody looks at a terminal
out = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, highlight=False)

T = TypeVar("T")


class Problem(Exception):
    """Something that the user can do something about; the message is one line."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a command's work; a Problem becomes one line and exit code 1."""
    try:
        return asyncio.run(work)
    except Problem as problem:
        raise failed(problem) from None
    except BrokenPipeError:
        sys.stderr.close()  # The reader went away; Python would complain at exit.
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def failed(problem: Exception | str) -> typer.Exit:
    """Print a problem; gives what the command is to raise."""
    err.print(f"[bold red]sori:[/] {escape(str(problem))}", soft_wrap=True)
    return typer.Exit(1)


def print_json(message: Message | dict[str, Any]) -> None:
    """Print one JSON object on one line."""
    made = message if isinstance(message, dict) else as_dict(message)
    sys.stdout.write(json.dumps(made, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def as_dict(message: Message) -> dict[str, Any]:
    """Spell a message as proto JSON, with the names of the proto."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def table(title: str, *columns: str, numbers: Sequence[str] = (), whole: Sequence[str] = ()) -> Table:
    """Begin a table; columns among `numbers` stand to the right, those among `whole` are never broken."""
    made = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold", box=None)
    for column in columns:
        right = "right" if column in numbers else "left"
        made.add_column(column, justify=right, overflow="fold", no_wrap=column in {*numbers, *whole})  # type: ignore[arg-type]
    return made


def when(time: Timestamp) -> str:
    """Show a time as it was in Korea."""
    if not time.seconds:
        return ""
    return dt.datetime.fromtimestamp(time.seconds, SEOUL).strftime("%Y-%m-%d %H:%M")


def word(name: str, kind: str) -> str:
    """Show an enum value without its type: CASE_STATE_OPEN of CASE_STATE is `open`."""
    short = name.removeprefix(f"{kind}_").lower()
    return "" if short == "unspecified" else short


def words(kind: Any, prefix: str) -> list[str]:
    """List the values of an enum as `word` shows them."""
    return [word(name, prefix) for name, value in kind.items() if value]


def one_line(text: str, most: int = 100) -> str:
    """Show a text on one line, cut where it is long."""
    flat = " ".join(text.split())
    return escape(flat if len(flat) <= most else flat[: most - 1] + "…")
