"""Ingest on a real broker."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

import builders
import engines as real
import harness
from engines import Engines
from sori.ingest.v1 import ingest_service_pb2 as pb
from sori.ingest.v1 import ingest_service_pb2_grpc as pb_grpc
from sori.ingest.v1 import touchpoint_pb2
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_kit import ids, rpc
from sori_kit.bus import Bus
from sori_kit.envelope import Event, open_as
from sori_local import engines as embedded

RECEIVED = "sori.ingest.touchpoint.received.v1"
QUARANTINED = "sori.ingest.submission.quarantined.v1.*"
YESTERDAY = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=1)


@pytest_asyncio.fixture
async def ingest(engines: Engines) -> AsyncIterator[harness.Harness]:
    async with harness.serving("ingest", engines) as running:
        yield running


def stub(ingest: harness.Harness) -> pb_grpc.IngestServiceStub:
    return pb_grpc.IngestServiceStub(ingest.channel)


def good(**fields: object) -> touchpoint_pb2.Touchpoint:
    fields.setdefault("occurred_time", YESTERDAY)
    return builders.a_touchpoint(**fields)  # type: ignore[arg-type]


def bad(**fields: object) -> touchpoint_pb2.Touchpoint:
    return good(occurred_time=YESTERDAY + dt.timedelta(days=9), **fields)


async def submit(ingest: harness.Harness, *touchpoints: touchpoint_pb2.Touchpoint) -> list[pb.SubmitResult]:
    answer = await stub(ingest).SubmitTouchpoints(
        pb.SubmitTouchpointsRequest(touchpoints=touchpoints), metadata=ingest.metadata()
    )
    return list(answer.results)


def outcomes(results: list[pb.SubmitResult]) -> list[str | None]:
    return [each.WhichOneof("outcome") for each in results]


def accepted_ids(results: list[pb.SubmitResult]) -> set[str]:
    return {each.accepted.touchpoint_id for each in results if each.HasField("accepted")}


async def received(bus: Bus) -> list[Event[TouchpointReceived]]:
    stored = await bus.read(RECEIVED, after=0, most=5_000)
    return [open_as(TouchpointReceived, each.data, each.headers) for each in stored]


async def quarantine(ingest: harness.Harness, page_size: int = 0, page_token: str = "") -> pb.ListQuarantineResponse:
    return await stub(ingest).ListQuarantine(
        pb.ListQuarantineRequest(page_size=page_size, page_token=page_token), metadata=ingest.metadata()
    )


async def refusal(call: grpc.aio.Call) -> tuple[grpc.StatusCode, list[str]]:
    """The status of a refused call, and the fields it names."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call  # type: ignore[misc]
    return refused.value.code(), [each.field for each in rpc.with_details(refused.value)[1]]


async def assert_serves(ingest: harness.Harness) -> None:
    assert ["accepted"] == outcomes(await submit(ingest, good()))


async def test_good_ones_go_on_whatever_the_others_are(ingest: harness.Harness) -> None:
    batch = [good(), bad(), good(), touchpoint_pb2.Touchpoint(source="half"), good()]

    results = await submit(ingest, *batch)

    assert ["accepted", "rejected", "accepted", "rejected", "accepted"] == outcomes(results)
    assert [0, 1, 2, 3, 4] == [each.index for each in results]
    assert ["occurred_time"] == [each.field for each in results[1].rejected.violations]
    assert ["channel", "kind", "occurred_time"] == [each.field for each in results[3].rejected.violations]
    assert accepted_ids(results) == {event.entity_id for event in await received(ingest.bus)}
    assert 2 == await ingest.published(QUARANTINED)


async def test_what_is_published_is_the_normal_form(ingest: harness.Harness) -> None:
    before = dt.datetime.now(dt.UTC)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    await stub(ingest).SubmitTouchpoint(
        pb.SubmitTouchpointRequest(
            touchpoint=good(
                source="kakao-main",
                external_id="k-1",
                text="010-1234-5678로 연락 주세요",
                identifiers=[("phone", "0507-1234-5678"), ("email", "Kim@Example.com")],
            )
        ),
        metadata=(*ingest.metadata(), ("traceparent", trace)),
    )

    [event] = await received(ingest.bus)
    touchpoint = event.message.touchpoint
    touchpoint_id = str(ids.derive("touchpoint", "kakao-main", "k-1"))
    assert (touchpoint_id, touchpoint_id, touchpoint_id) == (touchpoint.touchpoint_id, event.event_id, event.entity_id)
    assert touchpoint.text == "***-****-****로 연락 주세요"
    assert dict(touchpoint.masked_counts) == {"phone_number": 1}
    assert [("+8250712345678", True), ("kim@example.com", False)] == [
        (each.value, each.temporary) for each in touchpoint.identifiers
    ]
    assert before <= touchpoint.received_time.ToDatetime(dt.UTC) <= dt.datetime.now(dt.UTC)
    assert event.time == touchpoint.received_time.ToDatetime(dt.UTC)
    assert event.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")


