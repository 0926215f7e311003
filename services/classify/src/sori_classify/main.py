"""Composition root of classify."""

from concurrent.futures import ThreadPoolExecutor

from sori.classify.v1 import classify_service_pb2, classify_service_pb2_grpc
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_classify.api import ClassifyApi
from sori_classify.consumers import Consumers
from sori_classify.model import Lexicon, Model
from sori_classify.settings import Settings
from sori_classify.usecases import Reader
from sori_kit import service

_WARM_UP = ["배송이 늦어요", "Thank you, great service!", "환불해 주세요 " * 40]


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    model, lexicon = Model.load(settings.model_path), Lexicon.load(settings.lexicon_path)
    executor = runtime.stack.enter_context(ThreadPoolExecutor(settings.workers, thread_name_prefix="model"))
    reader = Reader(model, lexicon, executor)
    await reader.read(_WARM_UP)
    runtime.server.add(
        classify_service_pb2_grpc.add_ClassifyServiceServicer_to_server,
        ClassifyApi(reader, model),
        classify_service_pb2.DESCRIPTOR.services_by_name["ClassifyService"],
    )
    # One batch more than there are workers, so that the broker's answer and the model are waited for at once.
    await runtime.consume(
        TouchpointReceived,
        Consumers(reader, runtime.bus, runtime.clock).classify,
        most=settings.batch,
        lanes=settings.workers + 1,
    )


def main() -> None:
    """Run `sori-classify`."""
    service.main("classify", Settings, build)
