"""How late deadlines fire with many clocks open: leased into memory, and by polling only, in the same run.

A replica of notify runs as its own process beside --count open cases that fall due next year. `paced` lets --rate
deadlines a second fall due for --seconds; `burst` lets --burst fall due within one second; `restart` kills the replica,
lets deadlines fall due and starts another. Lateness is from the due time to the firing transaction's own moment.
`create and cancel` hands questions and their answers to the use case, as the consumer does: a case opens, no rule says
anything of it, it is announced, and so is its answer. `arm and cancel` is the clocks' own share of that: the fold over
the messages, and the rows of clocks and deadlines, in the same transactions. Both count this process's CPU.
"""

import argparse
import asyncio
import datetime as dt
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import _lab
import asyncpg

from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import database, ids
from sori_kit.bus import Batch
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Event
from sori_local import engines
from sori_local.tokens import LocalIssuer
from sori_notify import domain, store, usecases, wire
from sori_notify.domain import Dossier, Policies
from sori_notify.domain.policy import first_response
from sori_notify.settings import policies
from sori_notify.settings.automation import Automations
from sori_notify.store.clocks import save_clocks
from sori_notify.usecases.rules import House

POLICIES = "policies:\n  - name: bench\n    first_response: 1d\n"
FILL = """
    with made as (
        select gen_random_uuid() as id, $2::timestamptz + n * $3::interval as due from generate_series(1, $1::int) as n
    ), messages as (
        insert into thread_event (touchpoint_id, revision, case_id, source, thread_id, actor, kind, channel, org_unit,
            topics, occurred_time, opens, policy, target)
        select id, 0, id, 'bench', id::text, 'customer', 'inquiry', 'kakao', 'seoul-1', '[]', due - interval '1 day',
            true, 'bench', interval '1 day' from made
    ), cases as (
        insert into matter (case_id, thread_key, origin, state, source, thread_id, channel, org_unit, touchpoint_id,
            topics, opened_time, policy, due_time, clock_state, acknowledged_by, closed_by, version, change_xid)
        select id, id, 'customer', 'new', 'bench', id::text, 'kakao', 'seoul-1', id, '[]', due - interval '1 day',
            'bench', due, 'running', '', '', 1, 0 from made returning case_id, due_time
    ), clocks as (
        insert into case_clock (case_id, metric, instance, policy, promise_version, state, start_time, due_time, target,
            used, warnings, declared)
        select id, 'first_response', 1, 'bench', $4::text, 'running', due - interval '1 day', due, interval '1 day',
            interval '0', '[]', false from made
    )
    insert into deadline (case_id, due_time, fire_time, state) select id, due, due, 'armed' from made
"""
LATENESS = (
    "select extract(epoch from fired_time - due_time)::float8 from deadline where state = 'fired' and due_time >= $1"
)


def _environment(lab: _lab.Lab, **more: str) -> Mapping[str, str]:
    (lab.folder / "sla.yaml").write_text(POLICIES)
    return {
        "SORI_NATS_URL": lab.nats_url,
        "SORI_POSTGRES_URL": lab.postgres_url,
        "SORI_JWKS": str(LocalIssuer(lab.folder / "issuer").jwks),
        "SORI_NOTIFY_POLICY_PATH": str(lab.folder / "sla.yaml"),
        "SORI_LOG_LEVEL": "WARNING",
        **more,
    }


