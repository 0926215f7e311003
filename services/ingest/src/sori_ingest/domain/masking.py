"""Personal numbers in free text: found precisely, and masked digit by digit so that the sentence keeps its shape."""

import functools
import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from sori_ingest.domain import numbers
from sori_ingest.domain.numbers import DIGIT, GAP, Personal

Span: TypeAlias = tuple[int, int]  # where something begins and ends in a text

SHORTEST = 8  # digits of what is masked
_MOST_PASSES = 8

# Eight digits with little between them: without that there is nothing to look for.
_SUSPECT = re.compile(rf"\d(?:{GAP}\d){{7}}")
_ANY = re.compile(r"[0-9\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]")  # found several times as fast as \d
_DIGITS = b"0123456789"
_THIRTEEN = re.compile(rf"(?<!\d)\d(?:{GAP}\d){{12}}")
_KNOT = re.compile(rf"\d(?:{GAP}\d){{7,}}")
_MOST_DIGITS = 40  # in a row; no number of a person has as many, and none begins or ends within a row
_STEP = 500  # characters from one look for such a row to the next: what is long costs time
_ROW = re.compile(rf"\d{{{_MOST_DIGITS + 1},}}")
_NO_LETTERS = re.compile(r"[\W\d_\u30fc\u3161]*")
_LETTER = re.compile(r"[^\W\d_\u30fc\u3161]")
_STARS = str.maketrans("0123456789", "*" * 10)
_NARROW = str.maketrans(
    "０１２３４５６７８９＋－（）．～／，＿", "0123456789+-().~/,_"
)  # Wide ones, as Korean keyboards make them.

_WIDE = re.compile("[\uff08-\uff5e]")  # at least what _NARROW changes


_MOBILE = re.compile(r"0(?:10|50\d)\d{8}|8210\d{8}")
_KEY_OF_PERSON = re.compile(
    r"phone|mobile|\btel(?!em)|_tel\b|\bhp\b|cell|fax|resident|\brrn\b|\bssn\b|jumin|card(?!inal)"
    r"|account_?n|(?:bank|refund|virtual)_?acc|iban|전화|휴대|핸드폰|연락|발신|수신|caller|주민|외국인|카드|계좌(?!\s?이체)|통장",
    re.I,
)
_KEY_OF_PHONE = re.compile(
    r"(?:phone|mobile|cell|\btel|_tel|fax|\bhp|caller|전화|휴대폰|핸드폰|연락처|팩스|발신(?=\s?번호)|수신(?=\s?번호))"
    r"[ _]?(?:number|no\.?|num|번호)?$",
    re.I,
)
_LONGEST_PHONE = 15  # digits
_NO_PHONE = re.compile(  # but of a company, or a date
    r"1[5-8]\d{6}$|080\d{7}$|0800|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}(?:\d\d)?)?$"
)
_KEY_OF_ID = re.compile(r"id$|_id\b|no$|num|number|code|key|token|ref|번호|코드", re.I)
_OF_PERSON = re.compile("주민|외국인|카드|계좌|전화|휴대|핸드폰")


def mask(text: str) -> tuple[str, dict[Personal, int]]:
    """Put `*` for each digit of a personal number; says how many numbers of each kind there were.

    A syllable that says a digit, as in 공일공 일이삼사 오육칠팔, is one, too.
    """
    if not text.isascii() and _may_be_said(text):
        text, said = _mask_said(text)
        if said:
            masked, counts = _mask(text)
            return masked, {kind: said.get(kind, 0) + counts.get(kind, 0) for kind in (*said, *counts)}
    return _mask(text) if _first_of_eight(text) >= 0 else (text, {})


def _may_be_said(text: str) -> bool:
    return (
        "공일공" in text
        or "영일영" in text
        or ("번호" in text and _OF_PERSON.search(text) is not None)
        or ("010" in text and numbers.MOBILE_WITH_WORDS.search(text) is not None)
    )


def _mask_said(text: str) -> tuple[str, dict[Personal, int]]:
    """Mask numbers between whose digits there are words, and those that are written as one says them."""
    counts: dict[Personal, int] = {}
    for pattern, personal, digit in numbers.SAID:
        spans: list[Span] = []
        for found in pattern.finditer(text):
            if kind := personal(found):
                counts[kind] = counts.get(kind, 0) + 1
                spans.append(found.span())
        if spans:
            text = _starred(text, spans, digit)
    return text, counts


def mask_value(key: str, value: str) -> tuple[str, dict[Personal, int]]:
    """Mask the value of an attribute; the key is what stands before it.

    A value that is nothing but digits is an id of the source's own, unless it is a mobile number or the key says what
    it is: of such ids every tenth would pass for a card number.
    """
    if value.isascii() and _count_ascii(value) < SHORTEST:
        return value, {}
    label, is_person, is_phone, is_reference = _said_by(key)
    if (is_person or (is_reference and not value.strip().isdigit())) and (not value.isascii() or is_suspect(value)):
        masked, counts = _mask_after(label, value)
        if counts or not is_phone:
            return masked, counts
    if (bare := value.strip()).isdigit():
        if is_phone and bare.isascii() and len(bare) <= _LONGEST_PHONE and not _NO_PHONE.match(bare):
            return value.translate(_STARS), {Personal.PHONE_NUMBER: 1}
        if _MOBILE.fullmatch(bare.translate(_NARROW)) and not _KEY_OF_ID.search(key):
            return DIGIT.sub("*", value), {Personal.PHONE_NUMBER: 1}
        return value, {}
    return _mask(value) if value.isascii() else mask(value)


