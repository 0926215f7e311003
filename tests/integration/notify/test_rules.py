"""Rules on real engines."""

import datetime as dt
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from integration.notify import receivers
from integration.notify.receivers import Hook

import builders
import harness
from engines import Engines
from sori.notify.v1 import case_pb2, rule_pb2
from sori.notify.v1 import notify_service_pb2 as pb
from sori.notify.v1 import notify_service_pb2_grpc as pb_grpc
from sori_kit import ids

RULES = """\
rules:
  - name: three-negatives
    counts:
      negatives: {by: customer, within: 7d}
    if: touchpoint.actor == "customer" && classification.sentiment == "negative" && counts.negatives.now >= 3
    do: {open_case: true, severity: high, tags: [repeated], notify: [hook]}
  - name: known-outage
    if: touchpoint.product == "outage"
    do: {suppress: true}
  - name: spike
    counts:
      bad: {by: product, within: 10m, usual_over: 7d}
    every: 1h
    if: >
      touchpoint.channel == "sns" && classification.sentiment == "negative"
      && counts.bad.now >= 20 && counts.bad.times_usual >= 4
    do: {notify: [hook]}
"""
TARGETS = """\
targets:
  - {name: hook, webhook: {url: "%s", secret: {env: HOOK_SECRET}}}
"""
CUSTOMERS = [f"00000000-0000-4000-8000-{number:012}" for number in range(5)]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receivers.hook() as made:
        yield made


