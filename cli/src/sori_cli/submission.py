"""Touchpoints handed to ingest in batches, several at a time, for as long as that takes."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import grpc

from sori.ingest.v1 import ingest_service_pb2 as pb
from sori.ingest.v1 import ingest_service_pb2_grpc as pb_grpc
from sori.ingest.v1 import touchpoint_pb2
from sori_cli.client import Peer

MOST_BYTES = 4 << 20  # of one batch; ingest takes 16 MiB
MOST_TOUCHPOINTS = 1_000  # in one batch, as ingest takes them
_CALL_SECONDS = 60.0
_PATIENCE_SECONDS = 300.0  # for one batch, while a service or an engine is away
_AWAY = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,  # The server went away while it answered.
}
_BROKEN = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN}  # May pass, or may be a bug: not for long.
_BROKEN_TRIES = 8


@dataclass(frozen=True, slots=True)
class Item:
    """A touchpoint and the line, or place, that it comes from."""

    line: int
    touchpoint: touchpoint_pb2.Touchpoint


@dataclass(frozen=True, slots=True)
class Answer:
    """What ingest said of one batch."""

    batch: Sequence[Item]
    results: Sequence[pb.SubmitResult]
    retried: bool  # Then a duplicate may be what the first try left.


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut into batches of at most `size` touchpoints and MOST_BYTES bytes."""
    batch: list[Item] = []
    weight = 0
    for item in items:
        size_bytes = item.touchpoint.ByteSize()
        if batch and (len(batch) == size or weight + size_bytes > MOST_BYTES):
            yield batch
            batch, weight = [], 0
        batch.append(item)
        weight += size_bytes
    if batch:
        yield batch


async def submit(
    peer: Peer, made: Iterable[Sequence[Item]], answered: Callable[[Answer], None], *, in_flight: int = 4
) -> None:
    """Submit batches and report each answer; rides over a service that is killed and restarted."""
    stub = pb_grpc.IngestServiceStub(peer.channel)
    room = asyncio.Semaphore(in_flight)

    async def send(batch: Sequence[Item]) -> None:
        try:
            answered(await _submit(stub, peer, batch))
        finally:
            room.release()

    try:
        async with asyncio.TaskGroup() as group:
            for batch in made:
                await room.acquire()
                group.create_task(send(batch))
                await asyncio.sleep(0)  # Let it go out before the next is read.
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None


async def _submit(stub: pb_grpc.IngestServiceStub, peer: Peer, batch: Sequence[Item]) -> Answer:
    request = pb.SubmitTouchpointsRequest(touchpoints=[item.touchpoint for item in batch])
    until = time.monotonic() + _PATIENCE_SECONDS
    pause = 0.1
    tries = broken = 0
    while True:
        tries += 1
        try:
            answer = await stub.SubmitTouchpoints(request, metadata=peer.metadata, timeout=_CALL_SECONDS)
        except grpc.aio.AioRpcError as error:
            broken += error.code() in _BROKEN
            passing = error.code() in _AWAY or (error.code() in _BROKEN and broken < _BROKEN_TRIES)
            if not passing or time.monotonic() > until:
                raise
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(2.0, pause * 2)
        else:
            return Answer(batch, answer.results, retried=tries > 1)
