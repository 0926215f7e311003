"""The classify service as this one sees it."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import grpc
import structlog

from sori.classify.v1 import classify_service_pb2 as pb
from sori.classify.v1 import classify_service_pb2_grpc as pb_grpc
from sori.classify.v1.classification_pb2 import Classification
from sori_kit import rpc

log = structlog.get_logger()

_MOST_TEXTS = 500  # in one call
_MOST_CHARACTERS = 1_000_000  # in one call, of at most 4 bytes each: well below the limit of a message


class Classifier:
    """Asks classify under this service's own name, never under the author's."""

    def __init__(self, channel: grpc.aio.Channel, token_file: Path, *, seconds: float) -> None:
        self._stub = pb_grpc.ClassifyServiceStub(channel)
        self._token_file = token_file
        self._seconds = seconds  # for all texts of one question together

    async def classify(self, texts: Sequence[str]) -> list[Classification | None]:
        """Classify texts; those that classify did not answer for in time are None."""
        until = time.monotonic() + self._seconds
        found: list[Classification | None] = []
        for batch in _batches(texts):
            try:
                answers = await self._ask(batch, until - time.monotonic())
            except grpc.aio.AioRpcError as error:
                log.warning("classify.away", code=error.code().name, unclassified=len(texts) - len(found))
                break
            except OSError as error:
                log.warning("classify.no_token", error=type(error).__name__, unclassified=len(texts) - len(found))
                break
            if len(answers) != len(batch):
                log.warning("classify.wrong_count", unclassified=len(texts) - len(found))
                break
            found += answers
        return found + [None] * (len(texts) - len(found))

    async def _ask(self, texts: list[str], seconds: float) -> list[Classification]:
        token = (await asyncio.to_thread(self._token_file.read_text)).strip()
        answer = await self._stub.Classify(
            pb.ClassifyRequest(texts=texts), metadata=rpc.bearer(token), timeout=max(seconds, 0)
        )
        return list(answer.classifications)


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    characters = 0
    for text in texts:
        if batch and (len(batch) == _MOST_TEXTS or characters + len(text) > _MOST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(text)
        characters += len(text)
    if batch:
        yield batch
