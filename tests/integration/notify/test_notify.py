"""Notify on real engines, with a real receiver of alerts."""

import asyncio
import datetime as dt
import json
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import json_format
from integration.notify import receivers
from integration.notify.receivers import Hook

import builders
import harness
from engines import Engines
from sori.ee_feedback.v1.voice_events_pb2 import VoiceFlagged
from sori.journey.v1.customer_events_pb2 import CustomerMerged
from sori.notify.v1 import alert_events_pb2, case_events_pb2, case_pb2
from sori.notify.v1 import notify_service_pb2 as pb
from sori.notify.v1 import notify_service_pb2_grpc as pb_grpc
from sori_kit import ids, rpc
from sori_kit.consumer import Batch
from sori_kit.database import Database
from sori_kit.envelope import Event, seal
from sori_kit.service import Runtime
from sori_notify import domain, main, usecases, wire
from sori_notify.consumers import Timers
from sori_notify.deliveries import SignedWebhook
from sori_notify.settings import Settings, policies
from sori_notify.settings.automation import Automations
from sori_notify.usecases.rules import House

POLICIES = """\
policies:
  - name: at-once
    match: {channels: [kakao]}
    first_response: 1s
  - name: rest
    first_response: 24h
"""
LONG_AGO = builders.NOON - dt.timedelta(days=300)
OPENED, ANSWERED, BREACHED = (f"sori.notify.case.{turn}.v1" for turn in ("opened", "answered", "breached"))
SENT = "sori.notify.alert.sent.v1"


@pytest.fixture
def receiver() -> Iterator[Hook]:
    with receivers.hook() as made:
        yield made


@asynccontextmanager
async def serving(
    engines: Engines, folder: Path, url: str = "", *, attempts: int = 12, **more: Any
) -> AsyncIterator[harness.Harness]:
    path = folder / "sla.yaml"
    path.write_text(POLICIES)
    env = {
        "SORI_NOTIFY_POLICY_PATH": str(path),
        "SORI_NOTIFY_POLICY_POLL_SECONDS": "0.05",
        "SORI_NOTIFY_SETTLE_SECONDS": "0.5",
        "SORI_NOTIFY_SWEEP_SECONDS": "0.05",
        "SORI_NOTIFY_RETRY_SECONDS": "0.05",
        "SORI_NOTIFY_ATTEMPTS": str(attempts),
    }
    if url:
        env |= {"SORI_NOTIFY_WEBHOOK_URL": url, "SORI_NOTIFY_WEBHOOK_SECRET": receivers.SECRET}
    async with harness.serving("notify", engines, env=env, **more) as running:
        yield running


@pytest_asyncio.fixture
async def notify(engines: Engines, receiver: Hook, tmp_path: Path) -> AsyncIterator[harness.Harness]:
    async with serving(engines, tmp_path, receiver.url) as running:
        yield running


def stub(notify: harness.Harness) -> pb_grpc.NotifyServiceStub:
    return pb_grpc.NotifyServiceStub(notify.channel)


async def cases(notify: harness.Harness, *roles: str, **fields: Any) -> list[case_pb2.Case]:
    answer = await stub(notify).ListCases(pb.ListCasesRequest(**fields), metadata=notify.metadata(*roles))
    return list(answer.cases)


async def tally(notify: harness.Harness) -> pb.GetTallyResponse:
    return await stub(notify).GetTally(pb.GetTallyRequest(), metadata=notify.metadata())


async def followed(notify: harness.Harness, count: int) -> None:
    async def enough() -> bool:
        return (await tally(notify)).touchpoint_count >= count

    await harness.until(enough)


async def published(notify: harness.Harness, subject: str, count: int) -> None:
    async def enough() -> bool:
        return await notify.published(subject) >= count

    await harness.until(enough)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def a_reply(thread_id: str, occurred_time: dt.datetime, **fields: Any) -> Event[Any]:
    return builders.stitched(
        **{"kind": "reply", "actor": "agent", "thread_id": thread_id, "occurred_time": occurred_time} | fields
    )


def a_flag(**fields: Any) -> Event[VoiceFlagged]:
    flag_id = str(uuid.uuid4())
    flag = VoiceFlagged(flag_id=flag_id, week="2026-W45", reasons=["safety"], **fields)
    return Event.new(flag, entity_id=flag_id, time=builders.NOON)


