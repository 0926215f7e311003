"""The life of a service's process: build, serve, drain."""

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from typing import Any, TypeVar

import structlog
import uvloop
from google.protobuf.message import Message
from pydantic import ValidationError

from sori.operations.v1 import operations_service_pb2, operations_service_pb2_grpc
from sori_kit import database, logs, telemetry
from sori_kit.auth import Verifier
from sori_kit.bus import Bus
from sori_kit.clock import Clock, SystemClock
from sori_kit.consumer import Handler
from sori_kit.database import Database
from sori_kit.offline import Command, add
from sori_kit.operations import OperationsApi
from sori_kit.outbox import Relay
from sori_kit.rpc import Server
from sori_kit.settings import WRONG_SETTINGS, KitSettings

__all__ = ["Command", "Runtime", "main"]

log = structlog.get_logger()
S = TypeVar("S", bound=KitSettings)
M = TypeVar("M", bound=Message)

_DRAIN_SECONDS = 20  # for what consumers have in hand; half of what the manifests give a pod


class Runtime:
    """What a service's `main` is given to build on; everything registered here is started and drained by `run`."""

    def __init__(
        self, name: str, bus: Bus, server: Server, verifier: Verifier, stack: contextlib.AsyncExitStack
    ) -> None:
        self.name = name
        self.bus = bus
        self.server = server
        self.verifier = verifier
        self.clock: Clock = SystemClock()
        self.stack = stack
        self.stopping = asyncio.Event()
        self.db: Database | None = None
        self._consumers: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._background: list[tuple[str, Coroutine[Any, Any, None]]] = []

    def open_database(self, settings: KitSettings) -> Database:
        """Open the service's own database, and relay its outbox."""
        self.db = Database(database.url_for(settings.postgres_url, self.name))
        self.stack.push_async_callback(self.db.close)
        self.in_background("relay", Relay(self.db, self.bus, self.name).run())
        return self.db

    async def consume(self, message: type[M], handler: Handler[M], **options: int) -> None:
        """Feed a handler with the events of one type from the moment the service is ready; options of `subscribe`."""
        consumer = await self.bus.subscribe(message, handler, **options)
        self._consumers.append(lambda: consumer.run(self.stopping))

    def in_background(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run something for as long as the service lives; should it end, the process ends too."""
        self._background.append((name, work))

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT, then drain: consumers first, calls next, then the rest."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(each, self.stopping.set)
        background = [asyncio.create_task(work, name=name) for name, work in self._background]
        self.server.add(
            operations_service_pb2_grpc.add_OperationsServiceServicer_to_server,
            OperationsApi(self.name, self.bus, self.db, self.clock.now()),
            operations_service_pb2.DESCRIPTOR.services_by_name["OperationsService"],
        )
        await self.server.start()
        consuming = [asyncio.create_task(start(), name="consumer") for start in self._consumers]
        await self.server.ready()
        log.info("service.ready", port=self.server.port)
        waiter: asyncio.Task[Any] = asyncio.create_task(self.stopping.wait())
        ended, _ = await asyncio.wait([waiter, *background, *consuming], return_when=asyncio.FIRST_COMPLETED)
        self.stopping.set()
        log.info("service.draining")
        await _end(consuming, seconds=_DRAIN_SECONDS)
        await self.server.stop()
        await _end(background, seconds=0)
        for task in ended - {waiter}:
            await task  # Raises what ended it.
            raise RuntimeError(f"{task.get_name()} ended by itself")


async def _end(tasks: Collection["asyncio.Task[None]"], *, seconds: float) -> None:
    """Wait for tasks to end by themselves, then cancel them until they have."""
    pending = set(tasks)
    if pending and seconds:
        _, pending = await asyncio.wait(pending, timeout=seconds)
        if pending:  # The broker delivers again what they had in hand.
            log.warning("drain.overdue", tasks=sorted(task.get_name() for task in pending))
    while pending:  # Python 3.11 can lose a cancellation that comes in the moment of a timeout.
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=1)
    await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(name: str, settings: S, build: Callable[[Runtime, S], Awaitable[None]]) -> None:
    telemetry.start(name, settings)
    verifier = Verifier(settings)
    await verifier.start()
    async with contextlib.AsyncExitStack() as stack:
        bus = await Bus.connect(name, settings)
        stack.push_async_callback(bus.close)
        runtime = Runtime(name, bus, Server(name, settings, verifier), verifier, stack)
        await build(runtime, settings)
        _calm_collector()
        await runtime.run()


def _calm_collector() -> None:
    """Keep the garbage collector from walking through every batch: batches hold no cycles and live for milliseconds."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def main(
    name: str,
    settings: type[S],
    build: Callable[[Runtime, S], Awaitable[None]],
    *,
    migrated: str | None = None,
    offline: Mapping[str, Command] | None = None,
) -> None:
    """Be the console script `sori-<name>`.

    It has `serve`, `migrate` where the package `migrated` has migrations, and the `offline` commands.
    """
    parser = argparse.ArgumentParser(prog=f"sori-{name}", description=f"The Sori service {name}.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run until SIGTERM")
    if migrated:
        commands.add_parser("migrate", help="create the database and bring its tables up to date, then end")
    add(offline or {}, commands)
    arguments = parser.parse_args()
    command: str = arguments.command
    if offline and command in offline:
        sys.exit(offline[command].run(arguments))
    try:
        made = settings()
    except ValidationError as error:
        problems = "\n".join(f"  {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        sys.exit(f"sori-{name}: {WRONG_SETTINGS} (environment variables SORI_…):\n{problems}")
    logs.configure(name, made.log_level)
    if command == "migrate" and migrated:
        from sori_kit import migrations  # Alembic is not for those who serve.

        asyncio.run(migrations.upgrade(migrated, database.url_for(made.postgres_url, name)))
    else:
        uvloop.run(_serve(name, made, build))
