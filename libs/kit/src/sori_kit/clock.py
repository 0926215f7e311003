"""What time it is."""

import asyncio
import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """Tells the time; the domain gets it as an argument."""

    def now(self) -> dt.datetime:
        """Say what time it is, in UTC, aware."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> dt.datetime:
        """Say what time it is, in UTC, aware."""
        return dt.datetime.now(dt.UTC)


class ClockOfTurns:
    """A clock that is looked at once in a turn of the event loop: what comes in in one turn has one time.

    What follows from a time, such as how it is written, need then not be worked out for each.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dt.datetime | None = None

    def now(self) -> dt.datetime:
        """Say what time it is, in UTC, aware; only while a loop runs."""
        if self._seen is None:
            self._seen = self._clock.now()
            asyncio.get_running_loop().call_soon(self._forget)
        return self._seen

    def _forget(self) -> None:
        self._seen = None
