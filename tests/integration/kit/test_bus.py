"""The event bus on a real nats-server."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import builders
import engines as real
import harness
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_kit.bus import Batch, Bus, Full
from sori_kit.errors import InvalidInput, Unavailable
from sori_kit.settings import KitSettings
from sori_local import engines as local

RECEIVED = "sori.ingest.touchpoint.received.v1"


class Broker:
    """A nats-server that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.engine = local.nats(folder / "nats", local.free_port())
        self._process = real.start(self.engine, folder)
        real.wait_for_port(self.engine.url)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def start(self) -> None:
        self._process = real.start(self.engine, self._folder)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running = Broker(tmp_path)
    yield running
    running.kill()


@pytest_asyncio.fixture
async def bus(broker: Broker) -> AsyncIterator[Bus]:
    connected = await Bus.connect("ingest", KitSettings(nats_url=broker.engine.url, grpc_port=0))
    yield connected
    await connected.close()


class Recorder:
    """A handler that remembers what it was given."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.batches: list[int] = []
        self.fail: dict[str, Exception] = {}

    async def note(self, batch: Batch[TouchpointReceived]) -> None:
        for event in batch:
            if event.entity_id in self.fail:
                raise self.fail[event.entity_id]
        self.seen += [event.event_id for event in batch]
        self.batches.append(len(batch))

    async def saw(self, count: int, seconds: float = 30) -> None:
        async def enough() -> bool:
            return len(set(self.seen)) >= count

        await harness.until(enough, seconds)


async def consume(bus: Bus, recorder: Recorder, **options: Any) -> tuple[asyncio.Event, "asyncio.Task[None]"]:
    consumer = await bus.subscribe(TouchpointReceived, recorder.note, **options)
    stopping = asyncio.Event()
    return stopping, asyncio.create_task(consumer.run(stopping))


async def test_published_is_on_the_stream_and_known_ids_are_told(bus: Bus) -> None:
    events = [builders.received() for _ in range(20)]

    first = await bus.publish(events)
    second = await bus.publish([*events[:3], builders.received()])

    assert [False] * 20 == first
    assert [True, True, True, False] == second
    assert 21 == await bus.count(RECEIVED)


async def test_concurrent_publishers_lose_and_double_nothing(bus: Bus) -> None:
    events = [builders.received() for _ in range(3000)]

    await asyncio.gather(*[bus.publish(events[start : start + 7]) for start in range(0, 3000, 7)])

    assert 3000 == await bus.count(RECEIVED)


async def test_publishing_rides_over_a_broker_that_is_killed(bus: Bus, broker: Broker) -> None:
    events = [builders.received() for _ in range(400)]
    await bus.publish(events[:100])
    broker.kill()
    publishing = asyncio.gather(*[bus.publish([event]) for event in events[100:]])
    await asyncio.sleep(0)

    broker.start()
    await publishing

    assert 400 == await bus.count(RECEIVED)


@pytest.mark.parametrize("count", [1, 40])
async def test_what_was_sent_and_lost_with_the_broker_goes_out_once_it_is_back(
    bus: Bus, broker: Broker, count: int
) -> None:
    bus._publisher._answer = 120  # seconds; it is not waited for
    broker.freeze()  # It takes what is sent, and dies before it is read.
    publishing = asyncio.gather(bus.publish([builders.received() for _ in range(count)]))
    done, _ = await asyncio.wait([publishing], timeout=0.2)
    broker.kill()

    broker.start()

    [known] = await asyncio.wait_for(publishing, 30)
    assert not done
    assert [False] * count == known
    assert count == await bus.count(RECEIVED)


@pytest.mark.parametrize("count", [1, 40])
async def test_a_broker_without_room_is_told_from_one_that_is_away(bus: Bus, count: int) -> None:
    await harness.limit(bus, max_msgs=1)
    await bus.publish([builders.received()])

    with pytest.raises(Full):
        await bus.publish([builders.received() for _ in range(count)])

    await harness.limit(bus, max_msgs=-1)
    assert [False] == await bus.publish([builders.received()])


async def test_deleting_says_whether_the_message_was_there(bus: Bus) -> None:
    await bus.publish([builders.received(), builders.received()])

    found = [await bus.delete(bus.stream, sequence) for sequence in (1, 1, 99)]

    assert [True, False, False] == found
    assert 1 == await bus.count(RECEIVED)


async def test_a_broker_that_is_away_has_no_version(bus: Bus, broker: Broker) -> None:
    there = await bus.version()
    broker.kill()

    async def lost() -> bool:
        return not bus._client.is_connected

    await harness.until(lost)
    with pytest.raises(Unavailable):
        await bus.version()
    assert there[0].isdigit()


async def test_consumer_gets_everything_in_batches_and_goes_on_after_a_restart(bus: Bus, broker: Broker) -> None:
    recorder = Recorder()
    stopping, task = await consume(bus, recorder)
    await bus.publish([builders.received() for _ in range(600)])
    await recorder.saw(600)

    broker.kill()
    broker.start()
    await bus.publish([builders.received() for _ in range(10)])
    await recorder.saw(610)

    assert max(recorder.batches) > 1
    stopping.set()
    await task


async def test_what_trickles_in_is_handled_together(bus: Bus) -> None:
    recorder = Recorder()
    stopping, running = await consume(bus, recorder)
    for _ in range(60):
        await bus.publish([builders.received()])
        await asyncio.sleep(0.002)
    await recorder.saw(60)
    stopping.set()
    await running

    assert 60 == sum(recorder.batches)
    assert len(recorder.batches) < 40


async def test_one_bad_event_goes_to_the_dead_letters_and_its_neighbours_through(bus: Bus) -> None:
    recorder, events = Recorder(), [builders.received() for _ in range(50)]
    recorder.fail[events[17].entity_id] = InvalidInput("touchpoint.text is strange")
    stopping, task = await consume(bus, recorder)

    await bus.publish(events)
    await recorder.saw(49)

    async def dead() -> bool:
        return len(await bus.dead_letters(after=0, most=10)) == 1

    await harness.until(dead)
    (letter,) = await bus.dead_letters(after=0, most=10)
    assert (events[17].event_id, "INVALID_INPUT", "ingest-note") == (letter.event_id, letter.reason, letter.durable)
    stopping.set()
    await task


async def test_a_replayed_dead_letter_is_handled_and_gone(bus: Bus) -> None:
    recorder, event = Recorder(), builders.received()
    recorder.fail[event.entity_id] = InvalidInput("not yet")
    stopping, task = await consume(bus, recorder)
    await bus.publish([event])

    async def dead() -> bool:
        return len(await bus.dead_letters(after=0, most=10)) == 1

    await harness.until(dead)
    (letter,) = await bus.dead_letters(after=0, most=10)
    with pytest.raises(InvalidInput):
        await bus.replay(letter)

    recorder.fail.clear()
    await bus.replay(letter)

    assert [event.event_id] == recorder.seen
    assert [] == await bus.dead_letters(after=0, most=10)
    stopping.set()
    await task


async def test_an_absent_engine_is_waited_for(bus: Bus) -> None:
    recorder, event = Recorder(), builders.received()
    recorder.fail[event.entity_id] = Unavailable("the database does not answer")
    stopping, task = await consume(bus, recorder)
    await bus.publish([event])
    await asyncio.sleep(0.3)

    recorder.fail.clear()
    await recorder.saw(1)

    assert [] == await bus.dead_letters(after=0, most=10)
    stopping.set()
    await task


async def test_what_was_taken_and_not_begun_is_handled_by_the_next_at_once(bus: Bus) -> None:
    events, begun = [builders.received() for _ in range(200)], asyncio.Event()

    async def slow(_: Batch[TouchpointReceived]) -> None:
        begun.set()
        await asyncio.sleep(1)

    consumer = await bus.subscribe(TouchpointReceived, slow, most=20)
    stopping = asyncio.Event()
    task = asyncio.create_task(consumer.run(stopping))
    await bus.publish(events)
    await begun.wait()

    stopping.set()
    await task

    recorder = Recorder()
    stopping, task = await consume(bus, recorder)
    await recorder.saw(180, seconds=5)
    stopping.set()
    await task


async def test_what_waits_for_an_absent_engine_goes_back_when_the_service_stops(bus: Bus) -> None:
    recorder, event = Recorder(), builders.received()
    recorder.fail[event.entity_id] = Unavailable("the database does not answer")
    stopping, task = await consume(bus, recorder)
    await bus.publish([event])
    await asyncio.sleep(1)

    stopping.set()
    async with asyncio.timeout(2):
        await task

    recorder.fail.clear()
    stopping, task = await consume(bus, recorder)
    await recorder.saw(1)
    stopping.set()
    await task


async def test_an_unreadable_message_goes_to_the_dead_letters(bus: Bus) -> None:
    recorder = Recorder()
    stopping, task = await consume(bus, recorder)

    await bus._client.jetstream().publish(RECEIVED, b"\xff\xff")

    async def dead() -> bool:
        return len(await bus.dead_letters(after=0, most=10)) == 1

    await harness.until(dead)
    stopping.set()
    await task
