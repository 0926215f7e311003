"""One Postgres database: transactions, the inbox, and locks."""

import contextlib
import functools
import re
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, overload

import asyncpg
import orjson
import sqlalchemy as sa
from google.protobuf.message import Message
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection

from sori_kit.bus import Batch
from sori_kit.envelope import Envelope
from sori_kit.errors import InvalidInput, Unavailable
from sori_kit.rows import Rows

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
_PARAMETER = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_DRIVERS = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
_NO_TEXT = frozenset({"22021", "22P05"})  # What no text may hold, plain and as JSON.
_BROKEN = "08"  # class of what goes wrong with a connection
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
def _numbered(statement: str) -> tuple[str, tuple[str, ...]]:
    """Write `$1`, `$2` for a statement's parameters; gives their names in that order."""
    names = tuple(dict.fromkeys(_PARAMETER.findall(statement)))
    return _PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", statement), names


def _json(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


class Transaction:
    """An open transaction; what it stages and writes is committed together or not at all.

    The driver alone runs what is written as text, which takes less than half of what SQLAlchemy takes around it.
    """

    def __init__(self, engine: AsyncEngine, lent: PoolProxiedConnection, process: str) -> None:
        self.process = process
        self.staged: dict[int, Envelope] = {}  # What its outbox rows hold, by id.
        self._engine = engine
        self._lent = lent
        self._driver: asyncpg.Connection = lent.driver_connection
        self._builder: AsyncConnection | None = None  # The same connection, as SQLAlchemy sees it.

    @overload
    async def execute(self, statement: str, values: Mapping[str, Any] | None = None) -> Rows: ...

    @overload
    async def execute(
        self, statement: sa.Executable, values: Mapping[str, Any] | None = None
    ) -> sa.CursorResult[Any]: ...

    async def execute(
        self, statement: sa.Executable | str, values: Mapping[str, Any] | None = None
    ) -> Rows | sa.CursorResult[Any]:
        """Run a statement; of a text, `:name` stands for what `values` has, lists as arrays of the type it casts to."""
        if isinstance(statement, str):
            text, names = _numbered(statement)
            return Rows.of(await self.fetch(text, *[values[name] for name in names] if values else ()))
        if self._builder is None:
            self._builder = AsyncConnection(self._engine, sa.Connection(self._engine.sync_engine, self._lent))
        return await self._builder.execute(statement, values or {})

    async def change(self, statement: str, values: Mapping[str, Any] | None = None) -> int:
        """Run a statement that gives no rows; says how many it changed."""
        text, names = _numbered(statement)
        with self._asking():
            tag: str = await self._driver.execute(text, *[values[name] for name in names] if values else ())
        return int(tag.rpartition(" ")[2])

    async def fetch(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """Run a statement with its parameters as `$1`, `$2`; gives the rows as the driver has them."""
        with self._asking():
            rows: list[asyncpg.Record] = await self._driver.fetch(statement, *values)
        return rows

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Append rows whose keys are free, the cheapest way in; Unavailable where somebody else has just taken one."""
        try:
            with self._asking():
                await self._driver.copy_records_to_table(table, columns=columns, records=rows)
        except asyncpg.UniqueViolationError as taken:
            raise Unavailable("somebody else has just written the same") from taken

    async def lock(self, *names: str) -> None:
        """Hold back every other transaction of this database that takes one of these names, until this one ends.

        Who takes several takes them in one call, in one order, so that no two wait for each other.
        """
        keys = sorted({zlib.crc32(name.encode()) for name in names})
        await self.fetch("select pg_advisory_xact_lock(key) from unnest(cast($1 as bigint[])) as key", keys)

    async def begin(self) -> None:
        """Begin; without, each statement stands alone. For `Database`, as the next three."""
        with self._asking():
            await self._driver.execute("begin")

    async def commit(self) -> None:
        """Make what was done last; RuntimeError where a statement had failed and nobody was told."""
        with self._asking():
            tag = await self._driver.execute("commit")
        if tag != "COMMIT":
            raise RuntimeError("a statement of the transaction failed, so that nothing of it was committed")

    async def roll_back(self) -> None:
        """Undo what was done; a connection of which that cannot be said is cut."""
        undone = False
        try:
            with contextlib.suppress(*_DRIVERS):
                await self._driver.execute("rollback")
                undone = True
        finally:
            if not undone:
                self.cut()

    def cut(self) -> None:
        """Close the connection, once: the pool makes another in its place."""
        if self._lent.is_valid:
            self._lent.invalidate()

    @contextlib.contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except _DRIVERS as error:
            if self._driver.is_closed() or isinstance(error, asyncpg.InternalClientError):  # Cut while it was asked.
                self.cut()
            elif getattr(error, "sqlstate", None) in _NO_TEXT:
                raise InvalidInput("a text holds a NUL") from error
            elif getattr(error, "sqlstate", None) not in _PASSING:
                raise
            raise Unavailable("the database broke off") from error


class Database:
    """The service's own database. Only `transaction` and `handling` commit."""

    def __init__(self, url: sa.URL, *, pool_size: int = 10) -> None:
        self.url = url
        self.process = uuid.uuid4().hex  # Tells what this process commits from what other replicas do.
        # Set by the relay: takes what was committed, or nothing where some may have been.
        self.announce: Callable[[Mapping[int, Envelope]], None] = lambda _: None
        self._closed = False
        self._engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,  # A connection of no place in the pool would be closed where nothing can wait for it.
            pool_use_lifo=True,  # The one used last is the one whose plans and caches are warm.
            pool_timeout=10,
            json_serializer=_json,
            json_deserializer=orjson.loads,
            isolation_level="AUTOCOMMIT",  # It is `Transaction` that begins and commits.
            hide_parameters=True,  # Errors are logged; values hold texts and identifiers.
            connect_args={"timeout": 5, "server_settings": {"jit": "off", "application_name": url.database or ""}},
        )
        self._refused: type[Exception] = self._engine.dialect.loaded_dbapi.Error  # A new connection was not had.

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction; it commits when the block ends well. An engine that is away is Unavailable."""
        async with self.reading() as tx:
            try:
                await tx.begin()  # Within: who is cancelled here may have begun.
                yield tx
                await tx.commit()
            except BaseException:
                try:
                    await tx.roll_back()
                finally:
                    if tx.staged:
                        self.announce({})  # Who is cut off while committing has perhaps committed.
                raise
        if tx.staged:
            self.announce(tx.staged)

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        """Lend a connection for reads of a statement or two, which save the ways to begin and to commit.

        There is no transaction: each statement may see more than the one before.
        """
        with _told():
            lent = await self._borrow()
            tx = Transaction(self._engine, lent, self.process)
            try:
                yield tx
            finally:
                if self._closed:  # The pool has let go of the others, and would not of this one.
                    tx.cut()
                lent.close()

    async def _borrow(self) -> PoolProxiedConnection:
        while True:
            try:
                lent = await self._engine.raw_connection()
            except (self._refused, OSError) as error:
                state = getattr(error, "sqlstate", None)
                if state and state not in _PASSING and not state.startswith(_BROKEN):
                    raise
                raise Unavailable("the database does not answer") from error
            driver: asyncpg.Connection = lent.driver_connection
            if not driver.is_closed():
                return lent
            lent.invalidate()  # The server went away while it lay in the pool.
            lent.close()

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
        self._closed = True
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
