"""Tables and queries of journey; rows never leave this file."""

import datetime as dt
import uuid
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sori_journey.domain import Customer, Graph, Identifier, IdentifierType, Merge, Placed, Profile, Stage
from sori_kit.database import Transaction, metadata

METADATA = metadata()

CUSTOMER = sa.Table(
    "customer",
    METADATA,
    sa.Column("customer_id", sa.Uuid, primary_key=True),
    sa.Column("created_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("merged_into", sa.Uuid, sa.ForeignKey("customer.customer_id")),  # The one that remains.
)
IDENTIFIER = sa.Table(
    "identifier",
    METADATA,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("temporary", sa.Boolean, nullable=False),
    sa.Column("customer_id", sa.Uuid, sa.ForeignKey("customer.customer_id"), nullable=False, index=True),
    sa.CheckConstraint(f"type in {tuple(map(str, IdentifierType))}", name="type"),
)
TIMELINE = sa.Table(
    "timeline",
    METADATA,
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("customer_id", sa.Uuid),  # Null: nobody known.
    sa.Column("occurred_time", sa.DateTime(timezone=True), nullable=False),
    sa.Column("stage", sa.Text),
    sa.Column("entry", sa.LargeBinary, nullable=False),  # A serialised TimelineEntry without its position.
    sa.Column("arrival", sa.BigInteger, sa.Identity(), nullable=False),
    sa.CheckConstraint(f"stage in {tuple(map(str, Stage))}", name="stage"),
    sa.Index("ix_timeline_page", "customer_id", "occurred_time", "touchpoint_id"),
    sa.Index("ix_timeline_arrival", "customer_id", "arrival"),
)

_BUCKETS = 256  # Locks that identifiers share: more let more replicas work side by side.


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One place on a timeline, as stored."""

    touchpoint_id: uuid.UUID
    customer_id: uuid.UUID
    occurred_time: dt.datetime
    stage: Stage | None
    entry: bytes
    arrival: int


async def load_graph(tx: Transaction, identifiers: Iterable[Identifier]) -> Graph:
    """Load, and hold until the transaction ends, all that the identifiers lead to."""
    wanted = sorted({(each.type.value, each.value) for each in identifiers})
    buckets = sorted({zlib.crc32(f"{kind}:{value}".encode()) % _BUCKETS for kind, value in wanted})
    await tx.execute(
        "select pg_advisory_xact_lock(7, bucket) from unnest(cast(:buckets as int[])) with ordinality as b (bucket, n)"
        " order by n",
        {"buckets": buckets},
    )
    owners = await _owners(tx, wanted)
    while True:
        customers = await _lock_customers(tx, set(owners.values()))
        again = await _owners(tx, wanted)
        if again == owners:  # Nobody merged them while this transaction waited for the lock.
            break
        owners = again
    graph = Graph(owners, customers)
    rows = await tx.execute(
        "select distinct customer_id from identifier where customer_id = any(cast(:ids as uuid[]))"
        " and not temporary and type not in ('device_id', 'anonymous_id')",
        {"ids": [each.customer_id for each in customers]},
    )
    graph.mark_strong(rows.scalars())
    return graph


async def _owners(tx: Transaction, wanted: Sequence[tuple[str, str]]) -> dict[Identifier, uuid.UUID]:
    rows = await tx.execute(
        "select type, value, temporary, customer_id from identifier"
        " join unnest(cast(:types as text[]), cast(:values as text[])) as w (t, v) on type = t and value = v",
        {"types": [kind for kind, _ in wanted], "values": [value for _, value in wanted]},
    )
    return {Identifier(IdentifierType(row.type), row.value, row.temporary): row.customer_id for row in rows}


async def _lock_customers(tx: Transaction, customer_ids: Iterable[uuid.UUID]) -> list[Customer]:
    rows = await tx.execute(
        "select customer_id, created_time from customer where customer_id = any(cast(:ids as uuid[]))"
        " order by customer_id for update",
        {"ids": sorted(customer_ids)},
    )
    return [Customer(customer_id=row.customer_id, created_time=row.created_time) for row in rows]


async def save(tx: Transaction, graph: Graph, placed: Sequence[Placed]) -> None:
    """Write what changed in the graph, then the places on the timelines."""
    await _create_customers(tx, graph.created)
    await _merge_customers(tx, graph.merges)
    await _claim(tx, graph)
    await tx.execute(
        """
        insert into timeline (touchpoint_id, revision, customer_id, occurred_time, stage, entry)
        select * from unnest(cast(:touchpoint_ids as uuid[]), cast(:revisions as bigint[]),
            cast(:customer_ids as uuid[]), cast(:occurred_times as timestamptz[]), cast(:stages as text[]),
            cast(:entries as bytea[]))
        on conflict (touchpoint_id) do update set revision = excluded.revision, customer_id = excluded.customer_id,
            occurred_time = excluded.occurred_time, stage = excluded.stage, entry = excluded.entry
        where timeline.revision < excluded.revision""",
        {
            "touchpoint_ids": [each.observation.touchpoint_id for each in placed],
            "revisions": [each.observation.revision for each in placed],
            "customer_ids": [each.customer_id for each in placed],
            "occurred_times": [each.observation.occurred_time for each in placed],
            "stages": [each.stage for each in placed],
            "entries": [each.observation.entry for each in placed],
        },
    )


async def _create_customers(tx: Transaction, customers: Sequence[Customer]) -> None:
    if customers:
        await tx.execute(
            "insert into customer (customer_id, created_time)"
            " select * from unnest(cast(:ids as uuid[]), cast(:times as timestamptz[])) on conflict do nothing",
            {"ids": [each.customer_id for each in customers], "times": [each.created_time for each in customers]},
        )


async def _merge_customers(tx: Transaction, merges: Sequence[Merge]) -> None:
    for merge in merges:
        values = {"survivor": merge.survivor_id, "merged": merge.merged_id}
        await tx.execute("update identifier set customer_id = :survivor where customer_id = :merged", values)
        await tx.execute("update timeline set customer_id = :survivor where customer_id = :merged", values)
        await tx.execute(
            "update customer set merged_into = :survivor where customer_id = :merged or merged_into = :merged", values
        )


async def _claim(tx: Transaction, graph: Graph) -> None:
    if graph.claimed:
        await tx.execute(
            "insert into identifier (type, value, temporary, customer_id) select * from unnest(cast(:types as text[]),"
            " cast(:values as text[]), cast(:temporary as boolean[]), cast(:owners as uuid[]))",
            {
                "types": [each.type.value for each in graph.claimed],
                "values": [each.value for each in graph.claimed],
                "temporary": [each.temporary for each in graph.claimed],
                "owners": [graph.survivor(owner) for owner in graph.claimed.values()],
            },
        )


async def resolve(tx: Transaction, customer_id: uuid.UUID) -> uuid.UUID | None:
    """Give the customer that remains of this one, or None for an unknown one."""
    row = (
        await tx.execute(
            "select coalesce(merged_into, customer_id) as id from customer where customer_id = :id", {"id": customer_id}
        )
    ).one_or_none()
    return row and row.id


async def find(tx: Transaction, identifier: Identifier) -> uuid.UUID | None:
    """Give the customer who has an identifier."""
    rows = await tx.execute(
        "select customer_id from identifier where type = :type and value = :value",
        {"type": identifier.type.value, "value": identifier.value},
    )
    found: uuid.UUID | None = rows.scalar_one_or_none()
    return found


async def profile(tx: Transaction, customer_id: uuid.UUID) -> Profile:
    """Gather what is known of one customer."""
    identifiers = await tx.execute(
        "select type, value, temporary from identifier where customer_id = :id", {"id": customer_id}
    )
    figures = (
        await tx.execute(
            "select min(occurred_time) as first, max(occurred_time) as last, count(*) as total,"
            " (array_agg(stage order by occurred_time desc, touchpoint_id desc) filter (where stage is not null))[1]"
            " as stage from timeline where customer_id = :id",
            {"id": customer_id},
        )
    ).one()
    return Profile(
        customer_id=customer_id,
        identifiers=tuple(
            sorted(
                (Identifier(IdentifierType(row.type), row.value, row.temporary) for row in identifiers),
                key=lambda each: (list(IdentifierType).index(each.type), each.value),
            )
        ),
        first_occurred_time=figures.first,
        last_occurred_time=figures.last,
        touchpoint_count=figures.total,
        stage=figures.stage and Stage(figures.stage),
    )


async def page(
    tx: Transaction, customer_id: uuid.UUID, *, before: tuple[dt.datetime, uuid.UUID] | None, most: int
) -> list[Entry]:
    """Give up to `most` entries older than `before`, newest first."""
    rows = await tx.execute(
        sa.select(TIMELINE)
        .where(TIMELINE.c.customer_id == customer_id)
        .where(
            sa.true()
            if before is None
            else sa.tuple_(TIMELINE.c.occurred_time, TIMELINE.c.touchpoint_id) < sa.tuple_(*map(sa.literal, before))
        )
        .order_by(TIMELINE.c.occurred_time.desc(), TIMELINE.c.touchpoint_id.desc())
        .limit(most)
    )
    return [_entry(row) for row in rows]


async def arrivals(tx: Transaction, customer_id: uuid.UUID, *, after: int, most: int) -> list[Entry]:
    """Give up to `most` entries that arrived after number `after`, in order of arrival."""
    rows = await tx.execute(
        sa.select(TIMELINE)
        .where(TIMELINE.c.customer_id == customer_id, TIMELINE.c.arrival > after)
        .order_by(TIMELINE.c.arrival)
        .limit(most)
    )
    return [_entry(row) for row in rows]


async def last_arrival(tx: Transaction, customer_id: uuid.UUID) -> int:
    """Give the number of the customer's latest arrival, 0 for none."""
    rows = await tx.execute(
        "select coalesce(max(arrival), 0) from timeline where customer_id = :id", {"id": customer_id}
    )
    return int(rows.scalar_one())


def _entry(row: sa.Row[tuple[object, ...]]) -> Entry:
    return Entry(
        touchpoint_id=row.touchpoint_id,
        customer_id=row.customer_id,
        occurred_time=row.occurred_time,
        stage=row.stage and Stage(row.stage),
        entry=row.entry,
        arrival=row.arrival,
    )
