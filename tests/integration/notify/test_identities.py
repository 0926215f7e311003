"""Whose cases are and what they are about: the same whatever comes first, in whatever portions, however often."""

import datetime as dt
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import builders
from engines import Engines
from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import database, ids, migrations
from sori_kit.bus import Batch, Bus
from sori_kit.database import Database
from sori_kit.envelope import Event
from sori_kit.settings import KitSettings
from sori_notify import usecases
from sori_notify.settings import policies
from sori_notify.settings.automation import Automations
from sori_notify.usecases.rules import House

SETTLE = dt.timedelta(seconds=10)
TABLES = (
    "matter, thread_event, case_clock, deadline, case_act, alert, inbox, outbox, merged_customer, customer_merge,"
    " touchpoint_split, correction, erased, erasure, erased_case"
)
at_random = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest_asyncio.fixture(scope="module")
async def db(engines: Engines) -> AsyncIterator[Database]:
    url = database.url_for(engines.postgres_url, "notify")
    await migrations.upgrade("sori_notify", url)
    made = Database(url)
    yield made
    await made.close()


@dataclass
class World:
    """What journey and people say, and the plain facts behind it."""

    events: list[Event[Any]] = field(default_factory=list)
    given: dict[int, tuple[int, int]] = field(default_factory=dict)  # touchpoint: (graph version, customer)
    merges: list[tuple[int, int, int]] = field(default_factory=list)  # (graph version, merged, survivor)
    splits: list[tuple[int, int, list[int]]] = field(default_factory=list)  # (graph version, customer, touchpoints)
    topics: dict[int, tuple[int, list[str]]] = field(default_factory=dict)  # touchpoint: (moment, topics)
    erased: set[int] = field(default_factory=set)  # customers

    def owners(self) -> dict[int, int | None]:
        """Let it all happen in the order of the graph's versions."""
        found: dict[int, int | None] = {}
        for version in range(20):
            found |= {number: customer for number, (when, customer) in self.given.items() if when == version}
            for when, merged, survivor in self.merges:
                if when == version:
                    moved = [each for each, owner in found.items() if owner == merged and self.given[each][0] < version]
                    found |= dict.fromkeys(moved, survivor)
            for when, customer, touchpoints in self.splits:
                if when == version:
                    found |= {each: customer for each in touchpoints if each in found and self.given[each][0] < version}
        return found


def customer(number: int) -> str:
    return str(ids.derive("customer", str(number)))


def a_world(draw: random.Random) -> World:
    world = World()
    count = draw.randrange(1, 6)
    versions = draw.sample(range(1, 20), 9)
    for number in range(count):
        world.given[number] = (draw.choice([0, 0, 0, draw.randrange(6)]), draw.randrange(4))
    for version in versions[: draw.randrange(4)]:
        merged, survivor = draw.sample(range(4), 2)
        world.merges.append((version, merged, survivor))
    for version in versions[4 : 4 + draw.randrange(4)]:
        world.splits.append((version, draw.randrange(4), draw.sample(range(count), draw.randrange(1, count + 1))))
    for number, (version, owner) in world.given.items():
        stitched = builders.stitched(
            builders.a_classification(topics=["delivery"]),
            external_id=f"t-{number}",
            customer_id=customer(owner),
            occurred_time=builders.NOON + number * dt.timedelta(minutes=1),
            **({"thread_id": f"thread-{number}"} if draw.random() < 0.5 else {"channel": "web"}),
        )
        stitched.message.position.graph_version = version
        world.events.append(stitched)
    touchpoints = [each.message.touchpoint.touchpoint_id for each in world.events]
    for version, merged, survivor in world.merges:
        merge = CustomerMerged(
            customer_id=customer(survivor), merged_customer_id=customer(merged), graph_version=version
        )
        world.events.append(_event(merge, "merge", version))
    for version, owner, numbers in world.splits:
        split = CustomerSplit(
            split_customer_id=customer(owner),
            touchpoint_ids=[touchpoints[each] for each in numbers],
            graph_version=version,
        )
        world.events.append(_event(split, "split", version))
    for moment in range(draw.randrange(4)):
        number, topics = draw.randrange(count), draw.choice([["price"], ["refund", "price"], []])
        made = ClassificationCorrected(touchpoint_id=touchpoints[number], corrected_by="lead")
        made.correction_id = str(ids.derive("correction", str(moment)))
        made.corrected_time.FromDatetime(builders.NOON + moment * dt.timedelta(minutes=1))
        made.correction.topics.extend(topics)
        made.correction.no_topics = not topics
        world.topics[number] = (moment, topics)
        world.events.append(_event(made, "correction", moment))
    return world


def _event(message: Any, *names: object) -> Event[Any]:
    event_id = str(ids.derive("event", *map(str, names)))
    return Event.new(message, event_id=event_id, entity_id="x", time=builders.NOON)


