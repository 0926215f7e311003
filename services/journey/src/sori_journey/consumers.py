"""The event edge of journey."""

from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori_journey import usecases
from sori_kit.bus import Batch
from sori_kit.clock import Clock
from sori_kit.database import Database


class Consumers:
    """Hands events to use cases."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def stitch(self, batch: Batch[TouchpointClassified]) -> None:
        """Place classified touchpoints on timelines."""
        await usecases.stitch(self._db, batch, now=self._clock.now())
