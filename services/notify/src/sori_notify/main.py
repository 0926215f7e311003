"""Composition root of notify."""

import datetime as dt
from collections.abc import Mapping

import structlog

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.ee_feedback.v1.voice_events_pb2 import VoiceFlagged
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1 import notify_service_pb2, notify_service_pb2_grpc
from sori.notify.v1.case_events_pb2 import CaseOpened, CaseReopened, ClockBreached, ClockWarned
from sori_kit import rpc, service
from sori_notify import offline, usecases
from sori_notify.api import NotifyApi
from sori_notify.api.edge import Edge
from sori_notify.consumers import Consumers, Escalations, Timers
from sori_notify.deliveries import Outbound, SignedWebhook
from sori_notify.deliveries.links import Links
from sori_notify.domain.delivery import Target
from sori_notify.domain.rules import RuleSet
from sori_notify.model import Journey
from sori_notify.settings import Settings, automation, chains, rules, schedules, targets
from sori_notify.settings.places import Reloading
from sori_notify.settings.policies import PolicyFile
from sori_notify.usecases.alerting import Alerting
from sori_notify.usecases.automation import Consents, NoConsents
from sori_notify.usecases.chains import People
from sori_notify.usecases.rules import House

log = structlog.get_logger()

_SOON = {"most": 100, "ack_seconds": 10}  # How long people wait for a replica that died with word for them in hand.


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    db = runtime.open_database(settings)
    policies = PolicyFile(settings.policy_path)
    runtime.in_background("policies", policies.watch(settings.policy_poll_seconds))
    alerting = _alerting(runtime, settings, policies)
    runtime.server.add(
        notify_service_pb2_grpc.add_NotifyServiceServicer_to_server,
        NotifyApi(
            Edge(
                db=db,
                clock=runtime.clock,
                policies=lambda: policies.current,
                stopping=runtime.stopping,
                watch_seconds=settings.sweep_seconds,
                alerting=alerting,
            )
        ),
        notify_service_pb2.DESCRIPTOR.services_by_name["NotifyService"],
    )
    consents: Consents = NoConsents()
    if settings.journey_target and settings.service_token_file:
        channel = rpc.channel(settings.journey_target)
        runtime.stack.push_async_callback(channel.close)
        consents = journey = Journey(channel, settings.service_token_file)
        runtime.in_background(
            "erasures",
            usecases.answer_for_ever(
                db,
                runtime.bus,
                runtime.clock,
                journey.answer,
                settle=dt.timedelta(seconds=settings.erasure_settle_seconds),
                every_seconds=settings.answer_seconds,
            ),
        )

    def known_targets() -> Mapping[str, Target]:
        return alerting.house().people.directory.targets

    automations = Reloading(
        settings.beside(settings.automation_path, "automation.yaml"),
        lambda path: automation.load(path, known_targets()),
        empty=automation.Automations(),
        what="automations",
        against=known_targets,
    )
    runtime.in_background("files", automations.watch(settings.policy_poll_seconds))
    consumers = Consumers(db, runtime.clock, alerting, automations, settings)
    await runtime.consume(TouchpointStitched, consumers.follow)
    await runtime.consume(VoiceFlagged, consumers.raise_flag)
    await runtime.consume(CustomerMerged, consumers.merge)
    await runtime.consume(CustomerSplit, consumers.split)
    await runtime.consume(CustomerErased, consumers.forget)
    await runtime.consume(ClassificationCorrected, consumers.correct)
    escalations = Escalations(db, runtime.clock, alerting)
    if settings.beside(settings.chains_path, "chains.yaml"):
        await runtime.consume(CaseOpened, escalations.escalate_opened, **_SOON)
        await runtime.consume(ClockWarned, escalations.escalate_warned, **_SOON)
        await runtime.consume(ClockBreached, escalations.escalate_breached, **_SOON)
        await runtime.consume(CaseReopened, escalations.escalate_reopened, **_SOON)
    timers = Timers(db, runtime.clock, settings)
    runtime.in_background("outreach", timers.decide_outreach(automations, consents, alerting))
    outbound = Outbound(timeout_seconds=settings.webhook_seconds)
    runtime.stack.push_async_callback(outbound.close)
    runtime.in_background("chains", timers.move_chains(alerting))
    runtime.in_background("deliveries", timers.send_deliveries(alerting, outbound))
    runtime.in_background("audit", timers.audit_chains(alerting))
    runtime.in_background("deadlines", timers.watch_deadlines())
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


def _alerting(runtime: service.Runtime, settings: Settings, policies: PolicyFile) -> Alerting:
    """Read the files of rules, chains, schedules and targets, and let them be read again when they change."""
    ruleset = Reloading(settings.beside(settings.rules_path, "rules.yaml"), rules.load, empty=RuleSet(), what="rules")
    plans = Reloading(
        settings.beside(settings.chains_path, "chains.yaml"), chains.load, empty=chains.Chains(), what="chains"
    )
    on_call: Reloading[schedules.Schedules] = Reloading(
        settings.beside(settings.schedules_path, "schedules.yaml"), schedules.load, empty={}, what="schedules"
    )
    directory = Reloading(
        settings.beside(settings.targets_path, "targets.yaml"), targets.load, empty=targets.Directory(), what="targets"
    )
    for file in (ruleset, plans, on_call, directory):
        runtime.in_background("files", file.watch(settings.policy_poll_seconds))

    def house() -> House:
        known = directory.current
        if settings.webhook_url:
            usual = Target(name=settings.webhook_name, digest_above=0)
            known = known.with_target(usual, targets.WebhookAddress(settings.webhook_url, settings.secret()))
        return House(
            rules=ruleset.current,
            policies=policies.current,
            chains=plans.current,
            people=People(directory=known, schedules=on_call.current),
            settle=dt.timedelta(seconds=settings.settle_seconds),
        )

    links = Links(settings.link_url, settings.link_key(), lifetime=dt.timedelta(hours=settings.link_hours))
    return Alerting(house=house, links=links, grace=dt.timedelta(seconds=settings.audit_seconds))


def main() -> None:
    """Run `sori-notify`."""
    service.main("notify", Settings, build, migrated="sori_notify", offline=offline.COMMANDS)