async def test_what_was_taken_before_is_a_duplicate(ingest: harness.Harness) -> None:
    old, new = good(), good()
    first = await submit(ingest, old)

    second = await submit(ingest, new, old)

    assert ["accepted", "duplicate"] == outcomes(second)
    assert first[0].accepted.touchpoint_id == second[1].duplicate.touchpoint_id
    assert 2 == await ingest.published(RECEIVED)


async def test_second_of_two_in_one_request_is_a_duplicate(ingest: harness.Harness) -> None:
    twice, wrong = good(), bad()

    results = await submit(ingest, twice, good(), twice, wrong, wrong)

    assert ["accepted", "accepted", "duplicate", "rejected", "rejected"] == outcomes(results)
    assert results[3].rejected == results[4].rejected
    assert 2 == await ingest.published(RECEIVED)
    assert 1 == await ingest.published(QUARANTINED)


async def test_an_edit_is_an_event_of_the_same_touchpoint(ingest: harness.Harness) -> None:
    results = await submit(
        ingest, good(external_id="e-1"), good(external_id="e-1", revision=1), good(external_id="e-1", revision=2)
    )

    events = await received(ingest.bus)
    assert ["accepted"] * 3 == outcomes(results)
    assert 1 == len(accepted_ids(results))
    assert 3 == len({event.event_id for event in events})
    assert 1 == len({event.message.touchpoint.touchpoint_id for event in events})


async def test_without_an_id_of_its_source_the_content_decides(ingest: harness.Harness) -> None:
    first = await submit(ingest, good(external_id="", text="가"), good(external_id="", text="나"))

    second = await submit(ingest, good(external_id="", text="\u1100\u1161"))

    assert ["accepted", "accepted"] == outcomes(first)
    assert 2 == len(accepted_ids(first))
    assert ["duplicate"] == outcomes(second)
    assert ["", ""] == [event.message.touchpoint.external_id for event in await received(ingest.bus)]


async def test_a_single_wrong_one_names_its_fields_and_is_kept(ingest: harness.Harness) -> None:
    wrong = bad(identifiers=[("phone", "1")])

    call = stub(ingest).SubmitTouchpoint(pb.SubmitTouchpointRequest(touchpoint=wrong), metadata=ingest.metadata())

    assert (grpc.StatusCode.INVALID_ARGUMENT, ["occurred_time", "identifiers[0].value"]) == await refusal(call)
    [kept] = (await quarantine(ingest)).submissions
    assert wrong == touchpoint_pb2.Touchpoint.FromString(kept.payload)
    await assert_serves(ingest)


async def test_quarantine_is_paged_oldest_first(ingest: harness.Harness) -> None:
    results = await submit(ingest, *[bad() for _ in range(40)], good())
    expected = [each.rejected.quarantine_id for each in results if each.HasField("rejected")]

    seen, sizes, token = list[str](), list[int](), ""
    while True:
        page = await quarantine(ingest, 20, token)
        seen += [each.quarantine_id for each in page.submissions]
        sizes.append(len(page.submissions))
        token = page.next_page_token
        if not token:
            break

    assert expected == seen
    assert [20, 20] == sizes
    assert 40 == page.total_count


async def test_quarantine_masks_and_cuts(ingest: harness.Harness) -> None:
    long = bad(text="가나다라" * 120_000)
    await submit(ingest, bad(text="제 번호는 010-1234-5678"))
    await submit(ingest, *[long, bad(text="마바사아" * 120_000), bad(text="자차카타" * 120_000)])

    page = await quarantine(ingest)
    rest = await quarantine(ingest, page_token=page.next_page_token)

    kept = [*page.submissions, *rest.submissions]
    assert [False, True, True, True] == [each.truncated for each in kept]
    assert "제 번호는 ***-****-****" == touchpoint_pb2.Touchpoint.FromString(kept[0].payload).text
    assert 1 << 20 == len(kept[1].payload)
    assert page.ByteSize() < 4 << 20  # What gRPC clients take by default.


