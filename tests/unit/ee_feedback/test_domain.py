"""Weeks, hashes, masks, eNPS: the rules of ee-feedback."""

import datetime as dt
import itertools
import math
import random
import uuid
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_ee_feedback import domain
from sori_ee_feedback.domain import Cell, Kind, Marks

SEOUL = ZoneInfo("Asia/Seoul")
GANGNAM = Cell("shop-gangnam", "2026-W46")


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        (dt.datetime(2026, 11, 15, 14, 59, 59, tzinfo=dt.UTC), "2026-W46"),  # Sunday, one second to midnight.
        (dt.datetime(2026, 11, 15, 15, 0, tzinfo=dt.UTC), "2026-W47"),
        (dt.datetime(2027, 1, 3, 3, 0, tzinfo=dt.UTC), "2026-W53"),
        (dt.datetime(2027, 1, 3, 15, 0, tzinfo=dt.UTC), "2027-W01"),
    ],
)
def test_a_week_turns_at_midnight_in_seoul(moment: dt.datetime, week: str) -> None:
    assert domain.week_of(moment, SEOUL) == week


@given(st.integers(1_000_000_000, 4_000_000_000))
def test_a_week_starts_within_the_seven_days_before(seconds: int) -> None:
    moment = dt.datetime.fromtimestamp(seconds, dt.UTC)

    start = domain.start_of(domain.week_of(moment, SEOUL), SEOUL)

    assert dt.timedelta() <= moment - start < dt.timedelta(days=7)


@given(st.lists(st.dates(dt.date(2001, 1, 1), dt.date(2099, 12, 31)), min_size=2))
def test_weeks_sort_by_time(days: list[dt.date]) -> None:
    noons = [dt.datetime.combine(day, dt.time(3), dt.UTC) for day in sorted(days)]

    weeks = [domain.week_of(noon, SEOUL) for noon in noons]

    assert weeks == sorted(weeks)


@pytest.mark.parametrize(
    "value", ["", "2026-46", "2026-W00", "2026-W54", "2025-W53", "2026-W4", "2026-W46 ", "２０２６-W46"]
)
def test_what_is_no_week_is_refused(value: str) -> None:
    assert not domain.is_week(value)


def test_a_week_that_exists_is_one() -> None:
    assert domain.is_week("2026-W53")


@given(st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
def test_the_same_person_is_somebody_else_in_every_cell(subject: str, one: str, other: str) -> None:
    cells = {Cell(one, "2026-W46"), Cell(one, "2026-W47"), Cell(other, "2026-W46")}

    hashes = {
        domain.recognise(b"k" * 32, kind, cell, subject).person_hash for kind, cell in itertools.product(Kind, cells)
    }

    assert len(hashes) == len(Kind) * len(cells)


def test_a_person_is_recognised_in_their_own_cell_and_not_without_the_secret() -> None:
    first, again = (domain.recognise(b"k" * 32, Kind.VOICE, GANGNAM, "kim") for _ in range(2))

    assert first == again
    assert first != domain.recognise(b"l" * 32, Kind.VOICE, GANGNAM, "kim")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("팀장 번호는 010-1234-5678입니다", "팀장 번호는 [phone]입니다"),
        ("01012345678 로 전화", "[phone] 로 전화"),
        ("+82 10 1234 5678", "[phone]"),
        ("02-123-4567, 0505.123.4567", "[phone], [phone]"),
        ("call +1 (415) 555-0100 now", "call [phone] now"),
        ("주민번호 900101-1234567 유출", "주민번호 [id number] 유출"),
        ("9001011234567", "[id number]"),
        ("메일hong.gd@example.co.kr로", "메일[e-mail]로"),
        ("카드 1234-5678-9012-3456", "카드 [card number]"),
        ("2026-11-02에 12,000원, 3층 1234호", "2026-11-02에 12,000원, 3층 1234호"),
        ("  공백  ", "공백"),
    ],
)
def test_personal_numbers_are_masked_and_others_are_not(text: str, cleaned: str) -> None:
    assert domain.clean(text) == cleaned


def test_masking_a_long_hostile_text_takes_no_time() -> None:
    text = "a.b-c_" * 1_600

    assert domain.clean(text) == text


@given(st.text(max_size=300))
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    once = domain.clean(text)

    assert domain.clean(once) == once


@pytest.mark.parametrize("text", ["", "  \n", "가" * 10_001, "a\0b"])
def test_words_that_cannot_be_kept_are_named(text: str) -> None:
    assert domain.problem_of_text(text)


def test_the_longest_words_are_kept() -> None:
    assert not domain.problem_of_text("가" * 10_000)


def a_voice(text: str) -> domain.Voice:
    return domain.Voice(
        voice_id=uuid.uuid4(), cell=GANGNAM, text=text, classification=None, receipt_hash=None, position=0.0
    )


@given(st.lists(st.text(min_size=1), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_reissued_voices_say_the_same_under_ids_that_nobody_knew(texts: list[str], rng: random.Random) -> None:
    before = [a_voice(text) for text in texts]

    after = domain.reissue(before, rng, released=True)

    assert sorted(voice.text for voice in after) == sorted(texts)
    assert not {voice.voice_id for voice in before} & {voice.voice_id for voice in after}
    assert all(voice.released for voice in after)


def test_release_leaves_no_order_behind() -> None:
    before = [a_voice(str(number)) for number in range(6)]

    orders = {
        tuple(voice.text for voice in domain.reissue(before, random.Random(seed), released=True)) for seed in range(500)
    }

    assert len(orders) > 300  # of 720


@given(st.lists(st.sampled_from(range(11)), min_size=1, max_size=60))
def test_enps_is_what_counting_by_hand_gives(scores: list[int]) -> None:
    marks = domain.count_marks({score: scores.count(score) for score in range(11)})

    found = domain.enps(marks)

    votes = [1 if score >= 9 else -1 if score <= 6 else 0 for score in scores]
    assert marks.respondents == len(scores)
    assert found.value == pytest.approx(100 * sum(votes) / len(votes))
    assert -100 <= found.low <= found.value <= found.high <= 100
    assert found.low < found.high


@pytest.mark.parametrize("size", [5, 12, 30])
@pytest.mark.parametrize(("promoters", "detractors"), [(0.2, 0.2), (0.5, 0.3), (0.1, 0.6), (0.85, 0.05)])
def test_the_interval_holds_the_truth_in_about_95_of_100_samples(
    size: int, promoters: float, detractors: float
) -> None:
    covered = 0.0
    for p in range(size + 1):
        for d in range(size + 1 - p):
            rest = size - p - d
            chance = (
                math.factorial(size)
                / (math.factorial(p) * math.factorial(d) * math.factorial(rest))
                * promoters**p
                * detractors**d
                * (1 - promoters - detractors) ** rest
            )
            found = domain.enps(Marks(respondents=size, promoters=p, detractors=d))
            if found.low <= 100 * (promoters - detractors) <= found.high:
                covered += chance

    assert covered > 0.92


@pytest.mark.parametrize(
    ("abusive", "topics", "urgency_reasons", "reasons"),
    [
        (False, ["pay"], ["deadline"], ()),
        (True, [], [], ("abuse",)),
        (False, ["safety", "privacy"], [], ("safety", "privacy")),
        (False, [], ["self_harm"], ("self_harm",)),
    ],
)
def test_danger_and_abuse_are_flagged(
    abusive: bool, topics: list[str], urgency_reasons: list[str], reasons: tuple[str, ...]
) -> None:
    assert domain.flag_reasons(abusive=abusive, topics=topics, urgency_reasons=urgency_reasons) == reasons
