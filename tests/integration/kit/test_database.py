"""Statements of the driver's, in transactions and alone."""

import asyncio
import contextlib
import uuid

import asyncpg
import pytest
import sqlalchemy as sa

from engines import Engines
from sori_kit import database, migrations
from sori_kit.database import Database
from sori_kit.errors import InvalidInput, Unavailable


async def a_database(engines: Engines) -> Database:
    url = database.url_for(engines.postgres_url, "notify").set(database=f"sori_read_{uuid.uuid4().hex[:8]}")
    await migrations.create_database(url)
    return Database(url)


async def test_each_statement_of_a_reading_sees_what_was_committed_before_it(engines: Engines) -> None:
    db = await a_database(engines)
    async with db.transaction() as tx:
        await tx.execute("create table note (text text not null)")

    async with db.reading() as reading:
        before = await reading.fetch("select text from note where text <> $1", "")
        async with db.transaction() as tx:
            await tx.execute("insert into note values ('read me')")
        after = await reading.fetch("select text from note where text <> $1", "")
        told = (await reading.execute("select text from note")).scalar_one()
    await db.close()

    assert ([], ["read me"], "read me") == (before, [row["text"] for row in after], told)


async def test_a_built_statement_is_part_of_the_transaction_too(engines: Engines) -> None:
    db = await a_database(engines)
    async with db.transaction() as tx:
        await tx.execute("create table note (text text not null)")
    note = sa.table("note", sa.column("text"))

    with contextlib.suppress(ZeroDivisionError):
        async with db.transaction() as tx:
            await tx.execute(sa.insert(note).values(text="gone"))
            raise ZeroDivisionError
    async with db.transaction() as tx:
        await tx.execute("insert into note values (:text)", {"text": "stays"})
        seen = (await tx.execute(sa.select(note.c.text))).scalars().all()
    async with db.reading() as reading:
        left = (await reading.execute(sa.select(note.c.text))).scalars().all()
    await db.close()

    assert (["stays"], ["stays"]) == (seen, left)


async def test_what_is_cancelled_leaves_nothing_and_the_connection_serves_on(engines: Engines) -> None:
    db = await a_database(engines)
    async with db.transaction() as tx:
        await tx.execute("create table note (text text not null)")
    begun = asyncio.Event()

    async def write() -> None:
        async with db.transaction() as tx:
            await tx.execute("insert into note values ('gone')")
            begun.set()
            await tx.execute("select pg_sleep(60)")

    for _ in range(12):  # More often than the pool has connections.
        begun.clear()
        task = asyncio.create_task(write())
        await begun.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    async with db.transaction() as tx:
        left = (await tx.execute("select count(*) from note")).scalar_one()
        sleeping = await tx.execute(
            "select 1 from pg_stat_activity where query like '%pg_sleep(60)' and state = 'active'"
        )
    await db.close()

    assert (0, []) == (left, sleeping)


async def test_who_is_cancelled_while_beginning_leaves_no_transaction_behind(engines: Engines) -> None:
    db = await a_database(engines)
    async with db.transaction() as tx:
        await tx.execute("create table note (text text not null)")

    async def write() -> None:
        async with db.transaction() as tx:
            await tx.execute("insert into note values ('gone')")
            await asyncio.sleep(60)

    for turn in range(60):
        task = asyncio.create_task(write())
        for _ in range(turn % 12):
            await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        async with db.reading() as reading:
            with pytest.raises(asyncpg.DivisionByZeroError):
                await reading.fetch("select 1 / 0")
            left = await reading.fetch("select text from note")  # Refused where that was part of a transaction.
        assert [] == left
    await db.close()


@pytest.mark.parametrize("how", ["cut", "cancelled"])
async def test_a_built_statement_that_does_not_end_well_leaves_the_pool_whole(engines: Engines, how: str) -> None:
    db = await a_database(engines)
    begun = asyncio.Event()

    async def write() -> None:
        async with db.transaction() as tx:
            pid = (await tx.execute("select pg_backend_pid()")).scalar_one()
            if how == "cut":
                async with db.transaction() as other:
                    await other.execute("select pg_terminate_backend(:pid)", {"pid": pid})
            begun.set()
            await tx.execute(sa.select(sa.func.pg_sleep(60)))

    for _ in range(12):  # More often than the pool has connections.
        begun.clear()
        task = asyncio.create_task(write())
        await begun.wait()
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(Unavailable if how == "cut" else asyncio.CancelledError):
            await task
    async with db.transaction() as tx:
        assert 1 == (await tx.execute("select 1")).scalar_one()
    await db.close()


async def test_what_failed_unheard_is_not_taken_for_committed(engines: Engines) -> None:
    db = await a_database(engines)

    async def write() -> None:
        async with db.transaction() as tx:
            await tx.execute("create table note (text text not null)")
            with contextlib.suppress(asyncpg.PostgresError):
                await tx.execute("select 1 / 0")

    with pytest.raises(RuntimeError, match="nothing of it was committed"):
        await write()
    async with db.transaction() as tx:
        left = (await tx.execute("select to_regclass('note')")).scalar_one()
    await db.close()

    assert left is None


