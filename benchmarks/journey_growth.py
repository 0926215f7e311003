"""How what journey does costs more as there is more: customers, identifiers of one, touchpoints of one.

`known` stitches touchpoints that show nothing new, `new` such as show something new of customers who are known already;
`page` reads the newest 50 entries, `path` makes stages, segments and risks anew. Microseconds of CPU each, journey's
and Postgres's together, the median of several batches: what others do on the machine does not count. --svg draws them.
"""

import argparse
import asyncio
import datetime as dt
import itertools
import json
import math
import random
import statistics
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import _lab
import asyncpg
from journey import BATCH, NOW, PAGE, an_event
from rich.table import Table

from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori.ingest.v1 import touchpoint_pb2
from sori_journey import domain, usecases
from sori_journey.model import risk
from sori_journey.settings import identity, segments, stages
from sori_journey.store import timeline
from sori_kit import database, ids, migrations
from sori_kit.bus import Batch
from sori_kit.database import Database
from sori_kit.envelope import Event

CUSTOMERS, IDENTIFIERS, HISTORY = (1_000, 5_000, 25_000), (1, 10, 100, 300), (1, 10, 100, 1_000, 10_000)
FEW, ROUNDS = 100, 7  # customers whose identifiers or histories grow; batches measured
MEMBER, DEVICE = touchpoint_pb2.IDENTIFIER_TYPE_MEMBER_ID, touchpoint_pb2.IDENTIFIER_TYPE_DEVICE_ID
TABLES = "inbox, outbox, timeline, pattern, identifier, customer, detachment, touched, path, segment_member, word"
Figures = dict[str, dict[str, dict[int, float]]]  # microseconds by panel, line and size

numbers = itertools.count()


def seen(customer: int, device: str = "") -> Event[TouchpointClassified]:
    """Let a member be seen, with a device where one is named."""
    number = next(numbers)
    event = an_event(random.Random(number), number, 1)
    del event.message.touchpoint.identifiers[:]
    event.message.touchpoint.identifiers.add(type=MEMBER, value=f"M-{customer}")
    if device:
        event.message.touchpoint.identifiers.add(type=DEVICE, value=f"d-{customer}-{device}")
    event.message.touchpoint.touchpoint_id = ids.derived("growth", str(number))
    return replace(
        event,
        event_id=ids.derived("grown", str(number)),
        entity_id=event.message.touchpoint.touchpoint_id,
        data=event.message.SerializeToString(),
    )


