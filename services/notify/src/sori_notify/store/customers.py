"""Whose touchpoints are: customers that turned out to be one, or several."""

import uuid
import zlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from sori_kit.database import Transaction
from sori_notify.domain import Belonging, Merge, Merges, Message, Split, owner, standing

_LOCK = "customer_merge"  # Who says something about touchpoints holds it alone, those who bring some in share it.
_MERGES = """
    with recursive reached (id) as (
        select unnest($1::uuid[])
        union
        select other from reached join (
            select from_id as one, into_id as other from merged_customer
            union all select into_id, from_id from merged_customer
        ) as edge on one = id
    )
    select from_id, graph_version, into_id from merged_customer join reached on from_id = id"""
_CONCERNED = """
    with recursive reached (id) as (
        select unnest(cast(:ids as uuid[]))
        union
        select other from reached join (
            select from_id as one, into_id as other from merged_customer
            union all select into_id, from_id from merged_customer
        ) as edge on one = id
    )
    select touchpoint_id, case_id, customer_id, coalesce(given_id, customer_id) as given_id, given_version, grouped,
        topics ->> 0 as topic
    from thread_event where touchpoint_id in (
        select touchpoint_id from thread_event join reached on customer_id = id
        union select touchpoint_id from thread_event join reached on given_id = id
        union select touchpoint_id from touchpoint_split join reached on customer_id = id
        union select unnest(cast(:touchpoints as uuid[]))
    )"""


async def alone(tx: Transaction) -> None:
    """Keep touchpoints from coming in until this transaction ends: it says something about them."""
    await tx.lock(_LOCK)


async def share(tx: Transaction) -> None:
    """Keep statements about touchpoints away until this transaction ends, which brings some in."""
    await tx.fetch("select pg_advisory_xact_lock_shared($1)", zlib.crc32(_LOCK.encode()))


async def add_merges(tx: Transaction, merges: Sequence[Merge]) -> None:
    """Keep merges, in any order of arrival."""
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


async def add_splits(tx: Transaction, splits: Sequence[Split]) -> None:
    """Keep of each touchpoint the latest split, in any order of arrival."""
    latest: dict[uuid.UUID, Belonging] = {}
    for each in splits:
        for touchpoint_id in each.touchpoint_ids:
            if touchpoint_id not in latest or latest[touchpoint_id].graph_version < each.to.graph_version:
                latest[touchpoint_id] = each.to
    await tx.execute(
        "insert into touchpoint_split (touchpoint_id, customer_id, graph_version)"
        " select * from unnest(cast(:ids as uuid[]), cast(:customers as uuid[]), cast(:versions as bigint[]))"
        " as new (touchpoint_id, customer_id, graph_version)"
        " where not exists (select from erased where id in (new.touchpoint_id, new.customer_id))"
        " on conflict (touchpoint_id) do update set customer_id = excluded.customer_id,"
        " graph_version = excluded.graph_version where touchpoint_split.graph_version < excluded.graph_version",
        {
            "ids": list(latest),
            "customers": [each.customer_id for each in latest.values()],
            "versions": [each.graph_version for each in latest.values()],
        },
    )


async def owned(tx: Transaction, messages: Sequence[Message]) -> list[Message]:
    """Say whose messages that come in are, by all that is known; erased customers' are nobody's, in no thread."""
    ids = {each.touchpoint_id for each in messages}
    rows = await tx.fetch(
        "select touchpoint_id as id, customer_id, graph_version from touchpoint_split where touchpoint_id = any($1)"
        " union all select id, null, 0 from erased where id = any($2)",
        list(ids),
        list(ids | {each.given.customer_id for each in messages if each.given}),
    )
    splits = {row["id"]: Belonging(row["customer_id"], row["graph_version"]) for row in rows if row["customer_id"]}
    erased = {row["id"] for row in rows if not row["customer_id"]}
    gone = {
        each.touchpoint_id
        for each in messages
        if each.touchpoint_id in erased or (each.given and each.given.customer_id in erased)
    }
    given = {each.touchpoint_id: None if each.touchpoint_id in gone else each.given for each in messages}
    merges = await _merges(
        tx,
        {each.customer_id for each in given.values() if each} | {each.customer_id for each in splits.values()},
    )
    found: list[Message] = []
    for each in messages:
        belonging = given[each.touchpoint_id]
        customer_id = owner(belonging, splits.get(each.touchpoint_id), merges)
        if each.touchpoint_id in gone and customer_id is None:
            found.append(replace(each, given=None, customer_id=None, thread_id=""))
        elif customer_id != each.customer_id:
            found.append(replace(each, given=belonging, customer_id=customer_id))
        else:
            found.append(each)
    return found


