"""Asking about journeys: one customer's stages, everybody's map."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from sori_journey import domain, wire
from sori_journey.model import counting
from sori_journey.store import paths
from sori_journey.usecases.identity import find
from sori_journey.usecases.paths import Rulebook
from sori_kit.database import Database, Transaction

_CUSTOMERS = 10_000  # counted at once, while the next are read


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A customer's way through the stages."""

    customer_id: uuid.UUID
    course: domain.Course


async def get_stage_history(
    db: Database, reference: domain.Reference, rulebook: Rulebook, *, now: dt.datetime
) -> History:
    """Tell a customer's way through the stages, from the timeline as it is."""
    async with db.transaction() as tx:
        customer_id = await find(tx, reference)
        told = await paths.read(tx, [customer_id])
    steps = [wire.step(wire.read_entry(each.entry)) for each in told]
    return History(customer_id=customer_id, course=domain.fold(steps, rulebook.stages, now=now))


async def get_journey_map(
    db: Database, wanted: domain.MapFilter, rulebook: Rulebook, *, now: dt.datetime
) -> tuple[domain.JourneyMap, dict[int, str]]:
    """Count a map; gives the topics' names too."""
    if wanted.segment:
        rulebook.segment(wanted.segment)
    async with db.transaction() as tx:
        count = counting.Count(await _question(tx, wanted, rulebook, now=now))
        counted: asyncio.Future[None] | None = None
        async for portion in _portions(tx, wanted):
            if counted is not None:
                await counted
            counted = asyncio.ensure_future(asyncio.to_thread(count.add, portion))
        if counted is not None:
            await counted
        found = await asyncio.to_thread(count.map)
        topics = {topic for cell in found.cells.values() for topic in cell.topics}
        texts = await paths.texts(tx, (("topic", topic) for topic in topics))
    return found, {number: text for (_, number), text in texts.items()}


async def list_drop_offs(
    db: Database,
    wanted: domain.MapFilter,
    rulebook: Rulebook,
    *,
    stage: int | None,
    channel: int | None,
    before: tuple[dt.datetime, uuid.UUID] | None,
    most: int,
    now: dt.datetime,
) -> list[domain.DropOff]:
    """Give up to `most` customers who went no further, the latest first."""
    if wanted.segment:
        rulebook.segment(wanted.segment)
    found: list[domain.DropOff] = []
    async with db.transaction() as tx:
        question = await _question(tx, wanted, rulebook, now=now)
        async for portion in _portions(tx, wanted):
            found += await asyncio.to_thread(
                counting.drop_offs, portion, question, stage=stage, channel=channel, before=before, most=most
            )
            found = sorted(found, key=lambda each: each.order, reverse=True)[:most]
        places = [(each.customer_id, each.time, wire.kind(each.kind)) for each in found]
        touchpoints = await paths.touchpoints_at(tx, places) if places else {}
    return [replace(each, touchpoint_id=touchpoints.get((each.customer_id, each.time))) for each in found]


async def _question(
    tx: Transaction, wanted: domain.MapFilter, rulebook: Rulebook, *, now: dt.datetime
) -> counting.Question:
    return counting.Question(
        from_time=wanted.from_time,
        until_time=wanted.until_time,
        product=await paths.word(tx, "product", wanted.product) if wanted.product else None,
        org_unit=await paths.word(tx, "org_unit", wanted.org_unit) if wanted.org_unit else None,
        silent_after=rulebook.stages.silent_after,
        now=now,
    )


async def _portions(tx: Transaction, wanted: domain.MapFilter) -> AsyncIterator[counting.Portion]:
    after: uuid.UUID | None = None
    while True:
        chunk = await paths.chunk(
            tx,
            after=after,
            most=_CUSTOMERS,
            from_time=wanted.from_time,
            until_time=wanted.until_time,
            segment=wanted.segment,
        )
        if chunk is None:
            return
        yield counting.Portion(path_ids=chunk.path_ids, known=chunk.known, counts=chunk.counts, steps=chunk.steps)
        if len(chunk.counts) < _CUSTOMERS:
            return
        after = uuid.UUID(bytes=chunk.path_ids[-16:])
