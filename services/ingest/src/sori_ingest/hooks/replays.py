"""What was proven and taken already, so that nobody can send it again."""

import hashlib
from collections import OrderedDict

from sori_ingest.hooks.signatures import WINDOW_SECONDS

_MOST = 200_000  # deliveries; older ones go first


class Replays:
    """Remembers signed deliveries for as long as their time is good, in bounded memory.

    Each replica remembers its own. That is enough: what reaches another one has the same ids and adds nothing.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._until: OrderedDict[bytes, float] = OrderedDict()  # by digest, oldest first

    def __len__(self) -> int:
        return len(self._until)

    def knows(self, source: str, once: bytes, now: float) -> bool:
        """Say whether a delivery was taken before."""
        return bool(once) and self._until.get(_digest(source, once), 0.0) > now

    def remember(self, source: str, once: bytes, now: float) -> None:
        """Remember a delivery that was taken; one that was not may come again."""
        if not once:
            return
        self._until[_digest(source, once)] = now + 2 * WINDOW_SECONDS  # A time may lie ahead of ours.
        while self._until and (len(self._until) > self._most or next(iter(self._until.values())) <= now):
            self._until.popitem(last=False)


def _digest(source: str, once: bytes) -> bytes:
    return hashlib.blake2b(source.encode() + b"\0" + once, digest_size=16).digest()