class Bench:
    """Journey's use cases on one database."""

    def __init__(self, lab: _lab.Lab, db: Database, connection: asyncpg.Connection) -> None:
        self._lab = lab
        self._db = db
        self._connection = connection
        self._policy = identity.load(None)
        self._rulebook = usecases.Rulebook(stages=stages.load(None), segments=segments.load(None), model=risk.load())

    async def timed(self, work: Callable[[], Awaitable[object]]) -> float:
        """Do something; gives microseconds of CPU."""
        before = self._lab.cpu_ns("postgres")
        began = time.process_time_ns()
        await work()
        own = time.process_time_ns() - began
        return (own + self._lab.cpu_ns("postgres") - before) / 1e3

    async def empty(self) -> None:
        """Begin with nothing."""
        await self._connection.execute(f"truncate {TABLES} cascade")

    async def stitch(self, events: Iterable[Event[TouchpointClassified]]) -> None:
        """Stitch, a batch at a time."""
        waiting = list(events)
        for start in range(0, len(waiting), BATCH):
            batch = Batch("bench", tuple(waiting[start : start + BATCH]))
            await usecases.stitch(self._db, batch, self._policy, stages=self._rulebook.stages, now=NOW)

    async def settle(self) -> None:
        """Let the database do what it would do by itself, before something is measured."""
        await self._connection.execute("truncate outbox, touched")
        await self._connection.execute("vacuum analyze")

    async def stitching(self, make: Callable[[int], Event[TouchpointClassified]], customers: int) -> float:
        """Measure stitching batches of touchpoints of customers drawn at random."""
        taken = []
        for _ in range(ROUNDS):
            batch = [make(each) for each in random.Random(1).sample(range(customers), FEW)]
            taken.append(await self.timed(lambda b=batch: self.stitch(b)) / FEW)  # type: ignore[misc]
        return statistics.median(taken)

    async def lengthen(self, history: int) -> list[uuid.UUID]:
        """Give each customer that there is a longer history; gives the customers."""
        rows = await self._connection.fetch(f"select {', '.join(timeline.COLUMNS)} from timeline")  # noqa: S608
        await self._connection.execute("alter table timeline disable trigger user")
        await self._connection.copy_records_to_table(
            "timeline", columns=timeline.COLUMNS, records=(earlier(row, n) for n in range(1, history) for row in rows)
        )
        await self._connection.execute("alter table timeline enable trigger user")
        return [row["customer_id"] for row in rows]

    async def paging(self, customer_ids: Sequence[uuid.UUID]) -> float:
        """Measure reading pages."""
        everything = domain.TimelineFilter()
        taken = [
            await self.timed(lambda c=each: usecases.get_timeline(self._db, c, everything, before=None, most=PAGE))  # type: ignore[misc]
            for each in [*customer_ids, *customer_ids]
        ]
        return statistics.median(taken[len(customer_ids) :])  # Warm.

    async def following(self, customer_ids: Sequence[uuid.UUID]) -> float:
        """Measure making the paths of all of them."""
        taken = []
        for _ in range(3):
            await self._connection.execute("insert into touched (path_id) select unnest($1::uuid[])", customer_ids)
            taken.append(
                await self.timed(lambda: usecases.follow(self._db, self._rulebook, now=NOW)) / len(customer_ids)
            )
        return statistics.median(taken)


def earlier(row: asyncpg.Record, minutes: int) -> tuple[object, ...]:
    """Make a touchpoint of the same customer, some minutes before."""
    message = TouchpointClassified.FromString(row["entry"])
    touchpoint_id, time = uuid.uuid4(), row["occurred_time"] - dt.timedelta(minutes=minutes)
    message.touchpoint.touchpoint_id = str(touchpoint_id)
    message.touchpoint.occurred_time.FromDatetime(time)
    made = {**row, "touchpoint_id": touchpoint_id, "occurred_time": time, "entry": message.SerializeToString()}
    return tuple(made[name] for name in timeline.COLUMNS)


def fresh_device(customer: int) -> Event[TouchpointClassified]:
    """Let a customer be seen with a device that nobody has seen."""
    return seen(customer, f"n{next(numbers)}")


async def measure(lab: _lab.Lab) -> Figures:
    """Measure every panel."""
    url = database.url_for(lab.postgres_url, "journey")
    await migrations.upgrade("sori_journey", url)
    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    db = Database(url)
    bench, found = Bench(lab, db, connection), Figures()
    for customers in CUSTOMERS:
        await bench.empty()
        await bench.stitch(seen(each) for each in range(customers))
        await bench.settle()
        note(found, "customers", customers, known=await bench.stitching(seen, customers))
        note(found, "customers", customers, new=await bench.stitching(fresh_device, customers))
    for held in IDENTIFIERS:
        await bench.empty()
        for customer in range(FEW):
            await bench.stitch(seen(customer, str(each)) for each in range(held))
        await bench.stitch(seen(each) for each in range(FEW))
        await bench.settle()
        note(found, "identifiers of a customer", held, known=await bench.stitching(seen, FEW))
        if held < max(IDENTIFIERS):
            note(found, "identifiers of a customer", held, new=await bench.stitching(fresh_device, FEW))
    for history in HISTORY:
        await bench.empty()
        few = FEW if history < max(HISTORY) else FEW // 10
        await bench.stitch(seen(each) for each in range(few))
        known = await bench.lengthen(history)
        await bench.settle()
        note(found, "touchpoints of a customer", history, page=await bench.paging(known))
        note(found, "touchpoints of a customer", history, path=await bench.following(known))
        if few == FEW:
            note(found, "touchpoints of a customer", history, known=await bench.stitching(seen, FEW))
    await db.close()
    await connection.close()
    return found


