"""Journey on its own: how fast touchpoints are stitched, and how fast a page of a timeline is read.

`stitch` hands batches of classified touchpoints to the use case, as the consumer does: inbox, graph, timeline, outbox.
`raw` writes the very same rows, new and changed, with asyncpg's unnest upserts and decides nothing. The two take turns.
`page` reads the newest 50 entries of customers drawn at random by the use case and by the bare query, warm; the
timeline has --rows rows by then. `known` is `stitch` where every pattern of identifiers was seen before, as nearly all
are in the long run. Postgres runs with its usual durability.
"""

import argparse
import asyncio
import datetime as dt
import gc
import json
import os
import random
import resource
import statistics
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import _lab
import asyncpg
from rich.table import Table

from sori.classify.v1 import classification_pb2
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori.ingest.v1 import touchpoint_pb2
from sori_journey import domain, usecases
from sori_journey.settings import identity
from sori_kit import database, ids, migrations
from sori_kit.bus import Batch
from sori_kit.database import Database
from sori_kit.envelope import Event

MUST_STITCH, MUST_PAGE = 0.5, 2.0  # of raw; times the bare query
BATCH, PAGE = 500, 50
NOW = dt.datetime(2026, 11, 2, tzinfo=dt.UTC)
TEXT = "배송이 또 늦었어요. 지난주에도 그랬는데 이번에도 이틀이나 늦게 왔습니다. 언제쯤 받을 수 있을까요?"
PAGE_QUERY = (
    "select touchpoint_id, customer_id, occurred_time, stage, entry, arrival from timeline where customer_id = $1"
    " order by occurred_time desc, touchpoint_id desc limit 50"
)


def an_event(chance: random.Random, number: int, customers: int) -> Event[TouchpointClassified]:
    """Make a touchpoint of somebody who comes back: a member, often with a phone, a device or a cookie."""
    customer = chance.randrange(customers)
    touchpoint = touchpoint_pb2.Touchpoint(
        source="benchmark",
        external_id=f"b-{number}",
        channel=touchpoint_pb2.CHANNEL_APP,
        kind=touchpoint_pb2.TOUCHPOINT_KIND_INQUIRY,
        actor=touchpoint_pb2.ACTOR_CUSTOMER,
        text=TEXT,
    )
    touchpoint.touchpoint_id = ids.derived("touchpoint", "benchmark", touchpoint.external_id)
    touchpoint.occurred_time.FromDatetime(NOW - dt.timedelta(days=30) + dt.timedelta(seconds=number))
    known = [(touchpoint_pb2.IDENTIFIER_TYPE_MEMBER_ID, f"M-{customer}")]
    draw = chance.random()
    if draw < 0.3:
        known.append((touchpoint_pb2.IDENTIFIER_TYPE_PHONE, f"+8210{customer:08}"))
    elif draw < 0.5:
        known.append((touchpoint_pb2.IDENTIFIER_TYPE_DEVICE_ID, f"d-{customer}"))
    elif draw < 0.6:
        known = [(touchpoint_pb2.IDENTIFIER_TYPE_DEVICE_ID, f"d-{customer}")]
    for kind, value in known:
        touchpoint.identifiers.add(type=kind, value=value)
    classification = classification_pb2.Classification(
        sentiment=classification_pb2.SENTIMENT_NEGATIVE, language="ko", topics=["delivery"], model_version="benchmark"
    )
    message = TouchpointClassified(touchpoint=touchpoint, classification=classification)
    return Event(
        event_id=ids.derived("classified", touchpoint.touchpoint_id),
        message=message,
        data=message.SerializeToString(),
        entity_id=touchpoint.touchpoint_id,
        time=NOW,
        correlation_id=touchpoint.touchpoint_id,
    )


def repeated(event: Event[TouchpointClassified]) -> Event[TouchpointClassified]:
    """Let the same person come again a second later."""
    message = TouchpointClassified.FromString(event.message.SerializeToString())
    message.touchpoint.touchpoint_id = ids.derived("again", event.entity_id)
    message.touchpoint.occurred_time.seconds += 1
    return replace(
        event,
        event_id=ids.derived("classified", message.touchpoint.touchpoint_id),
        entity_id=message.touchpoint.touchpoint_id,
        message=message,
        data=message.SerializeToString(),
    )