class Bench:
    """A database with many open clocks, and a replica beside it."""

    def __init__(self, lab: _lab.Lab, connection: "asyncpg.Connection") -> None:
        self.lab = lab
        self.connection = connection

    def start(self, **more: str) -> float:
        """Start the replica; gives the moment at which it was started."""
        port, began = engines.free_port(), time.monotonic()
        program = Path(sys.executable).with_name("sori-notify")
        self.lab.spawn(
            "notify", [str(program), "serve"], _environment(self.lab, SORI_NOTIFY_GRPC_PORT=str(port), **more)
        )
        _lab.wait_serving(port)
        return began

    async def fill(self, count: int, first: dt.datetime, apart: dt.timedelta) -> None:
        """Open cases that fall due one after the other."""
        for done in range(0, count, 50_000):
            some = min(50_000, count - done)
            promise = first_response("bench", dt.timedelta(days=1)).version
            await self.connection.execute(FILL, some, first + done * apart, apart, promise, timeout=600)

    async def due(self) -> int:
        """Count what has fallen due and not fired."""
        return int(
            await self.connection.fetchval("select count(*) from deadline where state = 'armed' and fire_time < now()")
        )

    async def waits(self) -> bool:
        """Say whether anything has fallen due and not fired."""
        return bool(
            await self.connection.fetchval(
                "select exists (select from deadline where state = 'armed' and fire_time < now())"
            )
        )

    async def late(self, since: dt.datetime) -> list[float]:
        """Give how late each fired, in seconds."""
        return sorted(row[0] for row in await self.connection.fetch(LATENESS, since))

    async def round(self, count: int, spread: float) -> tuple[list[float], float]:
        """Let deadlines fall due over a while; gives how late each was, and how long after the end the last fired."""
        lead = 3 + count / 10_000
        first = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=lead)
        await self.fill(count, first, dt.timedelta(seconds=spread / count))
        end = first + dt.timedelta(seconds=spread)
        while dt.datetime.now(dt.UTC) < end or await self.waits():
            await asyncio.sleep(0.05)
        drained = (dt.datetime.now(dt.UTC) - end).total_seconds()
        return await self.late(first), drained


def percentile(values: list[float], share: float) -> float:
    """Give a percentile in milliseconds."""
    return round(1000 * values[min(len(values) - 1, int(len(values) * share))], 1) if values else float("nan")


def _question(number: int, now: dt.datetime, *, answer: bool) -> Event[TouchpointStitched]:
    touchpoint = touchpoint_pb2.Touchpoint(
        touchpoint_id=ids.derived("bench", str(number), str(answer)),
        source="bench",
        thread_id=f"t-{number}",
        channel=touchpoint_pb2.CHANNEL_KAKAO,
        kind=touchpoint_pb2.TOUCHPOINT_KIND_REPLY if answer else touchpoint_pb2.TOUCHPOINT_KIND_INQUIRY,
        actor=touchpoint_pb2.ACTOR_AGENT if answer else touchpoint_pb2.ACTOR_CUSTOMER,
    )
    touchpoint.occurred_time.FromDatetime(now + dt.timedelta(seconds=answer))
    return Event.new(TouchpointStitched(touchpoint=touchpoint), entity_id=touchpoint.touchpoint_id, time=now)


async def create_and_cancel(lab: _lab.Lab, count: int) -> tuple[float, float]:
    """Open clocks and fulfil them through the use case; gives clocks a second, and a second of this process's CPU."""
    db = Database(database.url_for(lab.postgres_url, "notify"))
    now = dt.datetime.now(dt.UTC)
    house = House(policies=policies.load(lab.folder / "sla.yaml"), settle=dt.timedelta(seconds=10))
    batches = [
        Batch("bench", tuple(_question(number, now, answer=answer) for number in range(first, first + 500)))
        for first in range(0, count, 500)
        for answer in (False, True)
    ]
    began, cpu = time.monotonic(), time.process_time()
    for batch in batches:
        await usecases.take(db, batch, house, Automations(), now=now)
    wall, used = time.monotonic() - began, time.process_time() - cpu
    await db.close()
    return count / wall, count / used


def _read(number: int, now: dt.datetime, policies: Policies) -> Dossier:
    """Give a thread in which a question was asked and answered."""
    events = (_question(number, now, answer=answer).message for answer in (False, True))
    messages = [each for event in events if (each := wire.message(event, policies))]
    return Dossier(key=messages[0].case_id, messages=messages)


async def _keep(tx: Transaction, dossiers: Sequence[Dossier], now: dt.datetime) -> list[Dossier]:
    """Tell cases and keep their clocks and deadlines, as they are kept with whatever changes them."""
    verdicts = [domain.review(each, history=False, now=now, settle=dt.timedelta())[0] for each in dossiers]
    await save_clocks(tx, [each.case for each in verdicts], [case for each in dossiers for case in each.cases])
    await store.save_deadlines(tx, [each.deadline for each in verdicts if each.deadline])
    return [
        replace(dossier, cases=[each.case], deadlines=[each.deadline] if each.deadline else [])
        for dossier, each in zip(dossiers, verdicts, strict=True)
    ]


