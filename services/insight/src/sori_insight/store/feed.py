"""The feed: lines in, pages and arrivals out."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sori_insight.domain import Filter, Kind, Line, newest
from sori_insight.store import customers
from sori_insight.store.arrivals import CHANNEL
from sori_insight.store.tables import FEED, FEED_ITEM
from sori_kit.database import Transaction

_COLUMNS = (
    "item_id",
    "kind",
    "occurred_time",
    "org_unit",
    "week",
    "touchpoint_id",
    "revision",
    "about_id",
    "given_id",
    "given_version",
    "customer_id",
    "case_id",
    "staff",
    "channel",
    "sentiment",
    "nps_score",
    "csat_score",
    "content",
)
_ADD = (
    """
    with added as (
    insert into feed_item (item_id, kind, occurred_time, org_unit, week, touchpoint_id, revision, about_id, given_id,
        given_version, customer_id, case_id, staff, channel, sentiment, nps_score, csat_score, content)
    select item_id, kind, occurred_time, org_unit, week, touchpoint_id, revision, about_id, given_id, given_version,
        customer_id, case_id,
        staff or exists (select from case_latest as c where c.case_id = new.case_id and c.origin = 'employee'),
        channel, sentiment, nps_score, csat_score, content
    from unnest(cast(:item_id as uuid[]), cast(:kind as text[]), cast(:occurred_time as timestamptz[]),
        cast(:org_unit as text[]), cast(:week as text[]), cast(:touchpoint_id as uuid[]),
        cast(:revision as bigint[]), cast(:about_id as uuid[]), cast(:given_id as uuid[]),
        cast(:given_version as bigint[]), cast(:customer_id as uuid[]), cast(:case_id as uuid[]),
        cast(:staff as boolean[]), cast(:channel as text[]), cast(:sentiment as text[]),
        cast(:nps_score as float8[]), cast(:csat_score as float8[]), cast(:content as bytea[])) with ordinality
        as new (item_id, kind, occurred_time, org_unit, week, touchpoint_id, revision, about_id, given_id,
            given_version, customer_id, case_id, staff, channel, sentiment, nps_score, csat_score, content, n)
    where not exists (select from erased where id in (about_id, given_id, customer_id))
    order by n
    """,
    """
    returning item_id)
    select pg_notify(:notified, '') from added limit 1""",  # Heard when it commits.
)
_MANY = 32  # touchpoints for which it pays to ask first which are new, one more way to the database
_FOUND = """
    select array(select id from erased where id = any(cast(:ids as uuid[]))) as erased,
        array(select touchpoint_id from feed_item where touchpoint_id = any(cast(:touchpoints as uuid[]))) as there,
        pg_notify(:notified, '')"""
_LINES = ("select arrival, customer_id, content from feed_item where ", " order by ", " limit :most")
_OR_NOTHING = "on conflict do nothing"
_OR_REPLACE = """
    on conflict (touchpoint_id) do update set item_id = excluded.item_id, occurred_time = excluded.occurred_time,
        org_unit = excluded.org_unit, week = excluded.week, revision = excluded.revision,
        given_id = excluded.given_id, given_version = excluded.given_version,
        customer_id = excluded.customer_id, channel = excluded.channel, sentiment = excluded.sentiment,
        nps_score = excluded.nps_score, csat_score = excluded.csat_score, content = excluded.content
    where (feed_item.revision, feed_item.item_id) < (excluded.revision, excluded.item_id)"""
_Owned = tuple[Line, uuid.UUID | None]  # a line and whose it is by now


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the feed, as it comes out."""

    arrival: int
    customer_id: uuid.UUID | None
    content: bytes


async def add_touchpoints(tx: Transaction, lines: Sequence[Line]) -> None:
    """Append touchpoints; one that is there already stays where it is and takes the content of the higher revision."""
    owned = await _owned(tx, newest(lines))
    if len(owned) >= _MANY:
        owned = await _append(tx, owned)
    await _insert(tx, owned, _OR_REPLACE)


async def add(tx: Transaction, lines: Sequence[Line]) -> None:
    """Append lines that never change."""
    await _insert(tx, await _owned(tx, lines), _OR_NOTHING)


