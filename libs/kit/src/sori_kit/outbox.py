"""Events staged by a transaction, and the relay that publishes what was committed."""

import asyncio
import contextlib
import time
from collections.abc import Iterable

import asyncpg
import orjson
import structlog
from google.protobuf.message import Message

from sori_kit import telemetry
from sori_kit.bus import Bus
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Envelope, Event, seal
from sori_kit.errors import Unavailable

log = structlog.get_logger()

_CHANNEL = "sori_outbox"
_LOCK = 0x50_52_49  # Session lock: one relay a database at a time, so that order is kept.
_FORGET_SECONDS = 30  # between two looks for inbox rows that are not needed any more
_SELECT = "select outbox_id, subject, data, headers from outbox order by outbox_id limit $1"
_STAGE = """
    with staged as (
        insert into outbox (subject, data, headers)
        select * from unnest(cast(:subjects as text[]), cast(:datas as bytea[]), cast(:headers as bytea[]))
    )
    select pg_notify('sori_outbox', '')"""  # _CHANNEL


async def stage(tx: Transaction, events: Iterable[Event[Message]], *, source: str) -> None:
    """Announce events if, and only if, this transaction commits."""
    sealed = [seal(event, source) for event in events]
    if not sealed:
        return
    values = {
        "subjects": [envelope.subject for envelope in sealed],
        "datas": [envelope.data for envelope in sealed],
        "headers": [orjson.dumps(envelope.headers) for envelope in sealed],
    }
    await tx.execute(_STAGE, values)


class Relay:
    """Publishes what the outbox holds, in order; one replica of a service does it at a time."""

    def __init__(self, db: Database, bus: Bus, service: str, *, batch: int = 500, inbox_days: int = 45) -> None:
        self._dsn = db.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._bus = bus
        self._service = service
        self._batch = batch
        self._inbox_days = inbox_days
        self._wake = asyncio.Event()
        self._forget_next = 0.0  # monotonic seconds

    async def run(self) -> None:
        """Relay until cancelled; a lost database is waited for."""
        while True:
            try:
                await self._lead()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable) as error:
                log.warning("relay.interrupted", error=type(error).__name__)
                await asyncio.sleep(0.5)

    async def _lead(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=5)
        try:
            while not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK):
                await asyncio.sleep(1)
            await connection.add_listener(_CHANNEL, lambda *_: self._wake.set())
            while True:
                self._wake.clear()
                while rows := await connection.fetch(_SELECT, self._batch):
                    await self._relay(connection, rows)
                if time.monotonic() > self._forget_next:
                    self._forget_next = time.monotonic() + _FORGET_SECONDS
                    await self._forget(connection)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(1):  # Python 3.11's `wait_for` can lose a cancellation.
                        await self._wake.wait()
        finally:
            connection.terminate()

    async def _relay(self, connection: asyncpg.Connection, rows: list[asyncpg.Record]) -> None:
        await self._bus.publish_sealed(
            [Envelope(row["subject"], row["data"], orjson.loads(row["headers"])) for row in rows]
        )
        await connection.execute("delete from outbox where outbox_id = any($1)", [row["outbox_id"] for row in rows])
        telemetry.OUTBOX_RELAYED.labels(self._service).inc(len(rows))

    async def _forget(self, connection: asyncpg.Connection) -> None:
        """Drop inbox rows that are older than any event a stream still holds."""
        await connection.execute(
            "delete from inbox where ctid = any(array(select ctid from inbox"
            " where handled_time < now() - make_interval(days => $1) limit 50000))",
            self._inbox_days,
        )
