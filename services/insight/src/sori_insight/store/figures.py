"""What the figures rest on, and the figures."""

from collections.abc import Sequence

import sqlalchemy as sa

from sori_insight import domain
from sori_insight.domain import CaseVersion, ClockState, Kind, Origin, Pulse, Scorecard, Sentiment, Tally
from sori_insight.store.tables import CASE_LATEST, FEED, FEED_ITEM, PULSE
from sori_kit.database import Transaction
from sori_kit.rows import Row

_PROMOTER_FROM = 9  # of 10
_DETRACTOR_TO = 6
_TOP_TWO_FROM = 4  # of 5


async def keep_cases(tx: Transaction, cases: Sequence[CaseVersion]) -> None:
    """Keep of each case the highest version; alerts about employees' cases become theirs."""
    if not cases:
        return
    kept = domain.latest_versions(cases)
    await tx.lock(FEED)  # An alert that is on its way in must see the case, or be seen here.
    await tx.execute(
        """
        insert into case_latest (case_id, version, origin, org_unit, week, clock_state)
        select * from unnest(cast(:case_ids as uuid[]), cast(:versions as bigint[]), cast(:origins as text[]),
            cast(:org_units as text[]), cast(:weeks as text[]), cast(:clock_states as text[]))
        on conflict (case_id) do update set version = excluded.version, origin = excluded.origin,
            org_unit = excluded.org_unit, week = excluded.week, clock_state = excluded.clock_state
        where case_latest.version < excluded.version""",
        {
            "case_ids": [each.case_id for each in kept],
            "versions": [each.version for each in kept],
            "origins": [each.origin for each in kept],
            "org_units": [each.org_unit for each in kept],
            "weeks": [each.week for each in kept],
            "clock_states": [each.clock_state for each in kept],
        },
    )
    if staff := [each.case_id for each in kept if each.origin is Origin.EMPLOYEE]:
        await tx.execute(
            "update feed_item set staff = true where case_id = any(cast(:ids as uuid[])) and not staff", {"ids": staff}
        )


async def keep_pulses(tx: Transaction, pulses: Sequence[Pulse]) -> None:
    """Keep of each group and week the latest release."""
    if not pulses:
        return
    kept = sorted(domain.latest_releases(pulses), key=lambda each: (each.org_unit, each.week))
    await tx.execute(
        """
        insert into pulse (org_unit, week, released_time, release_id, enps)
        select * from unnest(cast(:org_units as text[]), cast(:weeks as text[]), cast(:times as timestamptz[]),
            cast(:release_ids as uuid[]), cast(:enps as float8[]))
        on conflict (org_unit, week) do update set released_time = excluded.released_time,
            release_id = excluded.release_id, enps = excluded.enps
        where (pulse.released_time, pulse.release_id) < (excluded.released_time, excluded.release_id)""",
        {
            "org_units": [each.org_unit for each in kept],
            "weeks": [each.week for each in kept],
            "times": [each.released_time for each in kept],
            "release_ids": [each.release_id for each in kept],
            "enps": [each.enps for each in kept],
        },
    )


async def scorecards(tx: Transaction, org_unit: str) -> list[Scorecard]:
    """Compute the figures of one shop or team, or of all when it is empty, by shop or team, then week."""
    said, kept, asked = _said(org_unit), _kept(org_unit), _asked(org_unit)
    group, week = (sa.func.coalesce(said.c[name], kept.c[name], asked.c[name]) for name in ("org_unit", "week"))
    joined = said.join(kept, _same(kept, said.c.org_unit, said.c.week), full=True).join(
        asked,
        _same(asked, *(sa.func.coalesce(said.c[name], kept.c[name]) for name in ("org_unit", "week"))),
        full=True,
    )
    counts = [sa.func.coalesce(column, 0).label(column.name) for part in (said, kept) for column in list(part.c)[2:]]
    rows = await tx.execute(
        sa.select(group.label("org_unit"), week.label("week"), *counts, asked.c.enps)
        .select_from(joined)
        .order_by(group, week)
    )
    return [_scorecard(row) for row in rows]


