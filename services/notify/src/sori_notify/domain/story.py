"""What a thread's messages and people's acts tell: its cases, one after the other, and their clocks."""

import datetime as dt
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sori_notify.domain.act import Act, ActKind
from sori_notify.domain.case import Case, CaseState, Clock, Origin
from sori_notify.domain.clock import ClockEvent, ClockState, Metric, Tick, Waiting, read
from sori_notify.domain.message import Message
from sori_notify.domain.policy import REOPEN_WITHIN, Promise
from sori_notify.domain.words import Actor

_WAITING = {CaseState.PENDING: Waiting.PENDING, CaseState.ON_HOLD: Waiting.ON_HOLD}
_ENDS = (Tick.FULFIL, Tick.CANCEL)
_ACTS = {kind: number for number, kind in enumerate(ActKind)}
_METRICS = {metric: number for number, metric in enumerate(Metric)}


@dataclass(slots=True, kw_only=True)
class _Teller:
    """One case while its story is told, event by event."""

    case_id: uuid.UUID
    promise: Promise | None
    state: CaseState = CaseState.NEW
    events: dict[tuple[Metric, int], list[ClockEvent]] = field(default_factory=dict)
    next_instance: int = 0  # of the next-response clock; 0: none yet
    awaited: bool = True  # A customer waits for an answer.
    answered_time: dt.datetime | None = None
    resolved_time: dt.datetime | None = None
    closed_time: dt.datetime | None = None
    acknowledged_by: str = ""
    acknowledged_time: dt.datetime | None = None
    team: str = ""
    person: str = ""
    tags: tuple[str, ...] = ()
    opening: Message | None = None
    openings: list[Message] = field(default_factory=list)
    set_severity: Act | None = None

    def begin(self, time: dt.datetime, cause: str) -> None:
        """Start the clocks that run from creation."""
        for metric in (Metric.FIRST_RESPONSE, Metric.FIRST_RESOLUTION, Metric.TOTAL_RESOLUTION):
            self._start(metric, 1, time, cause)

    def _start(self, metric: Metric, instance: int, time: dt.datetime, cause: str) -> None:
        target = self.promise.target(metric) if self.promise else None
        if target is None:
            return
        events = self.events[metric, instance] = [ClockEvent(tick=Tick.START, time=time, cause=cause)]
        if _WAITING.get(self.state) in target.pauses:
            events.append(ClockEvent(tick=Tick.PAUSE, time=time, cause=cause))

    def _end(self, tick: Tick, metric: Metric, instance: int, time: dt.datetime, cause: str) -> None:
        """Fulfil or cancel a clock that has not ended."""
        events = self.events.get((metric, instance))
        if events and events[-1].tick not in _ENDS:
            events.append(ClockEvent(tick=tick, time=time, cause=cause))

    def _run_on(self, metric: Metric, time: dt.datetime, cause: str) -> None:
        """Let a clock that has ended count on, with what was used."""
        if events := self.events.get((metric, 1)):
            events.append(ClockEvent(tick=Tick.RESUME, time=time, cause=cause))

    def become(self, state: CaseState, time: dt.datetime, cause: str) -> None:
        """Change the state, and pause or resume the clocks with it."""
        waiting = _WAITING.get(state)
        for (metric, _), events in self.events.items():
            target = self.promise.target(metric) if self.promise else None
            if target is None or events[-1].tick in _ENDS:
                continue
            was, will = events[-1].tick is Tick.PAUSE, waiting in target.pauses
            if was != will:
                events.append(ClockEvent(tick=Tick.PAUSE if will else Tick.RESUME, time=time, cause=cause))
        self.state = state

    def hear(self, message: Message) -> None:
        """Take in what a customer said."""
        cause = str(message.touchpoint_id)
        if self.state is CaseState.PENDING:
            self.become(CaseState.OPEN, message.occurred_time, cause)
        if message.opens:
            self.openings.append(message)
        if not message.wants_answer:
            return
        if self.state is CaseState.RESOLVED:
            self.reopen(message.occurred_time, cause)
        if not self.awaited:
            self.awaited = True
            self.next_instance += 1
            self._start(Metric.NEXT_RESPONSE, self.next_instance, message.occurred_time, cause)

    def answer(self, time: dt.datetime, cause: str) -> None:
        """Take in a public reply of a person."""
        self.answered_time = self.answered_time or time
        self.awaited = False
        self._end(Tick.FULFIL, Metric.FIRST_RESPONSE, 1, time, cause)
        self._end(Tick.FULFIL, Metric.NEXT_RESPONSE, self.next_instance, time, cause)
        if self.state is CaseState.NEW:
            self.become(CaseState.OPEN, time, cause)

    def resolve(self, time: dt.datetime, cause: str, state: CaseState = CaseState.RESOLVED) -> None:
        """End it; answers are not owed any more."""
        if self.resolved_time is None:
            self.become(CaseState.OPEN, time, cause)  # Nothing is waited for any more.
            self.awaited = False
            self._end(Tick.CANCEL, Metric.FIRST_RESPONSE, 1, time, cause)
            self._end(Tick.CANCEL, Metric.NEXT_RESPONSE, self.next_instance, time, cause)
            self._end(Tick.FULFIL, Metric.FIRST_RESOLUTION, 1, time, cause)
            self._end(Tick.FULFIL, Metric.TOTAL_RESOLUTION, 1, time, cause)
            self.resolved_time = time
        self.state = state

    def reopen(self, time: dt.datetime, cause: str) -> None:
        """Begin again; the total counts on."""
        self.state, self.resolved_time, self.closed_time = CaseState.REOPENED, None, None
        self._run_on(Metric.TOTAL_RESOLUTION, time, cause)

    def perform(self, act: Act) -> None:
        """Take in what somebody did here; what the state does not allow changes nothing."""
        cause, done = str(act.act_id), self.state in (CaseState.RESOLVED, CaseState.CLOSED)
        match act.kind:
            case ActKind.ASSIGN:
                self.team, self.person = act.team, act.person
            case ActKind.SET_SEVERITY:
                self.set_severity = act
            case ActKind.TAG:
                self.tags = tuple(dict.fromkeys((*self.tags, *act.tags)))
            case ActKind.ACKNOWLEDGE if not done and self.acknowledged_time is None:
                self.acknowledged_by, self.acknowledged_time = act.actor, act.time
                if self.state is CaseState.NEW:
                    self.become(CaseState.OPEN, act.time, cause)
            case ActKind.REOPEN if done:
                self.reopen(act.time, cause)
                if self.answered_time is None:  # The end answered nobody, and the customer has waited since.
                    self.awaited = True
                    self._run_on(Metric.FIRST_RESPONSE, act.time, cause)
            case ActKind.RESUME if self.state in _WAITING:
                self.become(CaseState.OPEN, act.time, cause)
            case ActKind.SET_PENDING if not done:
                self.become(CaseState.PENDING, act.time, cause)
            case ActKind.SET_ON_HOLD if not done:
                self.become(CaseState.ON_HOLD, act.time, cause)
            case ActKind.RESOLVE if not done:
                self.resolve(act.time, cause)
            case ActKind.CLOSE if self.state is not CaseState.CLOSED:
                self.resolve(act.time, cause, CaseState.CLOSED)
                self.closed_time = act.time

    def clocks(self, now: dt.datetime | None) -> tuple[Clock, ...]:
        """Read all clocks; up to `now` silence is taken as silence."""
        promise = self.promise
        if promise is None:
            return ()
        found: list[Clock] = []
        for metric, instance in sorted(self.events, key=_place) if len(self.events) > 1 else self.events:
            target = promise.target(metric)
            reading = read(self.events[metric, instance], target, now=now) if target else None
            if target is None or reading is None:
                continue
            found.append(
                Clock(
                    metric=metric,
                    instance=instance,
                    policy=promise.policy,
                    version=promise.version,
                    state=reading.state,
                    start_time=reading.start_time,
                    due_time=reading.due_time,
                    target=target.amount,
                    used=reading.used,
                    warnings=reading.warnings,
                    breach_time=reading.breach_time,
                    fulfilled_time=reading.fulfilled_time,
                    reading=reading,
                    terms=target,
                )
            )
        return tuple(found)

    def case(self, key: uuid.UUID, now: dt.datetime | None) -> Case:
        """Say what the case has become."""
        first = self.opening
        assert first is not None
        severity = self.set_severity.severity if self.set_severity else None
        return Case(
            case_id=self.case_id,
            thread_key=key,
            origin=Origin.CUSTOMER,
            state=self.state,
            source=first.source,
            thread_id=first.thread_id,
            customer_id=next((each.customer_id for each in self.openings if each.customer_id), None),
            channel=first.channel,
            org_unit=first.org_unit,
            touchpoint_id=first.touchpoint_id,
            topics=first.topics,
            segments=first.segments,
            severity=severity or first.severity,
            tags=self.tags,
            team=self.team,
            person=self.person,
            opened_time=first.occurred_time,
            clocks=self.clocks(now),
            answered_time=self.answered_time,
            resolved_time=self.resolved_time,
            closed_time=self.closed_time,
            acknowledged_by=self.acknowledged_by,
            acknowledged_time=self.acknowledged_time,
        )


