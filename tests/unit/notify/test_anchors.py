"""What the anchors' users complain of: each design in small, what it says, and what is said here."""

import datetime as dt

from unit.notify.stories import (
    HOUR,
    MINUTE,
    NOON,
    SETTLE,
    THREAD,
    a_message,
    a_promise,
    a_reply,
    a_target,
    an_act,
    at,
    the_clock,
)

from sori_notify.domain import ActKind, Calendar, ClockState, Dossier, Message, chains, review, tell
from sori_notify.domain.chains import Entry, EntryKind, Plan, Recipient, RecipientKind, Step, StepKind, Surroundings
from sori_notify.domain.dossier import expire

POLL = 5 * MINUTE  # how often chatwoot looks


def by_polling(asked: dt.datetime, answered: dt.datetime, target: dt.timedelta, first_poll: dt.datetime) -> str:
    """Chatwoot: a job looks every five minutes; a conversation that was answered by then counts as a hit."""
    look = first_poll
    while look < asked + target:
        look += POLL
    return "hit" if answered <= look else "missed"


def test_an_answer_between_the_due_time_and_the_next_poll_is_no_hit() -> None:
    asked, answered = a_message(0), a_reply(7)

    polled = by_polling(at(0), at(7), 5 * MINUTE, first_poll=at(4))
    clock = the_clock(asked, answered)

    assert ("hit", ClockState.BREACHED, at(5)) == (polled, clock.state, clock.breach_time)


def by_one_shift(start: dt.datetime, hours: float) -> dt.datetime:
    """Chatwoot #6467, #10436, #14009: business hours are one interval a weekday, and every weekday is one."""
    time, left = start, round(hours * 60)  # minutes
    while left > 0:
        wall = time.astimezone(dt.timezone(9 * HOUR))
        if wall.weekday() < 5 and 9 <= wall.hour < 18:
            left -= 1
        time += MINUTE
    return time


def test_lunch_and_holidays_are_not_worked() -> None:
    eve_at_four = dt.datetime(2026, 9, 23, 7, tzinfo=dt.UTC)  # on the eve of Chuseok
    chuseok = frozenset(dt.date(2026, 9, day) for day in (24, 25, 26))
    hours = ((9 * 3600, 12 * 3600), (13 * 3600, 18 * 3600))
    office = Calendar(name="office", zone="Asia/Seoul", weekly=(hours,) * 5 + ((), ()), holidays=chuseok)

    assert dt.datetime(2026, 9, 24, 3, tzinfo=dt.UTC) == by_one_shift(eve_at_four, 5)  # Chuseok's first noon
    assert dt.datetime(2026, 9, 28, 3, tzinfo=dt.UTC) == office.add(eve_at_four, 5 * HOUR)  # Monday noon


def test_the_second_shift_of_a_day_is_worked() -> None:
    shifts = ((6 * 3600, 10 * 3600), (18 * 3600, 22 * 3600))
    shop = Calendar(name="shop", zone="Asia/Seoul", weekly=(shifts,) * 7)
    nine = dt.datetime(2026, 11, 2, 0, tzinfo=dt.UTC)

    assert dt.datetime(2026, 11, 2, 10, tzinfo=dt.UTC) == shop.add(nine, 2 * HOUR)  # seven in the evening


def without_pauses(asked: dt.datetime, resolved: dt.datetime, target: dt.timedelta) -> str:
    """osTicket #3034: the grace period runs on while the ticket waits for the customer."""
    return "overdue" if resolved - asked > target else "in time"


def test_waiting_for_the_customer_is_not_the_agents_time() -> None:
    promise = a_promise(a_target(minutes=60))
    acts = [an_act(10, ActKind.SET_PENDING), an_act(130, ActKind.RESUME)]

    clock = the_clock(a_message(0, promise=promise), *acts, a_reply(140))

    assert "overdue" == without_pauses(at(0), at(140), 60 * MINUTE)
    assert (ClockState.FULFILLED, 20 * MINUTE) == (clock.state, clock.used)


def test_a_restart_forgets_no_deadline() -> None:
    """Grafana OnCall #1206 keeps what is to come as tasks of its queue: when these are lost, nobody is told."""
    thread: list[Message] = [a_message(0)]
    tasks = {THREAD: at(5)}
    (opened,) = review(Dossier(key=THREAD, messages=thread), history=False, now=at(0), settle=SETTLE)
    assert opened.deadline is not None

    tasks.clear()  # The restart: whatever was only in memory is gone, what is in the database is not.
    (fired,) = expire(
        Dossier(key=THREAD, cases=[opened.case], deadlines=[opened.deadline], messages=thread), [THREAD], now=at(60)
    )

    assert ({}, [at(5)]) == (tasks, [each.breach_time for each in fired.breached])


def by_flag(breached: bool) -> list[str]:
    """Chatwoot #6889: a broken promise marks the conversation and tells its assignee; there is nobody after that."""
    return ["agent"] if breached else []


def a_chain(rounds: int = 1) -> Plan:
    people = [Recipient(kind=RecipientKind.PERSON, name=each) for each in ("agent", "manager")]
    pages = [Step(kind=StepKind.NOTIFY, recipient=each) for each in people]
    pause = Step(kind=StepKind.WAIT, wait=5 * MINUTE)
    return Plan(name="breach", steps=(pages[0], pause, pages[1], pause), rounds=rounds)


def told(plan: Plan, log: list[Entry], *minutes: float) -> list[str]:
    """Look at a chain at some minutes; gives whom it tells."""
    found: list[str] = []
    for minute in minutes:
        moved = chains.advance(plan, log, Surroundings(reach=lambda recipient: (recipient.name,)), now=at(minute))
        assert moved is not None
        log += moved.entries
        found += [target for page in moved.pages for target in page.targets]
    return found


def test_what_the_agent_leaves_goes_to_the_manager() -> None:
    log = [Entry(key="started", kind=EntryKind.STARTED, time=at(0))]

    assert ["agent"] == by_flag(True)
    assert ["agent", "manager"] == told(a_chain(), log, 0, 4, 6, 20)


def by_task(pages: list[tuple[float, str]], acknowledged: float) -> list[str]:
    """Grafana OnCall #4654, #4760: each page is a task of its own; an acknowledgement does not reach those queued."""
    return [name for minute, name in pages if minute > acknowledged]


def test_an_acknowledgement_stops_every_page_that_is_to_come() -> None:
    plan, log = a_chain(rounds=3), [Entry(key="started", kind=EntryKind.STARTED, time=at(0))]
    first = told(plan, log, 0)

    taken = chains.acknowledged(log, plan, by="kim", now=at(1), key="taken")
    assert taken is not None
    log.append(taken)

    assert ["manager"] == by_task([(0, "agent"), (5, "manager")], acknowledged=1)
    assert (["agent"], []) == (first, told(plan, log, 6, 12, 60))


def test_a_reassignment_is_no_new_promise() -> None:
    (case,) = tell([a_message(0)], [an_act(4, ActKind.ASSIGN, person="b")], now=NOON + 6 * MINUTE)

    assert case.clock is not None
    assert (at(5), ClockState.BREACHED) == (case.clock.due_time, case.clock.state)
