"""Escalation: a plan, what has happened to it so far, and what is to happen next."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sori_notify.domain.schedules import Hours


class StepKind(StrEnum):
    """What a step does."""

    WAIT = "wait"
    NOTIFY = "notify"
    WEBHOOK = "webhook"
    UNACKNOWLEDGED = "unacknowledged"  # Goes on if nobody has acknowledged, which is why it is reached at all.
    WITHIN_HOURS = "within_hours"  # Waits until it is.
    MORE_THAN = "more_than"  # Ends the chain unless it was started more often than that.


class RecipientKind(StrEnum):
    """Whom a step tells."""

    TARGET = "target"
    PERSON = "person"
    TEAM = "team"  # All of it.
    ROUND_ROBIN = "round_robin"  # One of a team, the next one each time.
    SCHEDULE = "schedule"  # Whoever is on call then.


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a step tells, by name."""

    kind: RecipientKind
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a plan."""

    kind: StepKind
    wait: dt.timedelta = dt.timedelta()
    recipient: Recipient | None = None
    hours: Hours | None = None
    count: int = 0
    within: dt.timedelta = dt.timedelta()

    def content(self) -> dict[str, object]:
        """Spell it as JSON can hold it."""
        hours, recipient = self.hours, self.recipient
        return {
            "kind": self.kind.value,
            "wait": self.wait.total_seconds(),
            "recipient": [recipient.kind.value, recipient.name] if recipient else None,
            "hours": [hours.start.isoformat(), hours.end.isoformat(), list(hours.days), hours.zone] if hours else None,
            "count": self.count,
            "within": self.within.total_seconds(),
        }

    @classmethod
    def of_content(cls, content: Mapping[str, object]) -> "Step":
        """Read what `content` spelt."""
        hours, recipient, wait, within = (content[name] for name in ("hours", "recipient", "wait", "within"))
        return cls(
            kind=StepKind(str(content["kind"])),
            wait=dt.timedelta(seconds=float(str(wait))),
            recipient=Recipient(kind=RecipientKind(recipient[0]), name=recipient[1])
            if isinstance(recipient, list)
            else None,
            hours=Hours(
                start=dt.time.fromisoformat(hours[0]),
                end=dt.time.fromisoformat(hours[1]),
                days=tuple(hours[2]),
                zone=hours[3],
            )
            if isinstance(hours, list)
            else None,
            count=int(str(content["count"])),
            within=dt.timedelta(seconds=float(str(within))),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A chain as it was when it started; later changes of the file do not reach it."""

    name: str
    steps: tuple[Step, ...]
    rounds: int = 1  # how often all steps are taken at most
    expires: dt.timedelta | None = None  # An acknowledgement holds for so long; None: for good.

    def content(self) -> dict[str, object]:
        """Spell it as JSON can hold it."""
        return {
            "name": self.name,
            "steps": [each.content() for each in self.steps],
            "rounds": self.rounds,
            "expires": self.expires.total_seconds() if self.expires else None,
        }

    @classmethod
    def of_content(cls, content: Mapping[str, object]) -> "Plan":
        """Read what `content` spelt."""
        steps, expires = content["steps"], content["expires"]
        assert isinstance(steps, list)
        return cls(
            name=str(content["name"]),
            steps=tuple(map(Step.of_content, steps)),
            rounds=int(str(content["rounds"])),
            expires=dt.timedelta(seconds=float(str(expires))) if expires else None,
        )


class EntryKind(StrEnum):
    """What happened; of several at one moment the earlier in this list counts first."""

    STARTED = "started"
    HANDED_OVER = "handed_over"  # It begins a round, as does the next, which steps of the same moment belong to.
    EXPIRED = "expired"
    STEPPED = "stepped"
    SKIPPED = "skipped"
    HELD = "held"  # A step waits for its hours.
    ENDED = "ended"  # A condition said that nothing more is to be done.
    SNOOZED = "snoozed"
    ACKNOWLEDGED = "acknowledged"
    STOPPED = "stopped"


