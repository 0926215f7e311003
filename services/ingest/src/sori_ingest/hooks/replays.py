"""What was proven and taken already, so that nobody can send it again."""

from array import array

from sori_ingest.hooks.signatures import WINDOW_SECONDS

_SLOTS = 1 << 18  # deliveries remembered at most; 4 MiB, all of it from the start
_BUCKET = 4  # slots among which one delivery may stand


class Replays:
    """Remembers signed deliveries for as long as their time is good, in memory that never grows.

    Where more come in than there is room for, the oldest is forgotten. That does no harm, nor does that each replica
    remembers its own: what comes in twice has the same ids and adds nothing.
    """

    def __init__(self, slots: int = _SLOTS) -> None:
        self._buckets = slots // _BUCKET
        self._marks = array("q", bytes(8 * slots))
        self._until = array("d", bytes(8 * slots))

    def knows(self, source: str, once: bytes, now: float) -> bool:
        """Say whether a delivery was taken before."""
        if not once:
            return False
        mark, first = self._find(source, once)
        if mark not in self._marks[first : first + _BUCKET]:
            return False  # Nearly always.
        return any(self._marks[slot] == mark and self._until[slot] > now for slot in range(first, first + _BUCKET))

    def remember(self, source: str, once: bytes, now: float) -> None:
        """Remember a delivery that was taken; one that was not may come again."""
        if not once:
            return
        mark, first = self._find(source, once)
        until = self._until[first : first + _BUCKET]
        oldest = first + until.index(min(until))
        self._marks[oldest] = mark
        self._until[oldest] = now + 2 * WINDOW_SECONDS  # A time may lie ahead of ours.

    def _find(self, source: str, once: bytes) -> tuple[int, int]:
        mark = hash((source, once))  # 64 bits, under a key that is drawn for each process
        return mark, mark % self._buckets * _BUCKET
