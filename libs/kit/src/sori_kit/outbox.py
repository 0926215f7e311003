"""Events staged by a transaction, and the relay that publishes what was committed."""

import asyncio
import itertools
import time
from collections.abc import Iterable, Mapping, Sequence

import asyncpg
import structlog
from google.protobuf.message import Message

from sori_kit import telemetry
from sori_kit.bus import Bus
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Envelope, Event, seal_all
from sori_kit.errors import Unavailable

log = structlog.get_logger()

_CHANNEL = "sori_outbox"
_LOCK = 0x50_52_49  # Session lock: one relay a database at a time, so that order is kept.
_MOST_HANDED = 20_000  # events kept in memory
_FORGET_SECONDS = 30  # between two looks for inbox rows that are not needed any more
_SELECT = "select outbox_id, subject, data, headers from outbox order by outbox_id limit $1"
# The channel is _CHANNEL, the payload tells the relay whether it has these already.
_STAGE = """
    with staged as (
        insert into outbox (subject, data, headers)
        select subject, data, headers from unnest(cast(:subjects as text[]), cast(:datas as bytea[]),
            cast(:headers as bytea[])) with ordinality as given (subject, data, headers, n) order by n
        returning outbox_id
    )
    select array_agg(outbox_id order by outbox_id) as outbox_ids, pg_notify('sori_outbox', :process) from staged"""
_DRAW = """
    select array(select nextval('outbox_outbox_id_seq') from generate_series(1, cast(:count as int))) as outbox_ids,
        pg_notify('sori_outbox', :process)"""
_MANY = 32  # events for which it pays to draw numbers first, one more way to the database


async def stage(tx: Transaction, events: Iterable[Event[Message]], *, source: str) -> None:
    """Announce events if, and only if, this transaction commits."""
    await stage_sealed(tx, seal_all(events, source))


async def stage_sealed(tx: Transaction, sealed: Sequence[Envelope]) -> None:
    """Announce what was sealed before, as `stage` does."""
    if len(sealed) >= _MANY:
        outbox_ids = await _copy(tx, sealed)
    elif sealed:
        outbox_ids = await _insert(tx, sealed)
    else:
        return
    tx.staged.update(zip(outbox_ids, sealed, strict=True))


async def _insert(tx: Transaction, sealed: Sequence[Envelope]) -> list[int]:
    values = {
        "subjects": [envelope.subject for envelope in sealed],
        "datas": [envelope.data for envelope in sealed],
        "headers": [envelope.lines.encode() for envelope in sealed],
        "process": tx.process,
    }
    outbox_ids: list[int] = (await tx.execute(_STAGE, values)).one().outbox_ids
    return outbox_ids


async def _copy(tx: Transaction, sealed: Sequence[Envelope]) -> list[int]:
    drawn = await tx.execute(_DRAW, {"count": len(sealed), "process": tx.process})
    outbox_ids: list[int] = drawn.one().outbox_ids
    await tx.copy(
        "outbox",
        ("outbox_id", "subject", "data", "headers"),
        [
            (number, each.subject, each.data, each.lines.encode())
            for number, each in zip(outbox_ids, sealed, strict=True)
        ],
    )
    return outbox_ids


class Relay:
    """Publishes what the outbox holds, in order; one replica of a service does it at a time.

    What its own process commits it keeps in memory and need not read back; the table is read for the rest: what other
    replicas committed, and what was there before.
    """

    def __init__(self, db: Database, bus: Bus, service: str, *, batch: int = 500, inbox_days: int = 45) -> None:
        self._dsn = db.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._db = db
        self._bus = bus
        self._service = service
        self._batch = batch
        self._inbox_days = inbox_days
        self._wake = asyncio.Event()
        self._handed: dict[int, Envelope] = {}  # committed by this process, not yet published
        self._unread = True  # The table may hold more than that.
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
            self._db.announce = self._hand
            self._unread = True
            await connection.add_listener(_CHANNEL, self._on_staged)
            while True:
                self._wake.clear()
                await self._relay_all(connection)
                if time.monotonic() > self._forget_next:
                    self._forget_next = time.monotonic() + _FORGET_SECONDS
                    await self._forget(connection)
                try:
                    async with asyncio.timeout(1):  # Python 3.11's `wait_for` can lose a cancellation.
                        await self._wake.wait()
                except TimeoutError:
                    self._unread = True  # A notification may be lost.
        finally:
            self._db.announce = lambda _: None
            self._handed.clear()
            connection.terminate()

    def _hand(self, staged: Mapping[int, Envelope]) -> None:
        if staged and len(self._handed) < _MOST_HANDED:
            self._handed.update(staged)
        else:
            self._unread = True
        self._wake.set()

    def _on_staged(self, _connection: object, _pid: int, _channel: str, process: object) -> None:
        if process != self._db.process:
            self._unread = True
            self._wake.set()

    async def _relay_all(self, connection: asyncpg.Connection) -> None:
        while self._handed or self._unread:
            if self._unread:
                rows = await connection.fetch(_SELECT, self._batch)
                self._unread = len(rows) == self._batch
                batch = {
                    row["outbox_id"]: Envelope(row["subject"], row["data"], row["headers"].decode()) for row in rows
                }
            else:
                batch = dict(itertools.islice(self._handed.items(), self._batch))
            if not batch:
                return
            await self._bus.publish_sealed(list(batch.values()))
            await connection.execute("delete from outbox where outbox_id = any($1)", list(batch))
            for each in batch:
                self._handed.pop(each, None)
            telemetry.OUTBOX_RELAYED.labels(self._service).inc(len(batch))

    async def _forget(self, connection: asyncpg.Connection) -> None:
        """Drop inbox rows that are older than any event a stream still holds."""
        await connection.execute(
            "delete from inbox where ctid = any(array(select ctid from inbox"
            " where handled_time < now() - make_interval(days => $1) limit 50000))",
            self._inbox_days,
        )
