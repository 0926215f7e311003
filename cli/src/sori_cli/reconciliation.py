"""Does everything that went in come out? Waits until the line has drained, then counts."""

import asyncio
import time
from dataclasses import dataclass

import grpc
from rich.markup import escape

from sori.ee_feedback.v1 import ee_feedback_service_pb2, ee_feedback_service_pb2_grpc
from sori.insight.v1 import insight_service_pb2, insight_service_pb2_grpc
from sori.notify.v1 import notify_service_pb2, notify_service_pb2_grpc
from sori.operations.v1 import operations_service_pb2
from sori_cli import screen, status
from sori_cli.client import Platform
from sori_cli.sample import Fed
from sori_cli.screen import Problem
from sori_local import receiver
from sori_local.plan import Plan

_LOOK_SECONDS = 0.5
_STUCK_SECONDS = 180.0  # without any progress
_NAMED = 20  # of what is missing


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the table."""

    what: str
    figures: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What all services say at one moment."""

    statuses: dict[str, operations_service_pb2.GetStatusResponse]
    notify: notify_service_pb2.GetTallyResponse
    voices: ee_feedback_service_pb2.GetTallyResponse
    insight: insight_service_pb2.GetTallyResponse

    def waiting(self) -> dict[str, int]:
        """Count what is still to be done, by what it is."""
        found: dict[str, int] = {}
        for service, each in self.statuses.items():
            for consumer in each.consumers:
                found[consumer.durable] = consumer.pending_count + consumer.unacknowledged_count
            found[f"outbox of {service}"] = each.outbox_count
        found["deadlines"] = self.notify.deadline_due_count
        found["alerts"] = self.notify.alert_pending_count
        found["groups to release"] = self.voices.release_pending_count
        return {name: number for name, number in found.items() if number}

    def figures(self) -> tuple[bytes, ...]:
        """Give everything that grows while something still moves."""
        counts = [str(sorted(self.waiting().items())).encode()]
        counts += [str(each.stream_message_count).encode() for each in self.statuses.values()]
        return (*counts, *(each.SerializeToString() for each in (self.notify, self.voices, self.insight)))

    def dead_letters(self) -> int:
        """Count what was given up on."""
        return sum(each.dead_letter_count for status in self.statuses.values() for each in status.consumers)


async def reconcile(platform: Platform, plan: Plan, fed: Fed | None) -> bool:
    """Wait, count, print the table; says whether everything agrees."""
    last = await _settle(platform)
    on_feed = await _touchpoint_ids(platform)
    checks = compare(last, on_feed, fed, receiver.count(plan.alerts))
    table = screen.table("\nReconciliation", "", "what", "figures", whole=["figures"])
    for check in checks:
        table.add_row("[green]✓[/]" if check.holds else "[bold red]✗[/]", check.what, escape(check.figures))
    screen.out.print(table)
    missing = sorted(set(fed.references) - on_feed) if fed else []
    for touchpoint_id in missing[:_NAMED]:
        reference = fed.references[touchpoint_id] if fed else ""
        screen.err.print(f"missing on the feed: {touchpoint_id} ({escape(reference)})", soft_wrap=True)
    if len(missing) > _NAMED:
        screen.err.print(f"and {len(missing) - _NAMED:,} more are missing")
    for name, number in last.waiting().items():
        screen.err.print(f"still waiting: {number:,} of {name}")
    wrong = [check.what for check in checks if not check.holds]
    if wrong:
        screen.err.print(f"[bold red]sori:[/] does not reconcile: {escape('; '.join(wrong))}", soft_wrap=True)
    return not wrong and not last.waiting()


