"""Asking about segments, and about what is to be expected of customers."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sori_journey import domain, wire
from sori_journey.domain import risk, segments
from sori_journey.store import paths
from sori_journey.store import segments as membership
from sori_journey.usecases.identity import find
from sori_journey.usecases.paths import Rulebook, describe
from sori_kit.database import Database, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """Somebody of whom something is to be expected."""

    path: domain.Path
    risk: domain.Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What conditions may ask for, and what came of them."""

    customer_id: uuid.UUID
    facts: dict[str, object]
    rfm: domain.Rfm
    segments: Sequence[str]
    risks: Sequence[AtRisk]


async def list_segments(db: Database, rulebook: Rulebook) -> list[tuple[domain.SegmentRule, int]]:
    """Give the segments of the rules, and how many customers each has."""
    async with db.transaction() as tx:
        counts = await membership.counts(tx)
    return [(each, counts.get(each.name, 0)) for each in rulebook.segments]


async def list_segment_members(
    db: Database, rulebook: Rulebook, segment: str, *, after: uuid.UUID | None, most: int
) -> list[membership.Member]:
    """Give up to `most` members of a segment, by id."""
    rulebook.segment(segment)
    async with db.transaction() as tx:
        return await membership.members(tx, segment, after=after, most=most)


async def get_customer_facts(
    db: Database, reference: domain.Reference, rulebook: Rulebook, *, now: dt.datetime
) -> Facts:
    """Give what is known of a customer's worth and mood."""
    async with db.transaction() as tx:
        customer_id = await find(tx, reference)
        path = (await paths.of(tx, [customer_id])).get(customer_id)
        bounds = await membership.bounds(tx)
        names = sorted((await membership.memberships(tx, [customer_id])).get(customer_id, ()))
        if path is None:
            return Facts(customer_id=customer_id, facts={}, rfm=domain.Rfm(), segments=names, risks=())
        texts = await paths.texts(tx, wire.numbers_of([path.steps]))
    scored = _score([path], rulebook)
    return Facts(
        customer_id=customer_id,
        facts=describe(path, wire.unpack(path.steps, texts), bounds, now=now),
        rfm=segments.rfm(path.summary, bounds),
        segments=names,
        risks=[AtRisk(path=path, risk=each) for each in scored.get(customer_id, {}).values()],
    )


async def list_at_risk(
    db: Database,
    rulebook: Rulebook,
    kind: domain.RiskKind,
    *,
    least: float,
    segment: str,
    before: tuple[float, uuid.UUID] | None,
    most: int,
) -> list[tuple[AtRisk, float]]:
    """Give up to `most` customers with at least this score, the highest first, each with the score as stored."""
    if segment:
        rulebook.segment(segment)
    async with db.transaction() as tx:
        ordered = await membership.at_risk(tx, kind, least=least, segment=segment, before=before, most=most)
        found = await _of(tx, ordered)
    scored = _score(list(found.values()), rulebook)
    listed = []
    for each in ordered:
        path = found.get(each)
        if path is None or each not in scored:
            continue
        stored = path.churn_risk if kind is domain.RiskKind.CHURN else path.complaint_risk
        if stored is not None:
            listed.append((AtRisk(path=path, risk=scored[each][kind]), stored))
    return listed


async def _of(tx: Transaction, customer_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, domain.Path]:
    return await paths.of(tx, customer_ids) if customer_ids else {}


def _score(found: Sequence[domain.Path], rulebook: Rulebook) -> dict[uuid.UUID, dict[domain.RiskKind, domain.Risk]]:
    """Score customers as of when they were scored: the stored figure with its reasons."""
    described = {
        each.path_id: row
        for each in found
        if each.scored_time is not None
        and (row := risk.features(wire.unpack(each.steps, {}), each.scored_time)) is not None
    }
    return dict(zip(described, rulebook.model.score(list(described.values())), strict=True))
