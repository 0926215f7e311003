"""Chains on real engines, with real receivers."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from integration.notify import receivers
from integration.notify.receivers import Hook

import builders
import harness
from engines import Engines
from sori.notify.v1 import chain_pb2, delivery_pb2
from sori.notify.v1 import notify_service_pb2 as pb
from sori.notify.v1 import notify_service_pb2_grpc as pb_grpc
from sori_kit import auth
from sori_kit.bus import Bus
from sori_kit.rpc import Server, channel
from sori_kit.service import Runtime
from sori_local.tokens import LocalIssuer
from sori_notify import main
from sori_notify.settings import Settings

POLICIES = """\
policies:
  - name: at-once
    match: {channels: [kakao]}
    first_response: 1s
  - name: rest
    first_response: 24h
"""
WARNED = """\
policies:
  - {name: soon, first_response: 4s, warn_at: [25, 50]}
"""
MOMENT = dt.timedelta(milliseconds=100)
CHAINS = """\
chains:
  - name: pages
    start_on: {turns: [breached]}
    repeat: 3
    steps:
      - notify: {person: agent}
      - wait: 1s
      - notify: {schedule: managers}
      - wait: 1s
"""
TARGETS = """\
targets:
  - {name: agent-hook, webhook: {url: "%(url)s", secret: {env: HOOK_SECRET}}}
  - {name: manager-hook, webhook: {url: "%(url)s", secret: {env: HOOK_SECRET}}}
people:
  - {name: agent, targets: [agent-hook]}
  - {name: manager, targets: [manager-hook]}
teams:
  - {name: cx, members: [agent, manager]}
"""
SCHEDULES = """\
schedules:
  - name: managers
    rotations: [{people: [manager], start: 2026-01-05T09:00, length: 7d}]
