"""Customers that turned out to be one."""

from collections.abc import Sequence

from sori_insight.domain import Merge, survivors
from sori_insight.store.tables import FEED
from sori_kit.database import Transaction


async def merge(tx: Transaction, merges: Sequence[Merge]) -> None:
    """Show all lines of merged customers under the one that remains, those that arrive later too."""
    if not merges:
        return
    await tx.lock(FEED)  # No line of a merged customer can be on its way in meanwhile.
    rows = await tx.execute(
        "select merged_id, survivor_id from customer_merge"
        " where merged_id = any(cast(:ids as uuid[])) or survivor_id = any(cast(:ids as uuid[]))",
        {"ids": list({each for merge in merges for each in (merge.merged_id, merge.survivor_id)})},
    )
    remaining = survivors({row.merged_id: row.survivor_id for row in rows}, merges)
    values = {"merged": list(remaining), "survivors": list(remaining.values())}
    await tx.execute(
        "insert into customer_merge (merged_id, survivor_id)"
        " select * from unnest(cast(:merged as uuid[]), cast(:survivors as uuid[]))"
        " on conflict (merged_id) do update set survivor_id = excluded.survivor_id",
        values,
    )
    await tx.execute(
        "update feed_item set customer_id = survivor_id"
        " from unnest(cast(:merged as uuid[]), cast(:survivors as uuid[])) as m (merged_id, survivor_id)"
        " where customer_id = merged_id",
        values,
    )
