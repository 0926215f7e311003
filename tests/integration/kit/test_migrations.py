"""Tables brought up to date by several replicas at once."""

import asyncio

import asyncpg
import sqlalchemy as sa

from engines import Engines
from sori_kit import migrations


async def test_replicas_that_migrate_at_the_same_time_all_succeed(engines: Engines) -> None:
    url = sa.make_url(engines.postgres_url).set(drivername="postgresql+asyncpg", database="sori_migrated_together")

    await asyncio.gather(*(migrations.upgrade("sori_notify", url) for _ in range(4)))

    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    assert 1 == await connection.fetchval("select count(*) from alembic_version")
    await connection.close()
