"""Send alerts until they are taken."""

import asyncio
import datetime as dt
from collections.abc import Callable

import structlog
from google.protobuf.message import Message

from sori_kit import ids, outbox
from sori_kit.clock import Clock
from sori_kit.database import Database
from sori_kit.envelope import Event
from sori_notify import domain, store, wire
from sori_notify.deliveries import SignedWebhook
from sori_notify.usecases.turns import SOURCE

log = structlog.get_logger()


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
