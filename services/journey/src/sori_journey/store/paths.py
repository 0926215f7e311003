"""Paths, as stored: what is made of timelines so that many can be counted at once."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sori_journey.domain import Path, Stage, Summary
from sori_kit.database import Transaction
from sori_kit.rows import Row

LOCK = "paths"  # Whoever makes paths holds it: a path is never overwritten by what somebody else read before.
_WINDOW = 20_000  # marks looked at to find those of the same path


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A touchpoint with what people said of its classification."""

    path_id: uuid.UUID
    known: bool
    touchpoint_id: uuid.UUID
    revision: int
    stage: str | None
    sentiment: str | None
    entry: bytes
    corrections: tuple[bytes, ...]  # by time


@dataclass(frozen=True, slots=True, kw_only=True)
class Retold:
    """A touchpoint whose place or mood is another one than before."""

    touchpoint_id: uuid.UUID
    revision: int
    stage: Stage | None
    sentiment: str | None
    entry: bytes


@dataclass(frozen=True, slots=True)
class Chunk:
    """Paths one after the other."""

    path_ids: bytes  # 16 each
    known: Sequence[bool]
    counts: Sequence[int]
    steps: bytes


async def take(tx: Transaction, *, most: int) -> list[uuid.UUID]:
    """Take the marks of up to `most` paths to be made anew, the longest waiting first; gives each path once.

    Later marks of the same paths are taken with them. A touchpoint that is marked stands for whosever it is by now.
    """
    rows = await tx.execute(
        """
        with waiting as materialized (select touched_id, path_id from touched order by touched_id limit :window),
            chosen as (select path_id from waiting group by path_id order by min(touched_id) limit :most)
        delete from touched where touched_id = any(array(
            select touched_id from waiting join chosen using (path_id))) returning path_id""",
        {"most": most, "window": _WINDOW},
    )
    marked = set(rows.scalars())
    if not marked:
        return []
    whose = await tx.execute(
        "select distinct customer_id from timeline where touchpoint_id = any(cast(:ids as uuid[]))"
        " and customer_id is not null",
        {"ids": list(marked)},
    )
    return sorted(marked | set(whose.scalars()))


