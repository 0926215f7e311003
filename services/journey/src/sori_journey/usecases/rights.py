"""What customers allow, may have, and may have erased."""

import datetime as dt
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import unquote

import structlog
from google.protobuf.message import Message

from sori_journey import domain, wire
from sori_journey.store import graph, rights, timeline
from sori_journey.usecases.graph import MOST_NAMED, SOURCE, announcements, settle
from sori_journey.usecases.identity import explain, find
from sori_journey.usecases.tombstones import erased
from sori_kit import ids, outbox
from sori_kit.bus import DEAD_LETTERS, Bus
from sori_kit.database import Database
from sori_kit.envelope import Event
from sori_kit.errors import InvalidInput, NotFound

log = structlog.get_logger()

_PAGE = 500  # entries read at a time for an export
_STREAMS = ("SORI_INGEST", "SORI_CLASSIFY", "SORI_JOURNEY", DEAD_LETTERS)  # They hold copies of touchpoints.
MOST_VALUES = 1_000  # asked about in one call
_AT_ONCE = 100  # erasures whose copies are looked for in one pass, dead letters that are read at a time


async def record_consent(
    db: Database, reference: domain.Reference, said: domain.Consent, *, now: dt.datetime
) -> domain.Consent:
    """Keep what a customer said about a purpose; gives what counts now."""
    async with db.transaction() as tx:
        customer_id = await find(tx, reference)
        await rights.add_consent(tx, replace(said, customer_id=customer_id))
        known = await rights.consents(tx, [customer_id, *await graph.former_ids(tx, customer_id)])
    return next(each for each in domain.effective_consents(known, now=now) if each.purpose == said.purpose)


async def get_consents(db: Database, reference: domain.Reference, *, now: dt.datetime) -> list[domain.Consent]:
    """Give what counts for each purpose of which anything was said."""
    async with db.transaction() as tx:
        customer_id = await find(tx, reference)
        known = await rights.consents(tx, [customer_id, *await graph.former_ids(tx, customer_id)])
    return domain.effective_consents(known, now=now)


async def export(
    db: Database, reference: domain.Reference, policy: domain.IdentityPolicy, *, now: dt.datetime
) -> AsyncIterator[tuple[str, Message]]:
    """Give everything that is held of a customer, named piece by piece."""
    async with db.transaction() as tx:
        customer_id = await find(tx, reference)
        profile = await timeline.profile(tx, customer_id, policy.ranks)
        said = await rights.consents(tx, [customer_id, *await graph.former_ids(tx, customer_id)])
    yield "customer", wire.customer(profile, masked=False)
    for consent in said:
        yield "consent", wire.consent(consent, now=now)
    explained = await explain(db, customer_id, policy, between=None)
    for link in explained.links:
        yield "link", wire.link(link, explained.decisions)
    for refusal in explained.refusals:
        yield "detached", wire.detached(refusal)
    before: tuple[dt.datetime, uuid.UUID] | None = None
    while True:
        async with db.reading() as tx:
            customer_id = await graph.current_id(tx, customer_id) or customer_id  # Merged since the last page, maybe.
            entries = await timeline.page(tx, customer_id, domain.TimelineFilter(), before=before, most=_PAGE)
        for entry in entries:
            before = entry.occurred_time, entry.touchpoint_id
            yield "entry", wire.timeline_entry(entry)
        if len(entries) < _PAGE:
            return


async def erase(
    db: Database,
    reference: domain.Reference,
    policy: domain.IdentityPolicy,
    services: Sequence[str],
    *,
    requested_by: str,
    reason: str,
    now: dt.datetime,
) -> rights.Erasure:
    """Erase a customer from journey's tables, and ask everybody else to do so."""
    async with db.transaction() as tx:
        held = await graph.hold(tx)
        customer_id = await find(tx, reference)
        names = [customer_id, *await graph.former_ids(tx, customer_id)]
        before = await graph.load(tx, (), customer_ids=[customer_id])
        owned = {each for each, (owner, _, _) in before.identifiers.items() if owner == customer_id}
        patterns = {
            pattern_id: each
            for pattern_id, each in before.patterns.items()
            if before.customers[pattern_id] != customer_id
        }
        seen_elsewhere = {one for each in patterns.values() for one in each.identifiers}
        seen = {
            one
            for pattern_id, each in before.patterns.items()
            if pattern_id not in patterns
            for one in each.identifiers
        }
        known = {each for each, (_, _, shared) in before.identifiers.items() if shared}
        forgotten = owned | {each for each in seen - seen_elsewhere if each not in known}
        touchpoint_ids = await timeline.remove_of(tx, customer_id)
        _forget_decisions(before, forgotten)
        settled = await settle(tx, held, before, patterns, policy, heirs={}, now=now)
        await rights.forget_identifiers(tx, forgotten - set(settled.resolution.owners))
        await rights.forget_customers(tx, names)
        await rights.forget_announced(tx, touchpoint_ids)
        hashes = {rights.digest(held.salt, *each.key) for each in forgotten}
        gone = {rights.touchpoint_digest(held.salt, each) for each in touchpoint_ids}
        await rights.add_tombstones(tx, hashes | gone, now=now)
        erasure = rights.Erasure(
            erasure_id=ids.derive("erasure", str(customer_id), now.isoformat()),
            requested_time=now,
            requested_by=requested_by,
            reason=reason,
            proofs=tuple(
                sorted(
                    [each.hex() for each in hashes]
                    + [rights.digest(held.salt, "customer_id", str(each)).hex() for each in names]
                )
            ),
            touchpoint_count=len(touchpoint_ids),
            identifier_count=len(forgotten),
        )
        await rights.add_erasure(tx, erasure, touchpoint_ids, services)
        announced: list[Event[Message]] = list(announcements(settled, now=now))
        announced += _erased(erasure.erasure_id, names, sorted(touchpoint_ids), now=now)
        await outbox.stage(tx, announced, source=SOURCE)
        log.info("customer.erased", erasure_id=str(erasure.erasure_id), touchpoints=len(touchpoint_ids))
        stored = await rights.erasure(tx, erasure.erasure_id)
    return stored or erasure


