"""Classify's section as it goes over the wire, made of parts: setting its fields one by one takes twice as long.

Protobuf takes fields in any order, and messages one after another as one that has the fields of all
(https://protobuf.dev/programming-guides/encoding/). What texts have in common is written once and kept.
"""

import functools
import struct

from google.protobuf.message import Message

from sori.classify.v1 import classification_pb2 as pb
from sori_classify import domain

_SENTIMENTS = {each: pb.Sentiment.Value(f"SENTIMENT_{each.name}") for each in domain.Sentiment}
_UTTERANCES = {each: pb.Utterance.Value(f"UTTERANCE_{each.name}") for each in domain.Utterance}
_LANGUAGES = {domain.Language.KOREAN: "ko", domain.Language.ENGLISH: "en"}
_MOST_PARTS = 10_000  # kept of a kind
_WHOLE, _SIZED, _FLOAT = 0, 2, 5  # how a value is written: in sevens of bits, after its size, in four bytes


@functools.lru_cache(_MOST_PARTS)
def _whole(number: int) -> bytes:
    """Write a number by sevens of bits, the last ones first."""
    begun = []
    while number > 0x7F:
        begun.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*begun, number])


def tag(message: type[Message], field: str, kind: int = _SIZED) -> bytes:
    """Write what stands before the value of a field."""
    return _whole(message.DESCRIPTOR.fields_by_name[field].number << 3 | kind)


def within(before: bytes, message: bytes) -> bytes:
    """Write a message as a field of another, behind the tag of that field."""
    return before + _whole(len(message)) + message


_SCORE = struct.Struct("<f")
_NUMBERS = struct.Struct("<5sfsfsfsfsf3sf")  # all scores, each behind its tag
_MOOD = {
    sentiment: tag(pb.Classification, "sentiment", _WHOLE)
    + _whole(number)
    + tag(pb.Classification, "sentiment_scores")
    + _whole(3 * (1 + _SCORE.size))
    + tag(pb.SentimentScores, "negative", _FLOAT)
    for sentiment, number in _SENTIMENTS.items()
}
_NEUTRAL, _POSITIVE = (tag(pb.SentimentScores, name, _FLOAT) for name in ("neutral", "positive"))
_EMOTION_SCORE, _ABUSE_SCORE = (tag(pb.Classification, name, _FLOAT) for name in ("emotion_score", "abuse_score"))
_SPOKEN = {
    utterance: tag(pb.Classification, "utterance", _WHOLE) + _whole(number) + tag(pb.Classification, "urgency", _FLOAT)
    for utterance, number in _UTTERANCES.items()
}


def write(found: domain.Classification) -> bytes:
    """Write a Classification."""
    negative, neutral, positive = found.sentiment_scores
    parts = [
        _NUMBERS.pack(
            _MOOD[found.sentiment],
            negative,
            _NEUTRAL,
            neutral,
            _POSITIVE,
            positive,
            _EMOTION_SCORE,
            found.emotion_score,
            _ABUSE_SCORE,
            found.abuse_score,
            _SPOKEN[found.utterance],
            found.urgency,
        ),
        _said(found.emotion, found.language, found.model_version, found.abusive, found.degraded, found.urgency_reasons),
    ]
    if found.keywords or found.topics or found.subtopics:
        parts.append(_named(found.topics, found.subtopics, found.keywords))
    for topic, sentiment, score in found.topic_sentiments:
        parts += (_about(topic, sentiment), _SCORE.pack(score))
    if found.kote:
        kote = pb.Classification(emotions=dict(zip(domain.KOTE, found.kote, strict=True)))
        parts.append(kote.SerializeToString())
    return b"".join(parts)


@functools.lru_cache(_MOST_PARTS)
def _said(
    emotion: domain.Emotion,
    language: domain.Language,
    model_version: str,
    abusive: bool,
    degraded: bool,
    urgency_reasons: tuple[str, ...],
) -> bytes:
    return pb.Classification(
        emotion=emotion,
        language=_LANGUAGES.get(language, "und"),
        model_version=model_version,
        abusive=abusive,
        degraded=degraded,
        urgency_reasons=urgency_reasons,
    ).SerializeToString()


@functools.lru_cache(_MOST_PARTS)
def _named(topics: tuple[str, ...], subtopics: tuple[str, ...], keywords: tuple[str, ...]) -> bytes:
    return pb.Classification(topics=topics, subtopics=subtopics, keywords=keywords).SerializeToString()


@functools.lru_cache(_MOST_PARTS)
def _about(topic: str, sentiment: domain.Sentiment) -> bytes:
    """Write how its author feels about a topic, up to the score."""
    begun = pb.TopicSentiment(topic=topic, sentiment=_SENTIMENTS[sentiment]).SerializeToString()
    begun += tag(pb.TopicSentiment, "score", _FLOAT)
    return tag(pb.Classification, "topic_sentiments") + _whole(len(begun) + _SCORE.size) + begun
