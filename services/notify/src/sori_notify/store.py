"""Tables and queries of notify; rows never leave this file."""

import datetime as dt
import json
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sori_kit.database import Transaction, metadata
from sori_notify.domain import (
    FIRST_RESPONSE,
    Actor,
    Acts,
    Alert,
    AlertState,
    Case,
    CaseState,
    Channel,
    ClockState,
    Deadline,
    DeadlineState,
    Dossier,
    FirstResponse,
    Kind,
    Message,
    Origin,
    Promise,
    flatten,
)

METADATA = metadata()


def _time(name: str, *, nullable: bool = True) -> sa.Column[dt.datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _one_of(column: str, values: Iterable[str]) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} in ({', '.join(repr(str(each)) for each in values)})", name=column)


THREAD_EVENT = sa.Table(  # Every touchpoint of a thread, and every one that opens a case; never its words.
    "thread_event",
    METADATA,
    sa.Column("touchpoint_id", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("case_id", sa.Uuid, nullable=False, index=True),  # The case that it opens or would belong to.
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("thread_id", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("channel", sa.Text),
    sa.Column("org_unit", sa.Text, nullable=False),
    sa.Column("topics", postgresql.JSONB, nullable=False),
    sa.Column("customer_id", sa.Uuid),
    _time("occurred_time", nullable=False),
    sa.Column("opens", sa.Boolean, nullable=False),
    sa.Column("policy", sa.Text),  # Null: nothing is promised for it.
    sa.Column("target", sa.Interval),
    _one_of("actor", Actor),
    _one_of("kind", Kind),
    _one_of("channel", Channel),
)
MATTER = sa.Table(  # A case; the word itself is SQL's.
    "matter",
    METADATA,
    sa.Column("case_id", sa.Uuid, primary_key=True),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("thread_id", sa.Text, nullable=False),
    sa.Column("customer_id", sa.Uuid),  # As the message said; `customer_merge` leads to the one that remains.
    sa.Column("channel", sa.Text),
    sa.Column("org_unit", sa.Text, nullable=False),
    sa.Column("touchpoint_id", sa.Uuid),
    sa.Column("topics", postgresql.JSONB, nullable=False),
    _time("opened_time", nullable=False),
    sa.Column("policy", sa.Text),  # Null: nothing is promised.
    _time("due_time"),
    sa.Column("clock_state", sa.Text),
    _time("answered_time"),
    _time("resolved_time"),
    sa.Column("acknowledged_by", sa.Text, nullable=False),
    _time("acknowledged_time"),
    sa.Column("closed_by", sa.Text, nullable=False),
    _time("closed_time"),
    sa.Column("version", sa.BigInteger, nullable=False),
    _one_of("origin", Origin),
    _one_of("state", CaseState),
    _one_of("channel", Channel),
    _one_of("clock_state", ClockState),
    sa.Index("ix_matter_page", "opened_time", "case_id"),
    sa.Index("ix_matter_page_of_unit", "org_unit", "opened_time", "case_id"),
)
DEADLINE = sa.Table(
    "deadline",
    METADATA,
    sa.Column("case_id", sa.Uuid, sa.ForeignKey("matter.case_id"), primary_key=True),
    sa.Column("metric", sa.Text, primary_key=True),
    _time("due_time", nullable=False),
    _time("fire_time", nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    _time("fired_time"),
    _one_of("metric", [FIRST_RESPONSE]),
    _one_of("state", DeadlineState),
    sa.Index("ix_deadline_armed", "fire_time", postgresql_where=sa.text("state = 'armed'")),
)
ALERT = sa.Table(
    "alert",
    METADATA,
    sa.Column("alert_id", sa.Uuid, primary_key=True),
    sa.Column("case_id", sa.Uuid, sa.ForeignKey("matter.case_id"), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("org_unit", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    _time("next_attempt_time", nullable=False),
    _time("leased_until"),  # Until then one worker has it; a worker that dies loses it by this.
    _time("created_time", nullable=False),
    _time("sent_time"),
    _one_of("state", AlertState),
    sa.UniqueConstraint("case_id", "reason"),
    sa.Index("ix_alert_pending", "next_attempt_time", postgresql_where=sa.text("state = 'pending'")),
)
CUSTOMER_MERGE = sa.Table(  # Flat: a survivor is never itself merged.
    "customer_merge",
    METADATA,
    sa.Column("merged_id", sa.Uuid, primary_key=True),
    sa.Column("survivor_id", sa.Uuid, nullable=False, index=True),
)
TOUCHPOINT_TALLY = sa.Table(  # The sum is exact and outlives the inbox; several rows, so that replicas do not queue.
    "touchpoint_tally",
    METADATA,
    sa.Column("slot", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("touchpoint_count", sa.BigInteger, nullable=False),
)

_LOCKS = 8  # Class of advisory locks, apart from the kit's names.
_BUCKETS = 4096  # Locks that cases share: more let more replicas work side by side.
_TALLY_SLOTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many there are of everything."""

    customer_cases: int
    employee_cases: int
    breached: int
    alerts_sent: int
    alerts_pending: int
    alerts_failed: int
    deadlines_due: int
    touchpoints: int


def _bucket(case_id: uuid.UUID) -> int:
    return case_id.int % _BUCKETS


async def hold(tx: Transaction, case_ids: Collection[uuid.UUID]) -> None:
    """Keep every other transaction off these cases, opened or not, until this one ends."""
    await tx.execute(
        "select pg_advisory_xact_lock(:class, bucket)"
        " from unnest(cast(:buckets as int[])) with ordinality as b (bucket, n) order by n",
        {"class": _LOCKS, "buckets": sorted(set(map(_bucket, case_ids)))},
    )


async def hold_due(tx: Transaction, *, now: dt.datetime, most: int) -> list[uuid.UUID]:
    """Give up to `most` cases whose deadline is over and which nobody else holds, and hold them."""
    rows = await tx.execute(
        "select case_id from deadline where state = 'armed' and fire_time < :now order by fire_time limit :most",
        {"now": now, "most": most},
    )
    found = list(rows.scalars())
    if not found:
        return []
    rows = await tx.execute(
        "select bucket from unnest(cast(:buckets as int[])) as b (bucket)"
        " where pg_try_advisory_xact_lock(:class, bucket)",
        {"class": _LOCKS, "buckets": sorted(set(map(_bucket, found)))},
    )
    held = set(rows.scalars())
    return [each for each in found if _bucket(each) in held]


async def cases_of(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> list[uuid.UUID]:
    """Give the cases to which earlier revisions of these touchpoints belong."""
    rows = await tx.execute(
        "select case_id from thread_event where touchpoint_id = any(cast(:ids as uuid[]))",
        {"ids": list(touchpoint_ids)},
    )
    return list(rows.scalars())


async def add_messages(tx: Transaction, messages: Collection[Message]) -> None:
    """Keep messages, each touchpoint once; a newer revision replaces an older one whichever comes first."""
    await tx.execute(
        """
        insert into thread_event (touchpoint_id, revision, case_id, source, thread_id, actor, kind, channel, org_unit,
            topics, customer_id, occurred_time, opens, policy, target)
        select * from unnest(cast(:touchpoint_ids as uuid[]), cast(:revisions as bigint[]), cast(:case_ids as uuid[]),
            cast(:sources as text[]), cast(:thread_ids as text[]), cast(:actors as text[]), cast(:kinds as text[]),
            cast(:channels as text[]), cast(:org_units as text[]), cast(:topics as jsonb[]),
            cast(:customer_ids as uuid[]), cast(:occurred_times as timestamptz[]), cast(:opens as boolean[]),
            cast(:policies as text[]), cast(:targets as interval[]))
        on conflict (touchpoint_id) do update set revision = excluded.revision, case_id = excluded.case_id,
            source = excluded.source, thread_id = excluded.thread_id, actor = excluded.actor, kind = excluded.kind,
            channel = excluded.channel, org_unit = excluded.org_unit, topics = excluded.topics,
            customer_id = excluded.customer_id, occurred_time = excluded.occurred_time, opens = excluded.opens,
            policy = excluded.policy, target = excluded.target
        where thread_event.revision < excluded.revision""",
        {
            "touchpoint_ids": [each.touchpoint_id for each in messages],
            "revisions": [each.revision for each in messages],
            "case_ids": [each.case_id for each in messages],
            "sources": [each.source for each in messages],
            "thread_ids": [each.thread_id for each in messages],
            "actors": [each.actor.value for each in messages],
            "kinds": [each.kind.value for each in messages],
            "channels": [each.channel and each.channel.value for each in messages],
            "org_units": [each.org_unit for each in messages],
            "topics": [json.dumps(each.topics) for each in messages],
            "customer_ids": [each.customer_id for each in messages],
            "occurred_times": [each.occurred_time for each in messages],
            "opens": [each.opens for each in messages],
            "policies": [each.promise and each.promise.policy for each in messages],
            "targets": [each.promise and each.promise.target for each in messages],
        },
    )


async def load(tx: Transaction, case_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Dossier]:
    """Load all that is kept of these cases, as far as it decides anything; hold them first."""
    wanted = sa.bindparam("ids", list(case_ids), type_=postgresql.ARRAY(sa.Uuid))
    messages: defaultdict[uuid.UUID, list[Message]] = defaultdict(list)
    for row in await tx.execute(
        sa.select(THREAD_EVENT).where(
            THREAD_EVENT.c.case_id == sa.any_(wanted),
            sa.or_(THREAD_EVENT.c.opens, THREAD_EVENT.c.actor == Actor.AGENT.value),
        )
    ):
        messages[row.case_id].append(_message(row))
    rows = await tx.execute(
        sa.select(
            MATTER,
            DEADLINE.c.due_time.label("deadline_due_time"),
            DEADLINE.c.fire_time,
            DEADLINE.c.state.label("deadline_state"),
            DEADLINE.c.fired_time,
        )
        .outerjoin_from(MATTER, DEADLINE, MATTER.c.case_id == DEADLINE.c.case_id)
        .where(MATTER.c.case_id == sa.any_(wanted))
    )
    stored = {row.case_id: row for row in rows}
    return {
        case_id: Dossier(
            case=_case(stored[case_id]) if case_id in stored else None,
            deadline=_deadline(stored[case_id]) if case_id in stored else None,
            messages=messages[case_id],
        )
        for case_id in case_ids
    }


async def save(tx: Transaction, cases: Sequence[Case], deadlines: Sequence[Deadline]) -> None:
    """Write what became of cases that are held."""
    if cases:
        await tx.execute(_SAVE_CASES, _columns(cases))
    if deadlines:
        await tx.execute(
            """
            insert into deadline (case_id, metric, due_time, fire_time, state, fired_time)
            select case_id, :metric, due_time, fire_time, state, fired_time
            from unnest(cast(:case_ids as uuid[]), cast(:due_times as timestamptz[]),
                cast(:fire_times as timestamptz[]), cast(:states as text[]), cast(:fired_times as timestamptz[]))
                as new (case_id, due_time, fire_time, state, fired_time)
            on conflict (case_id, metric) do update set due_time = excluded.due_time, fire_time = excluded.fire_time,
                state = excluded.state, fired_time = excluded.fired_time""",
            {
                "metric": FIRST_RESPONSE,
                "case_ids": [each.case_id for each in deadlines],
                "due_times": [each.due_time for each in deadlines],
                "fire_times": [each.fire_time for each in deadlines],
                "states": [each.state.value for each in deadlines],
                "fired_times": [each.fired_time for each in deadlines],
            },
        )


_INSERT_CASES = """
    insert into matter (case_id, origin, state, source, thread_id, customer_id, channel, org_unit, touchpoint_id,
        topics, opened_time, policy, due_time, clock_state, answered_time, resolved_time, acknowledged_by,
        acknowledged_time, closed_by, closed_time, version)
    select * from unnest(cast(:case_ids as uuid[]), cast(:origins as text[]), cast(:states as text[]),
        cast(:sources as text[]), cast(:thread_ids as text[]), cast(:customer_ids as uuid[]), cast(:channels as text[]),
        cast(:org_units as text[]), cast(:touchpoint_ids as uuid[]), cast(:topics as jsonb[]),
        cast(:opened_times as timestamptz[]), cast(:policies as text[]), cast(:due_times as timestamptz[]),
        cast(:clock_states as text[]), cast(:answered_times as timestamptz[]), cast(:resolved_times as timestamptz[]),
        cast(:acknowledged_by as text[]), cast(:acknowledged_times as timestamptz[]), cast(:closed_by as text[]),
        cast(:closed_times as timestamptz[]), cast(:versions as bigint[]))"""
_SAVE_CASES = (
    _INSERT_CASES
    + """
    on conflict (case_id) do update set state = excluded.state, source = excluded.source,
        thread_id = excluded.thread_id, customer_id = excluded.customer_id, channel = excluded.channel,
        org_unit = excluded.org_unit, touchpoint_id = excluded.touchpoint_id, topics = excluded.topics,
        opened_time = excluded.opened_time, policy = excluded.policy, due_time = excluded.due_time,
        clock_state = excluded.clock_state, answered_time = excluded.answered_time,
        resolved_time = excluded.resolved_time, acknowledged_by = excluded.acknowledged_by,
        acknowledged_time = excluded.acknowledged_time, closed_by = excluded.closed_by,
        closed_time = excluded.closed_time, version = excluded.version"""
)


def _columns(cases: Sequence[Case]) -> dict[str, list[Any]]:
    return {
        "case_ids": [each.case_id for each in cases],
        "origins": [each.origin.value for each in cases],
        "states": [each.state.value for each in cases],
        "sources": [each.source for each in cases],
        "thread_ids": [each.thread_id for each in cases],
        "customer_ids": [each.customer_id for each in cases],
        "channels": [each.channel and each.channel.value for each in cases],
        "org_units": [each.org_unit for each in cases],
        "touchpoint_ids": [each.touchpoint_id for each in cases],
        "topics": [json.dumps(each.topics) for each in cases],
        "opened_times": [each.opened_time for each in cases],
        "policies": [each.clock and each.clock.policy for each in cases],
        "due_times": [each.clock and each.clock.due_time for each in cases],
        "clock_states": [each.clock and each.clock.state.value for each in cases],
        "answered_times": [each.answered_time for each in cases],
        "resolved_times": [each.resolved_time for each in cases],
        "acknowledged_by": [each.acts.acknowledged_by for each in cases],
        "acknowledged_times": [each.acts.acknowledged_time for each in cases],
        "closed_by": [each.acts.closed_by for each in cases],
        "closed_times": [each.acts.closed_time for each in cases],
        "versions": [each.version for each in cases],
    }


async def add_cases(tx: Transaction, cases: Sequence[Case]) -> set[uuid.UUID]:
    """Open cases that nothing else opens; gives those that were not there."""
    if not cases:
        return set()
    rows = await tx.execute(_INSERT_CASES + " on conflict do nothing returning case_id", _columns(cases))
    return set(rows.scalars())


async def repointed(tx: Transaction, cases: Sequence[Case]) -> list[Case]:
    """Name the customers that remain after all merges known by now."""
    wanted = {each.customer_id for each in cases if each.customer_id}
    if not wanted:
        return list(cases)
    rows = await tx.execute(
        "select merged_id, survivor_id from customer_merge where merged_id = any(cast(:ids as uuid[]))",
        {"ids": list(wanted)},
    )
    into: dict[uuid.UUID | None, uuid.UUID] = {row.merged_id: row.survivor_id for row in rows}
    return [replace(each, customer_id=into.get(each.customer_id, each.customer_id)) for each in cases]


async def add_merges(tx: Transaction, merges: Sequence[tuple[uuid.UUID, uuid.UUID]]) -> None:
    """Keep (merged, survivor) pairs, in any order of arrival, so that each leads to the one that remains."""
    await tx.lock("customer_merge")
    rows = await tx.execute(
        "select merged_id, survivor_id from customer_merge"
        " where merged_id = any(cast(:ids as uuid[])) or survivor_id = any(cast(:ids as uuid[]))",
        {"ids": list({each for pair in merges for each in pair})},
    )
    flat = flatten({row.merged_id: row.survivor_id for row in rows}, merges)
    await tx.execute(
        "insert into customer_merge (merged_id, survivor_id)"
        " select * from unnest(cast(:merged as uuid[]), cast(:survivors as uuid[]))"
        " on conflict (merged_id) do update set survivor_id = excluded.survivor_id",
        {"merged": list(flat), "survivors": list(flat.values())},
    )


async def count_touchpoints(tx: Transaction, count: int) -> None:
    """Add to the number of touchpoints seen; the last thing a transaction does, for others may wait for it."""
    await tx.execute(
        "insert into touchpoint_tally as t (slot, touchpoint_count)"
        " values (pg_backend_pid() % cast(:slots as int), :count)"
        " on conflict (slot) do update set touchpoint_count = t.touchpoint_count + excluded.touchpoint_count",
        {"slots": _TALLY_SLOTS, "count": count},
    )


async def tally(tx: Transaction, *, now: dt.datetime) -> Tally:
    """Count everything."""
    row = (
        await tx.execute(
            """
            select matters.*, alerts.*, deadlines_due,
                (select coalesce(sum(touchpoint_count), 0) from touchpoint_tally) as touchpoints
            from (select count(*) filter (where origin = 'customer') as customer_cases,
                    count(*) filter (where origin = 'employee') as employee_cases,
                    count(*) filter (where clock_state = 'breached') as breached from matter) as matters,
                (select count(*) filter (where state = 'sent') as alerts_sent,
                    count(*) filter (where state = 'pending') as alerts_pending,
                    count(*) filter (where state = 'failed') as alerts_failed from alert) as alerts,
                (select count(*) as deadlines_due from deadline where state = 'armed' and due_time <= :now) as deadlines
            """,
            {"now": now},
        )
    ).one()
    return Tally(**{name: int(value) for name, value in row._mapping.items()})


async def page(
    tx: Transaction,
    origins: Collection[Origin],
    *,
    state: CaseState | None,
    clock_state: ClockState | None,
    org_unit: str,
    before: tuple[dt.datetime, uuid.UUID] | None,
    most: int,
) -> list[Case]:
    """Give up to `most` cases older than `before`, newest first."""
    wanted = sa.select(MATTER).where(MATTER.c.origin.in_([each.value for each in origins]))
    if state:
        wanted = wanted.where(MATTER.c.state == state.value)
    if clock_state:
        wanted = wanted.where(MATTER.c.clock_state == clock_state.value)
    if org_unit:
        wanted = wanted.where(MATTER.c.org_unit == org_unit)
    if before:
        wanted = wanted.where(sa.tuple_(MATTER.c.opened_time, MATTER.c.case_id) < sa.tuple_(*map(sa.literal, before)))
    rows = await tx.execute(wanted.order_by(MATTER.c.opened_time.desc(), MATTER.c.case_id.desc()).limit(most))
    return [_case(row) for row in rows]


async def add_alerts(tx: Transaction, alerts: Sequence[Alert], *, now: dt.datetime) -> None:
    """Put alerts in line; of one case and reason only the first ever."""
    if alerts:
        await tx.execute(
            """
            insert into alert (alert_id, case_id, reason, org_unit, body, state, attempts, next_attempt_time,
                created_time)
            select alert_id, case_id, reason, org_unit, body, 'pending', 0, :now, :now
            from unnest(cast(:alert_ids as uuid[]), cast(:case_ids as uuid[]), cast(:reasons as text[]),
                cast(:org_units as text[]), cast(:bodies as text[])) as new (alert_id, case_id, reason, org_unit, body)
            on conflict do nothing""",
            {
                "now": now,
                "alert_ids": [each.alert_id for each in alerts],
                "case_ids": [each.case_id for each in alerts],
                "reasons": [each.reason for each in alerts],
                "org_units": [each.org_unit for each in alerts],
                "bodies": [each.body for each in alerts],
            },
        )


async def claim_alerts(tx: Transaction, *, now: dt.datetime, until: dt.datetime, most: int) -> list[Alert]:
    """Take up to `most` alerts whose time has come, until a moment; each counts as an attempt."""
    rows = await tx.execute(
        """
        update alert set leased_until = :until, attempts = attempts + 1
        where alert_id in (select alert_id from alert where state = 'pending' and next_attempt_time <= :now
            and (leased_until is null or leased_until < :now)
            order by next_attempt_time limit :most for update skip locked)
        returning alert_id, case_id, reason, org_unit, body, attempts""",
        {"now": now, "until": until, "most": most},
    )
    return [Alert(**row._mapping) for row in rows]


async def mark_sent(tx: Transaction, alert_id: uuid.UUID, *, now: dt.datetime) -> bool:
    """Say that an alert was delivered; False when that was known."""
    rows = await tx.execute(
        "update alert set state = 'sent', sent_time = :now, leased_until = null"
        " where alert_id = :id and state <> 'sent'",
        {"id": alert_id, "now": now},
    )
    return rows.rowcount == 1


async def mark_unsent(tx: Transaction, alert: Alert, *, next_attempt_time: dt.datetime | None) -> bool:
    """Say that an attempt failed: when the next one is, or None to give up; False when another worker was faster."""
    rows = await tx.execute(
        "update alert set state = :state, next_attempt_time = coalesce(:next, next_attempt_time), leased_until = null"
        " where alert_id = :id and state = 'pending' and attempts = :attempts",
        {
            "id": alert.alert_id,
            "state": AlertState.PENDING.value if next_attempt_time else AlertState.FAILED.value,
            "next": next_attempt_time,
            "attempts": alert.attempts,
        },
    )
    return rows.rowcount == 1


def _message(row: sa.Row[Any]) -> Message:
    return Message(
        touchpoint_id=row.touchpoint_id,
        revision=row.revision,
        case_id=row.case_id,
        source=row.source,
        thread_id=row.thread_id,
        actor=Actor(row.actor),
        kind=Kind(row.kind),
        channel=row.channel and Channel(row.channel),
        org_unit=row.org_unit,
        topics=tuple(row.topics),
        customer_id=row.customer_id,
        occurred_time=row.occurred_time,
        opens=row.opens,
        promise=Promise(policy=row.policy, target=row.target) if row.policy is not None else None,
    )


def _case(row: sa.Row[Any]) -> Case:
    return Case(
        case_id=row.case_id,
        origin=Origin(row.origin),
        source=row.source,
        thread_id=row.thread_id,
        customer_id=row.customer_id,
        channel=row.channel and Channel(row.channel),
        org_unit=row.org_unit,
        touchpoint_id=row.touchpoint_id,
        topics=tuple(row.topics),
        opened_time=row.opened_time,
        clock=FirstResponse(policy=row.policy, due_time=row.due_time, state=ClockState(row.clock_state))
        if row.policy is not None
        else None,
        answered_time=row.answered_time,
        resolved_time=row.resolved_time,
        acts=Acts(
            acknowledged_by=row.acknowledged_by,
            acknowledged_time=row.acknowledged_time,
            closed_by=row.closed_by,
            closed_time=row.closed_time,
        ),
        version=row.version,
    )


def _deadline(row: sa.Row[Any]) -> Deadline | None:
    if row.deadline_state is None:
        return None
    return Deadline(
        case_id=row.case_id,
        due_time=row.deadline_due_time,
        fire_time=row.fire_time,
        state=DeadlineState(row.deadline_state),
        fired_time=row.fired_time,
    )
