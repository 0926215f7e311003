"""Cases, what is announced of them, and what is asked."""

from google.protobuf.message import Message as Proto

from sori.ingest.v1 import touchpoint_pb2
from sori.notify.v1 import case_events_pb2, case_pb2, notify_service_pb2
from sori_kit.errors import InvalidInput
from sori_notify import domain, store
from sori_notify.wire.clocks import clock
from sori_notify.wire.words import (
    ACTOR_NUMBERS,
    CHANNEL_NUMBERS,
    CHANNELS,
    CLOCKS,
    KIND_NUMBERS,
    METRIC_NUMBERS,
    METRICS,
    ORIGIN_NUMBERS,
    SEVERITIES,
    SEVERITY_NUMBERS,
    STATE_NUMBERS,
    STATES,
    timestamp,
)

_CASE = case_events_pb2.CaseOpened.CASE_FIELD_NUMBER << 3 | 2  # Tag of the field `case`, the first of every event.
_CHANGED = {
    domain.Change.OPENED: case_events_pb2.CaseOpened,
    domain.Change.ANSWERED: case_events_pb2.CaseAnswered,
    domain.Change.ACKNOWLEDGED: case_events_pb2.CaseAcknowledged,
    domain.Change.BREACHED: case_events_pb2.CaseBreached,
    domain.Change.RESOLVED: case_events_pb2.CaseResolved,
    domain.Change.REOPENED: case_events_pb2.CaseReopened,
    domain.Change.UPDATED: case_events_pb2.CaseUpdated,
}


def case(given: domain.Case) -> case_pb2.Case:
    """Write a case."""
    made = case_pb2.Case(
        case_id=str(given.case_id),
        origin=ORIGIN_NUMBERS[given.origin],
        state=STATE_NUMBERS[given.state],
        source=given.source,
        thread_id=given.thread_id,
        customer_id=str(given.customer_id or ""),
        channel=CHANNEL_NUMBERS[given.channel] if given.channel else touchpoint_pb2.CHANNEL_UNSPECIFIED,
        org_unit=given.org_unit,
        touchpoint_id=str(given.touchpoint_id or ""),
        topics=given.topics,
        opened_time=timestamp(given.opened_time),
        acknowledged_by=given.acknowledged_by,
        acknowledged_time=timestamp(given.acknowledged_time),
        resolved_time=timestamp(given.resolved_time),
        version=given.version,
        clocks=map(clock, given.clocks),
        severity=SEVERITY_NUMBERS[given.severity],
        tags=given.tags,
        team=given.team,
        person=given.person,
        segments=given.segments,
        answered_time=timestamp(given.answered_time),
        closed_time=timestamp(given.closed_time),
    )
    first = given.clock
    for number, each in enumerate(given.clocks):
        if each is first:
            made.clock.CopyFrom(made.clocks[number])
    return made


def as_field(told: case_pb2.Case) -> bytes:
    """Write a case as the field of any event that tells of one, once for all of them: the rest goes behind it."""
    data = told.SerializeToString()
    return b"%c%b%b" % (_CASE, _varint(len(data)), data)


def _varint(number: int) -> bytes:
    """Write a length: seven bits a byte, the least first; the highest bit says that more follow."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def case_changed(change: domain.Change) -> Proto:
    """Write what is announced of a turn in a case, but for the case itself."""
    return _CHANGED[change]()


def clock_warned(told: case_pb2.Case, which: domain.Clock, percent: int) -> case_events_pb2.ClockWarned:
    """Say that a share of a promise's time is used up, but for the case itself."""
    made = case_events_pb2.ClockWarned(percent=percent)
    _stand_alone(made.clock, told, which)
    return made


def clock_breached(told: case_pb2.Case, which: domain.Clock, late_seconds: float) -> case_events_pb2.ClockBreached:
    """Say that a promise is broken, but for the case itself."""
    made = case_events_pb2.ClockBreached(late_seconds=late_seconds)
    _stand_alone(made.clock, told, which)
    return made


def _stand_alone(made: case_pb2.Clock, told: case_pb2.Case, which: domain.Clock) -> None:
    """Say of one clock of a case what its case says of it, and which case that is."""
    metric, instance = METRIC_NUMBERS[which.metric], which.instance
    for each in told.clocks:
        if each.metric == metric and each.instance == instance:
            made.CopyFrom(each)
    made.case_id, made.thread_id = told.case_id, told.thread_id


def case_message(given: domain.Message) -> notify_service_pb2.CaseMessage:
    """Write a message of a case."""
    return notify_service_pb2.CaseMessage(
        touchpoint_id=str(given.touchpoint_id),
        kind=KIND_NUMBERS[given.kind],
        actor=ACTOR_NUMBERS[given.actor],
        occurred_time=timestamp(given.occurred_time),
        opens=given.opens,
        answers=given.answers,
    )


def log_entry(given: domain.Act) -> notify_service_pb2.CaseLogEntry:
    """Write what somebody did."""
    return notify_service_pb2.CaseLogEntry(
        time=timestamp(given.time),
        act=given.kind.value,
        actor=given.actor,
        team=given.team,
        person=given.person,
        tags=given.tags,
    )


def case_state(number: int) -> domain.CaseState | None:
    """Read a state of a request; None means all."""
    if number and number not in STATES:
        raise InvalidInput.of_field("state", "is unknown")
    return STATES.get(case_pb2.CaseState.ValueType(number))


def clock_state(number: int) -> domain.ClockState | None:
    """Read a clock state of a request; None means all."""
    if number and number not in CLOCKS:
        raise InvalidInput.of_field("clock_state", "is unknown")
    return CLOCKS.get(case_pb2.ClockState.ValueType(number))


def channel(number: int, field: str) -> domain.Channel | None:
    """Read a channel of a request; None means all."""
    if number and number not in CHANNELS:
        raise InvalidInput.of_field(field, "is unknown")
    return CHANNELS.get(touchpoint_pb2.Channel.ValueType(number))


def severity(number: int, field: str) -> domain.Severity | None:
    """Read a severity of a request; None means all."""
    if number and number not in SEVERITIES:
        raise InvalidInput.of_field(field, "is unknown")
    return SEVERITIES.get(case_pb2.CaseSeverity.ValueType(number))


def metric(number: int, field: str) -> domain.Metric | None:
    """Read a metric of a request; None means all."""
    if number and number not in METRICS:
        raise InvalidInput.of_field(field, "is unknown")
    return METRICS.get(case_pb2.ClockMetric.ValueType(number))


def attainment(given: domain.Attainment) -> notify_service_pb2.Attainment:
    """Write how many promises of one kind were kept."""
    made = notify_service_pb2.Attainment(
        policy=given.policy,
        metric=METRIC_NUMBERS[given.metric] if given.metric else case_pb2.CLOCK_METRIC_UNSPECIFIED,
        channel=CHANNEL_NUMBERS[given.channel] if given.channel else touchpoint_pb2.CHANNEL_UNSPECIFIED,
        team=given.team,
        week=given.week,
        attained_count=given.attained,
        breached_count=given.breached,
        running_count=given.running,
        cancelled_count=given.cancelled,
    )
    if given.percentage is not None:
        made.percentage = given.percentage
    return made


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
