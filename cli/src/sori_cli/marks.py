"""Marks as people and tools write them, and the scales that they are on."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

_MOST_STARS = 10
_PLAIN = re.compile(r"\d{1,3}(?:[.]\d{1,3})?")
_PLAIN_OF_COLUMN = re.compile(r"\s*(\d{1,3}(?:[.]\d{1,3})?)\s*점?\s*")
_WITH_SCALE = re.compile(  # 4점, 4/5, 4,5, 4.0 out of 5 stars
    r"(-?\d{1,4}(?:[.]\d+|,\d{1,2})?)\s?[점개]?(?:\s?(?:/|out of)\s?(\d{1,3})(?:[.]0+)?\s?(?:점|stars?)?)?", re.I
)
_BEFORE_WORDS = re.compile(
    r"(\d{1,3}(?:[.]\d+)?)\s?(?:점\s?)?(?:stars?|[-–—:]\s?[^\d\s].*|\(\s?[^\d\s].*)", re.I | re.S
)
_AFTER_WORDS = re.compile(r"[^\d()]{1,60}\(\s?(\d{1,2})\s?점?\s?\)")  # 매우 만족 (5)
_AFTER_A_STAR = re.compile(r"(?:[★⭐]|별점?)\s?(\d(?:[.]\d{1,2})?)\s?[개점]?")
_PER_CENT = re.compile(r"(100|\d{1,2})(?:[.]\d+)?\s?%")
_PERCENT = 100
_SATISFIED = {
    "매우만족": 5, "만족": 4, "보통": 3, "불만족": 2, "불만": 2, "매우불만족": 1, "매우불만": 1,
    "verysatisfied": 5, "satisfied": 4, "neutral": 3, "dissatisfied": 2, "verydissatisfied": 1,
    "extremelysatisfied": 5, "somewhatsatisfied": 4, "neithersatisfiednordissatisfied": 3,
    "somewhatdissatisfied": 2, "extremelydissatisfied": 1, "unsatisfied": 2, "veryunsatisfied": 1,
}  # fmt: skip
_KOREAN = re.compile(
    r"(매우|아주|정말|대체로|다소|약간)?(만족|불만족|불만|보통)(?:함|해요|합니다|한다|했어요|했습니다|스러워요|스럽다|스럽습니다|이다|이에요|입니다)"
)
_VERY = frozenset({"매우", "아주", "정말"})
_SPACES = re.compile(r"[\s\u200b\ufeff]+")
_USUAL = {"rating": 5, "csat": 5, "ces": 7}
_HIGHEST = 10
_MANY = 20  # marks, of which some would be higher if the scale were longer
_FEW_OF = 100  # marks, of which one more may be a slip


class NoMark(Exception):
    """A cell that holds no mark."""


def read(cell: str, *, words: bool) -> tuple[float, float]:
    """Read a mark such as 4, 4점, 4/5, ★★★★☆ or 매우 만족, and the end of its scale where it tells it, else 0."""
    text = cell.strip() if cell.isascii() else unicodedata.normalize("NFKC", cell).strip()
    if _PLAIN.fullmatch(text):
        return float(text), 0
    stars = text.replace("\ufe0f", "").replace("⭐", "★").replace(" ", "")
    if 0 < len(stars) <= _MOST_STARS and {*stars} <= {"★", "☆"}:
        return stars.count("★"), len(stars) if "☆" in stars else 0
    if words and (known := _satisfied(_SPACES.sub("", text).lower())):
        return known, 5
    if words and _PER_CENT.fullmatch(text):
        return float(text.rstrip("% ")), _PERCENT
    if found := _WITH_SCALE.fullmatch(text):
        highest = float(found[2] or 0)
        return float(found[1].replace(",", ".")), highest if highest > 1 else 0
    if found := _BEFORE_WORDS.fullmatch(text) or _AFTER_WORDS.fullmatch(text) or _AFTER_A_STAR.fullmatch(text):
        return float(found[1]), 0
    return _number(text), 0


def _satisfied(letters: str) -> float | None:
    if (known := _SATISFIED.get(letters)) or not (found := _KOREAN.fullmatch(letters)):
        return known
    return _SATISFIED["매우" + found[2] if found[1] in _VERY and found[2] != "보통" else found[2]]


def _number(cell: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        raise NoMark("is not a number") from None
    if not math.isfinite(number):
        raise NoMark("is not a number")
    return number


def scale(field: str, cells: Iterable[str]) -> tuple[float, float]:
    """Give the scale that a whole column of ratings, CSAT or CES is on where it is not the usual one, else zeros.

    What few of many marks say that are higher than the usual scale are slips.
    """
    if not (usual := _USUAL.get(field, 0)):
        return 0, 0
    counts: Counter[float] = Counter()
    for cell, number in Counter(cells).items():
        if found := _PLAIN_OF_COLUMN.fullmatch(cell):
            counts[float(found[1])] += number
    count, beyond = counts.total(), sum(number for mark, number in counts.items() if mark > usual)
    if not beyond or (count >= _MANY and beyond <= max(1, count // _FEW_OF)):
        return 0, 0
    highest, lowest = max(counts), min(1.0, min(counts))
    if highest > _HIGHEST:
        most = 2 * sum(number for mark, number in counts.items() if mark > _HIGHEST) > count
        return (0, _PERCENT) if most and highest <= _PERCENT else (0, 0)
    return lowest, 7 if field == "csat" and count >= _MANY and highest <= 7 else _HIGHEST
