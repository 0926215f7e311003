"""The catalogue."""

import string

import pytest

from sori.classify.v1 import classification_pb2
from sori_console import wire
from sori_console.domain import lines, words
from sori_console.domain.words import CATALOGUE, Language, Words


@pytest.mark.parametrize("key", CATALOGUE)
def test_every_string_is_there_in_both_languages_with_the_same_placeholders(key: str) -> None:
    korean, english = CATALOGUE[key]

    assert korean
    assert english
    assert placeholders(korean) == placeholders(english)


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize(
    ("group", "codes"),
    [
        ("channel", wire.CHANNELS.values()),
        ("kind", wire.TOUCHPOINT_KINDS.values()),
        ("stage", [code for number, code in wire.STAGES.items() if number]),
        ("speaker", lines.Speaker),
        ("mood", lines.Mood),
        ("line_kind", lines.LineKind),
        ("change", ["opened", "answered", "acknowledged", "breached", "resolved"]),
    ],
)
def test_every_value_of_the_protocol_has_a_label(group: str, codes: list[str]) -> None:
    missing = [code for code in codes if f"{group}.{code}" not in CATALOGUE]

    assert [] == missing


def test_every_mood_of_the_protocol_is_read() -> None:
    numbers = [number for number in classification_pb2.Sentiment.values() if number]

    assert {lines.Mood.NEGATIVE, lines.Mood.NEUTRAL, lines.Mood.POSITIVE} == {wire.MOODS[each] for each in numbers}


def test_a_code_that_the_catalogue_lacks_is_shown_readable() -> None:
    assert "cold chain" == Words(Language.KO).label("topic", "cold_chain")


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "chosen"),
    [
        ("", "", "", Language.KO),
        ("en", "ko", "ko-KR", Language.EN),
        ("", "en", "ko-KR", Language.EN),
        ("", "", "en-US,en;q=0.9,ko;q=0.8", Language.EN),
        ("", "", "fr;q=1.0, ko;q=0.4, en;q=0.7", Language.EN),
        ("", "", "en;q=0", Language.KO),
        ("", "", "en;q=many", Language.KO),
        ("", "", "de-DE, fr", Language.KO),
        ("xx", "??", "ko", Language.KO),
    ],
)
def test_the_address_wins_over_the_cookie_over_the_browser_over_korean(
    asked: str, remembered: str, accepted: str, chosen: Language
) -> None:
    assert chosen is words.choose(asked, remembered, accepted)
