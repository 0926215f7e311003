"""Domain to proto and back, nothing else."""

from collections.abc import Iterable, Sequence
from typing import Any

from sori.classify.v1 import classification_pb2 as pb
from sori.classify.v1 import classify_service_pb2, touchpoint_events_pb2
from sori_classify import domain
from sori_classify.model import Shelf
from sori_kit.errors import InvalidInput

_SENTIMENTS = {each: pb.Sentiment.Value(f"SENTIMENT_{each.name}") for each in domain.Sentiment}
_UTTERANCES = {each: pb.Utterance.Value(f"UTTERANCE_{each.name}") for each in domain.Utterance}
_NO_EMOTIONS = (0.0,) * len(domain.KOTE)
_ASPECTS = {pb.ASPECT_UNSPECIFIED: domain.Aspect.SENTIMENT} | {
    pb.Aspect.Value(f"ASPECT_{each.name}"): each for each in domain.Aspect
}
_LANGUAGES = {domain.Language.KOREAN: "ko", domain.Language.ENGLISH: "en"}


def classification(found: domain.Classification) -> pb.Classification:
    """Write classify's section."""
    made = pb.Classification()
    _fill(made, found)
    return made


def response(found: Iterable[domain.Classification]) -> classify_service_pb2.ClassifyResponse:
    """Write what was read of the texts of one request."""
    made = classify_service_pb2.ClassifyResponse()
    for each in found:
        _fill(made.classifications.add(), each)
    return made


def touchpoint_classified(found: domain.Classification) -> touchpoint_events_pb2.TouchpointClassified:
    """Write classify's section; ingest's, which has the same number in both events, is passed on as it came."""
    made = touchpoint_events_pb2.TouchpointClassified()
    _fill(made.classification, found)
    return made


def _fill(made: pb.Classification, found: domain.Classification) -> None:
    """Write a section where it belongs; field by field, and none that is empty, is the fastest way."""
    made.sentiment = _SENTIMENTS[found.sentiment]
    scores = made.sentiment_scores
    scores.negative, scores.neutral, scores.positive = found.sentiment_scores
    made.emotion = found.emotion
    made.emotion_score = found.emotion_score
    if found.abusive:
        made.abusive = True
    made.abuse_score = found.abuse_score
    made.utterance = _UTTERANCES[found.utterance]
    made.language = _LANGUAGES.get(found.language, "und")
    made.urgency = found.urgency
    if found.urgency_reasons:
        made.urgency_reasons.extend(found.urgency_reasons)
    if found.keywords:
        made.keywords.extend(found.keywords)
    if found.topics:
        made.topics.extend(found.topics)
        for topic, sentiment, score in found.topic_sentiments:
            about = made.topic_sentiments.add()
            about.topic, about.sentiment, about.score = topic, _SENTIMENTS[sentiment], score
    if found.subtopics:
        made.subtopics.extend(found.subtopics)
    if found.degraded:
        made.degraded = True
    made.model_version = found.model_version
    if found.kote:
        made.emotions.update(zip(domain.KOTE, found.kote, strict=True))


def aspect(given: pb.Aspect.ValueType) -> domain.Aspect:
    """Read which decision is asked about."""
    if given not in _ASPECTS:
        raise InvalidInput.of_field("aspect", "is unknown")
    return _ASPECTS[given]


def explanation(made: domain.Explanation) -> classify_service_pb2.ExplainResponse:
    """Write an explanation."""
    return classify_service_pb2.ExplainResponse(
        classification=classification(made.classification),
        decision=made.decision,
        probability=made.probability,
        pieces=[pb.Piece(start=each.start, end=each.end, text=each.text, weight=each.weight) for each in made.pieces],
    )


def keywords(
    each: Sequence[Sequence[domain.Keyword]], group: Sequence[domain.Keyword]
) -> classify_service_pb2.ExtractKeywordsResponse:
    """Write the words of texts, and of all of them."""
    return classify_service_pb2.ExtractKeywordsResponse(
        text_keywords=[classify_service_pb2.TextKeywords(keywords=map(_keyword, words)) for words in each],
        group_keywords=map(_keyword, group),
    )


def _keyword(found: domain.Keyword) -> classify_service_pb2.Keyword:
    return classify_service_pb2.Keyword(word=found.word, score=found.score, text_count=found.text_count)


def summary(chosen: Sequence[domain.Sentence]) -> classify_service_pb2.SummariseResponse:
    """Write the sentences of a summary."""
    return classify_service_pb2.SummariseResponse(
        sentences=[
            classify_service_pb2.SummarySentence(
                text_index=each.text_index, start=each.start, end=each.end, text=each.text, score=each.score
            )
            for each in chosen
        ]
    )


def models(shelf: Shelf) -> classify_service_pb2.ListModelsResponse:
    """Write what is on the shelf."""
    canary = shelf.canary
    versions = {shelf.name: shelf.serving.model.version}
    made = classify_service_pb2.ListModelsResponse()
    if canary is not None:
        versions[canary.trial.model] = canary.serving.model.version
        found = canary.report()
        made.canary.CopyFrom(
            classify_service_pb2.CanaryReport(
                model_version=canary.serving.model.version,
                text_count=found.texts,
                sentiment_disagreement=found.sentiment,
                abuse_disagreement=found.abuse,
                utterance_disagreement=found.utterance,
            )
        )
    for name in sorted({*shelf.names(), *shelf.problems}):
        made.models.add(
            name=name,
            model_version=versions.get(name, ""),
            serving=name == shelf.name,
            canary=canary is not None and name == canary.trial.model,
            problem=shelf.problems.get(name, ""),
        )
    return made


def line(identity: object, found: domain.Classification) -> dict[str, Any]:
    """Write what was read of one text as a JSON object."""
    scores = found.sentiment_scores
    return {
        "id": identity,
        "sentiment": found.sentiment.value,
        "scores": {"neg": _short(scores.negative), "neu": _short(scores.neutral), "pos": _short(scores.positive)},
        "abuse": _short(found.abuse_score),
        "emotion": found.emotion.value,
        "emotions": {name: _short(value) for name, value in zip(domain.KOTE, found.kote or _NO_EMOTIONS, strict=True)},
        "utterance": found.utterance.value,
        "topics": list(found.topics),
        "topic_sentiments": [
            {"topic": each.topic, "sentiment": each.sentiment.value, "score": _short(each.score)}
            for each in found.topic_sentiments
        ],
        "subtopics": list(found.subtopics),
        "keywords": list(found.keywords),
        "urgency": found.urgency,
        "urgency_reasons": list(found.urgency_reasons),
        "language": found.language.value,
        "model": found.model_version,
    }


def _short(value: float) -> float:
    return round(value, 6)
