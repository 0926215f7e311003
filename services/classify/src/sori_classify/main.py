"""Composition root of classify."""

from sori.classify.v1 import classify_service_pb2, classify_service_pb2_grpc
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_classify.api import ClassifyApi
from sori_classify.consumers import Consumers
from sori_classify.model import Analyst, Shelf, Workers
from sori_classify.offline import COMMANDS
from sori_classify.settings import Settings
from sori_classify.usecases import Reader
from sori_kit import service


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    shelf = Shelf(settings.model_path, settings.lexicon_path)
    runtime.in_background("shelf", shelf.watch(settings.model_poll_seconds))
    workers = Workers(settings.workers)
    runtime.stack.push_async_callback(workers.close)
    await workers.start(shelf.serving)
    reader = Reader(shelf, workers)
    analyst = Analyst(settings.lexicon_path)
    runtime.stack.push_async_callback(analyst.close)
    runtime.server.add(
        classify_service_pb2_grpc.add_ClassifyServiceServicer_to_server,
        ClassifyApi(reader, shelf, analyst, runtime.bus, runtime.clock),
        classify_service_pb2.DESCRIPTOR.services_by_name["ClassifyService"],
    )
    # Two batches more than there are workers: while the broker has one, another lies at a worker that reads a third.
    await runtime.consume(
        TouchpointReceived,
        Consumers(reader, runtime.bus, runtime.clock).classify,
        most=settings.batch,
        lanes=settings.workers + 2,
    )


def main() -> None:
    """Run `sori-classify`."""
    service.main("classify", Settings, build, offline=COMMANDS)
