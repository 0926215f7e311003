"""The OperationsService that every service serves."""

import datetime as dt
import os
from importlib.metadata import version
from pathlib import Path

import structlog
from google.protobuf import json_format, timestamp_pb2

from sori.operations.v1 import operations_service_pb2 as pb
from sori.operations.v1 import operations_service_pb2_grpc as pb_grpc
from sori_kit import parse, rpc
from sori_kit.bus import Bus, DeadLetter
from sori_kit.database import Database
from sori_kit.envelope import event_type
from sori_kit.errors import SoriError, Unavailable

log = structlog.get_logger()

_ALL = 10_000  # dead letters replayed by one call at most


class OperationsApi(pb_grpc.OperationsServiceServicer):
    """Tells how one service stands, and replays what it gave up on."""

    def __init__(self, service: str, bus: Bus, db: Database | None, started: dt.datetime) -> None:
        self._service = service
        self._bus = bus
        self._db = db
        self._started = _timestamp(started)

    async def GetStatus(self, request: pb.GetStatusRequest, context: rpc.Context) -> pb.GetStatusResponse:
        """Ask the engines and count what is waiting."""
        status = pb.GetStatusResponse(
            service=self._service,
            version=version("sori-kit"),
            start_time=self._started,
            memory_bytes=_resident_bytes(),
        )
        status.engines.append(await _engine("nats", self._bus))
        for consumer in self._bus.consumers:
            pending, unacknowledged = await self._bus.backlog(consumer)
            dead = await self._bus.count_dead_letters(consumer)
            status.consumers.add(
                durable=consumer.durable,
                pending_count=pending,
                unacknowledged_count=unacknowledged,
                dead_letter_count=dead,
            )
        status.stream_message_count = await self._bus.count()
        if self._db is not None:
            status.engines.append(await _engine("postgres", self._db))
            async with self._db.transaction() as tx:
                status.outbox_count = (await tx.execute("select count(*) from outbox")).scalar_one()
        return status

    async def ListDeadLetters(
        self, request: pb.ListDeadLettersRequest, context: rpc.Context
    ) -> pb.ListDeadLettersResponse:
        """List a page of what the consumers gave up on."""
        size = parse.page_size(request.page_size)
        cursor = parse.decode_token(request.page_token, int)
        letters = await self._bus.dead_letters(after=int(cursor[0]) if cursor else 0, most=size + 1)
        more = parse.encode_token(letters[size - 1].sequence) if len(letters) > size else ""
        return pb.ListDeadLettersResponse(dead_letters=map(_dead_letter, letters[:size]), next_page_token=more)

    async def GetDeadLetter(self, request: pb.GetDeadLetterRequest, context: rpc.Context) -> pb.GetDeadLetterResponse:
        """Give one dead letter with its content."""
        letter = await self._bus.dead_letter(request.dead_letter_id)
        return pb.GetDeadLetterResponse(
            dead_letter=_dead_letter(letter), event_json=self._as_json(letter), data=letter.data
        )

    async def ReplayDeadLetters(
        self, request: pb.ReplayDeadLettersRequest, context: rpc.Context
    ) -> pb.ReplayDeadLettersResponse:
        """Hand dead letters to their consumer; those that fail again stay."""
        if request.dead_letter_ids:
            letters = [await self._bus.dead_letter(each) for each in request.dead_letter_ids]
        else:
            letters = await self._bus.dead_letters(after=0, most=_ALL)
        replayed = 0
        for letter in letters:
            try:
                await self._bus.replay(letter)
                replayed += 1
            except Unavailable:
                raise
            except SoriError as error:
                log.info("dead_letter.failed_again", dead_letter_id=letter.sequence, reason=error.reason)
        return pb.ReplayDeadLettersResponse(replayed_count=replayed)

    def _as_json(self, letter: DeadLetter) -> str:
        for consumer in self._bus.consumers:
            if event_type(consumer.message) == letter.type:
                try:
                    return json_format.MessageToJson(consumer.message.FromString(letter.data), ensure_ascii=False)
                except ValueError:
                    return ""
        return ""


async def _engine(name: str, engine: Bus | Database) -> pb.EngineStatus:
    try:
        return pb.EngineStatus(name=name, ok=True, detail=await engine.version())
    except Unavailable as error:
        return pb.EngineStatus(name=name, ok=False, detail=str(error))


def _dead_letter(letter: DeadLetter) -> pb.DeadLetter:
    return pb.DeadLetter(
        dead_letter_id=letter.sequence,
        durable=letter.durable,
        event_id=letter.event_id,
        type=letter.type,
        reason=letter.reason,
        description=letter.description,
        failed_time=_timestamp(letter.time),
        attempt_count=letter.attempts,
    )


def _timestamp(time: dt.datetime) -> timestamp_pb2.Timestamp:
    made = timestamp_pb2.Timestamp()
    made.FromDatetime(time)
    return made


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
