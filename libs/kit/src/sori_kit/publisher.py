"""Publishing to JetStream with group commit: what waits together goes to disk together.

Concurrent callers share atomic batches (nats-server 2.12+, ADR-50), so that one sync to disk serves many
events. The broker refuses a batch that holds an event id it knows; that batch is then sent message by
message, which tells the known ones apart.
"""

import asyncio
import json
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import nats.errors
import structlog
from nats.aio.msg import Msg

from sori_kit import telemetry
from sori_kit.client import Outgoing, PlainClient
from sori_kit.envelope import Envelope
from sori_kit.errors import Unavailable

log = structlog.get_logger()

_ATOMIC_FROM = 16  # messages: an atomic batch costs the broker some 3 ms however small it is, a message 0.2 ms
_DUPLICATE_IN_BATCH = 10201  # nats-server error code: atomic publish batch contains duplicate message id.


@dataclass(slots=True, eq=False)
class _Ticket:
    """What one caller waits for."""

    left: int
    done: asyncio.Future[list[bool]]
    known: list[bool] = field(default_factory=list)  # True where the broker had the event before.


@dataclass(slots=True, eq=False)
class _Item:
    envelope: Envelope
    ticket: _Ticket
    index: int


class _Refused(Exception):
    """The broker answered a publish with an error."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


class Publisher:
    """Publishes envelopes; returns when the broker has them on disk, or raises Unavailable after `budget` seconds."""

    def __init__(
        self,
        client: PlainClient,
        *,
        atomic: bool = True,  # One sync to disk for a batch; a broker that does not sync stores messages for less.
        most: int = 500,  # messages in one atomic batch; the broker's limit is 1,000
        flights: int = 1,  # batches under way at a time: more callers share one sync the fewer there are
        waiting: int = 20_000,  # messages queued before callers are held back
        answer: float = 5.0,  # seconds for one attempt
        budget: float = 45.0,  # seconds over all attempts: rides over a broker restart or a leader election
    ) -> None:
        self._client = client
        self._atomic = atomic
        self._most = most
        self._answer = answer
        self._budget = budget
        self._room = asyncio.Semaphore(waiting)
        self._flights = asyncio.Semaphore(flights)
        self._queues: dict[str, deque[_Item]] = defaultdict(deque)
        self._senders: dict[str, asyncio.Task[None]] = {}
        self._answers: dict[str, asyncio.Future[Msg]] = {}
        self._inbox = ""
        self._sent = 0

    async def start(self) -> None:
        """Listen for the broker's answers."""
        self._inbox = self._client.new_inbox()
        await self._client.take(f"{self._inbox}.*", self._on_answer)

    async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
        """Publish all; says for each whether the broker had it before."""
        if not envelopes:
            return []
        ticket = _Ticket(len(envelopes), asyncio.get_running_loop().create_future(), [False] * len(envelopes))
        for index, envelope in enumerate(envelopes):
            await self._room.acquire()
            stream = envelope.subject.split(".", 2)[1]
            self._queues[stream].append(_Item(envelope, ticket, index))
            if stream not in self._senders:
                self._senders[stream] = asyncio.create_task(self._send_all(stream))
        return await ticket.done

    async def _send_all(self, stream: str) -> None:
        """Empty the queue of one stream, a few batches at a time."""
        queue = self._queues[stream]
        under_way: set[asyncio.Task[None]] = set()
        try:
            while queue:
                await self._flights.acquire()
                batch = [queue.popleft() for _ in range(min(len(queue), self._most))]
                task = asyncio.create_task(self._send(stream, batch))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        finally:
            del self._senders[stream]
            if queue:  # Something came in while this sender was ending.
                self._senders[stream] = asyncio.create_task(self._send_all(stream))
        if under_way:
            await asyncio.gather(*under_way)

    async def _send(self, stream: str, batch: list[_Item]) -> None:
        try:
            known = await self._until_answered(stream, [item.envelope for item in batch])
        except Unavailable as error:
            for item in batch:
                if not item.ticket.done.done():
                    item.ticket.done.set_exception(error)
        else:
            telemetry.PUBLISHED.labels(stream).inc(len(batch))
            for item, was_known in zip(batch, known, strict=True):
                item.ticket.known[item.index] = was_known
                item.ticket.left -= 1
                if not item.ticket.left and not item.ticket.done.done():
                    item.ticket.done.set_result(item.ticket.known)
        finally:
            self._flights.release()
            for _ in batch:
                self._room.release()

    async def _until_answered(self, stream: str, batch: list[Envelope]) -> list[bool]:
        """Try until the broker has all of it; after an attempt without an answer nothing counts as known before."""
        until = time.monotonic() + self._budget
        pause, unsure = 0.05, False
        while True:
            try:
                known = await self._attempt(batch)
                return [False] * len(batch) if unsure else known
            except (TimeoutError, OSError, _Refused, nats.errors.Error) as error:
                telemetry.PUBLISH_RETRIES.labels(stream).inc()
                unsure = unsure or not isinstance(error, _Refused)
                if time.monotonic() + pause > until:
                    log.warning("publish.given_up", stream=stream, count=len(batch), error=str(error))
                    raise Unavailable("the broker does not answer") from error
                await asyncio.sleep(pause)
                pause = min(pause * 2, 2.0)

    async def _attempt(self, batch: list[Envelope]) -> list[bool]:
        if self._atomic and len(batch) >= _ATOMIC_FROM:
            try:
                return await self._attempt_atomic(batch)
            except _Refused as refused:
                if refused.code != _DUPLICATE_IN_BATCH:
                    raise
        return await self._attempt_single(batch)

    async def _attempt_atomic(self, batch: list[Envelope]) -> list[bool]:
        batch_id = uuid.uuid4().hex
        outgoing = [
            Outgoing(
                each.subject,
                each.data,
                each.headers | {"Nats-Batch-Id": batch_id, "Nats-Batch-Sequence": str(sequence)},
            )
            for sequence, each in enumerate(batch, 1)
        ]
        last = outgoing.pop()
        last = last._replace(headers=(last.headers or {}) | {"Nats-Batch-Commit": "1"})
        await self._ask([last], first=outgoing)
        return [False] * len(batch)

    async def _attempt_single(self, batch: list[Envelope]) -> list[bool]:
        answers = await self._ask([Outgoing(each.subject, each.data, each.headers) for each in batch])
        return [bool(answer.get("duplicate")) for answer in answers]

    async def _ask(self, messages: Sequence[Outgoing], *, first: Sequence[Outgoing] = ()) -> list[dict[str, Any]]:
        """Send what needs no answer `first`, then the messages; gives the broker's answer to each of these."""
        loop = asyncio.get_running_loop()
        asked: dict[str, asyncio.Future[Msg]] = {}
        for _ in messages:
            self._sent += 1
            asked[str(self._sent)] = loop.create_future()
        self._answers |= asked
        try:
            await self._client.send_all(
                [
                    *first,
                    *(
                        each._replace(reply=f"{self._inbox}.{token}")
                        for each, token in zip(messages, asked, strict=True)
                    ),
                ]
            )
            async with asyncio.timeout(self._answer):
                return [_read(await answer) for answer in asked.values()]
        finally:
            for token in asked:
                del self._answers[token]

    def _on_answer(self, message: Msg) -> None:
        answer = self._answers.get(message.subject.rsplit(".", 1)[1])
        if answer is not None and not answer.done():
            answer.set_result(message)


def _read(answer: Msg) -> dict[str, Any]:
    """Read what the broker said; a refusal is raised."""
    if not answer.data:  # A bare status: 503, nobody listens there yet.
        raise _Refused(int((answer.headers or {}).get("Status", "503")), "no stream takes this subject")
    said: dict[str, Any] = json.loads(answer.data)
    if "error" in said:
        raise _Refused(said["error"].get("err_code", 0), said["error"].get("description", ""))
    return said
