"""Whether live texts are still like those that the model was measured on: figures for Prometheus."""

import json
import re
from collections.abc import Sequence

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


def watch(texts: Sequence[str], found: Sequence[Classification]) -> None:
    """Count what was read of the line; texts without words are not counted."""
    for language in Language:
        if count := sum(each.language is language for each in found):
            READ.labels(language.value).inc(count)
    read = [each for each in found if readable(each.language)]
    UNSURE.inc(
        sum(
            max(each.sentiment_scores.negative, each.sentiment_scores.neutral, each.sentiment_scores.positive)
            < CONFIDENT_ABOVE
            for each in read
        )
    )
    CHARACTERS.inc(sum(map(len, texts)))
    UNKNOWN.inc(len(_KNOWN.sub("", "".join(texts))))
    topics: dict[str, int] = {}
    for each in read:
        for topic in each.topics:
            topics[topic] = topics.get(topic, 0) + 1
    for topic, count in topics.items():
        TOPICS.labels(topic).inc(count)
