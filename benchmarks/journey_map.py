"""The journey map: how long one takes over many touchpoints, and what memory it needs.

Fills the table of paths with generated journeys, as following timelines would leave them, and asks for maps as the API
does: of everything, of a week, of one segment. The figure to reach is under a second over a million touchpoints.
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import random
import resource
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import _lab
import asyncpg
from rich.table import Table

from sori_journey import domain, usecases
from sori_journey.domain.journey_map import FELT, OWN, STEP
from sori_journey.model import risk
from sori_journey.settings import segments, stages
from sori_kit import database, migrations
from sori_kit.database import Database

MUST_SECONDS = 1.0
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DAYS = 300
COLUMNS = ["path_id", "known", "steps", "step_count", "first_time", "last_time", "purchase_count", "spent"]


def a_path(chance: random.Random, steps: int) -> tuple[Any, ...]:
    """Make a journey of so many touchpoints."""
    micros = sorted(chance.randrange(DAYS * 86_400_000_000) for _ in range(steps))
    begin = int(START.timestamp() * 1e6)
    packed = b"".join(
        STEP.pack(
            begin + each,
            chance.randrange(1, 6),
            chance.randrange(1, 13),
            chance.randrange(1, 19),
            OWN | (FELT if chance.random() < 0.4 else 0),
            chance.randrange(-10_000, 10_001),
            chance.randrange(20),
            *(0, 0, 0, 0),
            chance.randrange(9),
            chance.randrange(200),
        )
        for each in micros
    )
    first, last = (START + dt.timedelta(microseconds=each) for each in (micros[0], micros[-1]))
    return uuid.UUID(int=chance.getrandbits(128)), True, packed, steps, first, last, 1, 10_000.0


async def fill(connection: asyncpg.Connection, touchpoints: int, per_customer: int) -> None:
    """Fill the tables."""
    chance, left = random.Random(1), touchpoints
    members: list[tuple[Any, ...]] = []
    while left > 0:
        rows: list[tuple[Any, ...]] = []
        while left > 0 and len(rows) < 5_000:
            count = min(left, max(1, int(chance.expovariate(1 / per_customer))))
            rows.append(a_path(chance, count))
            left -= count
        await connection.copy_records_to_table("path", columns=COLUMNS, records=rows)
        members += [("regulars", row[0], START) for row in rows if chance.random() < 0.1]
    await connection.copy_records_to_table("segment_member", records=members)
    await connection.executemany("insert into word values ('topic', $1, $2)", [(n, f"topic-{n}") for n in range(1, 20)])
    await connection.execute("vacuum analyze path")


async def measure(server: str, given: argparse.Namespace) -> dict[str, float]:
    """Measure everything once."""
    url = database.url_for(server, "journey")
    await migrations.upgrade("sori_journey", url)
    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    await fill(connection, given.touchpoints, given.per_customer)
    db = Database(url)
    rulebook = usecases.Rulebook(stages=stages.load(None), segments=segments.load(None), model=risk.load())
    now = START + dt.timedelta(days=DAYS)
    week = domain.MapFilter(from_time=now - dt.timedelta(days=7), until_time=now)
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "map": lambda: usecases.get_journey_map(db, domain.MapFilter(), rulebook, now=now),
        "map_of_a_week": lambda: usecases.get_journey_map(db, week, rulebook, now=now),
        "map_of_a_segment": lambda: usecases.get_journey_map(
            db, domain.MapFilter(segment="regulars"), rulebook, now=now
        ),
        "drop_offs": lambda: usecases.list_drop_offs(
            db, domain.MapFilter(), rulebook, stage=None, channel=None, before=None, most=50, now=now
        ),
    }
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: dict[str, float] = {"touchpoints": given.touchpoints}
    for name, ask in asked.items():
        seconds = []
        for _ in range(given.rounds):
            began = time.perf_counter()
            await ask()
            seconds.append(time.perf_counter() - began)
        found[f"{name}_s"] = round(statistics.median(seconds), 3)
        found[f"{name}_worst_s"] = round(max(seconds), 3)
    found["more_memory_mib"] = round((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
    found["cores"] = os.cpu_count() or 0
    await db.close()
    await connection.close()
    return found


def main() -> None:
    """Measure and say so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--touchpoints", type=int, default=1_000_000)
    parser.add_argument("--per-customer", type=int, default=10, help="touchpoints of a customer, on average")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--check", action="store_true", help="fail above a second")
    given = parser.parse_args()
    with _lab.lab(durable=False) as lab:
        found = asyncio.run(measure(lab.postgres_url, given))
    table = Table("figure", "value")
    for name, value in found.items():
        table.add_row(name, f"{value:,}")
    _lab.console.print(table)
    if given.json:
        print(json.dumps(found))
    if given.check and found["map_s"] > MUST_SECONDS:
        raise SystemExit(f"must reach: a map in {MUST_SECONDS} s")


if __name__ == "__main__":
    main()
