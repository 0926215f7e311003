"""Sentences from the YAML files beside this module, picked by scene and filled with names and numbers."""

import functools
import importlib.resources
import random
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

import yaml

from sori_sample.company import PRODUCTS, Category, Product, Unit
from sori_sample.decks import Deck

HANGUL_FIRST: Final = 0xAC00
HANGUL_LAST: Final = 0xD7A3
FINALS: Final = 28  # final consonants per syllable block, none included
RIEUL: Final = 8  # the final ㄹ, after which 으로 becomes 로
Wanted: TypeAlias = tuple[str, str, "Sentiment", tuple[str, ...], str, tuple[str, ...]]
"""Scene, language, mood, topics, place and slots without a filling."""
LOOSE_SCENES: Final = frozenset({"threads", "reviews", "mentions", "surveys", "followups", "staff"})


class Sentiment(StrEnum):
    """The mood a text is meant to have."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class Noun(str):
    """A Korean noun that picks its particle: f"{Noun('머그컵'):이/가}" is 머그컵이."""

    __slots__ = ()

    def __format__(self, particles: str) -> str:
        if "/" not in particles:
            return str(self)
        after_consonant, after_vowel = particles.split("/")
        code = ord(self[-1])
        final = (code - HANGUL_FIRST) % FINALS if HANGUL_FIRST <= code <= HANGUL_LAST else 0
        takes_vowel_form = not final or (final == RIEUL and after_vowel == "로")
        return str(self) + (after_vowel if takes_vowel_form else after_consonant)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A template with its labels."""

    template: str
    language: str
    topic: str
    place: str  # who alone would say it, as in `tools/shop`; empty for anybody
    sentiment: Sentiment
    slots: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A finished text with the mood and topic it is meant to have."""

    text: str
    language: str
    topic: str
    sentiment: Sentiment
    product: str  # id; empty when it names none


@functools.cache
def lines(scene: str) -> Sequence[Line]:
    """Return every template of a scene, that is of one YAML file."""
    raw = (importlib.resources.files("sori_sample") / "texts" / f"{scene}.yaml").read_text(encoding="utf-8")
    tree: dict[str, dict[str, dict[str, str]]] = yaml.load(raw, Loader=yaml.CSafeLoader)
    return [
        Line(
            template=template,
            language=language,
            topic=topic.partition("/")[0],
            place=topic.partition("/")[2],
            sentiment=Sentiment(sentiment),
            slots=frozenset(name for _, name, _, _ in string.Formatter().parse(template) if name),
        )
        for language, topics in tree.items()
        for topic, sentiments in topics.items()
        for sentiment, block in sentiments.items()
        for template in block.splitlines()
    ]


@functools.cache
def tails(language: str, sentiment: Sentiment) -> Sequence[str]:
    """Return what people hang on the end of a text."""
    raw = (importlib.resources.files("sori_sample") / "texts" / "tails.yaml").read_text(encoding="utf-8")
    tree: dict[str, dict[str, str]] = yaml.load(raw, Loader=yaml.CSafeLoader)
    return tree[language][sentiment].splitlines()


class Author:
    """Writes texts; repeats a template only after all others that fit."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._decks: dict[Wanted, Deck[Line]] = {}

    def write(
        self,
        scene: str,
        language: str,
        sentiment: Sentiment = Sentiment.NEUTRAL,
        *,
        topics: Collection[str] = (),
        product: Product | None = None,
        unit: Unit | None = None,
        order_id: str = "",
        place: str = "",
    ) -> Said:
        """Write one text; without topics any topic will do, and slots that have no filling are avoided.

        With a place, texts that only this place would say are among the candidates.
        """
        missing = {*([] if unit else ["shop", "unit"]), *([] if order_id else ["order"])}
        if product:
            missing |= set(Category) - {product.category}
        line = self._pick((scene, language, sentiment, tuple(sorted(topics)), place, tuple(sorted(missing))))
        categories = [category for category in Category if category in line.slots]
        if categories:
            named = product or self._rng.choice([one for one in PRODUCTS if one.category == categories[0]])
        else:
            named = product or self._rng.choice(PRODUCTS)
        name = Noun(named.korean if language == "ko" else named.english)
        place = Noun((unit.korean if language == "ko" else unit.english) if unit else "")
        text = line.template.format(
            product=name,
            drink=name,
            dessert=name,
            goods=name,
            scent=name,
            shop=place,
            unit=place,
            order=order_id,
            minutes=self._rng.randrange(15, 55),
            days=self._rng.randrange(3, 10),
            price=f"{named.price:,}",
        )
        if scene in LOOSE_SCENES:
            text = self._loosen(text, line)
        return Said(
            text=text,
            language=language,
            topic=line.topic,
            sentiment=sentiment,
            product=named.id if product or line.slots & {"product", *Category} else "",
        )

    def _pick(self, wanted: Wanted) -> Line:
        if wanted not in self._decks:
            scene, language, sentiment, topics, place, missing = wanted
            moods = [one for one in lines(scene) if (one.language, one.sentiment) == (language, sentiment)]
            fitting = [one for one in moods if one.place in ("", place) and not one.slots.intersection(missing)]
            on_topic = [one for one in fitting if one.topic in topics] if topics else fitting
            own = [one for one in on_topic if one.place]
            rare = own if len(own) * 3 < len(on_topic) else []  # dealt three times, or they would hardly show
            self._decks[wanted] = Deck([*(on_topic or fitting), *rare, *rare], self._rng)
        return self._decks[wanted].deal()

    def _loosen(self, text: str, line: Line) -> str:
        """Make it look typed by a person: a tail now and then, a space forgotten."""
        if self._rng.random() < 0.22:
            tail = self._rng.choice(tails(line.language, line.sentiment))
            glue = "" if tail[0] in "~!?.;" else " "
            if HANGUL_FIRST <= ord(text[-1]) <= HANGUL_LAST or text[-1] in string.ascii_letters:
                text = f"{text}{glue}{tail}"
        if line.language == "ko" and text.count(" ") > 2 and self._rng.random() < 0.08:
            spaces = [index for index, letter in enumerate(text) if letter == " "]
            gap = self._rng.choice(spaces)
            text = text[:gap] + text[gap + 1 :]
        return text
