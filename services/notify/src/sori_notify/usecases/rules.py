"""Ask the rules about what arrives, and do what they say."""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import structlog
from prometheus_client import Counter as Metric

from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import ids
from sori_kit.bus import Batch
from sori_kit.database import Database, Transaction
from sori_kit.envelope import Event
from sori_kit.errors import Conflict
from sori_notify import domain, store, wire
from sori_notify.domain import ActKind
from sori_notify.domain.delivery import Delivery, Origin, excerpt
from sori_notify.domain.rules import (
    Count,
    CountBy,
    Counter,
    Fact,
    Firing,
    Rule,
    RuleSet,
    Scopes,
    dry_run,
    holding,
    settle,
)
from sori_notify.settings.chains import Chains
from sori_notify.settings.targets import Directory
from sori_notify.usecases.cases import act_with
from sori_notify.usecases.chains import People, start
from sori_notify.usecases.follow import take_in
from sori_notify.wire.touchpoints import promised

log = structlog.get_logger()

FIRINGS = Metric("sori_notify_rule_firings_total", "Rules that held, by rule.", ["rule"])
_MOST_LATER = 500  # touchpoints asked about again because one came late
_MOST_REPLAYED = 200_000  # touchpoints of one dry run
_PASSING = frozenset({"view", "visit"})  # Kept only where something counts them: there are too many.


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Everything that rules may make use of."""

    policies: domain.Policies
    settle: dt.timedelta
    rules: RuleSet = field(default_factory=RuleSet)
    chains: Chains = field(default_factory=Chains)
    people: People = field(default_factory=lambda: People(directory=Directory(), schedules={}))


async def apply_rules(
    tx: Transaction,
    batch: Batch[TouchpointStitched],
    house: House,
    *,
    also_kept: Collection[str] = (),
    now: dt.datetime,
) -> None:
    """Ask the rules about touchpoints and do, once, what they say; keeps them, and always those of `also_kept` kinds.

    Of several revisions the newest is asked about.
    """
    if not (house.rules.rules or also_kept):
        return
    events: dict[uuid.UUID, Event[TouchpointStitched]] = {}
    facts: dict[uuid.UUID, Fact] = {}
    for event in batch:
        fact = wire.facts.fact(event.message)
        if (known := facts.get(fact.touchpoint_id)) is None or known.revision < fact.revision:
            events[fact.touchpoint_id], facts[fact.touchpoint_id] = event, fact
    newest = list(facts.values())
    if any(each.revision for each in newest):
        newest = await store.windows.newest(tx, newest)
    if newest:
        newest.sort(key=lambda each: (each.occurred_time, each.touchpoint_id))
        await _Asking(tx, house, events, now).run(newest, also_kept)


class _Asking:
    """One batch on its way through the rules."""

    def __init__(
        self,
        tx: Transaction,
        house: House,
        events: dict[uuid.UUID, Event[TouchpointStitched]],
        now: dt.datetime,
    ) -> None:
        self.tx = tx
        self.house = house
        self.events = events
        self.now = now
        self.scopes = Scopes(house.rules.scope)
        self.counts: dict[tuple[str, uuid.UUID], Count] = {}
        self.families: dict[str, list[str]] = {}

    async def run(self, facts: Sequence[Fact], also_kept: Collection[str]) -> None:
        rules = self.house.rules
        counted = [(counter, fact) for fact in facts for counter in rules.counted(fact, self.scopes.of(fact))]
        await store.windows.recount(self.tx, [each.touchpoint_id for each in facts if each.revision], counted)
        counting = {fact.touchpoint_id for _, fact in counted}
        await store.windows.add_facts(
            self.tx,
            [
                (each, wire.facts.kept(self.events[each.touchpoint_id].message))
                for each in facts
                if each.kind in also_kept
                or (rules.rules and (each.kind not in _PASSING or each.touchpoint_id in counting))
            ],
        )
        asked = [(each, candidates) for each in facts if (candidates := rules.candidates(each))]
        self.families = await store.windows.families(
            self.tx,
            {each.customer_id for each, candidates in asked if each.customer_id and _by_customer(candidates)}
            | {fact.customer_id for counter, fact in counted if counter.by is CountBy.CUSTOMER},
        )
        later = await self._count([*counted, *_counting(asked)])
        if again := await self._again(later, {each.touchpoint_id for each in facts}):
            await self._count(_counting(again))
            asked += again
        await self._hold(fact for fact, candidates in asked if any(each.reads_case for each in candidates))
        firings: list[Firing] = []
        for fact, candidates in sorted(asked, key=lambda each: (each[0].occurred_time, each[0].touchpoint_id)):
            scope = self.scopes.of(fact)
            if any(each.reads_case for each in candidates):
                scope().add("case", await self._case(fact))
            firings += settle(fact, holding(candidates, fact, scope, self._counted))
        if firings:
            fired = await store.windows.add_firings(self.tx, firings, self.families, now=self.now)
            await self._hold(each.fact for each in fired if each.rule.actions.on_case)
            for each in fired:
                await self._act(each)

    async def _hold(self, facts: Iterable[Fact]) -> None:
        """Hold the threads of touchpoints in one order, so that transactions do not wait for each other in a circle."""
        events = [event for fact in facts if (event := self.events.get(fact.touchpoint_id))]
        messages = [_message(each.message, self.house.policies, opens=True) for each in events]
        if keys := {each.case_id for each in messages if each}:
            await store.hold(self.tx, keys)

    async def _again(
        self, later: Sequence[tuple[Counter, Fact]], known: set[uuid.UUID]
    ) -> list[tuple[Fact, tuple[Rule, ...]]]:
        """Find touchpoints that occurred later than ones that came only now: their counts have grown."""
        by_counter: dict[str, tuple[Counter, list[Fact]]] = {}
        for counter, fact in later:
            by_counter.setdefault(counter.counter_id, (counter, []))[1].append(fact)
        grown: dict[uuid.UUID, set[str]] = defaultdict(set)
        for counter, facts in by_counter.values():
            found = await store.windows.later(self.tx, counter, facts, self.families, most=_MOST_LATER)
            for touchpoint_id in found - known:
                grown[touchpoint_id].add(counter.counter_id)
                self.events.setdefault(touchpoint_id, self.events[facts[-1].touchpoint_id])  # What cases are made of.
        if not grown:
            return []
        again: list[tuple[Fact, tuple[Rule, ...]]] = []
        for fact in map(wire.facts.read_again, await store.windows.load_facts(self.tx, list(grown))):
            wanted = grown[fact.touchpoint_id]
            rules = tuple(
                rule
                for rule in self.house.rules.candidates(fact)
                if any(each.counter_id in wanted for each in rule.counters)
            )
            again.append((fact, rules))
        return again

    async def _count(self, wanted: Iterable[tuple[Counter, Fact]]) -> list[tuple[Counter, Fact]]:
        """Count; gives that after which others were counted that occurred later, within the counter's time."""
        by_counter: dict[str, tuple[Counter, dict[uuid.UUID, Fact]]] = {}
        for counter, fact in wanted:
            by_counter.setdefault(counter.counter_id, (counter, {}))[1][fact.touchpoint_id] = fact
        later: list[tuple[Counter, Fact]] = []
        for counter, facts in by_counter.values():
            found = await store.windows.counts(self.tx, counter, list(facts.values()), self.families)
            for touchpoint_id, count in found.items():
                self.counts[counter.counter_id, touchpoint_id] = count
                if count.later:
                    later.append((counter, facts[touchpoint_id]))
        return later

    def _counted(self, counter: Counter, fact: Fact) -> Count:
        return self.counts[counter.counter_id, fact.touchpoint_id]

    async def _case(self, fact: Fact) -> dict[str, object]:
        dossier = await self._dossier(fact)
        case = dossier.cases[-1] if dossier and dossier.cases else None
        return wire.facts.of_case(case, at=fact.occurred_time)

    async def _dossier(self, fact: Fact, *, opens: bool = False) -> domain.Dossier | None:
        """Hold the thread of a touchpoint with the touchpoint taken into it, opening a case where that is asked for."""
        event = self.events.get(fact.touchpoint_id)
        message = _message(event.message, self.house.policies, opens=opens) if event else None
        if event is None or message is None:
            return None
        if message.opens and opens:
            await store.hold(self.tx, [message.case_id])
            await store.windows.reopen_message(self.tx, message.touchpoint_id)
        key = await take_in(self.tx, [message], {message.case_id: event}, settle=self.house.settle, now=self.now)
        return (await store.load(self.tx, key)).get(next(iter(key)))

    async def _act(self, firing: Firing) -> None:
        """Do what a rule that held says."""
        rule, fact = firing.rule, firing.fact
        FIRINGS.labels(rule.name).inc()
        log.info(
            "rule.fired",
            rule=rule.name,
            touchpoint_id=str(fact.touchpoint_id),
            suppressed_by=firing.suppressed_by,
            actions=list(rule.actions.names),
        )
        if firing.suppressed_by:
            return
        case: domain.Case | None = None
        if rule.actions.on_case:
            case = await self._work_on_case(firing)
        plan = self.house.chains.plans.get(rule.actions.chain)
        if plan and case and not case.is_done:
            cause = f"rule.{rule.name}/{fact.touchpoint_id}"
            await start(self.tx, plan, case, cause=cause, reason=f"rule.{rule.name}", now=self.now)
        elif rule.actions.chain and plan is None:
            log.error("rule.unknown_chain", rule=rule.name, chain=rule.actions.chain)
        names = [*rule.actions.notify, *rule.actions.webhook]
        targets = self.house.people.named(names, self.now)
        if names and not targets:
            log.error("rule.nobody", rule=rule.name)
        await store.deliveries.add_deliveries(self.tx, [self._message(firing, case, each) for each in targets])

    async def _work_on_case(self, firing: Firing) -> domain.Case | None:
        actions, fact = firing.rule.actions, firing.fact
        dossier = await self._dossier(fact, opens=actions.needs_case)
        case = _of(dossier, fact)
        if dossier is None or case is None:
            return None
        for kind, wanted in ((ActKind.SET_SEVERITY, actions.severity), (ActKind.TAG, actions.tags)):
            if wanted and dossier and case:
                act = domain.Act(
                    act_id=ids.derive("act", "rule", firing.rule.name, str(fact.touchpoint_id), kind),
                    case_id=case.case_id,
                    kind=kind,
                    time=max(self.now, fact.occurred_time),
                    actor=f"rule:{firing.rule.name}",
                    severity=actions.severity if kind is ActKind.SET_SEVERITY else None,
                    tags=actions.tags if kind is ActKind.TAG else (),
                )
                case = await act_with(self.tx, dossier, case, act, now=self.now)
                dossier = (await store.load(self.tx, [dossier.key]))[dossier.key]
        return case

    def _message(self, firing: Firing, case: domain.Case | None, name: str) -> Delivery:
        rule, fact = firing.rule, firing.fact
        target = self.house.people.directory.targets[name]
        severity = rule.actions.severity or (case.severity if case else domain.Severity.NORMAL)
        touchpoint, classification = fact.values["touchpoint"], fact.values["classification"]
        words = excerpt(str(touchpoint.get("text", "")), target.words)
        values: dict[str, object] = {
            "rule": rule.name,
            "channel": fact.channel,
            "org_unit": fact.org_unit,
            "product": fact.product,
            "source": fact.source,
            "touchpoint_id": str(fact.touchpoint_id),
            "topics": classification.get("topics", []),
            "count": next((each.now for each in firing.counts.values()), 0),
            "case_id": str(case.case_id) if case else "",
            **({"words": words} if words else {}),
        }
        return Delivery(
            delivery_id=ids.derive("rule", rule.name, str(fact.touchpoint_id), name),
            target=name,
            origin=Origin.RULE,
            reason=f"rule.{rule.name}",
            severity=severity,
            case_id=case.case_id if case else None,
            org_unit=fact.org_unit,
            values=values,
            created_time=self.now,
        )


