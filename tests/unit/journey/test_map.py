"""Counting maps in portions says what counting one by one says."""

import datetime as dt
import math
import statistics
import uuid
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori.classify.v1 import classification_pb2
from sori_journey import domain, wire
from sori_journey.domain import risk, segments
from sori_journey.domain.journey_map import Change, Felt, t_quantile
from sori_journey.model import counting
from sori_journey.model.risk import load
from sori_journey.settings import segments as rules
from sori_journey.settings import stages
from sori_journey.settings.files import PolicyRefused

DAY = dt.timedelta(days=1)
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
STAGES = stages.load(None)
NUMBERS = {("topic", "price"): 1, ("topic", "delivery"): 2, ("org_unit", "shop"): 1, ("product", "tea"): 1}
TEXTS = {(kind, number): text for (kind, text), number in NUMBERS.items()}
MOODS = [None, -1.0, -0.5, 0.0, 0.25, 1.0]

STEP = st.builds(
    lambda **given: domain.Step(touchpoint_id=uuid.UUID(int=0), **given),
    time=st.integers(0, 60).map(lambda day: START + day * DAY),
    channel=st.sampled_from(["app", "kakao"]),
    kind=st.sampled_from(["view", "purchase", "complaint", "refund", "cancellation", "reply"]),
    own=st.booleans(),
    mood=st.sampled_from(MOODS),
    topics=st.sampled_from([(), ("price",), ("price", "delivery")]),
    org_unit=st.sampled_from(["", "shop"]),
    product=st.sampled_from(["", "tea"]),
)
JOURNEYS = st.lists(st.lists(STEP, min_size=1, max_size=8), min_size=1, max_size=6)


def courses(journeys: list[list[domain.Step]]) -> list[domain.Course]:
    return [
        domain.fold(
            [domain.Step(**{**fields(each), "touchpoint_id": uuid.UUID(int=n)}) for n, each in enumerate(steps)],
            STAGES,
            now=START,
        )
        for steps in journeys
    ]


def fields(step: domain.Step) -> dict[str, object]:
    return {name: getattr(step, name) for name in domain.Step.__slots__}


def portion(found: list[domain.Course]) -> counting.Portion:
    return counting.Portion(
        path_ids=b"".join(uuid.UUID(int=n).bytes for n in range(len(found))),
        known=[True] * len(found),
        counts=[len(each.steps) for each in found],
        steps=b"".join(wire.pack(each, NUMBERS, STAGES.drop_off_kinds) for each in found),
    )


def question(**given: object) -> counting.Question:
    asked: dict[str, object] = {"from_time": None, "until_time": None, "product": None, "org_unit": None}
    asked |= {"silent_after": 14 * DAY, "now": START + 65 * DAY, **given}
    return counting.Question(**asked)  # type: ignore[arg-type]


def is_drop_off(steps: list[domain.Step], place: int, now: dt.datetime) -> bool:
    for later in steps[place + 1 :]:
        if later.own or later.kind in STAGES.drop_off_kinds:
            if later.time - steps[place].time < 14 * DAY:
                return later.kind in STAGES.drop_off_kinds
            break
    return now - steps[place].time >= 14 * DAY


@given(JOURNEYS, st.integers(0, 60), st.booleans())
def test_a_map_is_what_counting_one_by_one_says(
    journeys: list[list[domain.Step]], from_day: int, only_shop: bool
) -> None:
    told = courses(journeys)
    count = counting.Count(question(from_time=START + from_day * DAY, org_unit=1 if only_shop else None))
    half = len(told) // 2
    for part in (told[:half], told[half:]):
        count.add(portion(part))
    found = count.map()

    touchpoints: Counter[tuple[int, str]] = Counter()
    customers: dict[tuple[int, str], set[int]] = defaultdict(set)
    dropped: dict[tuple[int, str], set[int]] = defaultdict(set)
    said: dict[tuple[int, str], list[float]] = defaultdict(list)
    topics: dict[tuple[int, str], Counter[int]] = defaultdict(Counter)
    transitions: Counter[tuple[str, str]] = Counter()
    for number, course in enumerate(told):
        for place, (step, stage) in enumerate(zip(course.steps, course.stages, strict=True)):
            if step.time < START + from_day * DAY or (only_shop and step.org_unit != "shop"):
                continue
            cell = (list(domain.Stage).index(stage) + 1 if stage else 0, step.channel)
            touchpoints[cell] += 1
            customers[cell].add(number)
            topics[cell].update(NUMBERS["topic", each] for each in step.topics)
            if step.mood is not None:
                said[cell].append(step.mood)
            goes_on = not step.own or step.kind in STAGES.drop_off_kinds
            if not goes_on and is_drop_off(list(course.steps), place, START + 65 * DAY):
                dropped[cell].add(number)
            if place:
                transitions[course.steps[place - 1].kind, step.kind] += 1
    channels = {"app": 1, "kakao": 4}
    cells = {(stage, channels[name]): (stage, name) for stage, name in touchpoints}
    assert cells.keys() == {key for key, cell in found.cells.items() if cell.touchpoints}
    for key, named in cells.items():
        cell = found.cells[key]
        assert (touchpoints[named], len(customers[named])) == (cell.touchpoints, cell.customers)
        assert (len(dropped[named]), len(said[named])) == (cell.dropped, cell.felt.count)
        assert topics[named] == cell.topics
        interval = cell.felt.interval()
        if said[named]:
            assert interval is not None
            assert statistics.fmean(said[named]) == pytest.approx(interval.mean, abs=1e-3)
    counted = {(wire.kind(a), wire.kind(b)): count for (a, b), (count, _) in found.transitions.items()}
    assert dict(transitions) == counted


