"""What a line shows, and when it was."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_console.domain import lines, times
from sori_console.domain.words import Language, Words

SEOUL = ZoneInfo("Asia/Seoul")
NOW = dt.datetime(2026, 11, 22, 3, 0, tzinfo=dt.UTC)


def a_turn(change: str, *, kept: bool | None = None) -> lines.CaseTurn:
    return lines.CaseTurn(
        item_id="1", occurred_time=NOW, org_unit="", change=change, case="c", from_staff=False, channel="", topics=(),
        due_time=None, kept=kept,
    )  # fmt: skip


def a_touchpoint(**fields: Any) -> lines.Touchpoint:
    defaults: dict[str, Any] = {
        "item_id": "1", "occurred_time": NOW, "org_unit": "", "channel": "app", "what": "inquiry",
        "speaker": lines.Speaker.CUSTOMER, "text": lines.cut("늦어요"), "marks": (), "product": "", "stage": "",
        "customer": "", "opinion": lines.Opinion(mood=lines.Mood.NEGATIVE, topics=()),
    }  # fmt: skip
    return lines.Touchpoint(**{**defaults, **fields})


@pytest.mark.parametrize(
    ("change", "kept", "tone"),
    [
        ("opened", None, lines.Tone.PLAIN),
        ("breached", False, lines.Tone.BAD),
        ("answered", True, lines.Tone.GOOD),
        ("answered", False, lines.Tone.BAD),
        ("resolved", False, lines.Tone.GOOD),
    ],
)
def test_a_broken_promise_is_bad_news_even_when_the_answer_came(
    change: str, kept: bool | None, tone: lines.Tone
) -> None:
    assert tone is a_turn(change, kept=kept).tone


def test_a_mood_is_shown_of_a_customers_own_words_only() -> None:
    assert lines.Mood.NEGATIVE is a_touchpoint().mood
    assert a_touchpoint(speaker=lines.Speaker.AGENT).mood is None
    assert a_touchpoint(text=lines.cut("")).mood is None


@given(st.text(max_size=2_000))
def test_a_text_is_cut_only_where_it_would_fill_the_page(text: str) -> None:
    made = lines.cut(text)

    assert text.startswith(made.shown)
    assert len(text) == made.length
    assert len(made.shown) <= 600
    assert made.is_cut == (len(text) > 600)


@pytest.mark.parametrize(
    ("language", "time", "written"),
    [
        (Language.KO, NOW, "11월 22일 12:00"),
        (Language.EN, NOW, "22 Nov 12:00"),
        (Language.KO, dt.datetime(2025, 12, 31, 15, 0, tzinfo=dt.UTC), "1월 1일 00:00"),
        (Language.KO, dt.datetime(2025, 12, 31, 14, 59, tzinfo=dt.UTC), "2025년 12월 31일 23:59"),
        (Language.EN, dt.datetime(2025, 12, 31, 14, 59, tzinfo=dt.UTC), "31 Dec 2025 23:59"),
    ],
)
def test_times_are_written_in_the_companys_zone(language: Language, time: dt.datetime, written: str) -> None:
    assert written == times.moment(time, now=NOW, zone=SEOUL, language=language)


def test_weeks_are_named_and_what_is_no_week_is_shown_as_it_is() -> None:
    assert "2026년 45주차" == times.week_label("2026-W45", Words(Language.KO))
    assert "Week 45, 2026" == times.week_label("2026-W45", Words(Language.EN))
    assert "2026-W99" == times.week_label("2026-W99", Words(Language.KO))
