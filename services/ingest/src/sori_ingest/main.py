"""Composition root of ingest."""

from sori.ingest.v1 import ingest_service_pb2, ingest_service_pb2_grpc
from sori_ingest.api import IngestApi
from sori_ingest.settings import Settings
from sori_kit import service


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    runtime.server.add(
        ingest_service_pb2_grpc.add_IngestServiceServicer_to_server,
        IngestApi(runtime.bus, runtime.clock, settings),
        ingest_service_pb2.DESCRIPTOR.services_by_name["IngestService"],
    )


def main() -> None:
    """Run `sori-ingest`."""
    service.main("ingest", Settings, build)