@functools.lru_cache(1_024)
def _said_by(key: str) -> tuple[str, bool, bool, bool]:
    """Give what an attribute's key says before its value, and whether that is of a person, a phone, a thing."""
    label = f"{key.replace('_', ' ')}: "
    is_reference = bool(_KEY_OF_ID.search(key) and numbers.is_of_a_thing(label))
    return label, _KEY_OF_PERSON.search(key) is not None, _KEY_OF_PHONE.search(key) is not None, is_reference


def _mask_after(label: str, value: str) -> tuple[str, dict[Personal, int]]:
    masked, counts = _mask(f"{label}{value}") if value.isascii() else mask(f"{label}{value}")
    return (masked[len(label) :], counts) if masked[len(label) :] != value else (value, {})


def is_suspect(text: str) -> bool:
    """Say whether there is anything to look for: eight digits with little between them."""
    first = _first_of_eight(text)
    return first >= 0 and _SUSPECT.search(text, first) is not None


def _first_of_eight(text: str) -> int:
    """Find where the first digit stands; -1 where there are no eight for sure."""
    if text.isascii() and _count_ascii(text) < SHORTEST:
        return -1  # Counted faster than looked for.
    first = _ANY.search(text)
    return first.start() if first and len(text) - first.start() >= SHORTEST else -1


def _count_ascii(text: str) -> int:
    """Count the digits of an ASCII text."""
    return len(text) - len(text.encode().translate(None, _DIGITS))


def _stretches(text: str) -> list[Span]:
    """Find what lies between two letters and is suspect: no number but an IBAN reaches beyond.

    Of a row of digits that is too long for a number only the beginning is looked at.
    """
    stretches: list[Span] = []
    at = 0
    if len(text) > _STEP and any(text[each : each + _MOST_DIGITS].isdecimal() for each in range(0, len(text), _STEP)):
        for row in _ROW.finditer(text):
            _add_between(text, at, row.start() + _MOST_DIGITS + 1, stretches)
            at = row.end()
    _add_between(text, at, len(text), stretches)
    return stretches


def _add_between(text: str, at: int, until: int, stretches: list[Span]) -> None:
    while knot := _KNOT.search(text, at, until):
        start, end = knot.span()
        while start > at and not _LETTER.match(text, start - 1):
            start -= 1
        if more := _NO_LETTERS.match(text, end, until):
            end = more.end()
        stretches.append((start, end))
        at = end


def _mask(text: str) -> tuple[str, dict[Personal, int]]:
    counts: dict[Personal, int] = {}
    folded = after = text if text.isascii() or not _WIDE.search(text) else text.translate(_NARROW)
    stretches = _stretches(after)
    if not stretches:
        return text, counts
    lower = after.lower()
    kinds = [kind for kind in numbers.KINDS if kind.hint is None or kind.hint.search(lower)]
    for _ in range(_MOST_PASSES):  # What is masked may uncover another number beside it.
        before = after
        long = _with(_THIRTEEN, after, stretches)
        for personal, pattern, holds, is_long, _hint in kinds:
            where = long if is_long else stretches
            if pattern is numbers.IBAN:
                where = [(0, len(after))]
            if where and (spans := _find(pattern, holds, after, where)):
                counts[personal] = counts.get(personal, 0) + len(spans)
                after = _starred(after, spans)
                if pattern is numbers.PHONE:  # The digits of what is looked for next are close to each other.
                    stretches = _with(_SUSPECT, after, stretches)
        if after == before:
            break
        stretches = _with(_SUSPECT, after, stretches)
        if not stretches:
            break
    else:  # A knot of numbers that no person writes: nothing of it stays, and its length costs nothing more.
        after = _KNOT.sub(lambda found: DIGIT.sub("*", found.group()), after)
    if not counts:
        return text, counts
    if folded != text:
        after = "".join(old if new == same else new for old, same, new in zip(text, folded, after, strict=True))
    return after, counts


def _with(pattern: re.Pattern[str], text: str, stretches: Iterable[Span]) -> list[Span]:
    """Give the stretches that hold a pattern."""
    return [(start, end) for start, end in stretches if pattern.search(text, start, end)]


def _find(
    pattern: re.Pattern[str],
    holds: Callable[[re.Match[str]], bool],
    text: str,
    stretches: Iterable[Span],
) -> list[Span]:
    spans: list[Span] = []
    for start, end in stretches:
        found = pattern.search(text, start, end)
        while found:
            if holds(found):
                spans.append(found.span())
            found = pattern.search(text, found.end(), end)
    return spans


def _starred(text: str, spans: Iterable[Span], digit: re.Pattern[str] = DIGIT) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        number = text[start:end]
        parts += (text[at:start], number.translate(_STARS) if number.isascii() else digit.sub("*", number))
        at = end
    return "".join((*parts, text[at:]))
