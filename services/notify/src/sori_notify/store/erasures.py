"""Customers whose data is gone."""

import uuid
from collections.abc import Sequence

from sori_kit.database import Transaction
from sori_notify.domain import Erased


async def erase(tx: Transaction, parts: Sequence[Erased]) -> None:
    """Take the names of customers off everything, also off what is still to come; what was promised stays countable.

    Gives nothing back: how much was removed is kept for the answer.
    """
    ids = list({each for part in parts for each in (*part.customer_ids, *part.touchpoint_ids)})
    values = {"ids": ids}
    await tx.execute("insert into erased (id) select unnest(cast(:ids as uuid[])) on conflict do nothing", values)
    messages = await tx.execute(
        "update thread_event set customer_id = null, given_id = null"
        " where (customer_id = any(cast(:ids as uuid[])) or given_id = any(cast(:ids as uuid[]))"
        " or touchpoint_id = any(cast(:ids as uuid[]))) and (customer_id is not null or given_id is not null)",
        values,
    )
    cases = await tx.execute(
        "update matter set customer_id = null where (customer_id = any(cast(:ids as uuid[]))"
        " or touchpoint_id = any(cast(:ids as uuid[]))) and customer_id is not null",
        values,
    )
    await tx.execute(
        "delete from customer_merge where merged_id = any(cast(:ids as uuid[]))"
        " or survivor_id = any(cast(:ids as uuid[]))",
        values,
    )
    await tx.execute(
        "delete from merged_customer where from_id = any(cast(:ids as uuid[])) or into_id = any(cast(:ids as uuid[]))",
        values,
    )
    await tx.execute(
        "delete from touchpoint_split where touchpoint_id = any(cast(:ids as uuid[]))"
        " or customer_id = any(cast(:ids as uuid[]))",
        values,
    )
    await tx.execute("delete from correction where touchpoint_id = any(cast(:ids as uuid[]))", values)
    await tx.execute(
        "insert into erasure (erasure_id, part, part_count, removed_count)"
        " select * from unnest(cast(:erasures as uuid[]), cast(:parts as int[]), cast(:counts as int[]),"
        " cast(:removed as bigint[])) on conflict do nothing",
        {
            "erasures": [each.erasure_id for each in parts],
            "parts": [each.part for each in parts],
            "counts": [each.part_count for each in parts],
            "removed": [messages.rowcount + cases.rowcount, *(0 for _ in parts[1:])],
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
