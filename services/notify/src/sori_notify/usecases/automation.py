"""Trigger messages to customers, and send those that nothing keeps back."""

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog

from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import ids
from sori_kit.bus import Batch
from sori_kit.database import Database, Transaction
from sori_notify import store, wire
from sori_notify.domain.automation import Automation, Outreach, keeps_back
from sori_notify.domain.chains import Plan
from sori_notify.domain.delivery import Delivery, Origin
from sori_notify.domain.rules import Scopes
from sori_notify.settings.automation import Automations
from sori_notify.store.outreach import WantedOutreach
from sori_notify.usecases.chains import start

log = structlog.get_logger()

MOST_DECIDED = 200  # in one transaction
_TOO_LATE = dt.timedelta(days=1)  # after its time a message has lost its sense, as after an import of history


class Consents(Protocol):
    """Whoever knows what customers have agreed to."""

    async def agreed(self, customer_ids: Iterable[uuid.UUID], purpose: str) -> set[uuid.UUID]:
        """Give those who have agreed to messages of a purpose."""
        ...


class NoConsents:
    """Nobody has agreed to anything that nobody has asked for."""

    async def agreed(self, customer_ids: Iterable[uuid.UUID], purpose: str) -> set[uuid.UUID]:
        """Give nobody."""
        return set()


async def trigger(tx: Transaction, batch: Batch[TouchpointStitched], automations: Automations) -> None:
    """Let messages wait for their time, where touchpoints trigger some."""
    if not automations.enabled:
        return
    scopes = Scopes(automations.scope)
    found: list[Outreach] = []
    for event in batch:
        fact, segments = wire.facts.fact(event.message), wire.facts.segments(event.message)
        found += [
            Outreach(
                outreach_id=ids.derive("outreach", each.name, str(fact.touchpoint_id)),
                automation=each.name,
                customer_id=uuid.UUID(fact.customer_id),
                touchpoint_id=fact.touchpoint_id,
                triggered_time=fact.occurred_time,
                due_time=fact.occurred_time + each.after,
            )
            for each in automations.enabled.values()
            if each.matches(fact, segments, scopes.of(fact))
        ]
    if found:
        await store.outreach.add_outreach(tx, found)


async def decide(
    db: Database, automations: Automations, consents: Consents, plans: Mapping[str, Plan], *, now: dt.datetime
) -> bool:
    """Send or skip each message whose time has come, and note why; says whether more may be waiting."""
    async with db.transaction() as tx:
        due = await store.outreach.due_outreach(tx, now=now, most=MOST_DECIDED)
    agreed: dict[str, set[uuid.UUID]] = {}
    for each in automations.enabled.values():
        customers = {one.customer_id for one in due if one.automation == each.name}
        if customers:
            agreed[each.name] = await consents.agreed(customers, each.purpose)
    if not due:
        return False
    async with db.transaction() as tx:
        for one in await store.outreach.due_outreach(tx, now=now, most=MOST_DECIDED):
            automation = automations.enabled.get(one.automation)
            consent = one.customer_id in agreed.get(one.automation, set())
            if await _decide(tx, one, automation, consent, now) and automation and automation.chain:
                await _hand_over(tx, one, plans.get(automation.chain), automation, now)
    return len(due) == MOST_DECIDED


async def _decide(
    tx: Transaction, given: Outreach, automation: Automation | None, consents: bool, now: dt.datetime
) -> bool:
    """Send or skip one message; says whether it was sent."""
    sent, happened = 0, False
    if automation:
        own = str(given.customer_id)
        customers = (await store.windows.families(tx, [own])).get(own, [own])
        sent = await store.outreach.count_outreach(tx, given, customers, after=now - automation.per)
        happened = bool(automation.unless) and await store.outreach.happened(tx, given, customers, automation.unless)
    late = now - given.due_time > _TOO_LATE
    reason = keeps_back(automation, consents=consents, sent=sent, happened=happened, late=late)
    await store.outreach.decide(tx, given.outreach_id, reason=reason, now=now)
    if automation and not reason:
        message = Delivery(
            delivery_id=given.outreach_id,
            target=automation.target,
            origin=Origin.AUTOMATION,
            reason=f"automation.{automation.name}",
            values={
                "automation": automation.name,
                "customer_id": str(given.customer_id),
                "touchpoint_id": str(given.touchpoint_id),
                "purpose": automation.purpose,
                "actor": "bot",  # What it answers is not answered by a person.
            },
            created_time=now,
        )
        await store.deliveries.add_deliveries(tx, [message])
    log.info("outreach.decided", outreach_id=str(given.outreach_id), automation=given.automation, reason=reason)
    return not reason


async def _hand_over(
    tx: Transaction, given: Outreach, plan: Plan | None, automation: Automation, now: dt.datetime
) -> None:
    """Start the chain that brings a person to the case which the touchpoint belongs to, unless somebody has it."""
    if plan is None:
        log.error("outreach.unknown_chain", automation=automation.name, chain=automation.chain)
        return
    keys = await store.cases_of(tx, [given.touchpoint_id])
    await store.hold(tx, keys)
    for dossier in (await store.load(tx, keys)).values():
        for case in dossier.cases:
            if not case.is_done and case.answered_time is None and case.acknowledged_time is None:
                cause = f"automation.{automation.name}/{given.touchpoint_id}"
                await start(tx, plan, case, cause=cause, reason=f"automation.{automation.name}", now=now)


async def list_outreach(
    db: Database, wanted: WantedOutreach, *, before: tuple[dt.datetime, uuid.UUID] | None, most: int
) -> list[Outreach]:
    """Give up to `most` messages to customers triggered before a moment, newest first."""
    async with db.transaction() as tx:
        return await store.outreach.page_outreach(tx, wanted, before=before, most=most)
