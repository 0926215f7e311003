"""Consents, exports and erasures."""

import datetime as dt
import re
import uuid
from collections.abc import Sequence

from sori.journey.v1 import customer_events_pb2, rights_pb2
from sori_journey import domain
from sori_journey.store.rights import Erasure
from sori_journey.wire import words
from sori_kit import parse
from sori_kit.errors import InvalidInput

_PURPOSE = re.compile(r"[a-z0-9_]{1,64}")
_STATES = {number: state for state, number in words.CONSENT_STATES.items()}
_SOURCES = {number: source for source, number in words.CONSENT_SOURCES.items()}


def said(given: rights_pb2.Consent, *, now: dt.datetime) -> domain.Consent:
    """Read what a customer said; whose it is, is filled in later."""
    if not _PURPOSE.fullmatch(given.purpose):
        raise InvalidInput.of_field("consent.purpose", "is not 1 to 64 of a-z, 0-9, '_'")
    if given.state not in _STATES:
        raise InvalidInput.of_field("consent.state", "is missing or unknown")
    if given.source not in _SOURCES:
        raise InvalidInput.of_field("consent.source", "is missing or unknown")
    recorded = parse.time(given.recorded_time, "consent.recorded_time") if given.HasField("recorded_time") else now
    if recorded > now:
        raise InvalidInput.of_field("consent.recorded_time", "lies in the future")
    expires = parse.time(given.expire_time, "consent.expire_time") if given.HasField("expire_time") else None
    if expires is not None and expires <= recorded:
        raise InvalidInput.of_field("consent.expire_time", "is not after recorded_time")
    return domain.Consent(
        customer_id=uuid.UUID(int=0),
        purpose=given.purpose,
        state=_STATES[given.state],
        source=_SOURCES[given.source],
        recorded_time=recorded,
        expire_time=expires,
    )


def consent(given: domain.Consent, *, now: dt.datetime) -> rights_pb2.Consent:
    """Write what counts for a purpose."""
    return rights_pb2.Consent(
        purpose=given.purpose,
        state=words.CONSENT_STATES[given.state],
        source=words.CONSENT_SOURCES[given.source],
        recorded_time=words.timestamp(given.recorded_time),
        expire_time=words.timestamp(given.expire_time),
        in_force=domain.is_granted(given, now=now),
    )


def erasure(given: Erasure) -> rights_pb2.Erasure:
    """Write how far an erasure is."""
    return rights_pb2.Erasure(
        erasure_id=str(given.erasure_id),
        state=rights_pb2.ERASURE_STATE_DONE if given.done_time else rights_pb2.ERASURE_STATE_RUNNING,
        requested_time=words.timestamp(given.requested_time),
        requested_by=given.requested_by,
        reason=given.reason,
        proofs=given.proofs,
        touchpoint_count=given.touchpoint_count,
        identifier_count=given.identifier_count,
        broker_count=given.broker_count,
        broker_done_time=words.timestamp(given.broker_done_time),
        answers=[
            rights_pb2.ErasureAnswer(
                service=each.service,
                answered_time=words.timestamp(each.answered_time),
                removed_count=each.removed_count,
            )
            for each in given.answers
        ],
        done_time=words.timestamp(given.done_time),
    )


def customer_erased(
    erasure_id: uuid.UUID,
    names: Sequence[uuid.UUID],
    touchpoint_ids: Sequence[uuid.UUID],
    part: int,
    parts: int,
    now: dt.datetime,
) -> customer_events_pb2.CustomerErased:
    """Ask everybody to erase their copies."""
    return customer_events_pb2.CustomerErased(
        erasure_id=str(erasure_id),
        customer_ids=map(str, names),
        touchpoint_ids=map(str, touchpoint_ids),
        erased_time=words.timestamp(now),
        part=part,
        part_count=parts,
    )
