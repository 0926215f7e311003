"""Publishing to JetStream with group commit: what waits together goes to disk together.

Concurrent callers share atomic batches (nats-server 2.12+, ADR-50), so that one sync to disk serves many
events. The broker refuses a batch that holds an event id it knows; that batch is then sent message by
message, which tells the known ones apart.
"""

import asyncio
import itertools
import time
import uuid
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import nats.errors
import orjson
import structlog
from nats.aio.msg import Msg

from sori_kit import telemetry
from sori_kit.client import Outgoing, PlainClient
from sori_kit.envelope import Envelope
from sori_kit.errors import Unavailable

log = structlog.get_logger()

_ATOMIC_FROM = 16  # messages: an atomic batch costs the broker some 3 ms however small it is, a message 0.2 ms
# nats-server error codes.
_DUPLICATE_IN_BATCH = 10201  # atomic publish batch contains duplicate message id
_NO_ROOM = frozenset({10002, 10023, 10028, 10047, 10077})  # limits of account, memory, storage; stream store failed


class Full(Unavailable):
    """The broker answers, and has no room for more."""

    reason = "STREAM_FULL"


@dataclass(slots=True, eq=False)
class _Ticket:
    """What one caller waits for."""

    envelopes: Sequence[Envelope]
    done: asyncio.Future[None]
    known: list[bool]  # True where the broker had the event before.
    left: int  # envelopes without an answer
    taken: int = 0  # envelopes that a sender has


@dataclass(frozen=True, slots=True)
class _Part:
    """What of a ticket goes out with one batch."""

    ticket: _Ticket
    start: int
    envelopes: Sequence[Envelope]


class _Refused(Exception):
    """The broker answered a publish with an error."""

    def __init__(self, code: int, description: str) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code