async def touch(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> None:
    """Mark touchpoints, also those that have not arrived: another transaction may be about to put them in."""
    await tx.execute(
        "insert into touched (path_id) select distinct id from unnest(cast(:ids as uuid[])) as t (id)",
        {"ids": list(touchpoint_ids)},
    )


async def add_corrections(
    tx: Transaction, corrections: Collection[tuple[uuid.UUID, uuid.UUID, dt.datetime, bytes]]
) -> None:
    """Keep corrections: id, touchpoint, time and what should have been said."""
    found, touchpoints, times, said = zip(*corrections, strict=True)
    await tx.execute(
        "insert into correction (correction_id, touchpoint_id, corrected_time, correction)"
        " select * from unnest(cast(:ids as uuid[]), cast(:touchpoints as uuid[]), cast(:times as timestamptz[]),"
        " cast(:said as bytea[])) on conflict (correction_id) do nothing",
        {"ids": list(found), "touchpoints": list(touchpoints), "times": list(times), "said": list(said)},
    )


async def read(tx: Transaction, path_ids: Collection[uuid.UUID]) -> list[Told]:
    """Read the touchpoints of paths."""
    rows = (
        await tx.execute(
            "select customer_id as path_id, true as known, touchpoint_id, revision, stage, sentiment, entry"
            " from timeline where customer_id = any(cast(:ids as uuid[]))"
            " union all select touchpoint_id, false, touchpoint_id, revision, stage, sentiment, entry"
            " from timeline where touchpoint_id = any(cast(:ids as uuid[])) and customer_id is null",
            {"ids": list(path_ids)},
        )
    ).all()
    said: dict[uuid.UUID, list[bytes]] = defaultdict(list)
    for row in await tx.execute(
        "select touchpoint_id, correction from correction where touchpoint_id = any(cast(:ids as uuid[]))"
        " order by corrected_time, correction_id",
        {"ids": [row.touchpoint_id for row in rows]},
    ):
        said[row.touchpoint_id].append(row.correction)
    return [
        Told(
            path_id=row.path_id,
            known=row.known,
            touchpoint_id=row.touchpoint_id,
            revision=row.revision,
            stage=row.stage,
            sentiment=row.sentiment,
            entry=row.entry,
            corrections=tuple(said.get(row.touchpoint_id, ())),
        )
        for row in rows
    ]


async def retell(tx: Transaction, changed: Sequence[Retold]) -> None:
    """Write the stage and the corrected classification of touchpoints that are still as they were read."""
    if not changed:
        return
    ordered = sorted(changed, key=lambda each: each.touchpoint_id)
    await tx.execute(
        "update timeline set stage = s, sentiment = m, entry = e from unnest(cast(:ids as uuid[]),"
        " cast(:revisions as bigint[]), cast(:stages as text[]), cast(:sentiments as text[]),"
        " cast(:entries as bytea[])) as c (id, r, s, m, e) where touchpoint_id = id and revision = r",
        {
            "ids": [each.touchpoint_id for each in ordered],
            "revisions": [each.revision for each in ordered],
            "stages": [each.stage for each in ordered],
            "sentiments": [each.sentiment for each in ordered],
            "entries": [each.entry for each in ordered],
        },
    )


async def number(tx: Transaction, wanted: Mapping[str, Collection[str]]) -> dict[tuple[str, str], int]:
    """Give the numbers of words, by kind and text; new ones get the next. The caller holds the lock."""
    numbers: dict[tuple[str, str], int] = {}
    for kind, texts in wanted.items():
        if not texts:
            continue
        numbers |= await _numbers(tx, kind, texts)
        missing = sorted({each for each in texts if (kind, each) not in numbers})
        if missing:
            await tx.execute(
                "insert into word (kind, number, text) select :kind,"
                " (select coalesce(max(number), 0) from word where kind = :kind) + n, text"
                " from unnest(cast(:texts as text[])) with ordinality as t (text, n)",
                {"kind": kind, "texts": missing},
            )
            numbers |= await _numbers(tx, kind, missing)
    return numbers


async def _numbers(tx: Transaction, kind: str, texts: Collection[str]) -> dict[tuple[str, str], int]:
    rows = await tx.execute(
        "select number, text from word where kind = :kind and text = any(cast(:texts as text[]))",
        {"kind": kind, "texts": list(texts)},
    )
    return {(kind, row.text): row.number for row in rows}


async def word(tx: Transaction, kind: str, text: str) -> int:
    """Give the number of a word; -1, which nothing has, for one that was never seen."""
    return (await _numbers(tx, kind, [text])).get((kind, text), -1)


async def texts(tx: Transaction, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], str]:
    """Give the words behind numbers."""
    named = sorted(set(wanted))
    rows = await tx.execute(
        "select kind, number, text from word join unnest(cast(:kinds as text[]), cast(:numbers as integer[]))"
        " as w (k, n) on kind = k and number = n",
        {"kinds": [kind for kind, _ in named], "numbers": [number for _, number in named]},
    )
    return {(row.kind, row.number): row.text for row in rows}


async def save(tx: Transaction, paths: Sequence[Path]) -> None:
    """Write paths."""
    if not paths:
        return
    await tx.execute(
        """
        insert into path (path_id, known, steps, step_count, first_time, last_time, stage, stage_time, purchase_count,
            spent, last_purchase_time, nps, churn_risk, complaint_risk, scored_time)
        select * from unnest(cast(:ids as uuid[]), cast(:known as boolean[]), cast(:steps as bytea[]),
            cast(:counts as bigint[]), cast(:firsts as timestamptz[]), cast(:lasts as timestamptz[]),
            cast(:stages as text[]), cast(:stage_times as timestamptz[]), cast(:purchases as bigint[]),
            cast(:spent as double precision[]), cast(:bought as timestamptz[]), cast(:nps as double precision[]),
            cast(:churn as double precision[]), cast(:complaint as double precision[]),
            cast(:scored as timestamptz[]))
        on conflict (path_id) do update set known = excluded.known, steps = excluded.steps,
            step_count = excluded.step_count, first_time = excluded.first_time, last_time = excluded.last_time,
            stage = excluded.stage, stage_time = excluded.stage_time, purchase_count = excluded.purchase_count,
            spent = excluded.spent, last_purchase_time = excluded.last_purchase_time, nps = excluded.nps,
            churn_risk = excluded.churn_risk, complaint_risk = excluded.complaint_risk,
            scored_time = excluded.scored_time""",
        {
            "ids": [each.path_id for each in paths],
            "known": [each.known for each in paths],
            "steps": [each.steps for each in paths],
            "counts": [each.step_count for each in paths],
            "firsts": [each.summary.first_time for each in paths],
            "lasts": [each.summary.last_time for each in paths],
            "stages": [each.summary.stage for each in paths],
            "stage_times": [each.summary.stage_time for each in paths],
            "purchases": [each.summary.purchase_count for each in paths],
            "spent": [each.summary.spent for each in paths],
            "bought": [each.summary.last_purchase_time for each in paths],
            "nps": [each.summary.nps for each in paths],
            "churn": [each.churn_risk for each in paths],
            "complaint": [each.complaint_risk for each in paths],
            "scored": [each.scored_time for each in paths],
        },
    )


