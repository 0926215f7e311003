"""Word of new lines, for all followers of this process through one connection."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

import asyncpg
import sqlalchemy as sa
import structlog

log = structlog.get_logger()
T = TypeVar("T")

CHANNEL = "sori_feed"
_PROBE_SECONDS = 10  # A connection that died in silence is found out after this long.
_AGAIN_SECONDS = 0.5


class Arrivals:
    """Wakes followers when a transaction that added lines commits."""

    def __init__(self, url: sa.URL) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._next = asyncio.Event()
        self._looking: dict[Hashable, asyncio.Task[Any]] = {}

    def next(self) -> asyncio.Event:
        """Give what the next word will set; take it before looking, so that nothing slips in between."""
        return self._next

    async def look(self, arrived: asyncio.Event, what: Hashable, look: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Look once for all followers who want the same at the same time, woken by the same word.

        Those who were woken by a later word look for themselves: what is under way may be too old for them.
        """
        key = (arrived, what)
        task: asyncio.Task[T] | None = self._looking.get(key)
        if task is None:
            task = self._looking[key] = asyncio.create_task(look())
            task.add_done_callback(lambda done: self._looked(key, done))
        return await asyncio.shield(task)  # One who hangs up does not take it away from the others.

    def _looked(self, key: Hashable, done: "asyncio.Task[Any]") -> None:
        del self._looking[key]
        if not done.cancelled():
            done.exception()  # All who wait for it get it; when nobody does any more it is of no interest.

    async def run(self) -> None:
        """Listen until cancelled; a lost database is waited for, and followers look by themselves meanwhile."""
        while True:
            try:
                await self._listen()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("arrivals.interrupted", error=type(error).__name__)
            await asyncio.sleep(_AGAIN_SECONDS)

    async def _listen(self) -> None:
        settings = {"application_name": "sori_insight_arrivals"}
        connection = await asyncpg.connect(self._dsn, timeout=5, server_settings=settings)
        try:
            closed = asyncio.Event()
            connection.add_termination_listener(lambda _: closed.set())
            await connection.add_listener(CHANNEL, lambda *_: self._wake())
            self._wake()  # Something may have come while nobody listened.
            while not closed.is_set():
                await connection.execute("select 1", timeout=5)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(closed.wait(), _PROBE_SECONDS)
        finally:
            connection.terminate()

    def _wake(self) -> None:
        self._next.set()
        self._next = asyncio.Event()
