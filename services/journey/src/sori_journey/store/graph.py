"""The identity graph, as stored."""

import datetime as dt
import secrets
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sori_journey.domain import (
    Decision,
    Evidence,
    Identifier,
    IdentifierType,
    Merge,
    Pattern,
    RefusalReason,
    Resolution,
    Split,
    anchor_of,
)
from sori_kit.database import Transaction
from sori_kit.rows import Row

_SALT_BYTES = 32
_TYPES = {each.value: each for each in IdentifierType}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The graph, held by this transaction until it ends: nobody else changes it or adds to a timeline."""

    version: int
    salt: bytes
    tombstone_count: int


class Known(NamedTuple):
    """A pattern that was seen before."""

    customer_id: uuid.UUID
    first: tuple[dt.datetime, uuid.UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDecision:
    """A decision that holds, with who made it and why."""

    decision: Decision
    decided_by: str
    reason: str


@dataclass(slots=True, kw_only=True)
class Loaded:
    """Everything that may bear on some identifiers, as it was before."""

    patterns: dict[uuid.UUID, Pattern] = field(default_factory=dict)
    customers: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)  # by pattern
    regions: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)  # by pattern
    merged_into: dict[uuid.UUID, uuid.UUID | None] = field(default_factory=dict)  # by id ever announced
    identifiers: dict[Identifier, tuple[uuid.UUID | None, uuid.UUID | None, bool]] = field(default_factory=dict)
    # owner, region, whether shared
    decisions: dict[uuid.UUID, StoredDecision] = field(default_factory=dict)
    decision_regions: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    detachments: dict[tuple[uuid.UUID, Identifier], RefusalReason] = field(default_factory=dict)

    @property
    def shared(self) -> frozenset[Identifier]:
        """What is known to be shared."""
        return frozenset(each for each, (_, _, shared) in self.identifiers.items() if shared)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A touchpoint that belongs to somebody else than before."""

    touchpoint_id: uuid.UUID
    from_id: uuid.UUID
    into_id: uuid.UUID


async def salt(tx: Transaction) -> bytes:
    """Give the salt of all hashes; an empty one where nothing was ever hashed."""
    found: bytes | None = (await tx.execute("select salt from graph where graph_id = 1")).scalar_one_or_none()
    return found or b""


async def hold(tx: Transaction) -> Held:
    """Hold the graph until the transaction ends.

    Whatever a holder looks for it finds by key: no statement of its reads a table through, though its plan was made
    and kept when that table had few rows.
    """
    row = (
        await tx.execute(
            "insert into graph (graph_id, version, salt, tombstone_count) values (1, 0, :salt, 0)"
            " on conflict (graph_id) do update set version = graph.version"
            " returning version, salt, tombstone_count, set_config('enable_seqscan', 'off', true)",
            {"salt": secrets.token_bytes(_SALT_BYTES)},
        )
    ).one()
    return Held(version=row.version, salt=row.salt, tombstone_count=row.tombstone_count)


async def set_version(tx: Transaction, version: int) -> None:
    """Keep that who is who has changed."""
    await tx.execute("update graph set version = :version", {"version": version})


async def known_patterns(tx: Transaction, pattern_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Known]:
    """Say whose the patterns are that were seen before."""
    rows = await tx.fetch(
        "select pattern_id, customer_id, first_time, first_touchpoint_id from pattern"
        " where pattern_id = any(cast(string_to_array($1, ',') as uuid[]))",
        ",".join(map(str, pattern_ids)),
    )
    return {pattern_id: Known(customer_id, (time, first_id)) for pattern_id, customer_id, time, first_id in rows}