def _same(part: sa.Subquery, org_unit: sa.ColumnElement[str], week: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return sa.and_(part.c.org_unit == org_unit, part.c.week == week)


def _said(org_unit: str) -> sa.Subquery:
    """Count what customers and employees said, by group and week."""
    item = FEED_ITEM.c
    statement = sa.select(
        item.org_unit,
        item.week,
        _count("touchpoint_count", item.kind == Kind.TOUCHPOINT.value),
        _count("negative_count", item.sentiment == Sentiment.NEGATIVE.value),
        _count("neutral_count", item.sentiment == Sentiment.NEUTRAL.value),
        _count("positive_count", item.sentiment == Sentiment.POSITIVE.value),
        _count("nps_count", item.nps_score.is_not(None)),
        _count("promoter_count", item.nps_score >= _PROMOTER_FROM),
        _count("detractor_count", item.nps_score <= _DETRACTOR_TO),
        _count("csat_count", item.csat_score.is_not(None)),
        _count("satisfied_count", item.csat_score >= _TOP_TWO_FROM),
        _count("voice_count", item.kind == Kind.VOICE.value),
    ).where(item.kind.in_([Kind.TOUCHPOINT.value, Kind.VOICE.value]))
    return _grouped(statement, FEED_ITEM, org_unit)


def _kept(org_unit: str) -> sa.Subquery:
    """Count what became of the promises to customers, by group and week of opening."""
    case = CASE_LATEST.c
    ended = case.clock_state.in_([ClockState.FULFILLED.value, ClockState.BREACHED.value])  # Cancelled: nothing owed.
    statement = sa.select(
        case.org_unit,
        case.week,
        sa.func.count().label("first_response_count"),
        _count("fulfilled_count", case.clock_state == ClockState.FULFILLED.value),
    ).where(case.origin == Origin.CUSTOMER.value, ended)
    return _grouped(statement, CASE_LATEST, org_unit)


def _grouped(statement: "sa.Select[tuple[str, str]]", table: sa.Table, org_unit: str) -> sa.Subquery:
    if org_unit:
        statement = statement.where(table.c.org_unit == org_unit)
    return statement.group_by(table.c.org_unit, table.c.week).subquery()


def _asked(org_unit: str) -> sa.Subquery:
    statement = sa.select(PULSE.c.org_unit, PULSE.c.week, PULSE.c.enps).where(PULSE.c.enps.is_not(None))
    return (statement.where(PULSE.c.org_unit == org_unit) if org_unit else statement).subquery()


def _count(name: str, where: sa.ColumnElement[bool]) -> sa.Label[int]:
    return sa.func.count().filter(where).label(name)


def _scorecard(row: Row) -> Scorecard:
    return Scorecard(
        org_unit=row.org_unit,
        week=row.week,
        touchpoint_count=row.touchpoint_count,
        negative_count=row.negative_count,
        neutral_count=row.neutral_count,
        positive_count=row.positive_count,
        nps_count=row.nps_count,
        nps=domain.net_score(row.promoter_count, row.detractor_count, row.nps_count),
        csat_count=row.csat_count,
        csat=domain.share(row.satisfied_count, row.csat_count),
        first_response_count=row.first_response_count,
        first_response_attainment=domain.share(row.fulfilled_count, row.first_response_count),
        enps=row.enps,
        voice_count=row.voice_count,
    )


async def tally(tx: Transaction) -> Tally:
    """Count what is on the feed, each case once."""
    rows = await tx.execute(
        "select 'touchpoint' as kind, count(touchpoint_id) as total from feed_item union all"
        " select kind, count(*) from feed_item where kind <> 'touchpoint' and kind <> 'case' group by kind"
    )
    counts = {row.kind: int(row.total) for row in rows}
    cases = (await tx.execute("select count(*) from case_latest")).scalar_one()
    return Tally(
        touchpoints=counts[Kind.TOUCHPOINT],
        voices=counts.get(Kind.VOICE, 0),
        cases=int(cases),
        alerts=counts.get(Kind.ALERT, 0),
    )
