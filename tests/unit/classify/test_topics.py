"""The shipped word lists on texts that people have checked."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from sori_classify.model import Lexicon

ROOT = Path(__file__).parents[3]
TEXTS = ROOT / "tests" / "data" / "topics.tsv"
VOICES = ROOT / "tests" / "data" / "voices.tsv"
LEXICONS = ROOT / "services" / "classify" / "lexicons"


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.load(LEXICONS)


def checked(path: Path = TEXTS) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


def wanted(row: dict[str, str]) -> set[str]:
    return set(filter(None, row["topics"].split(",")))


def test_the_set_has_two_texts_for_every_topic_and_language() -> None:
    counts = Counter((topic, row["lang"]) for row in checked() for topic in wanted(row))
    topics = {topic for topic, _ in counts}

    assert len(checked()) >= 400
    assert len(topics) >= 20
    assert all(counts[topic, language] >= 2 for topic in topics for language in ("ko", "en"))


def test_topics_are_found_as_people_would(lexicon: Lexicon) -> None:
    right = wrong = missed = 0
    for row in checked():
        found = set(lexicon.find(row["text"]).topics)
        right += len(found & wanted(row))
        wrong += len(found - wanted(row))
        missed += len(wanted(row) - found)

    assert 2 * right / (2 * right + wrong + missed) > 0.93


def test_no_topic_is_found_where_there_is_none(lexicon: Lexicon) -> None:
    empty = [row["text"] for row in checked() if not wanted(row)]

    found = [text for text in empty if lexicon.find(text).topics]

    assert len(found) <= 0.06 * len(empty), found


def test_topics_of_voices_that_another_hand_wrote_are_found(lexicon: Lexicon) -> None:
    right = wrong = missed = 0
    for row in checked(VOICES):
        found = set(lexicon.find(row["text"]).topics)
        right += len(found & wanted(row))
        wrong += len(found - wanted(row) - set(row["perhaps"].split(",")))
        missed += len(wanted(row) - found)

    assert 2 * right / (2 * right + wrong + missed) > 0.86
