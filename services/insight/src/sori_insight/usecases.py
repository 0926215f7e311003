"""One function per thing that insight can be asked to do."""

import asyncio
import contextlib
import functools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import TypeVar
from zoneinfo import ZoneInfo

import structlog

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.ee_feedback.v1.pulse_events_pb2 import PulseReleased
from sori.ee_feedback.v1.voice_events_pb2 import VoiceReleased
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1.alert_events_pb2 import AlertSent
from sori_insight import domain, wire
from sori_insight.store import corrections, customers, erasures, feed, figures
from sori_insight.store.arrivals import Arrivals
from sori_kit.bus import Batch
from sori_kit.database import Database, Transaction
from sori_kit.errors import Unavailable

log = structlog.get_logger()
C = TypeVar("C", bound=wire.CaseEvent)

_WATCH_BATCH = 200  # lines read at a time for one follower


async def add_touchpoints(db: Database, batch: Batch[TouchpointStitched], *, zone: ZoneInfo) -> None:
    """Put touchpoints on the feed; a higher revision takes the place of the one that is there.

    One that comes again changes nothing, by what is on the feed: there is no need to keep what was handled.
    """
    lines = [wire.touchpoint_line(event, zone) for event in batch]
    async with db.transaction() as tx:
        await feed.add_touchpoints(tx, lines)
        await _correct(tx, {each.touchpoint_id for each in lines if each.touchpoint_id})


async def merge_customers(db: Database, batch: Batch[CustomerMerged]) -> None:
    """Show what belonged to merged customers under those who remain."""
    async with db.handling(batch) as (tx, fresh):
        await customers.merge(tx, [wire.merge(event) for event in fresh])


async def split_customers(db: Database, batch: Batch[CustomerSplit]) -> None:
    """Show touchpoints that turned out to be another's under whom they belong to."""
    async with db.handling(batch) as (tx, fresh):
        await customers.split(tx, [wire.split(event) for event in fresh])


async def correct(db: Database, batch: Batch[ClassificationCorrected]) -> None:
    """Show touchpoints as people say they should have been read, and count them so."""
    async with db.handling(batch) as (tx, fresh):
        corrected = [wire.corrected(event) for event in fresh]
        await corrections.keep(tx, corrected)
        await _correct(tx, {each.touchpoint_id for each in corrected})


async def _correct(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> None:
    known = await corrections.of_touchpoints(tx, touchpoint_ids)
    if known:
        contents = await corrections.contents(tx, list(known))
        await corrections.apply(tx, {each: wire.apply(content, known[each]) for each, content in contents.items()})


async def erase(db: Database, batch: Batch[CustomerErased]) -> None:
    """Remove everything of customers, for ever."""
    async with db.handling(batch) as (tx, fresh):
        await erasures.erase(tx, [wire.erased(event) for event in fresh])


async def answer_erasures(db: Database, answer: Callable[[uuid.UUID, int], Awaitable[None]]) -> None:
    """Tell journey of each erasure of which every part is done, until it has heard."""
    async with db.transaction() as tx:
        waiting = await erasures.unanswered(tx)
    for erasure_id, removed in waiting:
        await answer(erasure_id, removed)
        async with db.transaction() as tx:
            await erasures.answered(tx, erasure_id)


async def answer_for_ever(
    db: Database, answer: Callable[[uuid.UUID, int], Awaitable[None]], every_seconds: float
) -> None:
    """Answer erasures until cancelled; who cannot be reached is tried again."""
    while True:
        try:
            await answer_erasures(db, answer)
        except Unavailable as away:
            log.warning("erasures.waiting", reason=str(away))
        await asyncio.sleep(every_seconds)


async def add_cases(db: Database, batch: Batch[C], change: domain.Change, *, zone: ZoneInfo) -> None:
    """Put turns of cases on the feed, and keep how each case stands."""
    async with db.handling(batch) as (tx, fresh):
        await figures.keep_cases(tx, [wire.case_version(event, zone) for event in fresh])
        await feed.add(tx, [line for event in fresh if (line := wire.case_line(event, change, zone))])


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
    async with db.reading() as tx:
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
    async with db.reading() as tx:
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
