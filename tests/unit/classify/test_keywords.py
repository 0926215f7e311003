"""Keywords and summaries: the arithmetic, and the child process that reads Korean."""

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

import harness
from sori_classify.domain import Sentence, log_odds, summarise
from sori_classify.model import Analyst

LEXICONS = Path(__file__).parents[3] / "services" / "classify" / "lexicons"
BACKGROUND = {"영화": 900, "배송": 5, "사람": 500, "환불": 3}


def sentences(*texts: str) -> list[Sentence]:
    return [
        Sentence(text_index=at, start=0, end=len(text), text=text, words=tuple(text.split()))
        for at, text in enumerate(texts)
    ]


def test_politeness_and_names_sum_up_nothing() -> None:
    said = sentences(
        "안녕 고객 감사",
        "소리 전자 센터 김민지",
        "건조기 누수",
        "건조기 누수 부품",
        "고객 죄송 고객",
        "건조기 교환",
        "고객 감사",
    )

    found = summarise(said, most=2)

    assert {"건조기"} <= set(found[0].words) & set(found[1].words)


@pytest_asyncio.fixture
async def analyst() -> AsyncIterator[Analyst]:
    made = Analyst(LEXICONS, idle_seconds=60)
    yield made
    await made.close()


def test_what_is_rare_elsewhere_stands_for_a_text() -> None:
    found = log_odds([["배송", "영화", "배송", "사람"]], BACKGROUND, most=2)

    assert "배송" == found[0].word


def test_a_word_counts_the_texts_that_have_it() -> None:
    found = log_odds([["환불", "환불"], ["환불"], ["사람"]], BACKGROUND, most=5)

    assert [("환불", 2)] == [(each.word, each.text_count) for each in found if each.word == "환불"]


def test_more_evidence_scores_higher() -> None:
    few = log_odds([["환불"]], BACKGROUND, most=1)[0].score
    many = log_odds([["환불"]] * 10, BACKGROUND, most=1)[0].score

    assert few < many


def test_words_that_say_nothing_are_left_out() -> None:
    assert [] == log_odds([["the"]], {}, most=5, passing=frozenset({"the"}))


@given(st.lists(st.lists(st.sampled_from(["배송", "환불", "영화", "new"]))), st.randoms())
def test_the_order_of_texts_changes_no_keyword(texts: list[list[str]], random: Random) -> None:
    shuffled = list(texts)
    random.shuffle(shuffled)

    assert log_odds(texts, BACKGROUND, most=9) == log_odds(shuffled, BACKGROUND, most=9)


def test_a_summary_says_what_returns_and_says_it_once() -> None:
    told = sentences(
        "안녕하세요",
        "배송 지연 환불 요청",
        "배송 지연 환불 요청",
        "날씨 산책",
        "배송 지연 상담원 연결 불가",
    )

    chosen = summarise(told, most=2)

    assert [1, 4] == [each.text_index for each in chosen]


@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=5), max_size=12), st.integers(1, 5))
def test_a_summary_is_short_and_in_order(words: list[list[str]], most: int) -> None:
    chosen = summarise(sentences(*map(" ".join, words)), most=most)

    places = [each.text_index for each in chosen]
    assert len(chosen) <= most
    assert sorted(places) == places
    assert bool(chosen) == bool(words)


async def test_sentences_keep_their_place_and_name_their_words(analyst: Analyst) -> None:
    text = "배송이 늦었어요. 환불해 주세요! 정말 비쌌습니다"

    [korean], [english] = [await analyst.sentences([one]) for one in (text, "The app crashed. I want it back!")]

    assert [text[each.start : each.end] for each in korean] == [each.text for each in korean]
    assert [("배송",), ("환불",), ("비싸다",)] == [each.words for each in korean]
    assert 2 == len(english)


async def test_neither_who_speaks_nor_an_address_is_what_a_sentence_names(analyst: Analyst) -> None:
    korean, english = await analyst.sentences(
        [
            "상담사: 배송을 확인할게요. 고객: https://shop.example/a?b=c 여기예요.",
            "Agent: See shop.example/a. Call 3.5 hours later.",
        ]
    )

    assert {"배송"} == {word for each in korean for word in each.words} - {"확인"}
    assert ["Agent: See shop.example/a.", "Call 3.5 hours later."] == [each.text for each in english]
    assert "agent" not in english[0].words


async def test_who_does_not_ask_has_no_child() -> None:
    analyst = Analyst(LEXICONS)

    assert not analyst.running


async def test_an_idle_child_goes_and_the_next_question_starts_another() -> None:
    analyst = Analyst(LEXICONS, idle_seconds=0.0)

    async def gone() -> bool:
        return not analyst.running

    await analyst.sentences(["배송이 늦어요"])
    await harness.until(gone)
    again = await analyst.sentences(["배송이 늦어요"])
    await analyst.close()

    assert ("배송",) == again[0][0].words
    assert not analyst.running


@pytest.mark.parametrize("text", ["", " ", "\ud800", "\x00", "😀", "ㅠㅠ"])
async def test_no_text_is_too_odd_for_it(analyst: Analyst, text: str) -> None:
    assert 1 == len(await analyst.sentences([text]))
