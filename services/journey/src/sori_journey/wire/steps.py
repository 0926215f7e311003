"""Touchpoints as steps of a path, in both spellings."""

import datetime as dt
import math
import uuid
from collections.abc import Iterable, Mapping, Sequence

from sori.classify.v1 import classification_events_pb2, classification_pb2
from sori.classify.v1 import touchpoint_events_pb2 as classified_pb
from sori.ingest.v1 import touchpoint_pb2
from sori_journey import domain
from sori_journey.domain.journey_map import FELT, LEAVING, MOOD_SCALE, MOST_TOPICS, OWN, STEP
from sori_journey.wire import words
from sori_kit import parse

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_MOODS = {
    classification_pb2.SENTIMENT_NEGATIVE: -1.0,
    classification_pb2.SENTIMENT_NEUTRAL: 0.0,
    classification_pb2.SENTIMENT_POSITIVE: 1.0,
}
_STAGES = {number: stage for stage, number in words.STAGES.items()}
_SIGNS = {"purchase": 1.0, "refund": -1.0}


def correction(
    said: classification_events_pb2.ClassificationCorrected,
) -> tuple[uuid.UUID, uuid.UUID, dt.datetime, bytes]:
    """Read a correction: its id, touchpoint, time and what should have been said; the text is left where it is."""
    return (
        parse.uuid(said.correction_id, "correction_id"),
        parse.uuid(said.touchpoint_id, "touchpoint_id"),
        parse.time(said.corrected_time, "corrected_time"),
        said.correction.SerializeToString(),
    )


def correct(classification: classification_pb2.Classification, corrections: Iterable[bytes]) -> bool:
    """Apply corrections by time; says whether anything is other than before. Doing it again changes nothing."""
    before = classification.SerializeToString(deterministic=True)
    for each in corrections:
        said = classification_pb2.Correction.FromString(each)
        if said.sentiment:
            classification.sentiment = said.sentiment
            classification.ClearField("sentiment_scores")  # They say what the model thought.
            classification.degraded = False
        if said.emotion:
            classification.emotion = said.emotion
        if said.HasField("abusive"):
            classification.abusive = said.abusive
        if said.utterance:
            classification.utterance = said.utterance
        if said.topics or said.no_topics:
            classification.topics[:] = [] if said.no_topics else said.topics
    return before != classification.SerializeToString(deterministic=True)


def step(classified: classified_pb.TouchpointClassified) -> domain.Step:
    """Read what journeys depend on."""
    touchpoint, read = classified.touchpoint, classified.classification
    own = touchpoint.actor in words.OWN
    kind = words.KINDS.get(touchpoint.kind, "")
    return domain.Step(
        touchpoint_id=uuid.UUID(touchpoint.touchpoint_id),
        time=touchpoint.occurred_time.ToDatetime(dt.UTC),
        channel=words.CHANNELS.get(touchpoint.channel, ""),
        kind=kind,
        own=own,
        mood=_mood(read) if own and touchpoint.text.strip() else None,
        topics=tuple(dict.fromkeys(read.topics)) if own else (),
        org_unit=touchpoint.org_unit,
        product=touchpoint.product,
        amount=_amount(touchpoint, kind),
        nps=_nps(touchpoint),
    )


def _mood(read: classification_pb2.Classification) -> float | None:
    if read.degraded or read.sentiment not in _MOODS:
        return None
    scores = read.sentiment_scores
    total = scores.negative + scores.neutral + scores.positive
    if total < 0.5 or not math.isfinite(total):
        return _MOODS[read.sentiment]
    return max(-1.0, min(1.0, (scores.positive - scores.negative) / total))


def _amount(touchpoint: touchpoint_pb2.Touchpoint, kind: str) -> float | None:
    sign = _SIGNS.get(kind)
    if sign is None:
        return None
    try:
        amount = abs(float(touchpoint.attributes.get("amount", "").replace(",", "")))
    except ValueError:
        return None
    return sign * amount if amount < 1e12 else None


