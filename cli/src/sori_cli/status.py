"""`sori status`: every service, engine and consumer at a glance."""

import asyncio
import datetime as dt
from dataclasses import dataclass

import grpc
import typer
from google.protobuf import json_format
from rich.markup import escape

from sori.notify.v1 import chain_pb2, notify_service_pb2_grpc
from sori.operations.v1 import operations_service_pb2 as pb
from sori.operations.v1 import operations_service_pb2_grpc
from sori_cli import client, screen
from sori_cli.client import Platform
from sori_cli.screen import Problem
from sori_local.ports import SERVICES


@dataclass(frozen=True, slots=True)
class Standing:
    """How one service stands."""

    service: str
    status: pb.GetStatusResponse | None  # None: it does not answer
    problem: str = ""

    @property
    def up(self) -> bool:
        """Say whether it and all its engines answer."""
        return self.status is not None and all(engine.ok for engine in self.status.engines)


def status(
    data: client.DataOption = client.DATA, token: client.TokenOption = "", as_json: client.JsonOption = False
) -> None:
    """Show how every service stands; exit code 1 when something is down."""
    standings = screen.run(ask_all(Platform(data, token)))
    if as_json:
        for each in standings:
            known = json_format.MessageToDict(
                each.status or pb.GetStatusResponse(service=each.service),
                preserving_proto_field_name=True,
                always_print_fields_with_no_presence=True,
            )
            screen.print_json({**known, "up": each.up, "problem": each.problem})
    else:
        _show(standings)
        if any(each.service == "notify" and each.status for each in standings):
            _show_chains(screen.run(audit(Platform(data, token))))
    if not all(each.up for each in standings):
        raise typer.Exit(1)


async def ask_all(platform: Platform, services: tuple[str, ...] = SERVICES) -> list[Standing]:
    """Ask every service how it stands."""
    return list(await asyncio.gather(*(ask(platform, each) for each in services)))


async def ask(platform: Platform, service: str) -> Standing:
    """Ask one service how it stands; one that does not answer is no error here."""
    try:
        async with platform.calling(service, "admin") as peer:
            stub = operations_service_pb2_grpc.OperationsServiceStub(peer.channel)
            answer = await stub.GetStatus(pb.GetStatusRequest(), metadata=peer.metadata, timeout=10)
    except Problem as problem:
        cause = problem.__cause__
        if isinstance(cause, grpc.aio.AioRpcError) and cause.code() is grpc.StatusCode.UNAVAILABLE:
            return Standing(service, None, f"does not answer at {platform.target(service)}")
        if isinstance(cause, grpc.aio.AioRpcError) and cause.code() is not grpc.StatusCode.UNAUTHENTICATED:
            return Standing(service, None, str(problem))
        raise
    return Standing(service, answer)


async def audit(platform: Platform) -> chain_pb2.AuditChainsResponse:
    """Ask which escalation chains of open cases have no future step."""
    async with platform.calling("notify", "admin") as peer:
        stub = notify_service_pb2_grpc.NotifyServiceStub(peer.channel)
        return await stub.AuditChains(chain_pb2.AuditChainsRequest(), metadata=peer.metadata, timeout=10)


def _show_chains(audited: chain_pb2.AuditChainsResponse) -> None:
    if not audited.flaw_count:
        screen.out.print(f"[dim]{audited.chain_count:,} escalation chains of open cases, each with a future step[/]")
        return
    table = screen.table(
        f"Chains of open cases without a future step: {audited.flaw_count:,}", "case", "chain", "why", whole=["case"]
    )
    for each in audited.flaws:
        table.add_row(each.case_id, escape(each.name), f"[red]{escape(each.reason)}[/]")
    screen.out.print(table)


def _show(standings: list[Standing]) -> None:
    services = screen.table(
        "Services",
        "service",
        "state",
        "up since",
        "memory",
        "stream",
        "outbox",
        numbers=["memory", "stream", "outbox"],
        whole=["service"],
    )
    engines: dict[tuple[str, str], bool] = {}
    consumers = screen.table(
        "Consumers",
        "consumer",
        "waiting",
        "in work",
        "dead letters",
        numbers=["waiting", "in work", "dead letters"],
        whole=["consumer"],
    )
    for each in standings:
        answer = each.status
        if answer is None:
            services.add_row(each.service, "[bold red]down[/]", f"[red]{escape(each.problem)}[/]")
            continue
        services.add_row(
            each.service,
            "[green]up[/]" if each.up else "[bold red]engine down[/]",
            screen.when(answer.start_time),
            f"{answer.memory_bytes / (1 << 20):,.0f} MiB",
            f"{answer.stream_message_count:,}",
            f"{answer.outbox_count:,}",
        )
        for engine in answer.engines:
            engines[engine.name, engine.detail] = engine.ok
        for consumer in answer.consumers:
            dead = f"{consumer.dead_letter_count:,}"
            consumers.add_row(
                escape(consumer.durable),
                f"{consumer.pending_count:,}",
                f"{consumer.unacknowledged_count:,}",
                f"[red]{dead}[/]" if consumer.dead_letter_count else dead,
            )
    screen.out.print(services)
    if engines:
        shown = screen.table("Engines", "engine", "state", "version")
        for (name, detail), ok in sorted(engines.items()):
            shown.add_row(escape(name), "[green]up[/]" if ok else "[bold red]down[/]", escape(detail))
        screen.out.print(shown)
        screen.out.print(consumers)
    memory = sum(each.status.memory_bytes for each in standings if each.status)
    now = dt.datetime.now(screen.SEOUL).strftime("%H:%M:%S")
    screen.out.print(f"[dim]{now} in Seoul; services use {memory / (1 << 20):,.0f} MiB together[/]")
