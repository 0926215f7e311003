"""Segments and risks, as stored."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sori_journey.domain import RiskKind
from sori_kit.database import Transaction

_RISKS: Mapping[RiskKind, str] = {
    RiskKind.CHURN: "select path_id, churn_risk as score from path where churn_risk",
    RiskKind.COMPLAINT: "select path_id, complaint_risk as score from path where complaint_risk",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody in a segment."""

    customer_id: uuid.UUID
    entered_time: dt.datetime


async def bounds(tx: Transaction) -> dict[str, list[float]]:
    """Give the borders between fifths."""
    return {row.measure: row.bounds for row in await tx.execute("select measure, bounds from quintile")}


async def set_bounds(tx: Transaction) -> None:
    """Find the borders between fifths anew, among all who bought."""
    await tx.execute(
        "insert into quintile (measure, bounds) select measure, percentile_disc(array[0.2, 0.4, 0.6, 0.8])"
        " within group (order by value) from path, lateral (values"
        " ('recency', cast(extract(epoch from last_purchase_time) as double precision)),"
        " ('frequency', cast(purchase_count as double precision)), ('monetary', spent)) as m (measure, value)"
        " where known and last_purchase_time is not null group by measure"
        " on conflict (measure) do update set bounds = excluded.bounds"
    )


async def memberships(tx: Transaction, customer_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, set[str]]:
    """Give the segments of customers."""
    found: dict[uuid.UUID, set[str]] = defaultdict(set)
    for row in await tx.execute(
        "select customer_id, segment from segment_member where customer_id = any(cast(:ids as uuid[]))",
        {"ids": list(customer_ids)},
    ):
        found[row.customer_id].add(row.segment)
    return found


async def members_beyond(tx: Transaction, segments: Sequence[str], *, most: int) -> list[tuple[uuid.UUID, str]]:
    """Give up to `most` memberships of segments other than these."""
    rows = await tx.execute(
        "select customer_id, segment from segment_member where segment <> all(cast(:segments as text[]))"
        " order by segment, customer_id limit :most",
        {"segments": list(segments), "most": most},
    )
    return [(row.customer_id, row.segment) for row in rows]


async def enter(tx: Transaction, entered: Iterable[tuple[uuid.UUID, str]], *, now: dt.datetime) -> None:
    """Put customers into segments."""
    pairs = list(entered)
    if pairs:
        await tx.execute(
            "insert into segment_member (customer_id, segment, entered_time)"
            " select id, s, :now from unnest(cast(:ids as uuid[]), cast(:segments as text[])) as e (id, s)"
            " on conflict do nothing",
            {"ids": [one for one, _ in pairs], "segments": [segment for _, segment in pairs], "now": now},
        )


async def leave(tx: Transaction, left: Iterable[tuple[uuid.UUID, str]]) -> None:
    """Take customers out of segments."""
    pairs = list(left)
    if pairs:
        await tx.execute(
            "delete from segment_member using unnest(cast(:ids as uuid[]), cast(:segments as text[])) as l (id, s)"
            " where customer_id = id and segment = s",
            {"ids": [one for one, _ in pairs], "segments": [segment for _, segment in pairs]},
        )


async def counts(tx: Transaction) -> dict[str, int]:
    """Count the members of each segment."""
    rows = await tx.execute("select segment, count(*) as total from segment_member group by segment")
    return {row.segment: row.total for row in rows}


async def members(tx: Transaction, segment: str, *, after: uuid.UUID | None, most: int) -> list[Member]:
    """Give up to `most` members, by id."""
    rows = await tx.execute(
        "select customer_id, entered_time from segment_member where segment = :segment"
        " and (cast(:after as uuid) is null or customer_id > :after) order by customer_id limit :most",
        {"segment": segment, "after": after, "most": most},
    )
    return [Member(customer_id=row.customer_id, entered_time=row.entered_time) for row in rows]


async def at_risk(
    tx: Transaction,
    kind: RiskKind,
    *,
    least: float,
    segment: str,
    before: tuple[float, uuid.UUID] | None,
    most: int,
) -> list[uuid.UUID]:
    """Give up to `most` customers with at least this score, the highest first."""
    query = f"{_RISKS[kind]} >= :least"
    if segment:
        query += " and path_id in (select customer_id from segment_member where segment = :segment)"
    rows = await tx.execute(
        f"select path_id from ({query}) p where :first or (score, path_id) < (:score, :id)"  # noqa: S608
        " order by score desc, path_id desc limit :most",
        {
            "least": least,
            "most": most,
            "first": before is None,
            "score": before[0] if before else 0.0,
            "id": before[1] if before else uuid.UUID(int=0),
            **({"segment": segment} if segment else {}),
        },
    )
    return list(rows.scalars())
