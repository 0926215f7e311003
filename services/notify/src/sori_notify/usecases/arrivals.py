"""Take in touchpoints as they arrive: most of them concern nobody here, and cost next to nothing."""

import datetime as dt
import uuid

from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit.bus import Batch
from sori_kit.database import Database, Transaction
from sori_notify import store, wire
from sori_notify.settings.automation import Automations
from sori_notify.usecases.automation import trigger
from sori_notify.usecases.follow import follow
from sori_notify.usecases.rules import House, apply_rules


async def take(
    db: Database, batch: Batch[TouchpointStitched], house: House, automations: Automations, *, now: dt.datetime
) -> None:
    """Take a batch of touchpoints into cases, do what the rules say of them, let messages to customers wait."""
    async with db.handling(batch) as (tx, fresh):
        if not fresh:
            return
        await store.customers.share(tx)
        await follow(tx, fresh, house.policies, settle=house.settle, now=now)
        known = await _without_erased(tx, fresh)
        await apply_rules(tx, known, house, also_kept=automations.awaited, now=now)
        await trigger(tx, known, automations)
        await store.count_touchpoints(tx, len(fresh))


async def _without_erased(tx: Transaction, batch: Batch[TouchpointStitched]) -> Batch[TouchpointStitched]:
    """Leave out what rules must not keep: touchpoints of customers who were erased."""
    whose = [wire.named(each.message) for each in batch]
    erased = await store.erasures.of(tx, set[uuid.UUID]().union(*whose))
    if not erased:
        return batch
    return batch.only({each.event_id for each, ids in zip(batch, whose, strict=True) if erased.isdisjoint(ids)})
