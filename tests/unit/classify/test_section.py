"""What goes over the wire is what protobuf reads, whatever was found."""

from hypothesis import given
from hypothesis import strategies as st

from sori.classify.v1 import classification_pb2 as pb
from sori.classify.v1.classify_service_pb2 import ClassifyResponse
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori_classify import wire
from sori_classify.domain import KOTE, Classification, Emotion, Language, Sentiment, SentimentScores, Utterance
from sori_classify.domain.words import TopicSentiment

scores = st.floats(0, 1, width=32)
words = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), max_size=8).map(tuple)


@st.composite
def classifications(draw: st.DrawFn) -> Classification:
    """Make anything that may be said of a text, and more."""
    topics = draw(words)
    return Classification(
        sentiment=draw(st.sampled_from(Sentiment)),
        sentiment_scores=SentimentScores(draw(scores), draw(scores), draw(scores)),
        emotion=draw(st.sampled_from(Emotion)),
        emotion_score=draw(scores),
        abusive=draw(st.booleans()),
        abuse_score=draw(scores),
        utterance=draw(st.sampled_from(Utterance)),
        language=draw(st.sampled_from(Language)),
        topics=topics,
        urgency=draw(scores),
        urgency_reasons=draw(words),
        keywords=draw(words),
        degraded=draw(st.booleans()),
        model_version=draw(st.text(st.characters(exclude_categories=["Cs"]), max_size=200)),
        kote=draw(st.just(()) | st.lists(scores, min_size=len(KOTE), max_size=len(KOTE))),
        subtopics=draw(words),
        topic_sentiments=tuple(TopicSentiment(each, draw(st.sampled_from(Sentiment)), draw(scores)) for each in topics),
    )


def by_field(found: Classification) -> pb.Classification:
    """Set one field after another."""
    scores = found.sentiment_scores
    return pb.Classification(
        sentiment=pb.Sentiment.Value(f"SENTIMENT_{found.sentiment.name}"),
        sentiment_scores=pb.SentimentScores(negative=scores.negative, neutral=scores.neutral, positive=scores.positive),
        emotion=found.emotion,
        emotion_score=found.emotion_score,
        abusive=found.abusive,
        abuse_score=found.abuse_score,
        utterance=pb.Utterance.Value(f"UTTERANCE_{found.utterance.name}"),
        language={Language.KOREAN: "ko", Language.ENGLISH: "en"}.get(found.language, "und"),
        topics=found.topics,
        urgency=found.urgency,
        urgency_reasons=found.urgency_reasons,
        keywords=found.keywords,
        degraded=found.degraded,
        model_version=found.model_version,
        emotions=dict(zip(KOTE, found.kote, strict=False)),
        topic_sentiments=[
            pb.TopicSentiment(topic=topic, sentiment=pb.Sentiment.Value(f"SENTIMENT_{mood.name}"), score=score)
            for topic, mood, score in found.topic_sentiments
        ],
        subtopics=found.subtopics,
    )


@given(st.lists(classifications(), min_size=1, max_size=3))
def test_a_section_says_what_was_found(found: list[Classification]) -> None:
    wanted = [by_field(each) for each in found]

    assert wanted == [wire.classification(each) for each in found]
    assert wanted == list(ClassifyResponse.FromString(wire.response(found)).classifications)
    assert wanted == [
        TouchpointClassified.FromString(wire.touchpoint_classified(each)).classification for each in found
    ]
