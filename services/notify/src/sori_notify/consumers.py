"""The event edge of notify: what arrives, and what time brings."""

import asyncio
import datetime as dt
import random
from collections.abc import Awaitable, Callable

import structlog

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.ee_feedback.v1.voice_events_pb2 import VoiceFlagged
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1.case_events_pb2 import CaseOpened, CaseReopened, ClockBreached, ClockWarned
from sori_kit.bus import Batch
from sori_kit.clock import Clock
from sori_kit.database import Database
from sori_kit.errors import Unavailable
from sori_notify import usecases
from sori_notify.deliveries import Outbound, SignedWebhook
from sori_notify.domain.agenda import Agenda, Entry
from sori_notify.settings import Settings
from sori_notify.settings.automation import Automations
from sori_notify.settings.places import Reloading
from sori_notify.usecases import automation
from sori_notify.usecases.alerting import Alerting
from sori_notify.usecases.chains import audit_chains, move_chains, start_on_clock, start_on_turn
from sori_notify.usecases.deliver import Pace, send_to, targets_waiting
from sori_notify.usecases.rules import drop_old_facts

log = structlog.get_logger()

_SHORTEST_PAUSE = 0.001  # seconds
_SIDE_BY_SIDE = 4  # transactions that fire deadlines: one is worked on while the database works on the others
_MOST_AT_ONCE = 4 * _SIDE_BY_SIDE * usecases.MOST_FIRED  # deadlines taken off the agenda together


class Consumers:
    """Hands events to use cases."""

    def __init__(
        self, db: Database, clock: Clock, alerting: Alerting, automations: Reloading[Automations], settings: Settings
    ) -> None:
        self._db = db
        self._clock = clock
        self._alerting = alerting
        self._automations = automations
        self._settle = dt.timedelta(seconds=settings.settle_seconds)

    async def follow(self, batch: Batch[TouchpointStitched]) -> None:
        """Take touchpoints into cases, and ask the rules about them."""
        await usecases.take(self._db, batch, self._alerting.house(), self._automations.current, now=self._clock.now())

    async def raise_flag(self, batch: Batch[VoiceFlagged]) -> None:
        """Open cases for flagged voices."""
        await usecases.raise_flag(self._db, batch, now=self._clock.now())

    async def merge(self, batch: Batch[CustomerMerged]) -> None:
        """Let cases belong to the customers that remain."""
        await usecases.merge(self._db, batch, settle=self._settle, now=self._clock.now())

    async def split(self, batch: Batch[CustomerSplit]) -> None:
        """Let touchpoints belong to a customer who is somebody else after all."""
        await usecases.split(self._db, batch, settle=self._settle, now=self._clock.now())

    async def correct(self, batch: Batch[ClassificationCorrected]) -> None:
        """Show cases under the topics that people say their messages have."""
        await usecases.correct(self._db, batch, settle=self._settle, now=self._clock.now())

    async def forget(self, batch: Batch[CustomerErased]) -> None:
        """Forget customers who were erased."""
        await usecases.forget(self._db, batch)


def _lanes(due: list[Entry]) -> list[list[Entry]]:
    """Part deadlines so that no two transactions want the same lock: its number is taken from these bits, too."""
    if len(due) <= usecases.MOST_FIRED // 2:
        return [due] if due else []
    lanes: list[list[Entry]] = [[] for _ in range(_SIDE_BY_SIDE)]
    for each in due:
        lanes[each.case_id.int % _SIDE_BY_SIDE].append(each)
    return [each for each in lanes if each]