WRITTEN = {  # the rows that a transaction wrote, by table
    "pattern": "select * from pattern where xmin = $1::text::xid",
    "customer": "select * from customer where xmin = $1::text::xid order by merged_into is not null",
    "identifier": "select * from identifier where xmin = $1::text::xid",
    "moved": "select touchpoint_id, customer_id from timeline where xmin = $1::text::xid"
    " and touchpoint_id <> all($2::uuid[])",
    "touched": "select path_id from touched where xmin = $1::text::xid",
}
UPSERTS = {
    "pattern": "insert into raw_pattern select pattern_id, region_id, customer_id, string_to_array(types, ','),"
    " string_to_array(names, ','), cast(string_to_array(temporaries, ',') as boolean[]), first_time, first_id, source,"
    " birth_time, birth_id from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[],"
    " $7::timestamptz[], $8::uuid[], $9::text[], $10::timestamptz[], $11::uuid[]) as p (pattern_id, region_id,"
    " customer_id, types, names, temporaries, first_time, first_id, source, birth_time, birth_id)"
    " on conflict (pattern_id) do update set customer_id = excluded.customer_id",
    "customer": "insert into raw_customer select * from unnest($1::uuid[], $2::timestamptz[], $3::uuid[])"
    " on conflict (customer_id) do update set merged_into = excluded.merged_into",
    "identifier": "insert into raw_identifier select * from unnest($1::text[], $2::text[], $3::boolean[], $4::uuid[],"
    " $5::uuid[], $6::boolean[]) on conflict (type, value) do update set customer_id = excluded.customer_id",
    "moved": "update raw_timeline set customer_id = new from unnest($1::uuid[], $2::uuid[]) as m (id, new)"
    " where touchpoint_id = id",
    "touched": "insert into raw_touched (path_id) select * from unnest($1::uuid[])",
}
HEADERS = b"x" * 420  # as long as those of a touchpoint that was stitched


async def written(connection: asyncpg.Connection, batch: Sequence[Event[TouchpointClassified]]) -> dict[str, list[Any]]:
    """Read what stitching a batch wrote beside its touchpoints and their events, by table, as columns."""
    touchpoints = [each.entity_id for each in batch]
    by = await connection.fetchval("select xmin::text from timeline where touchpoint_id = $1", touchpoints[-1])
    found = {}
    for table, query in WRITTEN.items():
        rows = [
            [",".join(map(str, value)) if isinstance(value, list) else value for value in row.values()]
            for row in await connection.fetch(query, by, *([touchpoints] if table == "moved" else []))
        ]
        found[table] = list(map(list, zip(*rows, strict=True)))
    return found


async def raw(
    connection: asyncpg.Connection, batch: Sequence[Event[TouchpointClassified]], rest: Mapping[str, list[Any]]
) -> None:
    """Write the rows that stitching a batch writes, and decide nothing."""
    touchpoints = [uuid.UUID(each.entity_id) for each in batch]
    entries = [each.message.SerializeToString() for each in batch]
    async with connection.transaction():
        await connection.execute(
            "insert into inbox (durable, event_id) select 'raw', * from unnest($1::uuid[]) on conflict do nothing",
            [uuid.UUID(each.event_id) for each in batch],
        )
        await connection.execute(
            "insert into raw_timeline (touchpoint_id, revision, customer_id, occurred_time, stage, entry,"
            " pattern_id, channel, kind, sentiment) select * from unnest($1::uuid[], $2::bigint[], $3::uuid[],"
            " $4::timestamptz[], $5::text[], $6::bytea[], $7::uuid[], $8::text[], $9::text[], $10::text[])"
            " on conflict (touchpoint_id) do update set revision = excluded.revision, entry = excluded.entry"
            " where raw_timeline.revision < excluded.revision",
            touchpoints,
            [0] * len(batch),
            [uuid.uuid5(uuid.NAMESPACE_OID, each.message.touchpoint.identifiers[0].value) for each in batch],
            [each.message.touchpoint.occurred_time.ToDatetime(dt.UTC) for each in batch],
            ["retention"] * len(batch),
            entries,
            touchpoints,
            ["app"] * len(batch),
            ["inquiry"] * len(batch),
            ["negative"] * len(batch),
        )
        await connection.execute(
            "insert into outbox (subject, data, headers) select * from unnest($1::text[], $2::bytea[], $3::bytea[])",
            ["sori.journey.touchpoint.stitched.v1"] * len(batch),
            entries,
            [HEADERS] * len(batch),
        )
        for table, columns in rest.items():
            if columns:
                await connection.execute(UPSERTS[table], *columns)


async def take_turns(
    db: Database, connection: asyncpg.Connection, policy: domain.IdentityPolicy, *, events: int, customers: int
) -> dict[str, float]:
    """Stitch and write raw in turn; gives the events a second of each."""
    chance, spent = random.Random(1), {"stitch": 0.0, "raw": 0.0}
    again: list[Event[TouchpointClassified]] = []
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)  # As a service sets it once it is built.
    for start in range(0, events, BATCH):
        batch = [an_event(chance, start + number, customers) for number in range(BATCH)]
        began = time.perf_counter()
        await usecases.stitch(db, Batch("bench", tuple(batch)), policy, now=NOW)
        spent["stitch"] += time.perf_counter() - began
        rest = await written(connection, batch)
        began = time.perf_counter()
        await raw(connection, batch, rest)
        spent["raw"] += time.perf_counter() - began
        if start % (BATCH * 20) == 0:
            await connection.execute("truncate outbox")  # The relay would.
        again = [*again, *batch][: BATCH * 20]
    rates = {name: events / seconds for name, seconds in spent.items()}
    began = time.perf_counter()
    for start in range(0, len(again), BATCH):
        batch = [repeated(each) for each in again[start : start + BATCH]]
        await usecases.stitch(db, Batch("bench", tuple(batch)), policy, now=NOW)
    return rates | {"known": len(again) / (time.perf_counter() - began)}


