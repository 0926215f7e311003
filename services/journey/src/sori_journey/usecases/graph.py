"""Deciding anew who is who, and what of it has to be announced."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from google.protobuf.message import Message

from sori_journey import domain, wire
from sori_journey.store import graph, uuids
from sori_kit import ids
from sori_kit.database import Transaction
from sori_kit.envelope import Event

SOURCE = "sori/journey"
MOST_NAMED = 5_000  # touchpoints in one event


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What came of deciding anew."""

    resolution: domain.Resolution
    version: int
    merged: Sequence[tuple[uuid.UUID, uuid.UUID]]  # who is gone, who remains
    moved: Mapping[tuple[uuid.UUID, uuid.UUID], Sequence[uuid.UUID]]  # touchpoints by from whom and to whom


def customer_id(touchpoint_id: uuid.UUID, revision: int = 0) -> uuid.UUID:
    """Make the id of the customer whom a touchpoint makes known; the same at each delivery.

    An edit may make another customer known than the touchpoint did before.
    """
    return uuids.read(ids.derived("customer", str(touchpoint_id), *([str(revision)] if revision else [])))


def pattern_id(
    identifiers: Sequence[domain.Identifier], occurred_time: dt.datetime, policy: domain.IdentityPolicy
) -> uuid.UUID:
    """Make the id of the pattern that an observation shows."""
    return uuids.read(ids.derived("pattern", *domain.pattern_parts(identifiers, occurred_time, policy)))


def with_observation(
    known: domain.Pattern | None,
    pattern: uuid.UUID,
    identifiers: tuple[domain.Identifier, ...],
    observation: domain.Observation,
) -> domain.Pattern:
    """Give a pattern as it is once an observation has shown it."""
    seen = domain.Evidence(
        touchpoint_id=observation.touchpoint_id, time=observation.occurred_time, source=observation.source
    )
    if known is not None:
        return replace(known, first=seen) if seen.order < known.first.order else known
    return domain.Pattern(
        pattern_id=pattern,
        identifiers=identifiers,
        first=seen,
        birth_time=seen.time,
        birth_id=customer_id(observation.touchpoint_id, observation.revision),
        announced=False,
    )


def bequeath(
    before: graph.Loaded, patterns: dict[uuid.UUID, domain.Pattern], gone: Mapping[uuid.UUID, uuid.UUID | None]
) -> dict[uuid.UUID, uuid.UUID]:
    """Drop patterns that nothing shows any more, and pass on the ids that they gave their customers.

    `gone` names for each the pattern that takes its place, if there is one. Gives the ids that had to become a mere
    second name of a pattern.
    """
    heirs: dict[uuid.UUID, uuid.UUID] = {}
    for pattern_id, successor in gone.items():
        dropped = patterns.pop(pattern_id, None)
        if dropped is None or not dropped.announced:
            continue
        whose = before.customers.get(pattern_id)
        family = sorted(
            (each for each in patterns.values() if before.customers.get(each.pattern_id) == whose),
            key=lambda each: (each.announced, each.birth),
        )
        heir = patterns.get(successor) if successor else None
        heir = heir if heir is not None and (not heir.announced or not family) else next(iter(family), heir)
        if heir is None:
            continue
        if heir.announced:
            heirs[dropped.birth_id] = heir.pattern_id
        else:
            patterns[heir.pattern_id] = replace(
                heir, birth_time=dropped.birth_time, birth_id=dropped.birth_id, announced=True
            )
    for birth_id, pattern in list(heirs.items()):
        if pattern not in patterns:
            del heirs[birth_id]
    return heirs


async def settle(
    tx: Transaction,
    held: graph.Held,
    before: graph.Loaded,
    patterns: Mapping[uuid.UUID, domain.Pattern],
    policy: domain.IdentityPolicy,
    *,
    heirs: Mapping[uuid.UUID, uuid.UUID],
    now: dt.datetime,
) -> Settled:
    """Decide who is who of all that was loaded and what `patterns` say now, and write what is other than before."""
    decisions = [each.decision for each in before.decisions.values()]
    resolution = domain.resolve(patterns.values(), decisions, policy, shared=before.shared)
    moves = await graph.save(tx, before, patterns, resolution, heirs=heirs, now=now)
    whose = {pattern.birth_id: each.customer_id for each in resolution.components for pattern in each.patterns}
    whose |= {
        birth_id: each.customer_id
        for each in resolution.components
        for pattern in each.patterns
        for birth_id, heir in heirs.items()
        if heir == pattern.pattern_id
    }
    names = {each.customer_id for each in resolution.components}
    merged = {old: whose[old] for old in set(before.customers.values()) - names if old in whose}
    moved: dict[tuple[uuid.UUID, uuid.UUID], list[uuid.UUID]] = defaultdict(list)
    for move in moves:
        if merged.get(move.from_id) != move.into_id:
            moved[move.from_id, move.into_id].append(move.touchpoint_id)
    version = held.version
    if merged or moved:
        version += 1
        await graph.set_version(tx, version)
    return Settled(resolution=resolution, version=version, merged=sorted(merged.items()), moved=moved)


def announcements(
    settled: Settled,
    *,
    now: dt.datetime,
    showed: Mapping[uuid.UUID, Event[Message]] | None = None,
    decision_id: uuid.UUID | None = None,
) -> Iterable[Event[Message]]:
    """Say what changed: `showed` names, by customer, the event that showed it."""
    causes = showed or {}
    decided = str(decision_id or "")
    for gone, remains in settled.merged:
        cause = causes.get(remains)
        yield Event.new(
            wire.customer_merged(
                gone, remains, "" if cause is None else cause.entity_id, settled.version, decided, now
            ),
            event_id=ids.derived("merged", str(remains), str(gone), str(settled.version)),
            entity_id=str(remains),
            time=now,
            cause=cause,
        )
    for (source, target), touchpoint_ids in settled.moved.items():
        ordered = sorted(touchpoint_ids)
        for start in range(0, len(ordered), MOST_NAMED):
            named = ordered[start : start + MOST_NAMED]
            yield Event.new(
                wire.customer_split(source, target, named, settled.version, decided, now),
                event_id=ids.derived("split", str(source), str(target), str(settled.version), str(start)),
                entity_id=str(source),
                time=now,
                cause=causes.get(target) or causes.get(source),
            )
