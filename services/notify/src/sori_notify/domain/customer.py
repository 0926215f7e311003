"""Customers that turned out to be one, or several."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Merges: TypeAlias = Mapping[uuid.UUID, Sequence[tuple[int, uuid.UUID]]]  # customer: (graph version, into whom)


@dataclass(frozen=True, slots=True)
class Belonging:
    """A statement about whose a touchpoint is."""

    customer_id: uuid.UUID
    graph_version: int  # How often who is who had changed by then; 0: journey did not say.


@dataclass(frozen=True, slots=True)
class Merge:
    """Two customers that turned out to be one."""

    merged_id: uuid.UUID
    survivor_id: uuid.UUID
    graph_version: int  # 0: journey did not say; it then holds whenever.


@dataclass(frozen=True, slots=True)
class Split:
    """Touchpoints that turned out to be another customer's."""

    to: Belonging
    touchpoint_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True, slots=True)
class Erased:
    """One part of a customer's data that is to be erased."""

    erasure_id: uuid.UUID
    part: int  # from 1
    part_count: int
    customer_ids: tuple[uuid.UUID, ...]
    touchpoint_ids: tuple[uuid.UUID, ...]


def owner(given: Belonging | None, split: Belonging | None, merges: Merges) -> uuid.UUID | None:
    """Say whose a touchpoint is now: the latest statement about it, and the merges of customers after that.

    What came to be known first or last does not matter. A ring of merges leads nowhere.
    """
    current = given
    if split is not None and (given is None or _is_later(split.graph_version, given.graph_version)):
        current = split
    seen: set[tuple[uuid.UUID, int]] = set()
    while current is not None:
        version = current.graph_version
        later = [each for each in merges.get(current.customer_id, ()) if _is_later(each[0], version)]
        later = [each for each in later if (current.customer_id, each[0]) not in seen]
        if not later:
            return current.customer_id
        merged, into = min(later)
        seen.add((current.customer_id, merged))
        current = Belonging(into, max(version, merged))
    return None


def _is_later(one: int, other: int) -> bool:
    return one > other or one == 0


def standing(merges: Merges, returned: Mapping[uuid.UUID, int]) -> dict[uuid.UUID, uuid.UUID]:
    """Lead every customer that is merged now straight to the one that remains.

    `returned` says at which graph version a customer was last given touchpoints by a split: earlier merges of it are
    over.
    """
    latest = {merged: max(known) for merged, known in merges.items() if known}
    return flatten(
        {},
        [
            (merged, into)
            for merged, (version, into) in sorted(latest.items())
            if merged not in returned or _is_later(version, returned[merged])
        ],
    )


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
