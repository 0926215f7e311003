"""Lease what falls due soon, and declare what fell due."""

import datetime as dt
from collections.abc import Sequence

import structlog
from prometheus_client import Histogram

from sori_kit.database import Database
from sori_notify import domain, store, wire
from sori_notify.domain.agenda import Entry
from sori_notify.usecases.turns import apply

log = structlog.get_logger()

LATENESS = Histogram(
    "sori_notify_deadline_late_seconds",
    "How long after its time a deadline fired.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 60, 600, 3600),
)
MOST_FIRED = 500  # deadlines fired in one transaction
MOST_LEASED = 5_000  # deadlines leased in one transaction


async def lease_deadlines(db: Database, *, now: dt.datetime, horizon: dt.timedelta, grace: dt.timedelta) -> list[Entry]:
    """Take on what falls due within the horizon, and what others took and did not fire within the grace."""
    async with db.transaction() as tx:
        return await store.lease_deadlines(
            tx, by=db.process, now=now, until=now + horizon, grace=grace, most=MOST_LEASED
        )


async def fire_deadlines(db: Database, entries: Sequence[Entry], *, now: dt.datetime) -> list[Entry]:
    """Declare the breaches and warnings of deadlines that were leased, each once; gives those to be tried again.

    A deadline that was written anew or taken by somebody else since is not this replica's any more.
    """
    async with db.transaction() as tx:
        keys = await store.keys_of(tx, [each.case_id for each in entries])
        held = await store.try_hold(tx, set(keys.values()))
        mine = [each for each in entries if keys.get(each.case_id) in held]
        due = await store.fire_deadlines(tx, mine, now=now)
        dossiers = await store.load(tx, {keys[case_id] for case_id in due})
        verdicts = [verdict for dossier in dossiers.values() for verdict in domain.expire(dossier, set(due), now=now)]
        await apply(tx, list(dossiers.values()), verdicts, {}, now=now)
        await store.add_alerts(tx, [alert for verdict in verdicts for alert in _alerts(verdict)], now=now)
    for fire_time in due.values():
        LATENESS.observe((now - fire_time).total_seconds())
    if due:
        latest = max((now - fire_time).total_seconds() for fire_time in due.values())
        count = sum(len(each.breached) for each in verdicts)
        log.info("deadlines.fired", count=len(due), breached=count, late_seconds=round(latest, 3))
    return [each for each in entries if each.case_id in keys and keys[each.case_id] not in held]


def _alerts(verdict: domain.Verdict) -> list[domain.Alert]:
    found = [wire.alert(verdict.case, clock) for clock in verdict.breached]
    latest = dict(verdict.warned)  # Of shares that passed while nobody looked only the last is news.
    return found + [wire.alert(verdict.case, clock, percent=percent) for clock, percent in latest.items()]


async def declare_breaches(db: Database, *, now: dt.datetime) -> bool:
    """Fire whatever is due and free at once, as the net beneath the agenda; says whether more may be waiting."""
    leased = await lease_deadlines(db, now=now, horizon=dt.timedelta(), grace=dt.timedelta(seconds=2))
    for first in range(0, len(leased), MOST_FIRED):
        await fire_deadlines(db, leased[first : first + MOST_FIRED], now=now)
    return len(leased) == MOST_LEASED