async def load(
    tx: Transaction,
    shown: Collection[Sequence[Identifier]],
    *,
    pattern_ids: Collection[uuid.UUID] = (),
    customer_ids: Collection[uuid.UUID] = (),
) -> Loaded:
    """Load everything that may bear on identifiers that were shown together, on patterns and on customers.

    A shared identifier leads further only where there is nothing else.
    """
    loaded = Loaded()
    if shown:
        wanted = sorted({each.key for identifiers in shown for each in identifiers})
        rows = await tx.execute(
            "select type, value, temporary, customer_id, region_id, shared from identifier"
            " join unnest(cast(:types as text[]), cast(:values as text[])) as w (t, v) on type = t and value = v",
            {"types": [kind for kind, _ in wanted], "values": [value for _, value in wanted]},
        )
        _add_identifiers(loaded, rows)
    known = loaded.shared
    anchors = {anchor_of(identifiers, known) for identifiers in shown}
    regions = {
        region
        for each, (_, region, shared) in loaded.identifiers.items()
        if region is not None and (not shared or each in anchors)
    }
    if pattern_ids or customer_ids:
        rows = await tx.execute(
            "select distinct region_id from pattern where pattern_id = any(cast(:patterns as uuid[]))"
            " or customer_id = any(cast(:customers as uuid[]))",
            {"patterns": list(pattern_ids), "customers": list(customer_ids)},
        )
        regions |= {row.region_id for row in rows}
    await _load_regions(tx, loaded, regions)
    return loaded


async def _load_regions(tx: Transaction, loaded: Loaded, regions: Collection[uuid.UUID]) -> None:
    if not regions:
        return
    values = {"regions": list(regions)}
    rows = await tx.execute(
        "select p.*, c.customer_id as announced, c.merged_into from pattern p"
        " left join customer c on c.customer_id = p.birth_id where p.region_id = any(cast(:regions as uuid[]))",
        values,
    )
    for row in rows:
        loaded.patterns[row.pattern_id] = _pattern(row)
        loaded.customers[row.pattern_id] = row.customer_id
        loaded.regions[row.pattern_id] = row.region_id
        if row.announced is not None:
            loaded.merged_into[row.announced] = row.merged_into
    _add_identifiers(
        loaded,
        await tx.execute(
            "select type, value, temporary, customer_id, region_id, shared from identifier"
            " where region_id = any(cast(:regions as uuid[]))",
            values,
        ),
    )
    rows = await tx.execute(
        "select pattern_id, type, value, reason from detachment join pattern using (pattern_id)"
        " where region_id = any(cast(:regions as uuid[]))",
        values,
    )
    for row in rows:
        detached = Identifier(IdentifierType(row.type), row.value)
        loaded.detachments[row.pattern_id, detached] = RefusalReason(row.reason)
    await _load_decisions(tx, loaded, values)


async def _load_decisions(tx: Transaction, loaded: Loaded, values: Mapping[str, object]) -> None:
    rows = (
        await tx.execute(
            "select decision_id, kind, decided_time, decided_by, reason, region_id, side, type, value, temporary"
            " from decision join decision_identifier using (decision_id)"
            " where region_id = any(cast(:regions as uuid[])) and undone_by is null",
            values,
        )
    ).all()
    sides: dict[tuple[uuid.UUID, str], set[Identifier]] = defaultdict(set)
    for row in rows:
        sides[row.decision_id, row.side].add(Identifier(IdentifierType(row.type), row.value, row.temporary))
    for row in {row.decision_id: row for row in rows}.values():
        decision = _decision(row, sides)
        if decision is not None:
            loaded.decisions[row.decision_id] = StoredDecision(
                decision=decision, decided_by=row.decided_by, reason=row.reason
            )
            loaded.decision_regions[row.decision_id] = row.region_id


def _decision(row: Row, sides: Mapping[tuple[uuid.UUID, str], set[Identifier]]) -> Decision | None:
    """Read a decision; None when an erasure has left nothing of one of its sides."""
    names = ("left", "right") if row.kind == "merge" else ("apart", "kept")
    one, other = (sides.get((row.decision_id, name), set()) for name in names)
    if not one or not other:
        return None
    if row.kind == "merge":
        return Merge(decision_id=row.decision_id, time=row.decided_time, left=min_of(one), right=min_of(other))
    return Split(decision_id=row.decision_id, time=row.decided_time, apart=frozenset(one), kept=frozenset(other))


def min_of(identifiers: Iterable[Identifier]) -> Identifier:
    """Give the first by type and value."""
    return min(identifiers, key=lambda each: each.key)


