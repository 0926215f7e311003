"""Who is who, straight from the definition: slow, without indexes, without anything remembered.

The definition. Observations with the same usable identifiers (and, where an identifier has a lifetime, of the same
sixth of it) are one pattern, dated by the earliest. An identifier's lives are its pattern dates, cut where the next is
more than a lifetime away. An identifier is shared when, in one of its lives, it stood behind too many first identifiers
of one type, or before too many as strong as itself. A pattern's anchor is its first identifier that is not shared.
Merges tie first; then every pattern ties its anchor to each other one, the strongest ties first, then by priority,
then by date; then each life ties to the next one unless both have company. A tie is refused when one
end is shared, a split stands between, both sides have something stronger than the tie, or there would be too many of a
type.
"""

import datetime as dt
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sori_journey.domain import Decision, Identifier, IdentityPolicy, Merge, Split

Node = tuple[str, str, bool, int]  # type, value, temporary, life


@dataclass(frozen=True)
class Seen:
    """One observation."""

    name: str
    time: dt.datetime
    identifiers: tuple[Identifier, ...]
    order: str = ""  # what decides between observations of the same moment; else the name


def people(
    observations: Collection[Seen], decisions: Sequence[Decision], policy: IdentityPolicy
) -> set[frozenset[str]]:
    """Give the observations of each person; those without usable identifiers are left out."""
    patterns = _patterns(observations, policy)
    shared = {each for pattern in patterns for each in pattern.identifiers if _is_shared(each, patterns, policy)}
    groups: list[set[Node]] = []

    def node(identifier: Identifier, time: dt.datetime) -> Node:
        life = _life(identifier, time, patterns, shared, policy)
        return identifier.type.value, identifier.value, identifier.temporary, life

    def latest(identifier: Identifier) -> Node:
        lives = [node(identifier, each.date)[3] for each in patterns if _dates(identifier, each, shared)]
        return identifier.type.value, identifier.value, identifier.temporary, max(lives, default=0)

    def group(of: Node) -> set[Node]:
        for each in groups:
            if of in each:
                return each
        groups.append({of})
        return groups[-1]

    def tie(left: set[Node], right: set[Node]) -> None:
        groups.remove(right)
        left |= right

    splits = [each for each in decisions if isinstance(each, Split)]
    merges = [each for each in decisions if isinstance(each, Merge)]
    for merge in sorted(merges, key=lambda each: (each.time, each.decision_id)):
        left, right = group(latest(merge.left)), group(latest(merge.right))
        if left is not right and not _is_split(left, right, splits):
            tie(left, right)
    ties = [(pattern, each) for pattern in patterns for each in pattern.identifiers if each != _anchor(pattern, shared)]
    for pattern in patterns:
        group(node(_anchor(pattern, shared), pattern.date))
    for pattern, each in sorted(
        ties,
        key=lambda tie: (
            policy.strength(tie[1]),
            policy.ranks[tie[1].type],
            tie[0].date,
            tie[0].order,
            tie[0].identifiers.index(tie[1]),
        ),
    ):
        left, right = group(node(_anchor(pattern, shared), pattern.date)), group(node(each, pattern.date))
        if left is right or {_anchor(pattern, shared), each} & shared or _is_split(left, right, splits):
            continue
        if _has_stronger(left, policy.strength(each), policy) and _has_stronger(right, policy.strength(each), policy):
            continue
        if not _is_too_many(left, right, policy):
            tie(left, right)
    for identifier in sorted(
        {each for pattern in patterns for each in pattern.identifiers},
        key=lambda each: (policy.ranks[each.type], each.value),
    ):
        if policy.lifetime(identifier) is None or identifier.temporary:
            continue
        for life in range(latest(identifier)[3]):
            name = identifier.type.value, identifier.value, identifier.temporary
            before, after = group((*name, life)), group((*name, life + 1))
            alone = [all(each[:3] == name for each in side) for side in (before, after)]
            if before is not after and any(alone) and not _is_split(before, after, splits):
                tie(before, after)
    found: dict[int, set[str]] = {}
    for pattern in patterns:
        found.setdefault(id(group(node(_anchor(pattern, shared), pattern.date))), set()).update(pattern.names)
    return {frozenset(names) for names in found.values()}


