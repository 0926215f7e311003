"""Touchpoints and events for tests; everything has a default."""

import datetime as dt
import itertools
from typing import Any

from sori.classify.v1 import classification_pb2, touchpoint_events_pb2
from sori.ingest.v1 import touchpoint_pb2
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori.journey.v1 import position_pb2
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import ids
from sori_kit.envelope import Event

NOON = dt.datetime(2026, 11, 2, 3, 0, tzinfo=dt.UTC)  # A Monday noon in Seoul.
_numbers = itertools.count(1)


def a_touchpoint(
    *,
    occurred_time: dt.datetime = NOON,
    identifiers: list[tuple[str, str]] | None = None,
    channel: str = "kakao",
    kind: str = "inquiry",
    actor: str = "customer",
    **fields: Any,
) -> touchpoint_pb2.Touchpoint:
    """A touchpoint as a channel hands it in; `identifiers` as [("member_id", "M1")]."""
    fields.setdefault("source", "kakao-main")
    fields.setdefault("external_id", f"x-{next(_numbers)}")
    fields.setdefault("text", "배송이 또 늦었어요")
    made = touchpoint_pb2.Touchpoint(
        channel=touchpoint_pb2.Channel.Value(f"CHANNEL_{channel.upper()}"),
        kind=touchpoint_pb2.TouchpointKind.Value(f"TOUCHPOINT_KIND_{kind.upper()}"),
        actor=touchpoint_pb2.Actor.Value(f"ACTOR_{actor.upper()}"),
        **fields,
    )
    made.occurred_time.FromDatetime(occurred_time)
    for type_name, value in identifiers if identifiers is not None else [("member_id", "M-1")]:
        made.identifiers.add(
            type=touchpoint_pb2.IdentifierType.Value(f"IDENTIFIER_TYPE_{type_name.upper()}"), value=value
        )
    return made


def a_received_touchpoint(**fields: Any) -> touchpoint_pb2.Touchpoint:
    """A touchpoint as ingest passes it on."""
    made = a_touchpoint(**fields)
    made.touchpoint_id = made.touchpoint_id or str(ids.derive("touchpoint", made.source, made.external_id))
    made.received_time.FromDatetime(made.occurred_time.ToDatetime(dt.UTC) + dt.timedelta(seconds=1))
    return made


def a_classification(sentiment: str = "negative", **fields: Any) -> classification_pb2.Classification:
    """What classify says of it."""
    return classification_pb2.Classification(
        sentiment=classification_pb2.Sentiment.Value(f"SENTIMENT_{sentiment.upper()}"),
        language="ko",
        model_version="test",
        **fields,
    )


def received(**fields: Any) -> Event[TouchpointReceived]:
    """A TouchpointReceived event."""
    touchpoint = a_received_touchpoint(**fields)
    return Event.new(
        TouchpointReceived(touchpoint=touchpoint),
        event_id=touchpoint.touchpoint_id,
        entity_id=touchpoint.touchpoint_id,
        time=NOON,
    )


def classified(
    classification: classification_pb2.Classification | None = None, **fields: Any
) -> Event[touchpoint_events_pb2.TouchpointClassified]:
    """A TouchpointClassified event."""
    cause = received(**fields)
    return Event.new(
        touchpoint_events_pb2.TouchpointClassified(
            touchpoint=cause.message.touchpoint, classification=classification or a_classification()
        ),
        event_id=str(ids.derive("classified", cause.event_id)),
        entity_id=cause.entity_id,
        time=NOON,
        cause=cause,
    )


def stitched(
    classification: classification_pb2.Classification | None = None,
    *,
    customer_id: str = "00000000-0000-4000-8000-000000000001",
    stage: str = "retention",
    **fields: Any,
) -> Event[TouchpointStitched]:
    """A TouchpointStitched event."""
    cause = classified(classification, **fields)
    return Event.new(
        TouchpointStitched(
            touchpoint=cause.message.touchpoint,
            classification=cause.message.classification,
            position=position_pb2.Position(
                customer_id=customer_id, stage=position_pb2.Stage.Value(f"STAGE_{stage.upper()}")
            ),
        ),
        event_id=str(ids.derive("stitched", cause.event_id)),
        entity_id=cause.entity_id,
        time=NOON,
        cause=cause,
    )