def _forget_decisions(before: graph.Loaded, forgotten: set[domain.Identifier]) -> None:
    """Leave out decisions of which an erasure leaves no side or only one."""
    for decision_id, stored in list(before.decisions.items()):
        decision = stored.decision
        if isinstance(decision, domain.Merge):
            broken = decision.left in forgotten or decision.right in forgotten
        else:
            broken = not (decision.apart - forgotten) or not (decision.kept - forgotten)
        if broken:
            del before.decisions[decision_id]


def _erased(
    erasure_id: uuid.UUID, names: Sequence[uuid.UUID], touchpoint_ids: Sequence[uuid.UUID], *, now: dt.datetime
) -> list[Event[Message]]:
    parts = [touchpoint_ids[start : start + MOST_NAMED] for start in range(0, len(touchpoint_ids), MOST_NAMED)] or [[]]
    return [
        Event.new(
            wire.customer_erased(erasure_id, names, part, number, len(parts), now),
            event_id=ids.derived("erased", str(erasure_id), str(number)),
            entity_id=str(erasure_id),
            time=now,
        )
        for number, part in enumerate(parts, 1)
    ]


async def get_erasure(db: Database, erasure_id: uuid.UUID) -> rights.Erasure:
    """Say how far an erasure is."""
    async with db.transaction() as tx:
        found = await rights.erasure(tx, erasure_id)
    if found is None:
        raise NotFound(f"erasure {erasure_id} is not known")
    return found


async def find_erased(db: Database, values: Sequence[str]) -> list[int]:
    """Give the places of the values that were an identifier, of whatever type, of somebody who was erased."""
    if len(values) > MOST_VALUES:
        raise InvalidInput.of_field("values", f"are more than {MOST_VALUES:,}")
    async with db.transaction() as tx:
        salt = await graph.salt(tx)
        digests = [{rights.digest(salt, kind.value, each) for kind in domain.IdentifierType} for each in values]
        erased = await rights.erased_times(tx, set[bytes]().union(*digests))
    return [place for place, each in enumerate(digests) if not each.isdisjoint(erased)]


async def answer_erasure(
    db: Database, erasure_id: uuid.UUID, service: str, removed_count: int, *, now: dt.datetime
) -> rights.Erasure:
    """Keep that another service's copies are gone."""
    async with db.transaction() as tx:
        if await rights.erasure(tx, erasure_id) is None:
            raise NotFound(f"erasure {erasure_id} is not known")
        if not await rights.answer(tx, erasure_id, service, removed_count, now=now):
            raise InvalidInput.of_field("service", "is not one that is waited for")
        await rights.finish(tx, erasure_id, now=now)
    return await get_erasure(db, erasure_id)


async def erase_copies(
    db: Database, bus: Bus, policy: domain.IdentityPolicy, *, settle_for: dt.timedelta, now: dt.datetime
) -> bool:
    """Delete the broker's copies of what was erased; says whether there is anything left to look for.

    An erasure is through when a pass that began `settle_for` after it finds nothing more: by then what was on its way
    has arrived.
    """
    async with db.transaction() as tx:
        waiting = await rights.running(tx, most=_AT_ONCE)
    if not waiting:
        return False
    whose = {touchpoint_id: erasure_id for erasure_id, _, named in waiting for touchpoint_id in named}
    whose |= await _given_up(db, bus, policy, {time: erasure_id for erasure_id, time, _ in waiting})
    gone = await bus.forget(_STREAMS, whose) if whose else Counter()
    counts: Counter[uuid.UUID] = Counter()
    for entity_id, count in gone.items():
        counts[whose[entity_id]] += count
    async with db.transaction() as tx:
        for erasure_id, requested_time, named in waiting:
            if counts[erasure_id]:
                await rights.add_broker_count(tx, erasure_id, counts[erasure_id])
            elif now - requested_time >= settle_for:
                await rights.set_broker_done(tx, erasure_id, named, now=now)
                await rights.finish(tx, erasure_id, now=now)
    return True


async def _given_up(
    db: Database, bus: Bus, policy: domain.IdentityPolicy, running: Mapping[dt.datetime, uuid.UUID]
) -> dict[str, uuid.UUID]:
    """Name the touchpoints of the erased that never came to a timeline, because they are dead letters."""
    found: dict[str, uuid.UUID] = {}
    after = 0
    while page := await bus.read("sori.dlq.>", after=after, most=_AT_ONCE, stream=DEAD_LETTERS):
        after = page[-1].sequence
        seen = {
            unquote(each.headers.get("ce-subject", "")): one
            for each in page
            if ".touchpoint." in each.headers.get("ce-type", "") and (one := wire.unplaced(each.data))
        }
        async with db.transaction() as tx:
            salt = await graph.salt(tx)
            given = [(each, policy.usable(each.identifiers)) for each in seen.values()]
            times = await erased(tx, salt, given, policy)
        found |= {
            entity_id: running[time]
            for entity_id, time in zip(seen, times, strict=True)
            if entity_id and time and time in running
        }
    return found
