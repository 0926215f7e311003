"""Cases and their clocks."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

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
    Origin,
    Severity,
)
from sori_notify.store.acts import load_acts
from sori_notify.store.clocks import load_clocks, save_clocks
from sori_notify.store.deadlines import load_deadlines
from sori_notify.store.messages import load_messages
from sori_notify.store.tables import MATTER, Row, listed, query, words

_ORIGINS, _STATES, _CHANNELS, _SEVERITIES = words(Origin), words(CaseState), words(Channel), words(Severity)
_LOAD = query(MATTER, "thread_key = any($1) or (thread_key is null and case_id = any($1))")


async def key_of(tx: Transaction, case_id: uuid.UUID) -> uuid.UUID | None:
    """Give the thread of a case, or None when there is no such case."""
    rows = await tx.execute(
        "select coalesce(thread_key, case_id) from matter where case_id = :case_id", {"case_id": case_id}
    )
    found: uuid.UUID | None = rows.scalar_one_or_none()
    return found


async def load(tx: Transaction, keys: Collection[uuid.UUID]) -> dict[uuid.UUID, Dossier]:
    """Load all that is kept of these threads, as far as it decides anything; hold them first."""
    rows = await tx.fetch(_LOAD, list(keys))
    case_ids = [row["case_id"] for row in rows]
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
    if not cases:
        return
    known = {each.case_id: _particulars(each) for each in before}
    moved, others = list[Case](), list[Case]()
    for each in cases:
        (moved if known.get(each.case_id) == _particulars(each) else others).append(each)
    if moved:
        await tx.fetch(_SAVE_COURSE, *_course(moved))
    if others:
        await tx.execute(_SAVE_CASES, _columns(others))
    await save_clocks(tx, cases, before)


def _course(cases: Sequence[Case]) -> tuple[list[Any], ...]:
    """Give what changes while cases are open, column by column."""
    clocks = [each.clock for each in cases]
    return (
        [each.case_id for each in cases],
        [each.state for each in cases],
        [each and each.policy for each in clocks],
        [each and each.due_time for each in clocks],
        [each and each.state for each in clocks],
        [each.answered_time for each in cases],
        [each.resolved_time for each in cases],
        [each.acknowledged_by for each in cases],
        [each.acknowledged_time for each in cases],
        [each.closed_time for each in cases],
        [each.version for each in cases],
    )


async def add_cases(tx: Transaction, cases: Sequence[Case]) -> set[uuid.UUID]:
    """Open cases that nothing else opens; gives those that were not there."""
    if not cases:
        return set()
    rows = await tx.execute(_INSERT_CASES + " on conflict do nothing returning case_id", _columns(cases))
    return set(rows.scalars())


_COURSE = {"clocks", "state", "answered_time", "resolved_time", "acknowledged_by", "acknowledged_time", "closed_time"}
_particulars = attrgetter(*(each.name for each in fields(Case) if each.compare and each.name not in _COURSE))
_SAVE_COURSE = """
    update matter set state = new.state, policy = new.policy, due_time = new.due_time, clock_state = new.clock_state,
        answered_time = new.answered_time, resolved_time = new.resolved_time, acknowledged_by = new.acknowledged_by,
        acknowledged_time = new.acknowledged_time, closed_time = new.closed_time, version = new.version,
        change_xid = pg_current_xact_id()::text::bigint
    from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::timestamptz[],
        $7::timestamptz[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::bigint[])
        as new (case_id, state, policy, due_time, clock_state, answered_time, resolved_time, acknowledged_by,
            acknowledged_time, closed_time, version)
    where matter.case_id = new.case_id"""  # Of cases of which all else is as it was, as in most turns.
_INSERT_CASES = """
    insert into matter (case_id, thread_key, origin, state, source, thread_id, customer_id, channel, org_unit,
        touchpoint_id, topics, segments, severity, tags, team, person, opened_time, policy, due_time, clock_state,
        answered_time, resolved_time, acknowledged_by, acknowledged_time, closed_time, version, closed_by, change_xid)
    select *, '', cast(cast(pg_current_xact_id() as text) as bigint)
    from unnest(cast(:case_ids as uuid[]), cast(:thread_keys as uuid[]), cast(:origins as text[]),
        cast(:states as text[]), cast(:sources as text[]), cast(:thread_ids as text[]), cast(:customer_ids as uuid[]),
        cast(:channels as text[]), cast(:org_units as text[]), cast(:touchpoint_ids as uuid[]),
        cast(:topics as jsonb[]), cast(:segments as jsonb[]), cast(:severities as text[]), cast(:tags as jsonb[]),
        cast(:teams as text[]), cast(:persons as text[]), cast(:opened_times as timestamptz[]),
        cast(:policies as text[]), cast(:due_times as timestamptz[]), cast(:clock_states as text[]),
        cast(:answered_times as timestamptz[]), cast(:resolved_times as timestamptz[]),
        cast(:acknowledged_by as text[]), cast(:acknowledged_times as timestamptz[]),
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
        "origins": [each.origin for each in cases],
        "states": [each.state for each in cases],
        "sources": [each.source for each in cases],
        "thread_ids": [each.thread_id for each in cases],
        "customer_ids": [each.customer_id for each in cases],
        "channels": [each.channel for each in cases],
        "org_units": [each.org_unit for each in cases],
        "touchpoint_ids": [each.touchpoint_id for each in cases],
        "topics": [listed(each.topics) for each in cases],
        "segments": [listed(each.segments) for each in cases],
        "severities": [each.severity for each in cases],
        "tags": [listed(each.tags) for each in cases],
        "teams": [each.team for each in cases],
        "persons": [each.person for each in cases],
        "opened_times": [each.opened_time for each in cases],
        "policies": [each.clock and each.clock.policy for each in cases],
        "due_times": [each.clock and each.clock.due_time for each in cases],
        "clock_states": [each.clock and each.clock.state for each in cases],
        "answered_times": [each.answered_time for each in cases],
        "resolved_times": [each.resolved_time for each in cases],
        "acknowledged_by": [each.acknowledged_by for each in cases],
        "acknowledged_times": [each.acknowledged_time for each in cases],
        "closed_times": [each.closed_time for each in cases],
        "versions": [each.version for each in cases],
    }


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
    return await _with_clocks(tx, rows.mappings().all())


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
    rows = (await tx.execute(found.order_by(MATTER.c.change_xid, MATTER.c.case_id).limit(most))).mappings().all()
    cursors = {row["case_id"]: (int(row["change_xid"]), row["case_id"]) for row in rows}
    return [(cursors[case.case_id], case) for case in await _with_clocks(tx, rows)]


