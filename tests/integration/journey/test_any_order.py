"""Whatever the order, the portions, the repeats and the workers: the stored graph is what the definition says."""

import asyncio
import datetime as dt
import random
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from unit.journey import identity_model

import builders
import harness
from engines import Engines
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori_journey import domain, usecases
from sori_journey.settings import identity
from sori_kit import database, ids, migrations
from sori_kit.bus import Batch
from sori_kit.database import Database
from sori_kit.envelope import Event
from sori_kit.errors import Conflict, NotFound

STANDARD = identity.load(None)
POLICY = replace(
    STANDARD,
    types=tuple(
        replace(
            each,
            limit=1 if each.type is domain.IdentifierType.MEMBER_ID else 2,
            shared_above=None if each.type is domain.IdentifierType.MEMBER_ID else 2,
            crowd_above=3,
            idle=dt.timedelta(days=60) if each.type is domain.IdentifierType.PHONE else None,
        )
        for each in STANDARD.types
    ),
)
NOBODY_SHARES = replace(
    POLICY, types=tuple(replace(each, shared_above=None, crowd_above=1000) for each in POLICY.types)
)
NOW = builders.NOON + dt.timedelta(days=1000)
IDENTIFIERS = [(kind.value, value) for kind in domain.IdentifierType for value in ("a", "b", "c")] + [("phone", "null")]

at_random = settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest_asyncio.fixture(scope="module")
async def workers(engines: Engines) -> AsyncIterator[list[Database]]:
    url = database.url_for(engines.postgres_url, "journey")
    await migrations.upgrade("sori_journey", url)
    made = [Database(url), Database(url), Database(url)]
    yield made
    for each in made:
        await each.close()


def observed(draw: random.Random, count: int) -> list[Event[TouchpointClassified]]:
    """Draw observations of few identifiers; some are edited afterwards."""
    found: list[Event[TouchpointClassified]] = []
    for number in range(count):
        for revision in range(draw.choice([1, 1, 1, 2])):
            event = builders.classified(
                external_id=f"o-{number}",
                revision=revision,
                identifiers=draw.sample(IDENTIFIERS, draw.choice([0, 1, 1, 2, 2, 3])),
                occurred_time=builders.NOON + dt.timedelta(days=draw.randrange(300)),
            )
            event_id = str(ids.derive("classified", event.entity_id, str(revision)))
            found.append(replace(event, event_id=event_id))
    return found


def portions(draw: random.Random, events: Sequence[Event[TouchpointClassified]]) -> list[Batch[TouchpointClassified]]:
    """Shuffle, repeat and cut."""
    waiting = draw.sample([*events, *events[::3]], len(events) + len(events[::3]))
    found = []
    while waiting:
        size = draw.randrange(1, 6)
        named = {event.event_id: event for event in waiting[:size]}
        found.append(Batch("journey-stitch", tuple(named.values())))
        waiting = waiting[size:]
    return found


async def stitch(
    workers: Sequence[Database], batches: Sequence[Batch[TouchpointClassified]], policy: domain.IdentityPolicy
) -> None:
    """Hand the batches out to several workers at a time."""

    async def work(db: Database, mine: Sequence[Batch[TouchpointClassified]]) -> None:
        for each in mine:
            await usecases.stitch(db, each, policy, now=NOW)

    await asyncio.gather(*(work(db, batches[number :: len(workers)]) for number, db in enumerate(workers)))


async def decide(draw: random.Random, db: Database, policy: domain.IdentityPolicy) -> None:
    """Merge or split whatever there is."""
    async with db.transaction() as tx:
        touchpoints = list((await tx.execute("select touchpoint_id from timeline order by touchpoint_id")).scalars())
        made = (await tx.execute("select count(*) from decision")).scalar_one()
    if not touchpoints:
        return
    one, other = (domain.TouchpointReference(draw.choice(touchpoints)) for _ in range(2))
    named = [domain.Identifier(domain.IdentifierType(kind), value) for kind, value in draw.sample(IDENTIFIERS, 3)]
    now = NOW + dt.timedelta(seconds=draw.random() * 1000, microseconds=made)  # No two are made in one moment.
    try:
        if draw.random() < 0.5:
            await usecases.merge(db, one, other, policy, decided_by="tester", reason="", now=now)
        else:
            await usecases.split(
                db, one, named, [other.touchpoint_id], (), policy, decided_by="tester", reason="", now=now
            )
    except (NotFound, Conflict):
        pass  # Nobody's touchpoint, or nothing to split.


async def stored(db: Database) -> tuple[dict[uuid.UUID, uuid.UUID], list[domain.Decision]]:
    """Whose each touchpoint is, and which decisions stand."""
    async with db.transaction() as tx:
        rows = await tx.execute("select touchpoint_id, customer_id from timeline where customer_id is not null")
        whose = {row.touchpoint_id: row.customer_id for row in rows}
        rows = await tx.execute(
            "select decision_id, kind, decided_time, side, type, value from decision"
            " join decision_identifier using (decision_id) where undone_by is null"
        )
        sides: dict[uuid.UUID, dict[str, set[domain.Identifier]]] = defaultdict(lambda: defaultdict(set))
        times: dict[uuid.UUID, dt.datetime] = {}
        for row in rows:
            sides[row.decision_id][row.side].add(domain.Identifier(domain.IdentifierType(row.type), row.value))
            times[row.decision_id] = row.decided_time
    decisions: list[domain.Decision] = []
    for decision_id, named in sides.items():
        if {"left", "right"} <= named.keys():
            (left,), (right,) = named["left"], named["right"]
            decisions.append(domain.Merge(decision_id=decision_id, time=times[decision_id], left=left, right=right))
        elif {"apart", "kept"} <= named.keys():
            decisions.append(
                domain.Split(
                    decision_id=decision_id,
                    time=times[decision_id],
                    apart=frozenset(named["apart"]),
                    kept=frozenset(named["kept"]),
                )
            )
    return whose, decisions


