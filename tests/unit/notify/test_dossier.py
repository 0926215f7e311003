"""When somebody hears of a case: what is armed, declared and announced as a thread's events come in."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.notify.stories import (
    MINUTE,
    SETTLE,
    THREAD,
    a_message,
    a_promise,
    a_reply,
    a_target,
    an_act,
    at,
)

from sori_notify import domain
from sori_notify.domain import (
    ActKind,
    Actor,
    CaseState,
    Change,
    ClockState,
    Deadline,
    DeadlineState,
    Dossier,
    Kind,
    Message,
    Metric,
    Verdict,
    tell,
)

LAST = 20


@st.composite
def threads(draw: st.DrawFn) -> list[Message]:
    kinds = [Kind.INQUIRY, Kind.COMPLAINT, Kind.REPLY, Kind.RESOLUTION, Kind.PRAISE]
    drawn = draw(st.lists(st.tuples(st.integers(0, LAST), st.sampled_from(Actor), st.sampled_from(kinds)), max_size=8))
    promise = a_promise(a_target(), a_target(Metric.NEXT_RESPONSE, 3), reopen_within=10 * MINUTE)
    return [
        a_message(minute, actor, kind, number=number, promise=promise)
        for number, (minute, actor, kind) in enumerate(drawn, 1)
    ]


def kept(dossier: Dossier, verdicts: Iterable[Verdict]) -> Dossier:
    verdicts = list(verdicts)
    return replace(
        dossier,
        cases=[each.case for each in verdicts],
        deadlines=[each.deadline for each in verdicts if each.deadline],
    )


def arrive(messages: Iterable[Message], *, now: dt.datetime) -> Dossier:
    """What is kept of a thread after its messages came one by one."""
    dossier = Dossier(key=THREAD)
    for message in messages:
        dossier = replace(dossier, messages=[*dossier.messages, message])
        dossier = kept(dossier, domain.review(dossier, history=True, now=now, settle=SETTLE))
    return dossier


def state_of(dossier: Dossier) -> object:
    """All but how often it changed on the way, and deadlines that nobody waits for."""
    told = {each.case_id for each in tell(dossier.messages)}
    return (
        sorted(str(replace(each, version=0)) for each in dossier.cases if each.case_id in told),
        sorted(str(each) for each in dossier.deadlines if each.state is DeadlineState.ARMED),
    )


@settings(deadline=None)
@given(threads(), st.randoms(), st.sampled_from([at(3), at(LAST + 30)]))
def test_any_order_of_arrival_and_any_repeats_end_in_the_same_cases_and_deadlines(
    messages: list[Message], random: Random, now: dt.datetime
) -> None:
    shuffled = messages * 2
    random.shuffle(shuffled)

    assert state_of(arrive(messages, now=now)) == state_of(arrive(shuffled, now=now))


def declared(dossier: Dossier, *, now: dt.datetime) -> Dossier:
    """What is kept after whoever fires deadlines came by."""
    due = [each.case_id for each in dossier.deadlines if each.state is DeadlineState.ARMED]
    verdicts = {each.case.case_id: each for each in domain.expire(dossier, due, now=now)}
    return replace(
        dossier,
        cases=[verdicts[each.case_id].case if each.case_id in verdicts else each for each in dossier.cases],
        deadlines=[
            (verdicts[each.case_id].deadline or each) if each.case_id in verdicts else each
            for each in dossier.deadlines
        ],
    )


@settings(deadline=None)
@given(threads(), st.integers(0, 8))
def test_a_breach_declared_in_between_changes_nothing_about_the_outcome(messages: list[Message], after: int) -> None:
    late = at(LAST + 30)
    early = declared(arrive(messages[:after], now=late), now=late)
    complete = replace(early, messages=messages)
    last = declared(kept(complete, domain.review(complete, history=True, now=late, settle=SETTLE)), now=late)

    expected = {each.case_id: each for each in tell(messages, now=late)}
    found = {each.case_id: each for each in last.cases if each.case_id in expected}
    assert expected == {
        case_id: replace(each, version=0, clocks=tuple(replace(clock, declared=False) for clock in each.clocks))
        for case_id, each in found.items()
    }


@settings(deadline=None)
@given(threads())
def test_every_breach_is_declared_exactly_once_however_often_somebody_looks(messages: list[Message]) -> None:
    now = at(LAST + 30)
    dossier = arrive(messages, now=now)
    said: list[tuple[uuid.UUID, Metric, int]] = []

    for _ in range(3):
        due = [each.case_id for each in dossier.deadlines if each.state is DeadlineState.ARMED]
        for verdict in domain.expire(dossier, due, now=now):
            said += [(verdict.case.case_id, each.metric, each.instance) for each in verdict.breached]
        dossier = declared(dossier, now=now)

    broken = [
        (case.case_id, each.metric, each.instance)
        for case in tell(messages, now=now)
        for each in case.clocks
        if each.state is ClockState.BREACHED
    ]
    assert sorted(broken, key=str) == sorted(said, key=str)


def review(
    messages: Sequence[Message], *, now: dt.datetime, before: Verdict | None = None, history: bool = False
) -> Verdict:
    dossier = Dossier(
        key=THREAD,
        cases=[before.case] if before else [],
        deadlines=[before.deadline] if before and before.deadline else [],
        messages=messages,
    )
    (verdict,) = domain.review(dossier, history=history, now=now, settle=SETTLE)
    return verdict


def expire(messages: Sequence[Message], before: Verdict, *, now: dt.datetime) -> Verdict:
    assert before.deadline is not None
    dossier = Dossier(key=THREAD, cases=[before.case], deadlines=[before.deadline], messages=messages)
    (verdict,) = domain.expire(dossier, [before.case.case_id], now=now)
    return verdict


def test_a_live_case_is_looked_at_when_it_is_due() -> None:
    verdict = review([a_message(0)], now=at(0))

    assert verdict.deadline == Deadline(
        case_id=THREAD, due_time=at(5), fire_time=at(5), state=DeadlineState.ARMED, fired_time=None
    )
    assert (Change.OPENED,) == verdict.changes


def test_warnings_come_first_each_once_and_then_the_breach() -> None:
    thread = [a_message(0, promise=a_promise(a_target(warn_at=(50, 80))))]
    verdict = review(thread, now=at(0))
    heard: list[object] = []

    for _ in range(3):
        assert verdict.deadline is not None
        now = verdict.deadline.fire_time + dt.timedelta(milliseconds=5)
        verdict = expire(thread, verdict, now=now)
        heard += [(percent, verdict.case.version) for _, percent in verdict.warned]
        heard += [(each.state, each.breach_time) for each in verdict.breached]

    assert [(50, 2), (80, 3), (ClockState.BREACHED, at(5))] == heard
    assert verdict.deadline is not None
    assert DeadlineState.FIRED is verdict.deadline.state


def test_a_late_answer_is_declared_broken_though_nobody_looked_in_between() -> None:
    thread = [a_message(0)]
    opened = review(thread, now=at(0))
    answered = review([*thread, a_reply(5.5)], now=at(5.6), before=opened)

    declared = expire([*thread, a_reply(5.5)], answered, now=at(5.7))

    assert [Metric.FIRST_RESPONSE] == [each.metric for each in declared.breached]
    assert Change.BREACHED in declared.changes


def test_history_settles_before_a_breach_is_declared_and_each_further_piece_puts_it_off() -> None:
    opened = review([a_message(0)], now=at(60), history=True)
    again = review([a_message(0)], now=at(60) + SETTLE / 2, before=opened, history=True)

    assert opened.deadline is not None
    assert again.deadline is not None
    assert (at(60) + SETTLE, at(60) + SETTLE * 1.5) == (opened.deadline.fire_time, again.deadline.fire_time)


def test_a_customer_who_keeps_writing_does_not_put_off_a_breach() -> None:
    opened = review([a_message(0)], now=at(0))

    again = review([a_message(0), a_message(5, kind=Kind.COMPLAINT)], now=at(5), before=opened)

    assert again.deadline is not None
    assert at(5) == again.deadline.fire_time


def test_an_answer_that_comes_to_light_after_the_breach_tells_the_truth() -> None:
    opened = review([a_message(0)], now=at(0))
    breached = expire([a_message(0)], opened, now=at(6))

    corrected = review([a_message(0), a_reply(4)], now=at(7), before=breached)

    assert (Change.BREACHED,) == breached.changes
    assert (Change.ANSWERED,) == corrected.changes
    assert corrected.case.clock is not None
    assert ClockState.FULFILLED is corrected.case.clock.state
    assert breached.case.version < corrected.case.version


def test_an_answer_in_time_lets_the_deadline_go() -> None:
    opened = review([a_message(0)], now=at(0))

    answered = review([a_message(0), a_reply(4)], now=at(4), before=opened)

    assert answered.deadline is not None
    assert DeadlineState.CANCELLED is answered.deadline.state


def test_an_earlier_message_that_arrives_later_can_break_a_kept_promise() -> None:
    kept_then = review([a_message(4), a_reply(8)], now=at(60), history=True)

    broken = review([a_message(4), a_reply(8), a_message(0, kind=Kind.COMPLAINT)], now=at(61), before=kept_then)

    assert broken.case.clock is not None
    assert broken.deadline is not None
    assert (ClockState.BREACHED, DeadlineState.ARMED) == (broken.case.clock.state, broken.deadline.state)


def test_a_case_whose_message_is_edited_into_something_else_owes_nothing() -> None:
    opened = review([a_message(0, number=7)], now=at(0))

    edited = review([a_message(0, kind=Kind.PRAISE, revision=1, number=7)], now=at(1), before=opened)

    assert edited.case.clock is not None
    assert edited.deadline is not None
    assert (ClockState.CANCELLED, DeadlineState.CANCELLED) == (edited.case.clock.state, edited.deadline.state)


def test_nothing_new_is_no_change() -> None:
    message = a_message(0)
    opened = review([message], now=at(0))

    again = review([message], now=at(1), before=opened)

    assert ((), opened.case, opened.deadline) == (again.changes, again.case, again.deadline)


def test_what_people_do_is_announced_once() -> None:
    message = a_message(0)
    opened = review([message], now=at(0))
    acts = [an_act(1, ActKind.ASSIGN, team="cx"), an_act(2, ActKind.RESOLVE), an_act(3, ActKind.REOPEN)]
    turns: list[tuple[Change, ...]] = []
    before = opened

    for count in range(1, 4):
        dossier = Dossier(
            key=THREAD,
            cases=[before.case],
            deadlines=[before.deadline] if before.deadline else [],
            messages=[message],
            acts=acts[:count],
        )
        (before,) = domain.review(dossier, history=False, now=at(count), settle=SETTLE)
        turns.append(before.changes)

    assert [(Change.UPDATED,), (Change.RESOLVED,), (Change.REOPENED,)] == turns
    assert CaseState.REOPENED is before.case.state
    assert before.deadline is not None  # Nobody has answered yet: two of five minutes are used up.
    assert (DeadlineState.ARMED, at(6)) == (before.deadline.state, before.deadline.due_time)


@given(st.lists(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1)))), st.randoms())
def test_merges_lead_to_the_same_customer_in_any_order(pairs: list[tuple[int, int]], random: Random) -> None:
    once = {uuid.UUID(int=merged): uuid.UUID(int=survivor) for merged, survivor in pairs}
    shuffled = list(once.items())
    random.shuffle(shuffled)

    one_by_one: dict[uuid.UUID, uuid.UUID] = {}
    for pair in shuffled:
        one_by_one = domain.flatten(one_by_one, [pair])

    assert domain.flatten({}, once.items()) == one_by_one
    assert not set(one_by_one.values()) & set(one_by_one)


def test_twelve_attempts_take_about_an_hour() -> None:
    delays = [domain.retry_delay(attempt, first=dt.timedelta(seconds=2), draw=0.5) for attempt in range(1, 12)]

    assert dt.timedelta(minutes=50) < sum(delays, dt.timedelta()) < dt.timedelta(minutes=70)


@pytest.mark.parametrize(
    ("roles", "origins"),
    [({"cx.read"}, {"customer"}), ({"cx.act"}, {"customer"}), ({"hr.read"}, {"employee"}), ({"admin"}, set())],
)
def test_who_sees_which_cases(roles: set[str], origins: set[str]) -> None:
    assert origins == domain.visible(roles)
