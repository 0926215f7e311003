"""The thin reference: gRPC -> JetStream -> Postgres -> JetStream with no domain logic.

It promises what the line promises of durability, and nothing else: the edge answers only after the broker's
acknowledgement of every event; every publish carries a dedup header; the worker acknowledges after the commit and
after the acknowledgement of the results; the upsert is idempotent; a customer's events stay in order (eight
partitions). No validation beyond two fields, no roles, traces, metrics, retries or restart.
"""

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import zlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import asyncpg
import grpc
import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

from sori.ingest.v1 import ingest_service_pb2 as pb
from sori.ingest.v1 import ingest_service_pb2_grpc as pb_grpc
from sori.ingest.v1 import touchpoint_pb2

PARTITIONS = 8
WINDOW = 1000  # publishes without an acknowledgement
MOST = 500  # events in a batch of the worker
TABLE = """
    drop table if exists thin;
    create table thin (touchpoint_id uuid primary key, customer text not null, occurred_time timestamptz not null,
        kind int not null, payload bytea not null);
    create index on thin (customer, occurred_time desc);
    create index on thin (kind, occurred_time)"""
UPSERT = """
    insert into thin select * from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::int[], $5::bytea[])
    on conflict do nothing"""


class Pipeline:
    """Pipelined publishing: one inbox for all answers, a bounded number of open ones."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._open: dict[str, asyncio.Future[None]] = {}
        self._room = asyncio.Semaphore(WINDOW)
        self._count = 0
        self._inbox = client.new_inbox()

    async def start(self) -> None:
        await self._client.subscribe(f"{self._inbox}.*", cb=self._on_answer)

    async def _on_answer(self, message: Msg) -> None:
        waiting = self._open.pop(message.subject.rpartition(".")[2])
        self._room.release()
        if b'"error"' in message.data or not message.data:
            waiting.set_exception(RuntimeError(f"refused: {message.data!r}"))
        else:
            waiting.set_result(None)

    async def send(self, subject: str, data: bytes, event_id: str) -> "asyncio.Future[None]":
        await self._room.acquire()
        self._count += 1
        token = str(self._count)
        waiting = self._open[token] = asyncio.get_running_loop().create_future()
        await self._client.publish(subject, data, reply=f"{self._inbox}.{token}", headers={"Nats-Msg-Id": event_id})
        return waiting


class Edge(pb_grpc.IngestServiceServicer):
    """Takes touchpoints in, as ingest does, and publishes them as they are."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline

    async def _put(self, touchpoint: touchpoint_pb2.Touchpoint) -> "asyncio.Future[None]":
        if not touchpoint.external_id or not touchpoint.identifiers:
            raise ValueError("external_id and identifiers are required")
        partition = zlib.crc32(touchpoint.identifiers[0].value.encode()) % PARTITIONS
        return await self._pipeline.send(f"thin.in.{partition}", touchpoint.SerializeToString(), touchpoint.external_id)

    async def SubmitTouchpoint(self, request: pb.SubmitTouchpointRequest, context: Any) -> pb.SubmitTouchpointResponse:
        await (await self._put(request.touchpoint))
        return pb.SubmitTouchpointResponse()

    async def SubmitTouchpoints(
        self, request: pb.SubmitTouchpointsRequest, context: Any
    ) -> pb.SubmitTouchpointsResponse:
        for waiting in [await self._put(touchpoint) for touchpoint in request.touchpoints]:
            await waiting
        return pb.SubmitTouchpointsResponse()

    async def StreamTouchpoints(
        self, request_iterator: AsyncIterator[pb.StreamTouchpointsRequest], context: Any
    ) -> pb.StreamTouchpointsResponse:
        waiting, count = [], 0
        async for request in request_iterator:
            waiting.append(await self._put(request.touchpoint))
            count += 1
            if len(waiting) > 4 * WINDOW:
                for each in waiting[:WINDOW]:
                    await each
                del waiting[:WINDOW]
        for each in waiting:
            await each
        return pb.StreamTouchpointsResponse(accepted_count=count)

    async def ListQuarantine(self, request: pb.ListQuarantineRequest, context: Any) -> pb.ListQuarantineResponse:
        return pb.ListQuarantineResponse()


