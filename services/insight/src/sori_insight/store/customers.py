"""Whose the lines are: customers that turned out to be one, or several."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

from sori_insight.domain import Belonging, Line, Merge, Merges, Split, owner
from sori_insight.store.tables import FEED
from sori_kit.database import Transaction

_KNOWN = """
    with recursive split as materialized (
        select touchpoint_id, customer_id, graph_version from touchpoint_split
        where touchpoint_id = any(cast(:touchpoints as uuid[]))
    ), reached (id) as (
        (select unnest(cast(:customers as uuid[])) union select customer_id from split)
        union
        select other from reached join (
            select from_id as one, into_id as other from merged_customer
            union all select into_id, from_id from merged_customer
        ) as edge on one = id
    )
    select true as split, touchpoint_id as id, customer_id, graph_version from split
    union all
    select false, from_id, into_id, graph_version from merged_customer join reached on from_id = id"""
_CONCERNED = """
    with recursive reached (id) as (
        select unnest(cast(:ids as uuid[]))
        union
        select other from reached join (
            select from_id as one, into_id as other from merged_customer
            union all select into_id, from_id from merged_customer
        ) as edge on one = id
    ), split (touchpoint_id) as (
        select touchpoint_id from touchpoint_split join reached on customer_id = id
        union select unnest(cast(:touchpoints as uuid[]))
    )
    select arrival, given_id, given_version, about_id, customer_id from feed_item where arrival in (
        select arrival from feed_item join reached on customer_id = id and given_id = id
        union select arrival from feed_item join reached on given_id = id where given_id is distinct from customer_id
        union select arrival from split join feed_item using (touchpoint_id)
        union select arrival from split join feed_item on about_id = split.touchpoint_id
            where feed_item.touchpoint_id is null
    )"""
_Splits = dict[uuid.UUID, Belonging]


async def merge(tx: Transaction, merges: Sequence[Merge]) -> None:
    """Show all lines of merged customers under the one that remains, those that arrive later too."""
    if not merges:
        return
    await tx.lock(FEED)  # No line of a merged customer can be on its way in meanwhile.
    await tx.execute(
        "insert into merged_customer (from_id, graph_version, into_id)"
        " select * from unnest(cast(:merged as uuid[]), cast(:versions as bigint[]), cast(:survivors as uuid[]))"
        " on conflict do nothing",
        {
            "merged": [each.merged_id for each in merges],
            "versions": [each.graph_version for each in merges],
            "survivors": [each.survivor_id for each in merges],
        },
    )
    await _settle(tx, customers=[each.merged_id for each in merges])


async def split(tx: Transaction, splits: Sequence[Split]) -> None:
    """Show the lines of touchpoints under whom they turned out to belong to, those that arrive later too."""
    latest: _Splits = {}
    for each in splits:
        for touchpoint_id in each.touchpoint_ids:
            if touchpoint_id not in latest or latest[touchpoint_id].graph_version < each.to.graph_version:
                latest[touchpoint_id] = each.to
    if not latest:
        return
    await tx.lock(FEED)
    await tx.execute(
        "insert into touchpoint_split (touchpoint_id, customer_id, graph_version)"
        " select * from unnest(cast(:ids as uuid[]), cast(:customers as uuid[]), cast(:versions as bigint[]))"
        " on conflict (touchpoint_id) do update set customer_id = excluded.customer_id,"
        " graph_version = excluded.graph_version where touchpoint_split.graph_version < excluded.graph_version",
        {
            "ids": list(latest),
            "customers": [each.customer_id for each in latest.values()],
            "versions": [each.graph_version for each in latest.values()],
        },
    )
    await _settle(tx, touchpoints=list(latest))


async def owners(tx: Transaction, lines: Sequence[Line]) -> list[uuid.UUID | None]:
    """Say whose each line is, by what is known so far."""
    splits, merges = await _known(
        tx, {each.about_id for each in lines if each.about_id}, {each.given.customer_id for each in lines if each.given}
    )
    return [owner(each.given, splits.get(each.about_id) if each.about_id else None, merges) for each in lines]


async def _known(
    tx: Transaction, touchpoint_ids: Collection[uuid.UUID], customers: Collection[uuid.UUID]
) -> tuple[_Splits, Merges]:
    """Give what was said of touchpoints, and every merge that these customers and those have come by."""
    splits: _Splits = {}
    merges: dict[uuid.UUID, list[tuple[int, uuid.UUID]]] = defaultdict(list)
    for row in await tx.execute(_KNOWN, {"touchpoints": list(touchpoint_ids), "customers": list(customers)}):
        if row.split:
            splits[row.id] = Belonging(row.customer_id, row.graph_version)
        else:
            merges[row.id].append((row.graph_version, row.customer_id))
    return splits, merges


async def _settle(
    tx: Transaction, *, customers: Sequence[uuid.UUID] = (), touchpoints: Sequence[uuid.UUID] = ()
) -> None:
    """Say anew whose the lines are that may have to do with these."""
    rows = await tx.execute(
        _CONCERNED,
        {"ids": list(customers), "touchpoints": list(touchpoints)},
    )
    lines = list(rows)
    splits, merges = await _known(
        tx, {row.about_id for row in lines if row.about_id}, {row.given_id for row in lines if row.given_id}
    )
    moved: dict[int, uuid.UUID | None] = {}
    for row in lines:
        given = Belonging(row.given_id, row.given_version) if row.given_id else None
        if (now := owner(given, splits.get(row.about_id), merges)) != row.customer_id:
            moved[row.arrival] = now
    if moved:
        await tx.execute(
            "update feed_item set customer_id = now from unnest(cast(:numbers as bigint[]), cast(:customers as uuid[]))"
            " as m (number, now) where arrival = number",
            {"numbers": list(moved), "customers": list(moved.values())},
        )
