"""Escalation chains in a YAML file."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from sori_notify.domain.chains import Plan, Recipient, RecipientKind, Step, StepKind
from sori_notify.domain.clock import Metric
from sori_notify.domain.words import Channel, Severity
from sori_notify.settings import documents, places
from sori_notify.settings.hours import HoursOf
from sori_notify.settings.places import Document, Duration, Mistake, MistakesFound, Name, Strict
from sori_notify.settings.policies import duration

Turn = Literal["opened", "warned", "breached", "reopened"]
_OF_CLOCKS = {"warned", "breached"}


class _MoreThan(Strict):
    count: Annotated[int, Field(ge=0, le=1_000_000)]
    within: Duration


class _Notify(Strict):
    target: Name | None = None
    person: Name | None = None
    team: Name | None = None
    round_robin: Name | None = None
    schedule: Name | None = None

    def recipients(self) -> list[Recipient]:
        given = [(kind, getattr(self, kind.value)) for kind in RecipientKind]
        return [Recipient(kind=kind, name=name) for kind, name in given if name]


class _ContinueIf(Strict):
    unacknowledged: Literal[True] | None = None
    within_hours: HoursOf | None = None
    more_than: _MoreThan | None = None


class _Step(Strict):
    wait: Duration | None = None
    notify_: _Notify | None = Field(None, alias="notify")
    webhook: Name | None = None
    continue_if: _ContinueIf | None = None

    def read(self) -> list[Step]:
        found: list[Step] = []
        if self.wait:
            found.append(Step(kind=StepKind.WAIT, wait=duration(self.wait)))
        if self.notify_:
            found += [Step(kind=StepKind.NOTIFY, recipient=each) for each in self.notify_.recipients()[:1]]
        if self.webhook:
            recipient = Recipient(kind=RecipientKind.TARGET, name=self.webhook)
            found.append(Step(kind=StepKind.WEBHOOK, recipient=recipient))
        if condition := self.continue_if:
            if condition.unacknowledged:
                found.append(Step(kind=StepKind.UNACKNOWLEDGED))
            if condition.within_hours:
                found.append(Step(kind=StepKind.WITHIN_HOURS, hours=condition.within_hours.read()))
            if condition.more_than:
                more = condition.more_than
                found.append(Step(kind=StepKind.MORE_THAN, count=more.count, within=duration(more.within)))
        return found


class _StartOn(Strict):
    turns: Annotated[list[Turn], Field(min_length=1)]
    metrics: list[Metric] = [Metric.FIRST_RESPONSE]
    percent: Annotated[int, Field(ge=1, le=99)] | None = None
    policies: list[str] = []
    channels: list[Channel] = []
    org_units: list[str] = []
    severities: list[Severity] = []
    topics: list[str] = []


class _Chain(Strict):
    name: Name
    start_on: _StartOn | None = None
    steps: Annotated[list[_Step], Field(min_length=1, max_length=100)]
    repeat: Annotated[int, Field(ge=1, le=100)] = 1
    acknowledgement_expires: Duration | None = None


class _File(Strict):
    chains: list[_Chain] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Which turns of which cases, or of their clocks, start a chain; an empty set matches all."""

    turns: frozenset[str]
    metrics: frozenset[Metric] = frozenset()
    percent: int = 0  # A warning of less starts nothing.
    policies: frozenset[str] = frozenset()
    channels: frozenset[Channel] = frozenset()
    org_units: frozenset[str] = frozenset()
    severities: frozenset[Severity] = frozenset()
    topics: frozenset[str] = frozenset()

    def matches_clock(self, metric: Metric, *, policy: str, percent: int) -> bool:
        """Say whether such a clock may; `percent` of its time are used up."""
        return (
            (not self.metrics or metric in self.metrics)
            and (not self.policies or policy in self.policies)
            and percent >= self.percent
        )

    def matches(
        self, turn: str, *, channel: Channel | None, org_unit: str, severity: Severity, topics: Collection[str]
    ) -> bool:
        """Say whether a turn of such a case starts it."""
        return (
            turn in self.turns
            and (not self.channels or channel in self.channels)
            and (not self.org_units or org_unit in self.org_units)
            and (not self.severities or severity in self.severities)
            and (not self.topics or not self.topics.isdisjoint(topics))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chains:
    """The chains in force."""

    plans: Mapping[str, Plan] = field(default_factory=dict)
    starts: Mapping[str, Start] = field(default_factory=dict)


def load(path: Path) -> Chains:
    """Read a file of chains; one that is wrong anywhere is refused, with each line and column that is wrong."""
    return parse(path.name, documents.read(path))


def parse(name: str, text: str) -> Chains:
    """Read chains, as `load` does."""
    file, document = places.parse(name, text, _File)
    if mistakes := list(_wrong(file, document)):
        raise MistakesFound(name, mistakes)
    return Chains(
        plans={
            each.name: Plan(
                name=each.name,
                steps=tuple(step for given in each.steps for step in given.read()),
                rounds=each.repeat,
                expires=duration(each.acknowledgement_expires) if each.acknowledgement_expires else None,
            )
            for each in file.chains
        },
        starts={
            each.name: Start(
                turns=frozenset(each.start_on.turns),
                metrics=frozenset(each.start_on.metrics),
                percent=each.start_on.percent or 0,
                policies=frozenset(each.start_on.policies),
                channels=frozenset(each.start_on.channels),
                org_units=frozenset(each.start_on.org_units),
                severities=frozenset(each.start_on.severities),
                topics=frozenset(each.start_on.topics),
            )
            for each in file.chains
            if each.start_on
        },
    )


def _wrong(file: _File, document: Document) -> Iterator[Mistake]:
    seen: set[str] = set()
    for index, chain in enumerate(file.chains):
        if chain.name in seen:
            yield document.mistake(("chains", index, "name"), "is the name of an earlier chain")
        seen.add(chain.name)
        if chain.start_on:
            yield from _never(chain.start_on, document, ("chains", index, "start_on"))
        for number, step in enumerate(chain.steps):
            where = ("chains", index, "steps", number)
            if len(step.model_fields_set) != 1:
                yield document.mistake(where, "is one of wait, notify, webhook, continue_if")
            if step.notify_ and len(step.notify_.recipients()) != 1:
                yield document.mistake((*where, "notify"), "names one of target, person, team, round_robin, schedule")
            if step.continue_if and len(step.continue_if.model_fields_set) != 1:
                yield document.mistake((*where, "continue_if"), "has one of unacknowledged, within_hours, more_than")
        steps = [step for given in chain.steps for step in given.read()]
        if not any(each.kind in (StepKind.NOTIFY, StepKind.WEBHOOK) for each in steps):
            yield document.mistake(("chains", index, "steps"), "tells nobody")
        if chain.repeat > 1 and not any(each.kind is StepKind.WAIT for each in steps):
            yield document.mistake(("chains", index, "repeat"), "repeats at once: no step waits")


def _never(start: _StartOn, document: Document, where: tuple[str | int, ...]) -> Iterator[Mistake]:
    """Find what has no meaning for the turns that are named."""
    turns = set(start.turns)
    for name, meant in (("metrics", _OF_CLOCKS), ("policies", _OF_CLOCKS), ("percent", {"warned"})):
        if name in start.model_fields_set and not turns & meant:
            yield document.mistake((*where, name), f"is of {' or '.join(sorted(meant))}, which `turns` does not name")
