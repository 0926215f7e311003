"""When cases are looked at: leased into a replica's memory, fired by whoever holds the latest token."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence

from sori_kit.database import Transaction
from sori_notify.domain import Deadline, DeadlineState
from sori_notify.domain.agenda import Entry
from sori_notify.store.tables import Row, words

_STATES = words(DeadlineState)
_LOAD = "select case_id, due_time, fire_time, state, fired_time from deadline where case_id = any($1)"
_SAVE = """
    insert into deadline (case_id, due_time, fire_time, state, fired_time)
    select * from unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::timestamptz[])
    on conflict (case_id, metric) do update set due_time = excluded.due_time, fire_time = excluded.fire_time,
        state = excluded.state, fired_time = excluded.fired_time, token = deadline.token + 1, leased_by = null,
        leased_until = null"""
_FIRE = """
    update deadline set state = 'fired', fired_time = $1, token = deadline.token + 1, leased_by = null,
        leased_until = null
    from unnest($2::uuid[], $3::bigint[]) as taken (case_id, token)
    where deadline.case_id = taken.case_id and deadline.token = taken.token and deadline.state = 'armed'
    returning deadline.case_id, deadline.fire_time"""  # Were its time asked for, all that is due would be read.


async def load_deadlines(tx: Transaction, case_ids: Collection[uuid.UUID]) -> list[Deadline]:
    """Load the deadlines of these cases."""
    if not case_ids:
        return []
    return [_deadline(row) for row in await tx.fetch(_LOAD, list(case_ids))]


async def save_deadlines(tx: Transaction, deadlines: Sequence[Deadline]) -> None:
    """Write deadlines of cases that are held; whoever has an older one in memory cannot fire it any more."""
    if not deadlines:
        return
    await tx.fetch(
        _SAVE,
        [each.case_id for each in deadlines],
        [each.due_time for each in deadlines],
        [each.fire_time for each in deadlines],
        [each.state for each in deadlines],
        [each.fired_time for each in deadlines],
    )


async def lease_deadlines(
    tx: Transaction, *, by: str, now: dt.datetime, until: dt.datetime, grace: dt.timedelta, most: int
) -> list[Entry]:
    """Take up to `most` deadlines that fall due before `until`, and those that others took and did not fire.

    A lease ends some `grace` after its deadline; then anybody else may take it.
    """
    rows = await tx.execute(
        """
        with coming as (
            select case_id, metric from deadline where state = 'armed' and leased_until is null and fire_time < :until
                order by fire_time limit :most for update skip locked
        ), left_behind as (
            select case_id, metric from deadline where state = 'armed' and fire_time < :now and leased_until < :now
                and leased_by <> :by order by fire_time limit :most for update skip locked
        )
        update deadline set token = deadline.token + 1, leased_by = :by,
            leased_until = greatest(deadline.fire_time, :now) + cast(:grace as interval)
        from (select * from coming union all select * from left_behind) as free
        where deadline.case_id = free.case_id and deadline.metric = free.metric
        returning deadline.case_id, deadline.fire_time, deadline.token""",
        {"by": by, "now": now, "until": until, "grace": grace, "most": most},
    )
    return [Entry(fire_time=row.fire_time, case_id=row.case_id, token=row.token) for row in rows]


async def keys_of(tx: Transaction, case_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Give the thread of each case."""
    rows = await tx.fetch(
        "select case_id, coalesce(thread_key, case_id) as key from matter where case_id = any($1)", list(case_ids)
    )
    return {row["case_id"]: row["key"] for row in rows}


async def fire_deadlines(
    tx: Transaction, entries: Sequence[Entry], *, now: dt.datetime
) -> dict[uuid.UUID, dt.datetime]:
    """Fire those of these deadlines that are still armed as they were taken; gives when each should have fired."""
    rows = await tx.fetch(_FIRE, now, [each.case_id for each in entries], [each.token for each in entries])
    return {row["case_id"]: row["fire_time"] for row in rows}


def _deadline(row: Row) -> Deadline:
    return Deadline(
        case_id=row["case_id"],
        due_time=row["due_time"],
        fire_time=row["fire_time"],
        state=_STATES[row["state"]],
        fired_time=row["fired_time"],
    )