def _pattern(row: Row) -> Pattern:
    return Pattern(
        pattern_id=row.pattern_id,
        identifiers=tuple(
            Identifier(_TYPES[kind], value, temporary)
            for kind, value, temporary in zip(row.types, row.identifier_values, row.temporaries, strict=True)
        ),
        first=Evidence(touchpoint_id=row.first_touchpoint_id, time=row.first_time, source=row.first_source),
        birth_time=row.birth_time,
        birth_id=row.birth_id,
        announced=row.announced is not None,
    )


def _add_identifiers(loaded: Loaded, rows: Iterable[Row]) -> None:
    for row in rows:
        each = Identifier(_TYPES[row.type], row.value, row.temporary)
        loaded.identifiers[each] = (row.customer_id, row.region_id, row.shared)


async def save(
    tx: Transaction,
    before: Loaded,
    patterns: Mapping[uuid.UUID, Pattern],
    resolution: Resolution,
    *,
    heirs: Mapping[uuid.UUID, uuid.UUID],
    now: dt.datetime,
) -> list[Move]:
    """Write what is other than before; gives the touchpoints that moved.

    `patterns` are those that there are now: what `before` has beyond them is dropped. `heirs` names, for ids whose
    pattern is dropped, the pattern that they lead to.
    """
    owners = {
        pattern.pattern_id: component.customer_id
        for component in resolution.components
        for pattern in component.patterns
    }
    regions = _label(before, patterns, resolution)
    homes = {pattern_id: regions[each.anchor(resolution.shared)] for pattern_id, each in patterns.items()}
    await _save_customers(tx, before, patterns, owners, heirs, now=now)
    await _save_patterns(tx, before, patterns, owners, homes)
    await _save_identifiers(tx, before, patterns, resolution, regions)
    await _save_detachments(tx, before, patterns, resolution)
    moved = {
        pattern_id: (customer_id, owners[pattern_id])
        for pattern_id, customer_id in before.customers.items()
        if pattern_id in owners and owners[pattern_id] != customer_id
    }
    return await _move(tx, moved)


def _label(
    before: Loaded, patterns: Mapping[uuid.UUID, Pattern], resolution: Resolution
) -> dict[Identifier, uuid.UUID]:
    """Name the region of each identifier: by a name that much of it has already, each name once."""
    held: dict[Identifier, set[uuid.UUID]] = defaultdict(set)
    for pattern in patterns.values():
        held[pattern.anchor(resolution.shared)].add(pattern.pattern_id)
    labels: dict[Identifier, uuid.UUID] = {}
    taken: set[uuid.UUID] = set()
    for region in sorted(resolution.regions, key=len, reverse=True):
        inside = sorted(pattern_id for each in region for pattern_id in held.get(each, ()))
        names = [name for pattern_id in inside if (name := before.regions.get(pattern_id)) and name not in taken]
        label = max(set(names), key=lambda name: (names.count(name), name)) if names else (inside or [uuid.uuid4()])[0]
        if label in taken:
            label = uuid.uuid4()
        taken.add(label)
        labels.update(dict.fromkeys(region, label))
    return labels


async def _save_customers(
    tx: Transaction,
    before: Loaded,
    patterns: Mapping[uuid.UUID, Pattern],
    owners: Mapping[uuid.UUID, uuid.UUID],
    heirs: Mapping[uuid.UUID, uuid.UUID],
    *,
    now: dt.datetime,
) -> None:
    named = set(owners.values())
    wanted: dict[uuid.UUID, uuid.UUID | None] = {}
    for pattern_id, pattern in patterns.items():
        if pattern.announced or pattern.birth_id in named:
            owner = owners[pattern_id]
            wanted[pattern.birth_id] = None if owner == pattern.birth_id else owner
    wanted |= {birth_id: owners[pattern_id] for birth_id, pattern_id in heirs.items() if birth_id not in wanted}
    changed = {
        customer_id: into
        for customer_id, into in wanted.items()
        if customer_id not in before.merged_into or before.merged_into[customer_id] != into
    }
    if changed:
        ordered = sorted(changed, key=lambda each: changed[each] is not None)  # Those that remain first.
        await tx.execute(
            "insert into customer (customer_id, created_time, merged_into)"
            " select id, :now, into_id from unnest(cast(:ids as uuid[]), cast(:intos as uuid[])) as c (id, into_id)"
            " on conflict (customer_id) do update set merged_into = excluded.merged_into",
            {"ids": ordered, "intos": [changed[each] for each in ordered], "now": now},
        )
    gone = {customer_id: into for customer_id, into in changed.items() if into and customer_id in before.merged_into}
    if gone:  # Ids that lead to them and have no pattern of their own any more.
        await tx.execute(
            "update customer set merged_into = into_id from unnest(cast(:ids as uuid[]), cast(:intos as uuid[]))"
            " as c (id, into_id) where merged_into = id and customer_id <> all(cast(:known as uuid[]))",
            {"ids": list(gone), "intos": list(gone.values()), "known": list(wanted)},
        )


