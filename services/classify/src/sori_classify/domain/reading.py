"""Turning scores and lexicon finds into what is said of a text."""

import codecs
import re
import unicodedata
from collections.abc import Mapping, Sequence

from sori_classify.domain import signs
from sori_classify.domain.words import (
    ABUSIVE_ABOVE,
    LONGEST_JUDGED,
    Classification,
    Emotion,
    Found,
    Language,
    Scores,
    Sentiment,
    SentimentScores,
    TopicSentiment,
    Trigger,
    Urgency,
    Utterance,
)

_MOST_PIECES = 64  # of an explanation; more words than that are taken together
_NOTHING_KNOWN = SentimentScores(negative=0.3, neutral=0.4, positive=0.3)

_LEAN = 10.0  # by how much a hint changes the odds of either side
_LESS_NEUTRAL = 0.2  # what it leaves of the odds of neither
_NOTHING_FOUND = Found()
_NO_CLAUSES: Mapping[str, SentimentScores] = {}
_PLACES = {label: at for at, label in enumerate((Sentiment.NEGATIVE, Sentiment.NEUTRAL, Sentiment.POSITIVE))}
_UNREAD = (_NOTHING_KNOWN, Emotion.UNKNOWN, 0.0, 0.0, Utterance.OTHER, ())
_READABLE = (Language.KOREAN, Language.ENGLISH)
# Members of enumerations that every text is held against: each is reached at once only by a name of its own.
_BAD, _GOOD, _ASKS, _WANTS = Sentiment.NEGATIVE, Sentiment.POSITIVE, Utterance.QUESTION, Utterance.REQUEST
_MAYBE_WORDLESS = (Language.KOREAN, Language.UNDETERMINED)
_NEGATIVE = 0.25  # by how much a mood of which the model is sure brings the urgency nearer to 1
_SURELY_POSITIVE = 0.6  # probability from which praise takes trigger words their force
_REQUEST = 0.12
_UPSET_REQUEST = 0.2
_QUESTION = 0.08
_CALM = Urgency(0.0, ())
_PRESSING = {  # weight, and the reason
    Emotion.ANGER: (0.15, "anger"),
    Emotion.FEAR: (0.15, "fear"),
    Emotion.SADNESS: (0.05, "sadness"),
}

_HANGUL = re.compile("[가-힣ㄱ-ㅎㅏ-ㅣᄀ-ᇿ]")
_LATIN = re.compile("[A-Za-zÀ-ÖØ-öø-ɏ]")
_SYLLABLES = bytes(range(0xAC, 0xD8))  # the first bytes of Hangul syllables (U+AC00 to U+D7FF) in UTF-16
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
    "horrible", "poor", "happy", "disappointed", "that's", "there's", "what's", "he's", "she's", "you're", "they're",
    "we're", "i'll", "i'd", "we've", "couldn't", "wouldn't", "haven't", "hasn't", "aren't", "there", "here", "now",
    "then", "well", "right", "yes", "yeah", "sorry", "keep", "keeps", "big", "little", "pretty", "something", "another",
    "really", "actually", "his", "him", "them", "their", "made", "makes", "looks", "looking", "getting", "back", "down",
    "out", "up", "if", "wrong", "missing", "late", "early", "arrived", "received", "ordered", "broken", "reply",
    "waiting", "waited", "charged", "paid", "paying", "payment", "prices", "expensive", "cheap", "friendly", "helpful",
    "unhelpful", "dirty", "clean", "cold", "quick", "quickly", "emailed", "called", "asked", "told", "times",
    "week", "weeks", "day", "days", "month", "months", "hour", "hours", "minutes", "year", "years", "overtime",
    "workload", "salary", "understaffed", "colleagues", "every", "everything", "nothing", "nobody", "everyone",
    "without", "because", "two", "three", "four", "half", "first", "last", "cannot", "weird", "stopped",
})
# fmt: on


def language_of(text: str) -> Language:
    """Tell Korean from English by counting letters; other scripts and Latin text with no English word are OTHER."""
    text = text[:LONGEST_JUDGED]
    if text and _syllables(text) * 2 >= len(text):
        return Language.KOREAN  # Whatever the others are, they are fewer: most texts need no closer look.
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)  # Letters of full or half width are letters.
    elif not _ENGLISH_WORDS.isdisjoint(text.lower().split()):
        return Language.ENGLISH  # Nearly always there is a word that has no mark beside it.
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
    """Count Hangul syllables by their bytes, many times as fast as an expression does."""
    firsts = codecs.utf_16_be_encode(text, "surrogatepass")[0][::2]  # The codec itself: looking it up takes longer.
    return len(firsts) - len(firsts.translate(None, _SYLLABLES))


def readable(language: Language) -> bool:
    """Say whether the model can read texts in this language."""
    return language in _READABLE


