"""Cases on real engines: what people read of them, do to them, and how many promises were kept."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf.timestamp_pb2 import Timestamp

import builders
import harness
from engines import Engines
from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.ingest.v1.touchpoint_pb2 import CHANNEL_KAKAO, CHANNEL_WEB
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.notify.v1 import case_pb2, chain_pb2, evaluation_pb2, rule_pb2
from sori.notify.v1 import notify_service_pb2 as pb
from sori.notify.v1 import notify_service_pb2_grpc as pb_grpc
from sori_kit.envelope import Event

POLICIES = """\
calendars:
  office:
    zone: Asia/Seoul
    weekly: {mon-fri: ["09:00-12:00", "13:00-18:00"]}
    holidays: KR
policies:
  - name: kakao
    match: {channels: [kakao]}
    calendar: office
    warn_at: [50]
    first_response: {target: 5m, calendar: 24x7}
    total_resolution: 8h
  - name: rest
    first_response: 24h
"""
OPENED = "sori.notify.case.opened.v1"
MINUTE = dt.timedelta(minutes=1)


@pytest_asyncio.fixture
async def notify(engines: Engines, tmp_path: Path) -> AsyncIterator[harness.Harness]:
    path = tmp_path / "sla.yaml"
    path.write_text(POLICIES)
    (tmp_path / "playbooks").mkdir()
    (tmp_path / "playbooks" / "delivery.md").write_text("---\ntopics: [delivery]\n---\n1. look the order up\n2. call\n")
    env = {
        "SORI_NOTIFY_POLICY_PATH": str(path),
        "SORI_NOTIFY_SETTLE_SECONDS": "0.2",
        "SORI_NOTIFY_SWEEP_SECONDS": "0.05",
    }
    async with harness.serving("notify", engines, env=env) as running:
        yield running


def stub(notify: harness.Harness) -> pb_grpc.NotifyServiceStub:
    return pb_grpc.NotifyServiceStub(notify.channel)


async def opened(notify: harness.Harness, *events: Event[Any], count: int = 0) -> list[case_pb2.Case]:
    await notify.publish(*events)

    async def enough() -> bool:
        return await notify.published(OPENED) >= (count or len(events))

    await harness.until(enough)
    await notify.handled()  # Also what opens no case, such as a reply.
    answer = await stub(notify).ListCases(pb.ListCasesRequest(), metadata=notify.metadata())
    return list(answer.cases)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


async def test_what_people_do_is_kept_in_order_and_decides_the_state(notify: harness.Harness) -> None:
    (case,) = await opened(notify, builders.stitched(thread_id="t", occurred_time=now()))
    api, who, case_id = stub(notify), notify.metadata(subject="kim"), case.case_id
    states = []

    for answer in [
        await api.AssignCase(pb.AssignCaseRequest(case_id=case_id, team="cx", person="lee"), metadata=who),
        await api.SetPending(pb.SetPendingRequest(case_id=case_id), metadata=who),
        await api.SetOnHold(pb.SetOnHoldRequest(case_id=case_id), metadata=who),
        await api.SetOnHold(pb.SetOnHoldRequest(case_id=case_id, resume=True), metadata=who),
        await api.ResolveCase(pb.ResolveCaseRequest(case_id=case_id), metadata=who),
        await api.ReopenCase(pb.ReopenCaseRequest(case_id=case_id), metadata=who),
        await api.TagCase(pb.TagCaseRequest(case_id=case_id, tags=["vip"]), metadata=who),
        await api.SetSeverity(
            pb.SetSeverityRequest(case_id=case_id, severity=case_pb2.CASE_SEVERITY_HIGH), metadata=who
        ),
        await api.CloseCase(pb.CloseCaseRequest(case_id=case_id), metadata=who),
    ]:
        states.append(case_pb2.CaseState.Name(answer.case.state).removeprefix("CASE_STATE_"))
    found = await api.GetCase(pb.GetCaseRequest(case_id=case_id), metadata=who)

    assert ["NEW", "PENDING", "ON_HOLD", "OPEN", "RESOLVED", "REOPENED", "REOPENED", "REOPENED", "CLOSED"] == states
    assert ["assign", "set_pending", "set_on_hold", "resume", "resolve", "reopen", "tag", "set_severity", "close"] == [
        each.act for each in found.log
    ]
    assert {"kim"} == {each.actor for each in found.log}
    assert ("cx", "lee", ["vip"]) == (found.case.team, found.case.person, list(found.case.tags))
    assert case_pb2.CASE_SEVERITY_HIGH == found.case.severity


async def test_a_case_comes_with_its_messages_a_playbook_and_what_to_do_next(notify: harness.Harness) -> None:
    asked = builders.stitched(
        builders.a_classification(topics=["delivery"]), thread_id="t", occurred_time=now() - MINUTE
    )
    (case,) = await opened(notify, asked)

    found = await stub(notify).GetCase(pb.GetCaseRequest(case_id=case.case_id), metadata=notify.metadata("cx.read"))

    assert [(asked.entity_id, True)] == [(each.touchpoint_id, each.opens) for each in found.messages]
    assert ("delivery", "look the order up") == (found.playbook_name, found.suggested_step)
    assert 60 <= found.case.clock.working_seconds_used < 120


async def test_a_severe_case_shows_what_was_done_in_the_last_crisis(notify: harness.Harness) -> None:
    api, who = stub(notify), notify.metadata(subject="kim")
    severe: dict[str, Any] = {"attributes": {"severity": "critical"}}
    price = builders.a_classification(topics=["price"])
    start = now() - 30 * MINUTE
    (past,) = await opened(notify, builders.stitched(price, thread_id="past", occurred_time=start, **severe))
    for number, (kind, minutes) in enumerate((("reply", 4), ("resolution", 20))):
        await notify.publish(
            builders.stitched(
                price,
                thread_id="past",
                actor="agent",
                kind=kind,
                occurred_time=start + minutes * MINUTE,
                external_id=f"{number}",
            )
        )
    await api.TagCase(pb.TagCaseRequest(case_id=past.case_id, tags=["vip"]), metadata=who)

    async def over() -> bool:
        return await notify.count("matter where resolved_time is not null") == 1

    await harness.until(over)
    coming = [
        builders.stitched(price, thread_id="now", occurred_time=now() - MINUTE, **severe),
        builders.stitched(price, thread_id="mild", occurred_time=now() - MINUTE),
    ]
    cases = {each.thread_id: each for each in await opened(notify, *coming, count=3)}
    found = {
        name: await api.GetCase(pb.GetCaseRequest(case_id=each.case_id), metadata=who) for name, each in cases.items()
    }

    assert "last-crisis" == found["now"].playbook_name
    assert "1. +4m: 고객에게 답함 / customer answered" in found["now"].playbook
    assert "2. +20m: 상담 채널에서 해결로 표시함 / marked as resolved in its channel" in found["now"].playbook
    assert "3. +30m: vip 꼬리표를 붙임 / tagged vip" in found["now"].playbook
    assert "+4m: 고객에게 답함 / customer answered" == found["now"].suggested_step
    assert "" == found["mild"].playbook
    assert "" == found["past"].playbook


async def test_the_evidence_adds_up_to_the_second(notify: harness.Harness) -> None:
    friday = dt.datetime(2026, 11, 13, 8, 30, tzinfo=dt.UTC)  # half past five in Seoul
    thread = [
        builders.stitched(thread_id="t", occurred_time=friday),
        builders.stitched(thread_id="t", occurred_time=friday + MINUTE, kind="reply", actor="agent"),
        builders.stitched(thread_id="t", occurred_time=friday + dt.timedelta(days=3), kind="resolution", actor="agent"),
    ]
    (case,) = await opened(notify, *thread, count=1)

    async def resolved() -> bool:
        request = pb.GetCaseRequest(case_id=case.case_id)
        answer = await stub(notify).GetCase(request, metadata=notify.metadata())
        return answer.case.state == case_pb2.CASE_STATE_RESOLVED

    await harness.until(resolved)
    explained = await stub(notify).ExplainClock(
        pb.ExplainClockRequest(case_id=case.case_id, metric=case_pb2.CLOCK_METRIC_TOTAL_RESOLUTION),
        metadata=notify.metadata(),
    )

    (evidence,) = explained.clocks
    assert ("office", "Asia/Seoul", 16) == (evidence.calendar, evidence.zone, len(evidence.calendar_version))
    assert [1800.0, 10_800.0, 16_200.0] == [each.seconds for each in evidence.intervals]
    assert 28_800 == evidence.clock.working_seconds_used == evidence.clock.target_seconds
    assert case_pb2.CLOCK_STATE_FULFILLED == evidence.clock.state
    assert [evaluation_pb2.CLOCK_EVENT_TYPE_START, evaluation_pb2.CLOCK_EVENT_TYPE_FULFIL] == [
        each.type for each in evidence.events
    ]


async def test_attainment_counts_what_was_kept_and_is_nothing_where_nothing_ended(notify: harness.Harness) -> None:
    kept = builders.NOON - dt.timedelta(days=7)
    await opened(
        notify,
        builders.stitched(thread_id="kept", occurred_time=kept),
        builders.stitched(thread_id="late", occurred_time=kept),
        builders.stitched(thread_id="new", occurred_time=now(), channel="web"),
        builders.stitched(thread_id="kept", occurred_time=kept + MINUTE, kind="reply", actor="agent"),
        builders.stitched(thread_id="late", occurred_time=kept + 6 * MINUTE, kind="reply", actor="agent"),
        count=3,
    )

    async def counted() -> bool:
        return await notify.count("case_clock where state in ('fulfilled', 'breached')") >= 2

    await harness.until(counted)
    api, who = stub(notify), notify.metadata("cx.read")
    first = case_pb2.CLOCK_METRIC_FIRST_RESPONSE
    answer = await api.GetAttainment(pb.GetAttainmentRequest(metric=first, from_time=kept), metadata=who)
    other = await api.EvaluatePolicy(
        pb.EvaluatePolicyRequest(policies="policies: [{name: slow, first_response: 10m}]", from_time=kept), metadata=who
    )

    kakao, web = sorted(answer.attainments, key=lambda each: each.channel)[::-1]
    if kakao.channel != CHANNEL_KAKAO:
        kakao, web = web, kakao
    assert ("kakao", "2026-W44", 1, 1, 50.0) == (
        kakao.policy,
        kakao.week,
        kakao.attained_count,
        kakao.breached_count,
        kakao.percentage,
    )
    assert (CHANNEL_WEB, 1, False) == (web.channel, web.running_count, web.HasField("percentage"))
    assert 50.0 == answer.total.percentage
    assert [100.0] == [each.percentage for each in other.evaluated if each.channel == CHANNEL_KAKAO]


@pytest.mark.parametrize(
    ("rpc", "fields"),
    [
        ("GetAttainment", {"until_time": Timestamp(seconds=10**15)}),
        ("GetAttainment", {"until_time": Timestamp(seconds=-62135596800)}),
        ("GetAttainment", {"policy": "a\0b"}),
        ("ListCases", {"org_unit": "a\0b"}),
        ("ListCases", {"filter": pb.CaseFilter(topic="a\0b")}),
        ("SnoozeChains", {"until_time": Timestamp(seconds=10**15)}),
        ("TestRules", {"start_time": Timestamp(seconds=-(10**15))}),
    ],
)
async def test_what_cannot_be_is_the_callers_mistake(notify: harness.Harness, rpc: str, fields: dict[str, Any]) -> None:
    kinds = {**vars(rule_pb2), **vars(chain_pb2), **vars(pb)}
    request = kinds[f"{rpc}Request"](**fields)

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(stub(notify), rpc)(request, metadata=notify.metadata())

    assert grpc.StatusCode.INVALID_ARGUMENT is refused.value.code()


async def test_where_there_are_no_threads_a_reply_about_the_topic_answers(notify: harness.Harness) -> None:
    topic, who = builders.a_classification(topics=["delivery"]), str(uuid.UUID(int=1))
    asked, replied = now() - 2 * MINUTE, now() - MINUTE

    (case,) = await opened(
        notify,
        builders.stitched(topic, channel="web", customer_id=who, occurred_time=asked),
        builders.stitched(topic, channel="web", customer_id=who, occurred_time=replied, kind="reply", actor="agent"),
        count=1,
    )

    assert (case_pb2.CASE_STATE_OPEN, case_pb2.CLOCK_STATE_FULFILLED) == (case.state, case.clock.state)


async def test_a_watch_tells_of_every_change_and_resumes_where_it_was_left(notify: harness.Harness) -> None:
    call = stub(notify).WatchCases(pb.WatchCasesRequest(), metadata=notify.metadata("cx.read"))
    begun = await asyncio.wait_for(call.read(), 10)
    assert isinstance(begun, pb.WatchCasesResponse)

    (case,) = await opened(notify, builders.stitched(thread_id="t", occurred_time=now()))
    seen = await asyncio.wait_for(call.read(), 10)
    call.cancel()
    await stub(notify).ResolveCase(pb.ResolveCaseRequest(case_id=case.case_id), metadata=notify.metadata())
    assert isinstance(seen, pb.WatchCasesResponse)
    again = stub(notify).WatchCases(
        pb.WatchCasesRequest(resume_token=seen.resume_token), metadata=notify.metadata("cx.read")
    )
    await asyncio.wait_for(again.read(), 10)
    changed = await asyncio.wait_for(again.read(), 10)
    again.cancel()

    assert isinstance(changed, pb.WatchCasesResponse)
    assert not begun.HasField("case")
    assert [(case.case_id, case_pb2.CASE_STATE_NEW), (case.case_id, case_pb2.CASE_STATE_RESOLVED)] == [
        (each.case.case_id, each.case.state) for each in (seen, changed)
    ]


async def test_without_threads_a_customers_cases_about_one_topic_are_one_and_merge_with_the_customers(
    notify: harness.Harness,
) -> None:
    one, other = uuid.UUID(int=1), uuid.UUID(int=2)
    topic = builders.a_classification(topics=["delivery"])
    first = now() - 2 * MINUTE
    await opened(
        notify,
        builders.stitched(topic, channel="web", customer_id=str(one), occurred_time=first),
        builders.stitched(topic, channel="web", customer_id=str(one), occurred_time=first + MINUTE),
        builders.stitched(topic, channel="web", customer_id=str(other), occurred_time=first + MINUTE / 2),
        count=2,
    )
    merge = CustomerMerged(customer_id=str(one), merged_customer_id=str(other), graph_version=1)

    await notify.publish(Event.new(merge, entity_id=str(one), time=builders.NOON))

    async def regrouped() -> bool:
        return await notify.count("(select distinct case_id from thread_event) as t") == 1

    await harness.until(regrouped)
    answer = await stub(notify).ListCases(pb.ListCasesRequest(), metadata=notify.metadata())
    assert 2 == len(answer.cases)
    running = [each for each in answer.cases if each.clock.state == case_pb2.CLOCK_STATE_RUNNING]
    assert [first] == [each.opened_time.ToDatetime(dt.UTC) for each in running]
    assert {str(one)} == {each.customer_id for each in answer.cases}

    moved = [each.touchpoint_id for each in answer.cases if each.clock.state == case_pb2.CLOCK_STATE_CANCELLED]
    parted = CustomerSplit(customer_id=str(one), split_customer_id=str(other), touchpoint_ids=moved, graph_version=2)
    await notify.publish(Event.new(parted, entity_id=str(one), time=builders.NOON))

    async def apart() -> bool:
        return await notify.count("(select distinct case_id from thread_event) as t") == 2

    await harness.until(apart)
    answer = await stub(notify).ListCases(pb.ListCasesRequest(), metadata=notify.metadata())
    assert [(str(other), case_pb2.CLOCK_STATE_RUNNING), (str(one), case_pb2.CLOCK_STATE_RUNNING)] == [
        (each.customer_id, each.clock.state) for each in answer.cases
    ]


async def test_a_warning_reaches_people_once_as_an_alert_of_its_own(notify: harness.Harness) -> None:
    await opened(notify, builders.stitched(thread_id="t", channel="kakao", occurred_time=now() - 3 * MINUTE))

    async def warned() -> bool:
        return await notify.count("alert") == 1

    await harness.until(warned)
    assert 1 == await notify.count("alert where reason = 'first_response.warned.50'")
    assert 1 == await notify.published("sori.notify.clock.warned.v1")


async def test_a_correction_changes_what_a_case_is_about_and_not_what_was_promised(notify: harness.Harness) -> None:
    asked = builders.stitched(
        builders.a_classification(topics=["delivery"]), thread_id="t", channel="kakao", occurred_time=now()
    )
    (case,) = await opened(notify, asked)
    correction = ClassificationCorrected(
        correction_id=str(uuid.uuid4()), touchpoint_id=asked.message.touchpoint.touchpoint_id, corrected_by="lead"
    )
    correction.corrected_time.FromDatetime(now())
    correction.correction.topics.append("price")

    await notify.publish(Event.new(correction, entity_id=correction.touchpoint_id, time=now()))

    async def updated() -> bool:
        return await notify.published("sori.notify.case.updated.v1") == 1

    await harness.until(updated)
    found = await stub(notify).GetCase(pb.GetCaseRequest(case_id=case.case_id), metadata=notify.metadata())
    assert ["price"] == list(found.case.topics)
    assert (case.clock.policy, case.clock.due_time) == (found.case.clock.policy, found.case.clock.due_time)


async def test_an_erased_customer_is_nobody_and_the_promise_still_counts(notify: harness.Harness) -> None:
    customer = uuid.uuid4()
    await opened(notify, builders.stitched(thread_id="t", customer_id=str(customer)))
    erased = CustomerErased(erasure_id=str(uuid.uuid4()), customer_ids=[str(customer)], part=1, part_count=1)

    await notify.publish(Event.new(erased, entity_id=erased.erasure_id, time=builders.NOON))

    async def forgotten() -> bool:
        return await notify.count("matter where customer_id is not null") == 0

    await harness.until(forgotten)
    assert 1 == await notify.count("case_clock where metric = 'first_response'")
    assert 0 == await notify.count("thread_event where customer_id is not null")


@pytest.mark.parametrize(("kind", "allowed"), [("AcknowledgeCase", False), ("SetPending", False), ("CloseCase", True)])
async def test_a_case_that_is_done_refuses_what_makes_no_sense(
    notify: harness.Harness, kind: str, allowed: bool
) -> None:
    (case,) = await opened(notify, builders.stitched(thread_id="t", occurred_time=now()))
    await stub(notify).ResolveCase(pb.ResolveCaseRequest(case_id=case.case_id), metadata=notify.metadata())
    request = getattr(pb, f"{kind}Request")(case_id=case.case_id)

    try:
        await getattr(stub(notify), kind)(request, metadata=notify.metadata())
        code = grpc.StatusCode.OK
    except grpc.aio.AioRpcError as refused:
        code = refused.code()

    assert (grpc.StatusCode.OK if allowed else grpc.StatusCode.FAILED_PRECONDITION) is code
