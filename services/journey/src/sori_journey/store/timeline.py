"""Timelines, as stored."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sori_journey.domain import (
    Identifier,
    IdentifierType,
    MoodMonth,
    Placed,
    Profile,
    Stage,
    TimelineFilter,
)
from sori_kit.database import Transaction

_STAGES = {each.value: each for each in Stage} | {None: None}
# What is not asked for does not stand in the statement: one with conditions that may not matter is planned every time.
_PAGE = (
    "select touchpoint_id, customer_id, occurred_time, stage, entry, arrival from timeline where customer_id = $1",
    " order by occurred_time desc, touchpoint_id desc limit $2",
)

COLUMNS = (  # of a place, as it is written
    "touchpoint_id",
    "revision",
    "customer_id",
    "occurred_time",
    "stage",
    "entry",
    "pattern_id",
    "channel",
    "kind",
    "sentiment",
)
_REPLACE = """
    update timeline set revision = n.revision, customer_id = n.customer_id, occurred_time = n.occurred_time,
        stage = n.stage, entry = n.entry, pattern_id = n.pattern_id, channel = n.channel, kind = n.kind,
        sentiment = n.sentiment
    from unnest(cast(:touchpoint_id as uuid[]), cast(:revision as bigint[]), cast(:customer_id as uuid[]),
        cast(:occurred_time as timestamptz[]), cast(:stage as text[]), cast(:entry as bytea[]),
        cast(:pattern_id as uuid[]), cast(:channel as text[]), cast(:kind as text[]), cast(:sentiment as text[]))
        as n (touchpoint_id, revision, customer_id, occurred_time, stage, entry, pattern_id, channel, kind, sentiment)
    where timeline.touchpoint_id = n.touchpoint_id and timeline.revision < n.revision"""


class Entry(NamedTuple):
    """One place on a timeline, as stored."""

    touchpoint_id: uuid.UUID
    customer_id: uuid.UUID
    occurred_time: dt.datetime
    stage: Stage | None
    entry: bytes
    arrival: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Existing:
    """What is known of a touchpoint that was seen before."""

    revision: int
    occurred_time: dt.datetime
    customer_id: uuid.UUID | None
    pattern_id: uuid.UUID | None


async def existing(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Existing]:
    """Say which touchpoints were seen before."""
    rows = await tx.execute(
        "select touchpoint_id, revision, occurred_time, customer_id, pattern_id from timeline"
        " where touchpoint_id = any(cast(:ids as uuid[]))",
        {"ids": list(touchpoint_ids)},
    )
    return {
        row.touchpoint_id: Existing(
            revision=row.revision,
            occurred_time=row.occurred_time,
            customer_id=row.customer_id,
            pattern_id=row.pattern_id,
        )
        for row in rows
    }


async def earliest_others(
    tx: Transaction, patterns: Mapping[uuid.UUID, uuid.UUID], without: Collection[uuid.UUID]
) -> dict[uuid.UUID, tuple[dt.datetime, uuid.UUID]]:
    """Give the earliest touchpoint of each pattern (by its customer) but for some; none for patterns without others."""
    rows = await tx.execute(
        "select distinct on (pattern_id) pattern_id, occurred_time, touchpoint_id from timeline"
        " join unnest(cast(:patterns as uuid[]), cast(:customers as uuid[])) as p (pattern, customer)"
        " on customer_id = customer and pattern_id = pattern"
        " where touchpoint_id <> all(cast(:without as uuid[])) order by pattern_id, occurred_time, touchpoint_id",
        {"patterns": list(patterns), "customers": list(patterns.values()), "without": list(without)},
    )
    return {row.pattern_id: (row.occurred_time, row.touchpoint_id) for row in rows}


async def add(tx: Transaction, placed: Sequence[Placed], known: Collection[uuid.UUID]) -> None:
    """Write places on timelines, of touchpoints not `known` so far; of a known one a higher revision takes the place.

    The graph has to be held since `existing` said which are known.
    """
    await _append(tx, [each for each in placed if each.observation.touchpoint_id not in known])
    await _replace(tx, [each for each in placed if each.observation.touchpoint_id in known])


async def _append(tx: Transaction, placed: Sequence[Placed]) -> None:
    if placed:
        await tx.copy("timeline", COLUMNS, list(map(_row, placed)))


async def _replace(tx: Transaction, placed: Sequence[Placed]) -> None:
    if placed:
        await tx.execute(_REPLACE, dict(zip(COLUMNS, zip(*map(_row, placed), strict=True), strict=True)))


def _row(placed: Placed) -> tuple[object, ...]:
    """Write a place as `COLUMNS` has it."""
    seen = placed.observation
    return (
        seen.touchpoint_id,
        seen.revision,
        placed.customer_id,
        seen.occurred_time,
        placed.stage,
        seen.entry,
        placed.pattern_id,
        seen.channel or None,
        seen.kind or None,
        seen.sentiment or None,
    )


async def profile(tx: Transaction, customer_id: uuid.UUID, ranks: Mapping[IdentifierType, int]) -> Profile:
    """Gather what is known of one customer."""
    identifiers = await tx.execute(
        "select type, value, temporary from identifier where customer_id = :id", {"id": customer_id}
    )
    figures = (
        await tx.execute(
            "select min(occurred_time) as first, max(occurred_time) as last, count(*) as total,"
            " (array_agg(stage order by occurred_time desc, touchpoint_id desc) filter (where stage is not null))[1]"
            " as stage from timeline where customer_id = :id",
            {"id": customer_id},
        )
    ).one()
    counted = (
        await tx.execute(
            "select channel, kind, sentiment, cast(date_trunc('month', occurred_time at time zone 'UTC') as date)"
            " as month, count(*) as total from timeline where customer_id = :id group by 1, 2, 3, 4",
            {"id": customer_id},
        )
    ).all()
    segments = await tx.execute(
        "select segment from segment_member where customer_id = :id order by segment", {"id": customer_id}
    )
    return Profile(
        customer_id=customer_id,
        identifiers=tuple(
            sorted(
                (Identifier(IdentifierType(row.type), row.value, row.temporary) for row in identifiers),
                key=lambda each: (ranks.get(each.type, len(ranks)), each.value),
            )
        ),
        first_occurred_time=figures.first,
        last_occurred_time=figures.last,
        touchpoint_count=figures.total,
        stage=figures.stage and Stage(figures.stage),
        channel_counts=_sums((row.channel, row.total) for row in counted),
        kind_counts=_sums((row.kind, row.total) for row in counted),
        moods=_moods([(row.month, row.sentiment, row.total) for row in counted]),
        segments=tuple(segments.scalars()),
    )


def _sums(counted: object) -> tuple[tuple[str, int], ...]:
    sums: dict[str, int] = {}
    for name, total in counted:  # type: ignore[attr-defined]
        if name is not None:
            sums[name] = sums.get(name, 0) + total
    return tuple(sorted(sums.items(), key=lambda each: (-each[1], each[0])))


def _moods(counted: Sequence[tuple[dt.date, str | None, int]]) -> tuple[MoodMonth, ...]:
    months: dict[dt.date, dict[str, int]] = {}
    for month, sentiment, total in counted:
        if sentiment is not None:
            found = months.setdefault(month, {})
            found[sentiment] = found.get(sentiment, 0) + total
    return tuple(
        MoodMonth(
            month=month,
            negative=found.get("negative", 0),
            neutral=found.get("neutral", 0),
            positive=found.get("positive", 0),
        )
        for month, found in sorted(months.items())
    )


async def page(
    tx: Transaction,
    customer_id: uuid.UUID,
    wanted: TimelineFilter,
    *,
    before: tuple[dt.datetime, uuid.UUID] | None,
    most: int,
) -> list[Entry]:
    """Give up to `most` entries older than `before`, newest first."""
    values: list[object] = [customer_id, most]
    conditions = ""
    if before:
        values += before
        conditions = " and (occurred_time, touchpoint_id) < ($3, $4)"
    for condition, given in (
        ("occurred_time >= $", wanted.from_time),
        ("occurred_time < $", wanted.until_time),
        ("channel = any($", sorted(wanted.channels)),
        ("kind = any($", sorted(wanted.kinds)),
        ("sentiment = any($", sorted(wanted.sentiments)),
    ):
        if given:
            values.append(given)
            conditions += f" and {condition}{len(values)}{')' if '(' in condition else ''}"
    return [_entry(row) for row in await tx.fetch(conditions.join(_PAGE), *values)]


async def arrivals(tx: Transaction, customer_id: uuid.UUID, *, after: int, most: int) -> list[Entry]:
    """Give up to `most` entries that arrived after number `after`, in order of arrival."""
    rows = await tx.execute(  # Which they are, the index says alone.
        "select touchpoint_id, customer_id, occurred_time, stage, entry, arrival from timeline"
        " where touchpoint_id = any(array(select touchpoint_id from timeline"
        " where customer_id = :id and arrival > :after order by arrival limit :most))"
        " and customer_id = :id order by arrival",
        {"id": customer_id, "after": after, "most": most},
    )
    return [_entry(row) for row in rows]


async def last_arrival(tx: Transaction, customer_id: uuid.UUID) -> int:
    """Give the number of the customer's latest arrival, 0 for none."""
    rows = await tx.execute(
        "select coalesce(max(arrival), 0) from timeline where customer_id = :id", {"id": customer_id}
    )
    return int(rows.scalar_one())


