"""A service's tables brought up to date with Alembic."""

import asyncio
import contextlib
from importlib.resources import files
from types import ModuleType

import asyncpg
import sqlalchemy as sa
import stamina
from alembic import command, context
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine

_LOCK = 0x4D_49_47  # Session lock, held while the tables change.


def config(package: ModuleType | str, url: sa.URL) -> Config:
    """Point Alembic at the folder `migrations` of a service's package."""
    made = Config()
    made.set_main_option("script_location", str(files(package) / "migrations"))
    made.attributes["url"] = url
    return made


@stamina.retry(on=(OSError, asyncpg.CannotConnectNowError), timeout=60)
async def create_database(url: sa.URL) -> None:
    """Create the database unless it is there; waits up to a minute for the server."""
    dsn = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    connection = await asyncpg.connect(dsn, timeout=5)
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", url.database):
            with contextlib.suppress(asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):  # Another replica.
                await connection.execute(f'create database "{url.database}"')
    finally:
        await connection.close()


async def upgrade(package: ModuleType | str, url: sa.URL) -> None:
    """Create the database where it is missing and bring its tables to the newest revision; one replica at a time."""
    await create_database(url)
    connection = await asyncpg.connect(
        url.set(drivername="postgresql").render_as_string(hide_password=False), timeout=5
    )
    try:
        # Asked again and again: a statement that waited would hold back an index that is created concurrently.
        while not await connection.fetchval("select pg_try_advisory_lock($1)", _LOCK):
            await asyncio.sleep(0.2)
        await asyncio.to_thread(command.upgrade, config(package, url), "head")  # Alembic runs an event loop of its own.
    finally:
        await connection.close()


def run_env(metadata: sa.MetaData) -> None:
    """Do what a service's `migrations/env.py` has to do."""
    url: sa.URL = context.config.attributes["url"]

    def migrate(connection: sa.Connection) -> None:
        context.configure(connection=connection, target_metadata=metadata, compare_type=True)
        with context.begin_transaction():
            connection.execute(sa.text("set local lock_timeout = '5s'"))
            context.run_migrations()

    async def connect() -> None:
        engine = create_async_engine(url, poolclass=sa.NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
            await connection.commit()
        await engine.dispose()

    asyncio.run(connect())
