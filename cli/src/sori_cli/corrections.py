"""`sori corrections`: what people said that classifications should have been."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from sori.classify.v1 import classification_events_pb2, classify_service_pb2_grpc
from sori.classify.v1 import classify_service_pb2 as pb
from sori_cli import client, screen
from sori_cli.client import Platform

app = typer.Typer(help="Corrections of classifications: export them for training.", no_args_is_help=True)
_PAGE = 500
_SECONDS = 60  # for one page


@app.callback()
def corrections() -> None:
    """Corrections of classifications."""


@app.command()
def export(
    file: Annotated[str, typer.Argument(help="Where to write JSON lines; - is standard output.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
) -> None:
    """Write every correction as one JSON line, oldest first, as `make train` takes them in.

    They hold what customers wrote: the file is readable by its owner only.
    """
    count, without = screen.run(_export(Platform(data, token), file))
    plural = "" if count == 1 else "s"
    screen.err.print(f"{count:,} correction{plural} exported; {without:,} without a text teach nothing", soft_wrap=True)


async def _export(platform: Platform, file: str) -> tuple[int, int]:
    """Read page by page; a file appears complete or not at all."""
    lines, without, page_token = list[str](), 0, ""
    async with platform.calling("classify", "admin") as peer:
        stub = classify_service_pb2_grpc.ClassifyServiceStub(peer.channel)
        while True:
            request = pb.ListCorrectionsRequest(page_size=_PAGE, page_token=page_token)
            page = await stub.ListCorrections(request, metadata=peer.metadata, timeout=_SECONDS)
            lines += map(line, page.corrections)
            without += sum(not each.text for each in page.corrections)
            page_token = page.next_page_token
            if not page_token:
                break
    written = "".join(each + "\n" for each in lines)
    if file == "-":
        typer.echo(written, nl=False)
    else:
        _write(Path(file), written)
    return len(lines), without


def line(each: classification_events_pb2.ClassificationCorrected) -> str:
    """Spell a correction as one JSON line, with the names of the proto."""
    return json.dumps(screen.as_dict(each), ensure_ascii=False)


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write(text)
        part.replace(path)
    except OSError as error:
        raise screen.Problem(f"{path} cannot be written: {error.strerror}") from error
