"""Clocks and their evidence."""

import datetime as dt
from itertools import islice

from sori.notify.v1 import case_pb2, evaluation_pb2
from sori.notify.v1.case_events_pb2 import ClockBreached, ClockWarned
from sori_kit import parse
from sori_notify import domain
from sori_notify.wire.words import CLOCK_NUMBERS, METRIC_NUMBERS, METRICS, TICK_NUMBERS, timestamp

_MOST_INTERVALS = 2_000


def clock(given: domain.Clock, case: domain.Case | None = None) -> case_pb2.Clock:
    """Write a clock; with its case, where it stands alone."""
    return case_pb2.Clock(
        metric=METRIC_NUMBERS[given.metric],
        state=CLOCK_NUMBERS[given.state],
        policy=given.policy,
        start_time=timestamp(given.start_time),
        due_time=timestamp(given.due_time),
        fulfilled_time=timestamp(given.fulfilled_time),
        instance=given.instance,
        breach_time=timestamp(given.breach_time),
        target_seconds=int(given.target.total_seconds()),
        working_seconds_used=int(given.used.total_seconds()),
        warnings=[case_pb2.ClockWarning(percent=each.percent, time=timestamp(each.time)) for each in given.warnings],
        promise_version=given.version,
        case_id=str(case.case_id) if case else "",
        thread_id=case.thread_id if case else "",
    )


def turn(given: ClockWarned | ClockBreached) -> domain.ClockTurn:
    """Read which clock was announced."""
    return domain.ClockTurn(
        case_id=parse.uuid(given.case.case_id, "case.case_id"),
        version=given.case.version,
        metric=METRICS[given.clock.metric],
        instance=given.clock.instance,
        percent=given.percent if isinstance(given, ClockWarned) else 100,
    )


def evidence(case: domain.Case, given: domain.Clock) -> evaluation_pb2.ClockEvidence:
    """Write why a clock stands where it does; it must be one that was just read."""
    reading, terms = given.reading, given.terms
    if reading is None or terms is None:
        return evaluation_pb2.ClockEvidence(clock=clock(given, case))
    counted = [each for start, end in reading.segments for each in terms.calendar.intervals(start, end)]
    return evaluation_pb2.ClockEvidence(
        clock=clock(given, case),
        zone=terms.calendar.zone,
        calendar=terms.calendar.name,
        calendar_version=terms.calendar.version,
        events=[
            evaluation_pb2.ClockEvent(type=TICK_NUMBERS[each.tick], time=timestamp(each.time), cause_id=each.cause)
            for each in reading.events
        ],
        intervals=[_interval(start, end) for start, end in islice(counted, _MOST_INTERVALS)],
        interval_count=len(counted),
    )


def _interval(start: dt.datetime, end: dt.datetime) -> evaluation_pb2.CountedInterval:
    return evaluation_pb2.CountedInterval(
        start_time=timestamp(start), end_time=timestamp(end), seconds=(end - start).total_seconds()
    )
