"""Deadlines on real engines and real processes: each fires once, whoever dies."""

import contextlib
import datetime as dt
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import pytest
from integration.notify.replicas import replica
from standardwebhooks import Webhook

import builders
import harness
from engines import Engines
from sori.notify.v1 import case_events_pb2
from sori_kit.consumer import Batch
from sori_kit.database import Database
from sori_notify import usecases
from sori_notify.settings import policies
from sori_notify.settings.automation import Automations
from sori_notify.usecases.rules import House

SECRET = "whsec_c29yaS1ub3RpZnktdGVzdC1zZWNyZXQ="
COUNT = 2000
POLICIES = "policies:\n  - name: live\n    first_response: 30s\n"
CASE_BREACHED, CLOCK_BREACHED = "sori.notify.case.breached.v1", "sori.notify.clock.breached.v1"
SECOND = dt.timedelta(seconds=1)


@pytest.fixture
def received() -> Iterator[tuple[str, Counter[str]]]:
    """The address of a receiver that checks signatures, and how often it got each idempotency key."""
    counted: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            Webhook(SECRET).verify(body, dict(self.headers))  # Raises on a wrong signature.
            counted[self.headers["webhook-id"]] += 1
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:  # A sender that was killed is no error.
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/alerts", counted
        server.shutdown()
        thread.join()


def environment(folder: Path, **more: str) -> dict[str, str]:
    path = folder / "sla.yaml"
    path.write_text(POLICIES)
    return {
        "SORI_NOTIFY_POLICY_PATH": str(path),
        "SORI_NOTIFY_SWEEP_SECONDS": "0.1",
        "SORI_NOTIFY_GRACE_SECONDS": "1",
        **more,
    }


async def test_each_of_2000_deadlines_in_four_seconds_fires_once_though_replicas_are_killed(
    engines: Engines, received: tuple[str, Counter[str]], tmp_path: Path
) -> None:
    url, got = received
    env = environment(
        tmp_path,
        SORI_NOTIFY_WEBHOOK_URL=url,
        SORI_NOTIFY_WEBHOOK_SECRET=SECRET,
        SORI_NOTIFY_WEBHOOK_AT_ONCE="32",
        SORI_NOTIFY_WEBHOOK_SECONDS="2",
        SORI_NOTIFY_RETRY_SECONDS="0.2",
        SORI_NOTIFY_LEASE_SECONDS="5",  # So that replicas that start late get their share.
    )
    async with contextlib.AsyncExitStack() as stack:
        notify = await stack.enter_async_context(harness.serving("notify", engines, env=env))
        processes = [await stack.enter_async_context(replica(engines, env)) for _ in range(2)]
        first_due = dt.datetime.now(dt.UTC) + 16 * SECOND
        events = [
            builders.stitched(
                thread_id=f"t-{number}", occurred_time=first_due - 30 * SECOND + number * 4 * SECOND / COUNT
            )
            for number in range(COUNT)
        ]
        await notify.publish(*events)

        async def half_fired() -> bool:
            return await notify.count("deadline where state = 'fired'") > COUNT / 4

        await harness.until(half_fired, 90)
        victim = Random(6).choice(processes)
        victim.send_signal(signal.SIGKILL)
        await stack.enter_async_context(replica(engines, env))

        async def done() -> bool:
            fired = await notify.count("deadline where state = 'fired'")
            return fired == COUNT and await notify.count("alert where state = 'sent'") == COUNT

        await harness.until(done, 120)

        async def relayed() -> bool:
            return await notify.count("outbox") == 0

        await harness.until(relayed, 60)
        stored = await notify.runtime.bus.read(CLOCK_BREACHED, after=0, most=COUNT * 2)
        cases = Counter(case_events_pb2.ClockBreached.FromString(each.data).case.case_id for each in stored)
        assert (COUNT, {1}) == (len(cases), set(cases.values()))
        assert COUNT == await notify.published(CASE_BREACHED)
        assert COUNT == len(got)


async def test_what_fell_due_while_nobody_was_there_fires_late_and_says_by_how_much(
    engines: Engines, tmp_path: Path
) -> None:
    async with harness.serving("notify", engines, env=environment(tmp_path)) as notify:
        await notify.publish(builders.stitched(thread_id="t", occurred_time=dt.datetime.now(dt.UTC)))

        async def opened() -> bool:
            return await notify.count("deadline") == 1

        await harness.until(opened)
        async with notify.db.transaction() as tx:  # As if an hour had gone by in which somebody else had leased it.
            await tx.execute("update thread_event set occurred_time = occurred_time - interval '1 hour'")
            await tx.execute(
                "update deadline set fire_time = fire_time - interval '1 hour', token = token + 1,"
                " due_time = due_time - interval '1 hour', leased_by = 'gone',"
                " leased_until = now() - interval '59 minutes'"
            )

        async def declared() -> bool:
            return await notify.published(CLOCK_BREACHED) == 1

        await harness.until(declared)
        (stored,) = await notify.runtime.bus.read(CLOCK_BREACHED, after=0, most=2)
        said = case_events_pb2.ClockBreached.FromString(stored.data)

        assert 3560 < said.late_seconds < 3600


async def test_whoever_holds_an_older_lease_cannot_fire(engines: Engines, tmp_path: Path) -> None:
    async def build(runtime: Any, settings: Any) -> None:
        runtime.open_database(settings)

    async with harness.serving("notify", engines, env=environment(tmp_path), build=build) as notify:
        now = dt.datetime.now(dt.UTC)
        read = policies.load(tmp_path / "sla.yaml")
        batch = Batch("notify-follow", (builders.stitched(thread_id="t", occurred_time=now),))
        await usecases.take(notify.db, batch, House(policies=read, settle=SECOND), Automations(), now=now)
        other = Database(notify.db.url)
        late = now + 60 * SECOND

        mine = await usecases.lease_deadlines(notify.db, now=now, horizon=60 * SECOND, grace=SECOND)
        nobodys = await usecases.lease_deadlines(other, now=now, horizon=60 * SECOND, grace=SECOND)
        theirs = await usecases.lease_deadlines(other, now=late, horizon=60 * SECOND, grace=SECOND)
        await usecases.fire_deadlines(notify.db, mine, now=late)
        before = await notify.count("alert")
        await usecases.fire_deadlines(other, theirs, now=late)
        await usecases.fire_deadlines(other, theirs, now=late)
        await other.close()

        assert (1, 0, 1) == (len(mine), len(nobodys), len(theirs))
        assert (0, 1) == (before, await notify.count("alert"))