def _place(clock: tuple[Metric, int]) -> tuple[int, int]:
    """Say where a clock stands among those of its case."""
    return _METRICS[clock[0]], clock[1]


def tell(
    messages: Iterable[Message],
    acts: Iterable[Act] = (),
    *,
    now: dt.datetime | None = None,
    key: uuid.UUID | None = None,
) -> list[Case]:
    """Derive a thread's cases, oldest first, from its messages and what people did, in any order and any repeats.

    Up to `now` silence is taken as no answer; without it, silence may be an answer still under way. `key` is the
    thread's id where its messages were brought together from several.
    """
    story = _in_order(messages, acts)
    found: list[_Teller] = []
    for _, _, event in story:
        current = found[-1] if found else None
        if isinstance(event, Act):
            if current and event.case_id in (None, current.case_id):
                current.perform(event)
        elif event.is_spoken:
            if current is None or _is_another(current, event):
                if event.opens or (current is not None and event.wants_answer):
                    found.append(_open(event, key or event.case_id, first=current is None))
            else:
                current.hear(event)
        elif current and event.answers:
            current.answer(event.occurred_time, str(event.touchpoint_id))
        elif current and event.resolves:
            current.resolve(event.occurred_time, str(event.touchpoint_id), _resolved(current))
    return [each.case(key or each.opening.case_id, now) for each in found if each.opening]


