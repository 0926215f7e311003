"""Composition root of journey."""

import asyncio
import datetime as dt
import time
from collections.abc import Awaitable, Callable

import structlog

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori.journey.v1 import journey_service_pb2, journey_service_pb2_grpc
from sori_journey import domain, usecases
from sori_journey.api import JourneyApi
from sori_journey.consumers import Consumers
from sori_journey.model import risk
from sori_journey.offline import COMMANDS
from sori_journey.settings import Settings, identity, retention, segments, stages
from sori_journey.settings.watched import Watched
from sori_kit import service
from sori_kit.errors import Unavailable

log = structlog.get_logger()

_QUIET_SECONDS = 0.5  # without a touchpoint, and making paths holds up nobody
_SHARE, _SHARE_LATE = 0.05, 0.5  # of the time goes into paths while touchpoints come in; once paths are late
_LATE_SECONDS = 30
_SHARE_SWEPT = 0.3  # of the time at most goes into judging all customers again
_AWAY_SECONDS = 1  # until an engine that is away is asked again


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    db = runtime.open_database(settings)
    settle_for = dt.timedelta(seconds=settings.erasure_settle_seconds)
    identities = Watched(settings.identity_path, identity.load, what="identity")
    retaining = Watched(settings.retention_path, retention.load, what="retention")
    staging = Watched(settings.stages_path, stages.load, what="stages")
    grouping = Watched(settings.segments_path, segments.load, what="segments")
    model = risk.load()

    def policy() -> domain.IdentityPolicy:
        return identities.current

    def rulebook() -> usecases.Rulebook:
        return usecases.Rulebook(stages=staging.current, segments=grouping.current, model=model)

    runtime.server.add(
        journey_service_pb2_grpc.add_JourneyServiceServicer_to_server,
        JourneyApi(db, settings, policy, runtime.clock, rulebook),
        journey_service_pb2.DESCRIPTOR.services_by_name["JourneyService"],
    )
    consumers = Consumers(db, policy, runtime.clock, rulebook)
    await runtime.consume(TouchpointClassified, consumers.stitch)
    await runtime.consume(ClassificationCorrected, consumers.correct)

    async def erase_copies() -> float:
        await usecases.erase_copies(db, runtime.bus, policy(), settle_for=settle_for, now=runtime.clock.now())
        return settings.erasure_seconds

    async def retain() -> float:
        more = await usecases.retain(db, retaining.current, policy(), now=runtime.clock.now())
        return 0.0 if more else settings.retention_seconds

    caught_up = time.monotonic()

    async def follow() -> float:
        """Make some paths; the line goes first."""
        nonlocal caught_up
        began = time.monotonic()
        more = await usecases.follow(db, rulebook(), now=runtime.clock.now())
        if not more:
            caught_up = began
            return settings.follow_seconds
        if min(each.quiet_seconds for each in runtime.bus.consumers) > _QUIET_SECONDS:
            return 0.0
        share = _SHARE_LATE if began - caught_up > _LATE_SECONDS else _SHARE
        return (time.monotonic() - began) * (1 / share - 1)

    swept = (0, dt.datetime.min.replace(tzinfo=dt.UTC))  # by which segment rules, and when

    async def sweep() -> float:
        nonlocal swept
        now, version = runtime.clock.now(), grouping.version
        if swept[0] != version or now - swept[1] >= dt.timedelta(seconds=settings.sweep_seconds):
            await usecases.sweep(db, rulebook(), now=now, share=_SHARE_SWEPT)
            swept = version, now
        return settings.policy_poll_seconds

    for file in (identities, retaining, staging, grouping):
        runtime.in_background("policies", file.watch(settings.policy_poll_seconds))
    for name, work in (("paths", follow), ("segments", sweep), ("erasure", erase_copies), ("retention", retain)):
        runtime.in_background(name, _repeat(work))


async def _repeat(work: Callable[[], Awaitable[float]]) -> None:
    """Do some work again and again; it says after how many seconds."""
    while True:
        try:
            pause = await work()
        except Unavailable as away:
            log.warning("work.waiting", reason=str(away))
            pause = _AWAY_SECONDS
        await asyncio.sleep(pause)


def main() -> None:
    """Run `sori-journey`."""
    service.main("journey", Settings, build, migrated="sori_journey", offline=COMMANDS)
