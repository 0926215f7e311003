"""What time it is."""

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
