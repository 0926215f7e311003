"""Domain to proto and back, nothing else."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf import timestamp_pb2

from sori.ingest.v1 import ingest_service_pb2, submission_events_pb2
from sori.ingest.v1 import touchpoint_pb2 as touchpoint_pb
from sori_ingest.channels.payload import Payload, Source
from sori_ingest.domain import masking
from sori_ingest.domain.outcomes import Accepted, Duplicate, Outcome, Rejected, Violation
from sori_ingest.domain.rules import Instant
from sori_kit import ids
from sori_kit.bus import Stored

NORMAL_FORM = "normal_form"  # why something is in quarantine that could be read
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


def touchpoint_id(normal: touchpoint_pb.Touchpoint) -> str:
    """Name a touchpoint by its source's own id, or by its content where it has none."""
    if external_id := normal.external_id:
        return ids.derived("touchpoint", normal.source, external_id)
    return ids.derived("content", normal.source, hashlib.sha256(content(normal)).hexdigest())


def event_id(touchpoint_id: str, revision: int) -> str:
    """Name the event that announces a touchpoint, or an edit of it."""
    return touchpoint_id if not revision else ids.derived("revision", touchpoint_id, str(revision))


def submission(given: touchpoint_pb.Touchpoint) -> bytes:
    """Give the bytes of a submission as it came."""
    return given.SerializeToString(deterministic=True)


def submission_quarantined(
    given: touchpoint_pb.Touchpoint, quarantine_id: str, violations: Sequence[Violation], received: Instant
) -> submission_events_pb2.SubmissionQuarantined:
    """Write what is kept of a wrong submission; personal numbers in what it says are masked here too."""
    kept = touchpoint_pb.Touchpoint()
    kept.CopyFrom(given)
    if given.text:
        kept.text, _ = masking.mask(given.text[:MOST_PAYLOAD])  # What follows would be cut anyway.
    if given.product:
        kept.product, _ = masking.mask_value("product", given.product[:MOST_PAYLOAD])
    for key, value in given.attributes.items():
        kept.attributes[key], _ = masking.mask_value(key, value[:MOST_PAYLOAD])
    payload = submission(kept)
    return submission_events_pb2.SubmissionQuarantined(
        quarantine_id=quarantine_id,
        source=given.source[:_LONGEST_SOURCE],
        violations=_violations(violations),
        payload=payload[:MOST_PAYLOAD],
        received_time=timestamp_pb2.Timestamp(seconds=received.seconds, nanos=received.nanos),
        truncated=len(payload) > MOST_PAYLOAD or len(given.text) > MOST_PAYLOAD,
        reason=NORMAL_FORM,
        size_bytes=given.ByteSize(),
    )


def payload_quarantined(
    payload: Payload,
    headers: Mapping[str, str],
    source: Source,
    adapter: str,
    *,
    quarantine_id: str,
    reason: str,
    violations: Sequence[Violation],
) -> submission_events_pb2.SubmissionQuarantined:
    """Write what is kept of a payload that cannot be read: all of it, with the headers that reading it again takes."""
    kept = submission_events_pb2.SubmissionQuarantined(
        quarantine_id=quarantine_id,
        source=source.name,
        violations=_violations(violations),
        payload=payload.body[:MOST_PAYLOAD],
        truncated=len(payload.body) > MOST_PAYLOAD,
        adapter=adapter,
        content_type=payload.content_type,
        headers=headers,
        query=payload.query,
        reason=reason,
        size_bytes=len(payload.body),
    )
    kept.received_time.FromDatetime(payload.received_time)
    return kept


def payload(kept: submission_events_pb2.SubmissionQuarantined) -> Payload:
    """Read back the payload that was quarantined, as if it came in now as it did then."""
    return Payload(
        body=kept.payload,
        content_type=kept.content_type,
        headers=dict(kept.headers),
        query=dict(kept.query),
        received_time=kept.received_time.ToDatetime(dt.UTC),
    )


def submission_released(
    kept: submission_events_pb2.SubmissionQuarantined, touchpoint_ids: Iterable[str], now: dt.datetime
) -> submission_events_pb2.SubmissionReleased:
    """Write that a submission was read after all."""
    made = submission_events_pb2.SubmissionReleased(
        quarantine_id=kept.quarantine_id, source=kept.source, reason=kept.reason, touchpoint_ids=touchpoint_ids
    )
    made.released_time.FromDatetime(now)
    return made


def submission_discarded(
    kept: submission_events_pb2.SubmissionQuarantined, now: dt.datetime
) -> submission_events_pb2.SubmissionDiscarded:
    """Write that a submission was thrown away."""
    made = submission_events_pb2.SubmissionDiscarded(
        quarantine_id=kept.quarantine_id, source=kept.source, reason=kept.reason
    )
    made.discarded_time.FromDatetime(now)
    return made


def results(outcomes: Iterable[Outcome]) -> ingest_service_pb2.SubmitTouchpointsResponse:
    """Write what became of each touchpoint of a batch."""
    made = ingest_service_pb2.SubmitTouchpointsResponse()
    add = made.results.add
    for index, outcome in enumerate(outcomes):
        result = add()
        result.index = index  # Handed to `add` it would take as long as all the rest.
        _write(result, outcome)
    return made


def result(index: int, outcome: Outcome) -> ingest_service_pb2.SubmitResult:
    """Write what became of one submitted touchpoint."""
    made = ingest_service_pb2.SubmitResult(index=index)
    _write(made, outcome)
    return made


def _write(result: ingest_service_pb2.SubmitResult, outcome: Outcome) -> None:
    match outcome:
        case Accepted():
            result.accepted.touchpoint_id = outcome.touchpoint_id
        case Duplicate():
            result.duplicate.touchpoint_id = outcome.touchpoint_id
        case Rejected():
            result.rejected.quarantine_id = outcome.quarantine_id
            result.rejected.violations.extend(_violations(outcome.violations))


def _violations(violations: Iterable[Violation]) -> list[submission_events_pb2.FieldViolation]:
    return [submission_events_pb2.FieldViolation(field=each.field, description=each.description) for each in violations]


def released(
    quarantine_id: str, accepted: Iterable[str], duplicates: Iterable[str], ignored_count: int
) -> ingest_service_pb2.ReplayResult:
    """Write what a replayed submission became."""
    made = ingest_service_pb2.Released(
        accepted_touchpoint_ids=accepted, duplicate_touchpoint_ids=duplicates, ignored_count=ignored_count
    )
    return ingest_service_pb2.ReplayResult(quarantine_id=quarantine_id, released=made)


def still_quarantined(quarantine_id: str, violations: Iterable[Violation]) -> ingest_service_pb2.ReplayResult:
    """Write what is wrong with a replayed submission now."""
    made = ingest_service_pb2.Rejected(quarantine_id=quarantine_id, violations=_violations(violations))
    return ingest_service_pb2.ReplayResult(quarantine_id=quarantine_id, rejected=made)


def quarantined(stored: Stored) -> submission_events_pb2.SubmissionQuarantined:
    """Read what the stream holds of a wrong submission."""
    return submission_events_pb2.SubmissionQuarantined.FromString(stored.data)
