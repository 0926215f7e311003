"""Which stage of the journey a touchpoint speaks of, and how a customer moves from stage to stage."""

import datetime as dt
import uuid
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Stage(StrEnum):
    """How far a customer has come."""

    AWARENESS = "awareness"
    CONSIDERATION = "consideration"
    PURCHASE = "purchase"
    RETENTION = "retention"
    ADVOCACY = "advocacy"


_STAGES: Mapping[str, Stage] = {
    "mention": Stage.AWARENESS,
    "visit": Stage.AWARENESS,
    "view": Stage.CONSIDERATION,
    "cart": Stage.CONSIDERATION,
    "signup": Stage.CONSIDERATION,
    "purchase": Stage.PURCHASE,
    "delivery": Stage.PURCHASE,
    "inquiry": Stage.RETENTION,
    "complaint": Stage.RETENTION,
    "reply": Stage.RETENTION,
    "resolution": Stage.RETENTION,
    "refund": Stage.RETENTION,
    "cancellation": Stage.RETENTION,
    "survey_response": Stage.RETENTION,
    "praise": Stage.ADVOCACY,
    "review": Stage.ADVOCACY,
    "referral": Stage.ADVOCACY,
}


_ANY, _EVER = uuid.UUID(int=0), dt.datetime.min.replace(tzinfo=dt.UTC)  # where a step's place does not matter


