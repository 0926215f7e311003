"""One function per thing that insight can be asked to do."""

import asyncio
import contextlib
import functools
import uuid
from collections.abc import AsyncIterator
from typing import TypeVar
from zoneinfo import ZoneInfo

from sori.ee_feedback.v1.pulse_events_pb2 import PulseReleased
from sori.ee_feedback.v1.voice_events_pb2 import VoiceReleased
from sori.journey.v1.customer_events_pb2 import CustomerMerged
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1.alert_events_pb2 import AlertSent
from sori_insight import domain, wire
from sori_insight.store import customers, feed, figures
from sori_insight.store.arrivals import Arrivals
from sori_kit.bus import Batch
from sori_kit.database import Database
from sori_kit.errors import Unavailable

C = TypeVar("C", bound=wire.CaseEvent)

_WATCH_BATCH = 200  # lines read at a time for one follower


async def add_touchpoints(db: Database, batch: Batch[TouchpointStitched], *, zone: ZoneInfo) -> None:
    """Put touchpoints on the feed; a higher revision takes the place of the one that is there."""
    async with db.handling(batch) as (tx, fresh):
        await feed.add_touchpoints(tx, [wire.touchpoint_line(event, zone) for event in fresh])


async def merge_customers(db: Database, batch: Batch[CustomerMerged]) -> None:
    """Show what belonged to merged customers under those who remain."""
    async with db.handling(batch) as (tx, fresh):
        await customers.merge(tx, [wire.merge(event) for event in fresh])


async def add_cases(db: Database, batch: Batch[C], change: domain.Change, *, zone: ZoneInfo) -> None:
    """Put turns of cases on the feed, and keep how each case stands."""
    async with db.handling(batch) as (tx, fresh):
        await figures.keep_cases(tx, [wire.case_version(event, zone) for event in fresh])
        await feed.add(tx, [wire.case_line(event, change, zone) for event in fresh])


async def add_alerts(db: Database, batch: Batch[AlertSent], *, zone: ZoneInfo) -> None:
    """Put alerts on the feed."""
    async with db.handling(batch) as (tx, fresh):
        await feed.add(tx, [wire.alert_line(event, zone) for event in fresh])


async def add_voices(db: Database, batch: Batch[VoiceReleased], *, zone: ZoneInfo) -> None:
    """Put released voices on the feed."""
    async with db.handling(batch) as (tx, fresh):
        await feed.add(tx, [wire.voice_line(event, zone) for event in fresh])


async def add_pulses(db: Database, batch: Batch[PulseReleased]) -> None:
    """Keep released eNPS results; they have no line on the feed."""
    async with db.handling(batch) as (tx, fresh):
        await figures.keep_pulses(tx, [wire.pulse(event) for event in fresh])


async def list_feed(db: Database, wanted: domain.Filter, *, before: int | None, most: int) -> list[feed.Shown]:
    """Give up to `most` lines that arrived before number `before`, latest first."""
    async with db.transaction() as tx:
        return await feed.page(tx, wanted, before=before, most=most)


async def last_arrival(db: Database) -> int:
    """Give the number of the latest arrival: who follows from there sees what comes from now on."""
    async with db.transaction() as tx:
        return await feed.last_arrival(tx)


async def watch_feed(
    db: Database,
    arrivals: Arrivals,
    wanted: domain.Filter,
    *,
    after: int,
    every_seconds: float,
    stopping: asyncio.Event,
) -> AsyncIterator[feed.Shown]:
    """Follow the feed after arrival number `after`; ends as Unavailable when the process is `stopping`."""
    while not stopping.is_set():
        arrived = arrivals.next()
        lines = await arrivals.look(arrived, (wanted, after), functools.partial(_look, db, wanted, after))
        for line in lines:
            after = line.arrival
            yield line
        if len(lines) < _WATCH_BATCH:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), every_seconds)
    raise Unavailable("this process is going away: follow on elsewhere with the last resume_token")


async def _look(db: Database, wanted: domain.Filter, after: int) -> list[feed.Shown]:
    async with db.transaction() as tx:
        return await feed.arrivals(tx, wanted, after=after, most=_WATCH_BATCH)


async def list_scorecards(db: Database, org_unit: str) -> list[domain.Scorecard]:
    """Compute the figures of one shop or team, or of all when it is empty."""
    async with db.transaction() as tx:
        return await figures.scorecards(tx, org_unit)


async def get_tally(db: Database) -> domain.Tally:
    """Count what is on the feed."""
    async with db.transaction() as tx:
        return await figures.tally(tx)


async def list_touchpoint_ids(db: Database, *, after: uuid.UUID | None, most: int) -> list[uuid.UUID]:
    """Give up to `most` ids of touchpoints on the feed above `after`, in their order."""
    async with db.transaction() as tx:
        return await feed.touchpoint_ids(tx, after=after, most=most)
