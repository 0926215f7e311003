"""Taking touchpoints in that are touchpoints already."""

import asyncio
import contextlib
import datetime as dt
import hashlib
from collections import deque
from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass, field

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori.ingest.v1.submission_events_pb2 import SubmissionQuarantined
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_ingest import wire
from sori_ingest.channels import Channel
from sori_ingest.domain.outcomes import Accepted, Duplicate, Outcome, Rejected
from sori_ingest.usecases import quarantine
from sori_kit import errors, ids, streams
from sori_kit.bus import Bus
from sori_kit.clock import Clock
from sori_kit.envelope import Event

_MOST_REJECTIONS = 1_000  # named in the answer to a stream


async def submit(
    bus: Bus, channel: Channel, touchpoints: Sequence[pb.Touchpoint], *, now: dt.datetime, traceparent: str
) -> list[Outcome]:
    """Publish each touchpoint, or put it into quarantine; returns when all are on disk, in the same order."""
    instant = wire.instant(now)
    events: list[Event[TouchpointReceived]] = []
    places: dict[
        str, int
    ] = {}  # Of each event, where in `outcomes` its fate stands; twice in one request is one event.
    kept: dict[str, SubmissionQuarantined] = {}
    outcomes: list[Outcome] = []
    made = [TouchpointReceived() for _ in touchpoints]
    wrong = channel.normalise_all(
        [(given, received.touchpoint, instant) for given, received in zip(touchpoints, made, strict=True)]
    )
    for given, received, violations in zip(touchpoints, made, wrong, strict=True):
        normal = received.touchpoint
        if violations:
            quarantine_id = _quarantine_id(given)
            kept[quarantine_id] = wire.submission_quarantined(given, quarantine_id, violations, instant)
            outcomes.append(Rejected(quarantine_id, tuple(violations)))
            continue
        normal.touchpoint_id = entity_id = wire.touchpoint_id(normal)
        event_id = wire.event_id(entity_id, normal.revision)
        if event_id in places:
            outcomes.append(Duplicate(entity_id))
            continue
        places[event_id] = len(outcomes)
        outcomes.append(Accepted(entity_id))
        events.append(
            Event(
                event_id=event_id,
                message=received,
                entity_id=entity_id,
                time=now,
                correlation_id=event_id,
                traceparent=traceparent,
            )
        )
    known = await bus.publish(events)
    if any(known):
        for event, was_known in zip(events, known, strict=True):
            if was_known:
                outcomes[places[event.event_id]] = Duplicate(event.entity_id)
    if kept:
        await quarantine.keep(bus, list(kept.values()), now=now, traceparent=traceparent)
    return outcomes


async def submit_one(
    bus: Bus, channel: Channel, touchpoint: pb.Touchpoint, *, now: dt.datetime, traceparent: str
) -> Accepted | Duplicate:
    """Publish a touchpoint; a wrong one is InvalidInput, raised when it is in quarantine."""
    [outcome] = await submit(bus, channel, [touchpoint], now=now, traceparent=traceparent)
    if isinstance(outcome, Rejected):
        raise errors.InvalidInput(
            f"the touchpoint is in quarantine as {outcome.quarantine_id}",
            [errors.Violation(each.field, each.description) for each in outcome.violations],
        )
    return outcome


@dataclass(slots=True)
class Tally:
    """What became of the touchpoints of a stream."""

    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    rejections: list[tuple[int, Rejected]] = field(default_factory=list)  # by position; the first ones

    @property
    def total(self) -> int:
        """How many there were."""
        return self.accepted + self.duplicates + self.quarantined

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count the outcomes of the touchpoints that come next."""
        for outcome in outcomes:
            match outcome:
                case Accepted():
                    self.accepted += 1
                case Duplicate():
                    self.duplicates += 1
                case Rejected():
                    if self.quarantined < _MOST_REJECTIONS:
                        self.rejections.append((self.total, outcome))
                    self.quarantined += 1


async def submit_stream(
    bus: Bus,
    channel: Channel,
    touchpoints: AsyncIterable[pb.Touchpoint],
    *,
    clock: Clock,
    traceparent: str,
    chunk: int,
    publishes: int,
) -> Tally:
    """Submit what comes in, up to `publishes` chunks at a time; the sender is held back when the broker is slower."""
    tally = Tally()
    under_way: deque[asyncio.Task[list[Outcome]]] = deque()
    try:
        async with contextlib.aclosing(streams.chunks(touchpoints, most=chunk)) as chunks:
            async for each in chunks:
                if len(under_way) >= publishes:
                    tally.add(await under_way[0])
                    under_way.popleft()
                submitting = submit(bus, channel, each, now=clock.now(), traceparent=traceparent)
                under_way.append(asyncio.create_task(submitting))
        while under_way:
            tally.add(await under_way[0])
            under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
    return tally


def _quarantine_id(given: pb.Touchpoint) -> str:
    return ids.derived("quarantine", given.source, hashlib.sha256(wire.submission(given)).hexdigest())
