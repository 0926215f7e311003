"""The rules of insight."""

import datetime as dt
import random
import uuid
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from integration.insight import events

from sori_insight import domain

SEOUL = ZoneInfo("Asia/Seoul")


@pytest.mark.parametrize(
    ("time", "week"),
    [
        (dt.datetime(2026, 11, 1, 14, 59, 59, tzinfo=dt.UTC), "2026-W44"),  # Sunday night in Seoul.
        (dt.datetime(2026, 11, 1, 15, 0, tzinfo=dt.UTC), "2026-W45"),  # Monday there, Sunday in UTC.
        (dt.datetime(2026, 12, 31, 12, 0, tzinfo=dt.UTC), "2026-W53"),
        (dt.datetime(2027, 1, 3, 12, 0, tzinfo=dt.UTC), "2026-W53"),  # ISO weeks belong to one year.
        (dt.datetime(2027, 1, 3, 15, 0, tzinfo=dt.UTC), "2027-W01"),
    ],
)
def test_a_week_begins_on_monday_midnight_of_the_zone(time: dt.datetime, week: str) -> None:
    assert week == domain.week_of(time, SEOUL)


@given(st.integers(978_307_200, 4_000_000_000))
def test_the_monday_of_a_week_is_its_first_moment(seconds: int) -> None:
    time = dt.datetime.fromtimestamp(seconds, dt.UTC)

    week = domain.week_of(time, SEOUL)
    monday = domain.monday_of(week, SEOUL)

    assert monday <= time < monday + dt.timedelta(days=7)
    assert week != domain.week_of(monday - dt.timedelta(microseconds=1), SEOUL)


@pytest.mark.parametrize("week", ["", "2026-W54", "2026W45", "2026-W45-1", "2026-11-02", "last week"])
def test_what_names_no_week_is_refused(week: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        domain.monday_of(week, SEOUL)


@pytest.mark.parametrize(
    ("score", "lowest", "highest", "scaled"),
    [(4, 1, 5, 4.0), (3, 0, 4, 4.0), (75, 0, 100, 4.0), (6, 1, 7, 4.333333), (5, 1, 7, 3.666667), (1, 1, 5, 1.0)],
)
def test_a_mark_is_brought_onto_the_scale_of_five(score: float, lowest: float, highest: float, scaled: float) -> None:
    assert scaled == domain.on_scale_of_five(score, lowest, highest)


def test_a_scale_without_extent_gives_no_mark() -> None:
    assert domain.on_scale_of_five(3, 3, 3) is None


def test_no_answers_is_nothing_and_not_zero() -> None:
    assert domain.net_score(0, 0, 0) is None
    assert domain.share(0, 0) is None
    assert 0 == domain.net_score(0, 0, 1)


def test_a_batch_keeps_the_highest_revision_of_a_touchpoint_and_every_other_line() -> None:
    touchpoint_id = uuid.uuid4()
    low, high, voice = (
        events.a_line(1, touchpoint_id=touchpoint_id, revision=1),
        events.a_line(2, touchpoint_id=touchpoint_id, revision=2),
        events.a_line(3),
    )

    assert [high, voice] == domain.newest([low, high, voice])
    assert [high, voice] == domain.newest([high, low, voice])


@given(st.lists(st.integers(0, 100), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_merges_lead_to_the_same_survivors_in_any_order_and_any_portions(
    parents: list[int], shuffle: random.Random
) -> None:
    customers = [uuid.UUID(int=number + 1) for number in range(len(parents) + 1)]
    merges = [
        domain.Merge(survivor_id=customers[parent % number], merged_id=customers[number])
        for number, parent in enumerate(parents, start=1)
    ]
    shuffled = merges * 2
    shuffle.shuffle(shuffled)
    cut = shuffle.randrange(len(shuffled))

    remaining = domain.survivors(domain.survivors({}, shuffled[:cut]), shuffled[cut:])

    assert dict.fromkeys(customers[1:], customers[0]) == remaining


def test_a_ring_of_merges_does_not_hang() -> None:
    one, other = uuid.UUID(int=1), uuid.UUID(int=2)

    remaining = domain.survivors({}, [domain.Merge(one, other), domain.Merge(other, one)])

    assert {one, other} == set(remaining)


def test_identity_is_for_cx_and_staff_cases_are_for_hr() -> None:
    assert domain.Viewer(sees_customers=True, sees_staff_cases=False) == domain.Viewer.with_roles(["cx.read"])
    assert domain.Viewer(sees_customers=False, sees_staff_cases=True) == domain.Viewer.with_roles(["hr.read"])
    assert domain.Viewer(sees_customers=False, sees_staff_cases=False) == domain.Viewer.with_roles(["admin"])