@dataclass(frozen=True)
class _Pattern:
    identifiers: tuple[Identifier, ...]
    date: dt.datetime
    order: str
    names: frozenset[str]


def _patterns(observations: Collection[Seen], policy: IdentityPolicy) -> list[_Pattern]:
    alike: dict[tuple[tuple[Identifier, ...], int | None], list[Seen]] = {}
    for seen in observations:
        usable = {each for each in seen.identifiers if policy.is_usable(each)}
        ordered = tuple(sorted(usable, key=lambda each: (each.temporary, policy.ranks[each.type], each.value)))
        if not ordered:
            continue
        lifetimes = [lifetime for each in ordered if (lifetime := policy.lifetime(each))]
        origin = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
        when = (seen.time - origin) // (min(lifetimes) / 6) if lifetimes else None
        alike.setdefault((ordered, when), []).append(seen)
    made = []
    for (identifiers, _), several in alike.items():
        first = min(several, key=lambda seen: (seen.time, seen.order or seen.name))
        names = frozenset(seen.name for seen in several)
        made.append(_Pattern(identifiers, first.time, first.order or first.name, names))
    return made


def _anchor(pattern: _Pattern, shared: Collection[Identifier]) -> Identifier:
    return ([each for each in pattern.identifiers if each not in shared] or list(pattern.identifiers))[0]


def _dates(identifier: Identifier, pattern: _Pattern, shared: Collection[Identifier]) -> bool:
    """Whether a pattern dates an identifier: a shared one only where it stands first."""
    if identifier in shared:
        return _anchor(pattern, shared) == identifier
    return identifier in pattern.identifiers


def _life(
    identifier: Identifier,
    time: dt.datetime,
    patterns: Sequence[_Pattern],
    shared: Collection[Identifier],
    policy: IdentityPolicy,
) -> int:
    lifetime = policy.lifetime(identifier)
    dates = sorted({each.date for each in patterns if _dates(identifier, each, shared)})
    if lifetime is None or time not in dates:
        return 0
    earlier = dates[: dates.index(time) + 1]
    return sum(after - before > lifetime for before, after in itertools.pairwise(earlier))


def _is_shared(identifier: Identifier, patterns: Sequence[_Pattern], policy: IdentityPolicy) -> bool:
    kind = policy.by_type[identifier.type]
    above: dict[tuple[int, str], set[str]] = {}
    beside: dict[tuple[int, str], set[str]] = {}
    for pattern in patterns:
        first, *others = pattern.identifiers
        life = _life(identifier, pattern.date, patterns, (), policy)
        if identifier in others:
            above.setdefault((life, first.type), set()).add(first.value)
        if identifier == first and policy.strength(identifier) > 0:
            for each in others:
                if policy.strength(each) == policy.strength(identifier):
                    beside.setdefault((life, each.type), set()).add(each.value)
    return (kind.shared_above is not None and any(len(values) > kind.shared_above for values in above.values())) or any(
        len(values) > kind.crowd_above for values in beside.values()
    )


def _is_split(left: set[Node], right: set[Node], splits: Sequence[Split]) -> bool:
    for split in splits:
        sides = []
        for group in (left, right):
            names = {each[:2] for each in group}
            sides.append(
                (bool(names & {each.key for each in split.apart}), bool(names & {each.key for each in split.kept}))
            )
        if sides in ([(True, False), (False, True)], [(False, True), (True, False)]):
            return True
    return False


def _has_stronger(group: set[Node], strength: int, policy: IdentityPolicy) -> bool:
    types = {each.type.value: each.strength for each in policy.types}
    return any(not temporary and types[kind] < strength for kind, _, temporary, _ in group)


def _is_too_many(left: set[Node], right: set[Node], policy: IdentityPolicy) -> bool:
    for each in policy.types:
        one, other = (
            {value for kind, value, temporary, _ in group if kind == each.type.value and not temporary}
            for group in (left, right)
        )
        if one and other and len(one | other) > max(each.limit, len(one), len(other)):
            return True
    return False