_ORDER = {kind: number for number, kind in enumerate(EntryKind)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a chain's log; lines are only ever added."""

    key: str  # The same line has the same key, however often it is written.
    kind: EntryKind
    time: dt.datetime
    round: int = 0  # from 1; 0: of no step
    step: int = 0  # from 0
    reason: str = ""
    by: str = ""  # token subject, or whose link it was
    until: dt.datetime | None = None
    recipient: Recipient | None = None


class ChainState(StrEnum):
    """Where a chain stands."""

    RUNNING = "running"
    ACKNOWLEDGED = "acknowledged"
    ENDED = "ended"  # All rounds are over, or a condition ended it; nobody has acknowledged.
    STOPPED = "stopped"  # The case is done.


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a log adds up to."""

    state: ChainState
    round: int  # of the next step, from 1
    step: int  # the next one, from 0
    since: dt.datetime  # what a wait counts from
    last_round: int
    due_time: dt.datetime | None  # when something is to be done next; None: never, unless somebody acts
    until: dt.datetime | None = None  # when the acknowledgement, or the snooze, is over
    by: str = ""  # who acknowledged


def stand(plan: Plan, entries: Iterable[Entry]) -> Standing | None:
    """Add up a log, in any order and with any repeats; None while it was never started."""
    log = sorted(
        {each.key: each for each in entries}.values(),
        key=lambda each: (each.time, _ORDER[each.kind], each.round, each.step, each.key),
    )
    start = next((each for each in log if each.kind is EntryKind.STARTED), None)
    if start is None:
        return None
    state, by = ChainState.RUNNING, ""
    position, since, last = (1, 0), start.time, plan.rounds
    until: dt.datetime | None = None
    not_before: dt.datetime | None = None
    for entry in log:
        match entry.kind:
            case EntryKind.STEPPED | EntryKind.SKIPPED if (entry.round, entry.step) >= position:
                position, since = (entry.round, entry.step + 1), entry.time
                not_before = not_before if not_before and not_before > entry.time else None
            case EntryKind.HELD if (entry.round, entry.step) == position:
                not_before = max(filter(None, (not_before, entry.until)), default=None)
            case EntryKind.SNOOZED:
                not_before = entry.until
            case EntryKind.ACKNOWLEDGED if state is not ChainState.STOPPED:
                state, until, by = ChainState.ACKNOWLEDGED, entry.until, entry.by
            case EntryKind.EXPIRED if state is ChainState.ACKNOWLEDGED and entry.until == until:
                state, until, by = ChainState.RUNNING, None, ""
                position, since, not_before = (position[0] + 1, 0), entry.time, None
                last = position[0] + plan.rounds - 1
            case EntryKind.HANDED_OVER if state is not ChainState.STOPPED:
                state, until, by = ChainState.RUNNING, None, ""
                position, since, not_before = (position[0] + 1, 0), entry.time, None
                last = position[0] + plan.rounds - 1
            case EntryKind.ENDED if state is ChainState.RUNNING:
                state = ChainState.ENDED
            case EntryKind.STOPPED:
                state = ChainState.STOPPED
            case _:
                pass
        if position[1] >= len(plan.steps):
            position = (position[0] + 1, 0)
    if state is ChainState.RUNNING and position[0] > last:
        state = ChainState.ENDED
    due: dt.datetime | None = None
    if state is ChainState.RUNNING:
        step = plan.steps[position[1]]
        due = since + step.wait if step.kind is StepKind.WAIT else since
        due = max(due, not_before) if not_before else due
    elif state is ChainState.ACKNOWLEDGED:
        due = until
    return Standing(
        state=state,
        round=position[0],
        step=position[1],
        since=since,
        last_round=last,
        due_time=due,
        until=until if state is ChainState.ACKNOWLEDGED else not_before,
        by=by,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Messages that a step sends."""

    round: int
    step: int  # -1: a hand-over, of no step
    targets: tuple[str, ...]
    webhook: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a chain must know of the world, at the moment at which it is asked."""

    reach: Callable[[Recipient], tuple[str, ...]]  # The targets that reach somebody now; empty: nobody does.
    starts: Callable[[dt.timedelta], int] = lambda _: 0  # How often this chain was started in that time, this one too.


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What falls due: lines for the log, and messages."""

    entries: tuple[Entry, ...]
    pages: tuple[Page, ...]
    standing: Standing


def advance(plan: Plan, log: Sequence[Entry], around: Surroundings, *, now: dt.datetime) -> Advance | None:
    """Take every step that is due by `now`; None while it was never started."""
    entries: list[Entry] = []
    pages: list[Page] = []
    standing = stand(plan, log)
    while standing and standing.due_time is not None and standing.due_time <= now:
        entry, page = _take(plan, standing, around, now)
        entries.append(entry)
        if page:
            pages.append(page)
        standing = stand(plan, [*log, *entries])
    return Advance(entries=tuple(entries), pages=tuple(pages), standing=standing) if standing else None


def _take(plan: Plan, standing: Standing, around: Surroundings, now: dt.datetime) -> tuple[Entry, Page | None]:
    if standing.state is ChainState.ACKNOWLEDGED:
        until = standing.until
        key = f"expired/{until.isoformat() if until else ''}"
        return Entry(
            key=key, kind=EntryKind.EXPIRED, time=now, until=until, reason="nobody did more than take it"
        ), None
    step, at = plan.steps[standing.step], (standing.round, standing.step)

    def entry(kind: EntryKind, reason: str, *, until: dt.datetime | None = None, suffix: str = "") -> Entry:
        return Entry(
            key=f"step/{at[0]}/{at[1]}{suffix}",
            kind=kind,
            time=now,
            round=at[0],
            step=at[1],
            reason=reason,
            until=until,
            recipient=step.recipient,
        )

    match step.kind:
        case StepKind.WAIT:
            return entry(EntryKind.STEPPED, f"waited {step.wait}"), None
        case StepKind.UNACKNOWLEDGED:
            return entry(EntryKind.STEPPED, "nobody has acknowledged"), None
        case StepKind.WITHIN_HOURS:
            opens = step.hours.opens(now) if step.hours else now
            if opens <= now:
                return entry(EntryKind.STEPPED, "within hours"), None
            return entry(EntryKind.HELD, "outside hours", until=opens, suffix=f"/held/{opens.isoformat()}"), None
        case StepKind.MORE_THAN:
            times = around.starts(step.within)
            said = f"started {times} times in {step.within}"
            if times > step.count:
                return entry(EntryKind.STEPPED, said), None
            return entry(EntryKind.ENDED, f"{said}, not more than {step.count}"), None
        case StepKind.NOTIFY | StepKind.WEBHOOK:
            targets = around.reach(step.recipient) if step.recipient else ()
            if not targets:
                return entry(EntryKind.SKIPPED, "nobody can be reached"), None
            page = Page(round=at[0], step=at[1], targets=targets, webhook=step.kind is StepKind.WEBHOOK)
            return entry(EntryKind.STEPPED, "sent to " + ", ".join(targets)), page


def acknowledged(log: Iterable[Entry], plan: Plan, *, by: str, now: dt.datetime, key: str) -> Entry | None:
    """Note that somebody took it; None where somebody has already, or nothing is left to take."""
    standing = stand(plan, log)
    if standing is None or standing.state in (ChainState.ACKNOWLEDGED, ChainState.STOPPED):
        return None
    until = now + plan.expires if plan.expires else None
    return Entry(key=f"acknowledged/{key}", kind=EntryKind.ACKNOWLEDGED, time=now, by=by, until=until)


class Flaw(StrEnum):
    """Why an open case with a chain has no future step."""

    OVERDUE = "overdue"  # A step fell due some time ago and was not taken.
    ENDED = "ended"  # All rounds are over and nobody has taken it.
    NO_STEP = "no_step"  # It should run, but nothing says when it goes on.


def audit(standing: Standing | None, *, now: dt.datetime, grace: dt.timedelta) -> Flaw | None:
    """Say why the chain of an open case has no future step; None: it has one, or somebody has taken the case."""
    if standing is None:
        return Flaw.NO_STEP
    if standing.state is ChainState.ENDED:
        return Flaw.ENDED
    if standing.due_time is not None:
        return Flaw.OVERDUE if standing.due_time < now - grace else None
    return Flaw.NO_STEP if standing.state is ChainState.RUNNING else None