@asynccontextmanager
async def serving(engines: Engines, folder: Path, hook: Hook, rules: str = RULES) -> AsyncIterator[harness.Harness]:
    (folder / "sla.yaml").write_text("policies:\n  - {name: rest, first_response: 24h}\n")
    (folder / "rules.yaml").write_text(rules)
    (folder / "targets.yaml").write_text(TARGETS % hook.url)
    env = {
        "SORI_NOTIFY_POLICY_PATH": str(folder / "sla.yaml"),
        "SORI_NOTIFY_SWEEP_SECONDS": "0.05",
        "SORI_NOTIFY_POLICY_POLL_SECONDS": "0.05",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOOK_SECRET", receivers.SECRET)
        async with harness.serving("notify", engines, env=env) as running:
            yield running


def stub(notify: harness.Harness) -> pb_grpc.NotifyServiceStub:
    return pb_grpc.NotifyServiceStub(notify.channel)


def a_mention(minutes: float, *, customer: int = 0, sentiment: str = "negative", **fields: Any) -> Any:
    return builders.stitched(
        builders.a_classification(sentiment),
        customer_id=CUSTOMERS[customer],
        occurred_time=builders.NOON + dt.timedelta(minutes=minutes),
        **{"channel": "sns", "kind": "mention", "thread_id": ""} | fields,
    )


async def asked(notify: harness.Harness, count: int) -> None:
    """Wait until the rules were asked about so many touchpoints."""

    async def enough() -> bool:
        return await notify.count("inbox where durable = 'notify-follow'") >= count

    await harness.until(enough)


async def firings(notify: harness.Harness) -> list[tuple[str, str]]:
    async with notify.db.transaction() as tx:
        rows = await tx.execute("select rule, key from rule_firing where suppressed_by = '' order by rule, key")
        return [(row.rule, row.key) for row in rows]


async def fired_after(notify: harness.Harness, key: str, time: dt.datetime) -> bool:
    async with notify.db.transaction() as tx:
        values = {"key": key, "time": time}
        rows = await tx.execute("select 1 from rule_firing where key = :key and occurred_time >= :time", values)
        return rows.first() is not None


async def test_the_third_complaint_of_one_customer_in_a_week_opens_a_severe_case_in_any_order_and_once(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    day = 24 * 60
    events = [a_mention(day * number, customer=1) for number in range(3)]
    events += [a_mention(day * 5 * number, customer=2) for number in range(3)]  # Never three within seven days.
    random.Random(7).shuffle(events)
    async with serving(engines, tmp_path, hook) as notify:
        for event in events:
            await notify.publish(event)
        await notify.publish(*events)
        await asked(notify, 6)

        async def told() -> bool:
            return bool(hook.got)

        await harness.until(told)
        cases = (await stub(notify).ListCases(pb.ListCasesRequest(), metadata=notify.metadata())).cases

        assert [("three-negatives", CUSTOMERS[1])] == await firings(notify)
        assert [(CUSTOMERS[1], case_pb2.CASE_SEVERITY_HIGH, ["repeated"])] == [
            (each.customer_id, each.severity, list(each.tags)) for each in cases
        ]
        (message,) = hook.got.values()
        assert ("rule.three-negatives", 3, cases[0].case_id) == tuple(
            message[name] for name in ("reason", "count", "case_id")
        )
        assert "늦었어요" not in str(message)


async def test_a_spike_is_told_once_and_a_product_that_is_always_talked_about_is_none(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    usual = [a_mention(-15 - number / 2.5, product="loud", customer=3) for number in range(300)]  # 25 in ten minutes
    spike = [a_mention(minute / 10, product="quiet", customer=number % 5) for number, minute in enumerate(range(60))]
    still = [a_mention(minute / 10, product="loud", customer=number % 5) for number, minute in enumerate(range(25))]
    async with serving(engines, tmp_path, hook, RULES.replace("now >= 3", "now >= 9999")) as notify:
        await notify.publish(*usual)
        await notify.publish(*spike, *still)
        await asked(notify, len(usual) + len(spike) + len(still))

        found = await firings(notify)

        assert [("spike", "quiet")] == [each for each in found if each[1] == "quiet"]
        assert not await fired_after(notify, "loud", builders.NOON)


async def test_what_is_suppressed_is_noted_and_does_nothing(engines: Engines, hook: Hook, tmp_path: Path) -> None:
    async with serving(engines, tmp_path, hook) as notify:
        await notify.publish(*[a_mention(number / 10, product="outage", customer=number % 5) for number in range(30)])
        await asked(notify, 30)

        async with notify.db.transaction() as tx:
            rows = await tx.execute("select distinct suppressed_by from rule_firing where rule = 'spike'")
            suppressed = list(rows.scalars())

        assert ["known-outage"] == suppressed
        assert 0 == await notify.count("delivery where reason = 'rule.spike'")


async def test_a_broken_file_leaves_the_rules_that_were_in_force(engines: Engines, hook: Hook, tmp_path: Path) -> None:
    async with serving(engines, tmp_path, hook) as notify:
        (tmp_path / "rules.yaml").write_text(
            "rules:\n  - name: broken\n    if: touchpoint.nope ==\n    do: {tags: [x]}\n"
        )
        await notify.publish(*[a_mention(number, customer=1) for number in range(3)])
        await asked(notify, 3)

        async def fired() -> bool:
            return [("three-negatives", CUSTOMERS[1])] == await firings(notify)

        await harness.until(fired)


async def test_a_dry_run_over_what_is_kept_says_what_would_have_fired_and_does_nothing(
    engines: Engines, hook: Hook, tmp_path: Path
) -> None:
    async with serving(engines, tmp_path, hook) as notify:
        await notify.publish(*[a_mention(number, customer=1) for number in range(4)])
        await asked(notify, 4)
        before = await notify.count("delivery")
        request = rule_pb2.TestRulesRequest(
            rules='rules:\n  - name: all\n    if: touchpoint.channel == "sns"\n    do: {tags: [x]}\n'
        )
        request.end_time.FromDatetime(builders.NOON + dt.timedelta(days=1))

        answer = await stub(notify).TestRules(request, metadata=notify.metadata())
        given = await stub(notify).TestRules(
            rule_pb2.TestRulesRequest(
                rules=RULES, touchpoints=[a_mention(number, customer=2).message for number in (2, 0, 1)]
            ),
            metadata=notify.metadata(),
        )
        wrong = await stub(notify).TestRules(
            rule_pb2.TestRulesRequest(rules="rules:\n  - name: a\n    if: 1 +\n    do: {tags: [x]}\n"),
            metadata=notify.metadata(),
        )

        assert ([("all", 4)], 4) == ([(each.rule, each.fired_count) for each in answer.tallies], len(answer.firings))
        assert [1, 0, 0] == [each.fired_count for each in given.tallies]
        assert [(3, 12)] == [(each.line, each.column) for each in wrong.mistakes]
        assert before == await notify.count("delivery")


async def test_of_touchpoints_that_come_by_the_hundred_the_newest_revision_is_kept(
    engines: Engines, tmp_path: Path, hook: Hook
) -> None:
    first = [a_mention(0, external_id=f"t-{number}", revision=1) for number in range(50)]
    second = [
        replace(
            a_mention(1, external_id=f"t-{number}", revision=number % 2 * 2, product="bean"),
            event_id=str(ids.derive("second", str(number))),
        )
        for number in range(25, 100)
    ]
    async with serving(engines, tmp_path, hook) as notify:
        await notify.publish(*first)
        await asked(notify, len(first))
        await notify.publish(*second)
        await asked(notify, len(first) + len(second))
        async with notify.db.transaction() as tx:
            values = {"noon": builders.NOON}
            rows = list(await tx.execute("select revision, occurred_time > :noon as later from rule_fact", values))

    kept = [(1, False)] * 25
    kept += [(2, True) if number % 2 else (1, False) for number in range(25, 50)]
    kept += [(number % 2 * 2, True) for number in range(50, 100)]
    assert sorted(kept) == sorted(tuple(row) for row in rows)