async def entries(db: Database) -> list[Event[TouchpointClassified]]:
    """What is on the timelines."""
    async with db.transaction() as tx:
        rows = (await tx.execute("select entry from timeline")).scalars()
    return [
        Event.new(TouchpointClassified.FromString(each), entity_id="", time=NOW, event_id=str(uuid.uuid4()))
        for each in rows
    ]


def newest(events: Sequence[Event[TouchpointClassified]]) -> dict[uuid.UUID, identity_model.Seen]:
    """What was observed, each touchpoint as it was edited last."""
    found: dict[uuid.UUID, tuple[int, identity_model.Seen]] = {}
    for event in events:
        touchpoint = event.message.touchpoint
        name = uuid.UUID(touchpoint.touchpoint_id)
        seen = identity_model.Seen(
            touchpoint.touchpoint_id,
            touchpoint.occurred_time.ToDatetime(dt.UTC),
            tuple(
                domain.Identifier(list(domain.IdentifierType)[each.type - 1], each.value)
                for each in touchpoint.identifiers
            ),
        )
        if name not in found or found[name][0] < touchpoint.revision:
            found[name] = touchpoint.revision, seen
    return {name: seen for name, (_, seen) in found.items()}


def people(whose: dict[uuid.UUID, uuid.UUID]) -> set[frozenset[str]]:
    groups: dict[uuid.UUID, set[str]] = defaultdict(set)
    for touchpoint_id, customer_id in whose.items():
        groups[customer_id].add(str(touchpoint_id))
    return {frozenset(each) for each in groups.values()}


@at_random
@given(draw=st.randoms(use_true_random=False))
async def test_workers_come_to_what_the_definition_says(workers: list[Database], draw: random.Random) -> None:
    await harness.truncate(workers[0].url)
    events = observed(draw, draw.randrange(3, 25))
    seen: list[Event[TouchpointClassified]] = []

    for start in range(0, len(events), 12):
        part = events[start : start + 12]
        seen += part
        await stitch(workers, portions(draw, part), POLICY)
        for _ in range(draw.randrange(3)):
            await decide(draw, workers[0], POLICY)

    whose, decisions = await stored(workers[0])
    assert identity_model.people(newest(seen).values(), decisions, POLICY) == people(whose)


async def test_what_an_edit_takes_back_counts_where_the_same_batch_shows_it(workers: list[Database]) -> None:
    await harness.truncate(workers[0].url)

    def seen(name: str, identifier: tuple[str, str], *, revision: int = 0, day: int = 0) -> Event[TouchpointClassified]:
        event = builders.classified(
            external_id=name,
            revision=revision,
            identifiers=[identifier],
            occurred_time=builders.NOON + dt.timedelta(days=day),
        )
        return replace(event, event_id=str(ids.derive("classified", event.entity_id, str(revision))))

    first, second, third = (seen(name, ("member_id", "M"), day=day) for day, name in enumerate(("o-1", "o-2", "o-3")))
    edited = seen("o-1", ("email", "m@example.com"), revision=1)
    for batch in ([first], [edited, second], [third]):
        await usecases.stitch(workers[0], Batch("journey-stitch", tuple(batch)), POLICY, now=NOW)

    whose, _ = await stored(workers[0])
    assert {frozenset({first.entity_id}), frozenset({second.entity_id, third.entity_id})} == people(whose)


@at_random
@given(draw=st.randoms(use_true_random=False))
async def test_every_id_ever_given_still_leads_to_somebody(workers: list[Database], draw: random.Random) -> None:
    await harness.truncate(workers[0].url)
    # An edit that leaves nobody known leaves an id without anybody.
    events = [each for each in observed(draw, 15) if not each.message.touchpoint.revision]
    given: set[uuid.UUID] = set()

    for batch in portions(draw, events):
        await stitch(workers[:1], [batch], POLICY)
        given |= set((await stored(workers[0]))[0].values())
        await decide(draw, workers[0], POLICY)

    living = set((await stored(workers[0]))[0].values())
    for each in given:
        assert (await usecases.get_customer(workers[0], each, POLICY)).customer_id in living


@at_random
@given(draw=st.randoms(use_true_random=False))
async def test_an_erasure_leaves_what_the_definition_says_of_the_others(
    workers: list[Database], draw: random.Random
) -> None:
    await harness.truncate(workers[0].url)
    events = observed(draw, draw.randrange(3, 20))
    early, late = events[: len(events) // 2], events[len(events) // 2 :]

    await stitch(workers, portions(draw, early), NOBODY_SHARES)
    await decide(draw, workers[0], NOBODY_SHARES)
    whose, _ = await stored(workers[0])
    erased: set[uuid.UUID] = set()
    if whose:
        victim = draw.choice(sorted(whose.values()))
        erased = {each for each, owner in whose.items() if owner == victim}
        await usecases.erase(
            workers[0], victim, NOBODY_SHARES, [], requested_by="tester", reason="", now=NOW + dt.timedelta(days=1)
        )
    again = [replace(each, event_id=str(uuid.uuid4())) for each in early]
    await stitch(workers, portions(draw, [*late, *again]), NOBODY_SHARES)

    whose, decisions = await stored(workers[0])
    kept = newest(await entries(workers[0]))
    assert identity_model.people(kept.values(), decisions, NOBODY_SHARES) == people(whose)
    assert not erased & whose.keys()
