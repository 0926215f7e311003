"""Start chains, let time move them on, and say what became of them."""

import datetime as dt
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog
from prometheus_client import Gauge

from sori.notify.v1.case_events_pb2 import CaseOpened, CaseReopened, ClockBreached, ClockWarned
from sori_kit import ids
from sori_kit.bus import Batch
from sori_kit.database import Database, Transaction
from sori_kit.errors import Conflict, NotFound
from sori_notify import domain, store, wire
from sori_notify.deliveries.links import Claim, Links
from sori_notify.domain import chains
from sori_notify.domain.chains import Entry, EntryKind, Flaw, Plan, Recipient, RecipientKind, StepKind
from sori_notify.domain.delivery import Delivery, Origin
from sori_notify.domain.words import Severity
from sori_notify.settings.chains import Chains
from sori_notify.settings.schedules import Schedules
from sori_notify.settings.targets import Directory
from sori_notify.store.chains import Chain
from sori_notify.usecases.cases import act_on_case

log = structlog.get_logger()

MOST_MOVED = 100  # chains moved on in one transaction
WITHOUT_STEP = Gauge(
    "sori_notify_chains_without_step", "Chains of open cases that have no future step, by why.", ["reason"]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Who can be told, now."""

    directory: Directory
    schedules: Schedules

    def reach(self, recipient: Recipient, turns: Mapping[str, int], now: dt.datetime) -> tuple[str, ...]:
        """Give the targets that reach somebody; empty: nobody does."""
        name = recipient.name
        match recipient.kind:
            case RecipientKind.TARGET:
                return (name,) if name in self.directory.targets else ()
            case RecipientKind.PERSON:
                return self._of([name])
            case RecipientKind.TEAM:
                return self._of(self.directory.teams.get(name, ()))
            case RecipientKind.ROUND_ROBIN:
                team = self.directory.teams.get(name, ())
                return self._of([team[turns.get(name, 0) % len(team)]] if team else [])
            case RecipientKind.SCHEDULE:
                schedule = self.schedules.get(name)
                return self._of(schedule.on_call(now) if schedule else ())

    def named(self, names: Sequence[str], now: dt.datetime) -> tuple[str, ...]:
        """Give the targets behind names of targets, people, teams and schedules."""
        found: dict[str, None] = {}
        for name in names:
            for kind in (RecipientKind.TARGET, RecipientKind.PERSON, RecipientKind.TEAM, RecipientKind.SCHEDULE):
                found.update(dict.fromkeys(self.reach(Recipient(kind=kind, name=name), {}, now)))
        return tuple(found)

    def _of(self, people: Sequence[str]) -> tuple[str, ...]:
        targets = [target for person in people for target in self.directory.people.get(person, ())]
        return tuple(dict.fromkeys(each for each in targets if each in self.directory.targets))


Turned = TypeVar("Turned", CaseOpened, CaseReopened)
Ticked = TypeVar("Ticked", ClockWarned, ClockBreached)


async def start_on_turn(db: Database, batch: Batch[Turned], configured: Chains, turn: str, *, now: dt.datetime) -> None:
    """Start the chains that a turn of a customer's case starts, unless the case is done meanwhile."""
    async with db.handling(batch) as (tx, fresh):
        versions = {uuid.UUID(event.message.case.case_id): event.message.case.version for event in fresh}
        for case in await _open_cases(tx, versions, configured):
            for plan in _plans(configured, turn, case):
                cause = f"{turn}/{versions[case.case_id]}"
                await start(tx, plan, case, cause=cause, reason=f"chain.{plan.name}", now=now)


async def start_on_clock(
    db: Database, batch: Batch[Ticked], configured: Chains, turn: str, *, now: dt.datetime
) -> None:
    """Start the chains that a warning or a breach of a clock starts, unless the promise was kept meanwhile."""
    async with db.handling(batch) as (tx, fresh):
        turns = [wire.turn(event.message) for event in fresh]
        cases = {case.case_id: case for case in await _open_cases(tx, {each.case_id for each in turns}, configured)}
        for each in turns:
            case = cases.get(each.case_id)
            clock = case.clock_of(each.metric, each.instance) if case else None
            if case is None or clock is None or clock.fulfilled_time or clock.state is domain.ClockState.CANCELLED:
                continue
            reason = wire.clock_reason(clock, percent=each.percent % 100)
            for plan in _plans(configured, turn, case):
                if configured.starts[plan.name].matches_clock(each.metric, policy=clock.policy, percent=each.percent):
                    await start(tx, plan, case, cause=f"{turn}/{reason}/{each.version}", reason=reason, now=now)


async def _open_cases(tx: Transaction, case_ids: Collection[uuid.UUID], configured: Chains) -> list[domain.Case]:
    """Hold customers' cases that are not done."""
    if not case_ids or not configured.starts:
        return []
    keys = await store.keys_of(tx, case_ids)
    await store.hold(tx, set(keys.values()))
    dossiers = await store.load(tx, set(keys.values()))
    found = [dossiers[key].case(case_id) for case_id, key in keys.items()]
    return [each for each in found if each and each.origin is domain.Origin.CUSTOMER and not each.is_done]


def _plans(configured: Chains, turn: str, case: domain.Case) -> list[Plan]:
    return [
        configured.plans[name]
        for name, each in configured.starts.items()
        if each.matches(turn, channel=case.channel, org_unit=case.org_unit, severity=case.severity, topics=case.topics)
    ]


async def start(tx: Transaction, plan: Plan, case: domain.Case, *, cause: str, reason: str, now: dt.datetime) -> bool:
    """Start a chain for a case that is held; False: this cause started it before, or one like it is under way."""
    chain = Chain(
        chain_id=ids.derive("chain", plan.name, str(case.case_id), cause),
        case_id=case.case_id,
        plan=plan,
        about=wire.facts.about(case, reason=reason),
        started_time=now,
        log=(Entry(key="started", kind=EntryKind.STARTED, time=now, reason=cause.partition("/")[0]),),
    )
    started = bool(await store.chains.add_chains(tx, [chain]))
    if started:
        log.info("chain.started", chain_id=str(chain.chain_id), case_id=str(case.case_id), chain=plan.name)
    return started


async def move_chains(db: Database, people: People, links: Links, *, now: dt.datetime) -> bool:
    """Take every step whose time has come; says whether more may be waiting."""
    async with db.transaction() as tx:
        due = await store.chains.due_chains(tx, now=now, most=MOST_MOVED)
        for chain in due:
            await _move(tx, chain, people, links, now)
    return len(due) == MOST_MOVED


async def _move(tx: Transaction, chain: Chain, people: People, links: Links, now: dt.datetime) -> None:
    turns = {team: await store.chains.next_turn(tx, team) for team in _teams(chain)}
    spans = {each.within for each in chain.plan.steps if each.kind is StepKind.MORE_THAN}
    starts = {span: await store.chains.count_starts(tx, chain.plan.name, after=now - span) for span in spans}
    around = chains.Surroundings(
        reach=lambda recipient: people.reach(recipient, turns, now), starts=lambda span: starts.get(span, 0)
    )
    moved = chains.advance(chain.plan, chain.log, around, now=now)
    if moved is None:
        return
    pages = [each for page in moved.pages for each in _page(chain, page, links, now)]
    await store.deliveries.add_deliveries(tx, pages)
    await store.chains.record(tx, chain, moved.entries, moved.standing)
    for entry in moved.entries:
        log.info(
            "chain.stepped",
            chain_id=str(chain.chain_id),
            case_id=str(chain.case_id),
            kind=entry.kind,
            round=entry.round,
            step=entry.step,
            reason=entry.reason,
        )


def _teams(chain: Chain) -> set[str]:
    """Name the teams whose turn is asked for before the chain waits again."""
    standing = chains.stand(chain.plan, chain.log)
    if standing is None or standing.state is not chains.ChainState.RUNNING:
        return set()
    found: set[str] = set()
    for number, step in enumerate(chain.plan.steps[standing.step :]):
        if step.kind is StepKind.WAIT and number:
            break
        if step.recipient and step.recipient.kind is RecipientKind.ROUND_ROBIN:
            found.add(step.recipient.name)
    return found


def _page(chain: Chain, page: chains.Page, links: Links, now: dt.datetime) -> list[Delivery]:
    about = dict(chain.about)
    return [
        Delivery(
            delivery_id=ids.derive("page", str(chain.chain_id), str(page.round), str(page.step), target),
            target=target,
            origin=Origin.CHAIN,
            reason="handed_over" if page.step < 0 else str(about.get("reason", "chain")),
            severity=Severity(str(about.get("severity", "normal"))),
            case_id=chain.case_id,
            chain_id=chain.chain_id,
            org_unit=str(about.get("org_unit", "")),
            values={
                **about,
                "chain": chain.plan.name,
                "round": page.round,
                "step": page.step,
                "link": links.make(chain.case_id, target, now=now),
            },
            created_time=now,
        )
        for target in page.targets
    ]


async def take_by_link(db: Database, claim: Claim, *, now: dt.datetime) -> uuid.UUID:
    """Let somebody who was told take a case by the link that came with it."""
    case = await act_on_case(
        db,
        claim.case_id,
        frozenset(domain.Origin),
        domain.ActKind.ACKNOWLEDGE,
        by=f"link:{claim.target}",
        now=now,
    )
    return case.case_id


async def snooze(db: Database, case_id: uuid.UUID, *, by: str, until: dt.datetime, now: dt.datetime) -> list[Chain]:
    """Let the chains of a case rest until a moment; what waits to go out is taken back."""
    if until <= now:
        raise Conflict("a snooze ends in the future")

    def entry(_: Chain) -> Entry:
        return Entry(key=f"snoozed/{now.isoformat()}", kind=EntryKind.SNOOZED, time=now, by=by, until=until)

    return await _note(db, case_id, entry, now=now)


async def hand_over(
    db: Database, case_id: uuid.UUID, recipient: Recipient, people: People, links: Links, *, by: str, now: dt.datetime
) -> list[Chain]:
    """Tell somebody else at once; the chains of the case begin a new round, which their acknowledgement stops."""
    targets = people.reach(recipient, {}, now)
    if not targets:
        raise Conflict(f"{recipient.kind} {recipient.name} cannot be reached")

    def entry(_: Chain) -> Entry:
        key = f"handed-over/{now.isoformat()}"
        return Entry(key=key, kind=EntryKind.HANDED_OVER, time=now, by=by, recipient=recipient)

    return await _note(db, case_id, entry, now=now, told=targets, links=links)


async def _note(
    db: Database,
    case_id: uuid.UUID,
    entry: Callable[[Chain], Entry],
    *,
    now: dt.datetime,
    told: tuple[str, ...] = (),
    links: Links | None = None,
) -> list[Chain]:
    async with db.transaction() as tx:
        found = await store.chains.chains_of(tx, [case_id])
        if not found:
            raise NotFound(f"case {case_id} has no chain under way")
        await store.deliveries.cancel_deliveries(tx, [case_id])
        for number, chain in enumerate(found):
            made = entry(chain)
            standing = chains.stand(chain.plan, [*chain.log, made])
            if standing is None:
                continue
            await store.chains.record(tx, chain, [made], standing)
            if told and links and not number:
                page = chains.Page(round=standing.round, step=-1, targets=told)
                await store.deliveries.add_deliveries(tx, _page(chain, page, links, now))
        return await store.chains.all_chains_of(tx, case_id)


async def list_chains(db: Database, case_id: uuid.UUID) -> list[Chain]:
    """Give the chains of a case with everything that happened to them."""
    async with db.transaction() as tx:
        return await store.chains.all_chains_of(tx, case_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flawed:
    """A chain of an open case that has no future step."""

    chain: Chain
    flaw: Flaw


async def audit_chains(db: Database, *, grace: dt.timedelta, now: dt.datetime) -> tuple[int, list[Flawed]]:
    """Look at each open case with a chain: how many chains there are, and those without a future step.

    A row names the next step in one transaction with the log, and by it the step is taken: logs are read of those only
    whose row names none.
    """
    async with db.transaction() as tx:
        count = await store.chains.count_open(tx)
        found = await store.chains.doubtful_chains(tx, before=now - grace)
    flawed = [
        Flawed(chain=each, flaw=flaw)
        for each in found
        if (flaw := chains.audit(chains.stand(each.plan, each.log), now=now, grace=grace))
    ]
    for flaw in Flaw:
        WITHOUT_STEP.labels(flaw.value).set(sum(each.flaw is flaw for each in flawed))
    return count, flawed
