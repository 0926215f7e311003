"""Cases and their clocks."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from sori_kit.database import Transaction
from sori_notify.domain import (
    Act,
    Case,
    CaseState,
    Channel,
    Clock,
    ClockState,
    Deadline,
    Dossier,
    Metric,
    Origin,
    Severity,
    Warned,
)
from sori_notify.store.acts import load_acts
from sori_notify.store.deadlines import load_deadlines
from sori_notify.store.messages import load_messages
from sori_notify.store.tables import CASE_CLOCK, MATTER, listed


async def key_of(tx: Transaction, case_id: uuid.UUID) -> uuid.UUID | None:
    """Give the thread of a case, or None when there is no such case."""
    rows = await tx.execute(
        "select coalesce(thread_key, case_id) from matter where case_id = :case_id", {"case_id": case_id}
    )
    found: uuid.UUID | None = rows.scalar_one_or_none()
    return found


async def load(tx: Transaction, keys: Collection[uuid.UUID]) -> dict[uuid.UUID, Dossier]:
    """Load all that is kept of these threads, as far as it decides anything; hold them first."""
    rows = (
        await tx.execute(
            "select * from matter where thread_key = any(cast(:keys as uuid[]))"
            " or (thread_key is null and case_id = any(cast(:keys as uuid[])))",
            {"keys": list(keys)},
        )
    ).all()
    case_ids = [row.case_id for row in rows]
    messages = await load_messages(tx, keys)
    acts = await load_acts(tx, case_ids)
    deadlines = await load_deadlines(tx, case_ids)
    cases: defaultdict[uuid.UUID, list[Case]] = defaultdict(list)
    for case in await _with_clocks(tx, rows):
        cases[case.thread_key or case.case_id].append(case)
    of_case = {each.case_id: key for key, found in cases.items() for each in found}
    looked: defaultdict[uuid.UUID, list[Deadline]] = defaultdict(list)
    for deadline in deadlines:
        looked[of_case[deadline.case_id]].append(deadline)
    done: defaultdict[uuid.UUID, list[Act]] = defaultdict(list)
    for act in acts:
        if act.case_id:
            done[of_case[act.case_id]].append(act)
    return {
        key: Dossier(
            key=key,
            cases=cases.get(key, ()),
            deadlines=looked.get(key, ()),
            messages=messages.get(key, ()),
            acts=done.get(key, ()),
        )
        for key in keys
    }


async def save(tx: Transaction, cases: Sequence[Case], before: Sequence[Case]) -> None:
    """Write what became of cases that are held; `before` is what was kept of them."""
    if cases:
        await tx.execute(_SAVE_CASES, _columns(cases))
        await _save_clocks(tx, cases, before)


async def add_cases(tx: Transaction, cases: Sequence[Case]) -> set[uuid.UUID]:
    """Open cases that nothing else opens; gives those that were not there."""
    if not cases:
        return set()
    rows = await tx.execute(_INSERT_CASES + " on conflict do nothing returning case_id", _columns(cases))
    return set(rows.scalars())


_INSERT_CASES = """
    insert into matter (case_id, thread_key, origin, state, source, thread_id, customer_id, channel, org_unit,
        touchpoint_id, topics, segments, severity, tags, team, person, opened_time, policy, due_time, clock_state,
        answered_time, resolved_time, acknowledged_by, acknowledged_time, closed_by, closed_time, version, change_xid)
    select *, cast(cast(pg_current_xact_id() as text) as bigint)
    from unnest(cast(:case_ids as uuid[]), cast(:thread_keys as uuid[]), cast(:origins as text[]),
        cast(:states as text[]), cast(:sources as text[]), cast(:thread_ids as text[]), cast(:customer_ids as uuid[]),
        cast(:channels as text[]), cast(:org_units as text[]), cast(:touchpoint_ids as uuid[]),
        cast(:topics as jsonb[]), cast(:segments as jsonb[]), cast(:severities as text[]), cast(:tags as jsonb[]),
        cast(:teams as text[]), cast(:persons as text[]), cast(:opened_times as timestamptz[]),
        cast(:policies as text[]), cast(:due_times as timestamptz[]), cast(:clock_states as text[]),
        cast(:answered_times as timestamptz[]), cast(:resolved_times as timestamptz[]),
        cast(:acknowledged_by as text[]), cast(:acknowledged_times as timestamptz[]), cast(:closed_by as text[]),
        cast(:closed_times as timestamptz[]), cast(:versions as bigint[]))"""
_SAVE_CASES = (
    _INSERT_CASES
    + """
    on conflict (case_id) do update set thread_key = excluded.thread_key, state = excluded.state,
        source = excluded.source, thread_id = excluded.thread_id, customer_id = excluded.customer_id,
        channel = excluded.channel, org_unit = excluded.org_unit, touchpoint_id = excluded.touchpoint_id,
        topics = excluded.topics, segments = excluded.segments, severity = excluded.severity, tags = excluded.tags,
        team = excluded.team, person = excluded.person, opened_time = excluded.opened_time, policy = excluded.policy,
        due_time = excluded.due_time, clock_state = excluded.clock_state, answered_time = excluded.answered_time,
        resolved_time = excluded.resolved_time, acknowledged_by = excluded.acknowledged_by,
        acknowledged_time = excluded.acknowledged_time, closed_time = excluded.closed_time,
        version = excluded.version, change_xid = excluded.change_xid"""
)


def _columns(cases: Sequence[Case]) -> dict[str, list[Any]]:
    return {
        "case_ids": [each.case_id for each in cases],
        "thread_keys": [each.thread_key or each.case_id for each in cases],
        "origins": [each.origin.value for each in cases],
        "states": [each.state.value for each in cases],
        "sources": [each.source for each in cases],
        "thread_ids": [each.thread_id for each in cases],
        "customer_ids": [each.customer_id for each in cases],
        "channels": [each.channel and each.channel.value for each in cases],
        "org_units": [each.org_unit for each in cases],
        "touchpoint_ids": [each.touchpoint_id for each in cases],
        "topics": [listed(each.topics) for each in cases],
        "segments": [listed(each.segments) for each in cases],
        "severities": [each.severity.value for each in cases],
        "tags": [listed(each.tags) for each in cases],
        "teams": [each.team for each in cases],
        "persons": [each.person for each in cases],
        "opened_times": [each.opened_time for each in cases],
        "policies": [each.clock and each.clock.policy for each in cases],
        "due_times": [each.clock and each.clock.due_time for each in cases],
        "clock_states": [each.clock and each.clock.state.value for each in cases],
        "answered_times": [each.answered_time for each in cases],
        "resolved_times": [each.resolved_time for each in cases],
        "acknowledged_by": [each.acknowledged_by for each in cases],
        "acknowledged_times": [each.acknowledged_time for each in cases],
        "closed_by": ["" for _ in cases],
        "closed_times": [each.closed_time for each in cases],
        "versions": [each.version for each in cases],
    }


async def _save_clocks(tx: Transaction, cases: Sequence[Case], before: Sequence[Case]) -> None:
    known = {(each.case_id, clock.metric, clock.instance): clock for each in before for clock in each.clocks}
    now = {(each.case_id, clock.metric, clock.instance): clock for each in cases for clock in each.clocks}
    saved = {each.case_id for each in cases}
    if gone := [each for each in known if each[0] in saved and each not in now]:
        await tx.execute(
            "delete from case_clock using unnest(cast(:case_ids as uuid[]), cast(:metrics as text[]),"
            " cast(:instances as int[])) as gone (case_id, metric, instance) where case_clock.case_id = gone.case_id"
            " and case_clock.metric = gone.metric and case_clock.instance = gone.instance",
            {
                "case_ids": [case_id for case_id, _, _ in gone],
                "metrics": [metric.value for _, metric, _ in gone],
                "instances": [instance for _, _, instance in gone],
            },
        )
    changed = {key: clock for key, clock in now.items() if known.get(key) != clock}
    if not changed:
        return
    await tx.execute(
        """
        insert into case_clock (case_id, metric, instance, policy, promise_version, state, start_time, due_time, target,
            used, warnings, breach_time, fulfilled_time, declared)
        select * from unnest(cast(:case_ids as uuid[]), cast(:metrics as text[]), cast(:instances as int[]),
            cast(:policies as text[]), cast(:versions as text[]), cast(:states as text[]),
            cast(:start_times as timestamptz[]), cast(:due_times as timestamptz[]), cast(:targets as interval[]),
            cast(:used as interval[]), cast(:warnings as jsonb[]), cast(:breach_times as timestamptz[]),
            cast(:fulfilled_times as timestamptz[]), cast(:declared as boolean[]))
        on conflict (case_id, metric, instance) do update set policy = excluded.policy,
            promise_version = excluded.promise_version, state = excluded.state, start_time = excluded.start_time,
            due_time = excluded.due_time, target = excluded.target, used = excluded.used, warnings = excluded.warnings,
            breach_time = excluded.breach_time, fulfilled_time = excluded.fulfilled_time,
            declared = excluded.declared""",
        {
            "case_ids": [case_id for case_id, _, _ in changed],
            "metrics": [metric.value for _, metric, _ in changed],
            "instances": [instance for _, _, instance in changed],
            "policies": [each.policy for each in changed.values()],
            "versions": [each.version for each in changed.values()],
            "states": [each.state.value for each in changed.values()],
            "start_times": [each.start_time for each in changed.values()],
            "due_times": [each.due_time for each in changed.values()],
            "targets": [each.target for each in changed.values()],
            "used": [each.used for each in changed.values()],
            "warnings": [
                listed([[warning.percent, warning.time.isoformat()] for warning in each.warnings])
                for each in changed.values()
            ],
            "breach_times": [each.breach_time for each in changed.values()],
            "fulfilled_times": [each.fulfilled_time for each in changed.values()],
            "declared": [each.declared for each in changed.values()],
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases a list is about; what is None or empty lets all pass."""

    origins: Collection[Origin]
    state: CaseState | None = None
    clock_state: ClockState | None = None
    org_unit: str = ""
    channel: Channel | None = None
    severity: Severity | None = None
    team: str = ""
    person: str = ""
    tag: str = ""
    topic: str = ""
    customer_id: uuid.UUID | None = None

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Spell what is set."""
        found: list[sa.ColumnElement[bool]] = [MATTER.c.origin.in_([each.value for each in self.origins])]
        for column, value in (
            (MATTER.c.state, self.state and self.state.value),
            (MATTER.c.clock_state, self.clock_state and self.clock_state.value),
            (MATTER.c.org_unit, self.org_unit),
            (MATTER.c.channel, self.channel and self.channel.value),
            (MATTER.c.severity, self.severity and self.severity.value),
            (MATTER.c.team, self.team),
            (MATTER.c.person, self.person),
        ):
            if value:
                found.append(column == value)
        for column, value in ((MATTER.c.tags, self.tag), (MATTER.c.topics, self.topic)):
            if value:
                found.append(column.contains([value]))
        if self.customer_id:
            remains = sa.text(
                "matter.customer_id = (select survivor_id from customer_merge where merged_id = :customer)"
            )
            found.append(
                sa.or_(MATTER.c.customer_id == self.customer_id, remains.bindparams(customer=self.customer_id))
            )
        return found


async def page(
    tx: Transaction, wanted: Wanted, *, before: tuple[dt.datetime, uuid.UUID] | None, most: int
) -> list[Case]:
    """Give up to `most` cases older than `before`, newest first."""
    found = sa.select(MATTER).where(*wanted.conditions())
    if before:
        found = found.where(sa.tuple_(MATTER.c.opened_time, MATTER.c.case_id) < sa.tuple_(*map(sa.literal, before)))
    rows = await tx.execute(found.order_by(MATTER.c.opened_time.desc(), MATTER.c.case_id.desc()).limit(most))
    return await _with_clocks(tx, rows.all())


async def last_crisis(tx: Transaction, case: Case) -> uuid.UUID | None:
    """Name the thread of the severe case about one of the same topics that ended last before this one began."""
    rows = await tx.execute(
        "select coalesce(thread_key, case_id) from matter where severity in ('high', 'critical')"
        " and resolved_time < :opened and origin = 'customer' and topics ?| cast(:topics as text[])"
        " and case_id <> :case_id order by resolved_time desc limit 1",
        {
            "opened": case.opened_time,
            "topics": list(case.topics),
            "case_id": case.case_id,
        },
    )
    return rows.scalar_one_or_none()


async def horizon(tx: Transaction) -> int:
    """Give the transaction from which on others may still be under way; followers read only what is before it."""
    rows = await tx.execute("select cast(cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as bigint)")
    return int(rows.scalar_one())


async def changed(
    tx: Transaction, wanted: Wanted, *, after: tuple[int, uuid.UUID], most: int
) -> list[tuple[tuple[int, uuid.UUID], Case]]:
    """Give up to `most` cases that changed after a cursor, in the order in which they did, each with its own cursor."""
    found = sa.select(MATTER).where(
        *wanted.conditions(),
        sa.tuple_(MATTER.c.change_xid, MATTER.c.case_id) > sa.tuple_(*map(sa.literal, after)),
        MATTER.c.change_xid < await horizon(tx),
    )
    rows = (await tx.execute(found.order_by(MATTER.c.change_xid, MATTER.c.case_id).limit(most))).all()
    cursors = {row.case_id: (int(row.change_xid), row.case_id) for row in rows}
    return [(cursors[case.case_id], case) for case in await _with_clocks(tx, rows)]


async def _with_clocks(tx: Transaction, rows: Sequence[sa.Row[Any]]) -> list[Case]:
    clocks: defaultdict[uuid.UUID, list[Clock]] = defaultdict(list)
    if rows:
        wanted = sa.bindparam("ids", [row.case_id for row in rows], type_=postgresql.ARRAY(sa.Uuid))
        for row in await tx.execute(sa.select(CASE_CLOCK).where(CASE_CLOCK.c.case_id == sa.any_(wanted))):
            clocks[row.case_id].append(_clock(row))
    return [_case(row, clocks[row.case_id]) for row in rows]


_METRICS = {metric: number for number, metric in enumerate(Metric)}


def _case(row: sa.Row[Any], clocks: Collection[Clock]) -> Case:
    return Case(
        case_id=row.case_id,
        thread_key=row.thread_key or row.case_id,
        origin=Origin(row.origin),
        state=CaseState(row.state),
        source=row.source,
        thread_id=row.thread_id,
        customer_id=row.customer_id,
        channel=row.channel and Channel(row.channel),
        org_unit=row.org_unit,
        touchpoint_id=row.touchpoint_id,
        topics=tuple(row.topics),
        segments=tuple(row.segments),
        severity=Severity(row.severity),
        tags=tuple(row.tags),
        team=row.team,
        person=row.person,
        opened_time=row.opened_time,
        clocks=tuple(sorted(clocks, key=lambda each: (_METRICS[each.metric], each.instance))),
        answered_time=row.answered_time,
        resolved_time=row.resolved_time,
        closed_time=row.closed_time,
        acknowledged_by=row.acknowledged_by,
        acknowledged_time=row.acknowledged_time,
        version=row.version,
    )


def _clock(row: sa.Row[Any]) -> Clock:
    return Clock(
        metric=Metric(row.metric),
        instance=row.instance,
        policy=row.policy,
        version=row.promise_version,
        state=ClockState(row.state),
        start_time=row.start_time,
        due_time=row.due_time,
        target=row.target,
        used=row.used,
        warnings=tuple(Warned(percent=percent, time=dt.datetime.fromisoformat(time)) for percent, time in row.warnings),
        breach_time=row.breach_time,
        fulfilled_time=row.fulfilled_time,
        declared=row.declared,
    )