def classify(
    text: str,
    scores: Scores | None,
    *,
    found: Found = _NOTHING_FOUND,
    clauses: Mapping[str, SentimentScores] = _NO_CLAUSES,
    model_version: str,
    abusive_above: float = ABUSIVE_ABOVE,
) -> Classification:
    """Turn scores and lexicon finds into the classification of a text; without scores it is marked as degraded.

    `clauses` has the moods of topics that stand in clauses of their own.
    """
    language = language_of(text)
    if scores and language in _READABLE:
        sentiment_scores, _, emotion, emotion_score, abuse_score, _, utterance, kote = scores
    else:
        sentiment_scores, emotion, emotion_score, abuse_score, utterance, kote = _UNREAD
        clauses = _NO_CLAUSES
    if language in _MAYBE_WORDLESS and signs.wordless(text) and (told := signs.feeling(text)):
        sentiment_scores, emotion, emotion_score = told
    sentiment = sentiment_scores.label
    topics, subtopics, triggers, keywords, _, _ = found
    urgency, reasons = urgency_of(sentiment_scores, utterance, triggers, emotion, emotion_score)
    topic_sentiments: tuple[TopicSentiment, ...] = ()
    if clauses:
        topic_sentiments = tuple([_about(topic, clauses.get(topic, sentiment_scores)) for topic in topics])
    elif topics:
        score = sentiment_scores[_PLACES[sentiment]]
        topic_sentiments = tuple([TopicSentiment(topic, sentiment, score) for topic in topics])
    return Classification(  # By position, which takes a third of the time.
        sentiment,
        sentiment_scores,
        emotion,
        emotion_score,
        abuse_score > abusive_above,
        abuse_score,
        utterance,
        language,
        topics,
        urgency,
        reasons,
        keywords,
        scores is None,
        model_version,
        kote,
        subtopics,
        topic_sentiments,
    )


def _about(topic: str, scores: SentimentScores) -> TopicSentiment:
    label = scores.label
    return TopicSentiment(topic, label, scores[_PLACES[label]])


def mean(scores: Sequence[SentimentScores]) -> SentimentScores:
    """Give the mood of several clauses taken together."""
    if len(scores) == 1:
        return scores[0]
    return SentimentScores(*[sum(each) / len(scores) for each in zip(*scores, strict=True)])


def leaning(scores: SentimentScores, hint: int) -> SentimentScores:
    """Move a mood to the side that the words of a clause lean to: above 0 positive, below 0 negative."""
    if not hint:
        return scores
    negative = scores.negative * (_LEAN if hint < 0 else 1 / _LEAN)
    positive = scores.positive * (_LEAN if hint > 0 else 1 / _LEAN)
    neutral = scores.neutral * _LESS_NEUTRAL
    total = negative + neutral + positive
    return SentimentScores(negative=negative / total, neutral=neutral / total, positive=positive / total)


def pieces(text: str) -> list[tuple[int, int]]:
    """Cut a text into words, or into runs of words where there are many; gives the beginning and the end of each."""
    words = [match.span() for match in re.finditer(r"\S+", text)]
    each = -(-len(words) // _MOST_PIECES) or 1
    return [(words[at][0], words[min(at + each, len(words)) - 1][1]) for at in range(0, len(words), each)]


def urgency_of(
    sentiment: SentimentScores,
    utterance: Utterance,
    triggers: Sequence[Trigger],
    emotion: Emotion = Emotion.UNKNOWN,
    emotion_score: float = 0.0,  # 0 to 1
) -> Urgency:
    """Weigh what presses: mood, emotion, a wish to be answered, trigger words; each brings the score nearer to 1.

    Calm 0 to 0.2; worth an answer 0.2 to 0.4; today 0.4 to 0.6; now from 0.6. Reasons are in the order of the sum.
    """
    label = sentiment.label
    calm, reasons = 1.0, []
    if label is _BAD:
        calm -= _NEGATIVE * sentiment.negative
        reasons.append("negative")
    if label is not _GOOD and (pressing := _PRESSING.get(emotion)):
        calm *= 1.0 - pressing[0] * emotion_score
        reasons.append(pressing[1])
    if utterance is _WANTS:
        calm *= 1.0 - (_UPSET_REQUEST if label is _BAD else _REQUEST)
        reasons.append("request")
    elif utterance is _ASKS:
        calm *= 1.0 - _QUESTION
        reasons.append("question")
    if triggers:
        # Praise that mentions a dangerous word ("nobody was hurt, thank you") is not an emergency.
        praise = label is _GOOD and sentiment.positive > _SURELY_POSITIVE
        for trigger in triggers:
            calm *= 1.0 - (trigger.weight / 2 if praise and not trigger.always else trigger.weight)
            reasons.append(trigger.name)
    return Urgency(round(1.0 - calm, 4), tuple(reasons)) if reasons else _CALM


def fold(text: str) -> str:
    """Bring a text into the form that lexicons match: composed, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().replace("’", "'").split())
