"""Hold threads, with a case or without, so that one transaction at a time decides about each."""

import uuid
from collections.abc import Collection

from sori_kit.database import Transaction

_LOCKS = 8  # Class of advisory locks, apart from the kit's names.
_BUCKETS = 4096  # Locks that threads share: more let more replicas work side by side.


def _bucket(key: uuid.UUID) -> int:
    return key.int % _BUCKETS


async def hold(tx: Transaction, keys: Collection[uuid.UUID]) -> None:
    """Keep every other transaction off these threads until this one ends."""
    await tx.fetch(
        "select pg_advisory_xact_lock($1, bucket) from unnest($2::int[]) with ordinality as b (bucket, n) order by n",
        _LOCKS,
        sorted(set(map(_bucket, keys))),
    )


async def try_hold(tx: Transaction, keys: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Hold those of these threads that nobody else holds; gives them."""
    rows = await tx.fetch(
        "select bucket from unnest($2::int[]) as b (bucket) where pg_try_advisory_xact_lock($1, bucket)",
        _LOCKS,
        sorted(set(map(_bucket, keys))),
    )
    held = {row["bucket"] for row in rows}
    return {each for each in keys if _bucket(each) in held}
