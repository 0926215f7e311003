"""`sori cases`: matters that want an answer."""

from typing import Annotated

import typer

from sori.ingest.v1.touchpoint_pb2 import Channel
from sori.notify.v1 import case_pb2, notify_service_pb2_grpc
from sori.notify.v1 import notify_service_pb2 as pb
from sori_cli import client, screen
from sori_cli.client import Platform
from sori_cli.screen import word

app = typer.Typer(help="Matters that want an answer: list them, acknowledge or resolve one.")
_PAGE = 500


@app.callback(invoke_without_command=True)
def cases(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="Only new, open or resolved.")] = "",
    breached: Annotated[bool, typer.Option("--breached", help="Only those whose promise was broken.")] = False,
    org_unit: Annotated[str, typer.Option(help="Only this shop or team.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Most cases to show.")] = 50,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List cases, newest first; or acknowledge or resolve one."""
    if context.invoked_subcommand:
        return
    try:
        wanted = case_pb2.CaseState.Value(f"CASE_STATE_{state.upper() or 'UNSPECIFIED'}")
    except ValueError:
        raise screen.failed(f"--state {state}: is none of new, open, resolved") from None
    clock = case_pb2.CLOCK_STATE_BREACHED if breached else case_pb2.CLOCK_STATE_UNSPECIFIED
    request = pb.ListCasesRequest(state=wanted, clock_state=clock, org_unit=org_unit)
    screen.run(_list(Platform(data, token), request, limit, as_json))


@app.command()
def ack(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Say that somebody has taken a case."""
    screen.run(_act(Platform(data, token), case_id, as_json, resolve=False))


@app.command()
def resolve(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Say that a case is done."""
    screen.run(_act(Platform(data, token), case_id, as_json, resolve=True))


async def _list(platform: Platform, request: pb.ListCasesRequest, limit: int, as_json: bool) -> None:
    shown, table = (
        0,
        screen.table(
            "",
            "case",
            "opened",
            "state",
            "clock",
            "due",
            "channel",
            "shop or team",
            "topics",
            whole=["case", "opened", "state", "clock", "due"],
        ),
    )
    async with platform.calling("notify", "cx.read", "hr.read") as peer:
        stub = notify_service_pb2_grpc.NotifyServiceStub(peer.channel)
        while shown < limit:
            request.page_size = min(_PAGE, limit - shown)
            page = await stub.ListCases(request, metadata=peer.metadata, timeout=30)
            for case in page.cases:
                if as_json:
                    screen.print_json(case)
                else:
                    table.add_row(*_cells(case))
            shown += len(page.cases)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
    if not as_json:
        screen.out.print(table if shown else "no cases")


async def _act(platform: Platform, case_id: str, as_json: bool, *, resolve: bool) -> None:
    async with platform.calling("notify", "cx.act", "cx.read") as peer:
        stub = notify_service_pb2_grpc.NotifyServiceStub(peer.channel)
        if resolve:
            request = pb.ResolveCaseRequest(case_id=case_id)
            case = (await stub.ResolveCase(request, metadata=peer.metadata, timeout=30)).case
        else:
            asked = pb.AcknowledgeCaseRequest(case_id=case_id)
            case = (await stub.AcknowledgeCase(asked, metadata=peer.metadata, timeout=30)).case
    if as_json:
        screen.print_json(case)
    else:
        by = f", acknowledged by {screen.one_line(case.acknowledged_by)}" if case.acknowledged_by else ""
        screen.out.print(f"{case.case_id} is {_state(case)}{by}", soft_wrap=True)


def _state(case: case_pb2.Case) -> str:
    return word(case_pb2.CaseState.Name(case.state), "CASE_STATE")


def _cells(case: case_pb2.Case) -> list[str]:
    clock = word(case_pb2.ClockState.Name(case.clock.state), "CLOCK_STATE")
    return [
        case.case_id,
        screen.when(case.opened_time),
        _state(case),
        f"[red]{clock}[/]" if clock == "breached" else clock,
        screen.when(case.clock.due_time),
        word(Channel.Name(case.channel), "CHANNEL"),
        screen.one_line(case.org_unit),
        screen.one_line(", ".join(case.topics)),
    ]