async def remove(tx: Transaction, path_ids: Collection[uuid.UUID]) -> None:
    """Drop paths of which nothing is left."""
    await tx.execute("delete from path where path_id = any(cast(:ids as uuid[]))", {"ids": list(path_ids)})


async def exist(tx: Transaction, customer_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Say which ids are known as customers', also merged ones: those of erased customers are not."""
    rows = await tx.execute(
        "select customer_id from customer where customer_id = any(cast(:ids as uuid[]))", {"ids": list(customer_ids)}
    )
    return set(rows.scalars())


async def count(tx: Transaction) -> int:
    """Count the paths."""
    return int((await tx.execute("select count(*) from path")).scalar_one())


async def chunk(
    tx: Transaction,
    *,
    after: uuid.UUID | None,
    most: int,
    from_time: dt.datetime | None = None,
    until_time: dt.datetime | None = None,
    segment: str = "",
) -> Chunk | None:
    """Give up to `most` paths, by id, that have anything in a window, and customers' of a segment; None at the end."""
    conditions = ["true"]
    if after is not None:
        conditions.append("path_id > :after")
    if from_time is not None:
        conditions.append("last_time >= :from_time")
    if until_time is not None:
        conditions.append("first_time < :until_time")
    if segment:
        conditions.append("path_id in (select customer_id from segment_member where segment = :segment)")
    row = (
        await tx.execute(
            "select string_agg(uuid_send(path_id), '' order by path_id) as ids,"  # noqa: S608
            " array_agg(known order by path_id) as known, array_agg(step_count order by path_id) as counts,"
            " string_agg(steps, '' order by path_id) as steps"
            " from (select path_id, known, step_count, steps from path"
            f" where {' and '.join(conditions)} order by path_id limit :most) p",
            {
                "most": most,
                **({"after": after} if after is not None else {}),
                **({"from_time": from_time} if from_time is not None else {}),
                **({"until_time": until_time} if until_time is not None else {}),
                **({"segment": segment} if segment else {}),
            },
        )
    ).one()
    return Chunk(row.ids, row.known, row.counts, row.steps) if row.ids else None


async def page(tx: Transaction, *, after: uuid.UUID | None, most: int, known: bool = True) -> list[Path]:
    """Give up to `most` paths by id; `known`: of customers only."""
    rows = await tx.execute(
        "select * from path where (known or not :known) and (cast(:after as uuid) is null or path_id > :after)"
        " order by path_id limit :most",
        {"after": after, "most": most, "known": known},
    )
    return [_path(row) for row in rows]


async def of(tx: Transaction, path_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Path]:
    """Give paths by id."""
    rows = await tx.execute("select * from path where path_id = any(cast(:ids as uuid[]))", {"ids": list(path_ids)})
    return {row.path_id: _path(row) for row in rows}


async def touchpoints_at(
    tx: Transaction, places: Sequence[tuple[uuid.UUID, dt.datetime, str]]
) -> dict[tuple[uuid.UUID, dt.datetime], uuid.UUID]:
    """Give the touchpoints of customers at moments, of a kind."""
    rows = await tx.execute(
        "select customer_id, occurred_time, max(cast(touchpoint_id as text)) as touchpoint_id from timeline"
        " join unnest(cast(:ids as uuid[]), cast(:times as timestamptz[]), cast(:kinds as text[])) as p (id, t, k)"
        " on customer_id = id and occurred_time = t and kind = k group by 1, 2",
        {
            "ids": [customer_id for customer_id, _, _ in places],
            "times": [time for _, time, _ in places],
            "kinds": [kind for _, _, kind in places],
        },
    )
    return {(row.customer_id, row.occurred_time): uuid.UUID(row.touchpoint_id) for row in rows}


def _path(row: Row) -> Path:
    return Path(
        path_id=row.path_id,
        known=row.known,
        steps=row.steps,
        step_count=row.step_count,
        summary=Summary(
            first_time=row.first_time,
            last_time=row.last_time,
            stage=row.stage and Stage(row.stage),
            stage_time=row.stage_time,
            purchase_count=row.purchase_count,
            spent=row.spent,
            last_purchase_time=row.last_purchase_time,
            nps=row.nps,
        ),
        churn_risk=row.churn_risk,
        complaint_risk=row.complaint_risk,
        scored_time=row.scored_time,
    )
