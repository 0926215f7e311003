"""Composition root of insight."""

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.ee_feedback.v1.pulse_events_pb2 import PulseReleased
from sori.ee_feedback.v1.voice_events_pb2 import VoiceReleased
from sori.insight.v1 import insight_service_pb2, insight_service_pb2_grpc
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1.alert_events_pb2 import AlertSent
from sori.notify.v1.case_events_pb2 import (
    CaseAcknowledged,
    CaseAnswered,
    CaseBreached,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CaseUpdated,
    ClockBreached,
)
from sori_insight import usecases
from sori_insight.api import InsightApi
from sori_insight.consumers import Consumers
from sori_insight.model import Journey
from sori_insight.settings import Settings
from sori_insight.store.arrivals import Arrivals
from sori_kit import rpc, service


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    db = runtime.open_database(settings)
    arrivals = Arrivals(db.url)
    runtime.in_background("arrivals", arrivals.run())
    runtime.server.add(
        insight_service_pb2_grpc.add_InsightServiceServicer_to_server,
        InsightApi(db, arrivals, settings, runtime.stopping),
        insight_service_pb2.DESCRIPTOR.services_by_name["InsightService"],
    )
    if settings.journey_target and settings.service_token_file:
        channel = rpc.channel(settings.journey_target)
        runtime.stack.push_async_callback(channel.close)
        journey = Journey(channel, settings.service_token_file)
        runtime.in_background("erasures", usecases.answer_for_ever(db, journey.answer, settings.answer_seconds))
    consumers = Consumers(db, settings.zone)
    await runtime.consume(TouchpointStitched, consumers.add_touchpoints)
    await runtime.consume(CustomerMerged, consumers.merge_customers)
    await runtime.consume(CustomerSplit, consumers.split_customers)
    await runtime.consume(CustomerErased, consumers.erase)
    await runtime.consume(ClassificationCorrected, consumers.correct)
    await runtime.consume(CaseOpened, consumers.add_opened_cases)
    await runtime.consume(CaseAnswered, consumers.add_answered_cases)
    await runtime.consume(CaseAcknowledged, consumers.add_acknowledged_cases)
    await runtime.consume(CaseBreached, consumers.add_breached_cases)
    await runtime.consume(CaseResolved, consumers.add_resolved_cases)
    await runtime.consume(CaseReopened, consumers.add_reopened_cases)
    await runtime.consume(CaseUpdated, consumers.add_updated_cases)
    await runtime.consume(ClockBreached, consumers.add_breached_clocks)
    await runtime.consume(AlertSent, consumers.add_alerts)
    await runtime.consume(VoiceReleased, consumers.add_voices)
    await runtime.consume(PulseReleased, consumers.add_pulses)


def main() -> None:
    """Run `sori-insight`."""
    service.main("insight", Settings, build, migrated="sori_insight")
