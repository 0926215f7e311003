"""The event edge of notify: what arrives, and what time brings."""

import asyncio
import datetime as dt
import random
from collections.abc import Awaitable, Callable

import structlog

from sori.ee_feedback.v1.voice_events_pb2 import VoiceFlagged
from sori.journey.v1.customer_events_pb2 import CustomerMerged
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit.bus import Batch
from sori_kit.clock import Clock
from sori_kit.database import Database
from sori_kit.errors import Unavailable
from sori_notify import usecases
from sori_notify.deliveries import SignedWebhook
from sori_notify.settings import Settings
from sori_notify.settings.policies import PolicyFile

log = structlog.get_logger()


class Consumers:
    """Hands events to use cases."""

    def __init__(self, db: Database, clock: Clock, policies: PolicyFile, settings: Settings) -> None:
        self._db = db
        self._clock = clock
        self._policies = policies
        self._settle = dt.timedelta(seconds=settings.settle_seconds)

    async def follow(self, batch: Batch[TouchpointStitched]) -> None:
        """Take touchpoints into cases."""
        await usecases.follow(self._db, batch, self._policies.current, settle=self._settle, now=self._clock.now())

    async def raise_flag(self, batch: Batch[VoiceFlagged]) -> None:
        """Open cases for flagged voices."""
        await usecases.raise_flag(self._db, batch, now=self._clock.now())

    async def merge(self, batch: Batch[CustomerMerged]) -> None:
        """Let cases belong to the customers that remain."""
        await usecases.merge(self._db, batch)


class Timers:
    """Hands the passing of time to use cases; any number of replicas may do so side by side."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db = db
        self._clock = clock
        self._settings = settings

    async def declare_breaches(self) -> None:
        """Declare breaches until cancelled."""
        await self._repeat(lambda: usecases.declare_breaches(self._db, now=self._clock.now()))

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