async def _save_patterns(
    tx: Transaction,
    before: Loaded,
    patterns: Mapping[uuid.UUID, Pattern],
    owners: Mapping[uuid.UUID, uuid.UUID],
    regions: Mapping[uuid.UUID, uuid.UUID],
) -> None:
    gone = [pattern_id for pattern_id in before.patterns if pattern_id not in patterns]
    if gone:
        await tx.execute("delete from pattern where pattern_id = any(cast(:ids as uuid[]))", {"ids": gone})
    changed = [
        each
        for pattern_id, each in patterns.items()
        if before.patterns.get(pattern_id) != each
        or before.customers[pattern_id] != owners[pattern_id]
        or before.regions[pattern_id] != regions[pattern_id]
    ]
    if not changed:
        return
    await tx.execute(
        """
        insert into pattern (pattern_id, region_id, customer_id, types, identifier_values, temporaries, first_time,
            first_touchpoint_id, first_source, birth_time, birth_id)
        select id, region, customer, string_to_array(types, E'\\x1f'), string_to_array(vals, E'\\x1f'),
            cast(string_to_array(temporaries, E'\\x1f') as boolean[]), first_time, first_id, first_source, birth_time,
            birth_id
        from unnest(cast(:ids as uuid[]), cast(:regions as uuid[]), cast(:customers as uuid[]), cast(:types as text[]),
            cast(:vals as text[]), cast(:temporaries as text[]), cast(:first_times as timestamptz[]),
            cast(:first_ids as uuid[]), cast(:first_sources as text[]), cast(:birth_times as timestamptz[]),
            cast(:birth_ids as uuid[]))
            as p (id, region, customer, types, vals, temporaries, first_time, first_id, first_source, birth_time,
                birth_id)
        on conflict (pattern_id) do update set region_id = excluded.region_id, customer_id = excluded.customer_id,
            first_time = excluded.first_time, first_touchpoint_id = excluded.first_touchpoint_id,
            first_source = excluded.first_source, birth_time = excluded.birth_time, birth_id = excluded.birth_id""",
        {
            "ids": [each.pattern_id for each in changed],
            "regions": [regions[each.pattern_id] for each in changed],
            "customers": [owners[each.pattern_id] for each in changed],
            "types": ["\x1f".join(one.type.value for one in each.identifiers) for each in changed],
            "vals": ["\x1f".join(one.value for one in each.identifiers) for each in changed],
            "temporaries": ["\x1f".join("ft"[one.temporary] for one in each.identifiers) for each in changed],
            "first_times": [each.first.time for each in changed],
            "first_ids": [each.first.touchpoint_id for each in changed],
            "first_sources": [each.first.source for each in changed],
            "birth_times": [each.birth_time for each in changed],
            "birth_ids": [each.birth_id for each in changed],
        },
    )


