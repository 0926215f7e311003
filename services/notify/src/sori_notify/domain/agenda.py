"""What a replica has taken on for the next minute, soonest first."""

import datetime as dt
import heapq
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Entry(NamedTuple):  # The heap compares entries a dozen times each.
    """A deadline that was leased."""

    fire_time: dt.datetime
    case_id: uuid.UUID
    token: int  # Of the lease; another one on the row means that it is somebody else's by now.


@dataclass(slots=True)
class Agenda:
    """A heap of leased deadlines; nothing here decides whether one still holds."""

    _heap: list[Entry] = field(default_factory=list)

    def add(self, entries: Iterable[Entry]) -> None:
        """Take entries on."""
        for each in entries:
            heapq.heappush(self._heap, each)

    def due(self, now: dt.datetime, *, most: int) -> list[Entry]:
        """Take off up to `most` entries whose time has passed."""
        found: list[Entry] = []
        while self._heap and self._heap[0].fire_time < now and len(found) < most:
            found.append(heapq.heappop(self._heap))
        return found

    @property
    def next_time(self) -> dt.datetime | None:
        """Say when the soonest falls due."""
        return self._heap[0].fire_time if self._heap else None

    def __len__(self) -> int:
        return len(self._heap)