@given(JOURNEYS)
def test_records_hold_what_journeys_depend_on(journeys: list[list[domain.Step]]) -> None:
    for course in courses(journeys):
        read = wire.unpack(wire.pack(course, NUMBERS, frozenset()), TEXTS)

        nobody = uuid.UUID(int=0)
        assert [domain.Step(**{**fields(each), "touchpoint_id": nobody}) for each in course.steps] == read


def test_words_of_one_customer_widen_the_interval() -> None:
    many = Felt(count=40, total=20.0, customers=40, count_squares=40, total_squares=20.0, products=20.0)
    one_each_ten = Felt(count=40, total=20.0, customers=4, count_squares=400, total_squares=200.0, products=200.0)

    apart, together = many.interval(), one_each_ten.interval()

    assert apart is not None
    assert together is not None
    assert apart.mean == together.mean == 0.5
    assert apart.low is not None
    assert together.low is not None
    assert together.low < apart.low < 0.5


def test_a_fall_needs_enough_customers_and_an_interval_below_zero() -> None:
    sure = Change(customers=30, total=-15.0, squares=15.0)
    few = Change(customers=5, total=-5.0, squares=5.01)
    unsure = Change(customers=30, total=-3.0, squares=60.0)
    found = domain.JourneyMap(changes={(4, 1, 2): sure, (4, 2, 2): few, (4, 3, 2): unsure})

    moments = found.moments(fewest=20)

    assert [(4, 1, 2)] == [place for place, _, _ in moments]


@pytest.mark.parametrize(("freedom", "value"), [(1, 12.706), (4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042)])
def test_quantiles_are_those_of_the_tables(freedom: int, value: float) -> None:
    assert math.isclose(value, t_quantile(freedom), abs_tol=0.002)


@given(
    st.lists(
        st.builds(
            classification_pb2.Correction,
            sentiment=st.integers(0, 3),
            abusive=st.sampled_from([None, True, False]),
            topics=st.lists(st.sampled_from("abc"), max_size=2),
            no_topics=st.booleans(),
        ),
        min_size=1,
        max_size=5,
    ),
    st.data(),
)
def test_corrections_that_come_in_parts_come_to_the_same(
    corrections: list[classification_pb2.Correction], data: st.DataObject
) -> None:
    """Some are applied first, those of an earlier time follow: all are applied again by time."""
    ordered = [each.SerializeToString() for each in corrections]
    some = [each for each in ordered if data.draw(st.booleans())]
    at_once = classification_pb2.Classification(sentiment=1, topics=["z"])  # type: ignore[arg-type]
    in_parts = classification_pb2.Classification(sentiment=1, topics=["z"])  # type: ignore[arg-type]

    wire.correct(at_once, ordered)
    wire.correct(in_parts, some)
    wire.correct(in_parts, ordered)

    assert at_once == in_parts
    assert not wire.correct(at_once, ordered)


def a_summary(**given: object) -> domain.Summary:
    known: dict[str, object] = {"first_time": START, "last_time": START, "stage": None, "stage_time": None}
    known |= {"purchase_count": 0, "spent": 0.0, "last_purchase_time": None, "nps": None, **given}
    return domain.Summary(**known)  # type: ignore[arg-type]


def test_fifths_are_the_same_for_the_same_figures_and_none_for_who_never_bought() -> None:
    bounds = {"recency": [1.0, 2.0, 3.0, 4.0], "frequency": [1.0, 1.0, 1.0, 2.0], "monetary": [10.0, 20.0, 30.0, 40.0]}

    once = segments.rfm(a_summary(purchase_count=1, spent=41.0, last_purchase_time=START), bounds)

    assert (5, 1, 5) == (once.recency, once.frequency, once.monetary)
    assert domain.Rfm() == segments.rfm(a_summary(), bounds)


@pytest.mark.parametrize(
    ("condition", "why"),
    [
        ("customer.spend > 1.0", "customer has no spend"),
        ("customer.spent >", "is not CEL"),
        ("client.spent > 1.0", "client is not known"),
        ("customer.spent", "not true or false"),
        ("customer.rfm.money > 3", "recency, frequency, monetary"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_line(tmp_path: Path, condition: str, why: str) -> None:
    path = tmp_path / "segments.yaml"
    path.write_text(f"segments:\n  - name: a\n    when: {condition}\n")

    with pytest.raises(PolicyRefused) as refused:
        rules.load(path)

    assert str(refused.value).startswith("segments.yaml:3: ")
    assert why in str(refused.value)


def test_a_condition_about_a_kind_that_never_was_does_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "segments.yaml"
    path.write_text('segments:\n  - name: a\n    when: customer.kinds["complaint"] > 1\n')
    (rule,) = rules.load(path)
    facts = segments.facts(a_summary(), [], {}, churn_risk=None, complaint_risk=None, now=START)

    assert not rule.holds(facts)
    assert rule.holds({**facts, "kinds": {"complaint": 2}})


def test_risks_are_probabilities_and_their_reasons_raise_them() -> None:
    model = load()
    rows = [tuple(float(n * k % 7) for k in range(len(risk.FEATURES))) for n in range(20)]

    scored = model.score(rows)

    for each in scored:
        for found in each.values():
            assert 0 < found.score < 1
            assert all(reason.weight > 0 for reason in found.reasons)
            assert len(found.reasons) <= 3


def test_the_card_says_on_what_the_model_was_made_and_how_good_it_is() -> None:
    card = load().card

    assert "made-up" in str(card["data"])
    for figures in card["test"].values():  # type: ignore[attr-defined]
        assert figures["calibration_error"] < 0.05
        assert len(figures["reliability"]) == 10
