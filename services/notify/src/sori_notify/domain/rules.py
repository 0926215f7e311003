"""Rules over touchpoints: which could hold, what they count, and what is done when they hold."""

import bisect
import datetime as dt
import hashlib
import math
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from sori_notify.domain.words import Severity

Values = Mapping[str, Mapping[str, object]]  # section (touchpoint, classification, position, case) > field > value
Condition = Callable[[object], bool]  # Asked with a scope, see `RuleSet.scope`.
BETWEEN = "\x1f"  # in keys of threads: their source and their id
Plain = Callable[[Values], bool]  # A part of a condition that needs no scope, which is dear to make.


class CountBy(StrEnum):
    """Whose touchpoints are counted together."""

    CUSTOMER = "customer"
    THREAD = "thread"
    PRODUCT = "product"
    ORG_UNIT = "org_unit"
    CHANNEL = "channel"
    SOURCE = "source"
    ALL = "all"


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Fact:
    """A touchpoint as rules see it; nobody changes it."""

    touchpoint_id: uuid.UUID
    revision: int
    occurred_time: dt.datetime
    channel: str
    kind: str
    actor: str
    sentiment: str
    source: str
    thread_id: str  # The touchpoint's own id where the source knows no threads.
    customer_id: str  # empty: nobody known
    product: str
    org_unit: str
    values: Values

    def key(self, by: CountBy) -> str:
        """Say with which others it is counted; empty: with none."""
        match by:
            case CountBy.CUSTOMER:
                return self.customer_id
            case CountBy.THREAD:
                return f"{self.source}{BETWEEN}{self.thread_id}"
            case CountBy.PRODUCT:
                return self.product
            case CountBy.ORG_UNIT:
                return self.org_unit
            case CountBy.CHANNEL:
                return self.channel
            case CountBy.SOURCE:
                return self.source
            case CountBy.ALL:
                return "all"

    @property
    def words(self) -> tuple[str, str, str, str]:
        """Give what keys match."""
        return self.channel, self.kind, self.actor, self.sentiment


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What can be told without asking the condition; an empty set matches all."""

    channels: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    actors: frozenset[str] = frozenset()
    sentiments: frozenset[str] = frozenset()

    def match(self, channel: str, kind: str, actor: str, sentiment: str) -> bool:
        """Say whether a touchpoint of these words could be meant."""
        return (
            (not self.channels or channel in self.channels)
            and (not self.kinds or kind in self.kinds)
            and (not self.actors or actor in self.actors)
            and (not self.sentiments or sentiment in self.sentiments)
        )

    def narrowed(self, other: "Keys") -> "Keys | None":
        """Give what both match, or None when nothing can match both."""
        found: dict[str, frozenset[str]] = {}
        for name in ("channels", "kinds", "actors", "sentiments"):
            mine: frozenset[str] = getattr(self, name)
            theirs: frozenset[str] = getattr(other, name)
            both = mine & theirs if mine and theirs else mine or theirs
            if mine and theirs and not both:
                return None
            found[name] = both
        return Keys(**found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked about a touchpoint, the cheap parts first; all of them have to hold."""

    keys: Keys = field(default_factory=Keys)
    plain: Plain | None = None
    condition: Condition | None = None

    def may_hold(self, fact: Fact) -> bool:
        """Say whether the plain part holds; that the keys match is known."""
        return self.plain is None or self.plain(fact.values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter(Question):
    """Touchpoints counted over a time that ends with the one looked at."""

    name: str
    by: CountBy
    within: dt.timedelta
    usual_over: dt.timedelta | None = None  # The time before that, which tells what is usual.
    spelled: str = ""  # Its definition; another definition counts anew.

    counter_id: str = field(init=False)  # Names the count in the store: the same for the same definition.

    def __post_init__(self) -> None:
        object.__setattr__(self, "counter_id", hashlib.sha256(self.spelled.encode()).hexdigest()[:24])

    @property
    def reach(self) -> dt.timedelta:
        """Say how far back it looks."""
        return self.within + (self.usual_over or dt.timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a counter says at one moment."""

    now: int
    usual: float = 0.0  # how many there usually are in as long a time
    later: bool = False  # Some were counted that occurred later, less than the counter's time after.

    def values(self) -> dict[str, object]:
        """Spell it as conditions read it."""
        times = self.now / self.usual if self.usual else (math.inf if self.now else 0.0)
        return {"now": self.now, "usual": self.usual, "times_usual": times}


def usual(before: int, *, since: dt.datetime | None, end: dt.datetime, counter: Counter) -> float:
    """Say how many there usually are within the counter's time, from the `before` counted ahead of it.

    `since` is when the first of all was counted: before that nobody counted, which is not the same as none.
    """
    if counter.usual_over is None or since is None:
        return 0.0
    until = end - counter.within
    length = until - max(until - counter.usual_over, since)
    if length <= dt.timedelta():
        return 0.0
    return before * (counter.within / max(length, counter.within))


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What is done when a rule holds."""

    open_case: bool = False
    severity: Severity | None = None
    tags: tuple[str, ...] = ()
    chain: str = ""
    notify: tuple[str, ...] = ()  # targets, people, teams, schedules
    webhook: tuple[str, ...] = ()  # targets
    suppress: bool = False  # Rules further down do nothing for this touchpoint.

    @property
    def needs_case(self) -> bool:
        """Say whether there has to be a case."""
        return self.open_case or bool(self.chain)

    @property
    def on_case(self) -> bool:
        """Say whether something is done to a case."""
        return self.needs_case or self.severity is not None or bool(self.tags)

    @property
    def names(self) -> tuple[str, ...]:
        """Name what is done."""
        done = {
            "open_case": self.open_case,
            "severity": self.severity,
            "tags": self.tags,
            "chain": self.chain,
            "notify": self.notify,
            "webhook": self.webhook,
            "suppress": self.suppress,
        }
        return tuple(name for name, value in done.items() if value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Question):
    """When what is done."""

    name: str
    counters: tuple[Counter, ...] = ()
    least: Mapping[str, int] = field(default_factory=dict)  # what counters have to say at least, by name
    per: CountBy | None = None  # None: each touchpoint for itself.
    every: dt.timedelta | None = None  # At most once in that time for each of `per`.
    actions: Actions
    reads_case: bool = False
    reads_text: bool = False

    def key(self, fact: Fact) -> str:
        """Say for whom or what it holds, and so holds once."""
        return fact.key(self.per) if self.per and self.every else str(fact.touchpoint_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """A rule that held for a touchpoint."""

    rule: Rule
    fact: Fact
    key: str
    suppressed_by: str = ""
    counts: Mapping[str, Count] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class RuleSet:
    """The rules in force, in the order in which they are asked."""

    rules: tuple[Rule, ...] = ()
    scope: Callable[[Values], Any] = lambda values: values  # What conditions are asked with.
    version: str = ""
    _asked: dict[tuple[str, str, str, str], tuple[Rule, ...]] = field(default_factory=dict)
    _counted: dict[tuple[str, str, str, str], tuple[Counter, ...]] = field(default_factory=dict)

    def candidates(self, fact: Fact) -> tuple[Rule, ...]:
        """Give the rules that could hold, by what can be told cheaply."""
        found = self._asked.get(fact.words)
        if found is None:
            found = self._asked[fact.words] = tuple(each for each in self.rules if each.keys.match(*fact.words))
        return tuple(each for each in found if each.may_hold(fact)) if found else found

    def counted(self, fact: Fact, scope: Callable[[], object]) -> list[Counter]:
        """Give the counters that count it, each definition once."""
        found = self._counted.get(fact.words)
        if found is None:
            distinct = {each.counter_id: each for rule in self.rules for each in rule.counters}
            found = self._counted[fact.words] = tuple(
                each for each in distinct.values() if each.keys.match(*fact.words)
            )
        return [
            each
            for each in found
            if fact.key(each.by) and each.may_hold(fact) and (each.condition is None or each.condition(scope()))
        ]


def settle(fact: Fact, held: Sequence[tuple[Rule, Mapping[str, Count]]]) -> list[Firing]:
    """Turn the rules that held for a touchpoint, in their order, into firings: one that suppresses stills the rest."""
    found: list[Firing] = []
    suppressor = ""
    for rule, counts in held:
        found.append(Firing(rule=rule, fact=fact, key=rule.key(fact), suppressed_by=suppressor, counts=counts))
        if rule.actions.suppress and not suppressor:
            suppressor = rule.name
    return found


class Spacing:
    """When rules fired, for those that fire once in a time for each whom or what they hold for."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], list[dt.datetime]] = {}

    def note(self, rule: str, key: str, time: dt.datetime) -> None:
        """Note that a rule fired."""
        bisect.insort(self._times.setdefault((rule, key), []), time)

    def take(self, firing: Firing, key: str) -> bool:
        """Say whether a rule may fire, and note that it does; one that is suppressed keeps no other back."""
        every, time = firing.rule.every, firing.fact.occurred_time
        if every is None:
            return True
        times = self._times.get((firing.rule.name, key), [])
        after = bisect.bisect_right(times, time - every)
        if after < len(times) and times[after] < time + every:
            return False
        if not firing.suppressed_by:
            self.note(firing.rule.name, key, time)
        return True


class Memory:
    """Counts kept in memory, for a dry run: everything is known before anything is asked."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, str], list[dt.datetime]] = {}
        self._since: dict[str, dt.datetime] = {}

    def add(self, counter: Counter, fact: Fact) -> None:
        """Count a touchpoint."""
        bisect.insort(self._times.setdefault((counter.counter_id, fact.key(counter.by)), []), fact.occurred_time)
        since = self._since.get(counter.counter_id)
        self._since[counter.counter_id] = min(since, fact.occurred_time) if since else fact.occurred_time

    def count(self, counter: Counter, fact: Fact) -> Count:
        """Say what a counter says at a touchpoint."""
        times = self._times.get((counter.counter_id, fact.key(counter.by)), [])
        end = fact.occurred_time
        start = bisect.bisect_right(times, end - counter.within)
        before = start - bisect.bisect_right(times, end - counter.reach)
        return Count(
            now=bisect.bisect_right(times, end) - start,
            usual=usual(before, since=self._since.get(counter.counter_id), end=end, counter=counter),
        )


class AskedWith(Protocol):
    """What conditions are asked with, see `RuleSet.scope`."""

    def add(self, name: str, values: object) -> None:
        """Let conditions read one thing more."""
        ...


def holding(
    rules: Iterable[Rule], fact: Fact, scope: Callable[[], AskedWith], count: Callable[[Counter, Fact], Count]
) -> list[tuple[Rule, Mapping[str, Count]]]:
    """Give the rules among candidates that hold for a touchpoint, in their order, with what they counted."""
    found: list[tuple[Rule, Mapping[str, Count]]] = []
    for rule in rules:
        if not all(fact.key(each.by) for each in rule.counters) or (rule.per and not fact.key(rule.per)):
            continue
        counts = {each.name: count(each, fact) for each in rule.counters}
        if any(counts[name].now < least for name, least in rule.least.items()):
            continue
        if rule.condition:
            if counts:
                scope().add("counts", {name: each.values() for name, each in counts.items()})
            if not rule.condition(scope()):
                continue
        found.append((rule, counts))
    return found


class Scopes:
    """What conditions are asked with, made for a touchpoint when it is first needed."""

    def __init__(self, make: Callable[[Values], AskedWith]) -> None:
        self._make = make
        self._made: dict[uuid.UUID, AskedWith] = {}

    def of(self, fact: Fact) -> Callable[[], AskedWith]:
        """Give what gives the scope of a touchpoint, the same each time."""

        def scope() -> AskedWith:
            made = self._made.get(fact.touchpoint_id)
            if made is None:
                made = self._made[fact.touchpoint_id] = self._make(fact.values)
            return made

        return scope


def dry_run(ruleset: RuleSet, facts: Iterable[Fact]) -> list[Firing]:
    """Say what rules would have done about touchpoints, had they come in the order in which they occurred."""
    memory = Memory()
    ordered = sorted(
        {each.touchpoint_id: each for each in sorted(facts, key=lambda each: each.revision)}.values(),
        key=lambda each: (each.occurred_time, str(each.touchpoint_id)),
    )
    scopes = Scopes(ruleset.scope)
    for fact in ordered:
        for counter in ruleset.counted(fact, scopes.of(fact)):
            memory.add(counter, fact)
    found: list[Firing] = []
    spacing = Spacing()
    for fact in ordered:
        held = holding(ruleset.candidates(fact), fact, scopes.of(fact), memory.count)
        found += [each for each in settle(fact, held) if spacing.take(each, each.key)]
    return found
