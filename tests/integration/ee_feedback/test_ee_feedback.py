"""Ee-feedback on real engines, beside a classify that speaks the real protocol."""

import asyncio
import contextlib
import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import grpc
import pytest
import pytest_asyncio

import harness
from engines import Engines
from sori.classify.v1 import classification_pb2
from sori.classify.v1 import classify_service_pb2 as classify_pb
from sori.classify.v1 import classify_service_pb2_grpc as classify_grpc
from sori.ee_feedback.v1 import ee_feedback_service_pb2 as pb
from sori.ee_feedback.v1 import ee_feedback_service_pb2_grpc as pb_grpc
from sori.ee_feedback.v1 import pulse_events_pb2, voice_events_pb2, voice_pb2
from sori_ee_feedback import main, usecases
from sori_ee_feedback.settings import Settings
from sori_kit import rpc
from sori_kit.bus import Stored
from sori_kit.service import Runtime
from sori_local import engines as local
from sori_local.tokens import LocalIssuer

MONDAY = dt.datetime(2026, 11, 16, 1, 0, tzinfo=dt.UTC)  # 10 o'clock in Seoul.
WEEK = "2026-W46"  # The week before; it has ended.
THIS_WEEK = "2026-W47"
SEOUL = ZoneInfo("Asia/Seoul")
GANGNAM, JEJU, BUSAN = "shop-gangnam", "shop-jeju", "shop-busan"
RELEASED = "sori.ee_feedback.voice.released.v1"
FLAGGED = "sori.ee_feedback.voice.flagged.v1"
PULSED = "sori.ee_feedback.pulse.released.v1"
SUBJECT = "employee-number-{}@sori.example"


