"""The event edge of classify."""

from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_classify import usecases
from sori_kit.bus import Batch, Bus
from sori_kit.clock import Clock


class Consumers:
    """Hands events to use cases."""

    def __init__(self, reader: usecases.Reader, bus: Bus, clock: Clock) -> None:
        self._reader = reader
        self._bus = bus
        self._clock = clock

    async def classify(self, batch: Batch[TouchpointReceived]) -> None:
        """Classify received touchpoints and pass them on."""
        await usecases.classify(self._reader, self._bus, batch, now=self._clock.now())
