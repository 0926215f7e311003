"""`sori deliveries`: messages on their way out."""

from typing import Annotated

import typer

from sori.notify.v1 import delivery_pb2, notify_service_pb2_grpc
from sori_cli import client, screen
from sori_cli.client import Platform
from sori_cli.screen import word

app = typer.Typer(help="Messages on their way out: list them, send failed ones again.", no_args_is_help=True)
_PAGE = 500


@app.command("list")
def list_deliveries(
    state: Annotated[str, typer.Option(help="Only pending, sent, failed, cancelled or digested.")] = "",
    target: Annotated[str, typer.Option(help="Only to this target.")] = "",
    case: Annotated[str, typer.Option(help="Only about this case.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Most messages to show.")] = 50,
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List messages, newest first."""
    try:
        wanted = delivery_pb2.DeliveryState.Value(f"DELIVERY_STATE_{state.upper() or 'UNSPECIFIED'}")
    except ValueError:
        raise screen.failed(f"--state {state}: is none of pending, sent, failed, cancelled, digested") from None
    request = delivery_pb2.ListDeliveriesRequest(state=wanted, target=target, case_id=case)
    screen.run(_list(Platform(data, token), request, limit, as_json))


@app.command()
def redeliver(
    delivery: Annotated[list[str] | None, typer.Argument(help="Which messages; every failed one unless given.")] = None,
    target: Annotated[str, typer.Option(help="Only to this target.")] = "",
    case: Annotated[str, typer.Option(help="Only about this case.")] = "",
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Put failed messages back in line, under the keys that they have."""
    request = delivery_pb2.RedeliverFailedRequest(delivery_ids=delivery or [], target=target, case_id=case)
    screen.run(_redeliver(Platform(data, token), request, as_json))


async def _list(platform: Platform, request: delivery_pb2.ListDeliveriesRequest, limit: int, as_json: bool) -> None:
    table = screen.table(
        "",
        "message",
        "created",
        "state",
        "target",
        "reason",
        "attempts",
        "problem",
        whole=["message", "created", "state"],
    )
    shown = 0
    async with platform.calling("notify", "cx.read", "admin") as peer:
        stub = notify_service_pb2_grpc.NotifyServiceStub(peer.channel)
        while shown < limit:
            request.page_size = min(_PAGE, limit - shown)
            page = await stub.ListDeliveries(request, metadata=peer.metadata, timeout=30)
            for each in page.deliveries:
                if as_json:
                    screen.print_json(each)
                    continue
                state = word(delivery_pb2.DeliveryState.Name(each.state), "DELIVERY_STATE")
                table.add_row(
                    each.delivery_id,
                    screen.when(each.created_time),
                    f"[red]{state}[/]" if state == "failed" else state,
                    screen.one_line(each.target),
                    screen.one_line(each.reason),
                    str(each.attempt_count),
                    screen.one_line(each.problem),
                )
            shown += len(page.deliveries)
            request.page_token = page.next_page_token
            if not page.next_page_token:
                break
    if not as_json:
        screen.out.print(table if shown else "no messages")


async def _redeliver(platform: Platform, request: delivery_pb2.RedeliverFailedRequest, as_json: bool) -> None:
    async with platform.calling("notify", "cx.act", "admin") as peer:
        stub = notify_service_pb2_grpc.NotifyServiceStub(peer.channel)
        answer = await stub.RedeliverFailed(request, metadata=peer.metadata, timeout=30)
    if as_json:
        screen.print_json(answer)
    else:
        screen.out.print(f"{answer.redelivered_count:,} messages are in line again")
