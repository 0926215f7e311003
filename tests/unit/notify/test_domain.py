"""The rules of notify: what any order of arrival must make of a thread, and when somebody hears of it."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_notify import domain
from sori_notify.domain import (
    Actor,
    Acts,
    CaseState,
    Change,
    Channel,
    ClockState,
    Deadline,
    DeadlineState,
    Dossier,
    Kind,
    Message,
    Policies,
    Policy,
    Promise,
)

NOON = dt.datetime(2026, 11, 2, 3, 0, tzinfo=dt.UTC)
CASE = uuid.UUID(int=1)
MINUTE = dt.timedelta(minutes=1)
SETTLE = dt.timedelta(seconds=10)
PROMISE = Promise(policy="live", target=5 * MINUTE)
LAST = 20  # minutes after noon that the tests look at


def at(minute: float) -> dt.datetime:
    return NOON + minute * MINUTE


def _number(minute: float, actor: Actor, kind: Kind) -> int:
    return 1000 * (1 + int(minute * 60)) + 100 * list(Actor).index(actor) + list(Kind).index(kind)


def a_message(
    minute: float = 0,
    actor: Actor = Actor.CUSTOMER,
    kind: Kind = Kind.INQUIRY,
    *,
    number: int = 0,
    promise: Promise | None = PROMISE,
    revision: int = 0,
) -> Message:
    opens = actor is Actor.CUSTOMER and kind in (Kind.INQUIRY, Kind.COMPLAINT)
    return Message(
        touchpoint_id=uuid.UUID(int=number or _number(minute, actor, kind)),
        revision=revision,
        case_id=CASE,
        source="kakao-main",
        thread_id="t-1",
        actor=actor,
        kind=kind,
        channel=Channel.KAKAO,
        org_unit="seoul-1",
        topics=("delivery",),
        customer_id=None,
        occurred_time=at(minute),
        opens=opens,
        promise=promise if opens else None,
    )


def a_reply(minute: float, actor: Actor = Actor.AGENT, kind: Kind = Kind.REPLY) -> Message:
    return a_message(minute, actor, kind)


def clock_of(*messages: Message, acts: Acts | None = None, watched_until: dt.datetime | None = None) -> ClockState:
    case = domain.fold(messages, acts or Acts(), watched_until=watched_until)
    assert case is not None
    assert case.clock is not None
    return case.clock.state


@st.composite
def threads(draw: st.DrawFn) -> list[Message]:
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(0, LAST),
                st.sampled_from(Actor),
                st.sampled_from([Kind.INQUIRY, Kind.COMPLAINT, Kind.REPLY, Kind.RESOLUTION, Kind.PRAISE]),
                st.sampled_from([PROMISE, Promise(policy="slow", target=9 * MINUTE)]),
            ),
            max_size=8,
        )
    )
    return [
        a_message(minute, actor, kind, number=number, promise=promise)
        for number, (minute, actor, kind, promise) in enumerate(drawn, 1)
    ]


moments = st.none() | st.integers(0, LAST).map(at)


def by_walking(messages: Sequence[Message], closed: dt.datetime | None, watched: dt.datetime | None) -> object:
    """Walk through the minutes one by one, as somebody at the desk would, as far as anything is known."""
    first, answered, resolved, state = None, None, None, None
    known = max([each.occurred_time for each in messages] + [time for time in (closed, watched) if time], default=NOON)
    for minute in range(LAST + 1):
        here = sorted((each for each in messages if each.occurred_time == at(minute)), key=lambda m: m.touchpoint_id)
        openings = [each for each in here if each.opens]
        if first is None and openings:
            first, state = openings[0], ClockState.RUNNING
        if first is None or first.promise is None:
            continue
        late = at(minute) > first.occurred_time + first.promise.target
        evidence = (closed and closed >= at(minute)) or (watched and watched >= at(minute))
        replies = [
            each for each in messages if each.actor is Actor.AGENT and each.kind in (Kind.REPLY, Kind.RESOLUTION)
        ]
        evidence = evidence or any(each.occurred_time >= at(minute) for each in replies)
        if state is ClockState.RUNNING and late and evidence and at(minute) <= known:
            state = ClockState.BREACHED
        for reply in (each for each in here if each in replies):
            answered = answered or reply.occurred_time
            if state in (ClockState.RUNNING, ClockState.CANCELLED) and not late:
                state = ClockState.FULFILLED
            if reply.kind is Kind.RESOLUTION:
                resolved = resolved or reply.occurred_time
        if closed == at(minute) and state is ClockState.RUNNING:
            state = ClockState.CANCELLED
    ends = [time for time in (resolved, closed) if time]
    return first and (first.touchpoint_id, state, answered, min(ends, default=None))


@given(threads(), moments, moments)
def test_the_fold_says_what_walking_through_the_minutes_says(
    messages: list[Message], closed: dt.datetime | None, watched: dt.datetime | None
) -> None:
    start = min((each.occurred_time for each in messages if each.opens), default=NOON)
    closed = closed and max(closed, start)  # Nobody closes a case before there is one.

    case = domain.fold(messages, Acts(closed_time=closed), watched_until=watched)

    found = case and (case.touchpoint_id, case.clock and case.clock.state, case.answered_time, case.resolved_time)
    assert by_walking(messages, closed, watched) == found


@given(threads(), moments, moments, st.randoms())
def test_the_fold_does_not_depend_on_order_or_repeats(
    messages: list[Message], closed: dt.datetime | None, watched: dt.datetime | None, random: Random
) -> None:
    shuffled = messages * 2
    random.shuffle(shuffled)

    one = domain.fold(messages, Acts(closed_time=closed), watched_until=watched)
    other = domain.fold(shuffled, Acts(closed_time=closed), watched_until=watched)

    assert one == other


def arrive(messages: Iterable[Message], *, now: dt.datetime) -> Dossier:
    """What is kept of a case after its messages came one by one, a newer revision replacing an older one."""
    kept: dict[uuid.UUID, Message] = {}
    dossier = Dossier(case=None, deadline=None, messages=[])
    for message in messages:
        if message.touchpoint_id not in kept or kept[message.touchpoint_id].revision < message.revision:
            kept[message.touchpoint_id] = message
        dossier = replace(dossier, messages=list(kept.values()))
        verdict = domain.review(dossier, history=True, now=now, settle=SETTLE)
        if verdict:
            dossier = replace(dossier, case=verdict.case, deadline=verdict.deadline)
    return dossier


def state_of(dossier: Dossier) -> object:
    """All but how often it changed on the way, and whether a deadline that nobody waits for was ever set."""
    deadline = dossier.deadline if dossier.deadline and dossier.deadline.state is DeadlineState.ARMED else None
    return dossier.case and replace(dossier.case, version=0), deadline


@given(threads(), st.randoms(), st.sampled_from([at(3), at(LAST + 30)]))
def test_any_order_of_arrival_and_any_repeats_end_in_the_same_case_and_deadline(
    messages: list[Message], random: Random, now: dt.datetime
) -> None:
    shuffled = messages * 2
    random.shuffle(shuffled)

    assert state_of(arrive(messages, now=now)) == state_of(arrive(shuffled, now=now))


@given(threads(), st.randoms())
def test_a_newer_revision_counts_whichever_comes_first(messages: list[Message], random: Random) -> None:
    edited = [replace(each, revision=1, occurred_time=each.occurred_time + MINUTE) for each in messages]
    shuffled = messages + edited
    random.shuffle(shuffled)

    assert state_of(arrive(edited, now=at(LAST + 30))) == state_of(arrive(shuffled, now=at(LAST + 30)))


def declared(dossier: Dossier, *, now: dt.datetime) -> Dossier:
    """What is kept after the sweeper came by."""
    if dossier.deadline is None or dossier.deadline.state is not DeadlineState.ARMED:
        return dossier
    verdict = domain.expire(dossier, now=now)
    assert verdict is not None
    return replace(dossier, case=verdict.case, deadline=verdict.deadline)


@given(threads(), st.integers(0, 8))
def test_a_breach_declared_in_between_changes_nothing_about_the_outcome(messages: list[Message], after: int) -> None:
    late = at(LAST + 30)
    early = declared(arrive(messages[:after], now=late), now=late)
    verdict = domain.review(replace(early, messages=messages), history=True, now=late, settle=SETTLE)
    last = verdict and declared(
        Dossier(case=verdict.case, deadline=verdict.deadline, messages=messages), now=late + SETTLE * 2
    )

    found = last and last.case and replace(last.case, version=0)
    assert domain.fold(messages, Acts(), watched_until=late) == found


@pytest.mark.parametrize(
    ("minute", "state"),
    [(0, ClockState.FULFILLED), (5, ClockState.FULFILLED), (5.001, ClockState.BREACHED), (60, ClockState.BREACHED)],
)
def test_an_answer_at_the_due_time_is_in_time_and_one_after_it_never(minute: float, state: ClockState) -> None:
    assert state is clock_of(a_message(), a_reply(minute))


@pytest.mark.parametrize("actor", [Actor.BOT, Actor.SYSTEM, Actor.CUSTOMER])
def test_only_a_person_answers(actor: Actor) -> None:
    assert ClockState.BREACHED is clock_of(a_message(), a_reply(1, actor), watched_until=at(6))


def test_what_was_said_before_the_inquiry_does_not_answer_it() -> None:
    assert ClockState.RUNNING is clock_of(a_reply(0), a_message(1))


def test_silence_up_to_the_due_time_is_no_breach() -> None:
    assert ClockState.RUNNING is clock_of(a_message(), watched_until=at(5))


def test_a_case_closed_in_time_owes_no_answer() -> None:
    assert ClockState.CANCELLED is clock_of(a_message(), acts=Acts(closed_by="kim", closed_time=at(2)))


def test_an_agents_resolution_resolves_the_case_and_answers_it() -> None:
    case = domain.fold([a_message(), a_reply(2, kind=Kind.RESOLUTION)], Acts())

    assert case is not None
    assert (CaseState.RESOLVED, at(2), at(2)) == (case.state, case.resolved_time, case.answered_time)


def test_a_live_case_is_looked_at_when_it_is_due() -> None:
    verdict = review([a_message(0)], now=at(0))

    assert verdict.deadline == Deadline(
        case_id=CASE, due_time=at(5), fire_time=at(5), state=DeadlineState.ARMED, fired_time=None
    )
    assert (Change.OPENED,) == verdict.changes


def review(
    messages: Sequence[Message], *, now: dt.datetime, before: domain.Verdict | None = None, history: bool = False
) -> domain.Verdict:
    dossier = Dossier(case=before and before.case, deadline=before and before.deadline, messages=messages)
    verdict = domain.review(dossier, history=history, now=now, settle=SETTLE)
    assert verdict is not None
    return verdict


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
    breached = domain.expire(Dossier(case=opened.case, deadline=opened.deadline, messages=[a_message(0)]), now=at(6))
    assert breached is not None

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
    kept = review([a_message(4), a_reply(8)], now=at(60), history=True)

    broken = review([a_message(4), a_reply(8), a_message(0, kind=Kind.COMPLAINT)], now=at(61), before=kept)

    assert broken.case.clock is not None
    assert broken.deadline is not None
    assert (ClockState.BREACHED, DeadlineState.ARMED) == (broken.case.clock.state, broken.deadline.state)


def test_a_case_whose_message_is_edited_into_something_else_owes_nothing() -> None:
    opened = review([a_message(0)], now=at(0))

    edited = review([a_message(0, kind=Kind.PRAISE, revision=1)], now=at(1), before=opened)

    assert edited.case.clock is not None
    assert edited.deadline is not None
    assert (ClockState.CANCELLED, DeadlineState.CANCELLED) == (edited.case.clock.state, edited.deadline.state)


def test_nothing_new_is_no_change() -> None:
    opened = review([a_message(0)], now=at(0))

    again = review([a_message(0)], now=at(1), before=opened)

    assert ((), opened.case, opened.deadline) == (again.changes, again.case, again.deadline)


def test_the_first_policy_that_matches_holds() -> None:
    fast = Policy(promise=PROMISE, channels=frozenset({Channel.KAKAO}), topics=frozenset({"delivery", "refund"}))
    slow = Policy(promise=Promise(policy="slow", target=24 * 60 * MINUTE))
    policies = Policies(opening_kinds=frozenset({Kind.INQUIRY}), policies=(fast, slow))

    names = [
        promise and promise.policy
        for promise in (
            policies.promise(Channel.KAKAO, Kind.INQUIRY, "", ["refund"]),
            policies.promise(Channel.KAKAO, Kind.INQUIRY, "", ["price"]),
            policies.promise(None, Kind.INQUIRY, "", ["refund"]),
        )
    ]

    assert ["live", "slow", "slow"] == names


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