class Timers:
    """Hands the passing of time to use cases; any number of replicas may do so side by side."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings

    async def watch_deadlines(self) -> None:
        """Fire deadlines at their time until cancelled, from what this replica leased; the lease is the net, too."""
        agenda, settings = Agenda(), self._settings
        horizon = dt.timedelta(seconds=settings.lease_seconds)
        grace = dt.timedelta(seconds=settings.grace_seconds)
        loop = asyncio.get_running_loop()
        look = loop.time()
        while True:
            try:
                if loop.time() >= look:
                    leased = await usecases.lease_deadlines(
                        self._db, now=self._clock.now(), horizon=horizon, grace=grace
                    )
                    agenda.add(leased)
                    look = loop.time() + (0 if len(leased) == usecases.MOST_LEASED else settings.sweep_seconds)
                while await self._fire(agenda) and loop.time() < look:
                    pass
            except Unavailable as away:
                log.warning("timer.waiting", reason=str(away))
                look = loop.time() + settings.sweep_seconds
                await asyncio.sleep(settings.sweep_seconds)
            await asyncio.sleep(self._pause(agenda, look - loop.time()))

    async def _fire(self, agenda: Agenda) -> bool:
        """Fire what is due, in a few lanes side by side; says whether all that was taken off is dealt with."""
        lanes = _lanes(agenda.due(self._clock.now(), most=_MOST_AT_ONCE))
        if not lanes:
            return False
        outcomes = await asyncio.gather(*(self._fire_in_turn(each) for each in lanes), return_exceptions=True)
        left = [entry for lane in lanes for entry in lane]
        agenda.add(left)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        return not left

    async def _fire_in_turn(self, lane: list[Entry]) -> None:
        """Fire a transaction's worth after the other; what is to be tried again stays in the lane."""
        again: list[Entry] = []
        try:
            while lane:
                again += await usecases.fire_deadlines(self._db, lane[: usecases.MOST_FIRED], now=self._clock.now())
                del lane[: usecases.MOST_FIRED]
        finally:
            lane += again

    def _pause(self, agenda: Agenda, until_look: float) -> float:
        soonest = agenda.next_time
        until_due = (soonest - self._clock.now()).total_seconds() if soonest else until_look
        return max(_SHORTEST_PAUSE, min(until_look, until_due))

    async def deliver_alerts(self, webhook: SignedWebhook) -> None:
        """Deliver alerts until cancelled."""
        settings = self._settings
        await self._repeat(
            lambda: usecases.deliver_alerts(
                self._db,
                webhook,
                self._clock,
                at_once=settings.webhook_at_once,
                lease=dt.timedelta(seconds=settings.webhook_seconds * 2 + 10),  # Connecting and waiting, and some.
                first_retry=dt.timedelta(seconds=settings.retry_seconds),
                attempts=settings.attempts,
                draw=random.random,
            )
        )

    async def _repeat(self, once: Callable[[], Awaitable[bool]]) -> None:
        """Do it again at once while more may be waiting, and otherwise soon; a lost database is waited for."""
        while True:
            try:
                more = await once()
            except Unavailable as away:
                log.warning("timer.waiting", reason=str(away))
                more = False
            if not more:
                await asyncio.sleep(self._settings.sweep_seconds)

    async def move_chains(self, alerting: Alerting) -> None:
        """Move chains on until cancelled."""
        await self._repeat(
            lambda: move_chains(self._db, alerting.house().people, alerting.links, now=self._clock.now())
        )

    async def send_deliveries(self, alerting: Alerting, outbound: Outbound) -> None:
        """Send messages until cancelled; a target that is slow keeps no other waiting."""
        settings = self._settings
        pace = Pace(
            at_once=settings.webhook_at_once,
            lease=dt.timedelta(seconds=settings.webhook_seconds * 2 + 10),  # Connecting and waiting, and some.
            first_retry=dt.timedelta(seconds=settings.retry_seconds),
            attempts=settings.attempts,
            draw=random.random,
        )
        under_way: set[str] = set()

        async def send_all(name: str) -> None:
            try:
                directory = alerting.house().people.directory
                while await send_to(self._db, outbound, directory, name, self._clock, pace):
                    pass
            except Unavailable as away:
                log.warning("timer.waiting", reason=str(away))
            finally:
                under_way.discard(name)

        async with asyncio.TaskGroup() as group:

            async def look() -> bool:
                for name in await targets_waiting(self._db, now=self._clock.now()):
                    if name not in under_way:
                        under_way.add(name)
                        group.create_task(send_all(name))
                return False

            await self._repeat(look)

    async def decide_outreach(
        self, automations: Reloading[Automations], consents: automation.Consents, alerting: Alerting
    ) -> None:
        """Send or skip messages to customers until cancelled."""
        await self._repeat(
            lambda: automation.decide(
                self._db, automations.current, consents, alerting.house().chains.plans, now=self._clock.now()
            )
        )

    async def audit_chains(self, alerting: Alerting) -> None:
        """Look for chains without a future step, and forget what rules need no more, until cancelled."""
        while True:
            try:
                now = self._clock.now()
                count, flawed = await audit_chains(self._db, grace=alerting.grace, now=now)
                for each in flawed:
                    chain_id, case_id = str(each.chain.chain_id), str(each.chain.case_id)
                    log.warning("chain.without_step", chain_id=chain_id, case_id=case_id, reason=each.flaw)
                log.debug("chain.audited", count=count, flaws=len(flawed))
                await drop_old_facts(self._db, before=now - dt.timedelta(days=self._settings.history_days))
            except Unavailable as away:
                log.warning("timer.waiting", reason=str(away))
            await asyncio.sleep(self._settings.audit_seconds)


class Escalations:
    """Hands events to what tells somebody something."""

    def __init__(self, db: Database, clock: Clock, alerting: Alerting) -> None:
        self._db = db
        self._clock = clock
        self._alerting = alerting

    async def escalate_opened(self, batch: Batch[CaseOpened]) -> None:
        """Start chains for cases that were opened."""
        await start_on_turn(self._db, batch, self._alerting.house().chains, "opened", now=self._clock.now())

    async def escalate_warned(self, batch: Batch[ClockWarned]) -> None:
        """Start chains for promises whose time is almost used up."""
        await start_on_clock(self._db, batch, self._alerting.house().chains, "warned", now=self._clock.now())

    async def escalate_breached(self, batch: Batch[ClockBreached]) -> None:
        """Start chains for promises that were broken."""
        await start_on_clock(self._db, batch, self._alerting.house().chains, "breached", now=self._clock.now())

    async def escalate_reopened(self, batch: Batch[CaseReopened]) -> None:
        """Start chains for cases that were reopened."""
        await start_on_turn(self._db, batch, self._alerting.house().chains, "reopened", now=self._clock.now())