async def fill(connection: asyncpg.Connection, rows: int, customers: int) -> None:
    """Bring the timeline to `rows` rows, those of a customer scattered as time scatters them."""
    known = [
        row["customer_id"] for row in await connection.fetch("select customer_id from customer limit $1", customers)
    ]
    have = await connection.fetchval("select count(*) from timeline")
    entry = an_event(random.Random(2), 0, customers).message.SerializeToString()
    chance = random.Random(3)
    for start in range(have, rows, 50_000):
        await connection.copy_records_to_table(
            "timeline",
            columns=["touchpoint_id", "revision", "customer_id", "occurred_time", "stage", "entry", "channel", "kind"],
            records=[
                (
                    uuid.uuid4(),
                    0,
                    chance.choice(known),
                    NOW + dt.timedelta(seconds=start + number),
                    "retention",
                    entry,
                    "app",
                    "view",
                )
                for number in range(min(50_000, rows - start))
            ],
        )
    await connection.execute("vacuum analyze timeline")


async def pages(db: Database, connection: asyncpg.Connection, *, count: int) -> dict[str, list[float]]:
    """Read pages by the use case and by the bare query, in turn; gives milliseconds."""
    rows = await connection.fetch(
        "select customer_id from customer where merged_into is null order by random() limit $1", count
    )
    drawn, found = [row["customer_id"] for row in rows], {"page": list[float](), "bare": list[float]()}
    for warm in (True, False):
        for each in drawn:
            began = time.perf_counter()
            await usecases.get_timeline(db, each, domain.TimelineFilter(), before=None, most=PAGE)
            middle = time.perf_counter()
            await connection.fetch(PAGE_QUERY, each)
            if not warm:
                found["page"].append((middle - began) * 1e3)
                found["bare"].append((time.perf_counter() - middle) * 1e3)
    return found


async def measure(server: str, given: argparse.Namespace) -> dict[str, float]:
    """Measure everything once."""
    url = database.url_for(server, "journey")
    await migrations.upgrade("sori_journey", url)
    db, policy = Database(url), identity.load(None)
    connection = await asyncpg.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))
    for table in ("timeline", "touched", "pattern", "customer", "identifier"):
        await connection.execute(f"create table raw_{table} (like {table} including all)")
    rates = await take_turns(db, connection, policy, events=given.events, customers=given.customers)
    await fill(connection, given.rows, given.customers)
    read = await pages(db, connection, count=given.pages)
    await connection.close()
    await db.close()
    return {
        "rows": given.rows,
        "stitch_per_s": round(rates["stitch"]),
        "raw_per_s": round(rates["raw"]),
        "known_per_s": round(rates["known"]),
        "stitch_ratio": round(rates["stitch"] / rates["raw"], 2),
        "known_ratio": round(rates["known"] / rates["raw"], 2),
        "page_p50_ms": round(statistics.median(read["page"]), 2),
        "page_p95_ms": round(statistics.quantiles(read["page"], n=20)[-1], 2),
        "bare_p50_ms": round(statistics.median(read["bare"]), 2),
        "page_ratio": round(statistics.median(read["page"]) / statistics.median(read["bare"]), 2),
        "memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "cores": os.cpu_count() or 0,
    }


def main() -> None:
    """Measure and say so."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the timeline that pages are read from")
    parser.add_argument("--events", type=int, default=50_000, help="touchpoints to stitch")
    parser.add_argument("--customers", type=int, default=5_000, help="how many people they are of")
    parser.add_argument("--pages", type=int, default=500, help="pages to read")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    parser.add_argument("--check", action="store_true", help="fail below the figures that must be reached")
    given = parser.parse_args()
    with _lab.lab(durable=True) as lab:
        found = asyncio.run(measure(lab.postgres_url, given))
    table = Table("figure", "value")
    for name, value in found.items():
        table.add_row(name, f"{value:,}")
    _lab.console.print(table)
    if given.json:
        print(json.dumps(found))
    if given.check and (found["stitch_ratio"] < MUST_STITCH or found["page_ratio"] > MUST_PAGE):
        raise SystemExit(f"must reach: stitch {MUST_STITCH} of raw, page {MUST_PAGE} times bare")


if __name__ == "__main__":
    main()
