"""The quarantine on a real broker: listed, shown, replayed, discarded."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import httpx
import pytest
import pytest_asyncio

import builders
import harness
from engines import Engines
from sori.ingest.v1 import ingest_service_pb2 as pb
from sori.ingest.v1 import ingest_service_pb2_grpc as pb_grpc
from sori.ingest.v1.submission_events_pb2 import SubmissionDiscarded, SubmissionQuarantined, SubmissionReleased
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori.journey.v1 import journey_service_pb2, journey_service_pb2_grpc
from sori.journey.v1.customer_events_pb2 import CustomerErased
from sori_kit import rpc
from sori_kit.envelope import Event, open_as
from sori_local import engines as embedded

SOURCES = """
sources:
  - {{name: kiosk, adapter: shop, secrets: {{file: secret}}, mapping: {{{mapping}}}}}
  - {{name: line-kr, adapter: line, secrets: {{file: secret}}}}
"""
NOBODY = "00000000-0000-4000-8000-000000000000"


class Ingest:
    """Ingest under test, with sources that change."""

    def __init__(self, service: harness.Harness, http: httpx.AsyncClient, folder: Path) -> None:
        self.service = service
        self.http = http
        self.folder = folder
        self.stub = pb_grpc.IngestServiceStub(service.channel)
        self.metadata = service.metadata("admin")

    def configure(self, mapping: str = "") -> None:
        (self.folder / "sources.yaml").write_text(SOURCES.format(mapping=mapping))

    async def feedback(self, **fields: object) -> httpx.Response:
        return await self.http.post("/hooks/kiosk/secret", json=fields)

    async def line(self, body: bytes) -> httpx.Response:
        signature = base64.b64encode(hmac.digest(b"secret", body, "sha256")).decode()
        return await self.http.post("/hooks/line-kr", content=body, headers={"X-Line-Signature": signature})

    async def listed(self, **filters: str) -> list[SubmissionQuarantined]:
        found, token = list[SubmissionQuarantined](), ""
        while True:
            request = pb.ListQuarantineRequest(page_size=3, page_token=token, **filters)
            page = await self.stub.ListQuarantine(request, metadata=self.metadata)
            found += page.submissions
            token = page.next_page_token
            if not token:
                return found

    async def replay(self, *ids: str, **kind: object) -> list[pb.ReplayResult]:
        selection = pb.QuarantineSelection(quarantine_ids=ids, **kind)  # type: ignore[arg-type]
        request = pb.ReplayQuarantinedRequest(selection=selection)
        return list((await self.stub.ReplayQuarantined(request, metadata=self.metadata)).results)

    async def discard(self, *ids: str, **kind: object) -> int:
        selection = pb.QuarantineSelection(quarantine_ids=ids, **kind)  # type: ignore[arg-type]
        request = pb.DiscardQuarantinedRequest(selection=selection)
        return (await self.stub.DiscardQuarantined(request, metadata=self.metadata)).discarded_count

    async def texts(self) -> list[str]:
        stored = await self.service.bus.read("sori.ingest.touchpoint.received.v1", after=0, most=500)
        return [open_as(TouchpointReceived, each.data, each.headers).message.touchpoint.text for each in stored]


@pytest_asyncio.fixture
async def ingest(engines: Engines, tmp_path: Path) -> AsyncIterator[Ingest]:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "sources.yaml").write_text(SOURCES.format(mapping=""))
    port = embedded.free_port()
    env = {
        "SORI_INGEST_HTTP_PORT": str(port),
        "SORI_INGEST_SOURCES_PATH": str(tmp_path / "sources.yaml"),
        "SORI_INGEST_SOURCES_POLL_SECONDS": "0.05",
        "SORI_DEDUP_SECONDS": "1",  # so that what comes again comes after the broker's window
    }
    async with (
        harness.serving("ingest", engines, env=env) as service,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        yield Ingest(service, http, tmp_path)


async def test_a_payload_can_be_read_again_after_a_fix(ingest: Ingest) -> None:
    answer = await ingest.feedback(text="좋아요", rating=9, id="f-1")
    [kept] = await ingest.listed()

    before = await ingest.replay(kept.quarantine_id)
    (ingest.folder / "sources.yaml").write_text(
        SOURCES.format(mapping="").replace("mapping: {}", 'options: {rating_scale: "0-10"}')
    )

    async def mended() -> bool:
        return (await ingest.replay(all=True))[0].HasField("released")

    assert not before[0].HasField("released")
    assert [each.description for each in before[0].rejected.violations]
    await harness.until(mended)
    assert (400, kept.quarantine_id) == (answer.status_code, answer.json()["quarantined"][0])
    assert ["좋아요"] == await ingest.texts()
    assert [] == await ingest.listed()
    [released] = await ingest.service.bus.read("sori.ingest.submission.released.v1", after=0, most=5)
    event = open_as(SubmissionReleased, released.data, released.headers)
    assert (kept.quarantine_id, 1) == (event.message.quarantine_id, len(event.message.touchpoint_ids))


async def test_bad_input_that_comes_again_after_days_is_listed_once(ingest: Ingest) -> None:
    await ingest.line(b"{broken")
    broker_forgets = await ingest.service.bus.read("sori.ingest.submission.>", after=0, most=10)

    async def comes_again() -> bool:
        await ingest.line(b"{broken")
        return (await ingest.line(b"{broken")).status_code == 202

    assert 1 == len(broker_forgets)
    await harness.until(comes_again)
    assert 1 == len(await ingest.listed())
    assert 1 == len(await ingest.service.bus.read("sori.ingest.submission.>", after=0, most=10))


async def test_it_is_listed_by_source_and_by_reason(ingest: Ingest) -> None:
    for number in range(4):
        await ingest.line(b"{broken %d" % number)
    await ingest.feedback(text="x", rating="many", id="f-2")

    by_source = await ingest.listed(source="line-kr")
    reason = by_source[0].reason
    by_reason = await ingest.listed(reason=reason)

    assert [b"{broken %d" % number for number in range(4)] == [each.payload for each in by_source]
    assert by_source == by_reason
    assert [] == await ingest.listed(source="line-kr", reason="no_such")


async def test_all_of_a_reason_are_replayed_and_the_others_left(ingest: Ingest) -> None:
    for number in range(3):
        await ingest.line(b"{broken %d" % number)
    await ingest.feedback(text="x", rating="many", id="f-3")
    reason = (await ingest.listed(source="line-kr"))[0].reason

    results = await ingest.replay(reason=reason)

    assert 3 == len(results)
    assert 4 == len(await ingest.listed())


async def test_discarding_ends_it_and_says_so(ingest: Ingest) -> None:
    await ingest.line(b"{broken")
    await ingest.feedback(text="x", rating="many", id="f-4")
    [first, second] = await ingest.listed()

    count = await ingest.discard(first.quarantine_id)

    assert 1 == count
    assert [second.quarantine_id] == [each.quarantine_id for each in await ingest.listed()]
    [discarded] = await ingest.service.bus.read("sori.ingest.submission.discarded.v1", after=0, most=5)
    event = open_as(SubmissionDiscarded, discarded.data, discarded.headers)
    assert (first.quarantine_id, "line-kr") == (event.message.quarantine_id, event.message.source)
    assert 1 == await ingest.discard(all=True)
    assert [] == await ingest.listed()


async def test_one_is_shown_whole(ingest: Ingest) -> None:
    body = b'{"events": [' + b"\xff" * 100
    await ingest.line(body)
    [kept] = await ingest.listed()

    answer = await ingest.stub.GetQuarantined(
        pb.GetQuarantinedRequest(quarantine_id=kept.quarantine_id), metadata=ingest.metadata
    )

    assert (body, len(body), False) == (
        answer.submission.payload,
        answer.submission.size_bytes,
        answer.submission.truncated,
    )


async def test_a_submission_over_grpc_is_replayed_too(ingest: Ingest) -> None:
    wrong = builders.a_touchpoint(text="아직 아니에요")
    wrong.ClearField("occurred_time")
    await ingest.stub.SubmitTouchpoints(
        pb.SubmitTouchpointsRequest(touchpoints=[wrong]), metadata=ingest.service.metadata()
    )

    [result] = await ingest.replay(all=True)

    assert ["occurred_time"] == [each.field for each in result.rejected.violations]
    [kept] = await ingest.listed(reason="normal_form")
    assert result.quarantine_id == kept.quarantine_id


@pytest.mark.parametrize(
    ("selection", "code"),
    [
        (pb.QuarantineSelection(), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.QuarantineSelection(quarantine_ids=["x"]), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.QuarantineSelection(quarantine_ids=[NOBODY], all=True), grpc.StatusCode.INVALID_ARGUMENT),
        (pb.QuarantineSelection(quarantine_ids=[NOBODY]), grpc.StatusCode.NOT_FOUND),
    ],
)
async def test_a_selection_must_say_what_is_meant(
    ingest: Ingest, selection: pb.QuarantineSelection, code: grpc.StatusCode
) -> None:
    for call in (
        ingest.stub.ReplayQuarantined(pb.ReplayQuarantinedRequest(selection=selection), metadata=ingest.metadata),
        ingest.stub.DiscardQuarantined(pb.DiscardQuarantinedRequest(selection=selection), metadata=ingest.metadata),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        assert code is refused.value.code()
        assert rpc.with_details(refused.value)[0]


async def test_what_is_good_of_a_payload_goes_on_and_is_not_doubled_by_a_replay(ingest: Ingest) -> None:
    good = {"text": "첫째", "id": "g-1"}
    answer = await ingest.http.post("/hooks/kiosk/secret", json=[good, {"text": "둘째", "rating": "many", "id": "g-2"}])

    [result] = await ingest.replay(all=True)

    assert 202 == answer.status_code
    assert 1 == len(answer.json()["accepted"])
    assert result.HasField("rejected")
    assert ["첫째"] == await ingest.texts()
    assert json.loads((await ingest.listed())[0].payload)[0] == good


class Journey(journey_service_pb2_grpc.JourneyServiceServicer):
    """Stands in for journey: knows what the erased were called, and keeps what it is told."""

    def __init__(self, *erased: str) -> None:
        self._erased = erased
        self.answers: list[tuple[str, str, int]] = []

    async def FindErased(
        self, request: journey_service_pb2.FindErasedRequest, context: rpc.Context
    ) -> journey_service_pb2.FindErasedResponse:
        places = [place for place, value in enumerate(request.values) if value in self._erased]
        return journey_service_pb2.FindErasedResponse(places=places)

    async def AnswerErasure(
        self, request: journey_service_pb2.AnswerErasureRequest, context: rpc.Context
    ) -> journey_service_pb2.AnswerErasureResponse:
        self.answers.append((request.erasure_id, request.service, request.removed_count))
        return journey_service_pb2.AnswerErasureResponse()


async def test_nothing_of_who_was_erased_stays_in_quarantine(engines: Engines, tmp_path: Path) -> None:
    journey, server = Journey("+821012345678", "member-00077"), grpc.aio.server()
    journey_service_pb2_grpc.add_JourneyServiceServicer_to_server(journey, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    (tmp_path / "token").write_text("token")
    env = {
        "SORI_INGEST_JOURNEY_TARGET": f"127.0.0.1:{port}",
        "SORI_INGEST_SERVICE_TOKEN_FILE": str(tmp_path / "token"),
    }
    async with harness.serving("ingest", engines, env=env) as service:
        wrong = [
            builders.a_touchpoint(external_id=f"w-{number}", identifiers=[(kind, value)])
            for number, (kind, value) in enumerate(
                [("phone", "010-1234-5678"), ("member_id", "member-00077"), ("email", "park@example.kr")]
            )
        ]
        for each in wrong:
            each.ClearField("occurred_time")
        stub = pb_grpc.IngestServiceStub(service.channel)
        await stub.SubmitTouchpoints(pb.SubmitTouchpointsRequest(touchpoints=wrong), metadata=service.metadata())
        erased = CustomerErased(erasure_id=NOBODY, part=1, part_count=1)

        await service.publish(Event.new(erased, entity_id=NOBODY, time=builders.NOON))

        await harness.until(lambda: _answered(journey))
        left = await stub.ListQuarantine(pb.ListQuarantineRequest(), metadata=service.metadata())
        stored = [each.data for each in await service.bus.read(">", after=0, most=100)]
    await server.stop(None)
    assert [(NOBODY, "ingest", 2)] == journey.answers
    assert [b"park@example.kr"] == [
        each
        for each in (b"01012345678", b"010-1234-5678", b"member-00077", b"park@example.kr")
        if each in b"".join(stored)
    ]
    assert 1 == len(left.submissions)


async def _answered(journey: Journey) -> bool:
    return bool(journey.answers)
