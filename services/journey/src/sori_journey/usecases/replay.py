"""Running observations and decisions through the rules without anything being stored."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from sori_journey import domain
from sori_journey.usecases.graph import customer_id, pattern_id, with_observation
from sori_kit import ids
from sori_kit.errors import InvalidInput


class ReplayRefused(InvalidInput):
    """A line of the file cannot be carried out."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line


def replay(
    observations: Iterable[domain.Observation],
    decisions: Sequence[domain.MergeWanted | domain.SplitWanted],
    policy: domain.IdentityPolicy,
) -> tuple[list[domain.Replayed], list[ReplayRefused]]:
    """Say who is who after all observations and then all decisions, oldest customer first, and what was left out.

    Decisions count in the order of their times, those without one last, as they stand; one that cannot be carried out
    changes nothing. Touchpoints of nobody known are one more entry, at the end.
    """
    newest: dict[uuid.UUID, domain.Observation] = {}
    for each in observations:
        known = newest.get(each.touchpoint_id)
        if known is None or known.revision < each.revision:
            newest[each.touchpoint_id] = each
    patterns, placed = _patterns(newest.values(), policy)
    standing: dict[uuid.UUID, domain.Decision] = {}
    resolution = domain.resolve(patterns.values(), (), policy)
    refused: list[ReplayRefused] = []
    for wanted in sorted(decisions, key=_when):
        try:
            made, undone = _decide(wanted, resolution, standing, placed, policy)
        except ReplayRefused as refusal:
            refused.append(refusal)
            continue
        for decision_id in undone:
            del standing[decision_id]
        for decision in made:
            standing[decision.decision_id] = decision
        announced = {each.customer_id for each in resolution.components}
        patterns = {
            name: replace(each, announced=each.announced or each.birth_id in announced)
            for name, each in patterns.items()
        }
        resolution = domain.resolve(patterns.values(), standing.values(), policy)
    return _replayed(resolution, newest, placed, policy), refused


def _when(wanted: domain.MergeWanted | domain.SplitWanted) -> tuple[bool, dt.datetime, int]:
    return wanted.time is None, wanted.time or dt.datetime.max.replace(tzinfo=dt.UTC), wanted.line


def _patterns(
    observations: Iterable[domain.Observation], policy: domain.IdentityPolicy
) -> tuple[dict[uuid.UUID, domain.Pattern], dict[uuid.UUID, uuid.UUID]]:
    patterns: dict[uuid.UUID, domain.Pattern] = {}
    placed: dict[uuid.UUID, uuid.UUID] = {}
    for each in sorted(observations, key=lambda each: (each.occurred_time, each.touchpoint_id)):
        identifiers = policy.usable(each.identifiers)
        if identifiers:
            name = placed[each.touchpoint_id] = pattern_id(identifiers, each.occurred_time, policy)
            patterns[name] = with_observation(patterns.get(name), name, identifiers, each)
    return patterns, placed


def _decide(
    wanted: domain.MergeWanted | domain.SplitWanted,
    resolution: domain.Resolution,
    standing: Mapping[uuid.UUID, domain.Decision],
    placed: Mapping[uuid.UUID, uuid.UUID],
    policy: domain.IdentityPolicy,
) -> tuple[list[domain.Decision], list[uuid.UUID]]:
    """Give what a line decides and the earlier decisions that it takes back."""
    time = wanted.time or dt.datetime.max.replace(tzinfo=dt.UTC)
    if isinstance(wanted, domain.MergeWanted):
        first, *others = (_find(each, resolution, placed, wanted.line) for each in wanted.customers)
        merges: list[domain.Decision] = []
        undone: list[uuid.UUID] = []
        for number, other in enumerate(others):
            if other.customer_id != first.customer_id:
                undone += domain.separating_splits(first, other, standing.values())
                merges.append(
                    domain.Merge(
                        decision_id=ids.derive("line", str(wanted.line), str(number)),
                        time=time,
                        left=domain.core(first, policy),
                        right=domain.core(other, policy),
                    )
                )
        return merges, sorted(set(undone))
    if wanted.customer is not None:
        component = _find(wanted.customer, resolution, placed, wanted.line)
    elif wanted.identifiers or wanted.touchpoint_ids:
        named: list[domain.Reference] = [*wanted.identifiers, *map(domain.TouchpointReference, wanted.touchpoint_ids)]
        component = _find(named[0], resolution, placed, wanted.line)
    else:
        raise ReplayRefused(wanted.line, "split names neither a customer nor what is split off")
    seen_in = {placed[each] for each in wanted.touchpoint_ids if each in placed}
    decision = domain.part_off(component, domain.seeds(component, wanted.identifiers, seen_in, wanted.merged_ids))
    if decision is None:
        return [], []  # What is one's alone, or nobody's, is apart already.
    decision = replace(decision, decision_id=ids.derive("line", str(wanted.line)), time=time)
    return [decision], domain.crossing_merges(decision, standing.values())


def _find(
    reference: domain.Reference, resolution: domain.Resolution, placed: Mapping[uuid.UUID, uuid.UUID], line: int
) -> domain.Component:
    for each in resolution.components:
        if isinstance(reference, domain.Identifier):
            found = resolution.owners.get(reference) == each.customer_id
        elif isinstance(reference, domain.TouchpointReference):
            found = placed.get(reference.touchpoint_id) in each.pattern_ids
        else:
            found = any(pattern.birth_id == reference for pattern in each.patterns) or any(
                customer_id(touchpoint_id) == reference and pattern in each.pattern_ids
                for touchpoint_id, pattern in placed.items()
            )
        if found:
            return each
    what = reference.type.value if isinstance(reference, domain.Identifier) else "id"
    raise ReplayRefused(line, f"no customer of this file has this {what}")


def _replayed(
    resolution: domain.Resolution,
    observations: Mapping[uuid.UUID, domain.Observation],
    placed: Mapping[uuid.UUID, uuid.UUID],
    policy: domain.IdentityPolicy,
) -> list[domain.Replayed]:
    order = sorted(observations, key=lambda each: (observations[each].occurred_time, each))
    touchpoints: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    for each in order:
        touchpoints[placed.get(each)].append(each)
    found: list[domain.Replayed] = []
    for component in resolution.components:
        names = component.pattern_ids
        mine = [each for name in names for each in touchpoints[name]]
        held = {node.identifier for node in component.nodes}
        current = {each for each in held if resolution.owners.get(each) == component.customer_id}
        found.append(
            domain.Replayed(
                customer_id=component.customer_id,
                identifiers=_ordered(current, policy),
                former=_ordered(held - current, policy),
                touchpoint_ids=tuple(sorted(mine, key=lambda each: (observations[each].occurred_time, each))),
                refusals=tuple(each for each in resolution.refusals if each.pattern_id in names),
            )
        )
    if touchpoints[None]:
        found.append(
            domain.Replayed(
                customer_id=None,
                identifiers=(),
                former=(),
                touchpoint_ids=tuple(touchpoints[None]),
                refusals=(),
            )
        )
    return found


def _ordered(identifiers: Iterable[domain.Identifier], policy: domain.IdentityPolicy) -> tuple[domain.Identifier, ...]:
    return tuple(sorted(identifiers, key=lambda each: (policy.ranks[each.type], each.value)))
