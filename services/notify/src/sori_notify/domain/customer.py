"""Customers that turned out to be one."""

import uuid
from collections.abc import Iterable, Mapping


def flatten(
    known: Mapping[uuid.UUID, uuid.UUID], merges: Iterable[tuple[uuid.UUID, uuid.UUID]]
) -> dict[uuid.UUID, uuid.UUID]:
    """Lead every merged customer straight to the one that remains; `merges` are (merged, survivor) in any order."""
    into = dict(known)
    for merged, survivor in merges:
        if merged != survivor:
            into[merged] = survivor
    flat: dict[uuid.UUID, uuid.UUID] = {}
    for merged in into:
        end, seen = into[merged], {merged}
        while end in into and end not in seen:
            seen.add(end)
            end = into[end]
        if end != merged:  # A ring leads nowhere: nobody of it is gone.
            flat[merged] = end
    return flat
