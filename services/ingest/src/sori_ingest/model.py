"""The journey service as this one sees it."""

import asyncio
import itertools
from collections.abc import Iterable
from pathlib import Path

import grpc
import structlog

from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import journey_service_pb2_grpc as pb_grpc
from sori_kit import rpc
from sori_kit.errors import Unavailable

log = structlog.get_logger()

_SECONDS = 10.0  # longest that an answer may take
_MOST_VALUES = 1_000  # that journey takes in one call
_SETTLED = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND})  # Asking again changes nothing.


class Journey:
    """Knows who was erased, and hears when that is done here."""

    def __init__(self, channel: grpc.aio.Channel, token_file: Path) -> None:
        self._stub = pb_grpc.JourneyServiceStub(channel)
        self._token_file = token_file

    async def knows_erased(self, values: Iterable[str]) -> bool:
        """Say whether one of the values named somebody who was erased; Unavailable when it cannot be asked now."""
        left = iter(values)
        while part := list(itertools.islice(left, _MOST_VALUES)):
            try:
                request = pb.FindErasedRequest(values=part)
                found = await self._stub.FindErased(request, metadata=await self._bearer(), timeout=_SECONDS)
            except (grpc.aio.AioRpcError, OSError) as error:
                raise Unavailable("journey cannot be asked who was erased") from error
            if found.places:
                return True
        return False

    async def answer(self, erasure_id: str, removed: int) -> None:
        """Tell it; Unavailable when it cannot be told now."""
        request = pb.AnswerErasureRequest(erasure_id=erasure_id, service="ingest", removed_count=removed)
        try:
            await self._stub.AnswerErasure(request, metadata=await self._bearer(), timeout=_SECONDS)
        except (grpc.aio.AioRpcError, OSError) as error:
            if isinstance(error, grpc.aio.AioRpcError) and error.code() in _SETTLED:
                log.warning("erasure.not_waited_for", erasure_id=erasure_id)
                return
            raise Unavailable("journey cannot be told of an erasure") from error
        log.info("erasure.answered", erasure_id=erasure_id, removed=removed)

    async def _bearer(self) -> tuple[tuple[str, str], ...]:
        return rpc.bearer((await asyncio.to_thread(self._token_file.read_text)).strip())
