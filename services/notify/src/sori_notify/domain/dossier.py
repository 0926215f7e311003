"""Everything that is kept of a thread, and what it becomes when something happens."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sori_notify.domain.act import Act
from sori_notify.domain.case import Case, Change, Clock
from sori_notify.domain.clock import ClockState, Metric
from sori_notify.domain.deadline import Deadline, DeadlineState
from sori_notify.domain.message import Message
from sori_notify.domain.story import retell, tell


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # Frozen it would take three times as long to make.
class Dossier:
    """Everything that is kept of one thread, or of one case that has none."""

    key: uuid.UUID
    cases: Sequence[Case] = ()  # none: nobody has opened one
    deadlines: Sequence[Deadline] = ()
    messages: Sequence[Message] = ()
    acts: Sequence[Act] = ()

    @property
    def watched(self) -> dt.datetime | None:
        """Say until when silence was taken as silence."""
        return max((each.fired_time for each in self.deadlines if each.fired_time), default=None)

    def case(self, case_id: uuid.UUID) -> Case | None:
        """Give a case as it is kept."""
        for each in self.cases:
            if each.case_id == case_id:
                return each
        return None

    def deadline(self, case_id: uuid.UUID) -> Deadline | None:
        """Give the deadline of a case as it is kept."""
        for each in self.deadlines:
            if each.case_id == case_id:
                return each
        return None


@dataclass(slots=True, kw_only=True, unsafe_hash=True)  # Frozen it would take three times as long to make.
class Verdict:
    """What a case has become, and what is to be said of it."""

    case: Case
    deadline: Deadline | None
    changes: tuple[Change, ...] = ()  # A change that is not announced is none of them.
    warned: tuple[tuple[Clock, int], ...] = ()  # Clocks, and the percentage that each has passed.
    breached: tuple[Clock, ...] = ()  # Clocks whose breach is declared now.


def review(dossier: Dossier, *, history: bool, now: dt.datetime, settle: dt.timedelta) -> list[Verdict]:
    """Tell a thread's cases again after messages came in or somebody acted.

    `history` says that a message occurred long before it came, so that more may be right behind it.
    """
    found = _retold(dossier, dossier.watched)
    return [
        _verdict(dossier, case, _next(dossier.deadline(case.case_id), case, history=history, now=now, settle=settle))
        for case in found
    ]


def expire(dossier: Dossier, due: Collection[uuid.UUID], *, now: dt.datetime) -> list[Verdict]:
    """Declare the breaches and warnings that have come by now, of those cases whose deadline has fired."""
    verdicts: list[Verdict] = []
    for case in _retold(dossier, now):
        deadline = dossier.deadline(case.case_id) if case.case_id in due else None
        if deadline is None:
            continue
        before = dossier.case(case.case_id)
        breached = tuple(each for each in case.clocks if each.is_late_for)
        warned = tuple(
            (clock, warning.percent)
            for clock in case.clocks
            if clock.state is ClockState.RUNNING
            for warning in clock.warnings
            if warning not in _warnings(before, clock)
        )
        for clock in case.clocks:  # It was told just now, and is nobody else's yet.
            clock.declared = clock.state is ClockState.BREACHED
        looked = Deadline(
            case_id=deadline.case_id,
            due_time=deadline.due_time,
            fire_time=deadline.fire_time,
            state=DeadlineState.FIRED,
            fired_time=now,
        )
        armed = _next(looked, case, history=False, now=now, settle=dt.timedelta())
        verdicts.append(_verdict(dossier, case, armed, warned=warned, breached=breached))
    return verdicts


def _warnings(before: Case | None, clock: Clock) -> Sequence[object]:
    known = (each for each in before.clocks if _is_same(each, clock)) if before else ()
    return next((each.warnings for each in known), ())


def _is_same(one: Clock, other: Clock) -> bool:
    return (one.metric, one.instance) == (other.metric, other.instance)


def _retold(dossier: Dossier, watched: dt.datetime | None) -> list[Case]:
    found = tell(dossier.messages, dossier.acts, now=watched, key=dossier.key)
    told = {each.case_id for each in found}
    found += [
        retell(each, [act for act in dossier.acts if act.case_id == each.case_id])
        for each in dossier.cases
        if each.case_id not in told
    ]
    return [_declared(dossier.case(each.case_id), each) for each in found]


def recorded(case: Case, kept: Case) -> Case:
    """Show a case that was told again as the version that is kept of it."""
    return replace(case, version=kept.version)


def _declared(before: Case | None, after: Case) -> Case:
    """Remember which breaches were announced; one that was taken back may be announced again."""
    known = {(each.metric, each.instance) for each in before.clocks if each.declared} if before else set()
    for clock in after.clocks:  # As above.
        clock.declared = clock.state is ClockState.BREACHED and (clock.metric, clock.instance) in known
    return after


def _version(case: Case | None) -> int:
    return case.version if case else 0


def _next(
    before: Deadline | None, case: Case, *, history: bool, now: dt.datetime, settle: dt.timedelta
) -> Deadline | None:
    """Say what a case's deadline becomes; a live one fires when it is due, one from history after it has settled."""
    due = min((each.look_time for each in case.clocks if each.look_time), default=None)
    if due is None:
        done = DeadlineState.FIRED if any(each.declared for each in case.clocks) else DeadlineState.CANCELLED
        return before if before is None or before.state is done else replace(before, state=done)
    armed = before if before and before.state is DeadlineState.ARMED else None
    if due > now:
        fire = due
    elif armed and armed.due_time == due and not history:
        fire = armed.fire_time
    else:
        fire = max(now + settle, armed.fire_time if armed and armed.due_time <= now else now)
    return Deadline(
        case_id=case.case_id,
        due_time=due,
        fire_time=fire,
        state=DeadlineState.ARMED,
        fired_time=before.fired_time if before else None,
    )


def _verdict(
    dossier: Dossier,
    case: Case,
    deadline: Deadline | None,
    *,
    warned: tuple[tuple[Clock, int], ...] = (),
    breached: tuple[Clock, ...] = (),
) -> Verdict:
    before = dossier.case(case.case_id)
    changes = _changes(before, case)
    if any(each.metric is Metric.FIRST_RESPONSE for each in breached):
        changes.append(Change.BREACHED)
    version = _version(before) + bool(breached or warned or before != case)  # Events of clocks want ids of their own.
    case.version = version  # As above.
    return Verdict(case=case, deadline=deadline, changes=tuple(changes), warned=warned, breached=breached)


def _changes(before: Case | None, after: Case) -> list[Change]:
    found: list[Change] = []
    if before is None:
        found.append(Change.OPENED)
    if after.answered_time is not None and (before is None or _answer(before) != _answer(after)):
        found.append(Change.ANSWERED)
    acknowledged = after.acknowledged_time
    if acknowledged is not None and (before is None or before.acknowledged_time != acknowledged):
        found.append(Change.ACKNOWLEDGED)
    if after.resolved_time is not None and (before is None or before.resolved_time != after.resolved_time):
        found.append(Change.RESOLVED)
    if before is not None and before.resolved_time is not None and after.resolved_time is None:
        found.append(Change.REOPENED)
    if before is not None and not found and _particulars(before) != _particulars(after):
        found.append(Change.UPDATED)
    return found


def _answer(case: Case) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Say what an answer means: when it came, and when it was due."""
    return case.answered_time, case.clock.due_time if case.clock else None


def _particulars(case: Case) -> tuple[object, ...]:
    return case.state, case.team, case.person, case.severity, case.tags, case.topics