def _counting(asked: Iterable[tuple[Fact, tuple[Rule, ...]]]) -> list[tuple[Counter, Fact]]:
    return [
        (counter, fact)
        for fact, candidates in asked
        for rule in candidates
        for counter in rule.counters
        if fact.key(counter.by)
    ]


def _by_customer(rules: Iterable[Rule]) -> bool:
    return any(each.per is CountBy.CUSTOMER or any(c.by is CountBy.CUSTOMER for c in each.counters) for each in rules)


def _message(stitched: TouchpointStitched, policies: domain.Policies, *, opens: bool) -> domain.Message | None:
    if not opens:
        return wire.message(stitched, policies)
    message = wire.message(stitched, replace(policies, opening_kinds=frozenset(domain.Kind)))
    return promised(message, policies) if message else None


def _of(dossier: domain.Dossier | None, fact: Fact) -> domain.Case | None:
    """Give the case that a touchpoint opened, or else the newest of its thread."""
    if dossier is None or not dossier.cases:
        return None
    opened = [each for each in dossier.cases if each.touchpoint_id == fact.touchpoint_id]
    return opened[0] if opened else max(dossier.cases, key=lambda each: each.opened_time)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What rules would have done."""

    asked: int
    firings: list[Firing]
    complete: bool  # False: there were more touchpoints than one trial takes.


async def test_rules(db: Database, ruleset: RuleSet, *, start_time: dt.datetime, end_time: dt.datetime) -> Trial:
    """Ask rules about the touchpoints that are kept of a time; nothing is done. What was said is not kept."""
    if end_time <= start_time:
        raise Conflict("end_time is not after start_time")
    reach = max((each.reach for rule in ruleset.rules for each in rule.counters), default=dt.timedelta())
    async with db.transaction() as tx:
        kept = await store.windows.facts_between(tx, start_time - reach, end_time, most=_MOST_REPLAYED + 1)
    facts = list(map(wire.facts.read_again, kept))
    complete = len(facts) <= _MOST_REPLAYED
    firings = [each for each in dry_run(ruleset, facts) if each.fact.occurred_time >= start_time]
    return Trial(asked=sum(each.occurred_time >= start_time for each in facts), firings=firings, complete=complete)


def try_rules(ruleset: RuleSet, stitched: Iterable[TouchpointStitched]) -> Trial:
    """Ask rules about given touchpoints; nothing is done."""
    facts = [wire.facts.fact(each) for each in stitched]
    return Trial(asked=len(facts), firings=dry_run(ruleset, facts), complete=True)


async def drop_old_facts(db: Database, *, before: dt.datetime) -> None:
    """Forget what is older than any rule may look back."""
    async with db.transaction() as tx:
        await store.windows.drop_old(tx, before=before)