async def test_quarantine_is_for_admins(ingest: harness.Harness) -> None:
    call = stub(ingest).ListQuarantine(pb.ListQuarantineRequest(), metadata=ingest.metadata("ingest.write"))

    assert (grpc.StatusCode.PERMISSION_DENIED, []) == await refusal(call)


@pytest.mark.parametrize("count", [0, 1_001])
async def test_batch_of_a_wrong_size_is_refused_as_a_whole(ingest: harness.Harness, count: int) -> None:
    request = pb.SubmitTouchpointsRequest(touchpoints=[good() for _ in range(count)])

    call = stub(ingest).SubmitTouchpoints(request, metadata=ingest.metadata())

    assert (grpc.StatusCode.INVALID_ARGUMENT, ["touchpoints"]) == await refusal(call)
    assert 0 == await ingest.published(RECEIVED)
    await assert_serves(ingest)


async def test_largest_batch_is_taken(ingest: harness.Harness) -> None:
    results = await submit(ingest, *[good() for _ in range(1_000)])

    assert 1_000 == len(accepted_ids(results))
    assert accepted_ids(results) == {event.entity_id for event in await received(ingest.bus)}


async def test_invalid_utf8_is_named(ingest: harness.Harness) -> None:
    request = pb.SubmitTouchpointsRequest(touchpoints=[good(), good(text="PLACE")]).SerializeToString()
    raw = ingest.channel.unary_unary("/sori.ingest.v1.IngestService/SubmitTouchpoints")

    call = raw(request.replace(b"PLACE", b"\xb0\xa1\xb3\xaa\xff"), metadata=ingest.metadata())

    assert (grpc.StatusCode.INVALID_ARGUMENT, ["touchpoints[1].text"]) == await refusal(call)
    await assert_serves(ingest)


async def test_future_timestamp_is_named(ingest: harness.Harness) -> None:
    [soon, late] = await submit(
        ingest,
        good(occurred_time=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=4)),
        good(occurred_time=dt.datetime.now(dt.UTC) + dt.timedelta(minutes=6)),
    )

    assert soon.HasField("accepted")
    assert ["occurred_time"] == [each.field for each in late.rejected.violations]


@pytest.mark.parametrize("kind", ["none", "garbage", "expired", "foreign", "role"])
async def test_caller_without_the_right_token_is_refused(ingest: harness.Harness, kind: str, tmp_path: Path) -> None:
    metadata = {
        "none": (),
        "garbage": rpc.bearer("abc.def.ghi"),
        "expired": rpc.bearer(ingest.issuer.token(["ingest.write"], subject="tester", days=-1)),
        "foreign": rpc.bearer(type(ingest.issuer)(tmp_path).token(["ingest.write"], subject="tester")),
        "role": ingest.metadata("cx.read"),
    }[kind]

    unary = stub(ingest).SubmitTouchpoints(pb.SubmitTouchpointsRequest(touchpoints=[good()]), metadata=metadata)
    streamed = stub(ingest).StreamTouchpoints(_requests([good()]), metadata=metadata)

    expected = grpc.StatusCode.PERMISSION_DENIED if kind == "role" else grpc.StatusCode.UNAUTHENTICATED
    assert (expected, []) == await refusal(unary)
    assert (expected, []) == await refusal(streamed)
    assert 0 == await ingest.published(RECEIVED)
    await assert_serves(ingest)


async def test_short_deadline_is_kept_and_the_service_goes_on(ingest: harness.Harness) -> None:
    codes = set()
    for deadline in (0.0001, 0.001, 0.003, 0.01, 0.03):
        request = pb.SubmitTouchpointsRequest(touchpoints=[good() for _ in range(300)])
        call = stub(ingest).SubmitTouchpoints(request, metadata=ingest.metadata(), timeout=deadline)
        codes.add(await call.code())

    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED}
    assert grpc.StatusCode.DEADLINE_EXCEEDED in codes
    await assert_serves(ingest)