def a_merge(merged: uuid.UUID, survivor: uuid.UUID, graph_version: int) -> Event[CustomerMerged]:
    merge = CustomerMerged(customer_id=str(survivor), merged_customer_id=str(merged), graph_version=graph_version)
    return Event.new(merge, entity_id=str(survivor), time=builders.NOON)


async def doubled(runtime: Runtime, settings: Settings) -> None:
    """The service, and beside it the timers of a second replica with connections of its own."""
    await main.build(runtime, settings)
    assert runtime.db is not None
    other = Database(runtime.db.url)
    runtime.stack.push_async_callback(other.close)
    webhook = SignedWebhook(settings.webhook_url, settings.secret(), name="webhook", timeout_seconds=5)
    runtime.stack.push_async_callback(webhook.close)
    timers = Timers(other, runtime.clock, settings)
    runtime.in_background("deadlines-2", timers.watch_deadlines())
    runtime.in_background("alerts-2", timers.deliver_alerts(webhook))


async def test_each_unanswered_inquiry_alerts_exactly_once_however_many_replicas_look(
    engines: Engines, receiver: Hook, tmp_path: Path
) -> None:
    async with serving(engines, tmp_path, receiver.url, build=doubled) as notify:
        await notify.publish(*[builders.stitched(thread_id=f"t-{number}", occurred_time=now()) for number in range(40)])
        await published(notify, SENT, 40)

        counted = await tally(notify)

        assert 40 == len(set(receiver.ids)) == len(receiver.ids)
        assert (40, 40, 40) == (counted.customer_case_count, counted.breached_count, counted.alert_sent_count)
        assert (0, 0) == (counted.alert_pending_count, counted.deadline_due_count)
        assert [40, 40, 40] == [await notify.published(subject) for subject in (OPENED, BREACHED, SENT)]


async def test_an_alert_says_where_to_look_and_nothing_that_the_customer_said(
    notify: harness.Harness, receiver: Hook
) -> None:
    event = builders.stitched(
        thread_id="t-1", org_unit="seoul-1", occurred_time=now(), identifiers=[("phone", "+821000000001")]
    )

    await notify.publish(event)
    await published(notify, SENT, 1)

    (case,) = await cases(notify)
    (alert,) = receiver.got.values()
    assert receiver.ids == [alert["alert_id"]]
    assert (case.case_id, "kakao", "seoul-1", "at-once", "kakao-main", "t-1") == tuple(
        alert[name] for name in ("case_id", "channel", "org_unit", "policy", "source", "thread_id")
    )
    assert dt.datetime.fromisoformat(alert["due_time"]) == case.clock.due_time.ToDatetime(dt.UTC)
    assert event.message.touchpoint.text not in json.dumps(alert, ensure_ascii=False)
    assert "+821000000001" not in json.dumps(alert)


async def test_a_receiver_that_fails_is_tried_again_under_the_same_id(notify: harness.Harness, receiver: Hook) -> None:
    receiver.answers += [500, 500, 200]

    await notify.publish(builders.stitched(thread_id="t-1", occurred_time=LONG_AGO))
    await published(notify, SENT, 1)

    (stored,) = await notify.runtime.bus.read(SENT, after=0, most=10)
    sent = alert_events_pb2.AlertSent.FromString(stored.data)
    assert 3 == len(receiver.ids) == sent.attempt_count
    assert {sent.alert_id} == set(receiver.ids)


async def test_an_alert_that_nobody_takes_is_given_up_and_counted(
    engines: Engines, receiver: Hook, tmp_path: Path
) -> None:
    receiver.answers += [503, 404]
    async with serving(engines, tmp_path, receiver.url, attempts=2) as notify:
        await notify.publish(builders.stitched(thread_id="t-1", occurred_time=LONG_AGO))

        async def given_up() -> bool:
            return (await tally(notify)).alert_failed_count == 1

        await harness.until(given_up)

        assert (2, 0) == (len(receiver.ids), await notify.published(SENT))


