"""`sori dead-letters`: what a service gave up on."""

import asyncio
from typing import Annotated

import grpc
import typer
from rich.markup import escape

from sori.operations.v1 import operations_service_pb2 as pb
from sori.operations.v1 import operations_service_pb2_grpc
from sori_cli import client, screen
from sori_cli.client import Peer, Platform
from sori_cli.screen import Problem
from sori_local.ports import SERVICES

app = typer.Typer(help="Events that a service gave up on: list, show, replay.", no_args_is_help=True)
_PAGE = 500

ServiceOption = Annotated[str, typer.Option(help="Only this service; all unless given.")]


@app.command("list")
def list_(
    service: ServiceOption = "",
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """List what is there, oldest first."""
    screen.run(_list(Platform(data, token), _services(service), as_json))


@app.command()
def show(
    dead_letter_id: Annotated[int, typer.Argument(help="Number of the dead letter.")],
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Show one with the event that failed; that may hold personal data."""
    screen.run(_show(Platform(data, token), dead_letter_id, as_json))


@app.command()
def replay(
    dead_letter_ids: Annotated[list[int] | None, typer.Argument(help="Which; all unless given.")] = None,
    service: ServiceOption = "",
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
    as_json: client.JsonOption = False,
) -> None:
    """Hand dead letters to their consumer once more; exit code 1 when some fail again."""
    failed = screen.run(_replay(Platform(data, token), dead_letter_ids or [], _services(service), as_json))
    if failed:
        raise typer.Exit(1)


async def letters(peer: Peer) -> list[pb.DeadLetter]:
    """List all dead letters of a service."""
    stub = operations_service_pb2_grpc.OperationsServiceStub(peer.channel)
    found, page_token = list[pb.DeadLetter](), ""
    while True:
        request = pb.ListDeadLettersRequest(page_size=_PAGE, page_token=page_token)
        page = await stub.ListDeadLetters(request, metadata=peer.metadata, timeout=30)
        found += page.dead_letters
        page_token = page.next_page_token
        if not page_token:
            return found


async def _all(platform: Platform, services: list[str]) -> dict[str, list[pb.DeadLetter]]:
    async def of(service: str) -> list[pb.DeadLetter]:
        async with platform.calling(service, "admin") as peer:
            return await letters(peer)

    return dict(zip(services, await asyncio.gather(*map(of, services)), strict=True))


async def _list(platform: Platform, services: list[str], as_json: bool) -> None:
    found = await _all(platform, services)
    rows = sorted((each for several in found.values() for each in several), key=lambda each: each.dead_letter_id)
    if as_json:
        for each in rows:
            screen.print_json(each)
        return
    table = screen.table(
        "",
        "id",
        "consumer",
        "failed",
        "tries",
        "reason",
        "description",
        numbers=["id", "tries"],
        whole=["consumer", "failed"],
    )
    for each in rows:
        table.add_row(
            str(each.dead_letter_id),
            escape(each.durable),
            screen.when(each.failed_time),
            str(each.attempt_count),
            escape(each.reason),
            screen.one_line(each.description),
        )
    screen.out.print(table if rows else "no dead letters")


async def _show(platform: Platform, dead_letter_id: int, as_json: bool) -> None:
    for service in SERVICES:
        async with platform.calling(service, "admin") as peer:
            stub = operations_service_pb2_grpc.OperationsServiceStub(peer.channel)
            request = pb.GetDeadLetterRequest(dead_letter_id=dead_letter_id)
            try:
                answer = await stub.GetDeadLetter(request, metadata=peer.metadata, timeout=30)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.NOT_FOUND:
                    continue
                raise
        if as_json:
            screen.print_json(answer)
            return
        letter = answer.dead_letter
        for name, value in {
            "id": str(letter.dead_letter_id),
            "consumer": letter.durable,
            "event": f"{letter.type} {letter.event_id}",
            "failed": f"{screen.when(letter.failed_time)}, {letter.attempt_count} tries",
            "reason": f"{letter.reason}: {letter.description}",
        }.items():
            screen.out.print(f"[bold]{name:9}[/] {escape(value)}", soft_wrap=True)
        screen.out.print(escape(answer.event_json or f"{len(answer.data):,} bytes that cannot be read"), soft_wrap=True)
        return
    raise Problem(f"there is no dead letter {dead_letter_id}")


async def _replay(platform: Platform, wanted: list[int], services: list[str], as_json: bool) -> int:
    """Replay, and say how many failed again."""
    found = await _all(platform, services)
    there = {each.dead_letter_id for several in found.values() for each in several}
    if missing := sorted(set(wanted) - there):
        raise Problem(f"there is no dead letter {', '.join(map(str, missing))}")
    asked = replayed = 0
    for service, several in found.items():
        chosen = [each.dead_letter_id for each in several if not wanted or each.dead_letter_id in wanted]
        if not chosen:
            continue
        async with platform.calling(service, "admin") as peer:
            stub = operations_service_pb2_grpc.OperationsServiceStub(peer.channel)
            request = pb.ReplayDeadLettersRequest(dead_letter_ids=chosen)
            answer = await stub.ReplayDeadLetters(request, metadata=peer.metadata, timeout=300)
        asked += len(chosen)
        replayed += answer.replayed_count
    if as_json:
        screen.print_json({"replayed_count": replayed, "failed_count": asked - replayed})
    else:
        again = f"; {asked - replayed:,} failed again" if asked > replayed else ""
        screen.out.print(f"{replayed:,} replayed{again}")
    return asked - replayed


def _services(service: str) -> list[str]:
    if service and service not in SERVICES:
        raise screen.failed(f"--service {service}: is none of {', '.join(SERVICES)}")
    return [service] if service else list(SERVICES)
