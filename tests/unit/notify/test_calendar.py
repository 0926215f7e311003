"""Working time: against the clock on the wall, second by second."""

import datetime as dt
import time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.notify.oracle import Hours, Wall

from sori_notify.domain import ALWAYS, Calendar, NeverOpens

SECOND = dt.timedelta(seconds=1)
ZONES = ["Asia/Seoul", "America/New_York", "Australia/Lord_Howe"]
CHANGES = {  # A day around which each zone's clocks change; Seoul's never do.
    "Asia/Seoul": [dt.date(2026, 2, 16), dt.date(2028, 2, 29)],
    "America/New_York": [dt.date(2026, 3, 8), dt.date(2026, 11, 1)],
    "Australia/Lord_Howe": [dt.date(2026, 4, 5), dt.date(2026, 10, 4)],
}
quarters = st.integers(0, 96)


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    edges = sorted(draw(st.sets(quarters, min_size=0, max_size=6)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    return tuple((opens * 900, closes * 900) for opens, closes in pairs)


@st.composite
def walls(draw: st.DrawFn) -> tuple[Wall, dt.date]:
    zone = draw(st.sampled_from(ZONES))
    day = draw(st.sampled_from(CHANGES[zone]))
    near = st.integers(-2, 2).map(lambda days: day + dt.timedelta(days=days))
    weekly = tuple(draw(st.lists(hours(), min_size=7, max_size=7)))
    if not any(weekly):
        weekly = (((9 * 3600, 18 * 3600),),) * 7
    wall = Wall(
        zone,
        weekly,
        draw(st.dictionaries(near, hours(), max_size=2)),
        frozenset(draw(st.sets(near, max_size=2))),
        draw(hours()),
    )
    return wall, day


def of(wall: Wall) -> Calendar:
    return Calendar(
        name="drawn",
        zone=wall.zone,
        weekly=tuple(tuple(each) for each in wall.weekly),
        exceptions={day: tuple(each) for day, each in wall.exceptions.items()},
        holidays=wall.holidays,
        holiday_hours=tuple(wall.holiday_hours),
    )


def moment(second: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(second, dt.UTC)


def around(wall: Wall, day: dt.date, shift: int) -> int:
    midnight = dt.datetime.combine(day, dt.time(), ZoneInfo(wall.zone))
    return int(midnight.timestamp()) + shift


@settings(max_examples=40, deadline=None)
@given(walls(), st.integers(-80_000, 80_000), st.integers(0, 100_000))
def test_working_time_is_what_the_clock_on_the_wall_counts(
    drawn: tuple[Wall, dt.date], shift: int, length: int
) -> None:
    wall, day = drawn
    start = around(wall, day, shift)
    counted = sum(wall.works_at(second) for second in range(start, start + length))

    assert counted * SECOND == of(wall).working(moment(start), moment(start + length))


@settings(max_examples=40, deadline=None)
@given(walls(), st.integers(-80_000, 80_000), st.integers(1, 40_000))
def test_a_target_is_reached_at_the_first_instant_by_which_it_has_been_worked(
    drawn: tuple[Wall, dt.date], shift: int, amount: int
) -> None:
    wall, day = drawn
    calendar, start = of(wall), moment(around(wall, day, shift))

    reached = calendar.add(start, amount * SECOND)

    assert reached is not None
    assert amount * SECOND == calendar.working(start, reached)
    assert amount * SECOND - SECOND == calendar.working(start, reached - SECOND)


@settings(max_examples=40, deadline=None)
@given(walls(), st.integers(-80_000, 80_000), st.integers(0, 2_000_000))
def test_intervals_are_apart_in_order_and_make_up_the_working_time(
    drawn: tuple[Wall, dt.date], shift: int, length: int
) -> None:
    wall, day = drawn
    calendar, start = of(wall), moment(around(wall, day, shift))
    found = list(calendar.intervals(start, start + length * SECOND))

    flat = [time for interval in found for time in interval]
    assert sorted(set(flat)) == flat
    assert calendar.working(start, start + length * SECOND) == sum((b - a for a, b in found), dt.timedelta())


@pytest.mark.parametrize(
    ("zone", "day", "morning"),
    [
        ("America/New_York", dt.date(2026, 3, 8), 11.0),
        ("America/New_York", dt.date(2026, 11, 1), 13.0),
        ("Australia/Lord_Howe", dt.date(2026, 4, 5), 12.5),
        ("Australia/Lord_Howe", dt.date(2026, 10, 4), 11.5),
        ("Asia/Seoul", dt.date(2026, 3, 8), 12.0),
    ],
)
def test_a_morning_is_as_long_as_the_clocks_make_it(zone: str, day: dt.date, morning: float) -> None:
    half = Calendar(name="c", zone=zone, weekly=(((0, 43_200),),) * 7)
    midnight = dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)

    assert dt.timedelta(hours=morning) == half.working(midnight, midnight + dt.timedelta(hours=20))


def test_exceptions_come_before_holidays_and_holidays_before_weekdays() -> None:
    friday = dt.date(2026, 12, 25)
    calendar = Calendar(
        name="c",
        zone="Asia/Seoul",
        weekly=(((32_400, 64_800),),) * 7,
        exceptions={friday: ((36_000, 39_600),)},
        holidays=frozenset({friday, dt.date(2026, 12, 24)}),
        holiday_hours=((0, 60),),
    )
    start = dt.datetime(2026, 12, 23, 15, tzinfo=dt.UTC)  # midnight of the 24th in Seoul

    worked = [
        calendar.working(start + day * dt.timedelta(days=1), start + (day + 1) * dt.timedelta(days=1))
        for day in range(3)
    ]

    assert [60, 3600, 32_400] == [each.total_seconds() for each in worked]


def test_leap_day_is_a_day() -> None:
    calendar = Calendar(name="c", zone="Asia/Seoul", weekly=(((0, 3600),),) * 7)

    assert dt.timedelta(hours=3) == calendar.working(
        dt.datetime(2028, 2, 27, 15, tzinfo=dt.UTC), dt.datetime(2028, 3, 1, 15, tzinfo=dt.UTC)
    )


def test_a_calendar_that_never_opens_is_refused() -> None:
    with pytest.raises(NeverOpens):
        Calendar(name="c", zone="Asia/Seoul", weekly=((),) * 7)


def test_a_fair_that_is_over_has_no_time_left() -> None:
    fair = Calendar(name="c", zone="Asia/Seoul", weekly=((),) * 7, exceptions={dt.date(2026, 5, 1): ((0, 3600),)})

    assert fair.add(dt.datetime(2026, 5, 2, tzinfo=dt.UTC), SECOND) is None


def test_all_day_every_day_is_plain_time() -> None:
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

    assert start + 400 * dt.timedelta(days=1) == ALWAYS.add(start, 400 * dt.timedelta(days=1))
    assert [(start, start + SECOND)] == list(ALWAYS.intervals(start, start + SECOND))


def test_a_calendar_survives_being_written_down() -> None:
    calendar = Calendar(
        name="c",
        zone="Asia/Seoul",
        weekly=(((0, 3600),),) * 7,
        exceptions={dt.date(2026, 5, 1): ()},
        holidays=frozenset({dt.date(2026, 5, 5)}),
    )

    read = Calendar.of_content(calendar.content())

    assert (calendar, calendar.version) == (read, read.version)


def test_a_year_is_counted_in_no_time() -> None:
    calendar = Calendar(name="c", zone="America/New_York", weekly=(((0, 3600), (7200, 9000)),) * 7)
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    calendar.working(start, start + dt.timedelta(days=3000))

    began = time.process_time()
    for _ in range(1000):
        calendar.working(start, start + dt.timedelta(days=366))

    assert time.process_time() - began < 1