"""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receivers.hook() as made:
        yield made


@asynccontextmanager
async def serving(
    engines: Engines,
    folder: Path,
    hook: Hook,
    *,
    policies: str = POLICIES,
    chains: str = CHAINS,
    env: dict[str, str] | None = None,
    **more: Any,
) -> AsyncIterator[harness.Harness]:
    (folder / "sla.yaml").write_text(policies)
    (folder / "chains.yaml").write_text(chains)
    (folder / "targets.yaml").write_text(TARGETS % {"url": hook.url})
    (folder / "schedules.yaml").write_text(SCHEDULES)
    settings = {
        "HOOK_SECRET": receivers.SECRET,
        "SORI_NOTIFY_POLICY_PATH": str(folder / "sla.yaml"),
        "SORI_NOTIFY_SETTLE_SECONDS": "0.2",
        "SORI_NOTIFY_SWEEP_SECONDS": "0.05",
        "SORI_NOTIFY_RETRY_SECONDS": "0.1",
        "SORI_NOTIFY_POLICY_POLL_SECONDS": "0.05",
        "SORI_NOTIFY_LINK_URL": "https://sori.example/ack?token=",
        "SORI_NOTIFY_LINK_SECRET": "a secret of at least thirty-two characters",
        **(env or {}),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK_SECRET", receivers.SECRET)
        async with harness.serving("notify", engines, env=settings, **more) as running:
            yield running


@pytest_asyncio.fixture
async def notify(engines: Engines, hook: Hook, tmp_path: Path) -> AsyncIterator[harness.Harness]:
    async with serving(engines, tmp_path, hook) as running:
        yield running


def stub(notify: harness.Harness) -> pb_grpc.NotifyServiceStub:
    return pb_grpc.NotifyServiceStub(notify.channel)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


async def an_unanswered_inquiry(notify: harness.Harness, thread_id: str = "t-1") -> str:
    """Let a customer wait for too long; gives the case."""
    await notify.publish(builders.stitched(thread_id=thread_id, occurred_time=now()))
    found: list[str] = []

    async def opened() -> bool:
        answer = await stub(notify).ListCases(pb.ListCasesRequest(), metadata=notify.metadata())
        found[:] = [each.case_id for each in answer.cases if each.thread_id == thread_id]
        return bool(found)

    await harness.until(opened)
    return found[0]


async def chains_of(notify: harness.Harness, case_id: str) -> list[chain_pb2.Chain]:
    answer = await stub(notify).ListChains(chain_pb2.ListChainsRequest(case_id=case_id), metadata=notify.metadata())
    return list(answer.chains)


async def deliveries(notify: harness.Harness, **fields: Any) -> list[delivery_pb2.Delivery]:
    request = delivery_pb2.ListDeliveriesRequest(**fields)
    return list((await stub(notify).ListDeliveries(request, metadata=notify.metadata())).deliveries)


async def got(hook: Hook, count: int) -> None:
    async def enough() -> bool:
        return len(hook.got) >= count

    await harness.until(enough)


async def acknowledge(notify: harness.Harness, case_id: str) -> None:
    await stub(notify).AcknowledgeCase(pb.AcknowledgeCaseRequest(case_id=case_id), metadata=notify.metadata())


async def test_a_broken_promise_goes_to_the_agent_and_then_to_the_manager_until_the_rounds_are_over(
    notify: harness.Harness, hook: Hook
) -> None:  # What chatwoot's users ask for in #6889: somebody above the agent hears of it.
    case_id = await an_unanswered_inquiry(notify)
    await got(hook, 6)

    async def ended() -> bool:
        (chain,) = await chains_of(notify, case_id)
        return chain.state == chain_pb2.CHAIN_STATE_ENDED

    await harness.until(ended)

    (chain,) = await chains_of(notify, case_id)
    sent = [each.target for each in reversed(await deliveries(notify))]
    assert ["agent-hook", "manager-hook"] * 3 == sent
    assert len(hook.got) == len(set(hook.ids)) == 6
    steps = [(each.round, each.step) for each in chain.entries if each.kind == "stepped"]
    assert steps == [(turn, step) for turn in (1, 2, 3) for step in range(4)]
    assert all(each.reason for each in chain.entries)


async def test_acknowledging_stops_the_chain_and_every_page_that_still_waits(
    notify: harness.Harness, hook: Hook
) -> None:  # oncall #4654 and #4760: pages went on after somebody had taken it.
    hook.broken.set()
    case_id = await an_unanswered_inquiry(notify)

    async def tried() -> bool:
        return bool(hook.ids)

    await harness.until(tried)
    await acknowledge(notify, case_id)
    hook.broken.clear()
    tried_then = len(hook.ids)
    (chain,) = await chains_of(notify, case_id)

    assert chain_pb2.CHAIN_STATE_ACKNOWLEDGED == chain.state
    assert not chain.HasField("due_time")
    assert {delivery_pb2.DELIVERY_STATE_CANCELLED} == {each.state for each in await deliveries(notify)}
    await an_unanswered_inquiry(notify, "t-2")  # Another case's page still comes, by which time these would have.
    await got(hook, 1)
    assert [case_id] != [each["case_id"] for each in hook.got.values()]
    assert len(hook.ids) - tried_then <= 2


async def test_an_answer_of_a_person_stops_the_chain_too(notify: harness.Harness, hook: Hook) -> None:
    case_id = await an_unanswered_inquiry(notify)
    await got(hook, 1)

    await notify.publish(
        builders.stitched(kind="reply", actor="agent", thread_id="t-1", occurred_time=now(), external_id="answer")
    )

    async def taken() -> bool:
        (chain,) = await chains_of(notify, case_id)
        return chain.state == chain_pb2.CHAIN_STATE_ACKNOWLEDGED and chain.acknowledged_by == "answer"

    await harness.until(taken)


async def test_a_link_takes_the_case_and_a_forged_or_old_one_does_not(notify: harness.Harness, hook: Hook) -> None:
    case_id = await an_unanswered_inquiry(notify)
    await got(hook, 1)
    link = str(next(iter(hook.got.values()))["link"])
    token = link.removeprefix("https://sori.example/ack?token=")

    request = chain_pb2.AcknowledgeByLinkRequest(token=token[:-4] + "AAAA")
    with pytest.raises(grpc.aio.AioRpcError) as forged:
        await stub(notify).AcknowledgeByLink(request, metadata=notify.metadata("cx.read"))
    answer = await stub(notify).AcknowledgeByLink(
        chain_pb2.AcknowledgeByLinkRequest(token=token), metadata=notify.metadata("cx.read")
    )

    (chain,) = await chains_of(notify, case_id)
    assert grpc.StatusCode.INVALID_ARGUMENT is forged.value.code()
    assert (case_id, "link:agent-hook") == (answer.case_id, chain.acknowledged_by)


async def test_chains_go_on_after_a_restart_under_the_plan_that_they_started_with(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:  # oncall #1206: chains were lost in a restart.
    slow = CHAINS.replace("repeat: 3", "repeat: 1").replace("wait: 1s\n      - notify", "wait: 3s\n      - notify", 1)
    async with serving(engines, tmp_path, hook, chains=slow) as notify:
        case_id = await an_unanswered_inquiry(notify)
        await got(hook, 1)
        (before,) = await chains_of(notify, case_id)
        async with serving_again(engines, tmp_path, hook, "chains: []\n") as again:
            await got(hook, 2)
            (after,) = await chains_of(again, case_id)

    assert before.chain_id == after.chain_id
    assert 2 == len(hook.got) == len(hook.ids)


@asynccontextmanager
async def serving_again(engines: Engines, folder: Path, hook: Hook, chains: str) -> AsyncIterator[harness.Harness]:
    """A second replica on the same database, with another file of chains."""
    other = folder / "other"
    other.mkdir()
    (other / "sla.yaml").write_text(POLICIES)
    (other / "chains.yaml").write_text(chains)
    (other / "targets.yaml").write_text(TARGETS % {"url": hook.url})
    (other / "schedules.yaml").write_text(SCHEDULES)
    issuer = LocalIssuer(engines.folder / "issuer")
    env = harness.environment("notify", engines, issuer, {"SORI_NOTIFY_POLICY_PATH": str(other / "sla.yaml")})
    with pytest.MonkeyPatch.context() as patch:
        for name, value in env.items():
            patch.setenv(name, value)
        settings = Settings()
    async with contextlib.AsyncExitStack() as stack:
        bus = await Bus.connect("notify", settings)
        stack.push_async_callback(bus.close)
        verifier = auth.Verifier(settings)
        await verifier.start()
        runtime = Runtime("notify", bus, Server("notify", settings, verifier), verifier, stack)
        await main.build(runtime, settings)
        running = asyncio.create_task(runtime.run())

        async def up() -> bool:
            return bool(runtime.server.port)

        await harness.until(up)
        opened = channel(f"127.0.0.1:{runtime.server.port}", retry=False)
        stack.push_async_callback(opened.close)
        yield harness.Harness("notify", runtime, opened, issuer, bus)
        runtime.stopping.set()
        await running


async def test_an_acknowledgement_that_expires_begins_a_new_round(engines: Engines, hook: Hook, tmp_path: Path) -> None:
    chains = CHAINS.replace("repeat: 3", "repeat: 1\n    acknowledgement_expires: 1s")
    async with serving(engines, tmp_path, hook, chains=chains) as notify:
        case_id = await an_unanswered_inquiry(notify)
        await got(hook, 1)

        await acknowledge(notify, case_id)
        await got(hook, 2)

        (chain,) = await chains_of(notify, case_id)
    assert [("started", 0), ("stepped", 1), ("acknowledged", 0), ("expired", 0), ("stepped", 2)] == [
        (each.kind, each.round) for each in chain.entries
    ][:5]


async def test_a_snooze_holds_pages_back_and_a_hand_over_tells_the_other_at_once(
    notify: harness.Harness, hook: Hook
) -> None:
    case_id = await an_unanswered_inquiry(notify)
    await got(hook, 1)
    snooze = chain_pb2.SnoozeChainsRequest(case_id=case_id)
    snooze.until_time.FromDatetime(now() + dt.timedelta(hours=1))
    recipient = chain_pb2.ChainRecipient(person="manager")

    snoozed = await stub(notify).SnoozeChains(snooze, metadata=notify.metadata())
    audited = await stub(notify).AuditChains(chain_pb2.AuditChainsRequest(), metadata=notify.metadata())
    over = await stub(notify).HandOverChains(
        chain_pb2.HandOverChainsRequest(case_id=case_id, recipient=recipient), metadata=notify.metadata()
    )
    await got(hook, 3)

    assert snooze.until_time == snoozed.chains[0].due_time
    assert (1, 0) == (audited.chain_count, audited.flaw_count)
    assert 2 == over.chains[0].round
    assert "handed_over" in hook.reasons()


async def test_the_auditor_names_an_open_case_whose_chain_has_nothing_left_to_do(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    chains = CHAINS.replace("repeat: 3", "repeat: 1").replace("      - wait: 1s\n", "")
    async with serving(engines, tmp_path, hook, chains=chains) as notify:
        case_id = await an_unanswered_inquiry(notify)
        await got(hook, 2)

        flawed = await stub(notify).AuditChains(chain_pb2.AuditChainsRequest(), metadata=notify.metadata())
        await acknowledge(notify, case_id)
        sound = await stub(notify).AuditChains(chain_pb2.AuditChainsRequest(), metadata=notify.metadata())

    assert [(case_id, "pages", "ended")] == [(each.case_id, each.name, each.reason) for each in flawed.flaws]
    assert (0, 0) == (sound.chain_count, sound.flaw_count)


async def test_a_warning_starts_a_chain_before_anything_is_broken_and_an_answer_in_time_keeps_it_from_starting(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    chains = """\
chains:
  - name: hurry
    start_on: {turns: [warned], percent: 50, policies: [soon]}
    steps: [{notify: {person: agent}}]
