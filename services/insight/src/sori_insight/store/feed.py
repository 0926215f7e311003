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

_ADD = (
    """
    with added as (
    insert into feed_item (item_id, kind, occurred_time, org_unit, week, touchpoint_id, revision, about_id, given_id,
        given_version, customer_id, case_id, staff, channel, sentiment, nps_score, csat_score, content)
    select item_id, kind, occurred_time, org_unit, week, touchpoint_id, revision, about_id, given_id, given_version,
        customer_id, case_id,
        staff or exists (select from case_latest as c where c.case_id = new.case_id and c.origin = 'employee'),
        channel, sentiment, nps_score, csat_score, content
    from unnest(cast(:item_ids as uuid[]), cast(:kinds as text[]), cast(:occurred_times as timestamptz[]),
        cast(:org_units as text[]), cast(:weeks as text[]), cast(:touchpoint_ids as uuid[]),
        cast(:revisions as bigint[]), cast(:about_ids as uuid[]), cast(:given_ids as uuid[]),
        cast(:given_versions as bigint[]), cast(:customer_ids as uuid[]), cast(:case_ids as uuid[]),
        cast(:staff as boolean[]), cast(:channels as text[]), cast(:sentiments as text[]),
        cast(:nps_scores as float8[]), cast(:csat_scores as float8[]), cast(:contents as bytea[])) with ordinality
        as new (item_id, kind, occurred_time, org_unit, week, touchpoint_id, revision, about_id, given_id,
            given_version, customer_id, case_id, staff, channel, sentiment, nps_score, csat_score, content, n)
    where not exists (select from erased where id in (about_id, given_id, customer_id))
    order by n
    """,
    """
    returning item_id)
    select pg_notify(:channel, '') from added limit 1""",  # Heard when it commits.
)
_LINES = ("select arrival, customer_id, content from feed_item where ", " order by ", " limit :most")
_OR_NOTHING = "on conflict do nothing"
_OR_REPLACE = """
    on conflict (touchpoint_id) do update set item_id = excluded.item_id, occurred_time = excluded.occurred_time,
        org_unit = excluded.org_unit, week = excluded.week, revision = excluded.revision,
        given_id = excluded.given_id, given_version = excluded.given_version,
        customer_id = excluded.customer_id, channel = excluded.channel, sentiment = excluded.sentiment,
        nps_score = excluded.nps_score, csat_score = excluded.csat_score, content = excluded.content
    where (feed_item.revision, feed_item.item_id) < (excluded.revision, excluded.item_id)"""


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the feed, as it comes out."""

    arrival: int
    customer_id: uuid.UUID | None
    content: bytes


async def add_touchpoints(tx: Transaction, lines: Sequence[Line]) -> None:
    """Append touchpoints; one that is there already stays where it is and takes the content of the higher revision."""
    await _add(tx, newest(lines), _OR_REPLACE)


async def add(tx: Transaction, lines: Sequence[Line]) -> None:
    """Append lines that never change."""
    await _add(tx, lines, _OR_NOTHING)


async def _add(tx: Transaction, lines: Sequence[Line], on_conflict: str) -> None:
    """Append under a lock that holds until the commit, so that no arrival shows before an earlier one."""
    if not lines:
        return
    await tx.lock(FEED)
    owners = await customers.owners(tx, lines)
    await tx.execute(
        on_conflict.join(_ADD),
        {
            "channel": CHANNEL,
            "item_ids": [each.item_id for each in lines],
            "kinds": [each.kind for each in lines],
            "occurred_times": [each.occurred_time for each in lines],
            "org_units": [each.org_unit for each in lines],
            "weeks": [each.week for each in lines],
            "touchpoint_ids": [each.touchpoint_id for each in lines],
            "revisions": [each.revision for each in lines],
            "about_ids": [each.about_id for each in lines],
            "given_ids": [each.given and each.given.customer_id for each in lines],
            "given_versions": [each.given.graph_version if each.given else 0 for each in lines],
            "customer_ids": owners,
            "case_ids": [each.case_id for each in lines],
            "staff": [each.staff for each in lines],
            "channels": [each.channel for each in lines],
            "sentiments": [each.sentiment for each in lines],
            "nps_scores": [each.nps_score for each in lines],
            "csat_scores": [each.csat_score for each in lines],
            "contents": [each.content for each in lines],
        },
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
