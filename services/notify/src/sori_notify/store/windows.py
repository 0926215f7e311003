"""What rules have seen, counted and done."""

import datetime as dt
import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sori_kit.database import Transaction
from sori_notify.domain.rules import BETWEEN, Count, Counter, Fact, Firing, Spacing, usual
from sori_notify.store.tables import METADATA, time

RULE_FACT = sa.Table(  # Touchpoints as rules see them; never their words.
    "rule_fact",
    METADATA,
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    time("occurred_time", nullable=False),
    sa.Column("customer_id", sa.Uuid),
    sa.Column("kind", sa.Text, nullable=False, server_default=""),
    sa.Column("stitched", sa.LargeBinary),
    sa.Column("fact", postgresql.JSONB),  # Not used any more; still there for replicas of the version before.
    sa.Index("ix_rule_fact_time", "occurred_time", postgresql_using="brin"),  # Rows come about in its order.
    sa.Index("ix_rule_fact_customer_id", "customer_id", postgresql_where=sa.text("customer_id is not null")),
)
RULE_COUNT = sa.Table(  # One row for each touchpoint that a counter counts.
    "rule_count",
    METADATA,
    sa.Column("counter_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("occurred_time", sa.DateTime(timezone=True), primary_key=True),
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Index("ix_rule_count_touchpoint_id", "touchpoint_id"),
    sa.Index("ix_rule_count_time", "occurred_time", postgresql_using="brin"),
)
RULE_COUNTER = sa.Table(  # Since when each counter counts.
    "rule_counter",
    METADATA,
    sa.Column("counter_id", sa.Text, primary_key=True),
    time("since_time", nullable=False),
)
RULE_FIRING = sa.Table(
    "rule_firing",
    METADATA,
    sa.Column("rule", sa.Text, primary_key=True),
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    time("occurred_time", nullable=False),
    time("fired_time", nullable=False),
    sa.Column("suppressed_by", sa.Text, nullable=False),
    sa.Column("actions", postgresql.JSONB, nullable=False),
    sa.Index("ix_rule_firing_key", "rule", "key", "occurred_time"),
    sa.Index("ix_rule_firing_occurred_time", "occurred_time"),
)


_FACT = ("touchpoint_id", "revision", "occurred_time", "customer_id", "kind", "stitched")
_ADD_FACTS = """
    insert into rule_fact (touchpoint_id, revision, occurred_time, customer_id, kind, stitched)
    select * from unnest(cast(:touchpoint_id as uuid[]), cast(:revision as bigint[]),
        cast(:occurred_time as timestamptz[]), cast(:customer_id as uuid[]), cast(:kind as text[]),
        cast(:stitched as bytea[]))
    on conflict (touchpoint_id) do update set revision = excluded.revision, occurred_time = excluded.occurred_time,
        customer_id = excluded.customer_id, kind = excluded.kind, stitched = excluded.stitched
    where rule_fact.revision < excluded.revision"""
_MANY = 32  # touchpoints for which it pays to ask first which are new, one more way to the database


async def add_facts(tx: Transaction, facts: Sequence[tuple[Fact, bytes]]) -> None:
    """Keep touchpoints, the newest revision of each, with what can be read again."""
    rows = [
        (each.touchpoint_id, each.revision, each.occurred_time, each.customer_id or None, each.kind, kept)
        for each, kept in facts
    ]
    if len(rows) >= _MANY:
        there = await _revisions(tx, [each.touchpoint_id for each, _ in facts])
        await tx.copy("rule_fact", _FACT, [row for row in rows if row[0] not in there])
        rows = [row for row in rows if row[0] in there]
    if rows:
        await tx.execute(_ADD_FACTS, dict(zip(_FACT, zip(*rows, strict=True), strict=True)))


async def newest(tx: Transaction, facts: Sequence[Fact]) -> list[Fact]:
    """Leave out those of which a newer revision is kept already."""
    kept = await _revisions(tx, [each.touchpoint_id for each in facts])
    return [each for each in facts if kept.get(each.touchpoint_id, -1) <= each.revision]


async def _revisions(tx: Transaction, touchpoint_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Say which touchpoints are kept, in which revision."""
    rows = await tx.execute(
        "select touchpoint_id, revision from rule_fact where touchpoint_id = any(cast(:ids as uuid[]))",
        {"ids": touchpoint_ids},
    )
    return {row.touchpoint_id: row.revision for row in rows}


async def load_facts(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> list[bytes]:
    """Give kept touchpoints, by when they occurred."""
    rows = await tx.execute(
        "select stitched from rule_fact where touchpoint_id = any(cast(:ids as uuid[])) and stitched is not null"
        " order by occurred_time, touchpoint_id",
        {"ids": list(touchpoint_ids)},
    )
    return list(rows.scalars())


async def facts_between(tx: Transaction, start: dt.datetime, end: dt.datetime, *, most: int) -> list[bytes]:
    """Give up to `most` kept touchpoints from `start` until just before `end`, by when they occurred."""
    rows = await tx.execute(
        "select stitched from rule_fact where occurred_time >= :start and occurred_time < :end"
        " and stitched is not null order by occurred_time, touchpoint_id limit :most",
        {"start": start, "end": end, "most": most},
    )
    return list(rows.scalars())


_FORGET_COUNTS = """
    delete from rule_count where key = any(cast(cast(:ids as uuid[]) as text[]))
        or (touchpoint_id = any(cast(:touchpoints as uuid[])) and position(:between in key) > 0)"""
_FORGET_KEYS = """
    update rule_firing set key = '' where key = any(cast(cast(:ids as uuid[]) as text[]))
        or (touchpoint_id = any(cast(:touchpoints as uuid[])) and position(:between in key) > 0)"""


async def forget_facts(
    tx: Transaction, customer_ids: Collection[uuid.UUID], touchpoint_ids: Collection[uuid.UUID]
) -> None:
    """Forget what rules know of customers and their threads; counts by anything else stay."""
    values = {"ids": list(customer_ids), "touchpoints": list(touchpoint_ids), "between": BETWEEN}
    await tx.execute(_FORGET_COUNTS, values)
    await tx.execute(_FORGET_KEYS, values)
    await tx.execute(
        "delete from rule_fact where customer_id = any(cast(:ids as uuid[]))"
        " or touchpoint_id = any(cast(:touchpoints as uuid[]))",
        values,
    )


async def drop_old(tx: Transaction, *, before: dt.datetime) -> None:
    """Forget what is older than any rule looks back, a part at a time."""
    for table in (RULE_FACT, RULE_COUNT, RULE_FIRING):
        row: sa.ColumnElement[Any] = sa.literal_column("ctid")
        old = sa.select(row).select_from(table).where(table.c.occurred_time < before).limit(20_000)
        await tx.execute(sa.delete(table).where(row == sa.any_(sa.func.array(old.scalar_subquery()))))


async def recount(
    tx: Transaction, touchpoint_ids: Collection[uuid.UUID], entries: Sequence[tuple[Counter, Fact]]
) -> None:
    """Count touchpoints; one that was counted before in an earlier revision is counted as it is now."""
    if touchpoint_ids:
        await tx.execute(
            "delete from rule_count where touchpoint_id = any(cast(:ids as uuid[]))", {"ids": list(touchpoint_ids)}
        )
    if entries:
        await tx.execute(
            """
            insert into rule_count (counter_id, key, occurred_time, touchpoint_id)
            select * from unnest(cast(:counters as text[]), cast(:keys as text[]), cast(:times as timestamptz[]),
                cast(:ids as uuid[])) on conflict do nothing""",
            {
                "counters": [counter.counter_id for counter, _ in entries],
                "keys": [fact.key(counter.by) for counter, fact in entries],
                "times": [fact.occurred_time for _, fact in entries],
                "ids": [fact.touchpoint_id for _, fact in entries],
            },
        )
        since: dict[str, dt.datetime] = {}
        for counter, fact in entries:
            if counter.usual_over:
                since[counter.counter_id] = min(since.get(counter.counter_id, fact.occurred_time), fact.occurred_time)
        if since:
            await tx.execute(
                "insert into rule_counter (counter_id, since_time)"
                " select * from unnest(cast(:counters as text[]), cast(:times as timestamptz[])) order by 1"
                " on conflict (counter_id) do update set since_time = excluded.since_time"
                " where excluded.since_time < rule_counter.since_time",
                {"counters": list(since), "times": list(since.values())},
            )


async def counts(
    tx: Transaction, counter: Counter, facts: Sequence[Fact], families: Mapping[str, Sequence[str]]
) -> dict[uuid.UUID, Count]:
    """Say what a counter says at each of these touchpoints; `families` are customers who are one by now."""
    if not facts:
        return {}
    asked = [(n, key, fact.occurred_time) for n, fact in enumerate(facts) for key in _keys(counter, fact, families)]
    # A row for each key, so that each is one range of the primary key.
    rows = await tx.execute(
        """
        select n, cast(sum(now) as int) as now, cast(sum(before) as int) as before, sum(later) > 0 as later,
            (select since_time from rule_counter where counter_id = :counter) as since
        from unnest(cast(:ns as int[]), cast(:keys as text[]), cast(:times as timestamptz[])) as asked (n, wanted, time)
        cross join lateral (
            select count(*) filter (where occurred_time > time - cast(:within as interval) and occurred_time <= time)
                as now,
                count(*) filter (where occurred_time <= time - cast(:within as interval)) as before,
                count(*) filter (where occurred_time > time) as later
            from rule_count where counter_id = :counter and key = wanted
                and occurred_time < time + cast(:within as interval)
                and occurred_time > time - cast(:within as interval) - coalesce(cast(:over as interval), interval '0')
        ) as counted group by n order by n""",
        {
            "counter": counter.counter_id,
            "within": counter.within,
            "over": counter.usual_over,
            "ns": [n for n, _, _ in asked],
            "keys": [key for _, key, _ in asked],
            "times": [time for _, _, time in asked],
        },
    )
    return {
        fact.touchpoint_id: Count(
            now=row.now,
            usual=usual(row.before, since=row.since, end=fact.occurred_time, counter=counter),
            later=row.later,
        )
        for fact, row in zip(facts, rows, strict=True)
    }


def _keys(counter: Counter, fact: Fact, families: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Give under which keys a counter may have counted what belongs together with a touchpoint."""
    key = fact.key(counter.by)
    return families.get(key, [key])


async def later(
    tx: Transaction, counter: Counter, facts: Sequence[Fact], families: Mapping[str, Sequence[str]], *, most: int
) -> set[uuid.UUID]:
    """Name touchpoints that occurred later and whose count these, which came late, belong to."""
    if not facts:
        return set()
    came = [(key, fact.occurred_time) for fact in facts for key in _keys(counter, fact, families)]
    rows = await tx.execute(
        """
        select distinct touchpoint_id from unnest(cast(:keys as text[]), cast(:times as timestamptz[]))
            as came (wanted, time) cross join lateral (select touchpoint_id from rule_count
            where counter_id = :counter and key = wanted
            and occurred_time > time and occurred_time < time + cast(:within as interval)) as found
        limit :most""",
        {
            "counter": counter.counter_id,
            "within": counter.within,
            "keys": [key for key, _ in came],
            "times": [time for _, time in came],
            "most": most,
        },
    )
    return set(rows.scalars())


async def families(tx: Transaction, customer_ids: Iterable[str]) -> dict[str, list[str]]:
    """Name, for each customer, all who are the same one by now."""
    ids = list(set(customer_ids))
    if not ids:
        return {}
    rows = await tx.execute(
        "select merged_id, survivor_id from customer_merge where survivor_id = any(cast(:ids as uuid[]))"
        " or survivor_id in (select survivor_id from customer_merge where merged_id = any(cast(:ids as uuid[])))",
        {"ids": ids},
    )
    members: dict[str, list[str]] = defaultdict(list)  # by survivor
    survivors: dict[str, str] = {}
    for row in rows:
        merged, survivor = str(row.merged_id), str(row.survivor_id)
        members[survivor].append(merged)
        survivors[merged] = survivor
    return {each: [root, *members[root]] for each in ids if (root := survivors.get(each, each)) in members}


async def add_firings(
    tx: Transaction, firings: Sequence[Firing], families: Mapping[str, Sequence[str]], *, now: dt.datetime
) -> list[Firing]:
    """Keep firings, each rule once for a touchpoint and, where it says so, once in a time; gives those that are new."""
    spacing = await _spacing(tx, [each for each in firings if each.rule.every], families)
    wanted = [each for each in firings if spacing.take(each, _root(each.key, families))]
    rows = await tx.execute(
        """
        insert into rule_firing (rule, touchpoint_id, key, occurred_time, fired_time, suppressed_by, actions)
        select rule, touchpoint_id, key, occurred_time, :now, suppressed_by, actions
        from unnest(cast(:rules as text[]), cast(:ids as uuid[]), cast(:keys as text[]),
            cast(:times as timestamptz[]), cast(:suppressors as text[]), cast(:actions as jsonb[]))
            as fired (rule, touchpoint_id, key, occurred_time, suppressed_by, actions)
        on conflict do nothing returning rule, touchpoint_id""",
        {
            "rules": [each.rule.name for each in wanted],
            "ids": [each.fact.touchpoint_id for each in wanted],
            "keys": [each.key for each in wanted],
            "times": [each.fact.occurred_time for each in wanted],
            "now": now,
            "suppressors": [each.suppressed_by for each in wanted],
            "actions": [json.dumps(each.rule.actions.names) for each in wanted],
        },
    )
    new = {(row.rule, row.touchpoint_id) for row in rows}
    return [each for each in wanted if (each.rule.name, each.fact.touchpoint_id) in new]


async def _spacing(tx: Transaction, firings: Sequence[Firing], families: Mapping[str, Sequence[str]]) -> Spacing:
    """Say when rules fired about the times of these firings, and hold back other transactions in which they would."""
    spacing = Spacing()
    groups: dict[tuple[str, str], list[Firing]] = defaultdict(list)
    for each in firings:
        groups[each.rule.name, _root(each.key, families)].append(each)
    if not groups:
        return spacing
    await tx.lock(*(f"rule\x1f{rule}\x1f{root}" for rule, root in groups))
    reach = {group: max(each.rule.every or dt.timedelta() for each in some) for group, some in groups.items()}
    asked = [
        (rule, root, key, min(times) - reach[rule, root], max(times) + reach[rule, root])
        for (rule, root), some in groups.items()
        if (times := [each.fact.occurred_time for each in some])
        for key in families.get(some[0].key, [some[0].key])
    ]
    rows = await tx.execute(
        """
        select asked.rule, root, rule_firing.occurred_time
        from unnest(cast(:rules as text[]), cast(:roots as text[]), cast(:keys as text[]),
            cast(:starts as timestamptz[]), cast(:ends as timestamptz[])) as asked (rule, root, wanted, start, until)
        join rule_firing on rule_firing.rule = asked.rule and key = wanted and suppressed_by = ''
            and occurred_time > start and occurred_time < until""",
        dict(zip(("rules", "roots", "keys", "starts", "ends"), map(list, zip(*asked, strict=True)), strict=True)),
    )
    for row in rows:
        spacing.note(row.rule, row.root, row.occurred_time)
    return spacing


def _root(key: str, families: Mapping[str, Sequence[str]]) -> str:
    """Give one name for all who are the same one by now."""
    return min(families.get(key, [key]))


async def reopen_message(tx: Transaction, touchpoint_id: uuid.UUID) -> None:
    """Let a touchpoint of a thread that is held be taken in anew, as one that opens a case, unless it does so."""
    await tx.execute("delete from thread_event where touchpoint_id = :id and not opens", {"id": touchpoint_id})