def compare(last: Snapshot, on_feed: set[str], fed: Fed | None, received: int) -> list[Check]:
    """Hold each figure against those that must agree with it."""
    notify, voices, insight = last.notify, last.voices, last.insight
    checks: list[Check] = []

    def check(what: str, figures: str, holds: bool) -> None:
        checks.append(Check(what, figures, holds))

    if fed:
        check(
            "submitted = accepted + duplicates + quarantined",
            f"{fed.submitted:,} = {fed.accepted:,} + {fed.duplicates:,} + {fed.quarantined:,}",
            fed.submitted == fed.accepted + fed.duplicates + fed.quarantined,
        )
        known = set(fed.references)
        check("taken in (distinct) = on the feed", f"{len(known):,} = {len(known & on_feed):,}", known <= on_feed)
    classified = last.statuses["classify"].stream_message_count
    expected = len(on_feed | set(fed.references if fed else ()))
    again = f" ({classified - expected:,} of them again)" if classified > expected else ""
    check(
        "accepted = classified = stitched = on the feed",
        f"{expected:,} = {classified:,}{again} = {notify.touchpoint_count:,} = {insight.touchpoint_count:,}",
        classified >= expected == notify.touchpoint_count == insight.touchpoint_count == len(on_feed),
    )
    cases = notify.customer_case_count + notify.employee_case_count
    check(
        "cases of customers + of employees = on the feed",
        f"{notify.customer_case_count:,} + {notify.employee_case_count:,} = {insight.case_count:,}",
        cases == insight.case_count,
    )
    check("breached promises", f"{notify.breached_count:,}", notify.breached_count <= cases)
    check(
        "alerts sent = received = on the feed",
        f"{notify.alert_sent_count:,} = {received:,} = {insight.alert_count:,}",
        notify.alert_sent_count == received == insight.alert_count,
    )
    check(
        "voices submitted = released + withheld",
        f"{voices.voice_count:,} = {voices.released_voice_count:,} + {voices.withheld_voice_count:,}",
        voices.voice_count == voices.released_voice_count + voices.withheld_voice_count
        and voices.voice_count >= (fed.voices if fed else 0),
    )
    check(
        "voices released = on the feed",
        f"{voices.released_voice_count:,} = {insight.voice_count:,}",
        voices.released_voice_count == insight.voice_count,
    )
    check("dead letters", f"{last.dead_letters():,}", not last.dead_letters())
    return checks


async def _settle(platform: Platform) -> Snapshot:
    """Wait until nothing moves any more, or nothing has moved for too long."""
    before: tuple[bytes, ...] = ()
    moved = began = time.monotonic()
    last: Snapshot | None = None
    with screen.out.status("waiting until everything has arrived …") as shown:
        while True:
            try:
                last = await _look(platform)
            except Problem as problem:  # Perhaps it is being restarted.
                if time.monotonic() - moved > _STUCK_SECONDS:
                    raise
                shown.update(escape(str(problem)))
            else:
                waiting, figures = last.waiting(), last.figures()
                if figures != before:
                    before, moved = figures, time.monotonic()
                elif not waiting or time.monotonic() - moved > _STUCK_SECONDS:
                    break
                said = ", ".join(f"{name} {number:,}" for name, number in sorted(waiting.items()))
                shown.update(f"waiting: {said or 'once more'}")
            await asyncio.sleep(_LOOK_SECONDS)
    state = "still waiting" if last.waiting() else "everything has arrived"
    screen.out.print(f"[green]✓[/] {state} [dim]{time.monotonic() - began:.1f} s[/]")
    return last


async def _look(platform: Platform) -> Snapshot:
    statuses = {}
    for each in await status.ask_all(platform):
        if each.status is None or not each.up:
            raise Problem(each.problem or f"an engine of {each.service} does not answer")
        statuses[each.service] = each.status
    async with platform.calling("notify", "admin") as peer:
        notify = await notify_service_pb2_grpc.NotifyServiceStub(peer.channel).GetTally(
            notify_service_pb2.GetTallyRequest(), metadata=peer.metadata, timeout=30
        )
    async with platform.calling("ee-feedback", "admin") as peer:
        voices = await ee_feedback_service_pb2_grpc.EeFeedbackServiceStub(peer.channel).GetTally(
            ee_feedback_service_pb2.GetTallyRequest(), metadata=peer.metadata, timeout=30
        )
    async with platform.calling("insight", "admin") as peer:
        insight = await insight_service_pb2_grpc.InsightServiceStub(peer.channel).GetTally(
            insight_service_pb2.GetTallyRequest(), metadata=peer.metadata, timeout=30
        )
    return Snapshot(statuses, notify, voices, insight)


async def _touchpoint_ids(platform: Platform) -> set[str]:
    """Read the ids of all touchpoints on the feed."""
    found: set[str] = set()
    page_token = ""
    async with platform.calling("insight", "admin") as peer:
        stub = insight_service_pb2_grpc.InsightServiceStub(peer.channel)
        while True:
            request = insight_service_pb2.ListTouchpointIdsRequest(page_token=page_token)
            try:
                page = await stub.ListTouchpointIds(request, metadata=peer.metadata, timeout=60)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
                await asyncio.sleep(1)
                continue
            found.update(page.touchpoint_ids)
            page_token = page.next_page_token
            if not page_token:
                return found
