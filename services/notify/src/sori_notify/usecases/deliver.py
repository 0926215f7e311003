"""Send messages until they are taken: each at least once, each under its own key, no receiver more than it can bear."""

import asyncio
import datetime as dt
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import structlog
from google.protobuf.message import Message
from prometheus_client import Counter

from sori.notify.v1 import alert_events_pb2
from sori_kit import ids, outbox
from sori_kit.clock import Clock
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Event
from sori_notify import domain, store, wire
from sori_notify.deliveries import Outbound, Sender, compose
from sori_notify.deliveries.outbound import gathered
from sori_notify.domain.delivery import Breaker, Delivery, Origin, Target, gather
from sori_notify.domain.words import Severity
from sori_notify.settings.targets import Directory
from sori_notify.store.deliveries import WantedDeliveries
from sori_notify.usecases.turns import SOURCE

log = structlog.get_logger()

OUTCOMES = Counter(
    "sori_notify_deliveries_total", "Attempts to deliver a message, by what became of them.", ["outcome"]
)
_MOST_WAITING = 1000  # messages to one target looked at in one transaction
_MOST_REDELIVERED = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How hard it is tried."""

    at_once: int  # attempts under way at a time for one target
    lease: dt.timedelta
    first_retry: dt.timedelta
    attempts: int
    draw: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A message that this worker has in hand, and what it stands for."""

    delivery: Delivery
    target: Target
    sender: Sender
    members: Sequence[Delivery] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of one attempt."""

    delivery: Delivery
    problem: str  # as a code; empty: it was taken


async def targets_waiting(db: Database, *, now: dt.datetime) -> list[str]:
    """Name the targets for which messages wait whose time has come."""
    async with db.transaction() as tx:
        return await store.deliveries.targets_waiting(tx, now=now)


async def send_to(db: Database, outbound: Outbound, directory: Directory, name: str, clock: Clock, pace: Pace) -> bool:
    """Send a target some of what waits for it; says whether more may be waiting."""
    taken = await _take(db, outbound, directory, name, pace, clock.now())
    under_way = {asyncio.create_task(_attempt(db, each, directory, clock)) for each in taken}
    try:
        while under_way:  # What ends while the others before it are noted is noted together.
            ended, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            outcomes = [outcome for task in ended if (outcome := task.result())]
            await _note(db, name, outcomes, pace, now=clock.now())
    finally:
        for each in under_way:
            each.cancel()
    return bool(taken)


async def _take(
    db: Database, outbound: Outbound, directory: Directory, name: str, pace: Pace, now: dt.datetime
) -> list[_Taken]:
    target, sender = directory.targets.get(name), await outbound.sender(directory, name)
    async with db.transaction() as tx:
        if target is None or sender is None:
            failed = await store.deliveries.fail_deliveries(tx, name, now=now, problem="no_such_target")
            log.error("delivery.failed", target=name, count=failed, problem="no_such_target")
            return []
        if not target.knows_customers:  # Since the file became stricter: without its customer it would reach nobody.
            hidden = await store.deliveries.fail_deliveries(
                tx, name, now=now, problem="customer_hidden", origins=[Origin.AUTOMATION]
            )
            if hidden:
                log.error("delivery.failed", target=name, count=hidden, problem="customer_hidden")
        breaker = await store.deliveries.take_health(tx, name)
        if breaker is None:
            return []
        looked_through = target.digest_above or target.quiet  # Otherwise more than can be sent are read in vain.
        most = _MOST_WAITING if looked_through else pace.at_once
        waiting = await store.deliveries.waiting(tx, name, now=now, most=most)
        waiting = await _awake(tx, target, waiting, now)
        sent = await store.deliveries.count_sent(tx, name, after=now - target.rate.per, now=now)
        sending = gather(target, waiting, sent=sent, allowed=min(breaker.allows(now), pace.at_once))
        until = now + pace.lease
        found = [
            _Taken(delivery=each, target=target, sender=sender) for each in await _leased(tx, sending.single, until)
        ]
        if sending.together:
            made = _digest(target, sending.together, now)
            await store.deliveries.digest(tx, made, [each.delivery_id for each in sending.together], until=until)
            found.append(_Taken(delivery=_counted(made), target=target, sender=sender, members=sending.together))
        return found


async def _awake(tx: Transaction, target: Target, waiting: Sequence[Delivery], now: dt.datetime) -> list[Delivery]:
    """Let what is not critical wait until a target's quiet hours are over."""
    held = [each for each in waiting if target.not_before(each.severity, now) > now]
    if held:
        until = target.not_before(held[0].severity, now)
        await store.deliveries.postpone(tx, [each.delivery_id for each in held], until=until, problem="quiet_hours")
    asleep = {each.delivery_id for each in held}
    return [each for each in waiting if each.delivery_id not in asleep]


