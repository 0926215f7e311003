"""`sori quarantine`: submissions that ingest could not understand."""

import codecs
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Annotated

import typer
from rich.markup import escape

from sori.ingest.v1 import ingest_service_pb2 as pb
from sori.ingest.v1 import ingest_service_pb2_grpc, submission_events_pb2, touchpoint_pb2
from sori_cli import client, screen
from sori_cli.client import Platform

app = typer.Typer(
    help="Submissions that ingest could not understand: list, show, replay, discard.", no_args_is_help=True
)
_PAGE = 500
_SECONDS = 300  # for a call that reads many submissions

SourceOption = Annotated[str, typer.Option("--source", help="Only of this source.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="Only for this reason, `not_json` say.")]
IdsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Which; else --source, --reason or --all.")
]


@app.callback()
def quarantine() -> None:
    """Submissions that ingest could not understand."""


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, help="Most to show.")] = 50,
    source: SourceOption = "",
    reason: ReasonOption = "",
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List what is there, oldest first, with what is wrong."""
    screen.run(_list(Platform(data, token), limit, source, reason, as_json))


@app.command()
def show(
    quarantine_id: Annotated[str, typer.Argument(metavar="ID", help="Which.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Show one with all that came; that may hold personal data."""
    screen.run(_show(Platform(data, token), quarantine_id, as_json))


@app.command()
def replay(
    quarantine_ids: IdsArgument = None,
    source: SourceOption = "",
    reason: ReasonOption = "",
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Read submissions once more, after a fix; exit code 1 when some cannot be read even now."""
    selection = _selection(quarantine_ids or [], source, reason, all_)
    if screen.run(_replay(Platform(data, token), selection, as_json)):
        raise typer.Exit(1)


@app.command()
def discard(
    quarantine_ids: IdsArgument = None,
    source: SourceOption = "",
    reason: ReasonOption = "",
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Throw submissions away for good."""
    selection = _selection(quarantine_ids or [], source, reason, all_)
    if not yes and not selection.quarantine_ids:
        typer.confirm("Throw away all that fits?", abort=True, err=True)
    screen.run(_discard(Platform(data, token), selection, as_json))


def _selection(quarantine_ids: Sequence[str], source: str, reason: str, all_: bool) -> pb.QuarantineSelection:
    if not (quarantine_ids or source or reason or all_):
        raise typer.BadParameter("name submissions, or give --source, --reason or --all")
    if quarantine_ids and (source or reason or all_):
        raise typer.BadParameter("either name submissions or say which: not both")
    return pb.QuarantineSelection(quarantine_ids=quarantine_ids, source=source, reason=reason, all=all_)


async def _list(platform: Platform, limit: int, source: str, reason: str, as_json: bool) -> None:
    table = screen.table("", "id", "received", "source", "what is wrong", whole=["id", "received"])
    shown, total, page_token = 0, 0, ""
    async with platform.calling("ingest", "admin") as peer:
        stub = ingest_service_pb2_grpc.IngestServiceStub(peer.channel)
        while shown < limit:
            request = pb.ListQuarantineRequest(
                page_size=min(_PAGE, limit - shown), page_token=page_token, source=source, reason=reason
            )
            page = await stub.ListQuarantine(request, metadata=peer.metadata, timeout=_SECONDS)
            for each in page.submissions:
                if as_json:
                    screen.print_json(each)
                table.add_row(
                    each.quarantine_id,
                    screen.when(each.received_time),
                    escape(each.source),
                    escape(": ".join(filter(None, [each.reason, ", ".join(_wrongs(each.violations))]))),
                )
            shown, total, page_token = shown + len(page.submissions), page.total_count, page.next_page_token
            if not page_token:
                break
    if not as_json:
        nothing = "nothing of that kind is in quarantine" if source or reason else "nothing is in quarantine"
        screen.out.print(table if shown else nothing)
        if page_token:  # The total is that of all kinds.
            more = "; there may be more of that kind" if source or reason else f" of {total:,}"
            screen.out.print(f"{shown:,}{more}")


async def _show(platform: Platform, quarantine_id: str, as_json: bool) -> None:
    async with platform.calling("ingest", "admin") as peer:
        stub = ingest_service_pb2_grpc.IngestServiceStub(peer.channel)
        request = pb.GetQuarantinedRequest(quarantine_id=quarantine_id)
        answer = await stub.GetQuarantined(request, metadata=peer.metadata, timeout=30)
    kept = answer.submission
    if as_json:
        screen.print_json(kept)
        return
    for name, value in {
        "id": kept.quarantine_id,
        "source": f"{kept.source} ({kept.adapter or 'gRPC'})",
        "received": screen.when(kept.received_time),
        "size": f"{kept.size_bytes:,} bytes{', cut' if kept.truncated else ''} {kept.content_type}",
        "reason": kept.reason,
    }.items():
        screen.out.print(f"[bold]{name:9}[/] {escape(value)}", soft_wrap=True)
    for wrong in _wrongs(kept.violations):
        screen.out.print(f"[bold]{'wrong':9}[/] {escape(wrong)}", soft_wrap=True)
    for name, value in sorted(kept.headers.items()):
        screen.out.print(f"[bold]{'header':9}[/] {escape(f'{name}: {value}')}", soft_wrap=True)
    screen.out.print(escape(readable(kept)), soft_wrap=True)


def _wrongs(violations: Iterable[submission_events_pb2.FieldViolation]) -> list[str]:
    return [f"{each.field} {each.description}".strip() for each in violations]


def readable(kept: submission_events_pb2.SubmissionQuarantined) -> str:
    """Give what came as text, UTF-8 or CP949; what is none is escaped, byte by byte."""
    if not kept.adapter and not kept.truncated:
        return str(touchpoint_pb2.Touchpoint.FromString(kept.payload))
    for charset in ("utf-8", "cp949"):
        with contextlib.suppress(UnicodeDecodeError):
            decoder = codecs.getincrementaldecoder(charset)()
            text = decoder.decode(kept.payload, final=not kept.truncated)  # A letter at the cut may be half there.
            break
    else:
        text = kept.payload.decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() or each in "\n\t" else f"\\x{ord(each):02x}" for each in text)