def _in_order(
    messages: Iterable[Message], acts: Iterable[Act]
) -> list[tuple[tuple[dt.datetime, int, int, str], str, Message | Act]]:
    """Sort what happened; at one moment customers speak first, then staff, then what people did here counts."""
    newest: dict[uuid.UUID, Message] = {}
    for message in messages:
        known = newest.get(message.touchpoint_id)
        if known is None or known.revision < message.revision:
            newest[message.touchpoint_id] = message
    story: list[tuple[tuple[dt.datetime, int, int, str], str, Message | Act]] = [
        (
            (
                each.occurred_time,
                0 if each.actor is Actor.CUSTOMER else 1,
                1 if each.resolves else 0,
                str(touchpoint_id),
            ),
            "",
            each,
        )
        for touchpoint_id, each in newest.items()
    ]
    story += [
        ((each.time, 2, _ACTS[each.kind], str(act_id)), "", each)
        for act_id, each in {each.act_id: each for each in acts}.items()
    ]
    story.sort(key=lambda each: each[0])
    return story


def _is_another(current: _Teller, message: Message) -> bool:
    """Say whether a message comes too late to belong to a case that is done."""
    if current.state is CaseState.CLOSED:
        return True
    if current.state is not CaseState.RESOLVED or current.resolved_time is None:
        return False
    within = current.promise.reopen_within if current.promise else REOPEN_WITHIN
    return message.occurred_time - current.resolved_time > within


def _open(message: Message, key: uuid.UUID, *, first: bool) -> _Teller:
    made = _Teller(
        case_id=key if first else uuid.uuid5(key, str(message.touchpoint_id)),
        promise=message.promise,
        opening=message,
        openings=[message],
    )
    made.begin(message.occurred_time, str(message.touchpoint_id))
    return made


def _resolved(current: _Teller) -> CaseState:
    return CaseState.CLOSED if current.state is CaseState.CLOSED else CaseState.RESOLVED


def retell(case: Case, acts: Sequence[Act]) -> Case:
    """Keep a case that no message opens: an employee's, or one whose messages were edited, or belong to another now."""
    teller = _Teller(case_id=case.case_id, promise=None)
    for _, _, event in _in_order((), acts):
        if isinstance(event, Act):
            teller.perform(event)
    return replace(
        case,
        state=CaseState.CLOSED if case.origin is Origin.CUSTOMER else teller.state,
        clocks=tuple(replace(each, state=ClockState.CANCELLED, reading=None) for each in case.clocks),
        severity=(teller.set_severity and teller.set_severity.severity) or case.severity,
        tags=teller.tags,
        team=teller.team,
        person=teller.person,
        resolved_time=teller.resolved_time,
        closed_time=teller.closed_time,
        acknowledged_by=teller.acknowledged_by,
        acknowledged_time=teller.acknowledged_time,
        version=0,
    )
