"""The event bus: streams, publishing, consuming, dead letters."""

import asyncio
import datetime as dt
import json
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import unquote

import nats.errors
import structlog
from google.protobuf.message import Message
from nats.js.api import AckPolicy, ConsumerConfig
from nats.js.errors import APIError, BadRequestError, NotFoundError

from sori_kit.client import PlainClient
from sori_kit.consumer import Batch, Consumer, Handler
from sori_kit.envelope import Envelope, Event, event_type, seal_all, service_of
from sori_kit.errors import NotFound, Unavailable
from sori_kit.publisher import Full, Publisher
from sori_kit.settings import KitSettings

__all__ = ["DEAD_LETTERS", "Batch", "Bus", "DeadLetter", "Full", "Stored"]

log = structlog.get_logger()
M = TypeVar("M", bound=Message)

DEAD_LETTERS = "SORI_DLQ"
_NEVER_EXPIRES = "Nats-TTL: never\r\n"  # nats-server ADR-43: goes before the stream's greatest age.
_FORGET_CONSUMER = 30.0  # seconds after which a consumer for one look goes, should it be left behind
_NOT_DELETED = 10057  # nats-server error code: a message cannot be deleted
_GONE = ("no message found", "deleted message", "stream store EOF")  # and why that may be
_ACK_SECONDS = 60  # after which an unacknowledged event is delivered again, as those of a process that died are


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as a stream holds it."""

    sequence: int
    subject: str
    data: bytes
    headers: dict[str, str]
    time: dt.datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that a consumer gave up on."""

    sequence: int
    durable: str
    event_id: str
    type: str
    reason: str
    description: str
    attempts: int
    time: dt.datetime
    data: bytes
    headers: dict[str, str]


