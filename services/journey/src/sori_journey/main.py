"""Composition root of journey."""

from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori.journey.v1 import journey_service_pb2, journey_service_pb2_grpc
from sori_journey.api import JourneyApi
from sori_journey.consumers import Consumers
from sori_journey.settings import Settings
from sori_kit import service


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    db = runtime.open_database(settings)
    runtime.server.add(
        journey_service_pb2_grpc.add_JourneyServiceServicer_to_server,
        JourneyApi(db, settings),
        journey_service_pb2.DESCRIPTOR.services_by_name["JourneyService"],
    )
    await runtime.consume(TouchpointClassified, Consumers(db, runtime.clock).stitch)


def main() -> None:
    """Run `sori-journey`."""
    service.main("journey", Settings, build, migrated="sori_journey")
