"""Followers that look together."""

import asyncio

import pytest
import sqlalchemy as sa

from sori_insight.store.arrivals import Arrivals


class Looking:
    """A look at the feed that lasts until it is told what was there."""

    def __init__(self) -> None:
        self.begun: list[asyncio.Future[str]] = []

    async def __call__(self) -> str:
        self.begun.append(asyncio.get_running_loop().create_future())
        return await self.begun[-1]


@pytest.fixture
def arrivals() -> Arrivals:
    return Arrivals(sa.make_url("postgresql://nobody@127.0.0.1/nothing"))


async def started(*tasks: "asyncio.Task[str]") -> None:
    await asyncio.wait(tasks, timeout=0)


async def test_those_woken_by_the_same_word_look_once(arrivals: Arrivals) -> None:
    look, word = Looking(), arrivals.next()
    followers = [asyncio.create_task(arrivals.look(word, "all", look)) for _ in range(20)]
    await started(*followers)
    await started(*followers)

    look.begun[0].set_result("lines")

    assert ["lines"] * 20 == await asyncio.gather(*followers)
    assert 1 == len(look.begun)


async def test_those_who_want_something_else_look_for_themselves(arrivals: Arrivals) -> None:
    look, word = Looking(), arrivals.next()
    followers = [asyncio.create_task(arrivals.look(word, what, look)) for what in ("all", "voices")]
    await started(*followers)
    await started(*followers)

    for number, begun in enumerate(look.begun):
        begun.set_result(str(number))

    assert ["0", "1"] == await asyncio.gather(*followers)


async def test_one_who_was_woken_later_takes_no_older_look(arrivals: Arrivals) -> None:
    look = Looking()
    early = asyncio.create_task(arrivals.look(arrivals.next(), "all", look))
    await started(early)
    arrivals._wake()
    late = asyncio.create_task(arrivals.look(arrivals.next(), "all", look))
    await started(early, late)
    await started(early, late)

    look.begun[0].set_result("old")
    look.begun[1].set_result("new")

    assert ("old", "new") == (await early, await late)


async def test_one_who_hangs_up_takes_nothing_from_the_others(arrivals: Arrivals) -> None:
    look, word = Looking(), arrivals.next()
    first, second = (asyncio.create_task(arrivals.look(word, "all", look)) for _ in range(2))
    await started(first, second)
    await started(first, second)

    first.cancel()
    await started(first)
    look.begun[0].set_result("lines")

    assert "lines" == await second
