"""Domain to proto and back, nothing else."""

import datetime as dt
import uuid

from google.protobuf import timestamp_pb2

from sori.classify.v1 import touchpoint_events_pb2 as classified_pb
from sori.ingest.v1 import touchpoint_pb2 as touchpoint_pb
from sori.journey.v1 import customer_events_pb2, journey_service_pb2, position_pb2, touchpoint_events_pb2
from sori_journey import domain, store
from sori_kit import parse
from sori_kit.errors import InvalidInput

_KINDS = {value: name.removeprefix("TOUCHPOINT_KIND_").lower() for name, value in touchpoint_pb.TouchpointKind.items()}
_TYPES = {
    value: domain.IdentifierType(name.removeprefix("IDENTIFIER_TYPE_").lower())
    for name, value in touchpoint_pb.IdentifierType.items()
    if value
}
_TYPE_NUMBERS = {kind: touchpoint_pb.IdentifierType.ValueType(value) for value, kind in _TYPES.items()}
_STAGES = {stage: position_pb2.Stage.Value(f"STAGE_{stage.name}") for stage in domain.Stage}


def observation(classified: classified_pb.TouchpointClassified) -> domain.Observation:
    """Read what decides the place of a touchpoint."""
    touchpoint = classified.touchpoint
    return domain.Observation(
        touchpoint_id=parse.uuid(touchpoint.touchpoint_id, "touchpoint.touchpoint_id"),
        revision=touchpoint.revision,
        kind=_KINDS.get(touchpoint.kind, ""),
        occurred_time=touchpoint.occurred_time.ToDatetime(dt.UTC),
        identifiers=tuple(
            domain.Identifier(_TYPES[each.type], each.value, each.temporary)
            for each in touchpoint.identifiers
            if each.type in _TYPES
        ),
        entry=classified.SerializeToString(),
    )


def position(customer_id: uuid.UUID | None, stage: domain.Stage | None) -> position_pb2.Position:
    """Write journey's section."""
    return position_pb2.Position(
        customer_id=str(customer_id or ""), stage=_STAGES[stage] if stage else position_pb2.STAGE_UNSPECIFIED
    )


def touchpoint_stitched(
    placed: domain.Placed,
) -> touchpoint_events_pb2.TouchpointStitched:
    """Add journey's section to what the earlier stations said, whose fields have the same numbers here as there."""
    made = touchpoint_events_pb2.TouchpointStitched.FromString(placed.observation.entry)
    made.position.CopyFrom(position(placed.customer_id, placed.stage))
    return made


def customer_merged(merge: domain.Merge, now: dt.datetime) -> customer_events_pb2.CustomerMerged:
    """Say which customer went into which."""
    return customer_events_pb2.CustomerMerged(
        customer_id=str(merge.survivor_id),
        merged_customer_id=str(merge.merged_id),
        touchpoint_id=str(merge.touchpoint_id),
        merged_time=_timestamp(now),
    )


def timeline_entry(stored: store.Entry) -> journey_service_pb2.TimelineEntry:
    """Read a stored entry; its customer is the one it belongs to now."""
    classified = classified_pb.TouchpointClassified.FromString(stored.entry)
    return journey_service_pb2.TimelineEntry(
        touchpoint=classified.touchpoint,
        classification=classified.classification,
        position=position(stored.customer_id, stored.stage),
    )


def customer(profile: domain.Profile) -> journey_service_pb2.Customer:
    """Write a profile, its identifiers masked."""
    return journey_service_pb2.Customer(
        customer_id=str(profile.customer_id),
        identifiers=[
            touchpoint_pb.Identifier(
                type=_TYPE_NUMBERS[each.type], value=domain.mask(each.value), temporary=each.temporary
            )
            for each in profile.identifiers
        ],
        first_occurred_time=_timestamp(profile.first_occurred_time),
        last_occurred_time=_timestamp(profile.last_occurred_time),
        touchpoint_count=profile.touchpoint_count,
        stage=position(None, profile.stage).stage,
    )


def identifier(given: touchpoint_pb.Identifier) -> domain.Identifier:
    """Read an identifier of a request."""
    if given.type not in _TYPES:
        raise InvalidInput.of_field("identifier.type", "is missing or unknown")
    if not given.value:
        raise InvalidInput.of_field("identifier.value", "is missing")
    return domain.Identifier(_TYPES[given.type], given.value)


def _timestamp(time: dt.datetime | None) -> timestamp_pb2.Timestamp | None:
    if time is None:
        return None
    made = timestamp_pb2.Timestamp()
    made.FromDatetime(time)
    return made