class Publisher:
    """Publishes envelopes; returns when the broker has them on disk, or raises Unavailable after `budget` seconds.

    A broker that has no room makes none by being asked again: then it raises Full after `full` seconds.
    """

    def __init__(
        self,
        client: PlainClient,
        *,
        atomic: bool = True,  # One sync to disk for a batch; a broker that does not sync stores messages for less.
        most: int = 500,  # messages in one atomic batch; the broker's limit is 1,000
        waiting: int = 20_000,  # messages queued before callers are held back, over which one caller may go
        answer: float = 5.0,  # seconds for one attempt
        full: float = 1.5,  # seconds over all attempts while the broker has no room
        budget: float = 45.0,  # seconds over all attempts: rides over a broker restart or a leader election
    ) -> None:
        self._client = client
        self._atomic = atomic
        self._most = most
        self._answer = answer
        self._full = full
        self._budget = budget
        self._room = waiting
        self._freed = asyncio.Event()
        self._queues: dict[str, deque[_Ticket]] = defaultdict(deque)  # by stream
        self._sender: asyncio.Task[None] | None = None
        self._answers: dict[str, asyncio.Future[Msg]] = {}
        self._inbox = ""
        self._sent = 0

    async def start(self) -> None:
        """Listen for the broker's answers."""
        self._inbox = self._client.new_inbox()
        await self._client.take(f"{self._inbox}.*", self._on_answer)

    async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
        """Publish all; says for each whether the broker had it before."""
        if len(envelopes) == 1:
            return await self._publish(envelopes[0].subject.split(".", 2)[1], envelopes)
        streams = {subject: subject.split(".", 2)[1] for subject in {each.subject for each in envelopes}}
        if len(set(streams.values())) > 1:
            parts = (self._publish(streams[each.subject], [each]) for each in envelopes)
            return list(itertools.chain.from_iterable(await asyncio.gather(*parts)))
        for stream in streams.values():
            return await self._publish(stream, envelopes)
        return []

    async def _publish(self, stream: str, envelopes: Sequence[Envelope]) -> list[bool]:
        while self._room <= 0:
            self._freed.clear()
            await self._freed.wait()
        count = len(envelopes)
        self._room -= count
        ticket = _Ticket(envelopes, asyncio.get_running_loop().create_future(), [False] * count, count)
        self._queues[stream].append(ticket)
        if self._sender is None:
            self._sender = asyncio.create_task(self._send_all())
        try:
            await ticket.done
        finally:
            self._room += count
            self._freed.set()
        return ticket.known

    async def _send_all(self) -> None:
        """Empty the queues, one batch of each in turn: the fewer are under way, the more callers share one sync."""
        try:
            while waiting := [(stream, queue) for stream, queue in self._queues.items() if queue]:
                for stream, queue in waiting:
                    await self._send(stream, self._take(queue))
        finally:  # Should it fail, what others wait for goes out all the same.
            self._sender = asyncio.create_task(self._send_all()) if any(self._queues.values()) else None

    def _take(self, queue: deque[_Ticket]) -> list[_Part]:
        """Take what goes out together: of each ticket what there is room for."""
        parts: list[_Part] = []
        room = self._most
        while queue and room:
            ticket = queue[0]
            part = _Part(ticket, ticket.taken, ticket.envelopes[ticket.taken : ticket.taken + room])
            ticket.taken += len(part.envelopes)
            room -= len(part.envelopes)
            parts.append(part)
            if ticket.taken == len(ticket.envelopes):
                queue.popleft()
        return parts

    async def _send(self, stream: str, parts: list[_Part]) -> None:
        batch = [each for part in parts for each in part.envelopes]
        try:
            known = iter(await self._until_answered(stream, batch))
        except Unavailable as error:
            for part in parts:
                if not part.ticket.done.done():
                    part.ticket.done.set_exception(error)
        else:
            telemetry.PUBLISHED.labels(stream).inc(len(batch))
            for part in parts:
                ticket, count = part.ticket, len(part.envelopes)
                ticket.known[part.start : part.start + count] = itertools.islice(known, count)
                ticket.left -= count
                if not ticket.left and not ticket.done.done():
                    ticket.done.set_result(None)

    async def _until_answered(self, stream: str, batch: list[Envelope]) -> list[bool]:
        """Try until the broker has all of it; after an attempt without an answer nothing counts as known before."""
        start = time.monotonic()
        pause, unsure = 0.05, False
        while True:
            try:
                known = await self._attempt(batch)
                return [False] * len(batch) if unsure else known
            except (TimeoutError, OSError, _Refused, nats.errors.Error) as error:
                telemetry.PUBLISH_RETRIES.labels(stream).inc()
                unsure = unsure or not isinstance(error, _Refused)
                full = isinstance(error, _Refused) and error.code in _NO_ROOM
                if time.monotonic() + pause > start + (self._full if full else self._budget):
                    log.warning("publish.given_up", stream=stream, count=len(batch), error=str(error))
                    if full:
                        raise Full("the broker has no room for more") from error
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
                f"{each.lines}Nats-Batch-Id: {batch_id}\r\nNats-Batch-Sequence: {sequence}\r\n",
            )
            for sequence, each in enumerate(batch, 1)
        ]
        last = outgoing.pop()
        last = last._replace(lines=f"{last.lines}Nats-Batch-Commit: 1\r\n")
        await self._ask([last], first=outgoing)
        return [False] * len(batch)

    async def _attempt_single(self, batch: list[Envelope]) -> list[bool]:
        answers = await self._ask([Outgoing(each.subject, each.data, each.lines) for each in batch])
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
                    *[
                        Outgoing(subject, data, lines, f"{self._inbox}.{token}")
                        for (subject, data, lines, _), token in zip(messages, asked, strict=True)
                    ],
                ]
            )
            async with asyncio.timeout(self._answer):
                return [_read(await answer) for answer in asked.values()]
        finally:
            for token in asked:
                del self._answers[token]

    def lose(self) -> None:
        """Fail what waits for the answers of a connection that is gone, so that it is sent again at once."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("the broker was lost"))
                answer.exception()  # Takes note of it: of several answers its caller awaits no more than the first.

    def _on_answer(self, message: Msg) -> None:
        answer = self._answers.get(message.subject.rsplit(".", 1)[1])
        if answer is not None and not answer.done():
            answer.set_result(message)


def _read(answer: Msg) -> dict[str, Any]:
    """Read what the broker said; a refusal is raised."""
    if not answer.data:  # A bare status: 503, nobody listens there yet.
        raise _Refused(int((answer.headers or {}).get("Status", "503")), "no stream takes this subject")
    said: dict[str, Any] = orjson.loads(answer.data)
    if "error" in said:
        raise _Refused(said["error"].get("err_code", 0), said["error"].get("description", ""))
    return said
