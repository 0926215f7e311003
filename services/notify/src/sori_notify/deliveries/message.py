"""What goes out, ready to be sent."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One message; the same at each attempt."""

    message_id: str  # the receiver's idempotency key
    title: str
    text: str
    body: str  # JSON, for machines


class Sender(Protocol):
    """Whatever can reach one receiver."""

    async def deliver(self, message: Outgoing, *, now: dt.datetime) -> str:
        """Send a message; gives why the receiver did not take it, as a code, or nothing."""
        ...

    async def close(self) -> None:
        """Give back what it holds."""
        ...
