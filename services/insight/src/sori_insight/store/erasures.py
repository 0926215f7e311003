"""Customers whose data is gone."""

import uuid
from collections.abc import Sequence

from sori_insight.domain import Erased
from sori_insight.store.tables import FEED
from sori_kit.database import Transaction


async def erase(tx: Transaction, parts: Sequence[Erased]) -> None:
    """Remove all lines of customers, and keep out those that may still come."""
    if not parts:
        return
    await tx.lock(FEED)
    ids = [each for part in parts for each in (*part.customer_ids, *part.touchpoint_ids)]
    await tx.execute(
        "insert into erased (id) select distinct unnest(cast(:ids as uuid[])) on conflict do nothing", {"ids": ids}
    )
    removed = await tx.change(
        "delete from feed_item where customer_id = any(cast(:ids as uuid[]))"
        " or (given_id = any(cast(:ids as uuid[])) and given_id is distinct from customer_id)"
        " or touchpoint_id = any(cast(:ids as uuid[]))"
        " or (about_id = any(cast(:ids as uuid[])) and touchpoint_id is null)",
        {"ids": ids},
    )
    await tx.execute("delete from touchpoint_split where touchpoint_id = any(cast(:ids as uuid[]))", {"ids": ids})
    await tx.execute("delete from correction where touchpoint_id = any(cast(:ids as uuid[]))", {"ids": ids})
    await tx.execute(
        "insert into erasure (erasure_id, part, part_count, removed_count)"
        " select * from unnest(cast(:erasures as uuid[]), cast(:parts as int[]), cast(:counts as int[]),"
        " cast(:removed as bigint[])) on conflict do nothing",
        {
            "erasures": [each.erasure_id for each in parts],
            "parts": [each.part for each in parts],
            "counts": [each.part_count for each in parts],
            "removed": [removed, *(0 for _ in parts[1:])],
        },
    )


async def unanswered(tx: Transaction) -> list[tuple[uuid.UUID, int]]:
    """Give the erasures of which every part was handled and journey does not know yet, with how much was removed."""
    rows = await tx.execute(
        "select erasure_id, sum(removed_count) as removed from erasure where not answered"
        " group by erasure_id, part_count having count(*) = part_count order by erasure_id limit 100"
    )
    return [(row.erasure_id, int(row.removed)) for row in rows]


async def answered(tx: Transaction, erasure_id: uuid.UUID) -> None:
    """Note that journey knows."""
    await tx.execute("update erasure set answered = true where erasure_id = :id", {"id": erasure_id})