async def _owned(tx: Transaction, lines: Sequence[Line]) -> list[_Owned]:
    """Say whose lines are, under a lock that holds until the commit, so that no arrival shows before an earlier one."""
    if not lines:
        return []
    await tx.lock(FEED)
    return list(zip(lines, await customers.owners(tx, lines), strict=True))


async def _append(tx: Transaction, owned: Sequence[_Owned]) -> list[_Owned]:
    """Append the touchpoints that are new; gives the others."""
    values = {
        "ids": list({each for line, owner in owned for each in _whose(line, owner) if each}),
        "touchpoints": [line.touchpoint_id for line, _ in owned],
        "notified": CHANNEL,
    }
    found = (await tx.execute(_FOUND, values)).one()
    erased, known = set(found.erased), set(found.there)
    new = [_row(*each) for each in owned if each[0].touchpoint_id not in known and erased.isdisjoint(_whose(*each))]
    await tx.copy("feed_item", _COLUMNS, new)
    return [each for each in owned if each[0].touchpoint_id in known]


def _whose(line: Line, owner: uuid.UUID | None) -> tuple[uuid.UUID | None, ...]:
    """Give what a line may be erased by."""
    return (line.about_id, line.given.customer_id if line.given else None, owner)


async def _insert(tx: Transaction, owned: Sequence[_Owned], on_conflict: str) -> None:
    if owned:
        columns = zip(*[_row(line, owner) for line, owner in owned], strict=True)
        await tx.execute(on_conflict.join(_ADD), {"notified": CHANNEL, **dict(zip(_COLUMNS, columns, strict=True))})


def _row(line: Line, owner: uuid.UUID | None) -> tuple[object, ...]:
    """Write a line as `_COLUMNS`."""
    given = line.given
    return (
        line.item_id,
        line.kind,
        line.occurred_time,
        line.org_unit,
        line.week,
        line.touchpoint_id,
        line.revision,
        line.about_id,
        given.customer_id if given else None,
        given.graph_version if given else 0,
        owner,
        line.case_id,
        line.staff,
        line.channel,
        line.sentiment,
        line.nps_score,
        line.csat_score,
        line.content,
    )


async def page(tx: Transaction, wanted: Filter, *, before: int | None, most: int) -> list[Shown]:
    """Give up to `most` lines that arrived before number `before`, latest first."""
    earlier = "arrival < :from" if before is not None else "true"
    return await _lines(tx, wanted, earlier, before, "arrival desc", most)


async def arrivals(tx: Transaction, wanted: Filter, *, after: int, most: int) -> list[Shown]:
    """Give up to `most` lines that arrived after number `after`, in order of arrival."""
    return await _lines(tx, wanted, "arrival > :from", after, "arrival", most)


async def _lines(tx: Transaction, wanted: Filter, where: str, number: int | None, order: str, most: int) -> list[Shown]:
    conditions = [where]
    if wanted.kind:
        conditions.append("kind = :kind")
    if wanted.kind not in (None, Kind.TOUCHPOINT):
        conditions.append("kind <> 'touchpoint'")  # As in the index, to the letter.
    if wanted.org_unit:
        conditions.append("org_unit = :org_unit")
    if not wanted.staff_cases:
        conditions.append("not staff")
    selected, ordered, limited = _LINES
    rows = await tx.execute(
        selected + " and ".join(conditions) + ordered + order + limited,
        {"from": number, "kind": wanted.kind, "org_unit": wanted.org_unit, "most": most},
    )
    return [Shown(row.arrival, row.customer_id, row.content) for row in rows]


async def last_arrival(tx: Transaction) -> int:
    """Give the number of the latest arrival, 0 for none."""
    return int((await tx.execute("select coalesce(max(arrival), 0) from feed_item")).scalar_one())


async def touchpoint_ids(tx: Transaction, *, after: uuid.UUID | None, most: int) -> list[uuid.UUID]:
    """Give up to `most` ids of touchpoints above `after`, in their order."""
    column = FEED_ITEM.c.touchpoint_id
    wanted = column.is_not(None) if after is None else column > after
    rows = await tx.execute(sa.select(column).where(wanted).order_by(column).limit(most))
    return list(rows.scalars())
