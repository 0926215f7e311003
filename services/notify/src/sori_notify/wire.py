"""Domain to proto and back, nothing else."""

import datetime as dt
import json
import uuid

from google.protobuf import timestamp_pb2
from google.protobuf.message import Message as Proto

from sori.ee_feedback.v1.voice_events_pb2 import VoiceFlagged
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1.customer_events_pb2 import CustomerMerged
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1 import alert_events_pb2, case_events_pb2, case_pb2, notify_service_pb2
from sori_kit import ids, parse
from sori_kit.errors import InvalidInput
from sori_notify import domain, store

_KINDS = {
    value: domain.Kind(name.removeprefix("TOUCHPOINT_KIND_").lower())
    for name, value in touchpoint_pb2.TouchpointKind.items()
    if value
}
_ACTORS = {
    value: domain.Actor(name.removeprefix("ACTOR_").lower()) for name, value in touchpoint_pb2.Actor.items() if value
}
_CHANNELS = {
    value: domain.Channel(name.removeprefix("CHANNEL_").lower())
    for name, value in touchpoint_pb2.Channel.items()
    if value
}
_CHANNEL_NUMBERS = {each: touchpoint_pb2.Channel.Value(f"CHANNEL_{each.name}") for each in domain.Channel}
_ORIGIN_NUMBERS = {each: case_pb2.CaseOrigin.Value(f"CASE_ORIGIN_{each.name}") for each in domain.Origin}
_STATE_NUMBERS = {each: case_pb2.CaseState.Value(f"CASE_STATE_{each.name}") for each in domain.CaseState}
_STATES = {number: each for each, number in _STATE_NUMBERS.items()}
_CLOCK_NUMBERS = {each: case_pb2.ClockState.Value(f"CLOCK_STATE_{each.name}") for each in domain.ClockState}
_CLOCKS = {number: each for each, number in _CLOCK_NUMBERS.items()}


def message(stitched: TouchpointStitched, policies: domain.Policies) -> domain.Message | None:
    """Read what a case depends on, or None for a touchpoint that no case depends on, as most are."""
    touchpoint = stitched.touchpoint
    actor = _ACTORS.get(touchpoint.actor, domain.Actor.CUSTOMER)
    kind = _KINDS.get(touchpoint.kind, domain.Kind.OTHER)
    thread_id = touchpoint.thread_id
    opens = policies.opens(actor, kind)
    if not (thread_id or opens or touchpoint.revision):  # A later revision may take back what the first one opened.
        return None
    thread_id = thread_id or touchpoint.touchpoint_id
    channel = _CHANNELS.get(touchpoint.channel)
    topics = tuple(stitched.classification.topics)
    customer_id = stitched.position.customer_id
    return domain.Message(
        touchpoint_id=parse.uuid(touchpoint.touchpoint_id, "touchpoint.touchpoint_id"),
        revision=touchpoint.revision,
        case_id=ids.derive("case", touchpoint.source, thread_id),
        source=touchpoint.source,
        thread_id=thread_id,
        actor=actor,
        kind=kind,
        channel=channel,
        org_unit=touchpoint.org_unit,
        topics=topics,
        customer_id=parse.uuid(customer_id, "position.customer_id") if customer_id else None,
        occurred_time=touchpoint.occurred_time.ToDatetime(dt.UTC),
        opens=opens,
        promise=policies.promise(channel, kind, touchpoint.org_unit, topics) if opens else None,
    )


def flag(flagged: VoiceFlagged) -> domain.Case:
    """Read a flag as the case that it opens."""
    try:
        year, week = flagged.week.split("-W")
        monday = dt.date.fromisocalendar(int(year), int(week), 1)
    except ValueError:
        raise InvalidInput.of_field("week", "is not an ISO week such as 2026-W47") from None
    flag_id = parse.uuid(flagged.flag_id, "flag_id")
    return domain.flagged(
        ids.derive("case", "employee", "flag", str(flag_id)),
        org_unit=flagged.org_unit,
        reasons=list(flagged.reasons),
        week=dt.datetime.combine(monday, dt.time(), dt.UTC),
    )


def merge(merged: CustomerMerged) -> tuple[uuid.UUID, uuid.UUID]:
    """Read who was merged, and into whom."""
    return parse.uuid(merged.merged_customer_id, "merged_customer_id"), parse.uuid(merged.customer_id, "customer_id")


