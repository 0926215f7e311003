"""Putting touchpoints on timelines."""

import asyncio
import datetime as dt
import functools
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog
from google.protobuf.message import Message

from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori_journey import domain, wire
from sori_journey.store import graph, rights, timeline
from sori_journey.usecases.graph import (
    SOURCE,
    announcements,
    bequeath,
    pattern_id,
    settle,
    with_observation,
)
from sori_journey.usecases.tombstones import erased
from sori_kit import ids, outbox
from sori_kit.bus import Batch
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Envelope, Event, seal_all

log = structlog.get_logger()

_SEEN_AT_ONCE = 50  # touchpoints; a millisecond
_StageOf = Callable[[str, str, bool], domain.Stage | None]  # of a channel, a kind, and whether it is the customer's own


@dataclass(slots=True)
class _Seen:
    """An observation with what of it counts."""

    observation: domain.Observation
    identifiers: tuple[domain.Identifier, ...]
    pattern_id: uuid.UUID | None


@dataclass(slots=True, kw_only=True)
class _Whose:
    """Whose the patterns and touchpoints of a batch are."""

    version: int
    patterns: dict[uuid.UUID, uuid.UUID | None]
    existing: dict[uuid.UUID, timeline.Existing] = field(default_factory=dict)  # by touchpoint
    stale: dict[uuid.UUID, timeline.Existing] = field(default_factory=dict)  # by touchpoint
    announced: list[Event[Message]] = field(default_factory=list)


async def stitch(
    db: Database,
    batch: Batch[TouchpointClassified],
    policy: domain.IdentityPolicy,
    *,
    now: dt.datetime,
    stages: domain.StageRules | None = None,
) -> None:
    """Place a batch of touchpoints on their customers' timelines and announce each place.

    One that comes again stays where it is, by its timeline, and is announced again under the same id: there is no need
    to keep what was handled.
    """
    seeing = asyncio.create_task(_see_all(batch, policy))
    try:
        async with db.transaction() as tx:
            await _stitch(tx, batch, seeing, policy, now=now, stages=stages)
    finally:
        seeing.cancel()
        await asyncio.gather(seeing, return_exceptions=True)


async def _stitch(
    tx: Transaction,
    batch: Batch[TouchpointClassified],
    seeing: Awaitable[Mapping[str, _Seen]],
    policy: domain.IdentityPolicy,
    *,
    now: dt.datetime,
    stages: domain.StageRules | None,
) -> None:
    held = await graph.hold(tx)
    seen = await seeing
    kept = [(event, seen[event.event_id]) for event in batch]
    if held.tombstone_count:
        kept = await _without_erased(tx, held, kept, policy)
    newest = _newest([each for _, each in kept])
    events = {each.observation.touchpoint_id: event for event, each in kept}
    whose = await _find(tx, held, newest, events, policy, now=now)
    stage_of = _stages(stages)
    placed = {touchpoint_id: _place(each, whose, stage_of) for touchpoint_id, each in newest.items()}
    adding = asyncio.create_task(timeline.add(tx, list(placed.values()), whose.existing))
    await asyncio.sleep(0)  # It goes to the database, which works on it while this goes on.
    try:
        sealed = _sealed(kept, placed, whose, now=now)
    finally:
        await adding
    await outbox.stage_sealed(tx, sealed)


def _sealed(
    kept: Sequence[tuple[Event[TouchpointClassified], _Seen]],
    placed: Mapping[uuid.UUID, domain.Placed],
    whose: _Whose,
    *,
    now: dt.datetime,
) -> list[Envelope]:
    """Write what has to be announced."""
    announced: list[Event[Message]] = [
        Event.new(
            wire.touchpoint_stitched(placed[each.observation.touchpoint_id], whose.version),
            event_id=ids.derived("stitched", event.event_id),
            entity_id=event.entity_id,
            time=now,
            cause=event,
            passed_on=each.observation.entry,
        )
        for event, each in kept
    ]
    return seal_all(announced + whose.announced, SOURCE)


async def _see_all(batch: Batch[TouchpointClassified], policy: domain.IdentityPolicy) -> dict[str, _Seen]:
    """Read touchpoints, by event; a few at a time, so that the database need not wait for all of it."""
    seen: dict[str, _Seen] = {}
    for number, event in enumerate(batch):
        if number % _SEEN_AT_ONCE == 0:
            await asyncio.sleep(0)
        seen[event.event_id] = _see(wire.observation(event.message, event.data), policy)
    return seen