class Bus:
    """One service's connection to the broker."""

    def __init__(self, client: PlainClient, service: str, settings: KitSettings) -> None:
        self._client = client
        self._service = service.replace("-", "_")
        self._name = service
        self._settings = settings
        self._publisher = Publisher(client, atomic=settings.broker_syncs)
        self.consumers: list[Consumer[Any]] = []

    @classmethod
    async def connect(cls, service: str, settings: KitSettings) -> "Bus":
        """Connect, and make sure of the service's own stream; waits a minute for the broker."""

        async def on_error(error: Exception) -> None:
            log.warning("broker.error", error=type(error).__name__)

        async def on_disconnect() -> None:
            log.warning("broker.lost")
            bus._publisher.lose()

        async def on_reconnect() -> None:
            log.info("broker.back")

        client = PlainClient()
        bus = cls(client, service, settings)
        await client.connect(
            servers=settings.nats_url.split(","),
            name=f"sori-{service}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # It is slept for, so a fraction does.
            pending_size=64 << 20,
            flush_timeout=30,
            error_cb=on_error,
            disconnected_cb=on_disconnect,
            reconnected_cb=on_reconnect,
        )
        await bus._publisher.start()
        await bus._ensure_stream(bus.stream, [f"sori.{bus._service}.>"])
        await bus._ensure_stream(DEAD_LETTERS, ["sori.dlq.>"])
        return bus

    @property
    def stream(self) -> str:
        """Name of the service's own stream."""
        return f"SORI_{self._service.upper()}"

    @property
    def source(self) -> str:
        """What the service's events carry as `ce-source`."""
        return f"sori/{self._name}"

    async def publish(self, events: Sequence[Event[Message]], *, forever: bool = False) -> list[bool]:
        """Publish; returns when all are on disk, with True for each that the broker knew already.

        What is kept `forever` stays in the stream when other events have long expired.
        """
        sealed = seal_all(events, self.source)
        if forever:
            sealed = [each._replace(lines=f"{each.lines}{_NEVER_EXPIRES}") for each in sealed]
        return await self._publisher.publish(sealed)

    async def publish_sealed(self, envelopes: Sequence[Envelope]) -> list[bool]:
        """Publish what was sealed before, as an outbox holds it."""
        return await self._publisher.publish(envelopes)

    async def subscribe(
        self,
        message: type[M],
        handler: Handler[M],
        *,
        most: int = 500,
        lanes: int = 1,
        ack_seconds: int = _ACK_SECONDS,
    ) -> Consumer[M]:
        """Make sure of the durable consumer `<service>-<handler function>` and give what feeds the handler.

        What a process that died had taken is delivered again after `ack_seconds`, in which others must be able to
        handle three batches.
        """
        owner = service_of(message)
        name: str = getattr(handler, "__name__")  # noqa: B009 - a Callable need not have one; ours do.
        durable = f"{self._name}-{name.replace('_', '-')}"
        stream = f"SORI_{owner.upper()}"
        await self._ensure_stream(stream, [f"sori.{owner}.>"])
        consumer = Consumer(
            self._client,
            self._publisher,
            durable=durable,
            stream=stream,
            message=message,
            handler=handler,
            most=most,
            lanes=lanes,
        )
        wanted = ConsumerConfig(
            durable_name=durable,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_seconds,
            max_ack_pending=most * (lanes + 4),
            filter_subject=event_type(message),
        )
        await self._client.jetstream(timeout=30).add_consumer(stream, wanted)
        self.consumers.append(consumer)
        return consumer

    async def read(self, subject: str, *, after: int, most: int, stream: str = "") -> list[Stored]:
        """Read up to `most` stored messages of a subject whose sequence is above `after`, oldest first."""
        js, found = self._client.jetstream(), list[Stored]()
        while len(found) < most:
            try:
                raw = await js.get_msg(stream or self.stream, seq=after + 1, subject=subject, next=True)
            except NotFoundError:
                break
            except (nats.errors.Error, TimeoutError) as error:
                raise Unavailable("the broker does not answer") from error
            after = raw.seq or 0
            time = raw.time or dt.datetime.now(dt.UTC)
            found.append(Stored(after, raw.subject or "", raw.data or b"", dict(raw.headers or {}), time))
        return found

    async def find(self, stream: str, entity_ids: Container[str]) -> list[tuple[int, str]]:
        """Look through a whole stream for messages about some entities; gives their sequences and entities."""
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE, headers_only=True, inactive_threshold=_FORGET_CONSUMER, mem_storage=True
        )
        js, found = self._client.jetstream(timeout=30), list[tuple[int, str]]()
        try:
            made = await js.add_consumer(stream, config)
            pull, left = await js.pull_subscribe_bind(made.name, stream=stream), made.num_pending or 0
            while left:
                for message in await pull.fetch(min(left, 1000), timeout=5):
                    left = message.metadata.num_pending
                    entity_id = unquote((message.headers or {}).get("ce-subject", ""))
                    if entity_id in entity_ids:
                        found.append((message.metadata.sequence.stream, entity_id))
            await pull.unsubscribe()
            await js.delete_consumer(stream, made.name)
        except NotFoundError:
            return []  # Nobody has made the stream yet.
        except (nats.errors.Error, TimeoutError) as error:
            raise Unavailable("the broker does not answer") from error
        return found

    async def delete(self, stream: str, sequence: int) -> bool:
        """Delete one message and overwrite its bytes; says whether it was there."""
        try:
            return await self._client.jetstream().delete_msg(stream, sequence)
        except (NotFoundError, BadRequestError):
            return False
        except (nats.errors.Error, TimeoutError) as error:
            if isinstance(error, APIError) and error.err_code == _NOT_DELETED and error.description in _GONE:
                return False
            raise Unavailable("the broker does not answer") from error

    async def forget(self, streams: Iterable[str], entity_ids: Container[str]) -> Counter[str]:
        """Delete whatever streams hold about some entities; says how many messages of each there were."""
        gone: Counter[str] = Counter()
        for stream in streams:
            for sequence, entity_id in await self.find(stream, entity_ids):
                gone[entity_id] += await self.delete(stream, sequence)
        return gone

    async def count(self, subject: str = "", *, stream: str = "") -> int:
        """Count the messages that a stream (this service's own by default) holds, of one subject or all."""
        stream = stream or self.stream
        request = json.dumps({"subjects_filter": subject}).encode() if subject else b""
        info = await self._call(f"STREAM.INFO.{stream}", request)
        if subject:
            return sum((info["state"].get("subjects") or {}).values())
        return int(info["state"]["messages"])

    async def backlog(self, consumer: Consumer[Any]) -> tuple[int, int]:
        """Say how many events were never handed to a consumer, and how many are not acknowledged."""
        info = await self._call(f"CONSUMER.INFO.{consumer.stream}.{consumer.durable}", b"")
        return int(info["num_pending"]), int(info["num_ack_pending"])

    async def dead_letters(self, *, after: int, most: int) -> list[DeadLetter]:
        """List what this service's consumers gave up on, oldest first."""
        found: list[DeadLetter] = []
        for consumer in self.consumers:
            subject = f"sori.dlq.{consumer.durable}"
            found += map(_dead_letter, await self.read(subject, after=after, most=most, stream=DEAD_LETTERS))
        return sorted(found, key=lambda letter: letter.sequence)[:most]

    async def dead_letter(self, sequence: int) -> DeadLetter:
        """Give one dead letter of this service."""
        for letter in await self.dead_letters(after=sequence - 1, most=1):
            if letter.sequence == sequence:
                return letter
        raise NotFound(f"dead letter {sequence} is not there")

    async def count_dead_letters(self, consumer: Consumer[Any]) -> int:
        """Count what one consumer gave up on."""
        return await self.count(f"sori.dlq.{consumer.durable}", stream=DEAD_LETTERS)

    async def replay(self, letter: DeadLetter) -> None:
        """Hand a dead letter to its consumer once more, and drop it when that goes well."""
        consumer = next(each for each in self.consumers if each.durable == letter.durable)
        await consumer.handle_again(letter.data, letter.headers)
        await self.delete(DEAD_LETTERS, letter.sequence)

    async def version(self) -> str:
        """Ask the broker for its version."""
        if not self._client.is_connected:  # Its flush would say nothing.
            raise Unavailable("the broker does not answer")
        try:
            await self._client.flush(timeout=2)
        except (nats.errors.Error, TimeoutError) as error:
            raise Unavailable("the broker does not answer") from error
        found = self._client.connected_server_version
        return f"{found.major}.{found.minor}.{found.patch}"

    async def close(self) -> None:
        """Send what is buffered and disconnect."""
        try:
            await asyncio.wait_for(self._client.flush(), 2)
        except (nats.errors.Error, TimeoutError):
            log.warning("broker.not_flushed")
        await self._client.close()

    async def _ensure_stream(self, name: str, subjects: list[str]) -> None:
        days = 24 * 60 * 60 * 10**9
        config = {
            "name": name,
            "subjects": subjects,
            "storage": "file",
            "num_replicas": self._settings.stream_replicas,
            "max_age": self._settings.stream_days * days,
            "duplicate_window": self._settings.dedup_seconds * 10**9,
            "allow_atomic": True,
            "allow_direct": True,
            "allow_msg_ttl": True,
            "discard": "new",
        }
        for attempt in range(120):
            try:
                answer = await self._call(f"STREAM.CREATE.{name}", json.dumps(config).encode())
                if answer.get("error", {}).get("err_code") == 10058:  # In use with another configuration.
                    answer = await self._call(f"STREAM.UPDATE.{name}", json.dumps(config).encode())
                if "error" not in answer:
                    return
                problem = str(answer["error"].get("description"))
            except Unavailable as error:
                problem = str(error)
            log.warning("stream.waiting", stream=name, problem=problem, attempt=attempt)
            await asyncio.sleep(0.5)
        raise Unavailable(f"stream {name} cannot be made: {problem}")

    async def _call(self, api: str, request: bytes) -> dict[str, Any]:
        try:
            answer = await self._client.request(f"$JS.API.{api}", request, timeout=5)
        except (nats.errors.Error, TimeoutError) as error:
            raise Unavailable("the broker does not answer") from error
        said: dict[str, Any] = json.loads(answer.data)
        if "error" in said and not api.startswith("STREAM."):
            raise Unavailable(str(said["error"].get("description")))
        return said


def _dead_letter(stored: Stored) -> DeadLetter:
    headers = stored.headers
    return DeadLetter(
        sequence=stored.sequence,
        durable=stored.subject.removeprefix("sori.dlq."),
        event_id=headers.get("ce-id", ""),
        type=headers.get("ce-type", ""),
        reason=headers.get("sori-reason", ""),
        description=headers.get("sori-description", ""),
        attempts=int(headers.get("sori-attempts", "0")),
        time=stored.time,
        data=stored.data,
        headers=headers,
    )
