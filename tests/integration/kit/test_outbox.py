"""What transactions announce reaches the broker."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import builders
import harness
from engines import Engines
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import outbox
from sori_kit.database import Database
from sori_kit.envelope import Event

STITCHED = "sori.journey.touchpoint.stitched.v1"


@pytest_asyncio.fixture
async def journey(engines: Engines) -> AsyncIterator[harness.Harness]:
    async with harness.serving("journey", engines) as running:
        yield running


def an_event() -> Event[TouchpointStitched]:
    return Event.new(TouchpointStitched(), entity_id="somebody", time=builders.NOON)


async def test_what_is_committed_as_its_caller_gives_up_goes_out_amid_what_others_announce(
    journey: harness.Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, given_up, announced = journey.db, an_event(), set[str]()

    async def write() -> None:
        async with db.transaction() as tx:
            await outbox.stage(tx, [given_up], source="sori/journey")
            commit = tx.commit

            async def interrupted() -> None:
                await commit()
                raise asyncio.CancelledError

            monkeypatch.setattr(tx, "commit", interrupted)

    with pytest.raises(asyncio.CancelledError):
        await write()
    for _ in range(30):  # Never is there a second in which nothing is announced, after which all is looked through.
        async with db.transaction() as tx:
            await outbox.stage(tx, [an_event()], source="sori/journey")
        await asyncio.sleep(0.1)
        announced = {each.headers["ce-id"] for each in await journey.bus.read(STITCHED, after=0, most=100)}
        if given_up.event_id in announced:
            break

    assert given_up.event_id in announced


async def test_few_or_many_what_other_replicas_announce_goes_out_in_the_order_in_which_it_was_announced(
    journey: harness.Harness,
) -> None:
    replica, announced = Database(journey.db.url), list[str]()

    for count in (1, 600, 2, 40):
        events = [an_event() for _ in range(count)]
        announced += [each.event_id for each in events]
        async with replica.transaction() as tx:
            await outbox.stage(tx, events, source="sori/journey")

    async def all_out() -> bool:
        return await journey.published(STITCHED) == len(announced)

    await harness.until(all_out)
    await replica.close()
    assert announced == [
        each.headers["ce-id"] for each in await journey.bus.read(STITCHED, after=0, most=len(announced))
    ]
