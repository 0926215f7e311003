"""Customers that were merged."""

import uuid
import zlib
from collections.abc import Collection, Sequence
from dataclasses import replace

from sori_kit.database import Transaction
from sori_notify.domain import (
    Case,
    flatten,
)


async def repointed(tx: Transaction, cases: Sequence[Case]) -> list[Case]:
    """Name the customers that remain after all merges known by now."""
    wanted = {each.customer_id for each in cases if each.customer_id}
    if not wanted:
        return list(cases)
    into = await survivors(tx, wanted)
    return [
        replace(each, customer_id=into.get(each.customer_id, each.customer_id)) if each.customer_id else each
        for each in cases
    ]


async def add_merges(tx: Transaction, merges: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> dict[uuid.UUID, uuid.UUID]:
    """Keep (merged, survivor) pairs, in any order of arrival; gives who remains of each customer concerned."""
    await tx.lock("customer_merge")
    rows = await tx.execute(
        "select merged_id, survivor_id from customer_merge"
        " where merged_id = any(cast(:ids as uuid[])) or survivor_id = any(cast(:ids as uuid[]))",
        {"ids": list({each for pair in merges for each in pair})},
    )
    flat = flatten({row.merged_id: row.survivor_id for row in rows}, merges)
    await tx.execute(
        "insert into customer_merge (merged_id, survivor_id)"
        " select * from unnest(cast(:merged as uuid[]), cast(:survivors as uuid[]))"
        " on conflict (merged_id) do update set survivor_id = excluded.survivor_id",
        {"merged": list(flat), "survivors": list(flat.values())},
    )
    return flat


async def survivors(tx: Transaction, customer_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Give those of these customers that were merged, and who remains of each."""
    if not customer_ids:
        return {}
    rows = await tx.execute(
        "select merged_id, survivor_id from customer_merge where merged_id = any(cast(:ids as uuid[]))",
        {"ids": list(customer_ids)},
    )
    return {row.merged_id: row.survivor_id for row in rows}


async def share_customers(tx: Transaction, needed: bool) -> None:
    """Keep merges of customers away until this transaction ends, if it goes by who remains of them."""
    if needed:
        await tx.execute("select pg_advisory_xact_lock_shared(:key)", {"key": zlib.crc32(b"customer_merge")})


async def split_customer(
    tx: Transaction, customer_id: uuid.UUID, touchpoint_ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Let touchpoints belong to a customer who is somebody else after all; gives the threads concerned."""
    await tx.lock("customer_merge")
    await tx.execute("delete from customer_merge where merged_id = :id", {"id": customer_id})
    rows = await tx.execute(
        "update thread_event set customer_id = :id where touchpoint_id = any(cast(:touchpoint_ids as uuid[]))"
        " returning case_id",
        {"id": customer_id, "touchpoint_ids": list(touchpoint_ids)},
    )
    return set(rows.scalars())