async def _replays(platform: Platform, selection: pb.QuarantineSelection) -> AsyncIterator[pb.ReplayResult]:
    token = ""
    async with platform.calling("ingest", "admin") as peer:
        stub = ingest_service_pb2_grpc.IngestServiceStub(peer.channel)
        while True:
            request = pb.ReplayQuarantinedRequest(selection=selection, token=token)
            answer = await stub.ReplayQuarantined(request, metadata=peer.metadata, timeout=_SECONDS)
            for result in answer.results:
                yield result
            token = answer.next_token
            if not token:
                return


async def _replay(platform: Platform, selection: pb.QuarantineSelection, as_json: bool) -> int:
    """Replay, and say how many stay."""
    table = screen.table("", "id", "field", "what is wrong", whole=["id"])
    released = stay = accepted = duplicates = 0
    async for result in _replays(platform, selection):
        if as_json:
            screen.print_json(result)
        if result.HasField("released"):
            released += 1
            accepted += len(result.released.accepted_touchpoint_ids)
            duplicates += len(result.released.duplicate_touchpoint_ids)
            continue
        stay += 1
        for wrong in result.rejected.violations:
            table.add_row(result.quarantine_id, escape(wrong.field), escape(wrong.description))
    if not as_json:
        if stay:
            screen.out.print(table)
        screen.out.print(f"{released:,} released: {accepted:,} new touchpoints, {duplicates:,} known; {stay:,} stay")
    return stay


async def _discard(platform: Platform, selection: pb.QuarantineSelection, as_json: bool) -> None:
    async with platform.calling("ingest", "admin") as peer:
        stub = ingest_service_pb2_grpc.IngestServiceStub(peer.channel)
        request = pb.DiscardQuarantinedRequest(selection=selection)
        answer = await stub.DiscardQuarantined(request, metadata=peer.metadata, timeout=_SECONDS)
    if as_json:
        screen.print_json({"discarded_count": answer.discarded_count})
    else:
        screen.out.print(f"{answer.discarded_count:,} thrown away")
