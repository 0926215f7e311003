"""Timelines with a long past: how fast a page is read from a cold disk and from memory, and what order is worth.

Touchpoints lie where they arrived, so those of one customer are far apart. `CLUSTER timeline`, which the README tells
operators to run now and then, lays them side by side. `fill` makes the rows, `before` and `after` read pages of
customers drawn at random, `cluster` puts the table in order in between. Cold: Postgres was restarted and the machine
asked to forget its files, and each customer is read once. Warm: by the use case and by the bare query, in turn. With
--folder the steps may be taken one call at a time.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path

import _lab
import asyncpg
from journey import PAGE, PAGE_QUERY, an_event
from rich.table import Table

from sori_journey import domain, usecases
from sori_kit import database, migrations
from sori_kit.database import Database
from sori_local import engines

MUST_COLD_MS, MUST_RATIO = 20.0, 2.0  # 95 % of cold pages, in order; a warm page, times the bare query
AT_ONCE = 1_000_000
INDEXES = (
    "alter table timeline add primary key (touchpoint_id)",
    "create index ix_timeline_place on timeline (customer_id, occurred_time, touchpoint_id) include (arrival)",
    "create index ix_timeline_age on timeline using brin (occurred_time)",
)
FORGET = "/proc/sys/vm/drop_caches"


@contextlib.asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[str]:
    """Run Postgres on a folder until the block ends; gives its address."""
    engine = engines.postgres(folder, engines.free_port())
    user: dict[str, object] = {}
    if engine.user:
        uid, gid = engines.ids(engine.user)
        user = {"user": uid, "group": gid, "extra_groups": []}
    running = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
        [*engine.command, "-c", "maintenance_work_mem=512MB"],
        stderr=subprocess.DEVNULL,
        **user,  # type: ignore[call-overload]
    )
    try:
        yield engine.url
    finally:
        running.send_signal(signal.SIGINT)
        running.wait()


def forget(folder: Path) -> bool:
    """Let the machine forget the files of a folder; says whether it forgot everything else too."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            file = os.open(path, os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)
    with contextlib.suppress(OSError):
        Path(FORGET).write_text("3")
        return True
    return False


async def connect(server: str) -> asyncpg.Connection:
    """Connect once the server answers."""
    url = database.url_for(server, "journey")
    await migrations.upgrade("sori_journey", url)
    return await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))


def customer(number: int) -> uuid.UUID:
    """Name a customer, as `fill` does."""
    return uuid.uuid5(uuid.NAMESPACE_OID, str(number))


async def fill(connection: asyncpg.Connection, rows: int, customers: int) -> None:
    """Write rows in the order of arrival; a few customers have long histories, many have short ones."""
    await connection.execute("alter table timeline disable trigger user")
    await connection.execute("drop index ix_timeline_place, ix_timeline_age")
    await connection.execute("alter table timeline drop constraint pk_timeline")
    await connection.execute("create table drawn (number bigint primary key, customer_id uuid not null)")
    await connection.copy_records_to_table("drawn", records=((n, customer(n)) for n in range(customers)))
    entry = an_event(random.Random(2), 0, customers).message.SerializeToString()
    for start in range(0, rows, AT_ONCE):
        await connection.execute(
            "insert into timeline (touchpoint_id, revision, customer_id, occurred_time, stage, entry, channel, kind)"
            " select gen_random_uuid(), 0, customer_id, timestamptz '2020-01-01' + make_interval(secs => n),"
            " 'retention', $1, 'app', 'view' from (select n, floor($2 * random() ^ 1.5)::bigint as number"
            " from generate_series($3::bigint, $4::bigint) n offset 0) r join drawn using (number)"
            " order by n",
            entry,
            float(customers),
            start,
            min(start + AT_ONCE, rows) - 1,
        )
        _lab.console.print(f"{min(start + AT_ONCE, rows):,} rows")
    for each in INDEXES:
        await connection.execute(each)
    await connection.execute("vacuum (analyze) timeline")


