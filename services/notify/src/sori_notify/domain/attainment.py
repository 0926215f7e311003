"""How many promises were kept."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sori_notify.domain.case import Case
from sori_notify.domain.clock import ClockState, Metric
from sori_notify.domain.words import Channel

_SEOUL = ZoneInfo("Asia/Seoul")


@dataclass(frozen=True, slots=True, kw_only=True)
class Attainment:
    """Promises of one kind: how many were kept."""

    policy: str = ""
    metric: Metric | None = None
    channel: Channel | None = None
    team: str = ""
    week: str = ""
    attained: int = 0
    breached: int = 0
    running: int = 0
    cancelled: int = 0

    @property
    def percentage(self) -> float | None:
        """Give the share of the kept among the kept and broken, 0 to 100; None when there is none of either."""
        ended = self.attained + self.breached
        return 100 * self.attained / ended if ended else None


def total(given: Iterable[Attainment]) -> Attainment:
    """Add up."""
    given = list(given)
    return Attainment(
        attained=sum(each.attained for each in given),
        breached=sum(each.breached for each in given),
        running=sum(each.running for each in given),
        cancelled=sum(each.cancelled for each in given),
    )


def week_of(time: dt.datetime) -> str:
    """Name the ISO week of a moment in Korea, as in 2026-W47."""
    year, week, _ = time.astimezone(_SEOUL).isocalendar()
    return f"{year}-W{week:02}"


def attained(cases: Iterable[Case]) -> list[Attainment]:
    """Count the promises of cases by week, policy, metric, channel and team."""
    counts: Counter[tuple[str, str, Metric, Channel | None, str, ClockState]] = Counter()
    for case in cases:
        for clock in case.clocks:
            week = week_of(clock.start_time)
            counts[week, clock.policy, clock.metric, case.channel, case.team, clock.state] += 1
    keys = dict.fromkeys(key[:-1] for key in sorted(counts, key=lambda each: tuple(str(part) for part in each)))
    return [
        Attainment(
            week=key[0],
            policy=key[1],
            metric=key[2],
            channel=key[3],
            team=key[4],
            attained=counts[*key, ClockState.FULFILLED],
            breached=counts[*key, ClockState.BREACHED],
            running=counts[*key, ClockState.RUNNING] + counts[*key, ClockState.PAUSED],
            cancelled=counts[*key, ClockState.CANCELLED],
        )
        for key in keys
    ]
