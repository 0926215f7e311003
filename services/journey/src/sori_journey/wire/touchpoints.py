"""Touchpoints and places on timelines."""

import uuid

from google.protobuf.message import DecodeError

from sori.classify.v1 import touchpoint_events_pb2 as classified_pb
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import position_pb2, touchpoint_events_pb2
from sori_journey import domain, store
from sori_journey.store import uuids
from sori_journey.wire import words
from sori_kit import parse
from sori_kit.errors import InvalidInput


def observation(classified: classified_pb.TouchpointClassified, entry: bytes = b"") -> domain.Observation:
    """Read what decides the place of a touchpoint; `entry` is its serialised form where that is at hand."""
    return of_touchpoint(
        classified.touchpoint,
        _touchpoint_id(classified.touchpoint.touchpoint_id),
        sentiment=words.SENTIMENTS.get(classified.classification.sentiment, ""),
        entry=entry or classified.SerializeToString(),
    )


def unplaced(data: bytes) -> domain.Observation | None:
    """Read a touchpoint at whatever station of the line, whose id may be none; None: it cannot be read at all."""
    try:
        touchpoint = classified_pb.TouchpointClassified.FromString(data).touchpoint  # Each begins with the touchpoint.
    except DecodeError:
        return None
    return of_touchpoint(touchpoint, uuid.UUID(int=0))


def _touchpoint_id(text: str) -> uuid.UUID:
    try:
        return uuids.read(text)
    except ValueError:
        return parse.uuid(text, "touchpoint.touchpoint_id")


def of_touchpoint(
    touchpoint: touchpoint_pb2.Touchpoint, touchpoint_id: uuid.UUID, *, sentiment: str = "", entry: bytes = b""
) -> domain.Observation:
    """Read what a touchpoint says of whose it is."""
    return domain.Observation(
        touchpoint_id=touchpoint_id,
        revision=touchpoint.revision,
        source=touchpoint.source,
        channel=words.CHANNELS.get(touchpoint.channel, ""),
        kind=words.KINDS.get(touchpoint.kind, ""),
        own=touchpoint.actor in words.OWN,
        sentiment=sentiment,
        occurred_time=parse.moment(touchpoint.occurred_time),
        identifiers=tuple(
            [
                domain.Identifier(words.TYPES[each.type], each.value, each.temporary)
                for each in touchpoint.identifiers
                if each.type in words.TYPES
            ]
        ),
        entry=entry,
    )


def position(customer_id: uuid.UUID | None, stage: domain.Stage | None, version: int = 0) -> position_pb2.Position:
    """Write journey's section."""
    return position_pb2.Position(
        customer_id=str(customer_id or ""),
        stage=words.STAGES[stage] if stage else position_pb2.STAGE_UNSPECIFIED,
        graph_version=version,
    )


def touchpoint_stitched(placed: domain.Placed, version: int) -> touchpoint_events_pb2.TouchpointStitched:
    """Write journey's section; those of the earlier stations, with the same numbers in both, are passed on."""
    made = touchpoint_events_pb2.TouchpointStitched()
    section = made.position
    section.SetInParent()
    if placed.customer_id is not None:
        section.customer_id = str(placed.customer_id)
    if placed.stage is not None:
        section.stage = words.STAGES[placed.stage]
    section.graph_version = version
    return made


def timeline_entry(stored: store.Entry) -> pb.TimelineEntry:
    """Read a stored entry; its customer is the one it belongs to now."""
    classified = classified_pb.TouchpointClassified.FromString(stored.entry)
    return pb.TimelineEntry(
        touchpoint=classified.touchpoint,
        classification=classified.classification,
        position=position(stored.customer_id, stored.stage),
    )


def timeline_filter(request: pb.GetTimelineRequest) -> domain.TimelineFilter:
    """Read which entries are wanted."""
    for field, given, known in (
        ("channels", request.channels, words.CHANNELS),
        ("kinds", request.kinds, words.KINDS),
        ("sentiments", request.sentiments, words.SENTIMENTS),
    ):
        for each in given:
            if not each or each not in known:
                raise InvalidInput.of_field(field, "names something unknown")
    return domain.TimelineFilter(
        channels=frozenset(words.CHANNELS[each] for each in request.channels),
        kinds=frozenset(words.KINDS[each] for each in request.kinds),
        sentiments=frozenset(words.SENTIMENTS[each] for each in request.sentiments),
        from_time=parse.time(request.from_time, "from_time") if request.HasField("from_time") else None,
        until_time=parse.time(request.until_time, "until_time") if request.HasField("until_time") else None,
    )
