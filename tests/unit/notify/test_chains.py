"""Chains: what may never happen, whatever the order in which things come."""

import datetime as dt
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sori_notify.domain import chains
from sori_notify.domain.chains import (
    ChainState,
    Entry,
    EntryKind,
    Flaw,
    Plan,
    Recipient,
    RecipientKind,
    Step,
    StepKind,
    Surroundings,
)
from sori_notify.domain.clock import Metric
from sori_notify.domain.schedules import Hours
from sori_notify.settings import chains as files
from sori_notify.settings.places import MistakesFound

START = dt.datetime(2026, 11, 2, 3, tzinfo=dt.UTC)
AGENT = Recipient(kind=RecipientKind.PERSON, name="agent")
EVERYBODY = Surroundings(reach=lambda recipient: (recipient.name,))


def minutes(number: float) -> dt.timedelta:
    return dt.timedelta(minutes=number)


def notify() -> Step:
    return Step(kind=StepKind.NOTIFY, recipient=AGENT)


def wait(number: float) -> Step:
    return Step(kind=StepKind.WAIT, wait=minutes(number))


def plan(*steps: Step, rounds: int = 1, expires: dt.timedelta | None = None) -> Plan:
    return Plan(name="p", steps=steps or (notify(), wait(5)), rounds=rounds, expires=expires)


def started(time: dt.datetime = START) -> Entry:
    return Entry(key="started", kind=EntryKind.STARTED, time=time)


steps = st.one_of(
    st.just(notify()),
    st.integers(1, 10).map(wait),
    st.just(Step(kind=StepKind.UNACKNOWLEDGED)),
    st.just(Step(kind=StepKind.WITHIN_HOURS, hours=Hours(start=dt.time(9), end=dt.time(18)))),
    st.integers(0, 3).map(lambda count: Step(kind=StepKind.MORE_THAN, count=count, within=minutes(10))),
)
plans = st.builds(
    lambda chosen, rounds, expires: plan(*chosen, wait(3), rounds=rounds, expires=expires),
    st.lists(steps, min_size=1, max_size=5),
    st.integers(1, 3),
    st.one_of(st.none(), st.integers(1, 20).map(minutes)),
)
happenings = st.lists(
    st.tuples(st.integers(1, 240), st.sampled_from(["look", "look", "acknowledge", "snooze", "hand over", "stop"])),
    max_size=30,
)


def live(made: Plan, days: list[tuple[int, str]]) -> tuple[list[Entry], list[tuple[dt.datetime, chains.Page]]]:
    """Let things happen to a chain, each so many seconds after the one before."""
    log, pages, now = [started()], list[tuple[dt.datetime, chains.Page]](), START
    for seconds, what in days:
        now += dt.timedelta(seconds=seconds)
        if what == "look":
            moved = chains.advance(made, log, EVERYBODY, now=now)
            assert moved is not None
            log += moved.entries
            pages += [(now, each) for each in moved.pages]
        elif what == "acknowledge":
            entry = chains.acknowledged(log, made, by="kim", now=now, key=now.isoformat())
            log += [entry] if entry else []
        elif what == "snooze":
            log.append(Entry(key=f"s/{now}", kind=EntryKind.SNOOZED, time=now, until=now + minutes(10)))
        elif what == "hand over":
            log.append(Entry(key=f"h/{now}", kind=EntryKind.HANDED_OVER, time=now, recipient=AGENT))
        elif all(each.key != "stopped" for each in log):
            log.append(Entry(key="stopped", kind=EntryKind.STOPPED, time=now))
    return log, pages


