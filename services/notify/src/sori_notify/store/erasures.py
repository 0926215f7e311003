"""Customers whose data is gone."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sori_kit.database import Transaction
from sori_notify.domain import Erased
from sori_notify.store.alerts import forget_threads
from sori_notify.store.deliveries import forget_words
from sori_notify.store.locks import hold
from sori_notify.store.outreach import forget_outreach
from sori_notify.store.windows import forget_facts

_THREADS = """
    select case_id as key from thread_event where customer_id = any(cast(:ids as uuid[]))
        or given_id = any(cast(:ids as uuid[])) or touchpoint_id = any(cast(:ids as uuid[]))
    union select coalesce(thread_key, case_id) from matter where customer_id = any(cast(:ids as uuid[]))
        or touchpoint_id = any(cast(:ids as uuid[]))"""
_MESSAGES = """
    update thread_event set given_id = null,
        customer_id = case when given_id = any(cast(:ids as uuid[])) and customer_id <> all(cast(:ids as uuid[]))
            and touchpoint_id <> all(cast(:ids as uuid[])) then customer_id end,
        thread_id = case when given_id = any(cast(:ids as uuid[])) and customer_id <> all(cast(:ids as uuid[]))
            and touchpoint_id <> all(cast(:ids as uuid[])) then thread_id else '' end
    where case_id = any(cast(:keys as uuid[])) and (customer_id = any(cast(:ids as uuid[]))
        or given_id = any(cast(:ids as uuid[])) or touchpoint_id = any(cast(:ids as uuid[])))
        and (customer_id is not null or given_id is not null or thread_id <> '')"""
_REST_OF_THREADS = """
    update thread_event set thread_id = '' where case_id = any(cast(:keys as uuid[])) and thread_id <> ''
        and case_id <> all(array(select case_id from thread_event where case_id = any(cast(:keys as uuid[]))
            and customer_id is not null))"""
_CASES = """
    update matter set customer_id = null, thread_id = ''
    where (customer_id = any(cast(:ids as uuid[])) or touchpoint_id = any(cast(:ids as uuid[]))
        or (customer_id is null and coalesce(thread_key, case_id) = any(cast(:keys as uuid[]))
            and not exists (select from thread_event e where e.case_id = coalesce(thread_key, matter.case_id)
                and e.customer_id is not null)))
        and (customer_id is not null or thread_id <> '') returning case_id"""
_STATEMENTS = (
    "delete from customer_merge where merged_id = any(cast(:ids as uuid[])) or survivor_id = any(cast(:ids as uuid[]))",
    "delete from merged_customer where from_id = any(cast(:ids as uuid[])) or into_id = any(cast(:ids as uuid[]))",
    "delete from touchpoint_split where touchpoint_id = any(cast(:ids as uuid[]))",
    "delete from touchpoint_split where customer_id = any(cast(:ids as uuid[]))",
    "delete from correction where touchpoint_id = any(cast(:ids as uuid[]))",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """An erasure of which journey does not know yet that it is done here."""

    erasure_id: uuid.UUID
    removed: int
    case_ids: frozenset[str]  # whose events may be in streams
    settled: bool  # Whatever was on its way has arrived by now.


async def of(tx: Transaction, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Name those of these customers and touchpoints that were erased."""
    rows = await tx.fetch("select id from erased where id = any(cast($1 as uuid[]))", list(ids))
    return {uuid.UUID(int=row["id"].int) for row in rows}


async def erase(tx: Transaction, erasure_id: uuid.UUID, parts: Sequence[Erased]) -> None:
    """Take a customer, and the threads that were theirs alone, off everything, also off what is still to come.

    What was promised stays countable. Gives nothing back: how much was removed is kept for the answer.
    """
    customers = {each for part in parts for each in part.customer_ids}
    touchpoints = {each for part in parts for each in part.touchpoint_ids}
    values: dict[str, object] = {"ids": list(customers | touchpoints)}
    await tx.execute("insert into erased (id) select unnest(cast(:ids as uuid[])) on conflict do nothing", values)
    case_ids, removed = await _forget_cases(tx, values)
    await forget_threads(tx, case_ids)
    await forget_words(tx, case_ids, touchpoints)
    await forget_facts(tx, customers, touchpoints)
    await forget_outreach(tx, customers)
    for statement in _STATEMENTS:
        await tx.execute(statement, values)
    await tx.execute(
        "insert into erased_case (erasure_id, case_id) select :id, unnest(cast(:cases as uuid[]))"
        " on conflict do nothing",
        {"id": erasure_id, "cases": case_ids},
    )
    await tx.execute(
        "insert into erasure (erasure_id, part, part_count, removed_count)"
        " select :id, * from unnest(cast(:parts as int[]), cast(:counts as int[]), cast(:removed as bigint[]))"
        " on conflict do nothing",
        {
            "id": erasure_id,
            "parts": [each.part for each in parts],
            "counts": [each.part_count for each in parts],
            "removed": [removed, *(0 for _ in parts[1:])],
        },
    )


async def _forget_cases(tx: Transaction, values: dict[str, object]) -> tuple[list[uuid.UUID], int]:
    """Give the cases that were the customer's, and how many rows had to change."""
    keys = list((await tx.execute(_THREADS, values)).scalars())
    await hold(tx, keys)
    messages = await tx.change(_MESSAGES, {**values, "keys": keys})
    await tx.execute(_REST_OF_THREADS, {"keys": keys})
    cases = list((await tx.execute(_CASES, {**values, "keys": keys})).scalars())
    return cases, messages + len(cases)


async def unanswered(tx: Transaction, *, settled_before: dt.datetime) -> list[Unanswered]:
    """Give the erasures that every part was handled of, and that nobody has looked for in the streams since a moment.

    Those that were handled before it are settled.
    """
    rows = await tx.execute(
        "select erasure_id, sum(removed_count) as removed, max(handled_time) < :settled as settled,"
        " array(select case_id from erased_case c where c.erasure_id = e.erasure_id) as case_ids"
        " from erasure e where not answered group by erasure_id, part_count having count(*) = part_count"
        " and (not bool_and(looked) or max(handled_time) < :settled) order by erasure_id limit 100",
        {"settled": settled_before},
    )
    return [
        Unanswered(
            erasure_id=row.erasure_id,
            removed=int(row.removed),
            case_ids=frozenset(map(str, row.case_ids)),
            settled=row.settled,
        )
        for row in rows
    ]


async def still_staged(tx: Transaction, case_ids: Collection[str]) -> bool:
    """Say whether something about these cases is still to be published."""
    rows = await tx.execute(
        "select 1 from outbox where substring(convert_from(headers, 'UTF8') from 'ce-subject: ([^\\r]*)')"
        " = any(cast(:ids as text[])) limit 1",
        {"ids": list(case_ids)},
    )
    return rows.first() is not None


async def looked(tx: Transaction, erasure_id: uuid.UUID, removed: int) -> None:
    """Note that the streams were looked through, and what was deleted there."""
    await tx.execute(
        "update erasure set looked = true, removed_count = removed_count + case when part = 1 then :removed else 0 end"
        " where erasure_id = :id",
        {"id": erasure_id, "removed": removed},
    )


async def answered(tx: Transaction, erasure_id: uuid.UUID) -> None:
    """Note that journey knows."""
    await tx.execute("delete from erased_case where erasure_id = :id", {"id": erasure_id})
    await tx.execute("update erasure set answered = true where erasure_id = :id", {"id": erasure_id})
