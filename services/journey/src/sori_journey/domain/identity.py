"""The identity graph: which patterns of identifiers are one person's, decided from the whole of the evidence.

The result depends on the set of observations and decisions alone, not on the order in which they came.
"""

import datetime as dt
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from sori_journey.domain.identifiers import Identifier, IdentifierType, IdentityPolicy, Strength

_BUCKETS = 6  # in one lifetime: how finely a pattern with a lifetime is dated
_EPOCH = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Evidence:
    """The observation that speaks for something."""

    touchpoint_id: uuid.UUID
    time: dt.datetime  # when it occurred
    source: str

    @property
    def order(self) -> tuple[dt.datetime, uuid.UUID]:
        """Earlier evidence counts first."""
        return self.time, self.touchpoint_id


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Pattern:
    """The identifiers that observations had in common: however many they are, they say the same."""

    pattern_id: uuid.UUID
    identifiers: tuple[Identifier, ...]  # usable ones, strongest first; not empty
    first: Evidence  # the earliest of its observations
    birth_time: dt.datetime  # of the observation that came first, in order of arrival
    birth_id: uuid.UUID  # the customer whom that observation made known, if it was nobody known
    announced: bool  # whether a customer of that id was ever spoken of

    def anchor(self, shared: Collection[Identifier]) -> Identifier:
        """Give the identifier whose owner's touchpoints its observations are: the strongest that not many share."""
        return anchor_of(self.identifiers, shared)

    @property
    def birth(self) -> tuple[dt.datetime, uuid.UUID]:
        """The older of two customers keeps its id."""
        return self.birth_time, self.birth_id


def anchor_of(identifiers: Sequence[Identifier], shared: Collection[Identifier]) -> Identifier:
    """Give the strongest identifier that is not shared, or the first when all are."""
    if not shared or identifiers[0] not in shared:
        return identifiers[0]
    return next((each for each in identifiers if each not in shared), identifiers[0])


