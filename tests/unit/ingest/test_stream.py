"""How a stream of touchpoints is taken in."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

import builders
from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest import usecases
from sori_ingest.channels import CHANNELS
from sori_kit.errors import InvalidInput, Unavailable


class HeldBus:
    """A broker that answers when it is let go."""

    source = "sori/ingest"

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.sizes: list[int] = []

    async def publish(self, events: Sequence[object]) -> list[bool]:
        self.sizes.append(len(events))
        await self.gate.wait()
        return [False] * len(events)

    async def publish_sealed(self, envelopes: Sequence[object]) -> list[bool]:
        return [False] * len(envelopes)

    async def read(self, subject: str, *, after: int, most: int) -> list[object]:
        return []


class DeadBus:
    """A broker that is away."""

    async def publish(self, events: Sequence[object]) -> list[bool]:
        raise Unavailable("the broker does not answer")


class Noon:
    """A clock that stands."""

    def now(self) -> builders.dt.datetime:
        return builders.NOON


class Sender:
    """Sends as fast as it may, and counts."""

    def __init__(self, count: int, text: str = "") -> None:
        self.sent = 0
        self._count = count
        self._text = text

    async def touchpoints(self) -> AsyncIterator[pb.Touchpoint]:
        for _ in range(self._count):
            self.sent += 1
            yield builders.a_touchpoint(text=self._text)


async def submit(bus: object, touchpoints: AsyncIterator[pb.Touchpoint], chunk: int = 10) -> usecases.Tally:
    return await usecases.submit_stream(
        bus,  # type: ignore[arg-type]
        CHANNELS["generic"],
        touchpoints,
        clock=Noon(),
        traceparent="",
        chunk=chunk,
        publishes=2,
    )


async def settled() -> None:
    """Let everything run that can."""
    for _ in range(100):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("text", "chunk", "most"), [("", 10, 50), ("a" * 100_000, 10_000, 200)])
async def test_sender_is_held_back_while_the_broker_is_slow(text: str, chunk: int, most: int) -> None:
    bus, sender = HeldBus(), Sender(1_000, text)
    submitting = asyncio.create_task(submit(bus, sender.touchpoints(), chunk))
    await settled()
    held_at = sender.sent

    bus.gate.set()
    tally = await submitting

    assert held_at <= most
    assert 1_000 == tally.accepted == sum(bus.sizes)


async def test_a_stream_ends_with_its_broker() -> None:
    with pytest.raises(Unavailable):
        await submit(DeadBus(), Sender(100).touchpoints())


async def test_what_ends_a_stream_early_is_raised() -> None:
    bus = HeldBus()
    bus.gate.set()

    async def broken() -> AsyncIterator[pb.Touchpoint]:
        yield builders.a_touchpoint()
        raise InvalidInput("the request is not a touchpoint")

    with pytest.raises(InvalidInput):
        await submit(bus, broken())


async def test_only_the_first_thousand_rejections_are_named() -> None:
    bus = HeldBus()
    bus.gate.set()

    async def wrong() -> AsyncIterator[pb.Touchpoint]:
        yield builders.a_touchpoint()
        for number in range(1_200):
            yield pb.Touchpoint(external_id=str(number))

    tally = await submit(bus, wrong())

    assert (1, 1_200) == (tally.accepted, tally.quarantined)
    assert list(range(1, 1_001)) == [index for index, _ in tally.rejections]
