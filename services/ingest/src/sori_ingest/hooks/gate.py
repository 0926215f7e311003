"""How much is let in at a time, and what senders are told while the broker is slow or away."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

import structlog

from sori_kit.bus import Bus, Full
from sori_kit.errors import Unavailable

log = structlog.get_logger()
T = TypeVar("T")

_TRIAL_SECONDS = 1.0  # While the gate is shut, one is let through this often to see.

_LOOK_SECONDS = 2.0


class Busy(Exception):
    """The broker is there, and slower than what comes in: come again."""

    retry_seconds = 2


class Away(Exception):
    """The broker does not answer: come again."""

    retry_seconds = 5


class Gate:
    """Lets work through to the broker, bounded in number, bytes and time."""

    def __init__(self, bus: Bus, *, most: int, most_bytes: int, wait_seconds: float) -> None:
        self._bus = bus
        self._most = most
        self._most_bytes = most_bytes
        self._wait = wait_seconds
        self._count = 0
        self._bytes = 0
        self._since: dict[asyncio.Task[Any], float] = {}  # what is in work
        self._late: set[asyncio.Task[Any]] = set()  # what was cut short
        self._watch: asyncio.TimerHandle | None = None
        self._shut: type[Busy] | type[Away] | None = None
        self._next_trial = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def through(self, size: int, work: Awaitable[T]) -> T:
        """Do work that publishes; Busy or Away when it cannot be done in time.

        Work that was cut short may still reach the broker: its ids make the next attempt a repeat.
        """
        if (refusal := self._refusal(size)) is not None:
            if asyncio.iscoroutine(work):
                work.close()
            raise refusal
        task = asyncio.current_task()
        assert task is not None
        self._count += 1
        self._bytes += size
        self._since[task] = time.monotonic()
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(self._wait / 4, self._cut_short)
        try:
            done = await work
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            task.uncancel()
            self._close()
            raise (self._shut or Away)() from None
        except Full:
            self._close(Busy)
            raise Busy from None
        except Unavailable:
            self._close()
            raise (self._shut or Away)() from None
        finally:
            self._count -= 1
            self._bytes -= size
            del self._since[task]
            self._late.discard(task)
        self._shut = None
        return done

    def _cut_short(self) -> None:
        """End what has waited for too long; one look at all of them, since a timer for each costs more than a hash."""
        until = time.monotonic() - self._wait
        for task, since in self._since.items():  # the oldest first
            if since > until:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        self._watch = None
        if self._since:
            self._watch = asyncio.get_running_loop().call_later(self._wait / 4, self._cut_short)

    def _refusal(self, size: int) -> Exception | None:
        if self._shut is not None:
            if time.monotonic() < self._next_trial:
                return self._shut()
            self._next_trial = time.monotonic() + _TRIAL_SECONDS
        if self._count >= self._most or (self._count and self._bytes + size > self._most_bytes):
            return Busy()
        return None

    def _close(self, why: type[Busy] | None = None) -> None:
        """Turn everybody away for a moment, and find out why that is needed where it is not known."""
        if self._shut is None:
            log.warning("gate.shut", in_work=self._count)
            self._shut = Away
        self._next_trial = time.monotonic() + _TRIAL_SECONDS
        if why is not None:
            self._shut = why
            return
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        """Tell a broker that pushes back from one that is away."""
        found: type[Busy] | type[Away] = Busy if await self.is_open() else Away
        if self._shut is not None:
            self._shut = found

    async def is_open(self) -> bool:
        """Say whether the broker answers for our stream now."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                await self._bus.count()
        except (TimeoutError, Unavailable):
            return False
        return True