def pattern_parts(identifiers: Sequence[Identifier], occurred_time: dt.datetime, policy: IdentityPolicy) -> list[str]:
    """Give that by which the pattern of an observation is the same as another's; dated where lifetimes count."""
    parts = [part for each in identifiers for part in (each.type.value, each.value)]
    lifetimes = [lifetime for each in identifiers if (lifetime := policy.lifetime(each)) is not None]
    if lifetimes:
        parts.append(str((occurred_time - _EPOCH) // (min(lifetimes) / _BUCKETS)))
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """Somebody's word that two are one; stands above limits and strength."""

    decision_id: uuid.UUID
    time: dt.datetime
    left: Identifier
    right: Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Somebody's word that some identifiers are not the same person's as others; no rule ties them again."""

    decision_id: uuid.UUID
    time: dt.datetime
    apart: frozenset[Identifier]
    kept: frozenset[Identifier]


Decision = Merge | Split


class LinkKind(StrEnum):
    """Why two identifiers are one person's."""

    OBSERVED = "observed"  # They were seen together.
    MERGED = "merged"  # Somebody said so.
    CONTINUED = "continued"  # It is the same identifier after a long time unseen, and nobody else's since.


class RefusalReason(StrEnum):
    """Why identifiers that were seen together are not one person's."""

    STRONGER = "stronger"  # Both are known by something stronger than what would tie them.
    LIMIT = "limit"  # The customer has as many of its type as one may have.
    SHARED = "shared"  # Too many use it.
    SPLIT = "split"  # Somebody said that they are two.


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Link:
    """One step of the reasons why a customer is one person."""

    kind: LinkKind
    left: Identifier
    right: Identifier
    evidence: Evidence | None = None
    decision_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An identifier that was detached from those it was seen with, and why."""

    pattern_id: uuid.UUID
    anchor: Identifier  # stays with the touchpoint
    detached: Identifier
    reason: RefusalReason
    evidence: Evidence


class Node(NamedTuple):
    """An identifier within one of its lives: what is unseen for its lifetime may be somebody else's afterwards."""

    identifier: Identifier
    life: int = 0


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Component:
    """What is one person's."""

    customer_id: uuid.UUID
    patterns: tuple[Pattern, ...]  # oldest birth first
    anchors: tuple[Identifier, ...]  # of each pattern
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @property
    def pattern_ids(self) -> frozenset[uuid.UUID]:
        """Names of its patterns."""
        return frozenset(each.pattern_id for each in self.patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Who is who, according to all that was given."""

    components: tuple[Component, ...]
    refusals: tuple[Refusal, ...]
    owners: Mapping[Identifier, uuid.UUID | None]  # Who has it now; None: a thing that no customer keeps.
    shared: frozenset[Identifier]
    regions: tuple[frozenset[Identifier], ...]  # What must be looked at together; a component is within one.

    def customer_of(self, identifier: Identifier) -> Component | None:
        """Give the customer who has an identifier now."""
        owner = self.owners.get(identifier)
        return next((each for each in self.components if each.customer_id == owner), None)


@dataclass(slots=True)
class _Part:
    """A growing component."""

    nodes: list[Node]
    values: dict[str, set[str]]  # by type; temporary ones are not counted
    strengths: list[int]  # how many nodes of each strength
    sides: dict[uuid.UUID, int]  # of splits: 1 apart, 2 kept
    links: list[Link] = field(default_factory=list)


def resolve(
    patterns: Iterable[Pattern],
    decisions: Iterable[Decision],
    policy: IdentityPolicy,
    *,
    shared: Collection[Identifier] = (),
) -> Resolution:
    """Decide who is who.

    What people decided counts first, then strong identifiers, then medium, then weak ones; among equals priority, then
    the earliest evidence. A tie that would go against a stronger one is refused, and its identifier detached.
    `shared` names what is known to be shared from evidence that is not among `patterns`.
    """
    return _Resolver(list(patterns), list(decisions), policy, frozenset(shared)).resolve()


class _Resolver:
    def __init__(
        self, patterns: list[Pattern], decisions: list[Decision], policy: IdentityPolicy, shared: frozenset[Identifier]
    ) -> None:
        self._patterns = sorted(patterns, key=lambda each: each.first.order)
        self._merges = sorted(
            (each for each in decisions if isinstance(each, Merge)), key=lambda each: (each.time, each.decision_id)
        )
        self._splits = [each for each in decisions if isinstance(each, Split)]
        self._policy = policy
        self._shared = shared | self._crowded()
        self._anchors = [each.anchor(self._shared) for each in self._patterns]
        self._lives = self._date(self._shared, self._anchors)
        self._nodes: dict[Identifier, Node] = {}  # of what has one life
        self._parts: dict[Node, _Part] = {}
        self._refusals: list[Refusal] = []
        self._anchored: list[Node] = []  # the node of each anchor

    def resolve(self) -> Resolution:
        self._anchored = list(map(self._node, self._anchors, self._patterns))
        self._decide()
        self._observe()
        self._continue()
        return self._resolution()

    def _crowded(self) -> frozenset[Identifier]:
        """Find what was seen with too many stronger identifiers of one type within one life."""
        lives = self._date(frozenset(), [each.identifiers[0] for each in self._patterns])
        seen: dict[tuple[Identifier, int, str], set[str]] = defaultdict(set)
        beside: dict[tuple[Identifier, int, str], set[str]] = defaultdict(set)
        for pattern in self._patterns:
            if len(pattern.identifiers) == 1:
                continue
            anchor, *others = pattern.identifiers
            for each in others:
                seen[each, self._life(lives, each, pattern), anchor.type].add(anchor.value)
                if self._policy.strength(each) == self._policy.strength(anchor) != Strength.STRONG:
                    beside[anchor, self._life(lives, anchor, pattern), each.type].add(each.value)
        by_type = self._policy.by_type
        return frozenset(
            each
            for (each, _, _), values in seen.items()
            if (most := by_type[each.type].shared_above) is not None and len(values) > most
        ) | frozenset(each for (each, _, _), values in beside.items() if len(values) > by_type[each.type].crowd_above)

    def _date(
        self, shared: frozenset[Identifier], anchors: Sequence[Identifier]
    ) -> dict[Identifier, dict[dt.datetime, int]]:
        """Count the lives of the identifiers that have a lifetime, from the times at which they were seen."""
        times: dict[Identifier, set[dt.datetime]] = defaultdict(set)
        for pattern, anchor in zip(self._patterns, anchors, strict=True):
            for each in pattern.identifiers:
                if self._policy.lifetime(each) is None:
                    continue
                if not shared or each not in shared or each == anchor:
                    times[each].add(pattern.first.time)
        dated: dict[Identifier, dict[dt.datetime, int]] = {}
        for each, seen in times.items():
            lifetime = self._policy.lifetime(each)
            lives: dict[dt.datetime, int] = {}
            before: dt.datetime | None = None
            life = 0
            for time in sorted(seen):
                if before is not None and lifetime is not None and time - before > lifetime:
                    life += 1
                lives[time] = life
                before = time
            dated[each] = lives
        return dated

    @staticmethod
    def _life(lives: Mapping[Identifier, Mapping[dt.datetime, int]], identifier: Identifier, pattern: Pattern) -> int:
        dated = lives.get(identifier)
        return dated.get(pattern.first.time, 0) if dated else 0

    def _node(self, identifier: Identifier, pattern: Pattern) -> Node:
        if identifier in self._lives:
            return Node(identifier=identifier, life=self._life(self._lives, identifier, pattern))
        known = self._nodes.get(identifier)
        if known is None:
            known = self._nodes[identifier] = Node(identifier=identifier)
        return known

    def _latest_node(self, identifier: Identifier) -> Node:
        lives = self._lives.get(identifier)
        return Node(identifier=identifier, life=max(lives.values()) if lives else 0)

    def _part(self, node: Node) -> _Part:
        part = self._parts.get(node)
        if part is None:
            strengths = [0, 0, 0]
            strengths[self._policy.strength(node.identifier)] = 1
            kind, value = node.identifier
            values: dict[str, set[str]] = {} if node.identifier.temporary else {kind: {value}}
            sides = {
                each.decision_id: side
                for each in self._splits
                if (side := (node.identifier in each.apart) + 2 * (node.identifier in each.kept))
            }
            part = self._parts[node] = _Part([node], values, strengths, sides)
        return part

    def _join(self, left: _Part, right: _Part, link: Link) -> None:
        if len(left.nodes) < len(right.nodes):
            left, right = right, left
        for node in right.nodes:
            self._parts[node] = left
        left.nodes += right.nodes
        left.links += [*right.links, link]
        for kind, values in right.values.items():
            left.values.setdefault(kind, set()).update(values)
        left.strengths = [one + other for one, other in zip(left.strengths, right.strengths, strict=True)]
        for decision_id, side in right.sides.items():
            left.sides[decision_id] = left.sides.get(decision_id, 0) | side

    @staticmethod
    def _are_split(left: _Part, right: _Part) -> bool:
        return any(
            {left.sides.get(decision_id, 0), side} == {1, 2} for decision_id, side in right.sides.items() if side != 3
        )

    def _decide(self) -> None:
        """Tie what somebody merged, whatever the rules say."""
        for each in self._merges:
            left, right = self._part(self._latest_node(each.left)), self._part(self._latest_node(each.right))
            if left is not right and not self._are_split(left, right):
                link = Link(kind=LinkKind.MERGED, left=each.left, right=each.right, decision_id=each.decision_id)
                self._join(left, right, link)

    def _observe(self) -> None:
        """Tie what was seen together: the strongest first, then the earliest."""
        ties: list[tuple[Strength, int, int, int]] = []
        for index, pattern in enumerate(self._patterns):
            anchor = self._anchors[index]
            self._part(self._anchored[index])
            if len(pattern.identifiers) == 1:
                continue
            for place, each in enumerate(pattern.identifiers):
                if each == anchor:
                    continue
                ties.append((self._policy.strength(each), self._policy.ranks[each.type], index, place))
        for strength, _, index, place in sorted(ties):
            pattern = self._patterns[index]
            anchor, tied = self._anchors[index], pattern.identifiers[place]
            left, right = self._part(self._anchored[index]), self._part(self._node(tied, pattern))
            if left is right:
                continue
            reason = self._refuses(left, right, strength, anchor in self._shared or tied in self._shared)
            if reason is None:
                link = Link(kind=LinkKind.OBSERVED, left=anchor, right=tied, evidence=pattern.first)
                self._join(left, right, link)
            else:
                self._refusals.append(
                    Refusal(
                        pattern_id=pattern.pattern_id,
                        anchor=anchor,
                        detached=tied,
                        reason=reason,
                        evidence=pattern.first,
                    )
                )

    def _refuses(self, left: _Part, right: _Part, strength: Strength, shared: bool) -> RefusalReason | None:
        if shared:
            return RefusalReason.SHARED
        if self._are_split(left, right):
            return RefusalReason.SPLIT
        if any(left.strengths[:strength]) and any(right.strengths[:strength]):
            return RefusalReason.STRONGER
        for kind in left.values.keys() & right.values.keys():
            one, other = left.values[kind], right.values[kind]
            limit = self._policy.by_type[IdentifierType(kind)].limit
            if max(len(one), len(other), limit) < len(one) + len(other) and len(one | other) > max(
                len(one), len(other), limit
            ):
                return RefusalReason.LIMIT
        return None

    def _continue(self) -> None:
        """Let an identifier that came back stay whose it was, unless it came back as somebody else's."""
        for identifier in sorted(self._lives, key=lambda each: (self._policy.ranks[each.type], each.value)):
            if identifier.temporary:
                continue
            for life in range(max(self._lives[identifier].values())):
                before = self._part(Node(identifier=identifier, life=life))
                after = self._part(Node(identifier=identifier, life=life + 1))
                known = [any(node.identifier != identifier for node in part.nodes) for part in (before, after)]
                if before is not after and not all(known) and not self._are_split(before, after):
                    self._join(before, after, Link(kind=LinkKind.CONTINUED, left=identifier, right=identifier))

    def _resolution(self) -> Resolution:
        patterns: dict[int, list[tuple[Pattern, Identifier]]] = defaultdict(list)
        for pattern, anchor, node in zip(self._patterns, self._anchors, self._anchored, strict=True):
            patterns[id(self._part(node))].append((pattern, anchor))
        components: list[Component] = []
        owners: dict[Identifier, uuid.UUID | None] = {}
        for part in {id(each): each for each in self._parts.values()}.values():
            held = sorted(patterns.get(id(part), []), key=lambda each: each[0].birth)
            customer_id = _name([pattern for pattern, _ in held])
            for node in part.nodes:
                if node.identifier not in self._lives or node == self._latest_node(node.identifier):
                    owners[node.identifier] = customer_id
            if customer_id is not None:
                components.append(
                    Component(
                        customer_id=customer_id,
                        patterns=tuple([pattern for pattern, _ in held]),
                        anchors=tuple([anchor for _, anchor in held]),
                        nodes=tuple(part.nodes),
                        links=tuple(part.links),
                    )
                )
        return Resolution(
            components=tuple(sorted(components, key=lambda each: each.patterns[0].birth)),
            refusals=tuple(self._refusals),
            owners=owners,
            shared=self._shared,
            regions=tuple(self._regions()),
        )

    def _regions(self) -> Iterator[frozenset[Identifier]]:
        """Give what may influence one another: a shared identifier does not connect those that use it."""
        above: dict[Identifier, Identifier] = {}

        def top(identifier: Identifier) -> Identifier:
            here, there = identifier, above.setdefault(identifier, identifier)
            while there is not here:
                here, there = there, above[there]
            above[identifier] = here
            return here

        for pattern, own in zip(self._patterns, self._anchors, strict=True):
            anchor = top(own)
            for each in pattern.identifiers:
                if each is own:
                    continue
                if each in self._shared:
                    top(each)
                else:
                    above[top(each)] = top(anchor)
        for merge in self._merges:
            above[top(merge.left)] = top(merge.right)
        for split in self._splits:
            first, *others = split.apart | split.kept
            for each in others:
                above[top(each)] = top(first)
        found: dict[Identifier, set[Identifier]] = defaultdict(set)
        for identifier in list(above):
            found[top(identifier)].add(identifier)
        yield from map(frozenset, found.values())


def _name(patterns: Sequence[Pattern]) -> uuid.UUID | None:
    """Give the id of the oldest customer ever spoken of, or of the oldest pattern; None where there is none."""
    announced = [each for each in patterns if each.announced]
    return (announced or patterns)[0].birth_id if patterns else None


def core(component: Component, policy: IdentityPolicy) -> Identifier:
    """Give the identifier that says most about who a customer is: a merge ties it, and what hangs on it follows."""
    lives: dict[Identifier, int] = {}
    for node in component.nodes:
        lives[node.identifier] = max(node.life, lives.get(node.identifier, 0))
    return min(
        lives,
        key=lambda each: (
            policy.strength(each),
            policy.lifetime(each) is not None,
            policy.ranks[each.type],
            each.value,
        ),
    )


def seeds(
    component: Component,
    identifiers: Iterable[Identifier],
    pattern_ids: Collection[uuid.UUID],
    merged_ids: Collection[uuid.UUID],
) -> frozenset[Identifier]:
    """Name the identifiers with which something is split off a customer.

    Of a pattern that is wrong evidence it is what it tied to its anchor, of a former customer the anchor.
    """
    found = set(identifiers)
    for pattern, anchor in zip(component.patterns, component.anchors, strict=True):
        if pattern.pattern_id in pattern_ids:
            found.update([each for each in pattern.identifiers if each != anchor] or [anchor])
        if pattern.birth_id in merged_ids:
            found.add(anchor)
    return frozenset(found)


def part_off(component: Component, seeds: Collection[Identifier]) -> Split | None:
    """Say what goes and what stays when `seeds` are split off: what hangs on them alone goes with them.

    None when nothing would stay, or nothing go. The decision has no id and time yet.
    """
    inside = {node.identifier for node in component.nodes}
    apart = inside & set(seeds)
    rest = inside - apart
    if not apart or not rest:
        return None
    neighbours: dict[Identifier, set[Identifier]] = defaultdict(set)
    for pattern, anchor in zip(component.patterns, component.anchors, strict=True):
        for each in pattern.identifiers:
            if anchor in rest and each in rest:
                neighbours[anchor].add(each)
                neighbours[each].add(anchor)
    for link in component.links:
        if link.left in rest and link.right in rest:
            neighbours[link.left].add(link.right)
            neighbours[link.right].add(link.left)
    births = [each.birth_id for each in component.patterns]
    main = component.anchors[births.index(component.customer_id)]
    if main not in rest:
        anchors = [each for each in component.anchors if each in rest]
        main = anchors[0] if anchors else min(rest, key=lambda each: each.key)
    kept, waiting = {main}, [main]
    while waiting:
        for each in neighbours[waiting.pop()] - kept:
            kept.add(each)
            waiting.append(each)
    return Split(decision_id=uuid.UUID(int=0), time=_EPOCH, apart=frozenset(inside - kept), kept=frozenset(kept))


def crossing_merges(split: Split, decisions: Iterable[Decision]) -> list[uuid.UUID]:
    """Name the earlier merges that a split takes back."""
    return [
        each.decision_id
        for each in decisions
        if isinstance(each, Merge)
        and (
            (each.left in split.apart and each.right in split.kept)
            or (each.left in split.kept and each.right in split.apart)
        )
    ]


def separating_splits(left: Component, right: Component, decisions: Iterable[Decision]) -> list[uuid.UUID]:
    """Name the earlier splits that a merge of two customers takes back."""
    one = {node.identifier for node in left.nodes}
    other = {node.identifier for node in right.nodes}
    return [
        each.decision_id
        for each in decisions
        if isinstance(each, Split)
        and ((one & each.apart and other & each.kept) or (one & each.kept and other & each.apart))
    ]


def path(component: Component, start: Identifier, end: Identifier) -> list[Link]:
    """Give the chain of links that ties two identifiers of a customer; empty when they are the same."""
    steps: dict[Identifier, list[tuple[Identifier, Link]]] = defaultdict(list)
    for link in component.links:
        steps[link.left].append((link.right, link))
        steps[link.right].append((link.left, link))
    came: dict[Identifier, tuple[Identifier, Link] | None] = {start: None}
    waiting = [start]
    for here in waiting:  # Grows while it is walked.
        for there, link in steps[here]:
            if there not in came:
                came[there] = (here, link)
                waiting.append(there)
    found: list[Link] = []
    at = came.get(end)
    while at is not None:
        found.append(at[1])
        at = came[at[0]]
    return found[::-1]
