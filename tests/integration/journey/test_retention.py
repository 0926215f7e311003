"""Touchpoints that are older than their channel's period go, and what they showed goes with them."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

import builders
import harness
from engines import Engines


@pytest_asyncio.fixture
async def journey(engines: Engines, tmp_path: Path) -> AsyncIterator[harness.Harness]:
    path = tmp_path / "retention.yaml"
    path.write_text("channels:\n  web: 30d\n")
    env = {"SORI_JOURNEY_RETENTION_PATH": str(path), "SORI_JOURNEY_RETENTION_SECONDS": "0.1"}
    async with harness.serving("journey", engines, env=env) as running:
        yield running


async def test_what_is_too_old_goes_and_so_does_what_only_it_showed(journey: harness.Harness) -> None:
    now = dt.datetime.now(dt.UTC)
    old = builders.classified(
        channel="web", identifiers=[("member_id", "A"), ("device_id", "d")], occurred_time=now - dt.timedelta(days=40)
    )
    young = builders.classified(channel="web", identifiers=[("member_id", "A")], occurred_time=now)
    other = builders.classified(
        channel="store", identifiers=[("member_id", "A")], occurred_time=now - dt.timedelta(days=400)
    )
    await journey.publish(young, other)

    async def has(count: int, announced: int) -> bool:
        if await journey.published("sori.journey.touchpoint.stitched.v1") < announced:
            return False  # Asked first: a count that was read before the touchpoint came says nothing.
        return await journey.count("timeline") == count

    await harness.until(lambda: has(2, announced=2))
    await journey.publish(old)

    await harness.until(lambda: has(2, announced=3))
    assert 1 == await journey.count("identifier")
    assert 1 == await journey.count("pattern")