async def test_an_alert_whose_sender_died_is_sent_by_another(engines: Engines, receiver: Hook, tmp_path: Path) -> None:
    async with serving(engines, tmp_path) as notify:
        await notify.publish(builders.stitched(thread_id="t-1", occurred_time=LONG_AGO))

        async def pending() -> bool:
            return (await tally(notify)).alert_pending_count == 1

        async def asked() -> bool:
            return len(receiver.ids) == 1

        async def sent() -> bool:
            await send()
            return (await tally(notify)).alert_sent_count == 1

        webhook = SignedWebhook(receiver.url, receivers.SECRET, name="webhook", timeout_seconds=5)

        async def send() -> None:
            await usecases.deliver_alerts(
                notify.db,
                webhook,
                notify.runtime.clock,
                at_once=1,
                lease=dt.timedelta(seconds=0.2),
                first_retry=dt.timedelta(seconds=1),
                attempts=12,
                draw=lambda: 0.0,
            )

        await harness.until(pending)
        receiver.hang.set()
        dying = asyncio.create_task(send())
        await harness.until(asked)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
        receiver.hang.clear()

        await harness.until(sent)
        await webhook.close()

        assert 2 == len(receiver.ids)
        assert 1 == len(set(receiver.ids))


async def test_without_a_receiver_alerts_wait_and_are_counted(engines: Engines, tmp_path: Path) -> None:
    async with serving(engines, tmp_path) as notify:
        await notify.publish(builders.stitched(thread_id="t-1", occurred_time=LONG_AGO))
        await published(notify, BREACHED, 1)

        counted = await tally(notify)

        assert (1, 1, 0) == (counted.breached_count, counted.alert_pending_count, counted.alert_sent_count)


async def test_a_reply_in_time_keeps_the_promise(notify: harness.Harness, receiver: Hook) -> None:
    asked = now()
    await notify.publish(
        builders.stitched(thread_id="answered", occurred_time=asked),
        a_reply("answered", asked + dt.timedelta(seconds=1)),
        builders.stitched(thread_id="forgotten", occurred_time=asked + dt.timedelta(milliseconds=100)),
        a_reply("forgotten", asked + dt.timedelta(milliseconds=200), actor="bot"),
    )
    await published(notify, SENT, 1)

    found = {case.thread_id: (case.state, case.clock.state) for case in await cases(notify)}

    assert ["forgotten"] == [alert["thread_id"] for alert in receiver.got.values()]
    assert 1 == len(receiver.ids)
    assert found["answered"] == (case_pb2.CASE_STATE_OPEN, case_pb2.CLOCK_STATE_FULFILLED)
    assert found["forgotten"] == (case_pb2.CASE_STATE_NEW, case_pb2.CLOCK_STATE_BREACHED)