def note(found: Figures, panel: str, size: int, **lines: float) -> None:
    """Keep figures."""
    for line, value in lines.items():
        found.setdefault(panel, {}).setdefault(line, {})[size] = round(value, 1)
        _lab.console.print(f"{panel} {size:,}: {line} {value:,.0f} us")


COLOURS = {"known": "#1b6ca8", "new": "#c0392b", "page": "#2e8b57", "path": "#8e5bb5"}
SAYS = {
    "known": "a touchpoint that shows nothing new",
    "new": "a touchpoint that shows something new",
    "page": "reading a page of 50 entries",
    "path": "stages, segments and risks of a customer, anew",
}
WIDE, HIGH, LEFT, TOP, LINE = 290, 240, 76, 40, 18  # pixels
LOWEST, DECADES = 100.0, 4  # microseconds at the foot; powers of ten above it


def drawing(found: Figures) -> str:
    """Draw the figures, both axes by powers of ten."""
    size = f'width="{len(found) * (WIDE + LEFT) + 30}" height="{HIGH + TOP + 44 + LINE * len(SAYS)}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="12">']
    parts.append('<rect width="100%" height="100%" fill="white"/>')
    for number, (panel, lines) in enumerate(found.items()):
        parts += _panel(panel, lines, number * (WIDE + LEFT) + LEFT)
    for number, (line, says) in enumerate(SAYS.items()):
        y = TOP + HIGH + 46 + number * LINE
        parts.append(f'<path d="M{LEFT} {y - 4}h22" stroke="{COLOURS[line]}" stroke-width="3"/>')
        parts.append(f'<text x="{LEFT + 30}" y="{y}">{says}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: str, lines: Mapping[str, Mapping[int, float]], x0: int) -> Iterable[str]:
    sizes = sorted({size for values in lines.values() for size in values})
    decades = max(1.0, _log(sizes[-1] / sizes[0]))

    def place(size: float, us: float) -> tuple[float, float]:
        return x0 + _log(size / sizes[0]) / decades * WIDE, TOP + HIGH * (1 - _log(us / LOWEST) / DECADES)

    yield f'<text x="{x0 + WIDE / 2}" y="20" text-anchor="middle" font-weight="bold">CPU by {panel}</text>'
    for power in range(DECADES + 1):
        us = LOWEST * 10**power
        _, y = place(sizes[0], us)
        yield f'<path d="M{x0} {y:.1f}h{WIDE}" stroke="#ddd"/>'
        yield (
            f'<text x="{x0 - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f"{f'{us / 1000:,.0f} ms' if us >= 1000 else f'{us:.0f} µs'}</text>"
        )
    for size in sizes:
        x, y = place(size, LOWEST)
        yield f'<path d="M{x:.1f} {y:.1f}v5" stroke="#888"/>'
        yield f'<text x="{x:.1f}" y="{y + 18:.1f}" text-anchor="middle">{size:,}</text>'
    for line, values in lines.items():
        points = [place(size, us) for size, us in sorted(values.items())]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{path}" fill="none" stroke="{COLOURS[line]}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{COLOURS[line]}"/>' for x, y in points)


def _log(value: float) -> float:
    return math.log10(value)


def main() -> None:
    """Measure and say so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--svg", type=Path, help="draw the figures into this file")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    given = parser.parse_args()
    with _lab.lab(durable=True) as lab:
        found = asyncio.run(measure(lab))
    table = Table("of", "size", "what", "us of CPU each")
    for panel, lines in found.items():
        for line, values in lines.items():
            for size, value in values.items():
                table.add_row(panel, f"{size:,}", line, f"{value:,.0f}")
    _lab.console.print(table)
    if given.svg:
        given.svg.write_text(drawing(found), encoding="utf-8")
    if given.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
