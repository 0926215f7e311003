"""`sori timeline`: what one customer has met with."""

import uuid
from typing import Annotated, Any

import typer

from sori.classify.v1.classification_pb2 import Sentiment
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import journey_service_pb2_grpc, position_pb2
from sori.notify.v1 import case_pb2, notify_service_pb2_grpc
from sori.notify.v1 import notify_service_pb2 as notify_pb
from sori_cli import client, screen
from sori_cli.client import Platform
from sori_cli.screen import Problem, word

_PAGE = 500
_DONE = (case_pb2.CASE_STATE_RESOLVED, case_pb2.CASE_STATE_CLOSED)


def timeline(
    customer: Annotated[
        str, typer.Argument(help="Customer id, or an identifier: member_id:M123, phone:010-1234-5678, email:…")
    ],
    limit: Annotated[int, typer.Option(min=1, help="Most touchpoints to show.")] = 50,
    channels: Annotated[list[str] | None, typer.Option("--channel", help="Only this channel; may be repeated.")] = None,
    kinds: Annotated[list[str] | None, typer.Option("--kind", help="Only this kind; may be repeated.")] = None,
    moods: Annotated[list[str] | None, typer.Option("--mood", help="Only this mood; may be repeated.")] = None,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Show a customer, their open cases and their touchpoints, newest first."""
    wanted = pb.GetTimelineRequest(
        channels=_numbers(touchpoint_pb2.Channel, "CHANNEL", channels),
        kinds=_numbers(touchpoint_pb2.TouchpointKind, "TOUCHPOINT_KIND", kinds),
        sentiments=_numbers(Sentiment, "SENTIMENT", moods),
    )
    screen.run(_timeline(Platform(data, token), customer, wanted, limit, as_json))


def _numbers(kind: Any, prefix: str, named: list[str] | None) -> list[Any]:
    """Read the words of an option."""
    try:
        return [kind.Value(f"{prefix}_{each.strip().upper()}") for each in named or []]
    except ValueError:
        names = ", ".join(screen.words(kind, prefix))
        raise typer.BadParameter(f"there are {names}") from None


async def _timeline(
    platform: Platform, customer: str, filtered: pb.GetTimelineRequest, limit: int, as_json: bool
) -> None:
    wanted = _wanted(customer)
    async with platform.calling("journey", "cx.read") as peer:
        stub = journey_service_pb2_grpc.JourneyServiceStub(peer.channel)
        if isinstance(wanted, str):
            got = await stub.GetCustomer(pb.GetCustomerRequest(customer_id=wanted), metadata=peer.metadata, timeout=30)
            found = got.customer
        else:
            searched = await stub.FindCustomer(
                pb.FindCustomerRequest(identifier=wanted), metadata=peer.metadata, timeout=30
            )
            found = searched.customer
        if as_json:
            screen.print_json(found)
        else:
            _head(found)
            await _open_cases(platform, found.customer_id)
        shown, page_token = 0, ""
        table = screen.table("", "time", "channel", "kind", "who", "stage", "mood", "text", whole=["time"])
        while shown < limit:
            page = await stub.GetTimeline(
                pb.GetTimelineRequest(
                    customer_id=found.customer_id,
                    page_size=min(_PAGE, limit - shown),
                    page_token=page_token,
                    channels=filtered.channels,
                    kinds=filtered.kinds,
                    sentiments=filtered.sentiments,
                ),
                metadata=peer.metadata,
                timeout=30,
            )
            for entry in page.entries:
                if as_json:
                    screen.print_json(entry)
                else:
                    table.add_row(*_cells(entry))
            shown += len(page.entries)
            page_token = page.next_page_token
            if not page_token:
                break
    if not as_json:
        screen.out.print(table)


def _wanted(customer: str) -> str | touchpoint_pb2.Identifier:
    """Read a customer id or an identifier."""
    kind, colon, value = customer.partition(":")
    if colon:
        try:
            number = touchpoint_pb2.IdentifierType.Value(f"IDENTIFIER_TYPE_{kind.strip().upper()}")
        except ValueError:
            names = screen.words(touchpoint_pb2.IdentifierType, "IDENTIFIER_TYPE")
            raise Problem(f"there is no identifier type {kind}; there are {', '.join(names)}") from None
        return touchpoint_pb2.Identifier(type=number, value=value.strip())
    try:
        return str(uuid.UUID(customer))
    except ValueError:
        raise Problem(f"{customer} is neither a customer id nor an identifier such as member_id:{customer}") from None


def _head(customer: pb.Customer) -> None:
    stage = word(position_pb2.Stage.Name(customer.stage), "STAGE")
    screen.out.print(
        f"[bold]{customer.customer_id}[/]  {stage}  {customer.touchpoint_count:,} touchpoints", soft_wrap=True
    )
    for each in customer.identifiers:
        kind = word(touchpoint_pb2.IdentifierType.Name(each.type), "IDENTIFIER_TYPE")
        screen.out.print(f"  {kind}: {screen.one_line(each.value)}", soft_wrap=True)
    if customer.segments:
        screen.out.print(f"  segments: {', '.join(customer.segments)}", soft_wrap=True)


async def _open_cases(platform: Platform, customer_id: str) -> None:
    """Ask notify, whose they are; that it is away is no reason not to show a timeline."""
    request = notify_pb.ListCasesRequest(filter=notify_pb.CaseFilter(customer_id=customer_id), page_size=_PAGE)
    try:
        async with platform.calling("notify", "cx.read") as peer:
            stub = notify_service_pb2_grpc.NotifyServiceStub(peer.channel)
            found = await stub.ListCases(request, metadata=peer.metadata, timeout=30)
    except Problem as problem:
        screen.out.print(f"  open cases: {screen.one_line(str(problem))}", soft_wrap=True)
        return
    for each in found.cases:
        if each.state not in _DONE:
            state = word(case_pb2.CaseState.Name(each.state), "CASE_STATE")
            screen.out.print(f"  {state} case {each.case_id} since {screen.when(each.opened_time)}", soft_wrap=True)


def _cells(entry: pb.TimelineEntry) -> list[str]:
    touchpoint = entry.touchpoint
    return [
        screen.when(touchpoint.occurred_time),
        word(touchpoint_pb2.Channel.Name(touchpoint.channel), "CHANNEL"),
        word(touchpoint_pb2.TouchpointKind.Name(touchpoint.kind), "TOUCHPOINT_KIND"),
        word(touchpoint_pb2.Actor.Name(touchpoint.actor), "ACTOR"),
        word(position_pb2.Stage.Name(entry.position.stage), "STAGE"),
        word(Sentiment.Name(entry.classification.sentiment), "SENTIMENT"),
        screen.one_line(touchpoint.text),
    ]
