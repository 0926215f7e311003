"""Domain to proto and back, nothing else."""

from sori.classify.v1 import classification_pb2 as pb
from sori.classify.v1 import touchpoint_events_pb2
from sori.ingest.v1 import touchpoint_pb2
from sori_classify import domain

_SENTIMENTS = {each: pb.Sentiment.Value(f"SENTIMENT_{each.name}") for each in domain.Sentiment}
_UTTERANCES = {each: pb.Utterance.Value(f"UTTERANCE_{each.name}") for each in domain.Utterance}
_LANGUAGES = {domain.Language.KOREAN: "ko", domain.Language.ENGLISH: "en"}


def classification(found: domain.Classification) -> pb.Classification:
    """Write classify's section."""
    made = pb.Classification()
    _write(found, made)
    return made


def touchpoint_classified(
    touchpoint: touchpoint_pb2.Touchpoint, found: domain.Classification
) -> touchpoint_events_pb2.TouchpointClassified:
    """Add classify's section to what ingest said."""
    made = touchpoint_events_pb2.TouchpointClassified()
    made.touchpoint.CopyFrom(touchpoint)
    _write(found, made.classification)
    return made


def _write(found: domain.Classification, made: pb.Classification) -> None:
    """Fill in field by field, in place: half the time of building a section and copying it."""
    made.sentiment = _SENTIMENTS[found.sentiment]
    scores = made.sentiment_scores
    scores.negative = found.sentiment_scores.negative
    scores.neutral = found.sentiment_scores.neutral
    scores.positive = found.sentiment_scores.positive
    made.emotion = found.emotion
    made.emotion_score = found.emotion_score
    made.abusive = found.abusive
    made.abuse_score = found.abuse_score
    made.utterance = _UTTERANCES[found.utterance]
    made.language = _LANGUAGES.get(found.language, "und")
    made.topics.extend(found.topics)
    made.urgency = found.urgency
    made.urgency_reasons.extend(found.urgency_reasons)
    made.keywords.extend(found.keywords)
    made.degraded = found.degraded
    made.model_version = found.model_version