async def _leased(tx: Transaction, chosen: Sequence[Delivery], until: dt.datetime) -> list[Delivery]:
    await store.deliveries.lease_deliveries(tx, [each.delivery_id for each in chosen], until=until)
    return [_counted(each) for each in chosen]


def _counted(given: Delivery) -> Delivery:
    return replace(given, attempts=given.attempts + 1)


def _digest(target: Target, members: Sequence[Delivery], now: dt.datetime) -> Delivery:
    said = gathered(members)
    return Delivery(
        delivery_id=ids.derive("digest", *sorted(str(each.delivery_id) for each in members)),
        target=target.name,
        origin=Origin.DIGEST,
        reason="digest",
        severity=Severity(str(said["severity"])),
        values=said,
        created_time=now,
    )


async def _attempt(db: Database, taken: _Taken, directory: Directory, clock: Clock) -> _Outcome | None:
    """Try to deliver a message once; None: there is nothing left to say."""
    delivery, members = taken.delivery, taken.members
    if delivery.origin is Origin.DIGEST:  # Some of what it stands for may have been taken back since.
        async with db.transaction() as tx:
            members = await store.deliveries.members(tx, delivery.delivery_id)
            if not members:
                await store.deliveries.drop_delivery(tx, delivery.delivery_id)
                return None
    message = compose(directory, taken.target, delivery, members)
    return _Outcome(delivery=delivery, problem=await taken.sender.deliver(message, now=clock.now()))


async def _note(db: Database, target: str, outcomes: Sequence[_Outcome], pace: Pace, *, now: dt.datetime) -> None:
    """Note what became of attempts, and say of alerts that they were sent."""
    async with db.transaction() as tx:
        await _feel(tx, target, [bool(each.problem) for each in outcomes], now)
        sent = [each.delivery for each in outcomes if not each.problem]
        fresh = await store.deliveries.mark_delivered(tx, [each.delivery_id for each in sent], now=now)
        OUTCOMES.labels("sent").inc(len(fresh))
        told = [
            each
            for each in sent
            if each.delivery_id in fresh and each.case_id is not None and each.origin is not Origin.AUTOMATION
        ]
        await outbox.stage(tx, [_sent(each, now) for each in told], source=SOURCE)
        for each in outcomes:
            if each.problem:
                await _note_failure(tx, each.delivery, each.problem, pace, now)


async def _feel(tx: Transaction, target: str, failed: Sequence[bool], now: dt.datetime) -> None:
    """Note how a target fares; nobody waits for its row while all goes well."""
    before = await store.deliveries.health(tx, target)
    if before == Breaker() and not any(failed):
        return
    before = after = await store.deliveries.hold_health(tx, target)
    for each in failed:
        after = after.failed(now) if each else after.succeeded()
    if after != before:
        await store.deliveries.save_health(tx, target, after)


async def _note_failure(tx: Transaction, delivery: Delivery, problem: str, pace: Pace, now: dt.datetime) -> None:
    delay = domain.retry_delay(delivery.attempts, first=pace.first_retry, draw=pace.draw())
    again = now + delay if delivery.attempts < pace.attempts else None
    mine = await store.deliveries.mark_undelivered(tx, delivery, next_attempt_time=again, problem=problem)
    OUTCOMES.labels("retried" if again else "failed").inc()
    if mine and again is None:
        log.error("delivery.failed", delivery_id=str(delivery.delivery_id), target=delivery.target)
    log.warning("delivery.refused", delivery_id=str(delivery.delivery_id), target=delivery.target, problem=problem)


def _sent(delivery: Delivery, now: dt.datetime) -> Event[Message]:
    said = alert_events_pb2.AlertSent(
        alert_id=str(delivery.delivery_id),
        case_id=str(delivery.case_id),
        reason=delivery.reason,
        target=delivery.target,
        org_unit=delivery.org_unit,
        sent_time=wire.timestamp(now),
        attempt_count=delivery.attempts,
    )
    event_id = str(ids.derive("alert.sent", str(delivery.delivery_id)))
    return Event.new(said, event_id=event_id, entity_id=str(delivery.delivery_id), time=now)


async def list_deliveries(
    db: Database, wanted: WantedDeliveries, *, before: tuple[dt.datetime, uuid.UUID] | None, most: int
) -> list[Delivery]:
    """Give up to `most` messages older than `before`, newest first."""
    async with db.transaction() as tx:
        return await store.deliveries.page_deliveries(tx, wanted, before=before, most=most)


async def redeliver(
    db: Database, wanted: WantedDeliveries, delivery_ids: Sequence[uuid.UUID], *, now: dt.datetime
) -> int:
    """Put failed messages back in line under the ids that they have; gives how many."""
    async with db.transaction() as tx:
        return await store.deliveries.redeliver(tx, wanted, delivery_ids, now=now, most=_MOST_REDELIVERED)