class Classify(classify_grpc.ClassifyServiceServicer):
    """Finds danger and abuse in two words, and remembers how it was asked."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.tokens: set[str] = set()
        self.texts: list[str] = []

    async def Classify(
        self, request: classify_pb.ClassifyRequest, context: rpc.Context
    ) -> classify_pb.ClassifyResponse:
        self.batches.append(len(request.texts))
        self.texts += request.texts
        self.tokens |= {str(value) for key, value in context.invocation_metadata() or () if key == "authorization"}
        return classify_pb.ClassifyResponse(
            classifications=[
                classification_pb2.Classification(
                    sentiment=classification_pb2.SENTIMENT_NEGATIVE,
                    topics=["safety"] if "다쳤" in text else ["pay"],
                    abusive="바보" in text,
                    model_version="test",
                )
                for text in request.texts
            ]
        )

    async def GetModelCard(
        self, request: classify_pb.GetModelCardRequest, context: rpc.Context
    ) -> classify_pb.GetModelCardResponse:
        return classify_pb.GetModelCardResponse(model_version="test")


@dataclass
class Clock:
    """A clock that a test sets."""

    time: dt.datetime = MONDAY

    def now(self) -> dt.datetime:
        return self.time


@dataclass
class Staff:
    """The service under test, and the people around it."""

    harness: harness.Harness
    classify: Classify
    port: int  # on which classify listens or will listen
    clock: Clock

    @property
    def stub(self) -> pb_grpc.EeFeedbackServiceStub:
        return pb_grpc.EeFeedbackServiceStub(self.harness.channel)

    async def speak(self, number: int, text: str, org_unit: str = GANGNAM) -> str:
        answer = await self.stub.SubmitVoice(
            pb.SubmitVoiceRequest(text=text, org_unit=org_unit),
            metadata=self.harness.metadata("employee", subject=SUBJECT.format(number)),
        )
        return answer.receipt

    async def answer(self, number: int, score: int | None, org_unit: str = GANGNAM) -> None:
        await self.stub.SubmitPulse(
            pb.SubmitPulseRequest(score=score, org_unit=org_unit),
            metadata=self.harness.metadata("employee", subject=SUBJECT.format(number)),
        )

    async def hand_in(
        self, *responses: pb.ImportedResponse, request_id: str | None = None
    ) -> pb.ImportResponsesResponse:
        return await self.stub.ImportResponses(
            pb.ImportResponsesRequest(request_id=request_id or str(uuid.uuid4()), responses=responses),
            metadata=self.harness.metadata("admin"),
        )

    async def voices(self, page_size: int = 500) -> list[voice_pb2.ReleasedVoice]:
        found, token = list[voice_pb2.ReleasedVoice](), ""
        while True:
            page = await self.stub.ListReleasedVoices(
                pb.ListReleasedVoicesRequest(page_size=page_size, page_token=token),
                metadata=self.harness.metadata("hr.read"),
            )
            found += page.voices
            token = page.next_page_token
            if not token:
                return found

    async def pulse(self, org_unit: str = "") -> dict[tuple[str, str], voice_pb2.PulseResult]:
        answer = await self.stub.GetPulse(
            pb.GetPulseRequest(org_unit=org_unit), metadata=self.harness.metadata("hr.read")
        )
        return {(each.org_unit, each.week): each for each in answer.results}

    async def tally(self) -> pb.GetTallyResponse:
        return await self.stub.GetTally(pb.GetTallyRequest(), metadata=self.harness.metadata("hr.read"))

    async def all_done(self) -> None:
        """Wait until everything that may be released is on the stream."""

        async def done() -> bool:
            return (await self.tally()).release_pending_count == 0 == await self.harness.count("outbox")

        await harness.until(done)

    async def look(self) -> None:
        """Look once more at what may be released, so that what is still withheld is withheld on purpose."""
        rules = usecases.Rules(secret=b"", zone=SEOUL, k_comments=8, k_scores=5, settle=dt.timedelta())
        await usecases.release(self.harness.db, rules, now=self.clock.now(), rng=random.SystemRandom())

    async def stream(self, subject: str) -> list[Stored]:
        return await self.harness.bus.read(subject, after=0, most=1000)

    async def dump(self) -> str:
        """Everything that the database holds, as text."""
        async with self.harness.db.transaction() as tx:
            tables = (await tx.execute("select tablename from pg_tables where schemaname = 'public'")).scalars()
            rows = [
                row
                for table in tables
                for row in (await tx.execute(f"select cast(t as text) from {table} as t")).scalars()
            ]
        return "\n".join(rows)


def a_response(
    person: str, *, text: str = "", score: int | None = None, org_unit: str = GANGNAM, week: str = WEEK
) -> pb.ImportedResponse:
    return pb.ImportedResponse(respondent_key=person, org_unit=org_unit, week=week, score=score, text=text)


def voices_of(count: int, *, start: int = 0, org_unit: str = GANGNAM, week: str = WEEK) -> list[pb.ImportedResponse]:
    return [
        a_response(f"respondent-{number}", text=f"업무가 너무 많아요 {number}", org_unit=org_unit, week=week)
        for number in range(start, start + count)
    ]


def marks_of(scores: list[int], org_unit: str = GANGNAM, start: int = 0) -> list[pb.ImportedResponse]:
    return [a_response(f"respondent-{start + n}", score=score, org_unit=org_unit) for n, score in enumerate(scores)]


@contextlib.asynccontextmanager
async def classifying(servicer: Classify, port: int) -> AsyncIterator[None]:
    server = grpc.aio.server()
    classify_grpc.add_ClassifyServiceServicer_to_server(servicer, server)
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield
    finally:
        await server.stop(0)


@contextlib.asynccontextmanager
async def serving(engines: Engines, port: int, **env: str) -> AsyncIterator[Staff]:
    secret, token = engines.folder / "secret", engines.folder / "token"
    secret.write_bytes(b"s" * 32)
    token.write_text("token-of-ee-feedback\n")
    clock = Clock()

    async def build(runtime: Runtime, given: Settings) -> None:
        runtime.clock = clock
        await main.build(runtime, given)

    values = {
        "SECRET_FILE": str(secret),
        "CLASSIFY_TARGET": f"127.0.0.1:{port}",
        "SERVICE_TOKEN_FILE": str(token),
        "RELEASE_SECONDS": "0.05",
        "SETTLE_SECONDS": "0",
        "SHUFFLE_SECONDS": "0.05",
        "RETRY_SECONDS": "0.05",
        **env,
    }
    prefixed = {f"SORI_EE_FEEDBACK_{name}": value for name, value in values.items()}
    async with harness.serving("ee-feedback", engines, env=prefixed, build=build) as running:
        yield Staff(running, Classify(), port, clock)


@pytest_asyncio.fixture
async def staff(engines: Engines) -> AsyncIterator[Staff]:
    async with serving(engines, local.free_port()) as made, classifying(made.classify, made.port):
        yield made


async def refused(call: object) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await call  # type: ignore[misc]
    return error.value


async def test_seven_authors_are_withheld_everywhere(staff: Staff) -> None:
    for number in range(7):
        await staff.speak(number, f"야근이 너무 많아요 {number}")
    await staff.speak(0, "또 야근이에요")
    staff.clock.time += dt.timedelta(weeks=1)

    await staff.hand_in(*voices_of(8, org_unit=BUSAN))
    await staff.look()
    await staff.all_done()

    tally = await staff.tally()
    assert {BUSAN} == {voice.org_unit for voice in await staff.voices()}
    assert 8 == await staff.harness.published(RELEASED)
    assert (tally.voice_count, tally.released_voice_count, tally.withheld_voice_count) == (16, 8, 8)


async def test_the_eighth_author_releases_all_shuffled_and_none_earlier(staff: Staff) -> None:
    texts = [f"휴게 시간이 없어요 {number}" for number in range(8)]
    for number, text in enumerate(texts):
        await staff.speak(number, text)
    await staff.look()
    before = [voice for voice in await staff.voices() if voice.org_unit == GANGNAM]

    staff.clock.time += dt.timedelta(weeks=1)
    await staff.all_done()

    after = [voice for voice in await staff.voices() if voice.org_unit == GANGNAM]
    assert not before  # The week had not ended.
    assert sorted(voice.text for voice in after) == sorted(texts)
    assert {voice.week for voice in after} == {THIS_WEEK}


async def test_released_events_hold_neither_subject_nor_a_time_finer_than_the_week(staff: Staff) -> None:
    texts = [f"장비가 낡았어요 {number}" for number in range(12)]
    for number, text in enumerate(texts):
        await staff.speak(number, text)
    staff.clock.time += dt.timedelta(weeks=1)

    await staff.all_done()

    events = await staff.stream(RELEASED)
    told = [voice_events_pb2.VoiceReleased.FromString(event.data).voice for event in events]
    everything = b"".join(event.data + repr(event.headers).encode() for event in events)
    assert sorted(voice.text for voice in told) == sorted(texts)
    assert [voice.text for voice in told] != texts  # One time in 479 million this is bad luck.
    assert {event.headers["ce-time"] for event in events} == {"2026-11-15T15:00:00+00:00"}
    assert len({event.headers["ce-correlationid"] for event in events}) == len(events)
    assert not any("traceparent" in event.headers or "ce-causationid" in event.headers for event in events)
    assert not any(SUBJECT.format(number).encode() in everything for number in range(12))
    assert all(voice.classification.model_version == "test" for voice in told)


async def test_a_second_batch_waits_for_a_crowd_of_its_own(staff: Staff) -> None:
    await staff.hand_in(*voices_of(8))
    await staff.all_done()

    await staff.hand_in(*voices_of(7, start=5))  # Three of them have spoken before.
    await staff.look()
    between = await staff.tally()
    await staff.hand_in(*voices_of(1, start=50))
    await staff.all_done()

    assert (between.released_voice_count, between.withheld_voice_count) == (8, 7)
    assert (await staff.tally()).released_voice_count == 16


async def test_many_voices_of_few_people_are_withheld(staff: Staff) -> None:
    await staff.hand_in(*voices_of(7), *voices_of(7), *voices_of(7))

    await staff.look()

    assert not await staff.voices()
    assert (await staff.tally()).withheld_voice_count == 21


async def test_a_second_pulse_of_the_week_is_refused_and_changes_nothing(staff: Staff) -> None:
    await staff.answer(1, 9)

    error = await refused(staff.answer(1, 0))

    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert (await staff.tally()).pulse_answer_count == 1


async def test_a_pulse_of_zero_counts_and_a_missing_one_is_named(staff: Staff) -> None:
    await staff.answer(1, 0)

    error = await refused(staff.answer(2, None))

    _, violations = rpc.with_details(error)
    assert ["score"] == [each.field for each in violations]
    assert (await staff.tally()).pulse_answer_count == 1


async def test_pulses_show_from_five_people_on_and_only_after_the_week(staff: Staff) -> None:
    for number, score in enumerate([10, 9, 9, 7, 0]):
        await staff.answer(number, score)
    await staff.answer(10, 3, JEJU)
    await staff.look()
    during = await staff.pulse()
    staff.clock.time += dt.timedelta(weeks=1)

    await staff.all_done()

    found = await staff.pulse()
    shown, withheld = found[GANGNAM, THIS_WEEK], found[JEJU, THIS_WEEK]
    assert not during
    assert (shown.respondent_count, shown.promoter_count, shown.detractor_count) == (5, 3, 1)
    assert shown.enps == pytest.approx(40.0)
    assert shown.enps_low < shown.enps < shown.enps_high
    assert withheld == voice_pb2.PulseResult(org_unit=JEJU, week=THIS_WEEK, withheld=True)
    assert ("", THIS_WEEK) not in found  # It would tell of the one in Jeju.


async def test_a_pulse_is_announced_once_and_takes_no_more_answers(staff: Staff) -> None:
    await staff.hand_in(*marks_of([10, 9, 9, 7, 0]))
    await staff.all_done()

    late = await refused(staff.hand_in(a_response("late", score=1), *voices_of(1, org_unit=BUSAN)))
    known = await staff.hand_in(*marks_of([1, 1, 1, 1, 1]))
    await staff.all_done()

    [event] = await staff.stream(PULSED)
    result = pulse_events_pb2.PulseReleased.FromString(event.data).result
    assert late.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert (known.pulse_count, known.duplicate_count) == (0, 5)
    assert result == (await staff.pulse())[GANGNAM, WEEK]
    assert (await staff.tally()).voice_count == 0  # All or nothing.


async def test_the_total_is_shown_when_it_tells_of_nobody(staff: Staff) -> None:
    await staff.hand_in(*marks_of([10] * 6), *marks_of([0] * 5, BUSAN, start=20))

    await staff.all_done()

    total = (await staff.pulse())["", WEEK]
    assert (total.respondent_count, total.promoter_count, total.detractor_count) == (11, 6, 5)
    assert ("", WEEK) not in await staff.pulse(BUSAN)
    assert 2 == await staff.harness.published(PULSED)  # The total is no org unit's.


async def test_importing_twice_adds_nothing(staff: Staff) -> None:
    request_id = str(uuid.uuid4())
    responses = [*voices_of(3), *marks_of([9, 8]), *marks_of([1])]

    first = await staff.hand_in(*responses, request_id=request_id)
    second = await staff.hand_in(*responses, request_id=request_id)

    tally = await staff.tally()
    assert first == second
    assert (first.voice_count, first.pulse_count, first.duplicate_count) == (3, 2, 1)
    assert (tally.voice_count, tally.pulse_answer_count) == (3, 2)


async def test_an_import_that_is_wrong_somewhere_adds_nothing_and_names_it(staff: Staff) -> None:
    wrong = [
        a_response("", text="a"),
        a_response("a", text="a", org_unit=""),
        a_response("a", text="a", week="2026-46"),
        a_response("a", text="a", week=THIS_WEEK),
        a_response("a", score=11),
        a_response("a"),
        a_response("a", text="비밀\0번호"),
    ]

    error = await refused(staff.hand_in(*voices_of(1), *wrong))

    _, violations = rpc.with_details(error)
    fields = ["respondent_key", "org_unit", "week", "week", "score", "text", "text"]
    assert [f"responses[{index}].{name}" for index, name in enumerate(fields, 1)] == [each.field for each in violations]
    assert "비밀" not in str(error.details()) + str(violations)
    assert 0 == await staff.harness.count("voice")


@pytest.mark.parametrize(
    ("request_", "field_name"),
    [
        (pb.SubmitVoiceRequest(text="", org_unit=GANGNAM), "text"),
        (pb.SubmitVoiceRequest(text="가" * 10_001, org_unit=GANGNAM), "text"),
        (pb.SubmitVoiceRequest(text="가\0", org_unit=GANGNAM), "text"),
        (pb.SubmitVoiceRequest(text="가"), "org_unit"),
        (pb.SubmitVoiceRequest(text="가", org_unit="a\nb"), "org_unit"),
    ],
)
async def test_a_voice_that_cannot_be_kept_is_refused_by_field(
    staff: Staff, request_: pb.SubmitVoiceRequest, field_name: str
) -> None:
    error = await refused(staff.stub.SubmitVoice(request_, metadata=staff.harness.metadata("employee")))

    _, violations = rpc.with_details(error)
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [field_name] == [each.field for each in violations]


async def test_personal_numbers_reach_neither_classify_nor_the_database(staff: Staff) -> None:
    await staff.speak(1, "점장 010-1234-5678 때문에 힘들어요")

    assert ["점장 [phone] 때문에 힘들어요"] == staff.classify.texts
    assert "1234" not in (await staff.dump()).replace(THIS_WEEK, "")


async def test_classify_is_asked_in_batches_and_never_in_the_name_of_an_author(staff: Staff) -> None:
    await staff.hand_in(*voices_of(1201))
    await staff.speak(1, "하나 더")

    assert [500, 500, 201, 1] == staff.classify.batches
    assert {"Bearer token-of-ee-feedback"} == staff.classify.tokens


async def test_danger_is_flagged_at_once_without_words_or_author(staff: Staff) -> None:
    await staff.speak(1, "창고에서 다쳤는데 바보라고 했어요")

    async def flagged() -> bool:
        return await staff.harness.published(FLAGGED) == 1 and await staff.harness.count("outbox") == 0

    await harness.until(flagged)
    [event] = await staff.stream(FLAGGED)
    flag = voice_events_pb2.VoiceFlagged.FromString(event.data)
    assert (flag.org_unit, flag.week, list(flag.reasons)) == (GANGNAM, THIS_WEEK, ["abuse", "safety"])
    assert event.headers["ce-time"] == "2026-11-15T15:00:00+00:00"
    assert flag.flag_id not in await staff.dump()
    assert (await staff.tally()).flag_count == 1
    assert not await staff.voices()


async def test_a_voice_is_taken_while_classify_is_away_and_flagged_when_it_is_back(engines: Engines) -> None:
    async with serving(engines, local.free_port()) as staff:
        receipt = await staff.speak(1, "계단에서 다쳤어요")
        before = (await staff.tally()).flag_count

        async with classifying(staff.classify, staff.port):

            async def flagged() -> bool:
                return await staff.harness.published(FLAGGED) == 1

            await harness.until(flagged)

        assert receipt
        assert before == 0
        assert (await staff.tally()).flag_count == 1


async def test_voices_are_released_even_if_classify_never_comes_back(engines: Engines) -> None:
    async with serving(engines, local.free_port()) as staff:
        await staff.hand_in(*voices_of(8))

        await staff.all_done()

        assert [True] * 8 == [voice.classification.degraded for voice in await staff.voices()]


async def test_a_week_rests_after_an_import_for_its_next_part(engines: Engines) -> None:
    async with serving(engines, local.free_port(), SETTLE_SECONDS="60") as staff:
        await staff.hand_in(*voices_of(8), *marks_of([9] * 5))
        first = await staff.tally()
        await staff.hand_in(*voices_of(4, start=20), *marks_of([9] * 4, start=20))

        staff.clock.time += dt.timedelta(seconds=61)
        await staff.all_done()

        assert (first.released_voice_count, first.release_pending_count) == (0, 3)  # Voices, shop, total.
        assert 12 == len(await staff.voices())
        assert (await staff.pulse())[GANGNAM, WEEK].respondent_count == 9


async def test_pages_are_complete_newest_week_first_and_in_no_order_of_arrival(staff: Staff) -> None:
    await staff.hand_in(*voices_of(9), *voices_of(9, week="2026-W45"), *voices_of(9, org_unit=BUSAN))
    await staff.all_done()

    pages = await staff.voices(page_size=4)

    assert Counter({WEEK: 18, "2026-W45": 9}) == Counter(voice.week for voice in pages)
    assert [voice.week for voice in pages] == sorted((voice.week for voice in pages), reverse=True)
    assert len({voice.voice_id for voice in pages}) == 27
    assert pages == await staff.voices()
    assert [voice.org_unit for voice in pages[:18]] != sorted(voice.org_unit for voice in pages[:18])


async def test_a_page_token_of_somebody_else_is_refused(staff: Staff) -> None:
    token = "WyJhIiwgImIiLCAiYyJd"  # ["a", "b", "c"]

    error = await refused(
        staff.stub.ListReleasedVoices(
            pb.ListReleasedVoicesRequest(page_token=token), metadata=staff.harness.metadata("cx.read")
        )
    )

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_the_database_holds_no_person_no_receipt_and_no_key(staff: Staff) -> None:
    receipts = [await staff.speak(number, f"말하기 어려워요 {number}") for number in range(9)]
    for number in range(9):
        await staff.answer(number, number)
    await staff.hand_in(*voices_of(9), *marks_of([1] * 6, JEJU))
    staff.clock.time += dt.timedelta(weeks=1)
    await staff.all_done()

    dump = await staff.dump()

    people = [SUBJECT.format(number) for number in range(9)] + [f"respondent-{number}" for number in range(9)]
    assert "말하기 어려워요 3" in dump  # The dump is one.
    assert not [each for each in people + receipts if each in dump or each.encode().hex() in dump]


async def test_what_came_together_does_not_stay_together_on_disk(staff: Staff) -> None:
    for number in range(6):
        await staff.speak(number, f"아무도 모르게 {number}")
        await staff.answer(number, number)

    async def shuffled() -> bool:
        async with staff.harness.db.transaction() as tx:
            rows = await tx.execute(
                "select count(distinct cast(xmin as text)) from voice"
                " union all select count(distinct cast(xmin as text)) from participation"
            )
            return list(rows.scalars()) == [1, 1]

    await harness.until(shuffled)
    async with staff.harness.db.transaction() as tx:
        hashes = (await tx.execute("select person_hash from participation order by ctid")).scalars()
    assert 6 == await staff.harness.count("voice")
    assert hashes == sorted(hashes)


async def test_a_voice_counts_only_with_its_author(staff: Staff) -> None:
    """A process that dies between the two leaves the crowd counted too small, never too large."""
    await staff.hand_in(*voices_of(7))
    async with staff.harness.db.transaction() as tx:
        await tx.execute(
            "insert into voice (voice_id, org_unit, week, text, position, released, shuffled)"
            " values (gen_random_uuid(), :unit, :week, '여덟 번째', 0.5, false, true)",
            {"unit": GANGNAM, "week": WEEK},
        )

    await staff.look()
    before = await staff.tally()
    await staff.hand_in(*voices_of(1, start=7))
    await staff.all_done()

    assert (before.released_voice_count, before.withheld_voice_count) == (0, 8)
    assert (await staff.tally()).released_voice_count == 9


async def test_replicas_release_each_voice_once(staff: Staff) -> None:
    await staff.hand_in(*voices_of(20), *marks_of([9] * 7))
    await asyncio.gather(*(staff.look() for _ in range(4)))
    await staff.all_done()

    assert 20 == await staff.harness.published(RELEASED)
    assert 1 == await staff.harness.published(PULSED)


@pytest.mark.parametrize(
    ("role", "call"),
    [
        ("hr.read", lambda stub: (stub.SubmitVoice, pb.SubmitVoiceRequest())),
        ("employee", lambda stub: (stub.ListReleasedVoices, pb.ListReleasedVoicesRequest())),
        ("cx.read", lambda stub: (stub.GetPulse, pb.GetPulseRequest())),
        ("hr.read", lambda stub: (stub.ImportResponses, pb.ImportResponsesRequest())),
    ],
)
async def test_nobody_does_what_their_role_does_not_allow(
    staff: Staff, role: str, call: Callable[[pb_grpc.EeFeedbackServiceStub], tuple[Callable[..., object], object]]
) -> None:
    method, request = call(staff.stub)

    error = await refused(method(request, metadata=staff.harness.metadata(role)))

    assert error.code() is grpc.StatusCode.PERMISSION_DENIED


@contextlib.asynccontextmanager
async def replica(engines: Engines, log: Path) -> AsyncIterator[grpc.aio.Channel]:
    """A second replica, as the process that is deployed; no classify answers it."""
    issuer, port = LocalIssuer(engines.folder / "issuer"), local.free_port()
    env = {**os.environ, **harness.environment("ee-feedback", engines, issuer, {})} | {
        "SORI_EE_FEEDBACK_GRPC_PORT": str(port),
        "SORI_EE_FEEDBACK_SECRET_FILE": str(engines.folder / "secret"),
        "SORI_EE_FEEDBACK_SERVICE_TOKEN_FILE": str(engines.folder / "token"),
        "SORI_EE_FEEDBACK_CLASSIFY_TARGET": f"127.0.0.1:{local.free_port()}",
        "SORI_LOG_LEVEL": "DEBUG",
    }
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "sori-ee-feedback", "serve", env=env, stdout=written, stderr=written
        )
        try:
            async with rpc.channel(f"127.0.0.1:{port}") as channel:
                await asyncio.wait_for(channel.channel_ready(), 30)
                yield channel
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.wait_for(process.wait(), 30)


async def test_words_and_people_are_in_no_log_whatever_goes_wrong(
    staff: Staff, engines: Engines, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    employee = staff.harness.metadata("employee", subject=SUBJECT.format(1))
    async with replica(engines, log) as channel:
        stub = pb_grpc.EeFeedbackServiceStub(channel)
        async with constraint(staff, "text not like '%비밀 둘%'"):
            await stub.SubmitVoice(pb.SubmitVoiceRequest(text="비밀 하나", org_unit=GANGNAM), metadata=employee)
            failed = await refused(
                stub.SubmitVoice(pb.SubmitVoiceRequest(text="비밀 둘", org_unit=GANGNAM), metadata=employee)
            )
            await refused(stub.SubmitVoice(pb.SubmitVoiceRequest(text="비밀 셋"), metadata=employee))
            await refused(staff.hand_in(a_response("비밀 넷", text="비밀 다섯", week="비밀 여섯")))

    said = log.read_text()
    assert failed.code() is grpc.StatusCode.INTERNAL
    assert failed.details() == "internal error"
    assert "rpc.failed" in said
    assert "classify.away" in said
    assert "비밀" not in said
    assert json.dumps("비밀").strip('"') not in said
    assert SUBJECT.format(1) not in said


@contextlib.asynccontextmanager
async def constraint(staff: Staff, condition: str) -> AsyncIterator[None]:
    """Let the database fail on some texts, and quote them."""
    async with staff.harness.db.transaction() as tx:
        await tx.execute(f"alter table voice add constraint trap check ({condition})")
    try:
        yield
    finally:
        async with staff.harness.db.transaction() as tx:
            await tx.execute("alter table voice drop constraint trap")


def test_the_log_of_a_failure_quotes_neither_locals_nor_the_failing_row() -> None:
    program = """
import structlog
from sori_kit import logs
logs.configure("ee-feedback")
words = "아무도 보면 안 되는 말"
try:
    raise RuntimeError("new row violates a constraint\\nDETAIL:  Failing row contains (" + words + ")")
except RuntimeError as error:
    structlog.get_logger().error("rpc.failed", exc_info=error)
"""

    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "new row violates a constraint" in ended.stderr
    assert "아무도" not in ended.stderr + ended.stdout


def test_a_short_secret_stops_the_start(tmp_path: Path) -> None:
    short = tmp_path / "secret"
    short.write_bytes(b"short")
    settings = Settings.model_validate(
        {"grpc_port": 0, "secret_file": short, "classify_target": "127.0.0.1:1", "service_token_file": short}
    )

    with pytest.raises(ValueError, match="32 or more"):
        main.read_secret(settings)


@pytest.mark.parametrize("name", ["k_comments", "k_scores"])
def test_a_crowd_of_two_is_no_crowd(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings.model_validate(
            {
                "grpc_port": 0,
                "secret_file": tmp_path,
                "classify_target": "127.0.0.1:1",
                "service_token_file": tmp_path,
                name: 2,
            }
        )