def stage_of(kind: str) -> Stage | None:
    """Say which stage a kind of touchpoint speaks of where no rules are given, or None when it speaks of none."""
    return _STAGES.get(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A touchpoint as far as journeys depend on it."""

    touchpoint_id: uuid.UUID
    time: dt.datetime
    channel: str
    kind: str
    own: bool = True  # the customer's doing, not staff's or a system's
    mood: float | None = None  # -1 (negative) to 1 (positive); None: the customer said nothing
    topics: tuple[str, ...] = ()
    org_unit: str = ""
    product: str = ""
    amount: float | None = None  # spent; negative where it was given back
    nps: float | None = None  # 0 to 10

    @property
    def order(self) -> tuple[dt.datetime, uuid.UUID]:
        """Give the place on the timeline."""
        return self.time, self.touchpoint_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """How many touchpoints of some kinds and channels must have come before; empty sets mean any."""

    kinds: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    at_least: int = 1
    at_most: int | None = None
    within: dt.timedelta | None = None  # None: ever

    def counts(self, step: Step) -> bool:
        """Say whether a touchpoint is one of those."""
        return (not self.kinds or step.kind in self.kinds) and (not self.channels or step.channel in self.channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRule:
    """What speaks of a stage; empty sets mean any."""

    name: str
    stage: Stage | None  # None: it speaks of no stage
    kinds: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    own: bool | None = None  # None: whoever's
    coming_from: frozenset[Stage] = frozenset()  # where the customer is by then
    history: tuple[Earlier, ...] = ()  # all must hold

    def fits(self, step: Step, current: Stage | None) -> bool:
        """Say whether a touchpoint is meant, but for its history."""
        return (
            (not self.kinds or step.kind in self.kinds)
            and (not self.channels or step.channel in self.channels)
            and (self.own is None or self.own is step.own)
            and (not self.coming_from or current in self.coming_from)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FallBack:
    """Where a customer is after a silence."""

    after: dt.timedelta  # since the customer's last own touchpoint, or since the stage was entered
    to: Stage | None  # None: left


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRules:
    """How touchpoints make a journey; the first rule that fits decides."""

    rules: tuple[StageRule, ...]
    fall_backs: Mapping[Stage, FallBack] = field(default_factory=dict)
    leaving: frozenset[str] = frozenset()  # kinds by which a customer leaves
    drop_off_kinds: frozenset[str] = frozenset()  # kinds that say that the touchpoint before was the last good one
    silent_after: dt.timedelta = dt.timedelta(days=14)  # without an own touchpoint, a customer has dropped off

    def alone(self, channel: str, kind: str, *, own: bool) -> Stage | None:
        """Say which stage a touchpoint speaks of as long as nothing is known of the time before it."""
        step = Step(touchpoint_id=_ANY, time=_EVER, channel=channel, kind=kind, own=own)
        for rule in self.rules:
            if rule.fits(step, None) and all(each.at_least == 0 for each in rule.history):
                return rule.stage
        return None


class Turn(StrEnum):
    """Why a customer came to a stage, or left it."""

    TOUCHPOINT = "touchpoint"
    SILENCE = "silence"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """The time that a customer spent in a stage."""

    stage: Stage
    entry_time: dt.datetime
    entry: Turn
    entered_by: uuid.UUID | None  # the touchpoint; None: silence
    rule: str  # empty: silence
    touchpoint_count: int
    exit_time: dt.datetime | None = None  # None: still there
    exit: Turn | None = None

    def dwell(self, now: dt.datetime) -> dt.timedelta:
        """Say how long it lasted, until now where it still does."""
        return (self.exit_time or max(now, self.entry_time)) - self.entry_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What a customer's touchpoints come to."""

    steps: tuple[Step, ...]  # by time
    stages: tuple[Stage | None, ...]  # one for each
    visits: tuple[Visit, ...]  # by time

    @property
    def current(self) -> Visit | None:
        """Give the stage where the customer is; None: nowhere yet, or left."""
        return self.visits[-1] if self.visits and self.visits[-1].exit_time is None else None


def fold(steps: Iterable[Step], rules: StageRules, *, now: dt.datetime) -> Course:
    """Tell a customer's journey from their touchpoints, in whatever order they are given; each counts once."""
    ordered = sorted({each.touchpoint_id: each for each in steps}.values(), key=lambda each: each.order)
    walk = _Walk(rules)
    stages = [walk.take(each) for each in ordered]
    walk.wait(now)
    return Course(steps=tuple(ordered), stages=tuple(stages), visits=tuple(walk.visits))


class _Walk:
    """Goes along a timeline, once."""

    def __init__(self, rules: StageRules) -> None:
        self._rules = rules
        self.visits: list[Visit] = []
        self._heard = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._seen: dict[Earlier, deque[dt.datetime]] = {each: deque() for rule in rules.rules for each in rule.history}

    @property
    def _current(self) -> Visit | None:
        return self.visits[-1] if self.visits and self.visits[-1].exit_time is None else None

    def take(self, step: Step) -> Stage | None:
        """Move by a touchpoint; gives the stage that it speaks of."""
        self.wait(step.time)
        if step.own:
            self._heard = step.time
        rule = self._rule(step)
        stage = rule.stage if rule else None
        here = self._current
        if rule is not None and stage is not None and (here is None or here.stage is not stage):
            self._close(step.time, Turn.TOUCHPOINT)
            self.visits.append(
                Visit(
                    stage=stage,
                    entry_time=step.time,
                    entry=Turn.TOUCHPOINT,
                    entered_by=step.touchpoint_id,
                    rule=rule.name,
                    touchpoint_count=1,
                )
            )
        elif here is not None:
            self.visits[-1] = replace(here, touchpoint_count=here.touchpoint_count + 1)
        if step.kind in self._rules.leaving:
            self._close(step.time, Turn.LEFT)
        for each, times in self._seen.items():
            if each.counts(step):
                times.append(step.time)
        return stage

    def wait(self, until: dt.datetime) -> None:
        """Fall back by silence, as often as there is time for it."""
        while (here := self._current) is not None:
            back = self._rules.fall_backs.get(here.stage)
            since = max(here.entry_time, self._heard)
            if back is None or until - since < back.after:
                return
            self._close(since + back.after, Turn.SILENCE)
            if back.to is not None:
                self.visits.append(
                    Visit(
                        stage=back.to,
                        entry_time=since + back.after,
                        entry=Turn.SILENCE,
                        entered_by=None,
                        rule="",
                        touchpoint_count=0,
                    )
                )

    def _close(self, time: dt.datetime, turn: Turn) -> None:
        if (here := self._current) is not None:
            self.visits[-1] = replace(here, exit_time=time, exit=turn)

    def _rule(self, step: Step) -> StageRule | None:
        current = self._current.stage if self._current else None
        for rule in self._rules.rules:
            if rule.fits(step, current) and all(self._holds(each, step.time) for each in rule.history):
                return rule
        return None

    def _holds(self, earlier: Earlier, time: dt.datetime) -> bool:
        times = self._seen[earlier]
        while earlier.within is not None and times and time - times[0] > earlier.within:
            times.popleft()
        return earlier.at_least <= len(times) and (earlier.at_most is None or len(times) <= earlier.at_most)


def moods(steps: Sequence[Step]) -> list[tuple[dt.datetime, float]]:
    """Give how the customer's own words felt, by time."""
    return [(each.time, each.mood) for each in steps if each.mood is not None]