def _see(observation: domain.Observation, policy: domain.IdentityPolicy) -> _Seen:
    identifiers = policy.usable(observation.identifiers)
    return _Seen(
        observation,
        identifiers,
        pattern_id(identifiers, observation.occurred_time, policy) if identifiers else None,
    )


def _newest(seen: Sequence[_Seen]) -> dict[uuid.UUID, _Seen]:
    """Leave one revision of each touchpoint."""
    newest: dict[uuid.UUID, _Seen] = {}
    for each in seen:
        known = newest.get(each.observation.touchpoint_id)
        if known is None or known.observation.revision < each.observation.revision:
            newest[each.observation.touchpoint_id] = each
    return newest


def _place(seen: _Seen, whose: _Whose, stage_of: _StageOf) -> domain.Placed:
    stale = whose.stale.get(seen.observation.touchpoint_id)
    pattern = stale.pattern_id if stale else seen.pattern_id
    return domain.Placed(
        observation=seen.observation,
        pattern_id=pattern,
        customer_id=whose.patterns.get(pattern, stale.customer_id if stale else None) if pattern else None,
        stage=stage_of(seen.observation.channel, seen.observation.kind, seen.observation.own),
    )


def _stages(rules: domain.StageRules | None) -> _StageOf:
    """Give what says which stage a touchpoint speaks of on its own, asking once for each channel, kind and actor.

    What its history makes of it is found when paths are made.
    """

    @functools.cache
    def stage_of(channel: str, kind: str, own: bool) -> domain.Stage | None:
        return domain.stage_of(kind) if rules is None else rules.alone(channel, kind, own=own)

    return stage_of


async def _without_erased(
    tx: Transaction,
    held: graph.Held,
    seen: list[tuple[Event[TouchpointClassified], _Seen]],
    policy: domain.IdentityPolicy,
) -> list[tuple[Event[TouchpointClassified], _Seen]]:
    """Leave out what is of people who were erased since it occurred; its copies are looked for."""
    times = await erased(tx, held.salt, [(each.observation, each.identifiers) for _, each in seen], policy)
    dropped = {each.observation.touchpoint_id: time for (_, each), time in zip(seen, times, strict=True) if time}
    if dropped:
        await rights.reopen(tx, dropped)
        log.info("touchpoints.erased_on_arrival", count=len(dropped))
    return [(event, each) for event, each in seen if each.observation.touchpoint_id not in dropped]


async def _find(
    tx: Transaction,
    held: graph.Held,
    seen: Mapping[uuid.UUID, _Seen],
    events: Mapping[uuid.UUID, Event[TouchpointClassified]],
    policy: domain.IdentityPolicy,
    *,
    now: dt.datetime,
) -> _Whose:
    """Say whose each pattern is; where observations show anything new, decide anew."""
    shown = {each.pattern_id for each in seen.values() if each.pattern_id}
    known = await graph.known_patterns(tx, shown) if shown else {}
    existing = await timeline.existing(tx, seen)
    whose = _Whose(
        version=held.version,
        patterns={each: found.customer_id for each, found in known.items()},
        existing=existing,
    )
    fresh = {
        touchpoint_id: each
        for touchpoint_id, each in seen.items()
        if each.pattern_id
        and (
            each.pattern_id not in known
            or (each.observation.occurred_time, touchpoint_id) < known[each.pattern_id].first
        )
    }
    doubtful = fresh.keys() | {each for each in seen if seen[each].observation.revision > 0}
    if not doubtful:
        return whose
    before = {touchpoint_id: found for touchpoint_id, found in existing.items() if touchpoint_id in doubtful}
    whose.stale = {
        touchpoint_id: found
        for touchpoint_id, found in before.items()
        if found.revision >= seen[touchpoint_id].observation.revision
    }
    fresh = {touchpoint_id: each for touchpoint_id, each in fresh.items() if touchpoint_id not in whose.stale}
    replaced = {
        touchpoint_id: found
        for touchpoint_id, found in before.items()
        if touchpoint_id not in whose.stale
        and found.pattern_id
        and (found.pattern_id, found.occurred_time)
        != (seen[touchpoint_id].pattern_id, seen[touchpoint_id].observation.occurred_time)
    }
    if replaced:
        fresh |= _shown_again(seen, doubtful, whose, {each.pattern_id for each in replaced.values()})
    stale_patterns = {each.pattern_id for each in whose.stale.values() if each.pattern_id} - whose.patterns.keys()
    if stale_patterns:
        found_patterns = await graph.known_patterns(tx, stale_patterns)
        whose.patterns |= {each: found.customer_id for each, found in found_patterns.items()}
    if fresh or replaced:
        await _decide(tx, held, whose, seen, fresh, replaced, events, policy, now=now)
    return whose


