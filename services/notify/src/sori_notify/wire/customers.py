"""What journey says of customers, and people of touchpoints."""

import datetime as dt
import uuid

from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import parse
from sori_notify import domain


def merge(given: CustomerMerged) -> domain.Merge:
    """Read who was merged, and into whom."""
    return domain.Merge(
        parse.uuid(given.merged_customer_id, "merged_customer_id"),
        parse.uuid(given.customer_id, "customer_id"),
        given.graph_version,
    )


def split(given: CustomerSplit) -> domain.Split:
    """Read who is somebody else after all, and which touchpoints are theirs."""
    customer_id = parse.uuid(given.split_customer_id, "split_customer_id")
    return domain.Split(
        domain.Belonging(customer_id, given.graph_version),
        tuple(parse.uuid(each, "touchpoint_ids") for each in given.touchpoint_ids),
    )


def named(given: TouchpointStitched) -> tuple[uuid.UUID, ...]:
    """Name a touchpoint and its customer, if it has one."""
    touchpoint_id = parse.uuid(given.touchpoint.touchpoint_id, "touchpoint.touchpoint_id")
    customer_id = given.position.customer_id
    return (touchpoint_id, parse.uuid(customer_id, "position.customer_id")) if customer_id else (touchpoint_id,)


def erased(given: CustomerErased) -> domain.Erased:
    """Read who is to be forgotten, under all names."""
    return domain.Erased(
        erasure_id=parse.uuid(given.erasure_id, "erasure_id"),
        part=given.part,
        part_count=given.part_count,
        customer_ids=tuple(parse.uuid(each, "customer_ids") for each in given.customer_ids),
        touchpoint_ids=tuple(parse.uuid(each, "touchpoint_ids") for each in given.touchpoint_ids),
    )


def corrected(given: ClassificationCorrected) -> domain.Corrected | None:
    """Read what a touchpoint should have been about, or None where the topics were right."""
    touchpoint_id = parse.uuid(given.touchpoint_id, "touchpoint_id")
    if not (given.correction.topics or given.correction.no_topics):
        return None
    return domain.Corrected(
        correction_id=parse.uuid(given.correction_id, "correction_id"),
        touchpoint_id=touchpoint_id,
        corrected_time=given.corrected_time.ToDatetime(dt.UTC),
        topics=tuple(given.correction.topics),
    )
