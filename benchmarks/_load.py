"""The load and the sinks of the pipeline benchmarks; the same for the line and for the thin reference."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterable

import uvloop
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from sori.ingest.v1 import ingest_service_pb2 as pb
from sori.ingest.v1 import ingest_service_pb2_grpc as pb_grpc
from sori.ingest.v1 import touchpoint_pb2
from sori.insight.v1 import feed_pb2, insight_service_pb2, insight_service_pb2_grpc
from sori_kit import rpc
from sori_kit.client import PlainClient

TEXTS = [
    "어제 주문한 원두가 아직도 안 왔어요. 배송 조회도 안 되고 상담원 연결도 안 되네요. 확인 부탁드립니다.",
    "매장 직원분이 정말 친절하셨어요! 덕분에 기분 좋게 쇼핑했습니다. 다음에도 또 올게요 ㅎㅎ",
    "I was charged twice for the order placed on Monday, please refund one of them as soon as possible.",
    "앱 업데이트 후에 자꾸 꺼져요. 결제하려고 하면 멈춰서 세 번이나 다시 했습니다 ㅠㅠ",
]


def touchpoint(number: int, run: str, customers: int) -> touchpoint_pb2.Touchpoint:
    """Make an event of about 600 bytes."""
    made = touchpoint_pb2.Touchpoint(
        source="benchmark",
        external_id=f"{run}-0000-4000-8000-{number:012x}",  # A UUID, as the thin reference stores it.
        channel=(number % 12 + 1),  # type: ignore[arg-type]
        kind=(touchpoint_pb2.TOUCHPOINT_KIND_REVIEW, touchpoint_pb2.TOUCHPOINT_KIND_PURCHASE)[number & 1],
        actor=touchpoint_pb2.ACTOR_CUSTOMER,
        text=f"{TEXTS[number % len(TEXTS)]} {number}",  # No two are the same: classify reads those of a batch once.
        order_id=f"order-{number:010d}",
        product="house-blend-1kg",
        org_unit=f"shop-{number % 6}",
    )
    made.identifiers.add(
        type=touchpoint_pb2.IDENTIFIER_TYPE_MEMBER_ID, value=f"member-{(number * 7919) % customers:08d}"
    )
    for key in range(3):
        made.attributes[f"attribute_{key}"] = f"value-{key}-abcdefghijklmnop"
    return made


async def load(given: argparse.Namespace) -> None:
    """Send, and say when the first went out and the last answer came in."""
    events = [touchpoint(number, given.run, given.customers) for number in range(given.count)]
    channel = rpc.channel(given.target, retry=False)
    stub = pb_grpc.IngestServiceStub(channel)
    metadata = rpc.bearer(given.token)
    print("READY", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    start_ns, start = time.time_ns(), time.perf_counter()

    async def pace(number: int) -> None:
        if given.rate:
            ahead = start + number / given.rate - time.perf_counter()
            if ahead > 0:
                await asyncio.sleep(ahead)

    def stamp(numbers: Iterable[int]) -> list[touchpoint_pb2.Touchpoint]:
        now = time.time_ns()
        chosen = [events[number] for number in numbers]
        for each in chosen:
            each.occurred_time.FromNanoseconds(now)
        return chosen

    async def by_batch(lane: range) -> None:
        for at in range(0, len(lane), given.batch):
            part = lane[at : at + given.batch]
            await pace(part[0])
            await stub.SubmitTouchpoints(pb.SubmitTouchpointsRequest(touchpoints=stamp(part)), metadata=metadata)

    async def one_by_one(lane: range) -> None:
        for number in lane:
            await pace(number)
            await stub.SubmitTouchpoint(pb.SubmitTouchpointRequest(touchpoint=stamp([number])[0]), metadata=metadata)

    async def by_stream(lane: range) -> None:
        async def requests() -> AsyncIterator[pb.StreamTouchpointsRequest]:
            for number in lane:
                await pace(number)
                yield pb.StreamTouchpointsRequest(touchpoint=stamp([number])[0])

        answer = await stub.StreamTouchpoints(requests(), metadata=metadata)
        assert answer.accepted_count == len(lane), answer

    way = {"batch": by_batch, "unary": one_by_one, "stream": by_stream}[given.way]
    await asyncio.gather(*[way(range(lane, given.count, given.lanes)) for lane in range(given.lanes)])
    print(json.dumps({"first_ns": start_ns, "last_ns": time.time_ns()}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)  # Stay, so that the CPU can be read.


async def sink(given: argparse.Namespace) -> None:
    """Count the distinct events of a subject and say when the last one came."""
    client = PlainClient()
    await client.connect(given.nats)
    inbox, arrived = client.new_inbox(), asyncio.Event()
    seen: set[str] = set()
    latencies: list[float] = []

    async def note(message: Msg) -> None:
        if not message.reply:
            return
        event_id = (message.headers or {})["Nats-Msg-Id"]
        if event_id not in seen:
            seen.add(event_id)
            data = _first_field(message.data) if given.nested else message.data
            latencies.append(time.time_ns() - touchpoint_pb2.Touchpoint.FromString(data).occurred_time.ToNanoseconds())
        if len(seen) >= given.count:
            arrived.set()

    await client.subscribe(inbox, cb=note, pending_msgs_limit=1_000_000, pending_bytes_limit=1 << 30)
    config = ConsumerConfig(
        durable_name=given.run,
        ack_policy=AckPolicy.NONE,  # It measures; nothing depends on it.
        filter_subject=given.subject,
        deliver_policy=DeliverPolicy.NEW,
    )
    await client.jetstream().add_consumer(given.stream, config)
    print("READY", flush=True)
    ask = json.dumps({"batch": 500, "expires": 2_000_000_000}).encode()
    while not arrived.is_set():
        for _ in range(2):
            await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{given.stream}.{given.run}", ask, reply=inbox)
        before = len(seen)
        until = time.monotonic() + 2
        while len(seen) - before < 500 and time.monotonic() < until and not arrived.is_set():
            await asyncio.sleep(0.002)
    _report(latencies)
    await asyncio.to_thread(sys.stdin.readline)


async def tally(given: argparse.Namespace) -> None:
    """Ask insight until `--count` more touchpoints are on the feed than at the start: the oftener, the less is left."""
    stub = insight_service_pb2_grpc.InsightServiceStub(rpc.channel(given.target))
    request, metadata = insight_service_pb2.GetTallyRequest(), rpc.bearer(given.token)
    before = (await stub.GetTally(request, metadata=metadata)).touchpoint_count
    print("READY", flush=True)
    start = time.perf_counter()
    while True:
        now_ns = time.time_ns()
        arrived = (await stub.GetTally(request, metadata=metadata)).touchpoint_count - before
        if arrived >= given.count:
            break
        left = (time.perf_counter() - start) / max(arrived, 1) * (given.count - arrived)
        await asyncio.sleep(min(max(0.3 * left, 0.02), 1.0))
    print(json.dumps({"last_ns": now_ns, "distinct": arrived, "p50_ms": 0, "p99_ms": 0}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)


async def feed(given: argparse.Namespace) -> None:
    """Follow the joint feed until all touchpoints of the run are on it."""
    stub = insight_service_pb2_grpc.InsightServiceStub(rpc.channel(given.target))
    wanted = insight_service_pb2.WatchFeedRequest(kind=feed_pb2.FEED_ITEM_KIND_TOUCHPOINT)
    call = stub.WatchFeed(wanted, metadata=rpc.bearer(given.token))
    seen: set[str] = set()
    latencies: list[float] = []
    print("READY", flush=True)
    async for response in call:
        touchpoint = response.item.touchpoint.touchpoint
        if touchpoint.external_id.startswith(given.run) and touchpoint.external_id not in seen:
            seen.add(touchpoint.external_id)
            latencies.append(time.time_ns() - touchpoint.occurred_time.ToNanoseconds())
            if len(seen) == given.count:
                break
    _report(latencies)
    await asyncio.to_thread(sys.stdin.readline)


def _first_field(data: bytes) -> bytes:
    """Cut out field 1, the touchpoint, without reading the rest."""
    at, shift, length = 1, 0, 0
    while True:
        byte = data[at]
        length |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return data[at : at + length]


def _report(latencies_ns: list[float]) -> None:
    ordered = sorted(latencies_ns)
    quantiles = {f"p{q}_ms": round(ordered[min(len(ordered) - 1, len(ordered) * q // 100)] / 1e6, 1) for q in (50, 99)}
    print(json.dumps({"last_ns": time.time_ns(), "distinct": len(ordered), **quantiles}), flush=True)


def main() -> None:
    """Run one role."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["load", "sink", "tally", "feed"])
    parser.add_argument("--target", default="", help="gRPC address")
    parser.add_argument("--token", default="")
    parser.add_argument("--nats", default="")
    parser.add_argument("--stream", default="")
    parser.add_argument("--subject", default="")
    parser.add_argument("--nested", action="store_true", help="the touchpoint is field 1 of the event")
    parser.add_argument("--run", default="0" * 8, help="eight hexadecimal digits that begin every id of the run")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--customers", type=int, default=10_000)
    parser.add_argument("--way", choices=["batch", "stream", "unary"], default="batch")
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0)
    given = parser.parse_args()
    uvloop.run({"load": load, "sink": sink, "tally": tally, "feed": feed}[given.role](given))


if __name__ == "__main__":
    main()
