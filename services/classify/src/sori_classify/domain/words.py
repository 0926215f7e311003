"""The words of classify: what can be said of a text."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from sori_classify.domain.negation import Denial

LONGEST_JUDGED = 2_000  # characters; language and reading rules look no further
ABUSIVE_ABOVE = 0.5  # probability


class Sentiment(StrEnum):
    """How the author feels about what the text is about."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


# A member of an enumeration is reached at once only by a name of its own.
_NEGATIVE, _NEUTRAL, _POSITIVE = Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE


class Emotion(StrEnum):
    """The strongest feeling, in groups that KOTE's 44 and GoEmotions' 28 emotions fold into."""

    JOY = "joy"
    GRATITUDE = "gratitude"
    TRUST = "trust"
    ANTICIPATION = "anticipation"
    SURPRISE = "surprise"
    ANGER = "anger"
    DISAPPOINTMENT = "disappointment"
    SADNESS = "sadness"
    FEAR = "fear"
    NEUTRAL = "neutral"
    UNKNOWN = "unknown"


class Utterance(StrEnum):
    """What the author wants from the reader; OTHER is a fragment, or nothing that can be read."""

    STATEMENT = "statement"
    QUESTION = "question"
    REQUEST = "request"
    OTHER = "other"


class Language(StrEnum):
    """Language tags (BCP 47); OTHER is a language that the models cannot read, UNDETERMINED has no letters."""

    KOREAN = "ko"
    ENGLISH = "en"
    OTHER = "mis"
    UNDETERMINED = "und"


# What is made for every text is a named tuple: making one costs a quarter of what a frozen dataclass does.
class SentimentScores(NamedTuple):
    """Calibrated probabilities; they add up to 1."""

    negative: float
    neutral: float
    positive: float

    @property
    def label(self) -> Sentiment:
        """Name the most probable sentiment; a tie is neutral."""
        negative, neutral, positive = self
        if negative > neutral and negative > positive:
            return _NEGATIVE
        if positive > neutral and positive > negative:
            return _POSITIVE
        return _NEUTRAL


class Scores(NamedTuple):
    """What the model makes of one text: probabilities, and what is the most probable."""

    sentiment: SentimentScores
    emotions: Sequence[float]  # in the order of Emotion, without UNKNOWN; add up to 1
    emotion: Emotion
    emotion_score: float
    abuse: float
    utterances: Sequence[float]  # in the order of Utterance; add up to 1
    utterance: Utterance
    kote: Sequence[float] = ()  # KOTE's 44 emotions, each on its own; names are in the model's card


class Aspect(StrEnum):
    """What a decision is about."""

    SENTIMENT = "sentiment"
    ABUSE = "abuse"
    EMOTION = "emotion"
    UTTERANCE = "utterance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A kind of word that makes a text urgent."""

    name: str
    weight: float  # 0 to 1, by how much it brings the urgency nearer to 1
    denial: Denial = Denial.FACT  # what takes it its force
    always: bool = False  # also in praise


class Urgency(NamedTuple):
    """How soon somebody should look, and why."""

    score: float  # 0 to 1
    reasons: tuple[str, ...]


class Found(NamedTuple):
    """What a lexicon finds in a text."""

    topics: tuple[str, ...] = ()  # those with most different words first
    subtopics: tuple[str, ...] = ()  # as `delivery.late`
    triggers: tuple[Trigger, ...] = ()
    keywords: tuple[str, ...] = ()  # as the lexicon writes them, in the order of the text
    text: str = ""  # the folded text, where there are several topics
    places: tuple[tuple[str, int], ...] = ()  # of several topics: each, and where one of its words begins in `text`


class TopicSentiment(NamedTuple):
    """How the author feels about one of the topics."""

    topic: str
    sentiment: Sentiment
    score: float  # probability of `sentiment`


class Classification(NamedTuple):
    """Everything that classify adds to a touchpoint."""

    sentiment: Sentiment
    sentiment_scores: SentimentScores
    emotion: Emotion
    emotion_score: float  # 0 to 1
    abusive: bool
    abuse_score: float  # 0 to 1
    utterance: Utterance
    language: Language
    topics: tuple[str, ...]
    urgency: float  # 0 to 1
    urgency_reasons: tuple[str, ...]
    keywords: tuple[str, ...]
    degraded: bool  # the model did not take part; only rules did
    model_version: str
    kote: Sequence[float] = ()  # in the order of KOTE; only where they were asked for
    subtopics: tuple[str, ...] = ()  # as `delivery.late`
    topic_sentiments: tuple[TopicSentiment, ...] = ()  # one for each of the topics


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a text and how much it moved a decision."""

    start: int  # code points
    end: int  # exclusive
    text: str
    weight: float  # -1 to 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision and what moved it."""

    classification: Classification
    decision: str
    probability: float
    pieces: tuple[Piece, ...]


EMOTIONS: tuple[Emotion, ...] = tuple(emotion for emotion in Emotion if emotion is not Emotion.UNKNOWN)
UTTERANCES = tuple(Utterance)
KOTE = (  # as KOTE's authors name and order them
    "불평/불만", "환영/호의", "감동/감탄", "지긋지긋", "고마움", "슬픔", "화남/분노", "존경", "기대감", "우쭐댐/무시함",
    "안타까움/실망", "비장함", "의심/불신", "뿌듯함", "편안/쾌적", "신기함/관심", "아껴주는", "부끄러움", "공포/무서움",
    "절망", "한심함", "역겨움/징그러움", "짜증", "어이없음", "없음", "패배/자기혐오", "귀찮음", "힘듦/지침",
    "즐거움/신남",
    "깨달음", "죄책감", "증오/혐오", "흐뭇함", "당황/난처", "경악", "부담/안_내킴", "서러움", "재미없음", "불쌍함/연민",
    "놀람", "행복", "불안/걱정", "기쁨", "안심/신뢰",
)  # fmt: skip
