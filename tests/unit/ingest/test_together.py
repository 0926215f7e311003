"""What comes in together goes to the broker together, and each is told of its own."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

import builders
from sori_ingest import usecases
from sori_ingest.channels import ADAPTERS
from sori_ingest.channels.payload import Payload, Source
from sori_kit.bus import Bus
from sori_kit.errors import Unavailable
from sori_kit.ids import derived


class Broker:
    """Stands in for the bus: keeps ids by publish, and fails where it is told to."""

    def __init__(self, *, fails_with: str = "", error: Exception | None = None) -> None:
        self.published: list[list[str]] = []
        self._fails_with = fails_with
        self._error = error or RuntimeError()

    async def publish(self, events: Sequence[Any]) -> list[bool]:
        await asyncio.sleep(0)
        texts = [event.message.touchpoint.text for event in events]
        if self._fails_with in texts or self._fails_with == "*":
            raise self._error
        known = {each for earlier in self.published for each in earlier}
        self.published.append([event.event_id for event in events])
        return [event.event_id in known for event in events]


def handed(text: str) -> usecases.Handed:
    body = json.dumps({"id": text, "text": text}).encode()
    return usecases.Handed(
        adapter=ADAPTERS["shop"],
        payload=Payload(body=body, received_time=builders.NOON),
        source=Source(name="kiosk"),
    )


async def take(broker: Broker, *texts: str) -> list[Any]:
    together = usecases.Together(as_bus(broker))
    taking = [together.take_in(handed(each), now=builders.NOON) for each in texts]
    return await asyncio.gather(*taking, return_exceptions=True)


def as_bus(broker: Any) -> Bus:
    found: Bus = broker
    return found


async def test_what_comes_in_together_is_published_as_one() -> None:
    broker = Broker()

    taken = await take(broker, "좋아요", "늦었어요", "늦었어요")

    ids = [derived("touchpoint", "kiosk", each) for each in ("좋아요", "늦었어요")]
    assert 1 == len(broker.published)
    assert [*ids, ids[1]] == broker.published[0]
    assert [(each,) for each in [*ids, ids[1]]] == [each.accepted for each in taken]


async def test_what_was_there_before_is_a_duplicate_of_its_own_sender_only() -> None:
    broker = Broker()
    await take(broker, "늦었어요")

    first, second = await take(broker, "늦었어요", "좋아요")

    assert (1, 0) == (len(first.duplicates), len(first.accepted))
    assert (0, 1) == (len(second.duplicates), len(second.accepted))


async def test_a_crowd_goes_in_groups() -> None:
    broker = Broker()
    texts = [f"{number}번 고객입니다" for number in range(100)]

    taken = await take(broker, *texts)

    assert [derived("touchpoint", "kiosk", each) for each in texts] == [each.accepted[0] for each in taken]
    assert 100 == sum(map(len, broker.published))
    assert 50 > max(map(len, broker.published))


async def test_all_are_told_when_the_broker_is_away() -> None:
    taken = await take(Broker(fails_with="*", error=Unavailable("away")), "좋아요", "늦었어요")

    assert [Unavailable, Unavailable] == [type(each) for each in taken]


async def test_one_that_goes_wrong_takes_nobody_with_it() -> None:
    broker = Broker(fails_with="독")

    good, bad, also_good = await take(broker, "좋아요", "독", "늦었어요")

    assert [1, 1] == [len(each.accepted) for each in (good, also_good)]
    assert isinstance(bad, RuntimeError)


async def test_who_no_longer_waits_holds_up_nobody() -> None:
    broker = Broker()
    together = usecases.Together(as_bus(broker))
    gone = asyncio.create_task(together.take_in(handed("좋아요"), now=builders.NOON))
    stays = asyncio.create_task(together.take_in(handed("늦었어요"), now=builders.NOON))
    await asyncio.sleep(0)

    gone.cancel()

    assert 1 == len((await stays).accepted)
    with pytest.raises(asyncio.CancelledError):
        await gone
