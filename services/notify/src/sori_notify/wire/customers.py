"""What journey says of customers."""

import uuid

from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori_kit import parse


def merge(merged: CustomerMerged) -> tuple[uuid.UUID, uuid.UUID]:
    """Read who was merged, and into whom."""
    return parse.uuid(merged.merged_customer_id, "merged_customer_id"), parse.uuid(merged.customer_id, "customer_id")


def erased(given: CustomerErased) -> list[uuid.UUID]:
    """Read who is to be forgotten, under all names."""
    return [parse.uuid(each, "customer_ids") for each in given.customer_ids]


def split(given: CustomerSplit) -> tuple[uuid.UUID, list[uuid.UUID]]:
    """Read who is somebody else after all, and which touchpoints are theirs."""
    return (
        parse.uuid(given.split_customer_id, "split_customer_id"),
        [parse.uuid(each, "touchpoint_ids") for each in given.touchpoint_ids],
    )
