"""Reading timelines, and letting go what is too old."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace

import structlog

from sori_journey import domain
from sori_journey.store import graph, timeline
from sori_journey.usecases.graph import SOURCE, announcements, bequeath, settle
from sori_journey.usecases.identity import find
from sori_kit import outbox
from sori_kit.database import Database

log = structlog.get_logger()

_AT_ONCE = 2_000  # touchpoints let go in one transaction


async def get_timeline(
    db: Database,
    customer_id: uuid.UUID,
    wanted: domain.TimelineFilter,
    *,
    before: tuple[dt.datetime, uuid.UUID] | None,
    most: int,
) -> list[timeline.Entry]:
    """Give up to `most` entries of a customer's timeline older than `before`, newest first."""
    async with db.reading() as tx:
        entries = await timeline.page(tx, customer_id, wanted, before=before, most=most)
        if not entries:  # Nothing is left under the id of who was merged.
            remains = await find(tx, customer_id)
            if remains != customer_id:
                entries = await timeline.page(tx, remains, wanted, before=before, most=most)
        return entries


async def watch_timeline(
    db: Database, customer_id: uuid.UUID, *, after: int | None, every_seconds: float
) -> AsyncIterator[timeline.Entry]:
    """Follow a customer's arrivals after number `after`, or from now on when it is None."""
    while True:
        async with db.transaction() as tx:
            found = await find(tx, customer_id)
            if after is None:
                after = await timeline.last_arrival(tx, found)
            entries = await timeline.arrivals(tx, found, after=after, most=100)
        for entry in entries:
            after = entry.arrival
            yield entry
        if not entries:
            await asyncio.sleep(every_seconds)


async def retain(
    db: Database, periods: Mapping[str, dt.timedelta], policy: domain.IdentityPolicy, *, now: dt.datetime
) -> bool:
    """Let go touchpoints that are older than their channel's period; says whether more may be waiting."""
    if not periods:
        return False
    async with db.transaction() as tx:
        held = await graph.hold(tx)
        count, touched = await timeline.remove_expired(
            tx, {channel: now - period for channel, period in periods.items()}, most=_AT_ONCE
        )
        if not count:
            return False
        left = await timeline.earliest_others(tx, touched, ())
        before = await graph.load(tx, (), pattern_ids=list(touched))
        patterns = dict(before.patterns)
        for pattern_id, (time, first_id) in left.items():
            pattern = patterns.get(pattern_id)
            if pattern is not None:
                first = domain.Evidence(touchpoint_id=first_id, time=time, source=pattern.first.source)
                patterns[pattern_id] = replace(pattern, first=first)
        gone = dict.fromkeys(each for each in touched if each not in left and each in patterns)
        heirs = bequeath(before, patterns, gone)
        settled = await settle(tx, held, before, patterns, policy, heirs=heirs, now=now)
        await outbox.stage(tx, announcements(settled, now=now), source=SOURCE)
    log.info("touchpoints.expired", count=count)
    return count == _AT_ONCE
