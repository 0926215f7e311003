"""Clocks of cases."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sori_kit.database import Transaction
from sori_notify.domain import Case, Clock, ClockState, Metric, Warned
from sori_notify.store.tables import CASE_CLOCK, Row, listed, query, words

Which = tuple[uuid.UUID, Metric, int]

_ORDER = {metric: number for number, metric in enumerate(Metric)}
_METRICS, _STATES = words(Metric), words(ClockState)
_LOAD = query(CASE_CLOCK, "case_id = any($1)")
_DELETE = """
    delete from case_clock using unnest($1::uuid[], $2::text[], $3::int[]) as gone (case_id, metric, instance)
    where case_clock.case_id = gone.case_id and case_clock.metric = gone.metric
        and case_clock.instance = gone.instance"""
_INSERT = """
    insert into case_clock (case_id, metric, instance, state, due_time, used, warnings, breach_time, fulfilled_time,
        declared, policy, promise_version, start_time, target)
    select * from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::interval[],
        $7::jsonb[], $8::timestamptz[], $9::timestamptz[], $10::boolean[], $11::text[], $12::text[],
        $13::timestamptz[], $14::interval[])"""
_UPDATE = """
    update case_clock set state = new.state, due_time = new.due_time, used = new.used, warnings = new.warnings,
        breach_time = new.breach_time, fulfilled_time = new.fulfilled_time, declared = new.declared
    from unnest($1::uuid[], $2::text[], $3::int[], $4::text[], $5::timestamptz[], $6::interval[], $7::jsonb[],
        $8::timestamptz[], $9::timestamptz[], $10::boolean[])
        as new (case_id, metric, instance, state, due_time, used, warnings, breach_time, fulfilled_time, declared)
    where case_clock.case_id = new.case_id and case_clock.metric = new.metric
        and case_clock.instance = new.instance"""


async def load_clocks(tx: Transaction, case_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, tuple[Clock, ...]]:
    """Load the clocks of cases, in order."""
    found: defaultdict[uuid.UUID, list[Clock]] = defaultdict(list)
    for row in await tx.fetch(_LOAD, list(case_ids)):
        found[row["case_id"]].append(_clock(row))
    return {case_id: _in_order(clocks) for case_id, clocks in found.items()}


def _in_order(clocks: list[Clock]) -> tuple[Clock, ...]:
    if len(clocks) > 1:
        clocks.sort(key=lambda each: (_ORDER[each.metric], each.instance))
    return tuple(clocks)


async def save_clocks(tx: Transaction, cases: Sequence[Case], before: Sequence[Case]) -> None:
    """Write what became of the clocks of cases that are held; `before` is what was kept of them."""
    known = {(each.case_id, clock.metric, clock.instance): clock for each in before for clock in each.clocks}
    now = {(each.case_id, clock.metric, clock.instance): clock for each in cases for clock in each.clocks}
    saved = {each.case_id for each in cases}
    begun, moved = dict[Which, Clock](), dict[Which, Clock]()
    for which, clock in now.items():
        old = known.get(which)
        if old is None or _terms(old) != _terms(clock):
            begun[which] = clock
        elif old != clock:
            moved[which] = clock
    if gone := [each for each in known if each[0] in saved and (each not in now or each in begun)]:
        await tx.fetch(_DELETE, *_which(gone))
    if begun:
        terms = zip(*map(_terms, begun.values()), strict=True)
        await tx.fetch(_INSERT, *_which(begun), *_course(begun.values()), *map(list, terms))
    if moved:
        await tx.fetch(_UPDATE, *_which(moved), *_course(moved.values()))


def _terms(clock: Clock) -> tuple[str, str, dt.datetime, dt.timedelta]:
    """Give what stays with a clock while it runs."""
    return clock.policy, clock.version, clock.start_time, clock.target


def _which(given: Collection[Which]) -> tuple[list[uuid.UUID], list[str], list[int]]:
    return (
        [case_id for case_id, _, _ in given],
        [metric for _, metric, _ in given],
        [instance for _, _, instance in given],
    )


def _course(clocks: Collection[Clock]) -> tuple[list[Any], ...]:
    """Give what changes while clocks run, column by column."""
    return (
        [each.state for each in clocks],
        [each.due_time for each in clocks],
        [each.used for each in clocks],
        [listed([[warned.percent, warned.time.isoformat()] for warned in each.warnings]) for each in clocks],
        [each.breach_time for each in clocks],
        [each.fulfilled_time for each in clocks],
        [each.declared for each in clocks],
    )


def _clock(row: Row) -> Clock:
    return Clock(
        metric=_METRICS[row["metric"]],
        instance=row["instance"],
        policy=row["policy"],
        version=row["promise_version"],
        state=_STATES[row["state"]],
        start_time=row["start_time"],
        due_time=row["due_time"],
        target=row["target"],
        used=row["used"],
        warnings=tuple(
            Warned(percent=percent, time=dt.datetime.fromisoformat(time)) for percent, time in row["warnings"]
        ),
        breach_time=row["breach_time"],
        fulfilled_time=row["fulfilled_time"],
        declared=row["declared"],
    )