def _requests(touchpoints: list[touchpoint_pb2.Touchpoint]) -> Iterator[pb.StreamTouchpointsRequest]:
    return (pb.StreamTouchpointsRequest(touchpoint=each) for each in touchpoints)


async def test_stream_counts_what_became_of_each(ingest: harness.Harness) -> None:
    fresh = [good() for _ in range(1_990)]
    touchpoints = [*fresh[:700], bad(), *fresh[700:], *fresh[:7], bad(), touchpoint_pb2.Touchpoint()]

    answer = await stub(ingest).StreamTouchpoints(_requests(touchpoints), metadata=ingest.metadata())

    assert (1_990, 7, 3) == (answer.accepted_count, answer.duplicate_count, answer.quarantined_count)
    assert [700, 1_998, 1_999] == [each.index for each in answer.rejections]
    assert 1_990 == await ingest.published(RECEIVED)
    assert 3 == await ingest.published(QUARANTINED)


async def test_stream_publishes_while_its_sender_pauses(ingest: harness.Harness) -> None:
    call = stub(ingest).StreamTouchpoints(metadata=ingest.metadata())
    await call.write(pb.StreamTouchpointsRequest(touchpoint=good()))

    async def published() -> bool:
        return await ingest.published(RECEIVED) == 1

    await harness.until(published, seconds=5)
    await call.done_writing()
    assert 1 == (await call).accepted_count


async def test_empty_stream_takes_nothing(ingest: harness.Harness) -> None:
    answer = await stub(ingest).StreamTouchpoints(_requests([]), metadata=ingest.metadata())

    assert answer == pb.StreamTouchpointsResponse()


async def test_abandoned_stream_leaves_the_service_well(ingest: harness.Harness) -> None:
    call = stub(ingest).StreamTouchpoints(metadata=ingest.metadata())
    await call.write(pb.StreamTouchpointsRequest(touchpoint=good()))
    call.cancel()

    await assert_serves(ingest)


async def test_a_stream_with_invalid_utf8_is_refused(ingest: harness.Harness) -> None:
    request = pb.StreamTouchpointsRequest(touchpoint=good(text="PLACE")).SerializeToString()
    raw = ingest.channel.stream_unary("/sori.ingest.v1.IngestService/StreamTouchpoints")

    call = raw(iter([request, request.replace(b"PLACE", b"\xb0\xa1\xb3\xaa\xff")]), metadata=ingest.metadata())

    assert (grpc.StatusCode.INVALID_ARGUMENT, ["touchpoint.text"]) == await refusal(call)
    await assert_serves(ingest)


class Broker:
    """A nats-server that can be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = embedded.nats(folder / "nats", embedded.free_port())
        self.process = real.start(self.engine, folder)

    async def kill_and_restart(self) -> None:
        self.process.kill()
        await asyncio.to_thread(self.process.wait, 10)
        self.process = real.start(self.engine, self.folder)


@contextlib.asynccontextmanager
async def own_broker(folder: Path) -> AsyncIterator[Broker]:
    broker = Broker(folder)
    try:
        await asyncio.to_thread(real.wait_for_port, broker.engine.url)
        yield broker
    finally:
        broker.process.kill()
        broker.process.wait(10)


async def test_what_was_accepted_survives_a_killed_broker(tmp_path: Path) -> None:
    async with (
        own_broker(tmp_path) as broker,
        harness.serving("ingest", Engines(broker.engine.url, "", tmp_path)) as ingest,
    ):
        promised: set[str] = set()
        sent: set[str] = set()
        kills, until = 0, time.monotonic() + 60

        async def send() -> None:
            while kills < 2 and time.monotonic() < until:
                batch = [good() for _ in range(20)]
                sent.update(str(ids.derive("touchpoint", each.source, each.external_id)) for each in batch)
                results = await submit(ingest, *batch)
                promised.update(accepted_ids(results))

        async def grown(count: int) -> None:
            async def enough() -> bool:
                return len(promised) >= count

            await harness.until(enough, seconds=30)

        sending = [asyncio.create_task(send()) for _ in range(3)]
        for _ in range(2):
            await grown(len(promised) + 100)
            await broker.kill_and_restart()
            await grown(len(promised) + 100)
            kills += 1
        await asyncio.gather(*sending)

        stored = await received(ingest.bus)

    found = [event.entity_id for event in stored]
    assert promised <= set(found)
    assert sent == promised
    assert len(found) == len(set(found))