def case(given: domain.Case) -> case_pb2.Case:
    """Write a case."""
    made = case_pb2.Case(
        case_id=str(given.case_id),
        origin=_ORIGIN_NUMBERS[given.origin],
        state=_STATE_NUMBERS[given.state],
        source=given.source,
        thread_id=given.thread_id,
        customer_id=str(given.customer_id or ""),
        channel=_CHANNEL_NUMBERS[given.channel] if given.channel else touchpoint_pb2.CHANNEL_UNSPECIFIED,
        org_unit=given.org_unit,
        touchpoint_id=str(given.touchpoint_id or ""),
        topics=given.topics,
        opened_time=_timestamp(given.opened_time),
        acknowledged_by=given.acts.acknowledged_by,
        acknowledged_time=_timestamp(given.acts.acknowledged_time),
        resolved_time=_timestamp(given.resolved_time),
        version=given.version,
    )
    if given.clock:
        made.clock.CopyFrom(
            case_pb2.Clock(
                metric=case_pb2.CLOCK_METRIC_FIRST_RESPONSE,
                state=_CLOCK_NUMBERS[given.clock.state],
                policy=given.clock.policy,
                start_time=_timestamp(given.opened_time),
                due_time=_timestamp(given.clock.due_time),
                fulfilled_time=_timestamp(given.answered_time),
            )
        )
    return made


def case_changed(change: domain.Change, given: domain.Case) -> Proto:
    """Write what is announced of a turn in a case."""
    match change:
        case domain.Change.OPENED:
            return case_events_pb2.CaseOpened(case=case(given))
        case domain.Change.ANSWERED:
            return case_events_pb2.CaseAnswered(case=case(given))
        case domain.Change.ACKNOWLEDGED:
            return case_events_pb2.CaseAcknowledged(case=case(given))
        case domain.Change.BREACHED:
            return case_events_pb2.CaseBreached(case=case(given))
        case domain.Change.RESOLVED:
            return case_events_pb2.CaseResolved(case=case(given))


def alert(given: domain.Case) -> domain.Alert:
    """Write the alert of a breach: what to look for and where, no words and nobody's identifiers."""
    reason = domain.FIRST_RESPONSE_BREACHED
    alert_id = ids.derive("alert", str(given.case_id), reason)
    body = {
        "alert_id": str(alert_id),
        "reason": reason,
        "case_id": str(given.case_id),
        "channel": given.channel,
        "org_unit": given.org_unit,
        "policy": given.clock and given.clock.policy,
        "due_time": given.clock and given.clock.due_time.isoformat(),
        "source": given.source,
        "thread_id": given.thread_id,
    }
    return domain.Alert(
        alert_id=alert_id,
        case_id=given.case_id,
        reason=reason,
        org_unit=given.org_unit,
        body=json.dumps(body, ensure_ascii=False),
    )


def alert_sent(given: domain.Alert, *, target: str, now: dt.datetime) -> alert_events_pb2.AlertSent:
    """Say that an alert was delivered."""
    return alert_events_pb2.AlertSent(
        alert_id=str(given.alert_id),
        case_id=str(given.case_id),
        reason=given.reason,
        target=target,
        org_unit=given.org_unit,
        sent_time=_timestamp(now),
        attempt_count=given.attempts,
    )


def case_state(number: int) -> domain.CaseState | None:
    """Read a state of a request; None means all."""
    if number and number not in _STATES:
        raise InvalidInput.of_field("state", "is unknown")
    return _STATES.get(case_pb2.CaseState.ValueType(number))


def clock_state(number: int) -> domain.ClockState | None:
    """Read a clock state of a request; None means all."""
    if number and number not in _CLOCKS:
        raise InvalidInput.of_field("clock_state", "is unknown")
    return _CLOCKS.get(case_pb2.ClockState.ValueType(number))


def tally(given: store.Tally) -> notify_service_pb2.GetTallyResponse:
    """Write how many there are of everything."""
    return notify_service_pb2.GetTallyResponse(
        customer_case_count=given.customer_cases,
        employee_case_count=given.employee_cases,
        breached_count=given.breached,
        alert_sent_count=given.alerts_sent,
        alert_pending_count=given.alerts_pending,
        alert_failed_count=given.alerts_failed,
        deadline_due_count=given.deadlines_due,
        touchpoint_count=given.touchpoints,
    )


def _timestamp(time: dt.datetime | None) -> timestamp_pb2.Timestamp | None:
    if time is None:
        return None
    made = timestamp_pb2.Timestamp()
    made.FromDatetime(time)
    return made
