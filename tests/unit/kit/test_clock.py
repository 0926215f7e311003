"""What comes in in one turn of the event loop has one time."""

import asyncio
import datetime as dt

import builders
from sori_kit.clock import ClockOfTurns


class Ticking:
    """A clock that goes on with each look at it."""

    def __init__(self) -> None:
        self._looks = 0

    def now(self) -> dt.datetime:
        self._looks += 1
        return builders.NOON + dt.timedelta(seconds=self._looks)


async def test_one_turn_has_one_time() -> None:
    clock = ClockOfTurns(Ticking())

    assert clock.now() is clock.now()


async def test_the_next_turn_has_another() -> None:
    clock = ClockOfTurns(Ticking())
    first = clock.now()

    await asyncio.sleep(0)

    assert clock.now() > first