async def test_names_stand_for_values_wherever_they_are_written(engines: Engines) -> None:
    db = await a_database(engines)
    async with db.transaction() as tx:
        row = (
            await tx.execute(
                "select cast(:b as int) as b, :a || '' as a, cast(:b as int) + 1 as \"values\", '10:30' as time",
                {"a": "x", "b": 2},
            )
        ).one()
        changed = await tx.change("create table note as select generate_series(1, cast(:most as int))", {"most": 3})
        with pytest.raises(LookupError, match="3 came"):
            (await tx.execute("select * from note")).one()
    await db.close()

    assert ((2, "x", 3, "10:30"), 3, 3) == (row, row.values, changed)


@pytest.mark.parametrize("first", ["fetch", "execute"])
async def test_what_the_driver_alone_runs_is_part_of_the_transaction(engines: Engines, first: str) -> None:
    db = await a_database(engines)
    async with db.transaction() as tx:
        await tx.execute("create table note (text text not null)")

    with contextlib.suppress(ZeroDivisionError):
        async with db.transaction() as tx:
            if first == "execute":
                await tx.execute("insert into note values ('gone')")
            await tx.fetch("insert into note values ($1)", "gone too")
            raise ZeroDivisionError
    async with db.transaction() as tx:
        await tx.fetch("insert into note values ($1)", "stays")
    async with db.reading() as reading:
        left = [row["text"] for row in await reading.fetch("select text from note")]
    await db.close()

    assert ["stays"] == left


async def test_a_connection_that_is_cut_is_unavailable_and_the_next_read_gets_another(engines: Engines) -> None:
    db = await a_database(engines)
    async with db.reading() as reading:
        (row,) = await reading.fetch("select pg_backend_pid() as pid")

    async with db.reading() as reading:
        async with db.transaction() as tx:
            await tx.execute("select pg_terminate_backend(:pid)", {"pid": row["pid"]})
        with pytest.raises(Unavailable):
            await reading.fetch("select pg_sleep(10)")
    async with db.reading() as reading:
        (other,) = await reading.fetch("select pg_backend_pid() as pid")
    await db.close()

    assert row["pid"] != other["pid"]


async def test_connections_that_were_cut_while_nobody_used_them_are_not_given_out(engines: Engines) -> None:
    db = await a_database(engines)
    async with db.reading() as one, db.reading() as two, db.reading() as three:
        pids = [(await each.fetch("select pg_backend_pid() as pid"))[0]["pid"] for each in (one, two, three)]

    other = Database(db.url)
    async with other.transaction() as tx:
        await tx.execute(
            "select pg_terminate_backend(pid) from unnest(cast(:pids as int[])) as p (pid)", {"pids": pids}
        )
    await other.close()
    await asyncio.sleep(0.2)  # Until word of it has come.

    now = set()
    for _ in pids:
        async with db.transaction() as tx:
            now.add((await tx.execute("select pg_backend_pid()")).scalar_one())
    await db.close()

    assert now.isdisjoint(pids)


@pytest.mark.parametrize("said", [b"SFATAL\0C57P03\0Mthe database system is starting up\0\0", b""], ids=["told", "cut"])
async def test_a_server_that_is_not_there_yet_is_unavailable(said: bytes) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            if (await reader.readexactly(8))[4:] == (80877103).to_bytes(4, "big"):  # It asks for TLS.
                writer.write(b"N")
                await reader.readexactly(8)
            if said:
                writer.write(b"E" + (len(said) + 4).to_bytes(4, "big") + said)
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    db = Database(sa.make_url(f"postgresql+asyncpg://postgres@127.0.0.1:{port}/none"))
    for lending in (db.transaction, db.reading):
        with pytest.raises(Unavailable):
            async with lending():
                pass
    await db.close()
    server.close()


@pytest.mark.parametrize("text", ["a\0b", '["a\\u0000b"]'], ids=["plain", "json"])
@pytest.mark.parametrize("by", ["fetch", "execute"])
async def test_a_text_that_holds_a_nul_is_the_callers_mistake(engines: Engines, by: str, text: str) -> None:
    db = await a_database(engines)
    kind = "text" if "\0" in text else "jsonb"

    async def write() -> None:
        async with db.transaction() as tx:
            if by == "fetch":
                await tx.fetch(f"select $1::{kind}", text)
            else:
                await tx.execute(f"select cast(:text as {kind})", {"text": text})

    with pytest.raises(InvalidInput, match="NUL"):
        await write()
    await db.close()


async def test_rows_are_copied_in_all_or_none_and_a_key_that_was_just_taken_is_tried_again_later(
    engines: Engines,
) -> None:
    db = await a_database(engines)
    async with db.transaction() as tx:
        await tx.execute("create table note (number int primary key, text text)")
        await tx.copy("note", ("number", "text"), [(1, "one"), (2, None)])

    with pytest.raises(Unavailable, match="somebody else"):
        async with db.transaction() as tx:
            await tx.copy("note", ("number", "text"), [(3, "three"), (2, "two")])
    with pytest.raises(InvalidInput, match="NUL"):
        async with db.transaction() as tx:
            await tx.copy("note", ("number", "text"), [(4, "a\0b")])
    async with db.reading() as reading:
        kept = await reading.execute("select number, text from note order by number")
    await db.close()

    assert [(1, "one"), (2, None)] == list(kept)
