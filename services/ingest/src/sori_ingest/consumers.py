"""The event edge of ingest."""

from sori.journey.v1.customer_events_pb2 import CustomerErased
from sori_ingest import usecases
from sori_ingest.model import Journey
from sori_kit.bus import Batch, Bus
from sori_kit.clock import Clock


class Consumers:
    """Hands events to use cases."""

    def __init__(self, bus: Bus, journey: Journey, clock: Clock) -> None:
        self._bus = bus
        self._journey = journey
        self._clock = clock

    async def forget(self, batch: Batch[CustomerErased]) -> None:
        """Keep nothing in quarantine of people who were erased."""
        await usecases.forget(self._bus, self._journey, batch, now=self._clock.now())
