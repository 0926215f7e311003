"""Customers: who they are, why, and what of it changed."""

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence

from sori.journey.v1 import customer_events_pb2, identity_pb2
from sori.journey.v1 import journey_service_pb2 as pb
from sori_journey import domain
from sori_journey.store.graph import StoredDecision
from sori_journey.wire import words
from sori_journey.wire.touchpoints import position
from sori_kit import parse
from sori_kit.errors import InvalidInput

_LONGEST_REASON = 256  # characters


def reference(
    given: identity_pb2.CustomerReference, field: str = "customer"
) -> uuid.UUID | domain.Identifier | domain.TouchpointReference:
    """Read by what a customer is named."""
    which = given.WhichOneof("reference")
    if which == "customer_id":
        return parse.uuid(given.customer_id, f"{field}.customer_id")
    if which == "touchpoint_id":
        return domain.TouchpointReference(parse.uuid(given.touchpoint_id, f"{field}.touchpoint_id"))
    if which == "identifier":
        return words.identifier(given.identifier, f"{field}.identifier")
    raise InvalidInput.of_field(field, "is missing")


def reason(given: str) -> str:
    """Read why somebody decided something."""
    if len(given) > _LONGEST_REASON:
        raise InvalidInput.of_field("reason", f"is longer than {_LONGEST_REASON} characters")
    if "\0" in given:
        raise InvalidInput.of_field("reason", "holds a NUL")
    return given


def customer(profile: domain.Profile, *, masked: bool) -> pb.Customer:
    """Write a profile."""
    return pb.Customer(
        customer_id=str(profile.customer_id),
        identifiers=[words.identifier_message(each, masked=masked) for each in profile.identifiers],
        first_occurred_time=words.timestamp(profile.first_occurred_time),
        last_occurred_time=words.timestamp(profile.last_occurred_time),
        touchpoint_count=profile.touchpoint_count,
        stage=position(None, profile.stage).stage,
        channel_counts=[
            pb.ChannelCount(channel=words.CHANNEL_NUMBERS[name], count=count) for name, count in profile.channel_counts
        ],
        kind_counts=[pb.KindCount(kind=words.KIND_NUMBERS[name], count=count) for name, count in profile.kind_counts],
        moods=[_mood(each) for each in profile.moods],
        segments=profile.segments,
    )


def _mood(month: domain.MoodMonth) -> pb.MoodPoint:
    total = month.negative + month.neutral + month.positive
    return pb.MoodPoint(
        start_time=words.timestamp(dt.datetime.combine(month.month, dt.time(), dt.UTC)),
        negative_count=month.negative,
        neutral_count=month.neutral,
        positive_count=month.positive,
        mean=(month.positive - month.negative) / total,
    )


def customer_merged(
    gone: uuid.UUID, remains: uuid.UUID, touchpoint_id: str, version: int, decision_id: str, now: dt.datetime
) -> customer_events_pb2.CustomerMerged:
    """Say which customer went into which."""
    return customer_events_pb2.CustomerMerged(
        customer_id=str(remains),
        merged_customer_id=str(gone),
        touchpoint_id=touchpoint_id,
        merged_time=words.timestamp(now),
        graph_version=version,
        decision_id=decision_id,
    )


def customer_split(
    source: uuid.UUID,
    target: uuid.UUID,
    touchpoint_ids: Sequence[uuid.UUID],
    version: int,
    decision_id: str,
    now: dt.datetime,
) -> customer_events_pb2.CustomerSplit:
    """Say which touchpoints went from whom to whom."""
    return customer_events_pb2.CustomerSplit(
        customer_id=str(source),
        split_customer_id=str(target),
        touchpoint_ids=map(str, touchpoint_ids),
        split_time=words.timestamp(now),
        graph_version=version,
        decision_id=decision_id,
    )


def link(given: domain.Link, decisions: Mapping[uuid.UUID, StoredDecision]) -> identity_pb2.EvidenceLink:
    """Write one step of the reasons why a customer is one person."""
    made = identity_pb2.EvidenceLink(
        kind=words.LINKS[given.kind],
        left=words.identifier_message(given.left),
        right=words.identifier_message(given.right),
    )
    if given.evidence:
        made.touchpoint_id = str(given.evidence.touchpoint_id)
        made.time.FromDatetime(given.evidence.time)
        made.source = given.evidence.source
    if given.decision_id:
        made.decision_id = str(given.decision_id)
        stored = decisions[given.decision_id]
        made.time.FromDatetime(stored.decision.time)
        made.decided_by = stored.decided_by
        made.reason = stored.reason
    return made


def detached(given: domain.Refusal) -> identity_pb2.DetachedIdentifier:
    """Write what was kept away from a customer, and why."""
    return identity_pb2.DetachedIdentifier(
        identifier=words.identifier_message(given.detached),
        reason=words.REASONS[given.reason],
        touchpoint_id=str(given.evidence.touchpoint_id),
        occurred_time=words.timestamp(given.evidence.time),
        anchor=words.identifier_message(given.anchor),
    )


def hide(message: identity_pb2.EvidenceLink | identity_pb2.DetachedIdentifier) -> None:
    """Mask the identifiers of an explanation for somebody who may read but not act."""
    named = (
        (message.left, message.right)
        if isinstance(message, identity_pb2.EvidenceLink)
        else (message.identifier, message.anchor)
    )
    for each in named:
        each.value = domain.mask(each.value)