async def _with_clocks(tx: Transaction, rows: Sequence[Row]) -> list[Case]:
    clocks = await load_clocks(tx, [row["case_id"] for row in rows]) if rows else {}
    return [_case(row, clocks.get(row["case_id"], ())) for row in rows]


def _case(row: Row, clocks: tuple[Clock, ...]) -> Case:
    channel = row["channel"]
    return Case(
        case_id=row["case_id"],
        thread_key=row["thread_key"] or row["case_id"],
        origin=_ORIGINS[row["origin"]],
        state=_STATES[row["state"]],
        source=row["source"],
        thread_id=row["thread_id"],
        customer_id=row["customer_id"],
        channel=_CHANNELS[channel] if channel else None,
        org_unit=row["org_unit"],
        touchpoint_id=row["touchpoint_id"],
        topics=tuple(row["topics"]),
        segments=tuple(row["segments"]),
        severity=_SEVERITIES[row["severity"]],
        tags=tuple(row["tags"]),
        team=row["team"],
        person=row["person"],
        opened_time=row["opened_time"],
        clocks=clocks,
        answered_time=row["answered_time"],
        resolved_time=row["resolved_time"],
        closed_time=row["closed_time"],
        acknowledged_by=row["acknowledged_by"],
        acknowledged_time=row["acknowledged_time"],
        version=row["version"],
    )
