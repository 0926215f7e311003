"""Following the feed: nothing left out, nothing twice, in order of arrival."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from integration.insight import events

import harness
from engines import Engines
from sori.insight.v1 import feed_pb2
from sori.insight.v1 import insight_service_pb2 as pb
from sori.insight.v1 import insight_service_pb2_grpc as pb_grpc
from sori_insight import wire
from sori_insight.consumers import Consumers
from sori_insight.store import feed
from sori_kit import rpc
from sori_kit.bus import Batch
from sori_kit.errors import InvalidInput

SEED = 20_261_102


@pytest_asyncio.fixture
async def insight(engines: Engines) -> AsyncIterator[harness.Harness]:
    async with harness.serving("insight", engines) as running:
        yield running


def watch(insight: harness.Harness, token: str = "", *roles: str, **fields: Any) -> Any:
    request = pb.WatchFeedRequest(resume_token=token, **fields)
    return pb_grpc.InsightServiceStub(insight.channel).WatchFeed(request, metadata=insight.metadata(*roles))


async def take(call: Any, count: int) -> list[pb.WatchFeedResponse]:
    """Read that many responses, then hang up."""
    async with asyncio.timeout(20):
        seen = [await call.read() for _ in range(count)]
    call.cancel()
    return seen


async def add(insight: harness.Harness, *given: Any) -> None:
    await events.hand_over(Consumers(insight.db, events.SEOUL), list(given))


async def test_without_a_token_one_sees_what_comes_from_now_on(insight: harness.Harness) -> None:
    await add(insight, events.a_voice(1))
    call = watch(insight)
    await call.initial_metadata()  # Following has begun.

    await add(insight, events.a_voice(2))

    assert [events.a_voice(2).event_id] == [each.item.item_id for each in await take(call, 1)]


async def test_token_zero_starts_at_the_beginning(insight: harness.Harness) -> None:
    known = [events.a_voice(number) for number in range(450)]  # More than are read at a time.
    for event in known[:2]:
        await add(insight, event)
    await add(insight, *known[2:])

    seen = await take(watch(insight, "0"), 450)

    assert [event.event_id for event in known] == [each.item.item_id for each in seen]


async def test_a_page_says_where_to_follow_on(insight: harness.Harness) -> None:
    await add(insight, events.a_voice(1), events.a_voice(2))
    page = await pb_grpc.InsightServiceStub(insight.channel).ListFeed(
        pb.ListFeedRequest(page_size=1), metadata=insight.metadata()
    )
    await add(insight, events.a_voice(3))

    seen = await take(watch(insight, page.resume_token), 1)

    assert [events.a_voice(3).event_id] == [each.item.item_id for each in seen]


async def test_an_empty_page_leads_to_all_that_comes_later(insight: harness.Harness) -> None:
    page = await pb_grpc.InsightServiceStub(insight.channel).ListFeed(pb.ListFeedRequest(), metadata=insight.metadata())
    await add(insight, events.a_voice(1))

    seen = await take(watch(insight, page.resume_token), 1)

    assert [events.a_voice(1).event_id] == [each.item.item_id for each in seen]


async def test_no_gap_and_nothing_twice_while_many_write_at_once(insight: harness.Harness) -> None:
    draw = random.Random(SEED)
    consumers = Consumers(insight.db, events.SEOUL)
    batches = [[events.stitched() for _ in range(draw.randrange(1, 20))] for _ in range(60)]
    expected = {event.event_id for batch in batches for event in batch}

    async def write(share: list[list[Any]]) -> None:
        for number, batch in enumerate(share):
            if number % 4 == 0:  # A transaction that breaks off uses up numbers of arrival.
                with pytest.raises(InvalidInput):
                    await consumers.add_voices(Batch("insight-add-voices", (events.a_voice(week="soon"),)))
            if number % 4 == 1:  # A transaction that is slow to commit after it has its numbers.
                async with insight.db.transaction() as tx:
                    await feed.add_touchpoints(tx, [wire.touchpoint_line(event, events.SEOUL) for event in batch])
                    await tx.execute("select pg_sleep(0.03)")
            else:
                await consumers.add_touchpoints(Batch("insight-add-touchpoints", tuple(batch)))

    async def follow(seed: int) -> list[str]:
        """Follow with many hang-ups, each time resuming after the last line seen."""
        patience, token, seen = random.Random(seed), "0", list[str]()
        while len(seen) < len(expected):
            count = min(patience.randrange(1, 60), len(expected) - len(seen))
            taken = await take(watch(insight, token), count)
            token = taken[-1].resume_token
            seen += [each.item.item_id for each in taken]
        return seen

    followers = [asyncio.create_task(follow(seed)) for seed in range(3)]
    await asyncio.gather(*(write(batches[lane::6]) for lane in range(6)))
    seen = await asyncio.gather(*followers)

    arrived = [item.item_id for item in await events.whole_feed(insight.db)]
    assert expected == set(arrived)
    assert [arrived] * 3 == seen


async def test_no_line_shows_before_one_that_arrived_earlier(insight: harness.Harness) -> None:
    call = watch(insight, "0")

    async def add_second() -> None:
        async with insight.db.transaction() as tx:
            await feed.add(tx, [events.a_line(2)])

    async def held_back() -> bool:
        async with insight.db.transaction() as tx:
            waiting = await tx.execute("select count(*) from pg_locks where locktype = 'advisory' and not granted")
            return bool(waiting.scalar_one())

    async with insight.db.transaction() as tx:
        await feed.add(tx, [events.a_line(1)])
        second = asyncio.create_task(add_second())
        await harness.until(held_back)
    await second

    assert [events.an_id("line", 1), events.an_id("line", 2)] == [each.item.item_id for each in await take(call, 2)]


async def test_a_follower_gets_only_what_they_asked_for(insight: harness.Harness) -> None:
    call = watch(insight, "0", kind=feed_pb2.FEED_ITEM_KIND_VOICE, org_unit="A")

    await add(insight, events.stitched(org_unit="A"))
    await add(insight, events.a_voice(1, org_unit="B"), events.a_voice(2, org_unit="A"))

    assert [events.a_voice(2).event_id] == [each.item.item_id for each in await take(call, 1)]


async def test_hr_alone_follows_without_customers_identity(insight: harness.Harness) -> None:
    customer_id = "00000000-0000-4000-8000-00000000c0de"
    await add(insight, events.stitched(customer_id=customer_id, thread_id="t-1"))

    for_hr, for_cx = await take(watch(insight, "0", "hr.read"), 1), await take(watch(insight, "0", "cx.read"), 1)

    assert customer_id == for_cx[0].item.touchpoint.position.customer_id
    assert not for_hr[0].item.touchpoint.HasField("position")
    assert not for_hr[0].item.touchpoint.touchpoint.thread_id


async def test_a_follower_goes_on_when_the_connection_that_wakes_them_is_lost(insight: harness.Harness) -> None:
    async def listening() -> list[int]:
        async with insight.db.transaction() as tx:
            rows = await tx.execute("select pid from pg_stat_activity where application_name = 'sori_insight_arrivals'")
            return list(rows.scalars())

    call = watch(insight)
    await call.initial_metadata()
    await harness.until(lambda: _true(listening))
    (lost,) = await listening()

    async with insight.db.transaction() as tx:
        await tx.execute("select pg_terminate_backend(:pid)", {"pid": lost})
    await add(insight, events.a_voice(1))

    assert 1 == len(await take(call, 1))
    await harness.until(lambda: _true(listening))
    assert [lost] != await listening()


async def _true(ask: Any) -> bool:
    return bool(await ask())


async def test_a_draining_process_sends_its_followers_elsewhere(insight: harness.Harness) -> None:
    call = watch(insight)
    await call.initial_metadata()

    insight.runtime.stopping.set()

    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await call.read()
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("token", ["-1", "abc", "١", "9" * 30])
async def test_a_token_that_was_not_made_here_is_refused(insight: harness.Harness, token: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await watch(insight, token).read()

    _, violations = rpc.with_details(refused.value)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert ["resume_token"] == [each.field for each in violations]
