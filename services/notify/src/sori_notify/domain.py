"""What a case is, when its promise is kept or broken, and when somebody must hear of it."""

import datetime as dt
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Channel(StrEnum):
    """Where a customer and the company met."""

    APP = "app"
    WEB = "web"
    STORE = "store"
    KAKAO = "kakao"
    CALL_CENTER = "call_center"
    SNS = "sns"
    REVIEW = "review"
    SURVEY = "survey"
    EMAIL = "email"
    CHAT = "chat"
    DELIVERY = "delivery"
    CRM = "crm"


class Kind(StrEnum):
    """What happened."""

    INQUIRY = "inquiry"
    COMPLAINT = "complaint"
    PRAISE = "praise"
    REVIEW = "review"
    MENTION = "mention"
    SURVEY_RESPONSE = "survey_response"
    REPLY = "reply"
    VISIT = "visit"
    VIEW = "view"
    CART = "cart"
    PURCHASE = "purchase"
    REFUND = "refund"
    DELIVERY = "delivery"
    RESOLUTION = "resolution"
    SIGNUP = "signup"
    CANCELLATION = "cancellation"
    REFERRAL = "referral"
    OTHER = "other"


class Actor(StrEnum):
    """Who spoke or acted."""

    CUSTOMER = "customer"
    AGENT = "agent"
    BOT = "bot"
    SYSTEM = "system"


class Origin(StrEnum):
    """Where a case comes from."""

    CUSTOMER = "customer"
    EMPLOYEE = "employee"


class CaseState(StrEnum):
    """How far a case has come."""

    NEW = "new"
    OPEN = "open"
    RESOLVED = "resolved"


class ClockState(StrEnum):
    """Where a promise stands."""

    RUNNING = "running"
    FULFILLED = "fulfilled"
    BREACHED = "breached"
    CANCELLED = "cancelled"


class DeadlineState(StrEnum):
    """Whether somebody still has to look at a due time."""

    ARMED = "armed"
    FIRED = "fired"
    CANCELLED = "cancelled"


