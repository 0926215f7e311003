"""The words of the line and their numbers."""

import datetime as dt

from google.protobuf import timestamp_pb2

from sori.ingest.v1 import touchpoint_pb2
from sori.notify.v1 import case_pb2, evaluation_pb2
from sori_notify import domain

KINDS = {
    value: domain.Kind(name.removeprefix("TOUCHPOINT_KIND_").lower())
    for name, value in touchpoint_pb2.TouchpointKind.items()
    if value
}
ACTORS = {
    value: domain.Actor(name.removeprefix("ACTOR_").lower()) for name, value in touchpoint_pb2.Actor.items() if value
}
CHANNELS = {
    value: domain.Channel(name.removeprefix("CHANNEL_").lower())
    for name, value in touchpoint_pb2.Channel.items()
    if value
}
KIND_NUMBERS = {each: touchpoint_pb2.TouchpointKind.Value(f"TOUCHPOINT_KIND_{each.name}") for each in domain.Kind}
ACTOR_NUMBERS = {each: touchpoint_pb2.Actor.Value(f"ACTOR_{each.name}") for each in domain.Actor}
CHANNEL_NUMBERS = {each: touchpoint_pb2.Channel.Value(f"CHANNEL_{each.name}") for each in domain.Channel}
ORIGIN_NUMBERS = {each: case_pb2.CaseOrigin.Value(f"CASE_ORIGIN_{each.name}") for each in domain.Origin}
STATE_NUMBERS = {each: case_pb2.CaseState.Value(f"CASE_STATE_{each.name}") for each in domain.CaseState}
STATES = {number: each for each, number in STATE_NUMBERS.items()}
CLOCK_NUMBERS = {each: case_pb2.ClockState.Value(f"CLOCK_STATE_{each.name}") for each in domain.ClockState}
CLOCKS = {number: each for each, number in CLOCK_NUMBERS.items()}
METRIC_NUMBERS = {each: case_pb2.ClockMetric.Value(f"CLOCK_METRIC_{each.name}") for each in domain.Metric}
METRICS = {number: each for each, number in METRIC_NUMBERS.items()}
SEVERITY_NUMBERS = {each: case_pb2.CaseSeverity.Value(f"CASE_SEVERITY_{each.name}") for each in domain.Severity}
SEVERITIES = {number: each for each, number in SEVERITY_NUMBERS.items()}
TICK_NUMBERS = {each: evaluation_pb2.ClockEventType.Value(f"CLOCK_EVENT_TYPE_{each.name}") for each in domain.Tick}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def timestamp(time: dt.datetime | None) -> timestamp_pb2.Timestamp | None:
    """Write a moment."""
    if time is None:
        return None
    since = time - _EPOCH
    seconds = since.days * 86_400 + since.seconds
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=since.microseconds * 1000)  # A third of FromDatetime's time.