"""
    async with serving(engines, tmp_path, hook, chains=chains, policies=WARNED) as notify:
        await notify.publish(builders.stitched(thread_id="quiet", occurred_time=now()))
        await notify.publish(builders.stitched(thread_id="answered", occurred_time=now()))
        await notify.publish(
            builders.stitched(thread_id="answered", kind="reply", actor="agent", occurred_time=now() + MOMENT)
        )

        async def warned() -> bool:
            return bool(hook.got)

        await harness.until(warned)
        assert ["first_response.warned.50"] == hook.reasons()
        assert 0 == await notify.count("case_clock where state = 'breached'")
        assert 1 == await notify.count("escalation")


async def test_any_promise_that_breaks_may_start_a_chain_of_its_own(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    chains = """\
chains:
  - name: next
    start_on: {turns: [breached], metrics: [next_response]}
    steps: [{notify: {person: agent}}]
"""
    policies = "policies:\n  - {name: rest, first_response: 1s, next_response: 1s}\n"
    async with serving(engines, tmp_path, hook, chains=chains, policies=policies) as notify:
        start = now() - dt.timedelta(seconds=20)
        for seconds, actor, kind in ((0, "customer", "inquiry"), (5, "agent", "reply"), (19.5, "customer", "reply")):
            moment = start + dt.timedelta(seconds=seconds)
            await notify.publish(builders.stitched(thread_id="t", actor=actor, kind=kind, occurred_time=moment))

        async def told() -> bool:
            return bool(hook.got)

        await harness.until(told)
        assert ["next_response.breached"] == hook.reasons()
        assert 1 == await notify.count("case_clock where metric = 'first_response' and state = 'breached'")