class AlertState(StrEnum):
    """How far an alert has come."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


class Change(StrEnum):
    """A turn in a case that is announced."""

    OPENED = "opened"
    ANSWERED = "answered"
    ACKNOWLEDGED = "acknowledged"
    BREACHED = "breached"
    RESOLVED = "resolved"


FIRST_RESPONSE = "first_response"
FIRST_RESPONSE_BREACHED = "first_response.breached"

_ANSWERS = frozenset({Kind.REPLY, Kind.RESOLUTION})
_LONGEST_RETRY = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """How soon a person answers, and which policy says so."""

    policy: str
    target: dt.timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A promise and whom it is made to; an empty set matches all."""

    promise: Promise
    channels: frozenset[Channel] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    org_units: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()

    def matches(self, channel: Channel | None, kind: Kind, org_unit: str, topics: Collection[str]) -> bool:
        """Say whether every condition that is set holds; one common topic is enough."""
        return (
            (not self.channels or channel in self.channels)
            and (not self.kinds or kind in self.kinds)
            and (not self.org_units or org_unit in self.org_units)
            and (not self.topics or not self.topics.isdisjoint(topics))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Which messages open a case, and what is promised for it; the first policy that matches holds."""

    opening_kinds: frozenset[Kind]
    policies: tuple[Policy, ...]

    def opens(self, actor: Actor, kind: Kind) -> bool:
        """Say whether such a message opens a case."""
        return actor is Actor.CUSTOMER and kind in self.opening_kinds

    def promise(self, channel: Channel | None, kind: Kind, org_unit: str, topics: Collection[str]) -> Promise | None:
        """Give what is promised for a message, or None when nothing is."""
        found = (each for each in self.policies if each.matches(channel, kind, org_unit, topics))
        return next((each.promise for each in found), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A touchpoint as far as a case depends on it; without its words."""

    touchpoint_id: uuid.UUID
    revision: int
    case_id: uuid.UUID
    source: str
    thread_id: str
    actor: Actor
    kind: Kind
    channel: Channel | None  # None: one that this version does not know.
    org_unit: str
    topics: tuple[str, ...]
    customer_id: uuid.UUID | None  # As journey said then; None when nobody was known.
    occurred_time: dt.datetime
    opens: bool  # By the policies in force when it arrived, which are frozen with it.
    promise: Promise | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acts:
    """What people did to a case here, rather than where the thread is."""

    acknowledged_by: str = ""  # token subject
    acknowledged_time: dt.datetime | None = None
    closed_by: str = ""  # token subject
    closed_time: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstResponse:
    """The first-response clock of a case."""

    policy: str
    due_time: dt.datetime  # An answer at this very moment is still in time.
    state: ClockState


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One matter that wants an answer."""

    case_id: uuid.UUID
    origin: Origin
    source: str = ""
    thread_id: str = ""
    customer_id: uuid.UUID | None = None
    channel: Channel | None = None
    org_unit: str = ""
    touchpoint_id: uuid.UUID | None = None
    topics: tuple[str, ...] = ()
    opened_time: dt.datetime
    clock: FirstResponse | None = None  # None: no policy promises an answer.
    answered_time: dt.datetime | None = None
    resolved_time: dt.datetime | None = None
    acts: Acts = field(default_factory=Acts)
    version: int = 0  # 0: not stored yet.

    @property
    def state(self) -> CaseState:
        """How far it has come."""
        if self.resolved_time is not None:
            return CaseState.RESOLVED
        taken = self.answered_time is not None or self.acts.acknowledged_time is not None
        return CaseState.OPEN if taken else CaseState.NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When a due time is looked at, and what came of it."""

    case_id: uuid.UUID
    due_time: dt.datetime
    fire_time: dt.datetime  # The due time, or later where the thread is history that is still coming in.
    state: DeadlineState
    fired_time: dt.datetime | None = None  # Set while the state is fired.


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One message to the receiver of alerts; the same bytes at each attempt."""

    alert_id: uuid.UUID  # Also the receiver's idempotency key.
    case_id: uuid.UUID
    reason: str
    org_unit: str
    body: str  # JSON
    attempts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """Everything that is kept of one case."""

    case: Case | None  # None: nobody has opened it.
    deadline: Deadline | None
    messages: Sequence[Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a case has become, and what is to be said of it."""

    case: Case
    deadline: Deadline | None
    changes: tuple[Change, ...]  # A change that is not announced is none of them.


def fold(messages: Iterable[Message], acts: Acts, *, watched_until: dt.datetime | None = None) -> Case | None:
    """Derive a case from its messages in any order, or None when none of them opens one.

    Up to `watched_until` silence is taken as no answer; before that, silence may be an answer still under way.
    """
    messages = sorted(messages, key=lambda each: (each.occurred_time, each.touchpoint_id))
    openings = [each for each in messages if each.opens]
    if not openings:
        return None
    first = openings[0]
    answers = [
        each
        for each in messages
        if each.actor is Actor.AGENT and each.kind in _ANSWERS and each.occurred_time >= first.occurred_time
    ]
    answered = answers[0].occurred_time if answers else None
    ends = [each.occurred_time for each in answers if each.kind is Kind.RESOLUTION]
    if acts.closed_time is not None:
        ends.append(acts.closed_time)
    return Case(
        case_id=first.case_id,
        origin=Origin.CUSTOMER,
        source=first.source,
        thread_id=first.thread_id,
        customer_id=next((each.customer_id for each in openings if each.customer_id), None),
        channel=first.channel,
        org_unit=first.org_unit,
        touchpoint_id=first.touchpoint_id,
        topics=first.topics,
        opened_time=first.occurred_time,
        clock=_first_response(first, answered, acts.closed_time, watched_until),
        answered_time=answered,
        resolved_time=min(ends, default=None),
        acts=acts,
    )


def _first_response(
    first: Message, answered: dt.datetime | None, closed: dt.datetime | None, watched_until: dt.datetime | None
) -> FirstResponse | None:
    if first.promise is None:
        return None
    due = first.occurred_time + first.promise.target
    if answered is not None and answered <= due:
        state = ClockState.FULFILLED
    elif closed is not None and closed <= due:
        state = ClockState.CANCELLED
    elif any(time is not None and time > due for time in (answered, closed, watched_until)):
        state = ClockState.BREACHED
    else:
        state = ClockState.RUNNING
    return FirstResponse(policy=first.promise.policy, due_time=due, state=state)


def flagged(case_id: uuid.UUID, *, org_unit: str, reasons: Sequence[str], week: dt.datetime) -> Case:
    """Open a case for an employee's voice; nothing finer than its week is kept."""
    return Case(
        case_id=case_id, origin=Origin.EMPLOYEE, org_unit=org_unit, topics=tuple(reasons), opened_time=week, version=1
    )


def review(dossier: Dossier, *, history: bool, now: dt.datetime, settle: dt.timedelta) -> Verdict | None:
    """Fold a case again after messages came in, or None when nothing has opened it.

    `history` says that one of them occurred long before it came, so that more may be right behind it.
    """
    acts = dossier.case.acts if dossier.case else Acts()
    case = _refold(dossier, acts, _watched(dossier.deadline))
    if case is None:
        return None
    return _verdict(dossier, case, _next(dossier.deadline, case, history=history, now=now, settle=settle))


def act(dossier: Dossier, case: Case, acts: Acts) -> Verdict:
    """Fold a case again after somebody acted on it."""
    case = fold(dossier.messages, acts, watched_until=_watched(dossier.deadline)) or _without_messages(case, acts)
    deadline = dossier.deadline
    if deadline and deadline.state is DeadlineState.ARMED and case.clock and case.clock.state is ClockState.CANCELLED:
        deadline = replace(deadline, state=DeadlineState.CANCELLED)
    return _verdict(dossier, case, deadline)


def expire(dossier: Dossier, *, now: dt.datetime) -> Verdict | None:
    """Declare a breach when the due time has passed without an answer, or let the deadline go."""
    case = _refold(dossier, dossier.case.acts if dossier.case else Acts(), now)
    if case is None or dossier.deadline is None:
        return None
    if case.clock is None or case.clock.state is not ClockState.BREACHED:
        deadline = _next(dossier.deadline, case, history=False, now=now, settle=dt.timedelta())
        return _verdict(dossier, case, deadline)
    fired = replace(dossier.deadline, due_time=case.clock.due_time, state=DeadlineState.FIRED, fired_time=now)
    return _verdict(dossier, case, fired, declared=True)


def _watched(deadline: Deadline | None) -> dt.datetime | None:
    return deadline.fired_time if deadline else None


def _refold(dossier: Dossier, acts: Acts, watched_until: dt.datetime | None) -> Case | None:
    folded = fold(dossier.messages, acts, watched_until=watched_until)
    if folded is not None or dossier.case is None:
        return folded
    return _without_messages(dossier.case, acts)


def _without_messages(case: Case, acts: Acts) -> Case:
    """Keep a case that no message opens: an employee's, or one whose message was edited into something else."""
    clock = case.clock and replace(case.clock, state=ClockState.CANCELLED)
    return replace(case, clock=clock, acts=acts, resolved_time=case.resolved_time or acts.closed_time, version=0)


def _next(
    before: Deadline | None, case: Case, *, history: bool, now: dt.datetime, settle: dt.timedelta
) -> Deadline | None:
    """Say what a case's deadline becomes; a live one fires when it is due, one from history after it has settled."""
    clock = case.clock
    if clock is None or clock.state in (ClockState.FULFILLED, ClockState.CANCELLED):
        return before and replace(before, state=DeadlineState.CANCELLED, fired_time=None)
    if before and before.state is DeadlineState.FIRED and clock.state is ClockState.BREACHED:
        return replace(before, due_time=clock.due_time)
    armed = before if before and before.state is DeadlineState.ARMED else None
    if clock.due_time > now:
        fire = clock.due_time
    elif armed and armed.due_time == clock.due_time and not history:
        fire = armed.fire_time
    else:
        fire = max(now + settle, armed.fire_time if armed else now)
    return Deadline(case_id=case.case_id, due_time=clock.due_time, fire_time=fire, state=DeadlineState.ARMED)


def _verdict(dossier: Dossier, case: Case, deadline: Deadline | None, *, declared: bool = False) -> Verdict:
    before = dossier.case
    version = before.version if before else 0
    if before is None or replace(before, version=0) != case:
        version += 1
    changes = _changes(before, case)
    if declared:
        changes.append(Change.BREACHED)
        version = max(version, (before.version if before else 0) + 1)  # Its event wants an id of its own.
    return Verdict(case=replace(case, version=version), deadline=deadline, changes=tuple(changes))


def _changes(before: Case | None, after: Case) -> list[Change]:
    found: list[Change] = []
    if before is None:
        found.append(Change.OPENED)
    if after.answered_time is not None and (before is None or _answer(before) != _answer(after)):
        found.append(Change.ANSWERED)
    acknowledged = after.acts.acknowledged_time
    if acknowledged is not None and (before is None or before.acts.acknowledged_time != acknowledged):
        found.append(Change.ACKNOWLEDGED)
    if after.resolved_time is not None and (before is None or before.resolved_time != after.resolved_time):
        found.append(Change.RESOLVED)
    return found


def _answer(case: Case) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Say what an answer means: when it came, and when it was due."""
    return case.answered_time, case.clock.due_time if case.clock else None


def visible(roles: Collection[str]) -> frozenset[Origin]:
    """Say which cases a caller may see, and so act on."""
    found: set[Origin] = set()
    if "cx.read" in roles or "cx.act" in roles:
        found.add(Origin.CUSTOMER)
    if "hr.read" in roles:
        found.add(Origin.EMPLOYEE)
    return frozenset(found)


def flatten(
    known: Mapping[uuid.UUID, uuid.UUID], merges: Iterable[tuple[uuid.UUID, uuid.UUID]]
) -> dict[uuid.UUID, uuid.UUID]:
    """Lead every merged customer straight to the one that remains; `merges` are (merged, survivor) in any order."""
    into = dict(known)
    for merged, survivor in merges:
        if merged != survivor:
            into[merged] = survivor
    flat: dict[uuid.UUID, uuid.UUID] = {}
    for merged in into:
        end, seen = into[merged], {merged}
        while end in into and end not in seen:
            seen.add(end)
            end = into[end]
        if end != merged:  # A ring leads nowhere: nobody of it is gone.
            flat[merged] = end
    return flat


def retry_delay(attempts: int, *, first: dt.timedelta, draw: float) -> dt.timedelta:
    """Say how long to wait after that many failed attempts: doubling up to an hour, less up to a quarter by `draw`."""
    doubled: dt.timedelta = first * 2 ** (attempts - 1)
    return min(doubled, _LONGEST_RETRY) * (1 - draw / 4)
