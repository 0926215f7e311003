"""Whatever the order, the portions and the repeats in which events come: the same feed and the same figures."""

import datetime as dt
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from integration.insight import events

import builders
import harness
from engines import Engines
from sori.classify.v1.classification_pb2 import SENTIMENT_POSITIVE, Correction
from sori.ingest.v1 import touchpoint_pb2
from sori_insight import domain, usecases
from sori_insight.consumers import Consumers
from sori_kit import database, ids, migrations
from sori_kit.database import Database
from sori_kit.envelope import Event

UNITS = ("강남점", "홍대점", "")
DAYS = 15  # reach into three ISO weeks

at_random = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # To shrink a month on a real database takes too long.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest_asyncio.fixture(scope="module")
async def db(engines: Engines) -> AsyncIterator[Database]:
    url = database.url_for(engines.postgres_url, "insight")
    await migrations.upgrade("sori_insight", url)
    made = Database(url)
    yield made
    await made.close()


@dataclass
class Month:
    """Events, and the plain facts that they were made from."""

    events: list[Event[Any]] = field(default_factory=list)
    touchpoints: dict[int, dict[str, Any]] = field(default_factory=dict)  # of the highest revision
    cases: dict[int, dict[str, Any]] = field(default_factory=dict)  # of the highest version
    pulses: dict[tuple[str, str], tuple[dt.datetime, float]] = field(default_factory=dict)
    voices: list[tuple[str, str]] = field(default_factory=list)
    alerts: int = 0
    parents: dict[int, int] = field(default_factory=dict)

    def survivor(self, customer: int) -> int:
        while customer in self.parents:
            customer = self.parents[customer]
        return customer


def customer_id(number: int) -> str:
    return events.an_id("customer", number)


def a_month(draw: random.Random) -> Month:
    """Draw a small month in which everything happens that could disturb another thing."""
    month = Month()
    for merged in range(1, 6):
        if draw.random() < 0.6:
            month.parents[merged] = draw.randrange(merged)
            # Who has gone into another absorbs nobody any more: higher numbers merge first.
            month.events.append(events.a_merge(customer_id(month.parents[merged]), customer_id(merged), 10 - merged))
    for number in range(draw.randrange(1, 9)):
        for revision in sorted(draw.sample(range(5), draw.randrange(1, 4))):
            facts = month.touchpoints[number] = _touchpoint(draw)
            month.events.append(
                events.stitched(
                    revision,
                    classification=builders.a_classification(facts["sentiment"]),
                    external_id=f"t-{number}",
                    customer_id=customer_id(facts["customer"]),
                    **{key: facts[key] for key in ("text", "actor", "org_unit", "survey", "occurred_time")},
                )
            )
    for number in range(draw.randrange(4)):
        origin, opened_time = draw.choice(["customer", "customer", "employee"]), _time(draw)
        for version in sorted(draw.sample(range(1, 9), draw.randrange(1, 4))):
            facts = month.cases[number] = {
                "origin": origin,
                "opened_time": opened_time,
                "org_unit": draw.choice(UNITS),
                "clock": draw.choice([None, "running", "fulfilled", "breached", "cancelled", "paused"]),
            }
            change = draw.choice([*domain.Change])
            month.events.append(events.a_case(change, number=number, version=version, **facts))
        if draw.random() < 0.5:
            month.alerts += 1
            month.events.append(events.an_alert(number))
    for number in range(draw.randrange(4)):
        month.voices.append((draw.choice(UNITS), draw.choice(["2026-W45", "2026-W46"])))
        month.events.append(events.a_voice(number, org_unit=month.voices[-1][0], week=month.voices[-1][1]))
    for _ in range(draw.randrange(4)):
        org_unit, week, time = draw.choice(UNITS), draw.choice(["2026-W44", "2026-W45"]), _time(draw)
        enps = draw.randrange(-100, 101)
        if (org_unit, week) in month.pulses and month.pulses[org_unit, week][0] >= time:
            continue
        month.pulses[org_unit, week] = (time, enps)
        month.events.append(events.a_pulse(enps, org_unit=org_unit, week=week, time=time))
    return month


def _time(draw: random.Random) -> dt.datetime:
    return builders.NOON + dt.timedelta(minutes=draw.randrange(DAYS * 24 * 60))


def _touchpoint(draw: random.Random) -> dict[str, Any]:
    surveys = [
        None,
        events.nps(draw.randrange(11)),
        events.csat(draw.randrange(1, 6)),
        events.csat(draw.randrange(11), 0, 10),
    ]
    return {
        "sentiment": draw.choice(["negative", "neutral", "positive"]),
        "text": draw.choice(["늦었어요", "Great service", ""]),
        "actor": draw.choice(["customer", "unspecified", "agent"]),
        "org_unit": draw.choice(UNITS),
        "survey": draw.choice(surveys),
        "occurred_time": _time(draw),
        "customer": draw.randrange(6),
    }


def deliveries(month: Month, draw: random.Random) -> list[list[Event[Any]]]:
    """Shuffle, repeat and cut into batches of one type."""
    found: list[list[Event[Any]]] = []
    for event in draw.sample(month.events + month.events, 2 * len(month.events)):
        same = [batch for batch in found[-3:] if type(batch[0].message) is type(event.message)]
        if same and draw.random() < 0.7:
            same[-1].append(event)
        else:
            found.append([event])
    return found


@at_random
@given(draw=st.randoms(use_true_random=False))
async def test_order_portions_and_repeats_do_not_matter(db: Database, draw: random.Random) -> None:
    month = a_month(draw)
    consumers = Consumers(db, events.SEOUL)

    await harness.truncate(db.url)
    for event in month.events:
        await events.hand_over(consumers, [event])
    one_by_one = await _seen(db)
    await harness.truncate(db.url)
    for batch in deliveries(month, draw):
        await events.hand_over(consumers, batch)
    disturbed = await _seen(db)

    assert one_by_one == disturbed