async def _save_identifiers(
    tx: Transaction,
    before: Loaded,
    patterns: Mapping[uuid.UUID, Pattern],
    resolution: Resolution,
    regions: Mapping[Identifier, uuid.UUID],
) -> None:
    anchors = {pattern.anchor(resolution.shared) for pattern in patterns.values()}
    loaded_regions = set(before.regions.values())
    changed: dict[Identifier, tuple[uuid.UUID | None, uuid.UUID, bool]] = {}
    for each, owner in resolution.owners.items():
        known = before.identifiers.get(each)
        if known and known[2] and each not in anchors and known[1] not in loaded_regions:
            continue  # Shared, and what belongs to it was not loaded.
        wanted = (owner, regions[each], each in resolution.shared)
        if known != wanted:
            changed[each] = wanted
    gone = [
        each
        for each, (_, region, _) in before.identifiers.items()
        if each not in resolution.owners and region in loaded_regions
    ]
    if gone:
        await tx.execute(
            "delete from identifier using unnest(cast(:types as text[]), cast(:values as text[])) as g (t, v)"
            " where type = t and value = v",
            {"types": [each.type.value for each in gone], "values": [each.value for each in gone]},
        )
    if changed:
        await tx.execute(
            "insert into identifier (type, value, temporary, customer_id, region_id, shared)"
            " select * from unnest(cast(:types as text[]), cast(:values as text[]), cast(:temporary as boolean[]),"
            " cast(:owners as uuid[]), cast(:regions as uuid[]), cast(:shared as boolean[]))"
            " on conflict (type, value) do update set customer_id = excluded.customer_id,"
            " region_id = excluded.region_id, shared = excluded.shared",
            {
                "types": [each.type.value for each in changed],
                "values": [each.value for each in changed],
                "temporary": [each.temporary for each in changed],
                "owners": [owner for owner, _, _ in changed.values()],
                "regions": [region for _, region, _ in changed.values()],
                "shared": [shared for _, _, shared in changed.values()],
            },
        )
    moved = {
        decision_id: region
        for decision_id, stored in before.decisions.items()
        if (region := _region_of(stored.decision, regions)) not in (None, before.decision_regions[decision_id])
    }
    if moved:
        await tx.execute(
            "update decision set region_id = region from unnest(cast(:ids as uuid[]), cast(:regions as uuid[]))"
            " as m (id, region) where decision_id = id",
            {"ids": list(moved), "regions": list(moved.values())},
        )


def _region_of(decision: Decision, regions: Mapping[Identifier, uuid.UUID]) -> uuid.UUID | None:
    named = [decision.left] if isinstance(decision, Merge) else list(decision.apart)
    return regions.get(named[0])


async def _save_detachments(
    tx: Transaction, before: Loaded, patterns: Mapping[uuid.UUID, Pattern], resolution: Resolution
) -> None:
    wanted = {(each.pattern_id, each.detached): each.reason for each in resolution.refusals}
    gone = [key for key in before.detachments if key not in wanted and key[0] in patterns]
    if gone:
        await tx.execute(
            "delete from detachment using unnest(cast(:ids as uuid[]), cast(:types as text[]), cast(:values as text[]))"
            " as g (id, t, v) where pattern_id = id and type = t and value = v",
            {
                "ids": [pattern_id for pattern_id, _ in gone],
                "types": [each.type.value for _, each in gone],
                "values": [each.value for _, each in gone],
            },
        )
    changed = {key: reason for key, reason in wanted.items() if before.detachments.get(key) != reason}
    if changed:
        await tx.execute(
            "insert into detachment (pattern_id, type, value, reason)"
            " select * from unnest(cast(:ids as uuid[]), cast(:types as text[]), cast(:values as text[]),"
            " cast(:reasons as text[])) on conflict (pattern_id, type, value) do update set reason = excluded.reason",
            {
                "ids": [pattern_id for pattern_id, _ in changed],
                "types": [each.type.value for _, each in changed],
                "values": [each.value for _, each in changed],
                "reasons": [reason.value for reason in changed.values()],
            },
        )


