"""The rules of insight."""

import datetime as dt
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


def test_a_line_goes_with_its_customer_through_every_later_merge() -> None:
    one, two, three = (uuid.UUID(int=number) for number in range(1, 4))
    merges = {one: [(5, two)], two: [(3, one), (7, three)]}

    assert three == domain.owner(domain.Belonging(one, 4), None, merges)
    assert one == domain.owner(domain.Belonging(one, 5), None, merges)
    assert three == domain.owner(domain.Belonging(two, 3), None, merges)
    assert domain.owner(None, None, merges) is None


def test_of_two_statements_about_a_touchpoint_the_later_one_holds() -> None:
    one, two = uuid.UUID(int=1), uuid.UUID(int=2)
    merges = {one: [(5, two)]}

    assert two == domain.owner(domain.Belonging(one, 4), None, merges)
    assert one == domain.owner(domain.Belonging(one, 4), domain.Belonging(one, 6), merges)
    assert two == domain.owner(domain.Belonging(two, 7), domain.Belonging(one, 6), merges)
    assert two == domain.owner(None, domain.Belonging(one, 4), merges)


def test_identity_is_for_cx_and_staff_cases_are_for_hr() -> None:
    assert domain.Viewer(sees_customers=True, sees_staff_cases=False) == domain.Viewer.with_roles(["cx.read"])
    assert domain.Viewer(sees_customers=False, sees_staff_cases=True) == domain.Viewer.with_roles(["hr.read"])
    assert domain.Viewer(sees_customers=False, sees_staff_cases=False) == domain.Viewer.with_roles(["admin"])