async def prepare(given: argparse.Namespace) -> None:
    """Make streams, consumer and table, empty."""
    client = await nats.connect(given.nats)
    js = client.jetstream()
    for name, subject in (("THIN_IN", "thin.in.*"), ("THIN_OUT", "thin.out")):
        with contextlib.suppress(nats.js.errors.NotFoundError):
            await js.delete_stream(name)
        await js.add_stream(StreamConfig(name=name, subjects=[subject], duplicate_window=120))
    await js.add_consumer(
        "THIN_IN", ConsumerConfig(durable_name="worker", ack_policy=AckPolicy.EXPLICIT, max_ack_pending=20_000)
    )
    await client.close()
    connection = await asyncpg.connect(f"{given.postgres}/postgres")
    await connection.execute(TABLE)
    await connection.close()


async def edge(given: argparse.Namespace) -> None:
    """Serve the edge."""
    pipeline = Pipeline(await nats.connect(given.nats, pending_size=64 << 20))
    await pipeline.start()
    server = grpc.aio.server()
    made = Edge(pipeline)  # type: ignore[abstract]  # It answers the ways in; the rest is unimplemented.
    pb_grpc.add_IngestServiceServicer_to_server(made, server)
    server.add_insecure_port(given.target)
    await server.start()
    print("READY", flush=True)
    await server.wait_for_termination()


class Puller:
    """Keeps two pull requests open and hands out what has arrived."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._arrived: list[Msg] = []
        self._asked = 0
        self._wake = asyncio.Event()
        self._inbox = client.new_inbox()

    async def start(self) -> None:
        await self._client.subscribe(
            self._inbox, cb=self._on_message, pending_msgs_limit=1_000_000, pending_bytes_limit=1 << 30
        )
        await self._ask()

    async def _ask(self) -> None:
        while self._asked < 2 * MOST and len(self._arrived) < 4 * MOST:
            self._asked += MOST
            request = json.dumps({"batch": MOST, "expires": 10_000_000_000}).encode()
            await self._client.publish("$JS.API.CONSUMER.MSG.NEXT.THIN_IN.worker", request, reply=self._inbox)

    async def _on_message(self, message: Msg) -> None:
        if message.reply:
            self._arrived.append(message)
            self._asked -= 1
            self._wake.set()
        elif left := (message.headers or {}).get("Nats-Pending-Messages"):
            self._asked = max(0, self._asked - int(left))
            await self._ask()

    async def take(self) -> Sequence[Msg]:
        while not self._arrived:
            self._wake.clear()
            await self._wake.wait()
        taken, self._arrived = self._arrived[:MOST], self._arrived[MOST:]
        await self._ask()
        return taken


async def worker(given: argparse.Namespace) -> None:
    """Upsert, publish results, acknowledge; one batch may finish behind the current one."""
    client = await nats.connect(given.nats, pending_size=64 << 20)
    connection = await asyncpg.connect(f"{given.postgres}/postgres")
    pipeline, puller = Pipeline(client), Puller(client)
    await pipeline.start()
    await puller.start()
    print("READY", flush=True)
    finishing: asyncio.Task[None] | None = None

    async def finish(answers: Sequence["asyncio.Future[None]"], messages: Sequence[Msg]) -> None:
        for answer in answers:
            await answer
        for message in messages:
            await client.publish(message.reply, b"+ACK")

    while True:
        messages = await puller.take()
        touchpoints = [touchpoint_pb2.Touchpoint.FromString(message.data) for message in messages]
        await connection.execute(
            UPSERT,
            [each.external_id for each in touchpoints],
            [each.identifiers[0].value for each in touchpoints],
            [dt.datetime.fromtimestamp(each.occurred_time.ToNanoseconds() / 1e9, dt.UTC) for each in touchpoints],
            [each.kind for each in touchpoints],
            [message.data for message in messages],
        )
        answers = [
            await pipeline.send(
                "thin.out",
                touchpoint_pb2.Touchpoint(
                    external_id=each.external_id, occurred_time=each.occurred_time
                ).SerializeToString(),
                f"out-{each.external_id}",
            )
            for each in touchpoints
        ]
        if finishing:
            await finishing
        finishing = asyncio.create_task(finish(answers, messages))


def main() -> None:
    """Run one role."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["prepare", "edge", "worker"])
    parser.add_argument("--target", default="")
    parser.add_argument("--nats", required=True)
    parser.add_argument("--postgres", default="")
    given = parser.parse_args()
    asyncio.run({"prepare": prepare, "edge": edge, "worker": worker}[given.role](given))


if __name__ == "__main__":
    main()