def _nps(touchpoint: touchpoint_pb2.Touchpoint) -> float | None:
    survey = touchpoint.survey
    if survey.type != touchpoint_pb2.SURVEY_TYPE_NPS:
        return None
    lowest, highest = (survey.lowest, survey.highest) if survey.highest > survey.lowest else (0.0, 10.0)
    return max(0.0, min(10.0, (survey.score - lowest) / (highest - lowest) * 10))


def step_words(steps: Iterable[domain.Step]) -> dict[str, set[str]]:
    """Name the words that steps hold, by kind."""
    found: dict[str, set[str]] = {"topic": set(), "org_unit": set(), "product": set()}
    for each in steps:
        found["topic"].update(each.topics)
        found["org_unit"].add(each.org_unit)
        found["product"].add(each.product)
    return {kind: texts - {""} for kind, texts in found.items()}


def pack(course: domain.Course, numbers: Mapping[tuple[str, str], int], leaving: frozenset[str]) -> bytes:
    """Write a journey as records."""
    return b"".join(
        _pack(each, stage, numbers, each.kind in leaving)
        for each, stage in zip(course.steps, course.stages, strict=True)
    )


def _pack(
    each: domain.Step, stage: domain.Stage | None, numbers: Mapping[tuple[str, str], int], leaving: bool
) -> bytes:
    topics = [number for topic in each.topics if (number := numbers.get(("topic", topic), 0)) <= 0xFFFF][:MOST_TOPICS]
    return STEP.pack(
        (each.time - _EPOCH) // _MICROSECOND,
        words.STAGES[stage] if stage else 0,
        words.CHANNEL_NUMBERS.get(each.channel, 0),
        words.KIND_NUMBERS.get(each.kind, 0),
        OWN * each.own | FELT * (each.mood is not None) | LEAVING * leaving,
        round((each.mood or 0.0) * MOOD_SCALE),
        *topics,
        *[0] * (MOST_TOPICS - len(topics)),
        0,
        numbers.get(("org_unit", each.org_unit), 0),
        numbers.get(("product", each.product), 0),
    )


def unpack(steps: bytes, texts: Mapping[tuple[str, int], str]) -> list[domain.Step]:
    """Read records; touchpoints, amounts and answers are not among them."""
    found = []
    for time, _, channel, kind, flags, mood, *topics, _, org_unit, product in STEP.iter_unpack(steps):
        found.append(
            domain.Step(
                touchpoint_id=_NOBODY,
                time=_EPOCH + dt.timedelta(microseconds=time),
                channel=words.CHANNELS.get(channel, ""),
                kind=words.KINDS.get(kind, "") if kind else "",
                own=bool(flags & OWN),
                mood=mood / MOOD_SCALE if flags & FELT else None,
                topics=tuple(text for each in topics if each and (text := texts.get(("topic", each)))),
                org_unit=texts.get(("org_unit", org_unit), ""),
                product=texts.get(("product", product), ""),
            )
        )
    return found


_NOBODY = uuid.UUID(int=0)


def numbers_of(paths: Sequence[bytes]) -> set[tuple[str, int]]:
    """Name the numbers of words that records hold."""
    found: set[tuple[str, int]] = set()
    for steps in paths:
        for *_, topic0, topic1, topic2, topic3, _, org_unit, product in STEP.iter_unpack(steps):
            found.update(("topic", each) for each in (topic0, topic1, topic2, topic3) if each)
            found.update([("org_unit", org_unit), ("product", product)])
    return found


def read_entry(stored: bytes) -> classified_pb.TouchpointClassified:
    """Read an entry of a timeline."""
    return classified_pb.TouchpointClassified.FromString(stored)


def sentiment(classification: classification_pb2.Classification) -> str | None:
    """Name a mood."""
    return words.SENTIMENTS.get(classification.sentiment)
