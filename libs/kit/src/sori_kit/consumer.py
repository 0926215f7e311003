"""Consuming from JetStream: continuous pull, batches, explicit acknowledgements, dead letters."""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import structlog
from google.protobuf.message import Message
from nats.aio.msg import Msg

from sori_kit import telemetry
from sori_kit.client import Headers, Outgoing, PlainClient
from sori_kit.envelope import Envelope, Event, header_lines, open_as, open_sealed
from sori_kit.errors import InvalidInput, SoriError, Unavailable
from sori_kit.publisher import Publisher

log = structlog.get_logger()
M = TypeVar("M", bound=Message)

_EXPIRES = 5.0  # seconds after which an unanswered pull request ends
_PACE = 0.025  # seconds between the beginnings of two batches: what comes meanwhile is handled together
_BACKOFF = (1, 5, 15, 60)  # seconds before an event that failed for no known reason is tried again


@dataclass(frozen=True, slots=True)
class Batch(Generic[M]):
    """Events of one type that are handled together, each once."""

    durable: str
    events: tuple[Event[M], ...]

    def __iter__(self) -> Iterator[Event[M]]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def only(self, event_ids: Collection[str]) -> "Batch[M]":
        """Leave out all events but these."""
        return Batch(self.durable, tuple(event for event in self.events if event.event_id in event_ids))