async def settle(
    tx: Transaction,
    derive: Callable[[uuid.UUID, str], uuid.UUID],
    *,
    customers: Collection[uuid.UUID] = (),
    touchpoints: Collection[uuid.UUID] = (),
) -> set[uuid.UUID]:
    """Say anew whose the touchpoints are that may have to do with these; gives all threads concerned.

    `derive` names what a customer and a topic stand for where they stand for a thread.
    """
    values = {"ids": list(customers), "touchpoints": list(touchpoints)}
    rows = (await tx.execute(_CONCERNED, values)).all()
    splits = await _splits(tx, {row.touchpoint_id for row in rows})
    merges = await _merges(
        tx, {row.given_id for row in rows if row.given_id} | {each.customer_id for each in splits.values()}
    )
    touched: set[uuid.UUID] = set()
    moved: dict[uuid.UUID, tuple[uuid.UUID | None, uuid.UUID]] = {}
    for row in rows:
        given = Belonging(row.given_id, row.given_version) if row.given_id else None
        now = owner(given, splits.get(row.touchpoint_id), merges)
        key = derive(now, row.topic) if row.grouped and now and row.topic else row.case_id
        if (now, key) != (row.customer_id, row.case_id):
            moved[row.touchpoint_id] = now, key
            touched |= {row.case_id, key}
    if moved:
        await tx.execute(
            "update thread_event set given_id = coalesce(given_id, thread_event.customer_id), customer_id = now,"
            " case_id = key from unnest(cast(:ids as uuid[]), cast(:customers as uuid[]), cast(:keys as uuid[]))"
            " as new (id, now, key) where touchpoint_id = new.id",
            {
                "ids": list(moved),
                "customers": [customer for customer, _ in moved.values()],
                "keys": [key for _, key in moved.values()],
            },
        )
        await tx.execute(  # Cases whose messages stand for another thread now are not told again.
            "update matter set customer_id = now, version = version + 1,"
            " change_xid = cast(cast(pg_current_xact_id() as text) as bigint)"
            " from unnest(cast(:ids as uuid[]), cast(:customers as uuid[])) as new (id, now)"
            " where touchpoint_id = new.id and matter.customer_id is distinct from now"
            " and (thread_key = any(cast(:keys as uuid[])) or case_id = any(cast(:keys as uuid[])))",
            {
                "ids": list(moved),
                "customers": [customer for customer, _ in moved.values()],
                "keys": list(touched),
            },
        )
    await _stand(tx, customers)
    return touched


async def _stand(tx: Transaction, customers: Collection[uuid.UUID]) -> None:
    """Keep who is merged into whom now, for what goes by customers and not by touchpoints."""
    merges = await _merges(tx, customers)
    rows = await tx.execute(
        "select customer_id, max(graph_version) as version from touchpoint_split"
        " where customer_id = any(cast(:ids as uuid[])) group by customer_id",
        {"ids": list(merges)},
    )
    flat = standing(merges, {row.customer_id: row.version for row in rows})
    await tx.execute(
        "delete from customer_merge where merged_id = any(cast(:ids as uuid[]))",
        {"ids": [each for each in merges if each not in flat]},
    )
    await tx.execute(
        "insert into customer_merge (merged_id, survivor_id)"
        " select * from unnest(cast(:merged as uuid[]), cast(:survivors as uuid[]))"
        " on conflict (merged_id) do update set survivor_id = excluded.survivor_id",
        {"merged": list(flat), "survivors": list(flat.values())},
    )


async def _splits(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Belonging]:
    rows = await tx.execute(
        "select touchpoint_id, customer_id, graph_version from touchpoint_split"
        " where touchpoint_id = any(cast(:ids as uuid[]))",
        {"ids": list(touchpoint_ids)},
    )
    return {row.touchpoint_id: Belonging(row.customer_id, row.graph_version) for row in rows}


async def _merges(tx: Transaction, customers: Iterable[uuid.UUID]) -> Merges:
    found: defaultdict[uuid.UUID, list[tuple[int, uuid.UUID]]] = defaultdict(list)
    if wanted := list(customers):
        for row in await tx.fetch(_MERGES, wanted):
            found[row["from_id"]].append((row["graph_version"], row["into_id"]))
    return found