async def put_in_order(connection: asyncpg.Connection) -> float:
    """Put the table in order; gives the seconds it took."""
    began = time.perf_counter()
    await connection.execute("cluster timeline using ix_timeline_place")
    seconds = time.perf_counter() - began
    await connection.execute("vacuum (analyze) timeline")
    return seconds


async def timed(drawn: Iterable[uuid.UUID], read: Callable[[uuid.UUID], Awaitable[object]]) -> list[float]:
    """Read a page of each customer; gives milliseconds."""
    taken = []
    for each in drawn:
        began = time.perf_counter()
        await read(each)
        taken.append((time.perf_counter() - began) * 1e3)
    return taken


async def measure(folder: Path, customers: int, count: int) -> dict[str, float]:
    """Read pages cold, then warm."""
    everything = forget(folder)
    _lab.console.print(f"The machine forgot {'all files' if everything else 'the files of the database'}.")
    chance = random.Random(4)
    drawn = [customer(each) for each in chance.sample(range(customers), 2 * count + 1)]
    async with postgres(folder) as server:
        connection = await connect(server)
        db = Database(database.url_for(server, "journey"))

        async def page(of: uuid.UUID) -> object:
            return await usecases.get_timeline(db, of, domain.TimelineFilter(), before=None, most=PAGE)

        async def bare(of: uuid.UUID) -> object:
            return await connection.fetch(PAGE_QUERY, of)

        gc.freeze()
        gc.set_threshold(50_000, 20, 20)  # As a service sets it once it is built.
        await page(drawn[-1])  # So that the plan and the catalogue are known.
        cold = await timed(drawn[:count], page)
        warm, plain = [], []
        for each in drawn[:count]:
            await page(each)
            warm += await timed([each], page)
            await bare(each)
            plain += await timed([each], bare)
        await db.close()
        await connection.close()
    return {
        "cold_p50_ms": round(statistics.median(cold), 2),
        "cold_p95_ms": round(statistics.quantiles(cold, n=20)[-1], 2),
        "warm_p50_ms": round(statistics.median(warm), 3),
        "bare_p50_ms": round(statistics.median(plain), 3),
        "warm_ratio": round(statistics.median(warm) / statistics.median(plain), 2),
    }


async def take(steps: list[str], folder: Path, given: argparse.Namespace) -> dict[str, float]:
    """Take the steps, one after the other."""
    found: dict[str, float] = {"rows": given.rows, "customers": given.customers}
    for step in steps:
        if step in ("before", "after"):
            figures = await measure(folder, given.customers, given.pages)
            found |= {f"{step}_{name}": value for name, value in figures.items()}
            continue
        async with postgres(folder) as server:
            connection = await connect(server)
            if step == "fill":
                await fill(connection, given.rows, given.customers)
            else:
                found["cluster_s"] = round(await put_in_order(connection), 1)
            await connection.close()
    return found


def main() -> None:
    """Measure and say so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    steps = ["fill", "before", "cluster", "after"]
    parser.add_argument("steps", nargs="*", default=steps, metavar="step", help=f"{', '.join(steps)} (all of them)")
    parser.add_argument(
        "--folder", type=Path, help="where the database lies; it is kept (otherwise: for this call only)"
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument(
        "--customers", type=int, default=0, help="how many people they are of (a hundredth of the rows)"
    )
    parser.add_argument("--pages", type=int, default=300, help="pages to read in each way")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--check", action="store_true", help="fail below the figures that must be reached")
    given = parser.parse_args()
    given.customers = given.customers or given.rows // 100
    folder = given.folder or Path(tempfile.mkdtemp(prefix="sori-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    try:
        found = asyncio.run(take(given.steps, folder / "postgres", given))
    finally:
        if given.folder is None:
            shutil.rmtree(folder)
    table = Table("figure", "value")
    for name, value in found.items():
        table.add_row(name, f"{value:,}")
    _lab.console.print(table)
    if given.json:
        print(json.dumps(found))
    if given.check and (found["after_cold_p95_ms"] > MUST_COLD_MS or found["after_warm_ratio"] > MUST_RATIO):
        raise SystemExit(f"must reach: {MUST_COLD_MS} ms cold, {MUST_RATIO} times the bare query warm")


if __name__ == "__main__":
    main()
