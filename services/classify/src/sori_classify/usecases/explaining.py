"""Saying which parts of a text moved a decision: occlusion (Zeiler and Fergus, 2014), on words."""

from collections.abc import Callable

from sori_classify import domain
from sori_classify.domain import Aspect, Scores
from sori_classify.model import Serving
from sori_classify.usecases.reading import Reader, check, judge, score
from sori_kit.errors import InvalidInput

_NOTHING_DECIDED = "the model does not read this text: it is empty, or in a language that it does not know"


async def explain(reader: Reader, text: str, aspect: Aspect) -> domain.Explanation:
    """Say how much less probable a decision is without each word; one model call for all of them."""
    check(text, "text")
    explained = await reader.ask(occlude, text, aspect)
    if explained is None:
        raise InvalidInput.of_field("text", _NOTHING_DECIDED)
    return explained


def occlude(serving: Serving, text: str, aspect: Aspect) -> domain.Explanation | None:
    """Score a text without each of its words in turn; none when the model does not read it."""
    [found] = judge(serving, [text])
    pieces = domain.pieces(text)
    whole, *scored = score(serving.model, [text, *(text[:start] + text[end:] for start, end in pieces)])
    if whole is None or not domain.readable(found.language):
        return None
    decision, probability = _decision(aspect, found, whole)
    usual = probability(whole)
    return domain.Explanation(
        classification=found,
        decision=decision,
        probability=usual,
        pieces=tuple(
            domain.Piece(start=start, end=end, text=text[start:end], weight=usual - probability(without))
            for (start, end), without in zip(pieces, scored, strict=True)
            if without is not None
        ),
    )


def _decision(aspect: Aspect, found: domain.Classification, whole: Scores) -> tuple[str, Callable[[Scores], float]]:
    """Name what was decided, and how probable it is by other scores."""
    match aspect:
        case Aspect.SENTIMENT:
            sentiment = found.sentiment
            return sentiment, lambda scores: float(getattr(scores.sentiment, sentiment))
        case Aspect.ABUSE:
            if found.abusive:
                return "abusive", lambda scores: scores.abuse
            return "not_abusive", lambda scores: 1 - scores.abuse
        case Aspect.EMOTION:
            emotion = domain.EMOTIONS.index(found.emotion)
            return found.emotion, lambda scores: scores.emotions[emotion]
        case Aspect.UTTERANCE:
            utterance = domain.UTTERANCES.index(found.utterance)
            return found.utterance, lambda scores: scores.utterances[utterance]
