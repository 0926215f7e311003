"""The event edge of journey."""

from collections.abc import Callable

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori_journey import usecases
from sori_journey.domain import IdentityPolicy
from sori_kit.bus import Batch
from sori_kit.clock import Clock
from sori_kit.database import Database


class Consumers:
    """Hands events to use cases."""

    def __init__(
        self,
        db: Database,
        policy: Callable[[], IdentityPolicy],
        clock: Clock,
        rulebook: Callable[[], usecases.Rulebook],
    ) -> None:
        self._db = db
        self._policy = policy  # as it is now, as the rulebook
        self._clock = clock
        self._rulebook = rulebook

    async def stitch(self, batch: Batch[TouchpointClassified]) -> None:
        """Place classified touchpoints on timelines."""
        await usecases.stitch(self._db, batch, self._policy(), stages=self._rulebook().stages, now=self._clock.now())

    async def correct(self, batch: Batch[ClassificationCorrected]) -> None:
        """Keep what people said of classifications."""
        await usecases.correct(self._db, batch)
