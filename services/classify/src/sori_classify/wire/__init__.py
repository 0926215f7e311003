"""Domain to proto and back, nothing else."""

from collections.abc import Iterable, Sequence
from typing import Any

from sori.classify.v1 import classification_pb2 as pb
from sori.classify.v1 import classify_service_pb2, touchpoint_events_pb2
from sori_classify import domain
from sori_classify.model import Shelf
from sori_classify.wire import section
from sori_kit.errors import InvalidInput

_NO_EMOTIONS = (0.0,) * len(domain.KOTE)
_ASPECTS = {pb.ASPECT_UNSPECIFIED: domain.Aspect.SENTIMENT} | {
    pb.Aspect.Value(f"ASPECT_{each.name}"): each for each in domain.Aspect
}
_EVENT = section.tag(touchpoint_events_pb2.TouchpointClassified, "classification")
_RESPONSE = section.tag(classify_service_pb2.ClassifyResponse, "classifications")


def classification(found: domain.Classification) -> pb.Classification:
    """Write classify's section."""
    return pb.Classification.FromString(section.write(found))


def response(found: Iterable[domain.Classification]) -> bytes:
    """Write what was read of the texts of one request, a ClassifyResponse as it goes over the wire."""
    return b"".join([section.within(_RESPONSE, section.write(each)) for each in found])


def touchpoint_classified(found: domain.Classification) -> bytes:
    """Write classify's section of a TouchpointClassified as it goes over the wire.

    Ingest's, which has the same number in both events, is passed on as it came.
    """
    return section.within(_EVENT, section.write(found))


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