async def _move(tx: Transaction, moved: Mapping[uuid.UUID, tuple[uuid.UUID, uuid.UUID]]) -> list[Move]:
    if not moved:
        return []
    rows = await tx.execute(
        "update timeline set customer_id = to_id from unnest(cast(:patterns as uuid[]), cast(:froms as uuid[]),"
        " cast(:tos as uuid[])) as m (pattern, from_id, to_id)"
        " where customer_id = from_id and pattern_id = pattern returning touchpoint_id, from_id, to_id",
        {
            "patterns": list(moved),
            "froms": [before for before, _ in moved.values()],
            "tos": [after for _, after in moved.values()],
        },
    )
    return [Move(touchpoint_id=row.touchpoint_id, from_id=row.from_id, into_id=row.to_id) for row in rows]


async def add_decision(
    tx: Transaction, decision: Decision, *, decided_by: str, reason: str, undoes: Sequence[uuid.UUID]
) -> None:
    """Keep a decision, and which earlier ones it takes back; its region is set by the next `save`."""
    sides: dict[str, Iterable[Identifier]]
    if isinstance(decision, Merge):
        kind, sides = "merge", {"left": [decision.left], "right": [decision.right]}
    else:
        kind, sides = "split", {"apart": decision.apart, "kept": decision.kept}
    named = [(side, each) for side, identifiers in sides.items() for each in identifiers]
    await tx.execute(
        "insert into decision (decision_id, kind, decided_time, decided_by, reason, region_id)"
        " values (:id, :kind, :time, :by, :reason, :id)",
        {
            "id": decision.decision_id,
            "kind": kind,
            "time": decision.time,
            "by": decided_by,
            "reason": reason,
        },
    )
    await tx.execute(
        "insert into decision_identifier (decision_id, side, type, value, temporary)"
        " select :id, * from unnest(cast(:sides as text[]), cast(:types as text[]), cast(:values as text[]),"
        " cast(:temporary as boolean[]))",
        {
            "id": decision.decision_id,
            "sides": [side for side, _ in named],
            "types": [each.type.value for _, each in named],
            "values": [each.value for _, each in named],
            "temporary": [each.temporary for _, each in named],
        },
    )
    if undoes:
        await tx.execute(
            "update decision set undone_by = :id where decision_id = any(cast(:undone as uuid[]))",
            {"id": decision.decision_id, "undone": list(undoes)},
        )


async def current_id(tx: Transaction, customer_id: uuid.UUID) -> uuid.UUID | None:
    """Give the customer that remains of this one, or None for an unknown one."""
    row = (
        await tx.execute(
            "select coalesce(merged_into, customer_id) as id from customer where customer_id = :id", {"id": customer_id}
        )
    ).one_or_none()
    return row and row.id


async def former_ids(tx: Transaction, customer_id: uuid.UUID) -> list[uuid.UUID]:
    """Give the other ids that lead to a customer."""
    rows = await tx.execute(
        "select customer_id from customer where merged_into = :id order by customer_id", {"id": customer_id}
    )
    return list(rows.scalars())


async def owners(tx: Transaction, identifiers: Iterable[Identifier]) -> dict[Identifier, uuid.UUID]:
    """Say which customers have the identifiers now; those that nobody has are left out."""
    wanted = list(identifiers)
    rows = await tx.execute(
        "select type, value, temporary, customer_id from identifier"
        " join unnest(cast(:types as text[]), cast(:values as text[])) as w (t, v) on type = t and value = v"
        " where customer_id is not null",
        {"types": [each.type.value for each in wanted], "values": [each.value for each in wanted]},
    )
    return {Identifier(IdentifierType(row.type), row.value, row.temporary): row.customer_id for row in rows}


async def customer_of(tx: Transaction, touchpoint_id: uuid.UUID) -> uuid.UUID | None:
    """Say whose a touchpoint is."""
    rows = await tx.execute("select customer_id from timeline where touchpoint_id = :id", {"id": touchpoint_id})
    found: uuid.UUID | None = rows.scalar_one_or_none()
    return found


async def patterns_of(tx: Transaction, touchpoint_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
    """Give the pattern of each touchpoint that has one."""
    rows = await tx.execute(
        "select touchpoint_id, pattern_id from timeline where touchpoint_id = any(cast(:ids as uuid[]))"
        " and pattern_id is not null",
        {"ids": list(touchpoint_ids)},
    )
    return {row.touchpoint_id: row.pattern_id for row in rows}
