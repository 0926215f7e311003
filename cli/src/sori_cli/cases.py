"""`sori cases`: matters that want an answer."""

from typing import Annotated

import typer
from google.protobuf.message import Message

from sori.ingest.v1.touchpoint_pb2 import Channel
from sori.notify.v1 import case_pb2, notify_service_pb2_grpc
from sori.notify.v1 import notify_service_pb2 as pb
from sori_cli import client, screen
from sori_cli.client import Platform
from sori_cli.screen import word

app = typer.Typer(help="Matters that want an answer: list them, show one, act on it.")
_PAGE = 500


@app.callback(invoke_without_command=True)
def cases(
    context: typer.Context,
    state: Annotated[
        str, typer.Option(help="Only this state: new, open, pending, on_hold, resolved, reopened or closed.")
    ] = "",
    breached: Annotated[bool, typer.Option("--breached", help="Only those whose promise was broken.")] = False,
    org_unit: Annotated[str, typer.Option(help="Only this shop or team.")] = "",
    team: Annotated[str, typer.Option(help="Only those that this team has.")] = "",
    person: Annotated[str, typer.Option(help="Only those that this person has.")] = "",
    tag: Annotated[str, typer.Option(help="Only those with this tag.")] = "",
    customer: Annotated[str, typer.Option(help="Only those of the customer with this id.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Most cases to show.")] = 50,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List cases, newest first; or show one, or act on it."""
    if context.invoked_subcommand:
        return
    try:
        wanted = case_pb2.CaseState.Value(f"CASE_STATE_{state.upper() or 'UNSPECIFIED'}")
    except ValueError:
        known = ", ".join(screen.words(case_pb2.CaseState, "CASE_STATE"))
        raise screen.failed(f"--state {state}: is none of {known}") from None
    clock = case_pb2.CLOCK_STATE_BREACHED if breached else case_pb2.CLOCK_STATE_UNSPECIFIED
    request = pb.ListCasesRequest(
        state=wanted,
        clock_state=clock,
        org_unit=org_unit,
        filter=pb.CaseFilter(team=team, person=person, tag=tag, customer_id=customer),
    )
    screen.run(_list(Platform(data, token), request, limit, as_json))


@app.command()
def ack(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Say that somebody has taken a case."""
    screen.run(_act(Platform(data, token), "AcknowledgeCase", pb.AcknowledgeCaseRequest(case_id=case_id), as_json))


@app.command()
def resolve(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Say that a case is done."""
    screen.run(_act(Platform(data, token), "ResolveCase", pb.ResolveCaseRequest(case_id=case_id), as_json))


@app.command()
def pending(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    resume: Annotated[bool, typer.Option("--resume", help="It does not wait any more.")] = False,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Say that a case waits for the customer; --resume ends the waiting."""
    screen.run(_act(Platform(data, token), "SetPending", pb.SetPendingRequest(case_id=case_id, resume=resume), as_json))


@app.command()
def hold(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    resume: Annotated[bool, typer.Option("--resume", help="It does not wait any more.")] = False,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Say that a case waits for somebody else; --resume ends the waiting."""
    screen.run(_act(Platform(data, token), "SetOnHold", pb.SetOnHoldRequest(case_id=case_id, resume=resume), as_json))


@app.command()
def reopen(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Say that a case is not done after all."""
    screen.run(_act(Platform(data, token), "ReopenCase", pb.ReopenCaseRequest(case_id=case_id), as_json))


@app.command()
def close(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Say that a case is done for good."""
    screen.run(_act(Platform(data, token), "CloseCase", pb.CloseCaseRequest(case_id=case_id), as_json))


@app.command()
def assign(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    team: Annotated[str, typer.Option(help="Team; none unless given.")] = "",
    person: Annotated[str, typer.Option(help="Person; nobody unless given.")] = "",
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Give a case to a team or a person."""
    request = pb.AssignCaseRequest(case_id=case_id, team=team, person=person)
    screen.run(_act(Platform(data, token), "AssignCase", request, as_json))


@app.command()
def show(
    case_id: Annotated[str, typer.Argument(help="Which case.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
) -> None:
    """Print everything that is known of a case, and the evidence for its clocks, as JSON."""
    screen.run(_show(Platform(data, token), case_id))


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


async def _act(platform: Platform, rpc: str, request: Message, as_json: bool) -> None:
    async with platform.calling("notify", "cx.act", "cx.read") as peer:
        stub = notify_service_pb2_grpc.NotifyServiceStub(peer.channel)
        case: case_pb2.Case = (await getattr(stub, rpc)(request, metadata=peer.metadata, timeout=30)).case
    if as_json:
        screen.print_json(case)
    else:
        by = f", acknowledged by {screen.one_line(case.acknowledged_by)}" if case.acknowledged_by else ""
        screen.out.print(f"{case.case_id} is {_state(case)}{by}", soft_wrap=True)


async def _show(platform: Platform, case_id: str) -> None:
    async with platform.calling("notify", "cx.read", "hr.read") as peer:
        stub = notify_service_pb2_grpc.NotifyServiceStub(peer.channel)
        asked = pb.GetCaseRequest(case_id=case_id)
        screen.print_json(await stub.GetCase(asked, metadata=peer.metadata, timeout=30))
        explain = pb.ExplainClockRequest(case_id=case_id)
        screen.print_json(await stub.ExplainClock(explain, metadata=peer.metadata, timeout=30))


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
