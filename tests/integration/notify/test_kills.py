"""Replicas that die at any moment, between a promise that breaks and the people who hear of it."""

import asyncio
import contextlib
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from integration.notify import receivers
from integration.notify.receivers import Hook, Mailbox
from integration.notify.replicas import replica
from nats.js.errors import NotFoundError

import builders
import harness
from engines import Engines
from sori.notify.v1 import case_events_pb2
from sori_kit import database
from sori_kit.database import Database

COUNT = 2000
MAILS = COUNT // 10
REPLICAS = 3
KILLS = 4
PATIENCE = 150  # seconds; a replica starts in ten where others work, too
SECOND = dt.timedelta(seconds=1)
CLOCK_BREACHED = "sori.notify.clock.breached.v1"
POLICIES = "policies:\n  - {name: live, first_response: 30s}\n"
CHAINS = """\
chains:
  - name: pages
    start_on: {turns: [breached]}
    steps: [notify: {target: hook}]
  - name: letters
    start_on: {turns: [breached], channels: [email]}
    steps: [notify: {target: mail}]
"""
TARGETS = """\
targets:
  - name: hook
    webhook: {url: "%(url)s", secret: {env: HOOK_SECRET}}
    rate: {most: 100000, per: 1s}
  - name: mail
    apprise: {env: MAIL_URL}
    rate: {most: 100000, per: 1s}
    digest_above: 0
"""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with receivers.hook() as made:
        yield made


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with receivers.mailbox() as made:
        yield made


def environment(folder: Path, hook: Hook, mailbox: Mailbox) -> dict[str, str]:
    (folder / "sla.yaml").write_text(POLICIES)
    (folder / "chains.yaml").write_text(CHAINS)
    (folder / "targets.yaml").write_text(TARGETS % {"url": hook.url})
    return {
        "HOOK_SECRET": receivers.SECRET,
        "MAIL_URL": f"mailto://127.0.0.1:{mailbox.port}?from=sori@example.com&to=cx@example.com&mode=insecure",
        "SORI_NOTIFY_POLICY_PATH": str(folder / "sla.yaml"),
        "SORI_NOTIFY_SWEEP_SECONDS": "0.1",
        "SORI_NOTIFY_GRACE_SECONDS": "1",
        "SORI_NOTIFY_LEASE_SECONDS": "5",
        "SORI_NOTIFY_WEBHOOK_SECONDS": "2",
        "SORI_NOTIFY_RETRY_SECONDS": "0.2",
    }


async def idle(runtime: Any, settings: Any) -> None:
    """Do nothing: all is done by replicas that can be killed."""


async def listening(notify: harness.Harness) -> bool:
    """Say whether a replica has come up as far as its consumers."""
    with contextlib.suppress(NotFoundError):
        return bool(await notify.bus._client.jetstream().consumers_info("SORI_JOURNEY"))
    return False


class Watched:
    """What the database of the replicas holds."""

    def __init__(self, engines: Engines) -> None:
        self.db = Database(database.url_for(engines.postgres_url, "notify"))

    async def count(self, table: str) -> int:
        async with self.db.transaction() as tx:
            return int((await tx.execute(f"select count(*) from {table}")).scalar_one())

    async def reach(self, table: str, count: int, seconds: float) -> None:
        async def reached() -> bool:
            await asyncio.sleep(0.2)
            return await self.count(table) >= count

        await harness.until(reached, seconds)


async def test_2000_broken_promises_reach_people_over_http_and_smtp_though_replicas_are_killed(
    engines: Engines, hook: Hook, mailbox: Mailbox, tmp_path: Path
) -> None:
    env, random, watched = environment(tmp_path, hook, mailbox), Random(6), Watched(engines)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(watched.db.close)
        notify = await stack.enter_async_context(harness.serving("notify", engines, env=env, build=idle))
        alive = [await stack.enter_async_context(replica(engines, env)) for _ in range(REPLICAS)]
        await harness.until(lambda: listening(notify), PATIENCE)
        first_due = dt.datetime.now(dt.UTC) + 14 * SECOND
        await notify.publish(
            *(
                builders.stitched(
                    thread_id=f"t-{n}",
                    channel="kakao" if n % 10 else "email",
                    occurred_time=first_due - 30 * SECOND + n * 4 * SECOND / COUNT,
                )
                for n in range(COUNT)
            )
        )
        for kill in range(KILLS):  # While deadlines fire, while chains start, and while messages go out.
            stage = "deadline where state = 'fired'" if kill < KILLS / 2 else "delivery where state = 'sent'"
            await watched.reach(stage, random.randrange(COUNT), PATIENCE)
            victim = alive.pop(random.randrange(REPLICAS))
            victim.kill()
            alive.append(await stack.enter_async_context(replica(engines, env)))
        await watched.reach("delivery where state = 'sent'", COUNT + MAILS, PATIENCE)
        await watched.reach("outbox having count(*) = 0", 0, 20)

        stored = await notify.runtime.bus.read(CLOCK_BREACHED, after=0, most=COUNT * 2)
        fired = Counter(case_events_pb2.ClockBreached.FromString(each.data).case.case_id for each in stored)
        async with watched.db.transaction() as tx:
            rows = (await tx.execute("select target, cast(delivery_id as text) as key, case_id from delivery")).all()
    owed = {target: {row.key: str(row.case_id) for row in rows if row.target == target} for target in ("hook", "mail")}
    mailed = {str(each["X-Sori-Message-Id"]) for each in mailbox.mails}

    assert (COUNT, {1}) == (len(fired), set(fired.values()))
    assert sorted(fired) == sorted(owed["hook"].values())  # One key, so one effect, for each broken promise.
    assert (MAILS, MAILS) == (len(owed["mail"]), len(set(owed["mail"].values())))
    assert owed["hook"] == {key: said["case_id"] for key, said in hook.got.items()}  # Each came at least once.
    assert set(owed["mail"]) == mailed
