"""Keeping what people say a classification should have been."""

import datetime as dt
import uuid

from sori.classify.v1 import classification_pb2 as pb
from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori_classify import domain
from sori_classify.usecases.reading import Reader, check
from sori_kit import ids
from sori_kit.bus import Bus
from sori_kit.envelope import Event, event_type
from sori_kit.errors import InvalidInput

LONGEST_REASON = 500  # characters
LONGEST_REQUEST_ID = 64
_MOST_TOPICS = 20
_TYPE = event_type(ClassificationCorrected)


async def correct(
    reader: Reader,
    bus: Bus,
    *,
    touchpoint_id: uuid.UUID,
    correction: pb.Correction,
    reason: str,
    text: str,
    request_id: str,
    by: str,
    now: dt.datetime,
) -> str:
    """Publish a correction, to be kept for ever; gives its id when it is on disk."""
    _check(correction, reason, text, request_id, reader.topics)
    correction_id = ids.derived("correction", str(touchpoint_id), by, request_id or str(uuid.uuid4()))
    corrected = ClassificationCorrected(
        correction_id=correction_id,
        touchpoint_id=str(touchpoint_id),
        correction=correction,
        corrected_by=by,
        reason=reason,
        text=text,
    )
    corrected.corrected_time.FromDatetime(now)
    if text:
        [found] = (await reader.read([text])).classifications
        corrected.classification.CopyFrom(found)
    event = Event.new(corrected, event_id=correction_id, entity_id=str(touchpoint_id), time=now)
    await bus.publish([event], forever=True)
    return correction_id


def _check(correction: pb.Correction, reason: str, text: str, request_id: str, topics: frozenset[str]) -> None:
    if not correction.ByteSize():
        raise InvalidInput.of_field("correction", "changes nothing")
    if correction.sentiment not in pb.Sentiment.values():
        raise InvalidInput.of_field("correction.sentiment", "is unknown")
    if correction.utterance not in pb.Utterance.values():
        raise InvalidInput.of_field("correction.utterance", "is unknown")
    if correction.emotion and correction.emotion not in set(domain.EMOTIONS):
        raise InvalidInput.of_field("correction.emotion", f"is none of {', '.join(domain.EMOTIONS)}")
    if correction.no_topics and correction.topics:
        raise InvalidInput.of_field("correction.no_topics", "is set, and so is `topics`")
    if len(correction.topics) > _MOST_TOPICS:
        raise InvalidInput.of_field("correction.topics", f"are more than {_MOST_TOPICS}")
    for index, topic in enumerate(correction.topics):
        if topic not in topics:
            raise InvalidInput.of_field(f"correction.topics[{index}]", f"is none of {', '.join(sorted(topics))}")
    if len(reason) > LONGEST_REASON:
        raise InvalidInput.of_field("reason", f"is longer than {LONGEST_REASON} characters")
    if len(request_id) > LONGEST_REQUEST_ID:
        raise InvalidInput.of_field("request_id", f"is longer than {LONGEST_REQUEST_ID} characters")
    check(text, "text")


async def list_corrections(bus: Bus, *, after: int, most: int) -> tuple[list[ClassificationCorrected], int | None]:
    """Read a page of corrections, oldest first, with the sequence after which the next page begins, if there is one."""
    page = await bus.read(_TYPE, after=after, most=most + 1)
    more = page[most - 1].sequence if len(page) > most else None
    return [ClassificationCorrected.FromString(each.data) for each in page[:most]], more
