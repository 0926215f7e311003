"""The fold of a thread: against somebody who lives through it second by second, in any order, with repeats."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.notify.oracle import Event, Outcome, Wall, Watch, simulate
from unit.notify.stories import (
    HOUR,
    MINUTE,
    NOON,
    OFFICE,
    THREAD,
    a_message,
    a_promise,
    a_reply,
    a_target,
    an_act,
    at,
    the_clock,
)

from sori_notify.domain import (
    ALWAYS,
    Act,
    ActKind,
    Actor,
    Calendar,
    CaseState,
    ClockState,
    Kind,
    Message,
    Metric,
    Tick,
    Waiting,
    tell,
)

ACTS = {
    "reopen": ActKind.REOPEN,
    "resume": ActKind.RESUME,
    "pending": ActKind.SET_PENDING,
    "hold": ActKind.SET_ON_HOLD,
    "resolve": ActKind.RESOLVE,
}
ORDER = ["ask", "reply", *ACTS]
WARN_AT = (25, 50, 80)
STEP = 60  # seconds between moments, so that ties are common
SHORT = ((0, 1800), (3600, 5400))
SPRING = int(dt.datetime(2026, 3, 8, 5, tzinfo=dt.UTC).timestamp())  # Midnight before New York's clocks change.
LORD_HOWE = int(dt.datetime(2026, 4, 4, 13, tzinfo=dt.UTC).timestamp())
SEOUL = int(dt.datetime(2026, 2, 15, 15, tzinfo=dt.UTC).timestamp())  # Midnight before Seollal's eve.
DAY = dt.timedelta(days=1)


def _wall(zone: str, *holidays: dt.date) -> Wall:
    return Wall(zone, [[(hour * 3600 + 600, hour * 3600 + 3000) for hour in range(24)]] * 7, {}, frozenset(holidays))


@st.composite
def threads(draw: st.DrawFn) -> tuple[list[Event], dict[str, Watch], int, list[Message], list[Act]]:
    zone, start = draw(
        st.sampled_from(
            [("Asia/Seoul", SEOUL), ("America/New_York", SPRING), ("Australia/Lord_Howe", LORD_HOWE), ("", SEOUL)]
        )
    )
    wall = _wall(zone, *([dt.date(2026, 2, 16)] if draw(st.booleans()) else [])) if zone else None
    targets = {
        metric.value: Watch(draw(st.integers(1, 40)) * 100, wall, WARN_AT)
        for metric in draw(st.sets(st.sampled_from(Metric), min_size=1))
    }
    moments = st.integers(0, 180).map(lambda step: start + step * STEP)
    drawn = draw(st.lists(st.tuples(moments, st.sampled_from(ORDER)), max_size=9))
    drawn.append((start + draw(st.integers(0, 5)) * STEP, "ask"))
    events = [Event(second, what) for second, what in sorted(drawn, key=lambda each: (each[0], ORDER.index(each[1])))]
    now = events[-1].second + draw(st.integers(0, 60)) * STEP
    calendar = ALWAYS
    if wall:
        calendar = Calendar(
            name="drawn", zone=zone, weekly=tuple(tuple(each) for each in wall.weekly), holidays=wall.holidays
        )
    promise = a_promise(
        *(
            a_target(Metric(name), each.target / 60, calendar=calendar, warn_at=WARN_AT)
            for name, each in targets.items()
        ),
        reopen_within=DAY,
    )
    messages, acts = [], []
    for number, event in enumerate(events, 1):
        minute = (event.second - NOON.timestamp()) / 60
        if event.what == "ask":
            messages.append(a_message(minute, number=number, promise=promise))
        elif event.what == "reply":
            messages.append(a_reply(minute, number=number, promise=None))
        else:
            acts.append(an_act(minute, ACTS[event.what], number=number))
    return events, targets, now, messages, acts


def seen(outcome: Outcome) -> object:
    watch = outcome.watch
    return (
        outcome.metric,
        outcome.instance,
        outcome.state,
        watch.used,
        watch.breach,
        outcome.ended_at if outcome.ended == "fulfilled" else None,
        tuple(sorted((percent, second) for percent, second in watch.warned.items())),
    )


def told(messages: Sequence[Message], acts: Sequence[Act], now: int) -> list[object]:
    def second(time: dt.datetime | None) -> float | None:
        return time.timestamp() if time else None

    cases = tell(messages, acts, now=dt.datetime.fromtimestamp(now, dt.UTC))
    assert len(cases) <= 1
    return [
        (
            clock.metric.value,
            clock.instance,
            clock.state.value,
            clock.used.total_seconds(),
            second(clock.breach_time),
            second(clock.fulfilled_time),
            tuple((each.percent, second(each.time)) for each in clock.warnings),
        )
        for case in cases
        for clock in case.clocks
    ]


@settings(max_examples=150, deadline=None)
@given(threads())
def test_the_fold_says_what_living_through_it_second_by_second_says(
    drawn: tuple[list[Event], dict[str, Watch], int, list[Message], list[Act]],
) -> None:
    events, targets, now, messages, acts = drawn

    lived = simulate(events, targets, now=now)

    assert sorted(map(seen, lived), key=str) == sorted(told(messages, acts, now), key=str)


@settings(max_examples=150, deadline=None)
@given(threads(), st.randoms())
def test_order_and_repeats_change_nothing(
    drawn: tuple[list[Event], dict[str, Watch], int, list[Message], list[Act]], random: Random
) -> None:
    *_, messages, acts = drawn
    shuffled, repeated = messages * 2, acts * 2
    random.shuffle(shuffled)
    random.shuffle(repeated)

    assert tell(messages, acts) == tell(shuffled, repeated)


@settings(max_examples=50, deadline=None)
@given(threads(), st.randoms())
def test_a_newer_revision_counts_whichever_comes_first(
    drawn: tuple[list[Event], dict[str, Watch], int, list[Message], list[Act]], random: Random
) -> None:
    *_, messages, acts = drawn
    edited = [replace(each, revision=1, occurred_time=each.occurred_time + MINUTE) for each in messages]
    shuffled = messages + edited
    random.shuffle(shuffled)

    assert tell(edited, acts) == tell(shuffled, acts)


@pytest.mark.parametrize(
    ("minute", "state"),
    [(0, ClockState.FULFILLED), (5, ClockState.FULFILLED), (5.001, ClockState.BREACHED), (60, ClockState.BREACHED)],
)
def test_an_answer_at_the_due_time_is_in_time_and_one_after_it_never(minute: float, state: ClockState) -> None:
    assert state is the_clock(a_message(), a_reply(minute)).state


@pytest.mark.parametrize(
    "answer",
    [
        a_reply(1, Actor.BOT),
        a_reply(1, Actor.SYSTEM),
        a_reply(1, Actor.CUSTOMER),
        a_reply(1, public=False),
        an_act(1, ActKind.ACKNOWLEDGE),
        an_act(1, ActKind.ASSIGN, person="lee"),
    ],
)
def test_only_a_public_reply_of_a_person_answers(answer: Message | Act) -> None:
    assert ClockState.BREACHED is the_clock(a_message(), answer, now=at(6)).state


def test_being_given_to_somebody_else_starts_no_clock_anew() -> None:
    before = the_clock(a_message(), now=at(4))
    after = the_clock(a_message(), an_act(1, ActKind.ASSIGN, team="b"), an_act(3, ActKind.ASSIGN, team="c"), now=at(4))

    assert (before.start_time, before.due_time, before.used) == (after.start_time, after.due_time, after.used)


def test_what_was_said_before_the_inquiry_does_not_answer_it() -> None:
    assert ClockState.RUNNING is the_clock(a_reply(0), a_message(1)).state


def test_silence_up_to_the_due_time_is_no_breach() -> None:
    assert ClockState.RUNNING is the_clock(a_message(), now=at(5)).state


def test_a_case_closed_in_time_owes_no_answer() -> None:
    assert ClockState.CANCELLED is the_clock(a_message(), an_act(2, ActKind.RESOLVE)).state


@pytest.mark.parametrize("end", [ActKind.RESOLVE, ActKind.CLOSE])
def test_a_case_that_ended_unanswered_owes_its_first_response_again_when_somebody_reopens_it(end: ActKind) -> None:
    acts = [an_act(2, end), an_act(30, ActKind.REOPEN)]

    reopened = the_clock(a_message(), *acts, now=at(31))
    answered = the_clock(a_message(), *acts, a_reply(33))
    silent = the_clock(a_message(), *acts, now=at(34))

    assert (ClockState.RUNNING, at(33), 3 * MINUTE) == (reopened.state, reopened.due_time, reopened.used)
    assert (ClockState.FULFILLED, at(33)) == (answered.state, answered.fulfilled_time)
    assert (ClockState.BREACHED, at(33)) == (silent.state, silent.breach_time)


def test_a_customer_whose_case_ended_unanswered_and_who_writes_again_waits_for_the_next_response() -> None:
    promise = a_promise(a_target(), a_target(Metric.NEXT_RESPONSE, 3))
    thread = [a_message(0, promise=promise), a_message(30, promise=promise)]

    (case,) = tell(thread, [an_act(2, ActKind.RESOLVE)], now=at(31))

    assert [(Metric.FIRST_RESPONSE, ClockState.CANCELLED), (Metric.NEXT_RESPONSE, ClockState.RUNNING)] == [
        (each.metric, each.state) for each in case.clocks
    ]


def test_a_first_response_that_was_late_before_its_case_ended_stays_late_and_is_still_owed() -> None:
    acts = [an_act(9, ActKind.RESOLVE), an_act(30, ActKind.REOPEN)]

    clock = the_clock(a_message(), *acts, a_reply(31))

    assert (ClockState.BREACHED, at(5), at(31)) == (clock.state, clock.breach_time, clock.fulfilled_time)


@pytest.mark.parametrize("answer", [1, 20])
def test_a_case_that_was_answered_before_it_is_reopened_owes_no_first_response(answer: float) -> None:
    acts = [an_act(2, ActKind.RESOLVE), an_act(30, ActKind.REOPEN)]

    clock = the_clock(a_message(), a_reply(answer), *acts, now=at(60))

    assert (ClockState.FULFILLED if answer == 1 else ClockState.CANCELLED) is clock.state


def test_the_next_response_counts_from_the_oldest_message_without_an_answer_and_again_each_time() -> None:
    promise = a_promise(a_target(), a_target(Metric.NEXT_RESPONSE, 10))
    thread = [a_message(0, promise=promise), a_reply(1)]
    thread += [a_reply(2, Actor.CUSTOMER), a_reply(9, Actor.CUSTOMER), a_reply(12), a_reply(20, Actor.CUSTOMER)]

    (case,) = tell(thread, now=at(31))

    found = [
        (each.instance, each.start_time, each.state) for each in case.clocks if each.metric is Metric.NEXT_RESPONSE
    ]
    assert [(1, at(2), ClockState.FULFILLED), (2, at(20), ClockState.BREACHED)] == found


def test_total_resolution_counts_the_time_after_reopening_too_and_first_resolution_does_not() -> None:
    promise = a_promise(a_target(Metric.FIRST_RESOLUTION, 60), a_target(Metric.TOTAL_RESOLUTION, 60))
    thread = [a_message(0, promise=promise), a_message(30, promise=promise)]
    acts = [an_act(10, ActKind.RESOLVE), an_act(40, ActKind.RESOLVE)]

    (case,) = tell(thread, acts, now=at(100))

    assert [(Metric.FIRST_RESOLUTION, 10 * MINUTE), (Metric.TOTAL_RESOLUTION, 20 * MINUTE)] == [
        (each.metric, each.used) for each in case.clocks
    ]


def test_a_reply_of_the_customer_ends_the_waiting_for_the_customer_and_not_the_waiting_for_others() -> None:
    pending = [an_act(1, ActKind.SET_PENDING)]
    on_hold = [an_act(1, ActKind.SET_ON_HOLD)]
    thread = [a_message(0), a_reply(2, Actor.CUSTOMER)]

    assert [CaseState.OPEN, CaseState.ON_HOLD] == [tell(thread, acts)[0].state for acts in (pending, on_hold)]


def test_a_pause_across_midnight_and_a_holiday_counts_only_what_was_worked() -> None:
    office = replace_holidays(dt.date(2026, 11, 3))  # a Tuesday
    promise = a_promise(a_target(minutes=600, calendar=office))
    monday_four = dt.datetime(2026, 11, 2, 7, tzinfo=dt.UTC)
    minute = (monday_four - NOON) / MINUTE
    thread = [a_message(minute, promise=promise)]
    acts = [an_act(minute + 60, ActKind.SET_ON_HOLD), an_act(minute + 43 * 60, ActKind.RESUME)]  # Wednesday, eleven

    clock = the_clock(*thread, *acts, now=monday_four + 45 * HOUR)  # Wednesday, one o'clock

    assert 2 * HOUR == clock.used
    assert dt.datetime(2026, 11, 5, 3, tzinfo=dt.UTC) == clock.due_time  # Thursday noon


def replace_holidays(*days: dt.date) -> Calendar:
    return Calendar(name="office", zone="Asia/Seoul", weekly=OFFICE.weekly, holidays=frozenset(days))


def test_a_policy_edited_later_changes_nothing_for_a_case_that_is_open() -> None:
    edited = a_promise(a_target(minutes=1), policy="edited")
    thread = [a_message(0), a_message(1, kind=Kind.COMPLAINT, promise=edited)]

    clock = the_clock(*thread, a_reply(4))

    assert ("live", ClockState.FULFILLED) == (clock.policy, clock.state)


def test_two_customers_cases_that_become_one_run_on_from_the_older_question() -> None:
    one, other = a_message(0), replace(a_message(2), case_id=uuid.UUID(int=2))

    (case,) = tell([one, other, a_reply(6)], key=THREAD)

    assert case.clock is not None
    assert (at(0), at(5), ClockState.BREACHED) == (case.opened_time, case.clock.due_time, case.clock.state)


@pytest.mark.parametrize(("minute", "cases"), [(62, 1), (63, 2)])
def test_a_message_within_the_window_reopens_and_one_after_it_opens_another_case(minute: float, cases: int) -> None:
    found = tell([a_message(0), a_message(minute)], [an_act(2, ActKind.RESOLVE)])

    assert cases == len(found)
    assert (CaseState.REOPENED if cases == 1 else CaseState.RESOLVED) is found[0].state
    assert cases == len({each.case_id for each in found})


def test_a_message_after_closing_opens_another_case() -> None:
    assert [CaseState.CLOSED, CaseState.NEW] == [
        each.state for each in tell([a_message(0), a_message(3)], [an_act(2, ActKind.CLOSE)])
    ]


def test_a_clock_that_stands_still_at_the_very_moment_it_falls_due_is_due_when_it_runs_again() -> None:
    acts = [an_act(5, ActKind.SET_ON_HOLD), an_act(50, ActKind.RESUME)]

    in_time = the_clock(a_message(), *acts, a_reply(50))
    late = the_clock(a_message(), *acts, a_reply(50.1))

    assert [ClockState.FULFILLED, ClockState.BREACHED] == [in_time.state, late.state]


def test_a_promise_may_go_on_while_the_case_waits() -> None:
    promise = a_promise(a_target(pauses=frozenset({Waiting.ON_HOLD})))

    assert ClockState.BREACHED is the_clock(a_message(promise=promise), an_act(1, ActKind.SET_PENDING), now=at(6)).state


def test_the_evidence_lists_each_event_with_its_cause_and_the_breach_at_its_time() -> None:
    asked, answered = a_message(), a_reply(6)

    clock = the_clock(asked, answered)

    assert clock.reading is not None
    assert [
        (Tick.START, at(0), str(asked.touchpoint_id)),
        (Tick.BREACH, at(5), ""),
        (Tick.FULFIL, at(6), str(answered.touchpoint_id)),
    ] == [(each.tick, each.time, each.cause) for each in clock.reading.events]


def test_the_first_to_acknowledge_stays() -> None:
    acts = [an_act(1, ActKind.ACKNOWLEDGE), replace(an_act(2, ActKind.ACKNOWLEDGE), actor="lee")]

    (case,) = tell([a_message()], acts)

    assert ("kim", at(1), CaseState.OPEN) == (case.acknowledged_by, case.acknowledged_time, case.state)
