"""`sori quarantine`: submissions that ingest could not understand."""

from typing import Annotated

import typer
from rich.markup import escape

from sori.ingest.v1 import ingest_service_pb2 as pb
from sori.ingest.v1 import ingest_service_pb2_grpc
from sori_cli import client, screen
from sori_cli.client import Platform

app = typer.Typer(help="Submissions that ingest could not understand.", no_args_is_help=True)
_PAGE = 500


@app.callback()
def quarantine() -> None:
    """Submissions that ingest could not understand."""


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="Most to show.")] = 50,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List what is there, oldest first, with what is wrong."""
    screen.run(_list(Platform(data, token), limit, as_json))


async def _list(platform: Platform, limit: int, as_json: bool) -> None:
    table = screen.table("", "id", "received", "source", "field", "what is wrong", whole=["id", "received"])
    shown, total, page_token = 0, 0, ""
    async with platform.calling("ingest", "admin") as peer:
        stub = ingest_service_pb2_grpc.IngestServiceStub(peer.channel)
        while shown < limit:
            request = pb.ListQuarantineRequest(page_size=min(_PAGE, limit - shown), page_token=page_token)
            page = await stub.ListQuarantine(request, metadata=peer.metadata, timeout=30)
            for each in page.submissions:
                if as_json:
                    screen.print_json(each)
                for wrong in each.violations:
                    table.add_row(
                        each.quarantine_id,
                        screen.when(each.received_time),
                        escape(each.source),
                        escape(wrong.field),
                        escape(wrong.description),
                    )
            shown, total, page_token = shown + len(page.submissions), page.total_count, page.next_page_token
            if not page_token:
                break
    if not as_json:
        screen.out.print(table if shown else "nothing is in quarantine")
        if total > shown:
            screen.out.print(f"{shown:,} of {total:,}")
