"""Naming what sets texts apart, and summing them up."""

from collections.abc import Sequence

from sori_classify import domain
from sori_classify.domain import Keyword, Sentence
from sori_classify.model import Analyst, AnalystFailed
from sori_classify.usecases.reading import MOST_TEXTS
from sori_kit.errors import InvalidInput, Unavailable

MOST_CHARACTERS = 300_000  # of one request
_USUAL_KEYWORDS, _MOST_KEYWORDS = 10, 100
_USUAL_SENTENCES, _MOST_SENTENCES = 3, 20


async def extract_keywords(
    analyst: Analyst, texts: Sequence[str], background_texts: Sequence[str], *, most: int
) -> tuple[list[list[Keyword]], list[Keyword]]:
    """Give the words that set each text, and all of them together, apart from the background."""
    _check(texts, background_texts)
    most = _bounded(most, "max_keywords", _USUAL_KEYWORDS, _MOST_KEYWORDS)
    found = await _sentences(analyst, [*texts, *background_texts])
    words = [[word for sentence in sentences for word in sentence.words] for sentences in found]
    own, others = words[: len(texts)], words[len(texts) :]
    usual = analyst.background()
    background = domain.counted(others) if others else usual.counts
    each = [domain.log_odds([one], background, most=most, passing=usual.passing) for one in own]
    return each, domain.log_odds(own, background, most=most, passing=usual.passing)


async def summarise(analyst: Analyst, texts: Sequence[str], *, most: int) -> list[Sentence]:
    """Choose sentences that stand for a long text or for many texts."""
    _check(texts, [])
    most = _bounded(most, "max_sentences", _USUAL_SENTENCES, _MOST_SENTENCES)
    found = await _sentences(analyst, texts)
    return domain.summarise(
        [sentence for sentences in found for sentence in sentences],
        most=most,
        passing=analyst.background().passing,
    )


async def _sentences(analyst: Analyst, texts: Sequence[str]) -> list[list[Sentence]]:
    try:
        return await analyst.sentences(texts)
    except AnalystFailed as error:
        raise Unavailable(f"the analysis of words did not answer: {error}") from error


def _check(texts: Sequence[str], background_texts: Sequence[str]) -> None:
    if not 1 <= len(texts) <= MOST_TEXTS:
        raise InvalidInput.of_field("texts", f"must hold 1 to {MOST_TEXTS} texts")
    if len(background_texts) > MOST_TEXTS:
        raise InvalidInput.of_field("background_texts", f"hold more than {MOST_TEXTS} texts")
    if sum(map(len, texts)) + sum(map(len, background_texts)) > MOST_CHARACTERS:
        raise InvalidInput.of_field("texts", f"have more than {MOST_CHARACTERS} characters in all")


def _bounded(given: int, field: str, usual: int, most: int) -> int:
    if given < 0:
        raise InvalidInput.of_field(field, "is negative")
    return min(given or usual, most)