async def hand_over(db: Database, events: list[Event[Any]], read: Any) -> None:
    now = builders.NOON + dt.timedelta(hours=1)
    distinct = tuple({each.event_id: each for each in events}.values())
    match events[0].message:
        case TouchpointStitched():
            await usecases.take(
                db, Batch("notify-follow", distinct), House(policies=read, settle=SETTLE), Automations(), now=now
            )
        case CustomerMerged():
            await usecases.merge(db, Batch("notify-merge", distinct), settle=SETTLE, now=now)
        case CustomerSplit():
            await usecases.split(db, Batch("notify-split", distinct), settle=SETTLE, now=now)
        case ClassificationCorrected():
            await usecases.correct(db, Batch("notify-correct", distinct), settle=SETTLE, now=now)
        case CustomerErased():
            await usecases.forget(db, Batch("notify-forget", distinct))


async def rows(db: Database, query: str) -> list[tuple[Any, ...]]:
    async with db.transaction() as tx:
        return [tuple(row) for row in await tx.execute(query)]


def _policies(folder: Path) -> Any:
    (folder / "sla.yaml").write_text(
        "policies:\n  - name: late\n    match: {topics: [delivery]}\n    first_response: 1d\n"
        "  - name: other\n    first_response: 2d\n"
    )
    return policies.load(folder / "sla.yaml")


@at_random
@given(st.randoms(use_true_random=False))
async def test_cases_belong_to_whom_journey_says_and_are_about_what_people_say_in_any_order(
    db: Database, tmp_path: Path, draw: random.Random
) -> None:
    await rows_nothing(db, f"truncate {TABLES}")
    read, world = _policies(tmp_path), a_world(draw)
    shuffled = draw.sample(world.events + world.events, 2 * len(world.events))

    portions: list[list[Event[Any]]] = []
    for event in shuffled:
        if portions and type(portions[-1][0].message) is type(event.message) and draw.random() < 0.5:
            portions[-1].append(event)
        else:
            portions.append([event])
    for portion in portions:
        await hand_over(db, portion, read)

    owners = world.owners()
    kept = dict(await rows(db, "select occurred_time, customer_id from thread_event"))
    assert kept == {
        builders.NOON + number * dt.timedelta(minutes=1): owner if owner is None else uuid.UUID(customer(owner))
        for number, owner in owners.items()
    }
    apart = await rows(
        db,
        "select m.customer_id, t.customer_id from matter m join thread_event t using (touchpoint_id)"
        " where not t.grouped",
    )
    assert all(case == touchpoint for case, touchpoint in apart)
    threads = await rows(
        db, "select count(distinct case_id), count(distinct customer_id) from thread_event where grouped"
    )
    assert threads[0][0] == threads[0][1]
    promised = await rows(db, "select distinct policy from matter")
    assert [("late",)] == promised
    corrected = dict(
        await rows(
            db, "select opened_time, m.topics from matter m join thread_event using (touchpoint_id) where not grouped"
        )
    )
    assert corrected == {
        time: world.topics[number][1] if number in world.topics else ["delivery"]
        for number in owners
        if (time := builders.NOON + number * dt.timedelta(minutes=1)) in corrected
    }


async def rows_nothing(db: Database, statement: str) -> None:
    async with db.transaction() as tx:
        await tx.execute(statement)


@pytest_asyncio.fixture(scope="module")
async def bus(engines: Engines) -> AsyncIterator[Bus]:
    made = await Bus.connect("notify", KitSettings(nats_url=engines.nats_url, grpc_port=0, metrics_port=0))
    yield made
    await made.close()


@at_random
@given(st.randoms(use_true_random=False))
async def test_whoever_was_erased_is_nobody_whatever_still_comes_and_journey_hears_of_it_once(
    db: Database, bus: Bus, tmp_path: Path, draw: random.Random
) -> None:
    await rows_nothing(db, f"truncate {TABLES}")
    read, world = _policies(tmp_path), a_world(draw)
    touchpoints = [
        each.message.touchpoint.touchpoint_id for each in world.events if isinstance(each.message, TouchpointStitched)
    ]
    parts = [
        CustomerErased(erasure_id=str(uuid.UUID(int=9)), customer_ids=[customer(each) for each in range(4)]),
        CustomerErased(erasure_id=str(uuid.UUID(int=9)), touchpoint_ids=touchpoints),
    ]
    for number, part in enumerate(parts, start=1):
        part.part, part.part_count = number, 2
        world.events.append(_event(part, "erased", number))
    told: list[uuid.UUID] = []

    async def answer(erasure_id: uuid.UUID, _: int) -> None:
        told.append(erasure_id)

    for event in draw.sample(world.events, len(world.events)):
        await hand_over(db, [event], read)
        await rows_nothing(db, "delete from outbox")  # As the relay does.
        now = dt.datetime.now(dt.UTC) + SETTLE
        await usecases.answer_erasures(db, bus, answer, settle=dt.timedelta(), now=now)

    assert [uuid.UUID(int=9)] == told
    assert [] == await rows(db, "select 1 from thread_event where customer_id is not null or given_id is not null")
    assert [] == await rows(db, "select 1 from matter where customer_id is not null")
    assert [] == await rows(db, "select 1 from thread_event where thread_id <> ''")
    assert [] == await rows(db, "select 1 from matter where thread_id <> ''")
    assert [] == await rows(db, "select 1 from alert where body like '%thread-%'")