Handler = Callable[[Batch[M]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Taken(Generic[M]):
    """An event and the deliveries of it that want an acknowledgement."""

    event: Event[M]
    message: Msg


class Consumer(Generic[M]):
    """Feeds one handler with the events of one type."""

    def __init__(
        self,
        client: PlainClient,
        publisher: Publisher,
        *,
        durable: str,
        stream: str,
        message: type[M],
        handler: Handler[M],
        most: int = 500,  # events in one batch
        lanes: int = 1,  # batches handled at a time
    ) -> None:
        self.durable = durable
        self.stream = stream
        self.message = message
        self._client = client
        self._publisher = publisher
        self._handler = handler
        self._most = most
        self._lanes = lanes
        self._arrived: deque[Msg] = deque()
        self._wake = asyncio.Event()
        self._expired = asyncio.Event()  # A request to the broker ended before it was answered in full.
        self._asked = 0
        self._heard = time.monotonic()
        self._began = 0.0  # the latest batch
        self._under_way = 0  # batches
        self._ended = time.monotonic()  # the latest batch
        self._inbox = ""
        self._stopping = asyncio.Event()

    @property
    def quiet_seconds(self) -> float:
        """How long nothing has been waiting and no batch under way; 0 while there is."""
        return 0.0 if self._arrived or self._under_way else time.monotonic() - self._ended

    async def run(self, stopping: asyncio.Event) -> None:
        """Consume until `stopping`; what was taken by then is finished unless an engine is away, the rest goes back."""
        self._stopping = stopping
        self._inbox = self._client.new_inbox()
        subscription = await self._client.take(self._inbox, self._on_message)
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(self._keep_asking())
            lanes = [group.create_task(self._work()) for _ in range(self._lanes)]
            await stopping.wait()
            keeper.cancel()
            self._wake.set()
            await self._client.release(subscription)  # Or what goes back would be sent here again.
            await asyncio.wait(lanes)
        await self._answer(self._arrived, b"-NAK")

    async def handle_again(self, data: bytes, headers: dict[str, str]) -> None:
        """Give a dead letter to the handler once more; raises what the handler raises."""
        await self._handler(Batch(self.durable, (open_as(self.message, data, headers),)))

    async def _keep_asking(self) -> None:
        while True:
            if time.monotonic() - self._heard > 2 * _EXPIRES:  # The requests died with a server.
                self._asked, self._heard = 0, time.monotonic()
            await self._ask()
            self._expired.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await self._expired.wait()

    async def _ask(self) -> None:
        while self._asked < 2 * self._most and len(self._arrived) < 2 * self._most:
            self._asked += self._most
            request = {"batch": self._most, "expires": int(_EXPIRES * 1e9)}
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.stream}.{self.durable}"
            await self._client.publish(subject, json.dumps(request).encode(), reply=self._inbox)

    def _on_message(self, message: Msg) -> None:
        self._heard = time.monotonic()
        if message.reply:
            self._arrived.append(message)
            self._asked = max(0, self._asked - 1)
            self._wake.set()
        elif message.headers:  # A status: the request expired, or the consumer is not there for the moment.
            left = message.headers.get("Nats-Pending-Messages")
            self._asked = max(0, self._asked - int(left or self._most))
            if left:
                self._expired.set()

    async def _take(self) -> list[Msg]:
        while not self._stopping.is_set():
            early = self._began + _PACE - time.monotonic()
            if not self._arrived:
                self._wake.clear()
                await self._wake.wait()
            elif early > 0 and len(self._arrived) < self._most:
                await asyncio.sleep(early)
            else:
                break
        if self._stopping.is_set():
            return []
        self._began = time.monotonic()
        taken = [self._arrived.popleft() for _ in range(min(len(self._arrived), self._most))]
        await self._ask()
        return taken

    async def _work(self) -> None:
        while not self._stopping.is_set():
            messages = await self._take()
            if not messages:
                continue
            telemetry.PENDING.labels(self.durable).set(messages[-1].metadata.num_pending)
            self._under_way += 1
            try:
                with telemetry.HANDLE_SECONDS.labels(self.durable).time():
                    await self._handle(await self._open(messages))
            finally:
                self._under_way -= 1
                self._ended = time.monotonic()

    async def _open(self, messages: Sequence[Msg]) -> list[_Taken[M]]:
        taken: list[_Taken[M]] = []
        seen: set[str] = set()
        for message in messages:
            try:
                event = self._read(message)
            except InvalidInput as error:
                await self._give_up(message, error)
                continue
            if event.event_id in seen:  # The broker delivered it twice within this batch.
                await self._answer([message], b"+ACK")
                continue
            seen.add(event.event_id)
            taken.append(_Taken(event, message))
        return taken

    def _read(self, message: Msg) -> Event[M]:
        raw = message.headers.raw if isinstance(message.headers, Headers) else b""
        return open_sealed(self.message, message.data, raw) or open_as(self.message, message.data, message.headers)

    async def _handle(self, taken: Sequence[_Taken[M]]) -> None:
        """Handle a batch; one that fails is halved until the one bad event stands alone."""
        if not taken:
            return
        try:
            handled = await self._until_available(taken)
        except Exception as error:
            if len(taken) > 1:
                middle = len(taken) // 2
                await self._handle(taken[:middle])
                await self._handle(taken[middle:])
            elif isinstance(error, SoriError):
                await self._give_up(taken[0].message, error)
            else:
                await self._try_later(taken[0], error)
        else:
            await self._answer([each.message for each in taken], b"+ACK" if handled else b"-NAK")
            telemetry.CONSUMED.labels(self.durable, "handled" if handled else "returned").inc(len(taken))

    async def _until_available(self, taken: Sequence[_Taken[M]]) -> bool:
        """Run the handler; while an engine is away, hold on to the batch and try again, until there is no time left."""
        pause = 0.1
        while True:
            with telemetry.batch_spans(self.durable, [each.event.traceparent for each in taken]) as contexts:
                events = tuple(
                    each.event if context == each.event.traceparent else replace(each.event, traceparent=context)
                    for each, context in zip(taken, contexts, strict=True)
                )
                try:
                    await self._handler(Batch(self.durable, events))
                    return True
                except Unavailable as away:
                    log.warning("consumer.waiting", durable=self.durable, reason=str(away), count=len(taken))
            if self._stopping.is_set():
                return False
            await self._answer([each.message for each in taken], b"+WPI")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            pause = min(pause * 2, 5.0)

    async def _try_later(self, taken: _Taken[M], error: Exception) -> None:
        attempt = taken.message.metadata.num_delivered
        log.error("event.failed", durable=self.durable, event_id=taken.event.event_id, attempt=attempt, exc_info=error)
        if attempt > len(_BACKOFF):
            await self._give_up(taken.message, error)
            return
        delay = json.dumps({"delay": int(_BACKOFF[attempt - 1] * 1e9)})
        await self._answer([taken.message], b"-NAK " + delay.encode())
        telemetry.CONSUMED.labels(self.durable, "retried").inc()

    async def _give_up(self, message: Msg, error: Exception) -> None:
        """Keep the original among the dead letters, then acknowledge it."""
        reason = error.reason if isinstance(error, SoriError) else "INTERNAL"
        description = str(error) if isinstance(error, SoriError) else type(error).__name__
        headers = {key: value for key, value in (message.headers or {}).items() if not key.startswith("Nats-")}
        headers["Nats-Msg-Id"] = f"{message.metadata.stream}:{message.metadata.sequence.stream}:{self.durable}"
        headers["sori-reason"] = reason
        headers["sori-description"] = description[:500]
        headers["sori-attempts"] = str(message.metadata.num_delivered)
        await self._publisher.publish([Envelope(f"sori.dlq.{self.durable}", message.data, header_lines(headers))])
        await self._answer([message], b"+TERM")
        telemetry.DEAD_LETTERS.labels(self.durable, reason).inc()
        telemetry.CONSUMED.labels(self.durable, "dead").inc()
        log.error("event.dead", durable=self.durable, reason=reason, description=description)

    async def _answer(self, messages: Iterable[Msg], word: bytes) -> None:
        await self._client.send_all([Outgoing(each.reply, word) for each in messages])