async def remove_of(tx: Transaction, customer_id: uuid.UUID) -> list[uuid.UUID]:
    """Delete a customer's timeline; gives its touchpoints."""
    rows = await tx.execute("delete from timeline where customer_id = :id returning touchpoint_id", {"id": customer_id})
    return list(rows.scalars())


async def remove_expired(
    tx: Transaction, before: Mapping[str, dt.datetime], *, most: int
) -> tuple[int, dict[uuid.UUID, uuid.UUID]]:
    """Delete up to `most` touchpoints older than their channel's limit; gives their number, patterns and customers."""
    rows = (
        await tx.execute(
            "delete from timeline where ctid = any(array(select t.ctid from timeline t"
            " join unnest(cast(:channels as text[]), cast(:times as timestamptz[])) as b (name, limit_time)"
            " on t.channel = name and t.occurred_time < limit_time limit :most)) returning pattern_id, customer_id",
            {"channels": list(before), "times": list(before.values()), "most": most},
        )
    ).all()
    return len(rows), {row.pattern_id: row.customer_id for row in rows if row.pattern_id and row.customer_id}


def _entry(row: Iterable[Any]) -> Entry:
    touchpoint_id, customer_id, occurred_time, stage, entry, arrival = row
    return Entry(touchpoint_id, customer_id, occurred_time, _STAGES[stage], entry, arrival)
