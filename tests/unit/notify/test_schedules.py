"""Who is on call, across clocks that are put forward and back."""

import datetime as dt
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sori_notify.domain.schedules import Hours, Rotation, Schedule, Shift, moment
from sori_notify.settings import schedules
from sori_notify.settings.places import MistakesFound

ZONES = ("Asia/Seoul", "America/New_York", "Australia/Lord_Howe")


def shown(year: int, month: int, day: int, hour: int = 0) -> dt.datetime:
    """What clocks show, wherever they are."""
    return dt.datetime.fromisoformat(f"{year}-{month:02}-{day:02}T{hour:02}:00")


def a_schedule(zone: str, hours: Hours | None = None) -> Schedule:
    rotation = Rotation(
        people=("kim", "lee", "choi"), start=shown(2026, 1, 5, 9), length=dt.timedelta(days=1), hours=hours
    )
    return Schedule(name="s", zone=zone, rotations=(rotation,))


@given(st.sampled_from(ZONES), st.datetimes(shown(2026, 1, 6), shown(2027, 12, 31)))
@settings(max_examples=200, deadline=None)
def test_exactly_one_is_on_call_at_any_time_and_hands_over_when_the_clocks_say_so(zone: str, at: dt.datetime) -> None:
    schedule, now = a_schedule(zone), at.replace(tzinfo=dt.UTC)

    (person,) = schedule.on_call(now)
    (shift,) = [each for each in schedule.shifts(now, now + dt.timedelta(hours=50)) if each.start_time <= now]

    assert person == shift.person
    local = shift.end_time.astimezone(ZoneInfo(zone))
    assert (9, 0) == (local.hour, local.minute)


def test_an_override_comes_first_and_nobody_is_on_call_outside_hours() -> None:
    start = moment(shown(2026, 1, 5, 12), "Asia/Seoul")
    hours = Hours(start=dt.time(9), end=dt.time(18))
    schedule = Schedule(
        name="s",
        rotations=a_schedule("Asia/Seoul", hours=hours).rotations,
        overrides=(Shift(person="park", start_time=start, end_time=start + dt.timedelta(hours=1)),),
    )

    at = [start, start + dt.timedelta(hours=1), start + dt.timedelta(hours=8)]

    assert [("park",), ("kim",), ()] == [schedule.on_call(each) for each in at]


def test_what_is_written_as_icalendar_is_read_back_as_the_same_shifts() -> None:
    schedule = a_schedule("America/New_York")
    start = moment(shown(2026, 3, 7, 9), "America/New_York")  # The clocks are put forward the night after.
    end = start + dt.timedelta(days=3)

    read = schedules.from_ical(schedules.to_ical(schedule, start, end), "America/New_York")

    assert schedule.shifts(start, end) == list(read(start, end))
    assert dt.timedelta(hours=23) == schedule.shifts(start, end)[0].end_time - start


def test_repeats_and_exceptions_of_a_calendar_count(tmp_path: Path) -> None:
    (tmp_path / "on-call.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:kim\r\n"
        "DTSTART;TZID=Asia/Seoul:20260105T090000\r\nDTEND;TZID=Asia/Seoul:20260105T180000\r\n"
        "RRULE:FREQ=DAILY;COUNT=10\r\nEXDATE;TZID=Asia/Seoul:20260107T090000\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    read = schedules.parse("s", "schedules:\n  - {name: s, ical_file: on-call.ics}\n", tmp_path)["s"]

    days = [moment(shown(2026, 1, day, 12), "Asia/Seoul") for day in (5, 6, 7, 8, 20)]

    assert [("kim",), ("kim",), (), ("kim",), ()] == [read.on_call(each) for each in days]


def test_hours_over_midnight_end_in_the_morning() -> None:
    night = Hours(start=dt.time(22), end=dt.time(8))
    late, noon = (moment(shown(2026, 1, 5, hour), "Asia/Seoul") for hour in (23, 12))

    assert moment(shown(2026, 1, 6, 8), "Asia/Seoul") == night.until(late)
    assert night.until(noon) is None
    assert moment(shown(2026, 1, 5, 22), "Asia/Seoul") == night.opens(noon)


def test_a_schedule_that_nobody_is_in_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(MistakesFound) as refused:
        schedules.parse("schedules.yaml", "schedules:\n  - {name: s, zone: Asia/Seoul}\n", tmp_path)

    assert "schedules.yaml:2:5: schedules.0: has nobody: give rotations, overrides or ical_file" == str(refused.value)
