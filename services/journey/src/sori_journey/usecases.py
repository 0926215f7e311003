"""One function per thing that journey can be asked to do."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator

from google.protobuf.message import Message

from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori_journey import domain, store, wire
from sori_kit import ids, outbox
from sori_kit.bus import Batch
from sori_kit.database import Database
from sori_kit.envelope import Event
from sori_kit.errors import NotFound

SOURCE = "sori/journey"


def _customer_id(observation: domain.Observation) -> uuid.UUID:
    """Make the id of the customer whom an observation makes known; the same at each delivery."""
    return ids.derive("customer", str(observation.touchpoint_id))


async def stitch(db: Database, batch: Batch[TouchpointClassified], *, now: dt.datetime) -> None:
    """Place a batch of touchpoints on their customers' timelines and announce each place."""
    async with db.handling(batch) as (tx, fresh):
        observed = [(event, wire.observation(event.message)) for event in fresh]
        graph = await store.load_graph(
            tx, (each for _, observation in observed for each in observation.identifiers if each.usable)
        )
        placed = domain.settle(
            [domain.place(observation, graph, new_customer_id=_customer_id, now=now) for _, observation in observed],
            graph,
        )
        await store.save(tx, graph, placed)
        causes = {observation.touchpoint_id: event for event, observation in observed}
        announced: list[Event[Message]] = [
            Event.new(
                wire.touchpoint_stitched(place),
                event_id=ids.derived("stitched", event.event_id),
                entity_id=event.entity_id,
                time=now,
                cause=event,
            )
            for (event, _), place in zip(observed, placed, strict=True)
        ]
        announced += [
            Event.new(
                wire.customer_merged(merge, now),
                event_id=str(ids.derive("merged", str(merge.survivor_id), str(merge.merged_id))),
                entity_id=str(merge.survivor_id),
                time=now,
                cause=causes[merge.touchpoint_id],
            )
            for merge in graph.merges
        ]
        await outbox.stage(tx, announced, source=SOURCE)


async def get_customer(db: Database, customer_id: uuid.UUID) -> domain.Profile:
    """Gather the profile of a customer, or of the one into which they were merged."""
    async with db.transaction() as tx:
        found = await store.resolve(tx, customer_id)
        if found is None:
            raise NotFound(f"customer {customer_id} is not known")
        return await store.profile(tx, found)


async def find_customer(db: Database, identifier: domain.Identifier) -> domain.Profile:
    """Gather the profile of the customer who has an identifier."""
    async with db.transaction() as tx:
        found = await store.find(tx, identifier)
        if found is None:
            raise NotFound(f"no customer has this {identifier.type}")
        return await store.profile(tx, found)


async def get_timeline(
    db: Database, customer_id: uuid.UUID, *, before: tuple[dt.datetime, uuid.UUID] | None, most: int
) -> list[store.Entry]:
    """Give up to `most` entries of a customer's timeline older than `before`, newest first."""
    async with db.transaction() as tx:
        found = await store.resolve(tx, customer_id)
        if found is None:
            raise NotFound(f"customer {customer_id} is not known")
        return await store.page(tx, found, before=before, most=most)


async def watch_timeline(
    db: Database, customer_id: uuid.UUID, *, after: int | None, every_seconds: float
) -> AsyncIterator[store.Entry]:
    """Follow a customer's arrivals after number `after`, or from now on when it is None."""
    while True:
        async with db.transaction() as tx:
            found = await store.resolve(tx, customer_id)
            if found is None:
                raise NotFound(f"customer {customer_id} is not known")
            if after is None:
                after = await store.last_arrival(tx, found)
            entries = await store.arrivals(tx, found, after=after, most=100)
        for entry in entries:
            after = entry.arrival
            yield entry
        if not entries:
            await asyncio.sleep(every_seconds)