async def arm_and_cancel(lab: _lab.Lab, count: int) -> tuple[float, float]:
    """Arm clocks of cases that are there and fulfil them; gives clocks a second, and a second of this process's CPU."""
    db = Database(database.url_for(lab.postgres_url, "notify"))
    now, rules = dt.datetime.now(dt.UTC), policies.load(lab.folder / "sla.yaml")
    threads = [_read(number, now, rules) for number in range(count, 2 * count)]
    asked = [replace(each, messages=each.messages[:1]) for each in threads]
    async with db.transaction() as tx:
        await store.add_cases(tx, [domain.tell(each.messages)[0] for each in asked])
    began, cpu = time.monotonic(), time.process_time()
    for first in range(0, count, 500):
        async with db.transaction() as tx:
            armed = await _keep(tx, asked[first : first + 500], now)
        answered = [
            replace(each, messages=thread.messages)
            for each, thread in zip(armed, threads[first : first + 500], strict=True)
        ]
        async with db.transaction() as tx:
            await _keep(tx, answered, now)
    wall, used = time.monotonic() - began, time.process_time() - cpu
    async with db.transaction() as tx:
        rows = await tx.execute("select count(*) from case_clock where state = 'fulfilled'")
        assert rows.scalar_one() >= count
    await db.close()
    return count / wall, count / used


async def measure(given: argparse.Namespace) -> dict[str, float]:
    """Run everything; gives the figures."""
    found: dict[str, float] = {"open_clocks": given.count}
    with _lab.lab(durable=True) as lab:
        url = database.url_for(lab.postgres_url, "notify").set(drivername="postgresql")
        program = Path(sys.executable).with_name("sori-notify")
        _lab.run([str(program), "migrate"], _environment(lab, SORI_NOTIFY_GRPC_PORT="0"))
        connection = await asyncpg.connect(url.render_as_string(hide_password=False))
        bench = Bench(lab, connection)
        _lab.console.print(f"opening {given.count:,} clocks")
        await bench.fill(given.count, dt.datetime.now(dt.UTC) + dt.timedelta(days=300), dt.timedelta(milliseconds=30))
        await connection.execute("analyze")
        if given.pause:
            _lab.console.print("opened: press Enter to measure")
            await asyncio.to_thread(sys.stdin.readline)
        for name, more in (("leased", {}), ("poll_only", {"SORI_NOTIFY_LEASE_SECONDS": "0.0001"})):
            bench.start(**more)
            late, _ = await bench.round(given.rate * given.seconds, given.seconds)
            found[f"{name}_p50_ms"], found[f"{name}_p99_ms"] = percentile(late, 0.5), percentile(late, 0.99)
            late, drained = await bench.round(given.burst, 1)
            found[f"{name}_burst_drained_s"] = round(drained, 2)
            found[f"{name}_burst_p99_ms"] = percentile(late, 0.99)
            if name == "leased":
                found["memory_mb"] = round(_lab.memory_mb(lab.processes["notify"]))
            lab.processes["notify"].popen.kill()
            lab.stop("notify")
        await bench.fill(1000, dt.datetime.now(dt.UTC), dt.timedelta(milliseconds=1))
        await asyncio.sleep(1)
        waiting = await bench.due()
        began = bench.start()
        while await bench.due() == waiting:
            await asyncio.sleep(0.01)
        found["restart_to_first_firing_s"] = round(time.monotonic() - began, 2)
        lab.stop("notify")
        by_wall, by_cpu = await create_and_cancel(lab, given.clocks)
        found["create_and_cancel_per_s"], found["create_and_cancel_per_core_s"] = round(by_wall), round(by_cpu)
        by_wall, by_cpu = await arm_and_cancel(lab, given.clocks)
        found["arm_and_cancel_per_s"], found["arm_and_cancel_per_core_s"] = round(by_wall), round(by_cpu)
        await connection.close()
    return found


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="open clocks (the promise is about 1,000,000)")
    parser.add_argument("--rate", type=int, default=200, help="deadlines a second when paced")
    parser.add_argument("--seconds", type=int, default=10, help="how long they are paced")
    parser.add_argument("--burst", type=int, default=20_000, help="deadlines within one second")
    parser.add_argument("--clocks", type=int, default=10_000, help="clocks created and cancelled")
    parser.add_argument("--pause", action="store_true", help="wait for Enter between opening them and measuring")
    parser.add_argument("--json", action="store_true", help="one JSON line instead of a table")
    given = parser.parse_args()
    found = asyncio.run(measure(given))
    if given.json:
        print(json.dumps(found))
    else:
        _lab.show("Deadlines", ["figure", "value"], [[name, f"{value:,}"] for name, value in found.items()])


if __name__ == "__main__":
    main()