@given(plans, happenings, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_a_log_adds_up_to_the_same_in_any_order_and_with_any_repeats(
    made: Plan, days: list[tuple[int, str]], chance: random.Random
) -> None:
    log, _ = live(made, days)
    shuffled = [*log, *chance.choices(log, k=len(log))]
    chance.shuffle(shuffled)

    assert chains.stand(made, log) == chains.stand(made, shuffled)


@given(plans, happenings)
@settings(max_examples=200, deadline=None)
def test_each_step_is_taken_at_most_once_a_round(made: Plan, days: list[tuple[int, str]]) -> None:
    log, pages = live(made, days)

    taken = [(each.round, each.step) for each in log if each.kind in (EntryKind.STEPPED, EntryKind.SKIPPED)]
    assert len(taken) == len(set(taken))
    assert len(pages) == len({(page.round, page.step) for _, page in pages})


@given(plans, happenings)
@settings(max_examples=200, deadline=None)
def test_nothing_goes_out_while_somebody_has_it_or_after_it_is_done(made: Plan, days: list[tuple[int, str]]) -> None:
    log, pages = live(made, days)

    for time, _ in pages:
        before = [each for each in log if each.time < time]
        standing = chains.stand(made, before)
        assert standing is not None
        assert standing.state is ChainState.RUNNING or (
            standing.state is ChainState.ACKNOWLEDGED and standing.until is not None and standing.until <= time
        )


@given(plans, happenings)
@settings(max_examples=200, deadline=None)
def test_a_chain_that_runs_always_has_a_next_step_and_ends_after_its_rounds(
    made: Plan, days: list[tuple[int, str]]
) -> None:
    log, _ = live(made, days)
    standing = chains.stand(made, log)

    assert standing is not None
    assert (standing.state is ChainState.RUNNING) <= (standing.due_time is not None)
    assert chains.audit(standing, now=START, grace=minutes(1)) is not Flaw.NO_STEP
    assert standing.round <= standing.last_round + 1


def test_a_plan_is_kept_as_it_was() -> None:
    made = plan(
        notify(),
        wait(5),
        Step(kind=StepKind.WITHIN_HOURS, hours=Hours(start=dt.time(9), end=dt.time(18), days=(1, 2))),
        Step(kind=StepKind.MORE_THAN, count=3, within=minutes(10)),
        rounds=3,
        expires=minutes(30),
    )

    assert made == Plan.of_content(made.content())


def test_a_step_outside_its_hours_waits_until_they_begin() -> None:
    at_night = START.replace(hour=14)  # 23:00 in Seoul
    made = plan(Step(kind=StepKind.WITHIN_HOURS, hours=Hours(start=dt.time(9), end=dt.time(18))), notify())

    moved = chains.advance(made, [started(at_night)], EVERYBODY, now=at_night)

    assert moved is not None
    assert at_night.replace(day=3, hour=0) == moved.standing.due_time
    assert ([EntryKind.HELD], ()) == ([each.kind for each in moved.entries], moved.pages)


def test_a_chain_ends_unless_it_was_started_more_often() -> None:
    made = plan(Step(kind=StepKind.MORE_THAN, count=3, within=minutes(10)), notify())
    few = Surroundings(reach=lambda _: ("a",), starts=lambda _: 3)
    many = Surroundings(reach=lambda _: ("a",), starts=lambda _: 4)

    quiet, loud = (chains.advance(made, [started()], each, now=START) for each in (few, many))

    assert quiet is not None
    assert loud is not None
    assert (0, 1) == (len(quiet.pages), len(loud.pages))
    assert "started 3 times" in quiet.entries[0].reason


def test_a_step_that_reaches_nobody_is_skipped_and_says_so() -> None:
    moved = chains.advance(plan(), [started()], Surroundings(reach=lambda _: ()), now=START)

    assert moved is not None
    assert [(EntryKind.SKIPPED, "nobody can be reached")] == [(each.kind, each.reason) for each in moved.entries]


def test_after_downtime_people_still_get_the_time_that_a_wait_gives_them() -> None:
    made = plan(wait(5), notify(), wait(5), notify())
    late = START + minutes(60)

    moved = chains.advance(made, [started()], EVERYBODY, now=late)

    assert moved is not None
    assert 1 == len(moved.pages)
    assert late + minutes(5) == moved.standing.due_time


def a_file(start_on: str) -> str:
    return f"chains:\n  - name: c\n    start_on: {{{start_on}}}\n    steps: [{{notify: {{target: t}}}}]\n"


@pytest.mark.parametrize(
    ("start_on", "metric", "policy", "percent", "starts"),
    [
        ("turns: [warned]", Metric.FIRST_RESPONSE, "p", 25, True),
        ("turns: [warned]", Metric.NEXT_RESPONSE, "p", 25, False),
        ("turns: [warned], percent: 50", Metric.FIRST_RESPONSE, "p", 25, False),
        ("turns: [warned], percent: 50", Metric.FIRST_RESPONSE, "p", 80, True),
        ("turns: [breached], metrics: [total_resolution]", Metric.TOTAL_RESOLUTION, "p", 100, True),
        ("turns: [breached], policies: [vip]", Metric.FIRST_RESPONSE, "p", 100, False),
        ("turns: [breached], policies: [vip]", Metric.FIRST_RESPONSE, "vip", 100, True),
    ],
)
def test_which_clocks_start_a_chain(start_on: str, metric: Metric, policy: str, percent: int, starts: bool) -> None:
    read = files.parse("chains.yaml", a_file(start_on))

    assert starts == read.starts["c"].matches_clock(metric, policy=policy, percent=percent)


@pytest.mark.parametrize(
    ("start_on", "column"), [("turns: [opened], percent: 50", 42), ("turns: [reopened], metrics: [next_response]", 44)]
)
def test_what_has_no_meaning_for_a_turn_is_refused(start_on: str, column: int) -> None:
    with pytest.raises(MistakesFound) as refused:
        files.parse("chains.yaml", a_file(start_on))

    (mistake,) = refused.value.mistakes
    assert (3, column) == (mistake.line, mistake.column)
