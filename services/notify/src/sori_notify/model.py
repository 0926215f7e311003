"""The journey service as this one sees it."""

import asyncio
import uuid
from collections.abc import Iterable
from pathlib import Path

import grpc
import structlog

from sori.journey.v1 import identity_pb2
from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import journey_service_pb2_grpc as pb_grpc
from sori_kit import rpc
from sori_kit.errors import Unavailable

log = structlog.get_logger()

_SECONDS = 10.0  # longest that an answer may take
_AT_ONCE = 16  # questions under way at a time


class Journey:
    """Hears that an erasure is done here, and says what customers have agreed to."""

    def __init__(self, channel: grpc.aio.Channel, token_file: Path) -> None:
        self._stub = pb_grpc.JourneyServiceStub(channel)
        self._token_file = token_file

    async def answer(self, erasure_id: uuid.UUID, removed: int) -> None:
        """Tell it; Unavailable when it cannot be told now."""
        request = pb.AnswerErasureRequest(erasure_id=str(erasure_id), service="notify", removed_count=removed)
        metadata = await self._metadata()
        try:
            await self._stub.AnswerErasure(request, metadata=metadata, timeout=_SECONDS)
        except grpc.aio.AioRpcError as error:
            raise Unavailable("journey cannot be told of an erasure") from error
        log.info("erasure.answered", erasure_id=str(erasure_id), removed=removed)

    async def agreed(self, customer_ids: Iterable[uuid.UUID], purpose: str) -> set[uuid.UUID]:
        """Give those who have agreed to a purpose at this moment; Unavailable when it cannot be asked now."""
        metadata = await self._metadata()
        at_once = asyncio.Semaphore(_AT_ONCE)

        async def ask(customer_id: uuid.UUID) -> bool:
            request = pb.GetConsentsRequest(customer=identity_pb2.CustomerReference(customer_id=str(customer_id)))
            async with at_once:
                try:
                    found = await self._stub.GetConsents(request, metadata=metadata, timeout=_SECONDS)
                except grpc.aio.AioRpcError as error:
                    if error.code() is grpc.StatusCode.NOT_FOUND:  # Erased, or never known.
                        return False
                    raise Unavailable("journey cannot be asked for consents") from error
            return any(each.purpose == purpose and each.in_force for each in found.consents)

        asked = list(customer_ids)
        answers = await asyncio.gather(*map(ask, asked))
        return {customer_id for customer_id, yes in zip(asked, answers, strict=True) if yes}

    async def _metadata(self) -> tuple[tuple[str, str], ...]:
        try:
            return rpc.bearer((await asyncio.to_thread(self._token_file.read_text)).strip())
        except OSError as error:
            raise Unavailable("the service token cannot be read") from error
