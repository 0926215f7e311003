"""The journey service as this one sees it."""

import asyncio
import uuid
from pathlib import Path

import grpc
import structlog

from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import journey_service_pb2_grpc as pb_grpc
from sori_kit import rpc
from sori_kit.errors import Unavailable

log = structlog.get_logger()

_SECONDS = 10.0  # longest that an answer may take


class Journey:
    """Hears that an erasure is done here."""

    def __init__(self, channel: grpc.aio.Channel, token_file: Path) -> None:
        self._stub = pb_grpc.JourneyServiceStub(channel)
        self._token_file = token_file

    async def answer(self, erasure_id: uuid.UUID, removed: int) -> None:
        """Tell it; Unavailable when it cannot be told now."""
        request = pb.AnswerErasureRequest(erasure_id=str(erasure_id), service="notify", removed_count=removed)
        try:
            token = (await asyncio.to_thread(self._token_file.read_text)).strip()
            await self._stub.AnswerErasure(request, metadata=rpc.bearer(token), timeout=_SECONDS)
        except (grpc.aio.AioRpcError, OSError) as error:
            raise Unavailable("journey cannot be told of an erasure") from error
        log.info("erasure.answered", erasure_id=str(erasure_id), removed=removed)
