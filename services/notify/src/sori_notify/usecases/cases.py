"""What people read of cases and do to them."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from sori_kit import ids
from sori_kit.database import Database, Transaction
from sori_kit.errors import Conflict, NotFound, Unavailable
from sori_notify import domain, store
from sori_notify.domain import Act, ActKind
from sori_notify.usecases.stops import stop
from sori_notify.usecases.turns import apply

_WATCH_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Particulars:
    """One case with everything that is known of it."""

    case: domain.Case
    messages: list[domain.Message]
    acts: list[Act]
    learnt: domain.Playbook | None  # from the last crisis about one of its topics, for one that is as severe


async def list_cases(
    db: Database, wanted: store.Wanted, *, before: tuple[dt.datetime, uuid.UUID] | None, most: int
) -> list[domain.Case]:
    """Give up to `most` cases older than `before`, newest first."""
    async with db.transaction() as tx:
        return await store.page(tx, wanted, before=before, most=most)


async def get_case(
    db: Database, case_id: uuid.UUID, origins: Collection[domain.Origin], *, now: dt.datetime
) -> Particulars:
    """Give a case with its clocks as they stand at `now`; one that is not to be seen is NotFound."""
    async with db.transaction() as tx:
        dossier, kept = await _held(tx, case_id, origins)
        told = domain.tell(dossier.messages, dossier.acts, now=now, key=dossier.key)
        case = next((each for each in told if each.case_id == case_id), kept)
        shown = domain.recorded(case, kept)
        learnt = await _learnt(tx, shown)
    return Particulars(
        case=shown,
        messages=sorted(dossier.messages, key=lambda each: (each.occurred_time, each.touchpoint_id)),
        acts=sorted((each for each in dossier.acts if each.case_id == case_id), key=lambda each: each.time),
        learnt=learnt,
    )


async def _learnt(tx: Transaction, case: domain.Case) -> domain.Playbook | None:
    if case.severity not in domain.CRISES or case.origin is not domain.Origin.CUSTOMER:
        return None
    key = await store.last_crisis(tx, case)
    if key is None:
        return None
    past = (await store.load(tx, [key]))[key]
    over = [each for each in past.cases if each.resolved_time and each.severity in domain.CRISES]
    latest = max(over, key=lambda each: each.opened_time, default=None)
    return domain.learnt(latest, past.messages, past.acts) if latest else None


async def begin_watch(db: Database) -> tuple[int, uuid.UUID]:
    """Give the cursor after which everything is yet to change."""
    async with db.transaction() as tx:
        return await store.horizon(tx) - 1, uuid.UUID(int=(1 << 128) - 1)


async def changed_cases(
    db: Database, wanted: store.Wanted, *, after: tuple[int, uuid.UUID], most: int
) -> list[tuple[tuple[int, uuid.UUID], domain.Case]]:
    """Give up to `most` cases that changed after a cursor, in order, each with the cursor after it."""
    async with db.transaction() as tx:
        return await store.changed(tx, wanted, after=after, most=most)


async def watch_cases(
    db: Database, wanted: store.Wanted, *, after: tuple[int, uuid.UUID], every_seconds: float, stopping: asyncio.Event
) -> AsyncIterator[tuple[tuple[int, uuid.UUID], domain.Case]]:
    """Follow cases after a cursor; ends as Unavailable when the process is `stopping`."""
    while not stopping.is_set():
        found = await changed_cases(db, wanted, after=after, most=_WATCH_BATCH)
        for after, case in found:
            yield after, case
        if len(found) < _WATCH_BATCH:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), every_seconds)
    raise Unavailable("this process is going away: follow on elsewhere with the last resume_token")


async def act_on_case(
    db: Database,
    case_id: uuid.UUID,
    origins: Collection[domain.Origin],
    kind: ActKind,
    *,
    by: str,
    now: dt.datetime,
    team: str = "",
    person: str = "",
    severity: domain.Severity | None = None,
    tags: tuple[str, ...] = (),
) -> domain.Case:
    """Note what somebody did to a case; what changes nothing is not noted, what its state forbids is a Conflict."""
    async with db.transaction() as tx:
        dossier, case = await _held(tx, case_id, origins)
        _permit(case, kind)
        act = Act(
            act_id=ids.derive("act", str(case_id), kind, by, now.isoformat(), str(len(dossier.acts))),
            case_id=case_id,
            kind=kind,
            time=now,
            actor=by,
            team=team,
            person=person,
            severity=severity,
            tags=tags,
        )
        case = await act_with(tx, dossier, case, act, now=now)
        if kind is ActKind.ACKNOWLEDGE:  # A chain may have started after somebody took the case for the first time.
            await stop(tx, {case_id: by}, now=now)
        return case


async def act_with(
    tx: Transaction, dossier: domain.Dossier, case: domain.Case, act: Act, *, now: dt.datetime
) -> domain.Case:
    """Note an act on a case of a dossier that is held, unless it changes nothing; gives the case afterwards."""
    changed = domain.Dossier(
        key=dossier.key,
        cases=dossier.cases,
        deadlines=dossier.deadlines,
        messages=dossier.messages,
        acts=[*dossier.acts, act],
    )
    verdicts = domain.review(changed, history=False, now=now, settle=dt.timedelta())
    after = next(each.case for each in verdicts if each.case.case_id == case.case_id)
    if after == case:
        return case
    await store.add_acts(tx, [act])
    await apply(tx, [dossier], verdicts, {}, now=now)
    return after


def _permit(case: domain.Case, kind: ActKind) -> None:
    if kind in (ActKind.ACKNOWLEDGE, ActKind.SET_PENDING, ActKind.SET_ON_HOLD, ActKind.RESUME) and case.is_done:
        raise Conflict(f"case {case.case_id} is {case.state}")
    if kind is ActKind.REOPEN and not case.is_done and case.state is not domain.CaseState.REOPENED:
        raise Conflict(f"case {case.case_id} is {case.state}")


async def _held(
    tx: Transaction, case_id: uuid.UUID, origins: Collection[domain.Origin]
) -> tuple[domain.Dossier, domain.Case]:
    key = await store.key_of(tx, case_id)
    if key is not None:
        await store.hold(tx, [key])
        dossier = (await store.load(tx, [key]))[key]
        case = dossier.case(case_id)
        if case is not None and case.origin in origins:
            return dossier, case
    raise NotFound(f"case {case_id} is not known")  # Not to be seen is not to be known.


async def get_tally(db: Database, *, now: dt.datetime) -> store.Tally:
    """Count everything."""
    async with db.transaction() as tx:
        return await store.tally(tx, now=now)
