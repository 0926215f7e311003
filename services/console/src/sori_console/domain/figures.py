"""Scorecards as a table with trends."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sori_console.domain import times

ABSENT = "–"
_TREND_WEEKS = 12
WIDTH, HEIGHT, _MARGIN = 96, 36, 3  # of a trend, in its own units


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Figures of one shop or team in one week; what nobody answered is None."""

    org_unit: str
    week: str  # As in `2026-W47`.
    negative_count: int = 0
    neutral_count: int = 0
    positive_count: int = 0
    nps_count: int = 0
    nps: float | None = None  # -100 to 100
    csat_count: int = 0
    csat: float | None = None  # 0 to 1
    first_response_count: int = 0
    first_response_attainment: float | None = None  # 0 to 1
    enps: float | None = None  # -100 to 100

    @property
    def text_count(self) -> int:
        """Count the customers' texts that have a mood."""
        return self.negative_count + self.neutral_count + self.positive_count

    @property
    def negative_share(self) -> float | None:
        """Give the share of negative texts, 0 to 1, or None when there are no texts."""
        return self.negative_count / self.text_count if self.text_count else None


@dataclass(frozen=True, slots=True)
class Shares:
    """Moods in whole percents that add up to 100."""

    negative: int
    neutral: int
    positive: int


def shares(card: Scorecard) -> Shares | None:
    """Split 100 percent among the moods, largest remainders first, or None when there are no texts."""
    if not card.text_count:
        return None
    counts = (card.negative_count, card.neutral_count, card.positive_count)
    whole = [count * 100 // card.text_count for count in counts]
    by_remainder = sorted(range(3), key=lambda index: -(counts[index] * 100 % card.text_count))
    for index in by_remainder[: 100 - sum(whole)]:
        whole[index] += 1
    return Shares(*whole)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line with gaps where there is no value."""

    lines: tuple[str, ...]  # SVG points
    dots: tuple[tuple[float, float], ...]  # Values that stand alone, and the last.
    first: float | None
    last: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Customers' mood against employees' over the weeks."""

    weeks: int
    negative: Curve
    enps: Curve


@dataclass(frozen=True, slots=True)
class Row:
    """One shop or team."""

    card: Scorecard
    complete: bool  # Whether its week is over.
    shares: Shares | None
    trend: Trend | None  # None before there are two complete weeks.


def rows(cards: Sequence[Scorecard], *, now: dt.datetime, zone: ZoneInfo) -> tuple[Row, ...]:
    """Make the table: a row per shop or team with its latest complete week, or the running one if that is all."""
    units: dict[str, list[Scorecard]] = defaultdict(list)
    for card in cards:
        units[card.org_unit].append(card)
    done = {card.week for card in cards if times.is_complete(card.week, now=now, zone=zone)}
    weeks = _axis(done)
    complete = [card for card in cards if card.week in weeks]
    most_negative = max((card.negative_share or 0 for card in complete), default=0)
    scores = [0.0, *(card.enps for card in complete if card.enps is not None)]
    lowest, highest = min(scores) - 5, max(scores) + 5

    def row(unit: str) -> Row:
        over = [card for card in units[unit] if card.week in done]
        card = max(over or units[unit], key=lambda each: each.week)
        return Row(card, bool(over), shares(card), trend(over))

    def trend(over: Iterable[Scorecard]) -> Trend | None:
        if len(weeks) < 2:
            return None
        by_week = {card.week: card for card in over}
        found = [by_week.get(week) for week in weeks]
        return Trend(
            len(weeks),
            curve([each.negative_share if each else None for each in found], low=0, high=most_negative or 1),
            curve([each.enps if each else None for each in found], low=lowest, high=highest),
        )

    # Teams that no touchpoint names come last.
    return tuple(row(unit) for unit in sorted(units, key=lambda each: (not each, each)))


def _axis(weeks: set[str]) -> list[str]:
    """Give every week from the first to the last known, the latest dozen, so that a missing one is seen as a gap."""
    mondays = sorted(filter(None, map(times.week_start, weeks)))
    if not mondays:
        return []
    count = (mondays[-1] - mondays[0]).days // 7 + 1
    calendars = [(mondays[-1] - dt.timedelta(weeks=back)).isocalendar() for back in range(min(count, _TREND_WEEKS))]
    return [f"{each.year}-W{each.week:02}" for each in reversed(calendars)]


def curve(values: Sequence[float | None], *, low: float, high: float) -> Curve:
    """Place values between `low` and `high`, one per week from left to right."""
    step = (WIDTH - 2 * _MARGIN) / max(1, len(values) - 1)
    tall = (HEIGHT - 2 * _MARGIN) / (high - low)
    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            height = min(max(value, low), high) - low
            runs[-1].append((round(_MARGIN + index * step, 1), round(HEIGHT - _MARGIN - height * tall, 1)))
    runs = [run for run in runs if run]
    known = [value for value in values if value is not None]
    dots = dict.fromkeys(run[0] for run in runs if len(run) == 1)
    if runs:
        dots[runs[-1][-1]] = None
    return Curve(
        tuple(" ".join(f"{x:g},{y:g}" for x, y in run) for run in runs if len(run) > 1),
        tuple(dots),
        known[0] if known else None,
        known[-1] if known else None,
    )


def signed(value: float | None) -> str:
    """Write a score from -100 to 100 with its sign, or a dash when there is none."""
    if value is None:
        return ABSENT
    whole = round(value)
    return f"+{whole}" if whole > 0 else f"−{-whole}" if whole < 0 else "0"


def percent(value: float | None) -> str:
    """Write a share, 0 to 1, as a percentage, or a dash when there is none."""
    return ABSENT if value is None else f"{round(value * 100)}%"


@dataclass(frozen=True, slots=True)
class Tally:
    """How much there is; `breached` is None for a viewer who may not know, or while notify is away."""

    touchpoints: int
    voices: int
    cases: int
    alerts: int
    breached: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingCase:
    """A case that nobody has taken."""

    case: str  # The first signs of its id.
    org_unit: str
    channel: str
    from_staff: bool
    topics: tuple[str, ...]
    opened_time: dt.datetime
    due_time: dt.datetime | None

    def overdue(self, now: dt.datetime) -> bool:
        """Say whether the promised time has passed."""
        return self.due_time is not None and self.due_time < now


@dataclass(frozen=True, slots=True)
class Waiting:
    """The cases that wait: the most pressing, and how many there are besides."""

    shown: tuple[WaitingCase, ...]
    more: int
    at_least: bool  # Whether there are still others, not counted.


def pressing(cases: Sequence[WaitingCase], *, most: int, at_least: bool) -> Waiting:
    """Put the case that is due first first; without a promise the oldest comes after those with one."""
    never = dt.datetime.max.replace(tzinfo=dt.UTC)
    ordered = sorted(cases, key=lambda each: (each.due_time or never, each.opened_time))
    return Waiting(tuple(ordered[:most]), max(0, len(ordered) - most), at_least)


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything beside the feed; `waiting` is None while notify is away."""

    tally: Tally
    rows: tuple[Row, ...]
    waiting: Waiting | None
