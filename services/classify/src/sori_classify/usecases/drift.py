"""Whether live texts are still like those that the model was measured on: figures for Prometheus."""

import collections
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Gauge

from sori_classify.domain import Classification, Language, readable
from sori_classify.model import Model

CONFIDENT_ABOVE = 0.6  # probability of the mood; the card's baseline is measured with the same

READ = Counter("sori_texts_read", "Texts of the line that were classified.", ["language"])
UNSURE = Counter("sori_texts_unsure", f"Texts whose mood is less probable than {CONFIDENT_ABOVE}.")
UNKNOWN = Counter("sori_texts_unknown_characters", "Characters that are neither Hangul, Latin, digits nor usual signs.")
CHARACTERS = Counter("sori_texts_characters", "Characters of the texts of the line.")
TOPICS = Counter("sori_texts_topic", "Texts that are about a topic.", ["topic"])
BASELINE = Gauge("sori_texts_baseline", "Shares that the model's card gives for the texts it was measured on.", ["of"])

_KNOWN = re.compile(r"[\s\x20-\x7e가-힣ㄱ-ㅎㅏ-ㅣ‘’“”…·~♡♥★☆]+")


def expect(model: Model) -> None:
    """Show what the card of the model says is usual.

    Its `baseline` has the shares of texts `unsure` and in each `topic.<name>`, and of characters `unknown`.
    """
    BASELINE.clear()
    usual: dict[str, float] = json.loads(model.card_json).get("baseline", {})
    for name, share in usual.items():
        BASELINE.labels(name).set(share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was seen in some texts; those without words that the model reads count for their characters only."""

    languages: Mapping[Language, int]
    read: int
    unsure: int
    characters: int
    unknown: int
    topics: Mapping[str, int]

    def shares(self) -> dict[str, float]:
        """Give the shares that a card has as its baseline."""
        made = {"unsure": self.unsure / max(self.read, 1), "unknown": self.unknown / max(self.characters, 1)}
        made |= {f"topic.{name}": count / max(self.read, 1) for name, count in sorted(self.topics.items())}
        return {name: round(share, 5) for name, share in made.items()}


def count(texts: Sequence[str], found: Sequence[Classification]) -> Counts:
    """Count what drifts."""
    read = [each for each in found if readable(each.language)]
    topics: dict[str, int] = {}
    for each in read:
        for topic in each.topics:
            topics[topic] = topics.get(topic, 0) + 1
    moods = (each.sentiment_scores for each in read)
    return Counts(
        languages=collections.Counter(each.language for each in found),
        read=len(read),
        unsure=sum(max(mood.negative, mood.neutral, mood.positive) < CONFIDENT_ABOVE for mood in moods),
        characters=sum(map(len, texts)),
        unknown=len(_KNOWN.sub("", "".join(texts))),
        topics=topics,
    )


def watch(seen: Counts) -> None:
    """Count what was read of the line."""
    for language, texts_of_it in seen.languages.items():
        READ.labels(language.value).inc(texts_of_it)
    UNSURE.inc(seen.unsure)
    CHARACTERS.inc(seen.characters)
    UNKNOWN.inc(seen.unknown)
    for topic, texts_about_it in seen.topics.items():
        TOPICS.labels(topic).inc(texts_about_it)
