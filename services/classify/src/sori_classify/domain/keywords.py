"""Words that set texts apart from others: log-odds with an informative Dirichlet prior (Monroe and others, 2008)."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_PRIOR = 500.0  # pretended words that the background adds to either side
_RARE = 0.5  # pretended count of a word that the background does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyword:
    """A word that stands for texts."""

    word: str
    score: float  # z-score of the log-odds: over 1.96 it is hardly chance
    text_count: int  # texts that have it


def log_odds(
    texts: Sequence[Sequence[str]], background: Mapping[str, int], *, most: int, passing: frozenset[str] = frozenset()
) -> list[Keyword]:
    """Give the words of texts that are most unlike the background, strongest first; `passing` ones are left out."""
    counts = Counter(word for text in texts for word in text)
    holding = Counter(word for text in texts for word in set(text))
    here, there = sum(counts.values()), sum(background.values())
    scale = _PRIOR / there if there else 0.0
    found = []
    for word, count in counts.items():
        if word in passing:
            continue
        other = background.get(word, 0)
        prior = max(other * scale, _RARE)
        total = _PRIOR + _RARE
        own = math.log((count + prior) / (here + total - count - prior))
        usual = math.log((other + prior) / (there + total - other - prior)) if there else math.log(prior / total)
        score = (own - usual) / math.sqrt(1 / (count + prior) + 1 / (other + prior))
        if score > 0:
            found.append(Keyword(word=word, score=round(score, 4), text_count=holding[word]))
    found.sort(key=lambda each: (-each.score, each.word))
    return found[:most]


def counted(texts: Iterable[Iterable[str]]) -> Counter[str]:
    """Count the words of texts."""
    return Counter(word for text in texts for word in text)
