"""Domain to proto and back, nothing else."""

import datetime as dt
from collections.abc import Iterable, Sequence

from google.protobuf import timestamp_pb2

from sori.ingest.v1 import ingest_service_pb2, submission_events_pb2
from sori.ingest.v1 import touchpoint_pb2 as touchpoint_pb
from sori_ingest.domain import masking
from sori_ingest.domain.outcomes import Accepted, Duplicate, Outcome, Rejected, Violation
from sori_ingest.domain.rules import Instant
from sori_kit.bus import Stored

MOST_PAYLOAD = 1 << 20  # bytes of a quarantined submission
_LONGEST_SOURCE = 256  # characters kept of a source that is no name


def instant(time: dt.datetime) -> Instant:
    """Take a time apart as the wire does."""
    return Instant(int(time.timestamp()), time.microsecond * 1_000)


def content(normal: touchpoint_pb.Touchpoint) -> bytes:
    """Give the same bytes for the same content, whenever it comes."""
    bare = touchpoint_pb.Touchpoint()
    bare.CopyFrom(normal)
    for output in ("touchpoint_id", "received_time", "masked_counts"):
        bare.ClearField(output)
    for identifier in bare.identifiers:
        identifier.ClearField("temporary")
    return bare.SerializeToString(deterministic=True)


def submission(given: touchpoint_pb.Touchpoint) -> bytes:
    """Give the bytes of a submission as it came."""
    return given.SerializeToString(deterministic=True)


def submission_quarantined(
    given: touchpoint_pb.Touchpoint, quarantine_id: str, violations: Sequence[Violation], received: Instant
) -> submission_events_pb2.SubmissionQuarantined:
    """Write what is kept of a wrong submission; personal numbers in its text are masked here too."""
    kept = touchpoint_pb.Touchpoint()
    kept.CopyFrom(given)
    if given.text:
        kept.text, _ = masking.mask(given.text[:MOST_PAYLOAD])  # What follows would be cut anyway.
    payload = submission(kept)
    return submission_events_pb2.SubmissionQuarantined(
        quarantine_id=quarantine_id,
        source=given.source[:_LONGEST_SOURCE],
        violations=_violations(violations),
        payload=payload[:MOST_PAYLOAD],
        received_time=timestamp_pb2.Timestamp(seconds=received.seconds, nanos=received.nanos),
        truncated=len(payload) > MOST_PAYLOAD or len(given.text) > MOST_PAYLOAD,
    )


def result(index: int, outcome: Outcome) -> ingest_service_pb2.SubmitResult:
    """Write what became of one submitted touchpoint."""
    match outcome:
        case Accepted(touchpoint_id):
            accepted = ingest_service_pb2.Accepted(touchpoint_id=touchpoint_id)
            return ingest_service_pb2.SubmitResult(index=index, accepted=accepted)
        case Duplicate(touchpoint_id):
            duplicate = ingest_service_pb2.Duplicate(touchpoint_id=touchpoint_id)
            return ingest_service_pb2.SubmitResult(index=index, duplicate=duplicate)
        case Rejected(quarantine_id, violations):
            rejected = ingest_service_pb2.Rejected(quarantine_id=quarantine_id, violations=_violations(violations))
            return ingest_service_pb2.SubmitResult(index=index, rejected=rejected)


def _violations(violations: Iterable[Violation]) -> list[submission_events_pb2.FieldViolation]:
    return [submission_events_pb2.FieldViolation(field=each.field, description=each.description) for each in violations]


def quarantined(stored: Stored) -> submission_events_pb2.SubmissionQuarantined:
    """Read what the stream holds of a wrong submission."""
    return submission_events_pb2.SubmissionQuarantined.FromString(stored.data)
