"""One function per thing that notify can be asked to do."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import structlog
from google.protobuf.message import Message

from sori.ee_feedback.v1.voice_events_pb2 import VoiceFlagged
from sori.journey.v1.customer_events_pb2 import CustomerMerged
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import ids, outbox
from sori_kit.bus import Batch
from sori_kit.clock import Clock
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Event
from sori_kit.errors import Conflict, NotFound
from sori_notify import domain, store, wire
from sori_notify.deliveries import SignedWebhook

log = structlog.get_logger()

SOURCE = "sori/notify"
_MOST_DUE = 500  # deadlines declared in one transaction


async def follow(
    db: Database,
    batch: Batch[TouchpointStitched],
    policies: domain.Policies,
    *,
    settle: dt.timedelta,
    now: dt.datetime,
) -> None:
    """Take a batch of touchpoints into the cases that they open, answer or resolve."""
    async with db.handling(batch) as (tx, fresh):
        messages: dict[uuid.UUID, domain.Message] = {}
        causes: dict[uuid.UUID, Event[Message]] = {}
        for event in fresh:
            message = wire.message(event.message, policies)
            if message is not None:
                causes[message.case_id] = event
                known = messages.get(message.touchpoint_id)
                if known is None or known.revision < message.revision:
                    messages[message.touchpoint_id] = message
        if messages:
            await _take_in(tx, list(messages.values()), causes, settle=settle, now=now)
        if len(fresh):
            await store.count_touchpoints(tx, len(fresh))


async def _take_in(
    tx: Transaction,
    messages: Sequence[domain.Message],
    causes: Mapping[uuid.UUID, Event[Message]],
    *,
    settle: dt.timedelta,
    now: dt.datetime,
) -> None:
    touched = {each.case_id for each in messages}
    edited = [each.touchpoint_id for each in messages if each.revision]
    if edited:  # An edit may have moved a touchpoint to another thread.
        touched.update(await store.cases_of(tx, edited))
    await store.hold(tx, touched)
    await store.add_messages(tx, messages)
    dossiers = await store.load(tx, touched)
    old = {each.case_id for each in messages if each.occurred_time < now - settle}
    verdicts = {
        case_id: verdict
        for case_id, dossier in dossiers.items()
        if (verdict := domain.review(dossier, history=case_id in old, now=now, settle=settle))
    }
    await _apply(tx, dossiers, verdicts, causes, now=now)


async def _apply(
    tx: Transaction,
    dossiers: Mapping[uuid.UUID, domain.Dossier],
    verdicts: Mapping[uuid.UUID, domain.Verdict],
    causes: Mapping[uuid.UUID, Event[Message]],
    *,
    now: dt.datetime,
) -> None:
    """Write what differs, and announce what has to be announced."""
    await store.save(
        tx,
        [each.case for case_id, each in verdicts.items() if each.case != dossiers[case_id].case],
        [
            each.deadline
            for case_id, each in verdicts.items()
            if each.deadline and each.deadline != dossiers[case_id].deadline
        ],
    )
    await _announce(tx, [(each.case, each.changes) for each in verdicts.values() if each.changes], causes, now=now)


async def _announce(
    tx: Transaction,
    turns: Sequence[tuple[domain.Case, Sequence[domain.Change]]],
    causes: Mapping[uuid.UUID, Event[Message]],
    *,
    now: dt.datetime,
) -> None:
    cases = await store.repointed(tx, [case for case, _ in turns])
    await outbox.stage(
        tx,
        [
            Event.new(
                wire.case_changed(change, case),
                event_id=str(_event_id(change, case)),
                entity_id=str(case.case_id),
                time=now,
                cause=causes.get(case.case_id),
            )
            for case, (_, changes) in zip(cases, turns, strict=True)
            for change in changes
        ],
        source=SOURCE,
    )


def _event_id(change: domain.Change, case: domain.Case) -> uuid.UUID:
    once = change in (domain.Change.OPENED, domain.Change.ACKNOWLEDGED)
    return ids.derive(f"case.{change}", str(case.case_id), *([] if once else [str(case.version)]))


async def raise_flag(db: Database, batch: Batch[VoiceFlagged], *, now: dt.datetime) -> None:
    """Open a case for each flagged voice of an employee; nothing in it leads to the voice or its author."""
    async with db.handling(batch) as (tx, fresh):
        flags = [(event, wire.flag(event.message)) for event in fresh]
        opened = await store.add_cases(tx, [case for _, case in flags])
        await _announce(
            tx,
            [(case, [domain.Change.OPENED]) for _, case in flags if case.case_id in opened],
            {case.case_id: event for event, case in flags},
            now=now,
        )


async def merge(db: Database, batch: Batch[CustomerMerged]) -> None:
    """Let the cases of merged customers, those to come too, belong to the ones that remain."""
    async with db.handling(batch) as (tx, fresh):
        if len(fresh):
            await store.add_merges(tx, [wire.merge(event.message) for event in fresh])


async def declare_breaches(db: Database, *, now: dt.datetime) -> bool:
    """Declare the breaches whose time has come, each once; says whether more may be waiting."""
    async with db.transaction() as tx:
        held = await store.hold_due(tx, now=now, most=_MOST_DUE)
        if not held:
            return False
        dossiers = {
            case_id: dossier
            for case_id, dossier in (await store.load(tx, held)).items()
            if _is_due(dossier.deadline, now)  # Another replica may have been faster.
        }
        verdicts = {
            case_id: verdict for case_id, dossier in dossiers.items() if (verdict := domain.expire(dossier, now=now))
        }
        await _apply(tx, dossiers, verdicts, {}, now=now)
        breached = [each.case for each in verdicts.values() if domain.Change.BREACHED in each.changes]
        await store.add_alerts(tx, [wire.alert(case) for case in breached], now=now)
    for case in breached:
        log.info("case.breached", case_id=str(case.case_id), policy=case.clock and case.clock.policy)
    return len(held) == _MOST_DUE


def _is_due(deadline: domain.Deadline | None, now: dt.datetime) -> bool:
    return deadline is not None and deadline.state is domain.DeadlineState.ARMED and deadline.fire_time < now


async def deliver_alerts(
    db: Database,
    webhook: SignedWebhook,
    clock: Clock,
    *,
    at_once: int,
    lease: dt.timedelta,
    first_retry: dt.timedelta,
    attempts: int,
    draw: Callable[[], float],
) -> bool:
    """Send the alerts whose time has come, `at_once` side by side; says whether more may be waiting."""
    now = clock.now()
    async with db.transaction() as tx:
        claimed = await store.claim_alerts(tx, now=now, until=now + lease, most=at_once)

    async def deliver(alert: domain.Alert) -> None:
        if await webhook.send(alert, now=clock.now()):
            await _sent(db, alert, target=webhook.name, now=clock.now())
        else:
            delay = domain.retry_delay(alert.attempts, first=first_retry, draw=draw())
            await _unsent(db, alert, clock.now() + delay if alert.attempts < attempts else None)

    await asyncio.gather(*map(deliver, claimed))
    return len(claimed) == at_once


async def _sent(db: Database, alert: domain.Alert, *, target: str, now: dt.datetime) -> None:
    async with db.transaction() as tx:
        if await store.mark_sent(tx, alert.alert_id, now=now):
            event: Event[Message] = Event.new(
                wire.alert_sent(alert, target=target, now=now),
                event_id=str(ids.derive("alert.sent", str(alert.alert_id))),
                entity_id=str(alert.alert_id),
                time=now,
            )
            await outbox.stage(tx, [event], source=SOURCE)


async def _unsent(db: Database, alert: domain.Alert, next_attempt_time: dt.datetime | None) -> None:
    async with db.transaction() as tx:
        first = await store.mark_unsent(tx, alert, next_attempt_time=next_attempt_time)
    if first and next_attempt_time is None:
        log.error("alert.failed", alert_id=str(alert.alert_id), case_id=str(alert.case_id), attempts=alert.attempts)


async def list_cases(
    db: Database,
    origins: Collection[domain.Origin],
    *,
    state: domain.CaseState | None,
    clock_state: domain.ClockState | None,
    org_unit: str,
    before: tuple[dt.datetime, uuid.UUID] | None,
    most: int,
) -> list[domain.Case]:
    """Give up to `most` cases of these origins older than `before`, newest first."""
    async with db.transaction() as tx:
        found = await store.page(
            tx, origins, state=state, clock_state=clock_state, org_unit=org_unit, before=before, most=most
        )
        return await store.repointed(tx, found)


async def acknowledge_case(
    db: Database, case_id: uuid.UUID, origins: Collection[domain.Origin], *, by: str, now: dt.datetime
) -> domain.Case:
    """Note who took a case; the first one stays, and a resolved case is a Conflict."""
    async with db.transaction() as tx:
        dossier, case = await _held(tx, case_id, origins)
        if case.resolved_time is not None:
            raise Conflict(f"case {case_id} is resolved")
        if case.acts.acknowledged_time is None:
            case = await _act(tx, dossier, case, replace(case.acts, acknowledged_by=by, acknowledged_time=now), now=now)
        return (await store.repointed(tx, [case]))[0]


async def resolve_case(
    db: Database, case_id: uuid.UUID, origins: Collection[domain.Origin], *, by: str, now: dt.datetime
) -> domain.Case:
    """Note that a case is done; one that is done already stays as it is."""
    async with db.transaction() as tx:
        dossier, case = await _held(tx, case_id, origins)
        if case.resolved_time is None:
            case = await _act(tx, dossier, case, replace(case.acts, closed_by=by, closed_time=now), now=now)
        return (await store.repointed(tx, [case]))[0]


async def _held(
    tx: Transaction, case_id: uuid.UUID, origins: Collection[domain.Origin]
) -> tuple[domain.Dossier, domain.Case]:
    await store.hold(tx, [case_id])
    dossier = (await store.load(tx, [case_id]))[case_id]
    if dossier.case is None or dossier.case.origin not in origins:  # Not to be seen is not to be known.
        raise NotFound(f"case {case_id} is not known")
    return dossier, dossier.case


async def _act(
    tx: Transaction, dossier: domain.Dossier, case: domain.Case, acts: domain.Acts, *, now: dt.datetime
) -> domain.Case:
    verdict = domain.act(dossier, case, acts)
    await _apply(tx, {case.case_id: dossier}, {case.case_id: verdict}, {}, now=now)
    return verdict.case


async def get_tally(db: Database, *, now: dt.datetime) -> store.Tally:
    """Count everything."""
    async with db.transaction() as tx:
        return await store.tally(tx, now=now)
