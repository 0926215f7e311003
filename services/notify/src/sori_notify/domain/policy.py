"""What is promised, and to whom."""

import datetime as dt
import functools
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sori_notify.domain.calendar import ALWAYS, Calendar
from sori_notify.domain.clock import Metric, Target, Waiting
from sori_notify.domain.words import SEVERITIES, Actor, Channel, Kind, Severity

REOPEN_WITHIN = dt.timedelta(days=7)  # Where no policy says otherwise.


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What one policy promises, frozen as it was when it was given."""

    policy: str
    targets: tuple[Target, ...]  # at most one for each metric
    reopen_within: dt.timedelta = REOPEN_WITHIN
    version: str = field(init=False)  # Of its content, calendars included.
    _by_metric: dict[Metric, Target] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_metric", {each.metric: each for each in reversed(self.targets)})
        object.__setattr__(self, "version", hashlib.sha256(json.dumps(self.content()).encode()).hexdigest()[:16])

    def target(self, metric: Metric) -> Target | None:
        """Give the target of a metric, if any."""
        return self._by_metric.get(metric)

    @property
    def calendars(self) -> dict[str, Calendar]:
        """Give the calendars that its targets count by, by version."""
        return {each.calendar.version: each.calendar for each in self.targets}

    def content(self) -> dict[str, object]:
        """Spell everything that decides, in one order, as JSON can hold it; calendars by their version."""
        return {
            "policy": self.policy,
            "reopen_within": self.reopen_within.total_seconds(),
            "targets": [
                {
                    "metric": each.metric.value,
                    "seconds": each.amount.total_seconds(),
                    "calendar": each.calendar.version,
                    "warn_at": list(each.warn_at),
                    "pauses": sorted(each.pauses),
                }
                for each in self.targets
            ],
        }

    @classmethod
    def of_content(cls, content: Mapping[str, object], calendars: Mapping[str, Calendar]) -> "Promise":
        """Read what `content` spelt."""
        targets, reopen = content["targets"], content["reopen_within"]
        assert isinstance(targets, list)
        assert isinstance(reopen, (int, float))
        return cls(
            policy=str(content["policy"]),
            targets=tuple(
                Target(
                    metric=Metric(each["metric"]),
                    amount=dt.timedelta(seconds=each["seconds"]),
                    calendar=calendars[each["calendar"]],
                    warn_at=tuple(each["warn_at"]),
                    pauses=frozenset(map(Waiting, each["pauses"])),
                )
                for each in targets
            ),
            reopen_within=dt.timedelta(seconds=reopen),
        )


@functools.lru_cache(maxsize=256)
def first_response(policy: str, amount: dt.timedelta) -> Promise:
    """Promise a first response round the clock and nothing else."""
    return Promise(policy=policy, targets=(Target(metric=Metric.FIRST_RESPONSE, amount=amount, calendar=ALWAYS),))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a policy looks at: the message that opens a case, without its words."""

    channel: Channel | None  # None: one that this version does not know.
    kind: Kind
    org_unit: str = ""
    topics: Collection[str] = ()
    segments: Collection[str] = ()
    severity: Severity = Severity.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A promise and whom it is made to; an empty set matches all."""

    promise: Promise
    channels: frozenset[Channel] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    org_units: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    severities: frozenset[Severity] = frozenset()

    def matches(self, subject: Subject) -> bool:
        """Say whether every condition that is set holds; one common topic, or segment, is enough."""
        return (
            (not self.channels or subject.channel in self.channels)
            and (not self.kinds or subject.kind in self.kinds)
            and (not self.org_units or subject.org_unit in self.org_units)
            and (not self.topics or not self.topics.isdisjoint(subject.topics))
            and (not self.segments or not self.segments.isdisjoint(subject.segments))
            and (not self.severities or subject.severity in self.severities)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgencies:
    """From which urgency on, 0 to 1, a matter is how severe."""

    high: float = 0.7
    critical: float = 0.9

    def severity(self, urgency: float) -> Severity:
        """Say how severe a matter of this urgency is."""
        if urgency >= self.critical:
            return Severity.CRITICAL
        return Severity.HIGH if urgency >= self.high else Severity.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """What a house does about a topic; Markdown."""

    name: str
    topics: frozenset[str]  # empty: any
    severities: frozenset[Severity]  # empty: any
    text: str
    steps: tuple[str, ...]  # the items of its lists, in order

    def suits(self, topics: Collection[str], severity: Severity) -> int:
        """Say how well it suits a case: 0 not at all, and more the more of its conditions are met."""
        if (self.topics and self.topics.isdisjoint(topics)) or (self.severities and severity not in self.severities):
            return 0
        return 1 + 2 * bool(self.topics) + bool(self.severities)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Which messages open a case, and what is promised for it; the first policy that matches holds."""

    opening_kinds: frozenset[Kind]
    policies: tuple[Policy, ...]
    urgencies: Urgencies = field(default_factory=Urgencies)
    playbooks: tuple[Playbook, ...] = ()

    def opens(self, actor: Actor, kind: Kind) -> bool:
        """Say whether such a message opens a case."""
        return actor is Actor.CUSTOMER and kind in self.opening_kinds

    def promise(self, subject: Subject) -> Promise | None:
        """Give what is promised for a message, or None when nothing is."""
        return next((each.promise for each in self.policies if each.matches(subject)), None)

    def playbook(self, topics: Collection[str], severity: Severity) -> Playbook | None:
        """Give the playbook that suits a case best; the first of those that suit equally."""
        best = max(self.playbooks, key=lambda each: each.suits(topics, severity), default=None)
        return best if best and best.suits(topics, severity) else None


def severity_of(text: str) -> Severity | None:
    """Read how others spell a severity or a priority: `urgent`, `P1`, `low`; None when it cannot be told."""
    return SEVERITIES.get(text.strip().lower())
