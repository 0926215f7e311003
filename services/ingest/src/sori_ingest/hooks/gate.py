"""How much is let in at a time, and what senders are told while the broker is slow or away."""

import abc
import asyncio
import itertools
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


class Entry(abc.ABC):
    """Work that is let in, until it leaves."""

    __slots__ = ("late", "since", "size")

    size: int  # bytes
    since: float  # monotonic seconds
    late: bool  # It was cut short.

    @abc.abstractmethod
    def cut_short(self) -> None:
        """End what has stayed for too long."""


class _Task(Entry):
    __slots__ = ("_task",)

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self._task = task

    def cut_short(self) -> None:
        self._task.cancel()


class Gate:
    """Lets work through to the broker, bounded in number, bytes and time."""

    def __init__(self, bus: Bus, *, most: int, most_bytes: int, wait_seconds: float) -> None:
        self._bus = bus
        self._most = most
        self._most_bytes = most_bytes
        self._wait = wait_seconds
        self._bytes = 0
        self._inside: dict[Entry, None] = {}  # the oldest first
        self._watch: asyncio.TimerHandle | None = None
        self._shut: type[Busy] | type[Away] | None = None
        self._next_trial = 0.0
        self._looking: asyncio.Task[None] | None = None

    async def through(self, size: int, work: Awaitable[T]) -> T:
        """Do work that publishes; Busy or Away when it cannot be done in time.

        Work that was cut short may still reach the broker: its ids make the next attempt a repeat.
        """
        task = asyncio.current_task()
        assert task is not None
        entry = _Task(task)
        try:
            self.enter(entry, size)
        except (Busy, Away):
            if asyncio.iscoroutine(work):
                work.close()
            raise
        try:
            done = await work
        except asyncio.CancelledError:
            if not entry.late:
                raise
            task.uncancel()
            raise self._close() from None
        except Unavailable as error:
            raise self._close(error) from None
        finally:
            self._let_out(entry)
        self._shut = None
        return done

    def enter(self, entry: Entry, size: int) -> None:
        """Let work in that will `leave`, at the latest when it is cut short; Busy or Away when it must stay out."""
        now = time.monotonic()
        if self._shut is not None:
            if now < self._next_trial:
                raise self._shut
            self._next_trial = now + _TRIAL_SECONDS
        if self._inside and (len(self._inside) >= self._most or self._bytes + size > self._most_bytes):
            raise Busy
        entry.size, entry.since, entry.late = size, now, False
        self._bytes += size
        self._inside[entry] = None
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(self._wait / 4, self._cut_short)

    def leave(self, entry: Entry, error: BaseException | None = None) -> BaseException | None:
        """Let work out that is done, or that failed with an error; gives what its sender is told instead."""
        self._let_out(entry)
        if entry.late or isinstance(error, Unavailable):
            return self._close(error)
        if error is None:
            self._shut = None
        return error

    def _let_out(self, entry: Entry) -> None:
        del self._inside[entry]
        self._bytes -= entry.size

    def _cut_short(self) -> None:
        """End what has waited for too long; one look at all of them, since a timer for each costs more than a hash."""
        until = time.monotonic() - self._wait
        late = list(itertools.takewhile(lambda entry: entry.since <= until, self._inside))
        for entry in late:
            if not entry.late:
                entry.late = True
                entry.cut_short()
        self._watch = None
        if self._inside:
            self._watch = asyncio.get_running_loop().call_later(self._wait / 4, self._cut_short)

    def _close(self, error: BaseException | None = None) -> Exception:
        """Turn everybody away for a moment, and find out why that is needed where it is not known; gives the reason."""
        if self._shut is None:
            log.warning("gate.shut", in_work=len(self._inside))
            self._shut = Away
        self._next_trial = time.monotonic() + _TRIAL_SECONDS
        if isinstance(error, Full):
            self._shut = Busy
        elif self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return self._shut()

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
