"""Scorecards as a table with trends."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_console.domain import figures
from sori_console.domain.figures import Scorecard

SEOUL = ZoneInfo("Asia/Seoul")
MONDAY = dt.datetime(2026, 11, 15, 15, 0, tzinfo=dt.UTC)  # Week 47 begins in Seoul.


def a_card(week: str = "2026-W46", org_unit: str = "shop-gangnam", **fields: Any) -> Scorecard:
    return Scorecard(org_unit=org_unit, week=week, **fields)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_shares_add_up_to_a_hundred_and_lie_within_one_percent_of_the_truth(
    negative: int, neutral: int, positive: int
) -> None:
    card = a_card(negative_count=negative, neutral_count=neutral, positive_count=positive)

    made = figures.shares(card)

    if not card.text_count:
        assert made is None
        return
    assert made is not None
    assert 100 == made.negative + made.neutral + made.positive
    assert abs(made.negative - 100 * negative / card.text_count) < 1


def test_each_unit_shows_its_latest_week_that_is_over() -> None:
    cards = [a_card("2026-W45", nps=1), a_card("2026-W46", nps=2), a_card("2026-W47", nps=3)]

    (row,) = figures.rows(cards, now=MONDAY, zone=SEOUL)

    assert "2026-W46" == row.card.week
    assert row.complete


def test_a_week_is_over_at_midnight_of_the_companys_zone() -> None:
    cards = [a_card("2026-W45"), a_card("2026-W46")]

    (row,) = figures.rows(cards, now=MONDAY - dt.timedelta(seconds=1), zone=SEOUL)

    assert "2026-W45" == row.card.week


def test_a_unit_with_only_a_running_week_shows_that_and_says_so() -> None:
    (row,) = figures.rows([a_card("2026-W47")], now=MONDAY, zone=SEOUL)

    assert "2026-W47" == row.card.week
    assert not row.complete


def test_the_trend_leaves_a_gap_where_a_week_has_no_value() -> None:
    cards = [a_card(f"2026-W{week}", enps=enps) for week, enps in ((42, 10.0), (43, 20.0), (45, 30.0), (46, 40.0))]

    (row,) = figures.rows(cards, now=MONDAY, zone=SEOUL)

    assert row.trend is not None
    assert 5 == row.trend.weeks
    assert 2 == len(row.trend.enps.lines)
    assert (10.0, 40.0) == (row.trend.enps.first, row.trend.enps.last)
    assert () == row.trend.negative.lines


def test_the_trend_runs_over_the_turn_of_a_year_with_a_week_53() -> None:
    cards = [a_card(week, enps=1.0) for week in ("2026-W52", "2026-W53", "2027-W01")]

    (row,) = figures.rows(cards, now=dt.datetime(2027, 2, 1, tzinfo=dt.UTC), zone=SEOUL)

    assert row.trend is not None
    assert 3 == row.trend.weeks
    assert 1 == len(row.trend.enps.lines)


@given(st.lists(st.none() | st.floats(-100, 100), min_size=1, max_size=12))
def test_a_curve_stays_within_its_frame_and_shows_every_value(values: list[float | None]) -> None:
    made = figures.curve(values, low=-100, high=100)

    on_lines = [tuple(map(float, point.split(","))) for line in made.lines for point in line.split()]
    shown = {*on_lines, *made.dots}
    assert len([value for value in values if value is not None]) == len(shown)
    assert all(0 <= x <= figures.WIDTH and 0 <= y <= figures.HEIGHT for x, y in shown)


@pytest.mark.parametrize(("value", "written"), [(None, "–"), (0.0, "0"), (-0.2, "0"), (12.4, "+12"), (-7.6, "−8")])
def test_an_absent_score_is_a_dash_and_zero_is_zero(value: float | None, written: str) -> None:
    assert written == figures.signed(value)


@pytest.mark.parametrize(("value", "written"), [(None, "–"), (0.0, "0%"), (0.875, "88%")])
def test_an_absent_share_is_a_dash_and_zero_is_zero(value: float | None, written: str) -> None:
    assert written == figures.percent(value)


def test_the_case_that_is_due_first_comes_first_and_one_without_a_promise_last() -> None:
    cases = [a_case("none", None), a_case("later", MONDAY), a_case("soon", MONDAY - dt.timedelta(hours=1))]

    made = figures.pressing(cases, most=2, at_least=False)

    assert ["soon", "later"] == [each.case for each in made.shown]
    assert 1 == made.more


def a_case(name: str, due_time: dt.datetime | None) -> figures.WaitingCase:
    return figures.WaitingCase(
        case=name, org_unit="", channel="", from_staff=False, topics=(), opened_time=MONDAY, due_time=due_time
    )