async def test_history_in_any_order_ends_the_same_and_alerts_only_where_nobody_answered_in_time(
    notify: harness.Harness, receiver: Hook
) -> None:
    def story(thread_id: str) -> list[Event[Any]]:
        second = dt.timedelta(seconds=1)
        return [
            builders.stitched(thread_id=thread_id, occurred_time=LONG_AGO, org_unit="seoul-1"),
            builders.stitched(thread_id=thread_id, occurred_time=LONG_AGO + second / 2, kind="complaint"),
            a_reply(thread_id, LONG_AGO + second),
            a_reply(thread_id, LONG_AGO + second * 9, kind="resolution"),
        ]

    for event in story("forward"):
        await notify.publish(event)
    for event in reversed(story("backward")):
        await notify.publish(event)
    await notify.publish(builders.stitched(thread_id="forgotten", occurred_time=LONG_AGO))
    await published(notify, SENT, 1)

    found = {case.thread_id: case for case in await cases(notify)}
    for case in found.values():
        for own in ("case_id", "thread_id", "touchpoint_id", "version"):
            case.ClearField(own)
    assert ["forgotten"] == [alert["thread_id"] for alert in receiver.got.values()]
    assert 1 == len(receiver.ids)
    assert found["forward"] == found["backward"]
    assert case_pb2.CLOCK_STATE_FULFILLED == found["backward"].clock.state
    assert case_pb2.CASE_STATE_RESOLVED == found["backward"].state


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_replicas_that_share_threads_lose_no_message_and_no_breach(
    notify: harness.Harness, tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    events = [
        builders.stitched(
            thread_id=f"t-{random.randrange(50)}",
            occurred_time=LONG_AGO + dt.timedelta(seconds=random.randrange(4)),
            kind=random.choice(["inquiry", "complaint", "reply", "resolution"]),
            actor=random.choice(["customer", "agent", "bot"]),
        )
        for _ in range(120)
    ]
    read = policies.load(tmp_path / "sla.yaml")
    messages: defaultdict[uuid.UUID, list[domain.Message]] = defaultdict(list)
    for event in events:
        message = wire.message(event.message, read)
        assert message is not None
        messages[message.case_id].append(message)
    random.shuffle(events)

    async def replica(part: list[Event[Any]]) -> None:
        for at in range(0, len(part), 15):
            batch = Batch("notify-follow", tuple(part[at : at + 15]))
            await usecases.take(notify.db, batch, House(policies=read, settle=dt.timedelta()), Automations(), now=now())

    await asyncio.gather(*(replica(events[number::4]) for number in range(4)))

    async def settled() -> bool:
        return (await tally(notify)).deadline_due_count == 0

    await harness.until(settled)
    expected = {
        str(case_id): folded[0] for case_id, each in messages.items() if (folded := domain.tell(each, now=now()))
    }
    found = {case.case_id: _unlooked(case) for case in await cases(notify)}
    assert found == {
        case_id: _unlooked(wire.case(replace(folded, version=found[case_id].version)))
        for case_id, folded in expected.items()
    }
    broken = "matter left join alert using (case_id) where clock_state = 'breached' and"
    assert [0, 0] == [await notify.count(f"{broken} {each}") for each in ("alert_id is null", "alert.state = 'failed'")]


def _unlooked(case: case_pb2.Case) -> case_pb2.Case:
    """A case without how much time had gone by when somebody looked."""
    for clock in (case.clock, *case.clocks):
        clock.working_seconds_used = 0
    return case


async def test_an_answer_that_comes_to_light_after_the_alert_tells_the_truth(
    notify: harness.Harness, receiver: Hook
) -> None:
    await notify.publish(builders.stitched(thread_id="t-1", occurred_time=LONG_AGO))
    await published(notify, SENT, 1)
    (before,) = await cases(notify)

    await notify.publish(a_reply("t-1", LONG_AGO + dt.timedelta(seconds=1)))
    await published(notify, ANSWERED, 1)

    (after,) = await cases(notify)
    assert (case_pb2.CLOCK_STATE_BREACHED, case_pb2.CLOCK_STATE_FULFILLED) == (before.clock.state, after.clock.state)
    assert before.version < after.version
    assert 1 == len(receiver.ids) == (await tally(notify)).alert_sent_count


async def test_a_late_answer_is_a_breach_and_both_are_announced(notify: harness.Harness) -> None:
    await notify.publish(
        builders.stitched(thread_id="t-1", occurred_time=LONG_AGO),
        a_reply("t-1", LONG_AGO + dt.timedelta(hours=1)),
    )
    await published(notify, BREACHED, 1)

    (case,) = await cases(notify, clock_state=case_pb2.CLOCK_STATE_BREACHED)

    assert case_pb2.CASE_STATE_OPEN == case.state
    assert case.clock.HasField("fulfilled_time")
    assert 1 == await notify.published(ANSWERED)


async def test_second_delivery_changes_nothing(notify: harness.Harness) -> None:
    events = [builders.stitched(thread_id="t-1"), a_reply("t-1", builders.NOON)]
    await notify.publish(*events)
    await followed(notify, 2)
    before = (await cases(notify), await tally(notify))

    for event in events:
        sealed = seal(event, "sori/journey")
        await notify.runtime.bus.consumers[0].handle_again(sealed.data, sealed.headers)

    assert before == (await cases(notify), await tally(notify))


async def test_touchpoints_that_concern_no_case_are_only_counted(notify: harness.Harness) -> None:
    await notify.publish(*[builders.stitched(kind="visit", channel="web") for _ in range(20)])
    await followed(notify, 20)

    rows = [await notify.count(table) for table in ("thread_event", "matter", "deadline", "outbox")]

    assert [0, 0, 0, 0] == rows
    assert 20 == (await tally(notify)).touchpoint_count


async def test_without_a_thread_a_touchpoint_is_a_case_of_its_own(notify: harness.Harness) -> None:
    event = builders.stitched(channel="web")

    await notify.publish(event)
    await published(notify, OPENED, 1)

    (case,) = await cases(notify)
    assert case.case_id == str(ids.derive("case", "kakao-main", event.entity_id))
    assert {event.entity_id} == {case.thread_id, case.touchpoint_id}
    assert "rest" == case.clock.policy


async def test_the_first_to_acknowledge_stays(notify: harness.Harness) -> None:
    await notify.publish(builders.stitched(channel="web", occurred_time=now()))
    await published(notify, OPENED, 1)
    (case,) = await cases(notify)
    request = pb.AcknowledgeCaseRequest(case_id=case.case_id)

    first = await stub(notify).AcknowledgeCase(request, metadata=notify.metadata("cx.act", subject="kim"))
    second = await stub(notify).AcknowledgeCase(request, metadata=notify.metadata("cx.act", subject="lee"))

    assert "kim" == first.case.acknowledged_by
    assert case_pb2.CASE_STATE_OPEN == first.case.state
    assert first == second
    await published(notify, "sori.notify.case.acknowledged.v1", 1)


async def test_a_resolved_case_owes_no_answer_and_cannot_be_acknowledged(notify: harness.Harness) -> None:
    await notify.publish(builders.stitched(channel="web", occurred_time=now()))
    await published(notify, OPENED, 1)
    (case,) = await cases(notify)
    request = pb.ResolveCaseRequest(case_id=case.case_id)

    first = await stub(notify).ResolveCase(request, metadata=notify.metadata())
    second = await stub(notify).ResolveCase(request, metadata=notify.metadata())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(notify).AcknowledgeCase(pb.AcknowledgeCaseRequest(case_id=case.case_id), metadata=notify.metadata())

    assert first == second
    assert (case_pb2.CASE_STATE_RESOLVED, case_pb2.CLOCK_STATE_CANCELLED) == (first.case.state, first.case.clock.state)
    assert grpc.StatusCode.FAILED_PRECONDITION is refused.value.code()
    await published(notify, "sori.notify.case.resolved.v1", 1)


async def test_cx_sees_customers_cases_and_hr_sees_employees(notify: harness.Harness) -> None:
    await notify.publish(builders.stitched(channel="web"), a_flag(org_unit="busan-1"))
    await published(notify, OPENED, 2)

    seen = {
        roles: [case.origin for case in await cases(notify, *roles)]
        for roles in (("cx.read",), ("cx.act",), ("hr.read",), ("cx.read", "hr.read"))
    }

    customer, employee = case_pb2.CASE_ORIGIN_CUSTOMER, case_pb2.CASE_ORIGIN_EMPLOYEE
    assert seen == {
        ("cx.read",): [customer],
        ("cx.act",): [customer],
        ("hr.read",): [employee],
        ("cx.read", "hr.read"): [customer, employee],
    }


async def test_an_employees_case_holds_no_words_no_author_and_no_moment(notify: harness.Harness) -> None:
    await notify.publish(a_flag(org_unit="busan-1"))
    await published(notify, OPENED, 1)

    (case,) = await cases(notify, "hr.read")

    assert json_format.MessageToDict(case, preserving_proto_field_name=True) == {
        "case_id": case.case_id,
        "origin": "CASE_ORIGIN_EMPLOYEE",
        "state": "CASE_STATE_NEW",
        "org_unit": "busan-1",
        "topics": ["safety"],
        "opened_time": "2026-11-02T00:00:00Z",
        "severity": "CASE_SEVERITY_NORMAL",
        "version": "1",
    }


async def test_who_cannot_see_a_case_cannot_act_on_it(notify: harness.Harness) -> None:
    await notify.publish(a_flag())
    await published(notify, OPENED, 1)
    (case,) = await cases(notify, "hr.read")

    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(notify).ResolveCase(
            pb.ResolveCaseRequest(case_id=case.case_id), metadata=notify.metadata("cx.act", "cx.read")
        )
    allowed = await stub(notify).ResolveCase(
        pb.ResolveCaseRequest(case_id=case.case_id), metadata=notify.metadata("cx.act", "hr.read")
    )

    assert grpc.StatusCode.NOT_FOUND is refused.value.code()
    assert case_pb2.CASE_STATE_RESOLVED == allowed.case.state


async def test_cases_of_merged_customers_belong_to_the_one_that_remains_whenever_they_open(
    notify: harness.Harness,
) -> None:
    first, second, third = (uuid.UUID(int=number) for number in (1, 2, 3))
    await notify.publish(builders.stitched(channel="web", customer_id=str(first)))
    await published(notify, OPENED, 1)

    await notify.publish(a_merge(second, third, 2))
    await notify.publish(a_merge(first, second, 1))

    async def merged() -> bool:
        return await notify.count("customer_merge") == 2

    await harness.until(merged)
    await notify.publish(builders.stitched(channel="web", customer_id=str(second)))
    await published(notify, OPENED, 2)
    stored = await notify.runtime.bus.read(OPENED, after=0, most=10)

    assert [str(third)] * 2 == [case.customer_id for case in await cases(notify)]
    assert str(third) == case_events_pb2.CaseOpened.FromString(stored[-1].data).case.customer_id


async def test_pages_of_cases_are_newest_first_and_complete(notify: harness.Harness) -> None:
    events = [
        builders.stitched(channel="web", occurred_time=builders.NOON + dt.timedelta(minutes=number // 2))
        for number in range(7)
    ]
    await notify.publish(*events)
    await published(notify, OPENED, 7)

    seen, token = [], ""
    while True:
        page = await stub(notify).ListCases(
            pb.ListCasesRequest(page_size=3, page_token=token), metadata=notify.metadata()
        )
        seen += page.cases
        token = page.next_page_token
        if not token:
            break

    assert {event.entity_id for event in events} == {case.touchpoint_id for case in seen}
    times = [case.opened_time.ToDatetime() for case in seen]
    assert sorted(times, reverse=True) == times
    assert 7 == len(seen)


async def test_filters_narrow_the_list(notify: harness.Harness) -> None:
    await notify.publish(
        builders.stitched(channel="web", org_unit="a"),
        builders.stitched(channel="web", org_unit="b", occurred_time=now()),
    )
    await published(notify, OPENED, 2)

    by_unit = await cases(notify, org_unit="a")
    running = await cases(notify, clock_state=case_pb2.CLOCK_STATE_RUNNING, org_unit="b")
    resolved = await cases(notify, state=case_pb2.CASE_STATE_RESOLVED)

    assert (["a"], ["b"], []) == ([case.org_unit for case in by_unit], [case.org_unit for case in running], resolved)


async def test_an_edit_that_moves_a_message_to_another_thread_moves_it(notify: harness.Harness) -> None:
    await notify.publish(builders.stitched(channel="web", thread_id="t-1", external_id="x", occurred_time=now()))
    await published(notify, OPENED, 1)

    moved = builders.stitched(channel="web", thread_id="t-2", external_id="x", revision=1, occurred_time=now())
    await notify.publish(Event.new(moved.message, entity_id=moved.entity_id, time=builders.NOON))
    await published(notify, OPENED, 2)

    found = {case.thread_id: case.clock.state for case in await cases(notify)}
    assert {"t-1": case_pb2.CLOCK_STATE_CANCELLED, "t-2": case_pb2.CLOCK_STATE_RUNNING} == found


async def test_policies_change_without_a_restart_and_broken_ones_change_nothing(
    notify: harness.Harness, tmp_path: Path
) -> None:
    path = tmp_path / "sla.yaml"
    seen: list[str] = []

    async def in_force(policy: str) -> bool:
        await notify.publish(builders.stitched(channel="web"))
        await published(notify, OPENED, len(seen) + 1)
        seen.append((await _newest(notify)).clock.policy)
        return seen[-1] == policy

    assert await in_force("rest")
    path.write_text(POLICIES.replace("24h", "a day"))
    assert await in_force("rest")
    path.write_text(POLICIES.replace("name: rest", "name: new"))
    await harness.until(lambda: in_force("new"))

    assert {"rest", "new"} == set(seen)


async def _newest(notify: harness.Harness) -> case_pb2.Case:
    stored = await notify.runtime.bus.read(OPENED, after=0, most=1000)
    return case_events_pb2.CaseOpened.FromString(stored[-1].data).case


async def test_a_bad_request_names_the_field(notify: harness.Harness) -> None:
    requests = {
        "case_id": stub(notify).ResolveCase(pb.ResolveCaseRequest(case_id="x"), metadata=notify.metadata()),
        "page_size": stub(notify).ListCases(pb.ListCasesRequest(page_size=-1), metadata=notify.metadata()),
        "page_token": stub(notify).ListCases(pb.ListCasesRequest(page_token="x"), metadata=notify.metadata()),
        "state": stub(notify).ListCases(
            pb.ListCasesRequest(state=case_pb2.CaseState.ValueType(99)), metadata=notify.metadata()
        ),
    }

    for field_name, call in requests.items():
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call
        _, violations = rpc.with_details(refused.value)
        assert [field_name] == [each.field for each in violations]
