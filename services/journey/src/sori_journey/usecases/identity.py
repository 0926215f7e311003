"""Saying who is who, and why."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from sori_journey import domain
from sori_journey.store import graph, timeline
from sori_journey.usecases.graph import SOURCE, announcements, settle
from sori_kit import ids, outbox
from sori_kit.database import Database, Transaction
from sori_kit.errors import Conflict, NotFound

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """What a split came to."""

    customer: domain.Profile
    others: Sequence[domain.Profile]
    decision_id: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a customer is one person."""

    customer_id: uuid.UUID
    links: Sequence[domain.Link]
    decisions: dict[uuid.UUID, graph.StoredDecision]
    refusals: Sequence[domain.Refusal]
    former_ids: Sequence[uuid.UUID]


async def find(tx: Transaction, reference: domain.Reference) -> uuid.UUID:
    """Give the customer that a reference leads to now."""
    if isinstance(reference, domain.TouchpointReference):
        found = await graph.customer_of(tx, reference.touchpoint_id)
        missing = f"touchpoint {reference.touchpoint_id} is not known, or nobody's"
    elif isinstance(reference, domain.Identifier):
        found = (await graph.owners(tx, [reference])).get(reference)
        missing = f"no customer has this {reference.type}"
    else:
        found = await graph.current_id(tx, reference)
        missing = f"customer {reference} is not known"
    if found is None:
        raise NotFound(missing)
    return found


async def get_customer(db: Database, reference: domain.Reference, policy: domain.IdentityPolicy) -> domain.Profile:
    """Gather the profile of a customer, or of the one into which they were merged."""
    async with db.transaction() as tx:
        return await timeline.profile(tx, await find(tx, reference), policy.ranks)


async def find_customers(
    db: Database, identifiers: Sequence[domain.Identifier], policy: domain.IdentityPolicy
) -> list[domain.Profile]:
    """Gather the profiles of all who have any of some identifiers, each once."""
    async with db.transaction() as tx:
        found = await graph.owners(tx, identifiers)
        ordered = dict.fromkeys(found[each] for each in identifiers if each in found)
        return [await timeline.profile(tx, each, policy.ranks) for each in ordered]


async def merge(
    db: Database,
    reference: domain.Reference,
    other: domain.Reference,
    policy: domain.IdentityPolicy,
    *,
    decided_by: str,
    reason: str,
    now: dt.datetime,
) -> tuple[domain.Profile, uuid.UUID | None]:
    """Declare two customers to be one; gives no decision when they are one already."""
    async with db.transaction() as tx:
        held = await graph.hold(tx)
        left, right = await find(tx, reference), await find(tx, other)
        if left == right:
            return await timeline.profile(tx, left, policy.ranks), None
        before = await graph.load(tx, (), customer_ids=[left, right])
        resolution = _resolve(before, policy)
        one, two = _component(resolution, left), _component(resolution, right)
        decision = domain.Merge(
            decision_id=ids.derive("merge", str(left), str(right), str(held.version), now.isoformat()),
            time=now,
            left=domain.core(one, policy),
            right=domain.core(two, policy),
        )
        undone = domain.separating_splits(one, two, (each.decision for each in before.decisions.values()))
        applied = await _apply(
            tx, held, before, decision, undone, policy, decided_by=decided_by, reason=reason, now=now
        )
        log.info("customers.merged", decision_id=str(decision.decision_id))
        survivor = next(each for each in applied.components if one.patterns[0].pattern_id in each.pattern_ids)
        return await timeline.profile(tx, survivor.customer_id, policy.ranks), decision.decision_id


async def split(
    db: Database,
    reference: domain.Reference,
    identifiers: Sequence[domain.Identifier],
    touchpoint_ids: Sequence[uuid.UUID],
    merged_ids: Sequence[uuid.UUID],
    policy: domain.IdentityPolicy,
    *,
    decided_by: str,
    reason: str,
    now: dt.datetime,
) -> Parted:
    """Declare a customer to be two."""
    async with db.transaction() as tx:
        held = await graph.hold(tx)
        customer = await find(tx, reference)
        before = await graph.load(tx, (), customer_ids=[customer])
        component = _component(_resolve(before, policy), customer)
        seen_in = await graph.patterns_of(tx, touchpoint_ids)
        seeds = domain.seeds(component, identifiers, set(seen_in.values()), merged_ids)
        decision = domain.part_off(component, seeds)
        if decision is None:
            raise Conflict("nothing of this is the customer's, or nothing would remain of the customer")
        decision = replace(
            decision,
            decision_id=ids.derive("split", str(customer), str(held.version), now.isoformat()),
            time=now,
        )
        undone = domain.crossing_merges(decision, (each.decision for each in before.decisions.values()))
        applied = await _apply(
            tx, held, before, decision, undone, policy, decided_by=decided_by, reason=reason, now=now
        )
        log.info("customer.split", decision_id=str(decision.decision_id))
        parts = [each.customer_id for each in applied.components if each.pattern_ids & component.pattern_ids]
        first, *others = sorted(parts, key=lambda each: each != customer)
        return Parted(
            customer=await timeline.profile(tx, first, policy.ranks),
            others=[await timeline.profile(tx, each, policy.ranks) for each in others],
            decision_id=decision.decision_id,
        )


async def _apply(
    tx: Transaction,
    held: graph.Held,
    before: graph.Loaded,
    decision: domain.Decision,
    undone: Sequence[uuid.UUID],
    policy: domain.IdentityPolicy,
    *,
    decided_by: str,
    reason: str,
    now: dt.datetime,
) -> domain.Resolution:
    await graph.add_decision(tx, decision, decided_by=decided_by, reason=reason, undoes=undone)
    for each in undone:
        del before.decisions[each]
    before.decisions[decision.decision_id] = graph.StoredDecision(
        decision=decision, decided_by=decided_by, reason=reason
    )
    before.decision_regions[decision.decision_id] = decision.decision_id
    settled = await settle(tx, held, before, before.patterns, policy, heirs={}, now=now)
    await outbox.stage(tx, announcements(settled, now=now, decision_id=decision.decision_id), source=SOURCE)
    return settled.resolution


def _resolve(before: graph.Loaded, policy: domain.IdentityPolicy) -> domain.Resolution:
    decisions = [each.decision for each in before.decisions.values()]
    return domain.resolve(before.patterns.values(), decisions, policy, shared=before.shared)


def _component(resolution: domain.Resolution, customer_id: uuid.UUID) -> domain.Component:
    for each in resolution.components:
        if each.customer_id == customer_id:
            return each
    raise Conflict(f"customer {customer_id} has no evidence left that could be decided about")


async def explain(
    db: Database,
    reference: domain.Reference,
    policy: domain.IdentityPolicy,
    *,
    between: tuple[domain.Identifier, domain.Identifier] | None,
) -> Explanation:
    """Say why a customer is one person, or which path of evidence ties two of its identifiers."""
    async with db.transaction() as tx:
        customer = await find(tx, reference)
        before = await graph.load(tx, (), customer_ids=[customer])
        former = await graph.former_ids(tx, customer)
    resolution = _resolve(before, policy)
    component = _component(resolution, customer)
    links: Sequence[domain.Link] = component.links
    if between is not None:
        inside = {node.identifier for node in component.nodes}
        for each in between:
            if each not in inside:
                raise NotFound(f"the customer has no such {each.type}")
        links = domain.path(component, *between)
    return Explanation(
        customer_id=customer,
        links=links,
        decisions=before.decisions,
        refusals=[each for each in resolution.refusals if each.pattern_id in component.pattern_ids],
        former_ids=former,
    )
