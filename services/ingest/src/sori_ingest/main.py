"""Composition root of ingest."""

from pathlib import Path

from pydantic import field_validator

from sori.ingest.v1 import ingest_service_pb2, ingest_service_pb2_grpc
from sori.journey.v1.customer_events_pb2 import CustomerErased
from sori_ingest import offline
from sori_ingest.api import IngestApi
from sori_ingest.channels import ADAPTERS
from sori_ingest.consumers import Consumers
from sori_ingest.hooks import serving
from sori_ingest.model import Journey
from sori_ingest.settings import Settings
from sori_ingest.settings import sources as source_files
from sori_ingest.settings.sources import SourceFile
from sori_kit import rpc, service


class CheckedSettings(Settings, env_prefix="SORI_INGEST_"):
    """Settings whose file of sources can be used with the adapters that there are; a broken one stops the start."""

    @field_validator("sources_path")
    @classmethod
    def _names_sources(cls, path: Path | None) -> Path | None:
        if path is not None:
            try:
                source_files.load(path, ADAPTERS)
            except source_files.SourceRefused as refused:
                raise ValueError(str(refused)) from None
        return path


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    sources = SourceFile(settings.sources_path, ADAPTERS)
    runtime.in_background("sources", sources.watch(settings.sources_poll_seconds))
    runtime.server.add(
        ingest_service_pb2_grpc.add_IngestServiceServicer_to_server,
        IngestApi(runtime.bus, sources, runtime.clock, settings),
        ingest_service_pb2.DESCRIPTOR.services_by_name["IngestService"],
    )
    if settings.journey_target and settings.service_token_file:
        channel = rpc.channel(settings.journey_target)
        runtime.stack.push_async_callback(channel.close)
        journey = Journey(channel, settings.service_token_file)
        await runtime.consume(CustomerErased, Consumers(runtime.bus, journey, runtime.clock).forget)
    serving.serve_http(runtime, sources, settings)
    await serving.serve_mail(runtime, sources, settings)


def main() -> None:
    """Run `sori-ingest`."""
    service.main("ingest", CheckedSettings, build, offline=offline.COMMANDS)
