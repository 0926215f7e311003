"""What a text says: its language, feeling, intent, topics and urgency."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

LONGEST_JUDGED = 2_000  # characters; language and reading rules look no further
ABUSIVE_ABOVE = 0.5  # probability


class Sentiment(StrEnum):
    """How the author feels about what the text is about."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentScores:
    """Calibrated probabilities; they add up to 1."""

    negative: float
    neutral: float
    positive: float

    @property
    def label(self) -> Sentiment:
        """Name the most probable sentiment; a tie is neutral."""
        if self.negative > self.neutral and self.negative > self.positive:
            return Sentiment.NEGATIVE
        if self.positive > self.neutral and self.positive > self.negative:
            return Sentiment.POSITIVE
        return Sentiment.NEUTRAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What the model makes of one text; all are probabilities."""

    sentiment: SentimentScores
    emotions: tuple[float, ...]  # in the order of Emotion, without UNKNOWN; add up to 1
    abuse: float
    utterances: tuple[float, ...]  # in the order of Utterance; add up to 1
    kote: tuple[float, ...] = ()  # KOTE's 44 emotions, each on its own; names are in the model's card


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
    weight: float  # 0 to 1, added to the urgency


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """How soon somebody should look, and why."""

    score: float  # 0 to 1
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
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
    kote: tuple[float, ...] = ()  # in the order of KOTE; only where they were asked for


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


EMOTIONS = tuple(emotion for emotion in Emotion if emotion is not Emotion.UNKNOWN)
UTTERANCES = tuple(Utterance)
KOTE = (  # as KOTE's authors name and order them
    "불평/불만", "환영/호의", "감동/감탄", "지긋지긋", "고마움", "슬픔", "화남/분노", "존경", "기대감", "우쭐댐/무시함",
    "안타까움/실망", "비장함", "의심/불신", "뿌듯함", "편안/쾌적", "신기함/관심", "아껴주는", "부끄러움", "공포/무서움",
    "절망", "한심함", "역겨움/징그러움", "짜증", "어이없음", "없음", "패배/자기혐오", "귀찮음", "힘듦/지침",
    "즐거움/신남",
    "깨달음", "죄책감", "증오/혐오", "흐뭇함", "당황/난처", "경악", "부담/안_내킴", "서러움", "재미없음", "불쌍함/연민",
    "놀람", "행복", "불안/걱정", "기쁨", "안심/신뢰",
)  # fmt: skip
_MOST_PIECES = 64  # of an explanation; more words than that are taken together

_NOTHING_KNOWN = SentimentScores(negative=0.3, neutral=0.4, positive=0.3)

_HANGUL = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣᄀ-ᇿ]")
_LATIN = re.compile("[A-Za-zÀ-ÖØ-öø-ɏ]")
_NOT_SYLLABLES = bytes({*range(256)} - {*range(0xAC, 0xD8)})
_LATIN_WORD = re.compile("[A-Za-zÀ-ÖØ-öø-ɏ']+")
_ENOUGH_WORDS = 4  # in fewer words a text in Latin letters gets the benefit of the doubt
# fmt: off
_ENGLISH_WORDS = frozenset({
    "the", "be", "is", "are", "was", "were", "been", "i", "i'm", "i've", "my", "you", "your", "we", "our", "they",
    "it", "it's", "its", "this", "that", "these", "those", "he", "she", "and", "or", "but", "not", "don't",
    "can't", "won't", "didn't", "doesn't", "isn't", "wasn't", "of", "to", "for", "with", "from", "in", "on", "at",
    "by", "about", "after", "before", "again", "still", "never", "always", "all", "any", "some", "very", "too",
    "so", "much", "more", "most", "just", "only", "please", "thanks", "thank", "what", "why", "who", "which",
    "where", "when", "how", "do", "does", "did", "have", "has", "had", "can", "could", "will", "would", "should",
    "good", "great", "bad", "nice", "best", "worst", "love", "like", "hate", "need", "want", "get", "got", "work",
    "works", "working", "service", "quality", "product", "order", "delivery", "shipping", "price", "fast", "slow",
    "easy", "buy", "bought", "use", "used", "new", "money", "refund", "app", "customer", "support", "staff",
    "food", "time", "help", "recommend", "perfect", "excellent", "amazing", "awesome", "terrible", "awful",
    "horrible", "poor", "happy", "disappointed",
})
# fmt: on


def language_of(text: str) -> Language:
    """Tell Korean from English by counting letters; other scripts and Latin text with no English word are OTHER."""
    text = text[:LONGEST_JUDGED]
    if text and _syllables(text) * 2 >= len(text):
        return Language.KOREAN  # Whatever the others are, they are fewer: most texts need no closer look.
    words = _LATIN_WORD.findall(text.lower())
    english = not _ENGLISH_WORDS.isdisjoint(words)
    if english and text.isascii():
        return Language.ENGLISH
    hangul = len(_HANGUL.findall(text))
    latin = len(_LATIN.findall(text))
    others = 0 if text.isascii() else sum(map(str.isalpha, text)) - hangul - latin
    if not (hangul or latin or others > 0):
        return Language.UNDETERMINED
    if others > hangul and others > latin:
        return Language.OTHER
    # A Korean syllable says about as much as three letters.
    if hangul * 3 >= latin:
        return Language.KOREAN
    if english:
        return Language.ENGLISH
    if hangul:
        return Language.KOREAN  # The Latin letters are names: "배송 iPhone 15 Pro Max".
    return Language.OTHER if len(words) >= _ENOUGH_WORDS else Language.ENGLISH


def _syllables(text: str) -> int:
    """Count Hangul syllables (U+AC00 to U+D7FF) by the first bytes of UTF-16, many times as fast as an expression."""
    return len(text.encode("utf-16-be", "surrogatepass")[::2].translate(None, _NOT_SYLLABLES))


def readable(language: Language) -> bool:
    """Say whether the model can read texts in this language."""
    return language in (Language.KOREAN, Language.ENGLISH)


def classify(
    text: str,
    scores: Scores | None,
    *,
    topics: Sequence[str] = (),
    triggers: Sequence[Trigger] = (),
    keywords: Sequence[str] = (),
    model_version: str,
    abusive_above: float = ABUSIVE_ABOVE,
) -> Classification:
    """Turn scores and lexicon finds into the classification of a text; without scores it is marked as degraded."""
    language = language_of(text)
    usable = scores if readable(language) else None
    sentiment_scores = usable.sentiment if usable else _NOTHING_KNOWN
    emotion, emotion_score = _strongest_emotion(usable)
    utterance = UTTERANCES[_argmax(usable.utterances)] if usable else Utterance.OTHER
    abuse_score = usable.abuse if usable else 0.0
    urgency = urgency_of(sentiment_scores, utterance, triggers)
    return Classification(
        sentiment=sentiment_scores.label,
        sentiment_scores=sentiment_scores,
        emotion=emotion,
        emotion_score=emotion_score,
        abusive=abuse_score > abusive_above,
        abuse_score=abuse_score,
        utterance=utterance,
        language=language,
        topics=tuple(topics),
        urgency=urgency.score,
        urgency_reasons=urgency.reasons,
        keywords=tuple(keywords),
        degraded=scores is None,
        model_version=model_version,
        kote=usable.kote if usable else (),
    )


def pieces(text: str) -> list[tuple[int, int]]:
    """Cut a text into words, or into runs of words where there are many; gives the beginning and the end of each."""
    words = [match.span() for match in re.finditer(r"\S+", text)]
    each = -(-len(words) // _MOST_PIECES) or 1
    return [(words[at][0], words[min(at + each, len(words)) - 1][1]) for at in range(0, len(words), each)]


def urgency_of(sentiment: SentimentScores, utterance: Utterance, triggers: Sequence[Trigger]) -> Urgency:
    """Add up what presses: a negative feeling, a wish to be answered and trigger words, up to 1."""
    score = 0.0
    reasons = []
    label = sentiment.label
    negative = label is Sentiment.NEGATIVE
    if negative:
        score += 0.3 * sentiment.negative
        reasons.append("negative")
    if utterance is Utterance.REQUEST:
        score += 0.25 if negative else 0.15
        reasons.append("request")
    elif utterance is Utterance.QUESTION:
        score += 0.1
        reasons.append("question")
    for trigger in triggers:
        # Praise that mentions a dangerous word ("nobody was hurt, thank you") is not an emergency.
        score += trigger.weight if label is not Sentiment.POSITIVE else trigger.weight / 2
        reasons.append(trigger.name)
    return Urgency(score=round(min(score, 1.0), 4), reasons=tuple(reasons))


def fold(text: str) -> str:
    """Bring a text into the form that lexicons match: composed, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def _strongest_emotion(scores: Scores | None) -> tuple[Emotion, float]:
    if scores is None:
        return Emotion.UNKNOWN, 0.0
    at = _argmax(scores.emotions)
    return EMOTIONS[at], scores.emotions[at]


def _argmax(values: Sequence[float]) -> int:
    return values.index(max(values))