def _shown_again(
    seen: Mapping[uuid.UUID, _Seen],
    doubtful: Collection[uuid.UUID],
    whose: _Whose,
    lost: Collection[uuid.UUID | None],
) -> dict[uuid.UUID, _Seen]:
    """Give what shows patterns in the same batch in which edits take them back; no timeline has it yet."""
    return {
        touchpoint_id: each
        for touchpoint_id, each in seen.items()
        if each.pattern_id in lost
        and touchpoint_id not in whose.stale
        and (touchpoint_id in doubtful or touchpoint_id not in whose.existing)
    }


async def _decide(
    tx: Transaction,
    held: graph.Held,
    whose: _Whose,
    seen: Mapping[uuid.UUID, _Seen],
    fresh: dict[uuid.UUID, _Seen],
    replaced: Mapping[uuid.UUID, timeline.Existing],
    events: Mapping[uuid.UUID, Event[TouchpointClassified]],
    policy: domain.IdentityPolicy,
    *,
    now: dt.datetime,
) -> None:
    counted = fresh | {touchpoint_id: seen[touchpoint_id] for touchpoint_id in replaced}
    before = await graph.load(
        tx,
        {each.identifiers for each in counted.values() if each.identifiers},
        pattern_ids={each.pattern_id for each in replaced.values() if each.pattern_id},
    )
    patterns = dict(before.patterns)
    gone = await _take_back(tx, patterns, replaced, seen)
    for each in sorted(
        counted.values(), key=lambda each: (each.observation.occurred_time, each.observation.touchpoint_id)
    ):
        if each.pattern_id:
            gone.pop(each.pattern_id, None)
            patterns[each.pattern_id] = with_observation(
                patterns.get(each.pattern_id), each.pattern_id, each.identifiers, each.observation
            )
    heirs = bequeath(before, patterns, gone)
    settled = await settle(tx, held, before, patterns, policy, heirs=heirs, now=now)
    owners = {
        pattern.pattern_id: each.customer_id for each in settled.resolution.components for pattern in each.patterns
    }
    whose.version = settled.version
    whose.patterns |= owners
    showed: dict[uuid.UUID, Event[Message]] = {
        owners[each.pattern_id]: events[touchpoint_id] for touchpoint_id, each in counted.items() if each.pattern_id
    }
    whose.announced += announcements(settled, now=now, showed=showed)


async def _take_back(
    tx: Transaction,
    patterns: dict[uuid.UUID, domain.Pattern],
    replaced: Mapping[uuid.UUID, timeline.Existing],
    seen: Mapping[uuid.UUID, _Seen],
) -> dict[uuid.UUID, uuid.UUID | None]:
    """Forget what earlier revisions showed; gives the patterns that nothing shows any more, and what follows them."""
    lost = {each.pattern_id: each.customer_id for each in replaced.values() if each.pattern_id and each.customer_id}
    if not lost:
        return {}
    left = await timeline.earliest_others(tx, lost, list(replaced))
    gone: dict[uuid.UUID, uuid.UUID | None] = {}
    for touchpoint_id, each in replaced.items():
        if each.pattern_id is None or each.pattern_id not in patterns:
            continue
        pattern = patterns[each.pattern_id]
        if each.pattern_id in left:
            time, first_id = left[each.pattern_id]
            first = domain.Evidence(touchpoint_id=first_id, time=time, source=pattern.first.source)
            patterns[each.pattern_id] = replace(pattern, first=first)
        else:
            gone[each.pattern_id] = seen[touchpoint_id].pattern_id
            # Whatever shows it again in this batch is its first evidence then.
            never = domain.Evidence(
                touchpoint_id=pattern.first.touchpoint_id, time=dt.datetime.max.replace(tzinfo=dt.UTC), source=""
            )
            patterns[each.pattern_id] = replace(pattern, first=never)
    return gone
