"""Services under test: the real program in this process, on real engines."""

import asyncio
import contextlib
import dataclasses
import importlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from engines import Engines
from sori_kit import auth, database, migrations, rpc
from sori_kit.bus import Bus
from sori_kit.database import Database
from sori_kit.envelope import Event
from sori_kit.rpc import Server
from sori_kit.service import Runtime
from sori_local.tokens import LocalIssuer

ALL_ROLES = auth.ROLES
_STORELESS = {"ingest", "classify", "console"}


@dataclasses.dataclass
class Harness:
    """One service under test."""

    name: str
    runtime: Runtime
    channel: grpc.aio.Channel
    issuer: LocalIssuer
    bus: Bus  # A second connection, as a neighbour would have.

    @property
    def db(self) -> Database:
        """The service's database."""
        assert self.runtime.db is not None
        return self.runtime.db

    def metadata(self, *roles: str, subject: str = "tester") -> tuple[tuple[str, str], ...]:
        """Call metadata of a caller with these roles; all roles when none is named."""
        return rpc.bearer(self.issuer.token(roles or ALL_ROLES, subject=subject))

    async def count(self, table: str) -> int:
        """Count the rows of a table."""
        async with self.db.transaction() as tx:
            return int((await tx.execute(f"select count(*) from {table}")).scalar_one())

    async def publish(self, *events: Event[Message]) -> None:
        """Publish events as the station before would."""
        await self.bus.publish(events)

    async def published(self, subject: str) -> int:
        """Count what the service has published on a subject."""
        return await self.runtime.bus.count(subject)

    async def handled(self) -> None:
        """Wait until the service's consumers have handled all that there is for them."""
        bus = self.runtime.bus

        async def nothing_left() -> bool:
            return all([await bus.backlog(each) == (0, 0) for each in bus.consumers])

        await until(nothing_left)


def environment(name: str, engines: Engines, issuer: LocalIssuer, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a service under test."""
    return {
        "SORI_NATS_URL": engines.nats_url,
        "SORI_POSTGRES_URL": engines.postgres_url,
        "SORI_JWKS": str(issuer.jwks),
        f"SORI_{name.upper().replace('-', '_')}_GRPC_PORT": "0",
        **extra,
    }


@contextlib.asynccontextmanager
async def serving(
    name: str,
    engines: Engines,
    *,
    env: Mapping[str, str] | None = None,
    build: Callable[..., Awaitable[None]] | None = None,
) -> AsyncIterator[Harness]:
    """Run a service in this process until the block ends, on a fresh database and an empty stream."""
    package = f"sori_{name.replace('-', '_')}"
    module: Any = importlib.import_module(f"{package}.main")
    settings_type: Any = importlib.import_module(f"{package}.settings").Settings
    issuer = LocalIssuer(engines.folder / "issuer")
    with _environment(environment(name, engines, issuer, env or {})):
        settings = settings_type()
    if name not in _STORELESS:
        await migrations.upgrade(package, database.url_for(settings.postgres_url, name))
        await truncate(database.url_for(settings.postgres_url, name))
    verifier = auth.Verifier(settings)
    await verifier.start()
    async with contextlib.AsyncExitStack() as stack:
        bus = await Bus.connect(name, settings)
        stack.push_async_callback(bus.close)
        neighbour = await Bus.connect(name, settings)
        stack.push_async_callback(neighbour.close)
        await wipe(neighbour)
        runtime = Runtime(name, bus, Server(name, settings, verifier), verifier, stack)
        await (build or module.build)(runtime, settings)
        running = asyncio.create_task(runtime.run())
        while not runtime.server.port and not running.done():
            await asyncio.sleep(0.01)
        if running.done():
            await running
        channel = rpc.channel(f"127.0.0.1:{runtime.server.port}", retry=False)
        stack.push_async_callback(channel.close)
        try:
            yield Harness(name, runtime, channel, issuer, neighbour)
        finally:
            runtime.stopping.set()
            await running


async def truncate(url: Any) -> None:
    """Empty every table of a database."""
    db = Database(url)
    async with db.transaction() as tx:
        rows = await tx.execute(
            "select string_agg(quote_ident(tablename), ', ') from pg_tables"
            " where schemaname = 'public' and tablename <> 'alembic_version'"
        )
        await tx.execute(f"truncate {rows.scalar_one()} restart identity cascade")
    await db.close()


async def wipe(bus: Bus) -> None:
    """Delete all streams' messages and all consumers, so that each test starts with empty ones."""
    js = bus._client.jetstream()
    for stream in await js.streams_info():
        for consumer in await js.consumers_info(stream.config.name or ""):
            await js.delete_consumer(consumer.stream_name, consumer.name)
        await js.delete_stream(stream.config.name or "")
    for name, subjects in (
        (bus.stream, [f"sori.{bus.stream.removeprefix('SORI_').lower()}.>"]),
        ("SORI_DLQ", ["sori.dlq.>"]),
    ):
        await bus._ensure_stream(name, subjects)


async def limit(bus: Bus, *, max_msgs: int) -> None:
    """Let the service's stream hold so many messages at most; -1 for as many as come."""
    js = bus._client.jetstream()
    config = (await js.stream_info(bus.stream)).config
    config.max_msgs = max_msgs
    await js.update_stream(config)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    """Wait until a condition holds, or fail after a deadline."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.02)


@contextlib.contextmanager
def _environment(values: Mapping[str, str]) -> Any:
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def repository() -> Path:
    """The root of this checkout."""
    return Path(__file__).resolve().parents[1]
