"""Composition root of notify."""

import structlog

from sori.ee_feedback.v1.voice_events_pb2 import VoiceFlagged
from sori.journey.v1.customer_events_pb2 import CustomerMerged
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1 import notify_service_pb2, notify_service_pb2_grpc
from sori_kit import service
from sori_notify.api import NotifyApi
from sori_notify.consumers import Consumers, Timers
from sori_notify.deliveries import SignedWebhook
from sori_notify.settings import Settings
from sori_notify.settings.policies import PolicyFile

log = structlog.get_logger()


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    db = runtime.open_database(settings)
    policies = PolicyFile(settings.policy_path)
    runtime.in_background("policies", policies.watch(settings.policy_poll_seconds))
    runtime.server.add(
        notify_service_pb2_grpc.add_NotifyServiceServicer_to_server,
        NotifyApi(db, runtime.clock),
        notify_service_pb2.DESCRIPTOR.services_by_name["NotifyService"],
    )
    consumers = Consumers(db, runtime.clock, policies, settings)
    await runtime.consume(TouchpointStitched, consumers.follow)
    await runtime.consume(VoiceFlagged, consumers.raise_flag)
    await runtime.consume(CustomerMerged, consumers.merge)
    timers = Timers(db, runtime.clock, settings)
    runtime.in_background("deadlines", timers.declare_breaches())
    if settings.webhook_url:
        webhook = SignedWebhook(
            settings.webhook_url,
            settings.secret(),
            name=settings.webhook_name,
            timeout_seconds=settings.webhook_seconds,
        )
        runtime.stack.push_async_callback(webhook.close)
        runtime.in_background("alerts", timers.deliver_alerts(webhook))
    else:
        log.warning("alert.held", reason="SORI_NOTIFY_WEBHOOK_URL is not set: alerts stay pending")


def main() -> None:
    """Run `sori-notify`."""
    service.main("notify", Settings, build, migrated="sori_notify")