@at_random
@given(draw=st.randoms(use_true_random=False))
async def test_touchpoints_that_come_by_the_hundred_are_as_those_that_come_one_by_one(
    db: Database, draw: random.Random
) -> None:
    consumers = Consumers(db, events.SEOUL)
    touchpoints = [
        events.stitched(
            revision, external_id=f"t-{number}", customer_id=customer_id(number % 6), text=f"{draw.random()}"
        )
        for number in range(60)
        for revision in sorted(draw.sample(range(4), draw.randrange(1, 4)))
    ]
    changes = [
        events.a_merge(customer_id(1), customer_id(2), 5),
        events.an_erasure([customer_id(3)], []),
        events.a_correction(touchpoints[0].entity_id, Correction(sentiment=SENTIMENT_POSITIVE)),
    ]

    await harness.truncate(db.url)
    for event in [*touchpoints, *changes]:
        await events.hand_over(consumers, [event])
    one_by_one = await _seen(db)
    await harness.truncate(db.url)
    waiting = draw.sample(touchpoints + touchpoints, 2 * len(touchpoints))
    while waiting:
        size = draw.randrange(40, 100)
        await events.hand_over(consumers, waiting[:size])
        del waiting[:size]
        if changes and draw.random() < 0.7:
            await events.hand_over(consumers, [changes.pop()])
    for change in changes:
        await events.hand_over(consumers, [change])
    by_the_hundred = await _seen(db)

    assert one_by_one == by_the_hundred


async def _seen(db: Database) -> tuple[object, ...]:
    lines = await events.whole_feed(db)
    for_cx = await events.whole_feed(db, domain.Viewer(sees_customers=True, sees_staff_cases=False))
    return (
        sorted(lines, key=lambda item: item.item_id),
        {item.item_id for item in for_cx},
        await usecases.list_scorecards(db, ""),
        await usecases.get_tally(db),
    )


@at_random
@given(draw=st.randoms(use_true_random=False))
async def test_figures_are_those_of_a_count_by_hand(db: Database, draw: random.Random) -> None:
    month = a_month(draw)
    consumers = Consumers(db, events.SEOUL)

    await harness.truncate(db.url)
    for batch in deliveries(month, draw):
        await events.hand_over(consumers, batch)

    figures = {(each.org_unit, each.week): each for each in await usecases.list_scorecards(db, "")}
    counted = by_hand(month)
    assert {key: _plain(each) for key, each in figures.items()} == {
        key: pytest.approx(each) for key, each in counted.items()
    }
    assert sorted(figures) == list(figures)
    for unit in UNITS[:2]:
        assert await usecases.list_scorecards(db, unit) == [each for each in figures.values() if each.org_unit == unit]
    assert await usecases.get_tally(db) == domain.Tally(
        touchpoints=len(month.touchpoints), voices=len(month.voices), cases=len(month.cases), alerts=month.alerts
    )
    owners = {
        item.touchpoint.touchpoint.touchpoint_id: item.touchpoint.position.customer_id
        for item in await events.whole_feed(db)
        if item.HasField("touchpoint")
    }
    assert owners == {
        str(ids.derive("touchpoint", "kakao-main", f"t-{number}")): customer_id(month.survivor(facts["customer"]))
        for number, facts in month.touchpoints.items()
    }


def _plain(card: domain.Scorecard) -> dict[str, float | None]:
    return {
        name: getattr(card, name) for name in domain.Scorecard.__dataclass_fields__ if name not in ("org_unit", "week")
    }


def by_hand(month: Month) -> dict[tuple[str, str], dict[str, float | None]]:
    """Count as one would on paper."""
    said: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    clocks: dict[tuple[str, str], list[str]] = defaultdict(list)
    for facts in month.touchpoints.values():
        said[facts["org_unit"], _week(facts["occurred_time"])].append(facts)
    for facts in month.cases.values():
        if facts["origin"] == "customer" and facts["clock"] in ("fulfilled", "breached"):
            clocks[facts["org_unit"], _week(facts["opened_time"])].append(facts["clock"])
    keys = {*said, *clocks, *month.voices, *month.pulses}
    return {key: _card(said[key], clocks[key], month, key) for key in keys}


def _week(time: dt.datetime) -> str:
    return (time + dt.timedelta(hours=9)).strftime("%G-W%V")


def _card(said: list[dict[str, Any]], clocks: list[str], month: Month, key: tuple[str, str]) -> dict[str, float | None]:
    moods = [each["sentiment"] for each in said if each["text"] and each["actor"] != "agent"]
    surveys = [each["survey"] for each in said if each["survey"]]
    nps = [each.score for each in surveys if each.type == touchpoint_pb2.SURVEY_TYPE_NPS]
    csat = [each for each in surveys if each.type == touchpoint_pb2.SURVEY_TYPE_CSAT]
    top = [each for each in csat if (each.score >= 7.5 if each.highest == 10 else each.score >= 4)]
    net = len([score for score in nps if score > 8]) - len([score for score in nps if score < 7])
    return {
        "touchpoint_count": len(said),
        "negative_count": moods.count("negative"),
        "neutral_count": moods.count("neutral"),
        "positive_count": moods.count("positive"),
        "nps_count": len(nps),
        "nps": 100 * net / len(nps) if nps else None,
        "csat_count": len(csat),
        "csat": len(top) / len(csat) if csat else None,
        "first_response_count": len(clocks),
        "first_response_attainment": clocks.count("fulfilled") / len(clocks) if clocks else None,
        "enps": month.pulses[key][1] if key in month.pulses else None,
        "voice_count": month.voices.count(key),
    }
