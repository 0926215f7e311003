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
    scores = found.sentiment_scores
    return pb.Classification(
        sentiment=_SENTIMENTS[found.sentiment],
        sentiment_scores=pb.SentimentScores(negative=scores.negative, neutral=scores.neutral, positive=scores.positive),
        emotion=found.emotion,
        emotion_score=found.emotion_score,
        abusive=found.abusive,
        abuse_score=found.abuse_score,
        utterance=_UTTERANCES[found.utterance],
        language=_LANGUAGES.get(found.language, "und"),
        topics=found.topics,
        urgency=found.urgency,
        urgency_reasons=found.urgency_reasons,
        keywords=found.keywords,
        degraded=found.degraded,
        model_version=found.model_version,
    )


def touchpoint_classified(
    touchpoint: touchpoint_pb2.Touchpoint, found: domain.Classification
) -> touchpoint_events_pb2.TouchpointClassified:
    """Add classify's section to what ingest said."""
    made = touchpoint_events_pb2.TouchpointClassified()
    made.touchpoint.CopyFrom(touchpoint)
    made.classification.CopyFrom(classification(found))
    return made
