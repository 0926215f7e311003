"""One Postgres database: transactions, the inbox, and locks."""

import contextlib
import functools
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, TypeVar

import asyncpg
import orjson
import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection

from sori_kit.bus import Batch
from sori_kit.envelope import Envelope
from sori_kit.errors import InvalidInput, Unavailable

M = TypeVar("M", bound=Message)

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
# Ids go in and come back as one text: to write or read a list, each of its elements is looked at several times.
# In order, so that two who are handed the same events wait for each other in one direction only.
_HANDLED = """
    with fresh as (
        insert into inbox (durable, event_id)
        select :durable, id from unnest(cast(string_to_array(:ids, ',') as uuid[])) as given (id)
        order by id on conflict do nothing returning event_id
    )
    select string_agg(cast(event_id as text), ',') from fresh"""
_NO_TEXT = frozenset({"22021", "22P05"})  # What no text may hold, plain and as JSON.
_PASSING = ("40001", "40P01", "55P03", "57P01", "57P02", "57P03", "53300")  # Serialisation, deadlock, lock, shutdown.


def metadata() -> sa.MetaData:
    """Make a service's MetaData, with the tables `inbox` and `outbox` in it."""
    made = sa.MetaData(naming_convention=NAMING)
    sa.Table(
        "inbox",
        made,
        sa.Column("durable", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("handled_time", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Index(None, "handled_time", postgresql_using="brin"),  # Rows come in its order; kept small for writing.
    )
    sa.Table(
        "outbox",
        made,
        sa.Column("outbox_id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("headers", sa.LargeBinary, nullable=False),  # lines of an envelope
    )
    return made


def url_for(server: str, service: str) -> sa.URL:
    """Name the database of a service (`ee-feedback` has `sori_ee_feedback`) on a server."""
    return sa.make_url(server).set(drivername="postgresql+asyncpg", database=f"sori_{service.replace('-', '_')}")


@functools.lru_cache(maxsize=1000)
def _text(statement: str) -> sa.TextClause:
    """Read a statement's parameters, once."""
    return sa.text(statement)


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


class Transaction:
    """An open transaction; what it stages and writes is committed together or not at all."""

    def __init__(self, connection: AsyncConnection, process: str) -> None:
        self.connection = connection
        self.process = process
        self.staged: dict[int, Envelope] = {}  # What its outbox rows hold, by id.
        self._driver: asyncpg.Connection | None = None
        self._opened = False

    async def execute(
        self, statement: sa.Executable | str, values: Mapping[str, Any] | None = None
    ) -> sa.CursorResult[Any]:
        """Run a statement; lists in `values` become arrays where the statement casts them so."""
        self._opened = True
        return await self.connection.execute(
            _text(statement) if isinstance(statement, str) else statement, values or {}
        )

    async def fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Run a statement with its parameters as `$1`, `$2`, by the driver alone, which takes half the time."""
        if self._driver is None:
            self._driver = await self._lend()
        try:
            rows: list[asyncpg.Record] = await self._driver.fetch(statement, *values)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
            if self._driver.is_closed() or isinstance(error, asyncpg.InternalClientError):  # Cut while it was asked.
                await self._drop()
            elif getattr(error, "sqlstate", None) in _NO_TEXT:
                raise InvalidInput("a text holds a NUL") from error
            elif getattr(error, "sqlstate", None) not in _PASSING:
                raise
            raise Unavailable("the database broke off") from error
        return rows

    async def _lend(self) -> asyncpg.Connection:
        if not self._opened:
            await self.execute("select 1")  # What opens a transaction is the first statement that is not the driver's.
        return (await self.connection.get_raw_connection()).driver_connection

    async def _drop(self) -> None:
        await self.connection.invalidate()

    async def lock(self, *names: str) -> None:
        """Hold back every other transaction of this database that takes one of these names, until this one ends.

        Who takes several takes them in one call, in one order, so that no two wait for each other.
        """
        keys = sorted({zlib.crc32(name.encode()) for name in names})
        await self.execute(
            "select pg_advisory_xact_lock(key) from unnest(cast(:keys as bigint[])) as key", {"keys": keys}
        )


class Reading(Transaction):
    """A connection on which each statement stands alone.

    `execute` opens a second one, by way of SQLAlchemy, which takes three times as long to get.
    """

    def __init__(self, lent: PoolProxiedConnection, connection: AsyncConnection, process: str) -> None:
        super().__init__(connection, process)
        self._lent = lent
        self._alone = False

    async def execute(
        self, statement: sa.Executable | str, values: Mapping[str, Any] | None = None
    ) -> sa.CursorResult[Any]:
        """Run a statement as a transaction does, but by itself."""
        if not self._alone:
            await self.connection.start()
            await self.connection.execution_options(isolation_level="AUTOCOMMIT")
            self._alone = True
        return await super().execute(statement, values)

    async def close(self) -> None:
        """Give back what was taken: nothing to roll back, so nothing that a cancellation could interrupt."""
        self._lent.close()
        if self._alone:
            await self.connection.close()

    async def _lend(self) -> asyncpg.Connection:
        return self._lent.driver_connection

    async def _drop(self) -> None:
        self._lent.invalidate()


class Database:
    """The service's own database. Only `transaction` and `handling` commit."""

    def __init__(self, url: sa.URL, *, pool_size: int = 5) -> None:
        self.url = url
        self.process = uuid.uuid4().hex  # Tells what this process commits from what other replicas do.
        self.announce: Callable[[Mapping[int, Envelope]], None] = lambda _: None  # Set by the relay.
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=5,
            pool_timeout=10,
            json_serializer=_json,
            json_deserializer=orjson.loads,
            hide_parameters=True,  # Errors are logged; values hold texts and identifiers.
            connect_args={"timeout": 5, "server_settings": {"jit": "off", "application_name": url.database or ""}},
        )

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction; it commits when the block ends well. An engine that is away is Unavailable."""
        with _told():
            async with self._engine.begin() as connection:
                tx = Transaction(connection, self.process)
                yield tx
        if tx.staged:
            self.announce(tx.staged)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Lend a connection for reads of a statement or two, which save the ways to begin and to commit.

        There is no transaction: each statement may see more than the one before.
        """
        with _told():
            reading = Reading(await self._engine.raw_connection(), self._engine.connect(), self.process)
            try:
                yield reading
            finally:
                await reading.close()

    @contextlib.asynccontextmanager
    async def handling(self, batch: Batch[M]) -> AsyncIterator[tuple[Transaction, Batch[M]]]:
        """Open a transaction that records `batch` as handled; gives what of it had not been handled before."""
        async with self.transaction() as tx:
            rows = await tx.execute(_HANDLED, {"durable": batch.durable, "ids": ",".join([e.event_id for e in batch])})
            yield tx, batch.only(set((rows.scalar_one() or "").split(",")))

    async def version(self) -> str:
        """Ask the engine for its version."""
        async with self.transaction() as tx:
            return str((await tx.execute("show server_version")).scalar_one())

    async def close(self) -> None:
        """Give all connections back."""
        await self._engine.dispose()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, ConnectionError, TimeoutError) as away:
        raise Unavailable("the database does not answer") from away
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if error.connection_invalidated or state in _PASSING:
            raise Unavailable("the database broke off") from error
        if state in _NO_TEXT:
            raise InvalidInput("a text holds a NUL") from error
        raise
