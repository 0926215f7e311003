"""What the words say, second by second: no interval, no arithmetic on clocks, nothing shared with the service's code.

Everything is counted in whole seconds since 1970. A second s counts when the clock on the wall at s stands within the
hours of its local date. Slow on purpose.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

Hours = Sequence[tuple[int, int]]


@dataclass
class Wall:
    """A calendar as a house would hang it up."""

    zone: str
    weekly: Sequence[Hours]
    exceptions: Mapping[dt.date, Hours] = field(default_factory=dict)
    holidays: frozenset[dt.date] = frozenset()
    holiday_hours: Hours = ()

    def works_at(self, second: int) -> bool:
        """Look at the clock on the wall."""
        wall = dt.datetime.fromtimestamp(second, ZoneInfo(self.zone))
        of_day = wall.hour * 3600 + wall.minute * 60 + wall.second
        if wall.date() in self.exceptions:
            hours = self.exceptions[wall.date()]
        elif wall.date() in self.holidays:
            hours = self.holiday_hours
        else:
            hours = self.weekly[wall.weekday()]
        return any(opens <= of_day < closes for opens, closes in hours)


@dataclass
class Watch:
    """A promise watched by somebody who never looks away."""

    target: int
    wall: Wall | None  # None: every second counts.
    warn_at: Sequence[int] = ()
    used: int = 0
    due: int | None = None
    breach: int | None = None
    warned: dict[int, int] = field(default_factory=dict)
    edge: int | None = None  # When a share was reached, to be told at the next second that is lived through.

    def begin(self) -> None:
        """Run again: what was reached while standing still is told from now on."""
        self.due = self.edge = None

    def live(self, second: int) -> None:
        """Let one second go by while the clock runs; everything that happens at this second has happened before."""
        if self.used >= self.target and self.breach is None:
            self.breach = second if self.due is None else self.due
        self.look(second)
        if self.wall is None or self.wall.works_at(second):
            self.used += 1
            if self.used == self.target:
                self.due = second + 1
            if any(self.used * 100 >= self.target * each and each not in self.warned for each in self.warn_at):
                self.edge = second + 1

    def look(self, second: int) -> None:
        """Tell which shares have been reached by this second, itself among them, while the clock runs."""
        for percent in self.warn_at:
            if percent not in self.warned and self.used * 100 >= self.target * percent:
                self.warned[percent] = self.edge if self.edge is not None else second
        self.edge = None


@dataclass
class Event:
    """Something that happened in a thread, in the order in which it counts within its second."""

    second: int
    what: str  # ask, reply, pending, hold, resume, resolve, reopen


@dataclass
class Outcome:
    """What became of a clock."""

    metric: str
    instance: int
    started: int
    watch: Watch
    running: bool = True
    ended: str = ""  # fulfilled or cancelled
    ended_at: int | None = None

    def again(self) -> None:
        """Go on after the end."""
        self.ended, self.ended_at, self.running = "", None, True
        self.watch.begin()

    @property
    def state(self) -> str:
        """Say it in the service's words."""
        if self.watch.breach is not None:
            return "breached"
        return self.ended or ("running" if self.running else "paused")


def simulate(events: Sequence[Event], targets: Mapping[str, Watch], *, now: int, reopens: bool = True) -> list[Outcome]:
    """Live through a case from its first question to `now`; a clock for each metric of which there is a target."""
    happenings: dict[int, list[str]] = {}
    for event in events:
        happenings.setdefault(event.second, []).append(event.what)
    outcomes: list[Outcome] = []
    state, waiting, answered, nexts = "", False, False, 0

    def clock(metric: str, second: int, instance: int = 1) -> None:
        if metric in targets:
            kind = targets[metric]
            made = Outcome(metric, instance, second, Watch(kind.target, kind.wall, kind.warn_at))
            made.running = state not in ("pending", "hold")
            outcomes.append(made)

    def end(metric: str, how: str, second: int) -> None:
        for each in outcomes:
            if each.metric == metric and not each.ended:
                each.ended, each.ended_at, each.running = how, second, False

    def run_on(metric: str) -> None:
        for each in outcomes:
            if each.metric == metric:
                each.again()

    first = min((each.second for each in events if each.what == "ask"), default=None)
    if first is None:
        return []
    for second in range(first, now + 1):
        for what in happenings.get(second, ()):
            if what == "ask" and state == "":
                state, waiting = "open", True
                for metric in ("first_response", "first_resolution", "total_resolution"):
                    clock(metric, second)
            elif what == "ask":
                if state == "pending":
                    state = "open"
                if state == "resolved" and reopens:
                    state = "open"
                    run_on("total_resolution")
                if not waiting:
                    waiting, nexts = True, nexts + 1
                    clock("next_response", second, nexts)
            elif state == "":
                continue
            elif what == "reply":
                waiting, answered = False, True
                end("first_response", "fulfilled", second)
                end("next_response", "fulfilled", second)
            elif what in ("pending", "hold") and state != "resolved":
                state = what
            elif what == "resume" and state in ("pending", "hold"):
                state = "open"
            elif what == "resolve" and state != "resolved":
                state, waiting = "resolved", False
                end("first_response", "cancelled", second)
                end("next_response", "cancelled", second)
                end("first_resolution", "fulfilled", second)
                end("total_resolution", "fulfilled", second)
            elif what == "reopen" and state == "resolved":
                state, waiting = "open", not answered
                run_on("total_resolution")
                if not answered:
                    run_on("first_response")
            for each in outcomes:
                if not each.ended and each.running is (state in ("pending", "hold")):
                    each.running = not each.running
                    each.watch.begin()
        for each in outcomes:
            if each.running and not each.ended:
                each.watch.live(second) if second < now else each.watch.look(second)
    return outcomes
