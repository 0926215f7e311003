"""Take in touchpoints as they arrive: most of them concern nobody here, and cost next to nothing."""

import datetime as dt

from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit.bus import Batch
from sori_kit.database import Database
from sori_notify import store
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
        await follow(tx, fresh, house.policies, settle=house.settle, now=now)
        await apply_rules(tx, fresh, house, also_kept=automations.awaited, now=now)
        await trigger(tx, fresh, automations)
        await store.count_touchpoints(tx, len(fresh))
