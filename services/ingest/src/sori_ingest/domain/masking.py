"""Personal numbers in free text: found precisely, and masked digit by digit so that the sentence keeps its shape."""

import re
from collections.abc import Callable
from enum import StrEnum


class Personal(StrEnum):
    """Kinds of personal number."""

    RESIDENT_NUMBER = "resident_number"
    CARD_NUMBER = "card_number"
    PHONE_NUMBER = "phone_number"
    ACCOUNT_NUMBER = "account_number"


_MOST_PASSES = 8
_LABEL = 24  # characters before a number that may say what it is

# Eight digits with little between them: without that there is nothing to look for.
_SUSPECT = re.compile(r"\d(?:\W{0,3}\d){7}")
_KNOT = re.compile(r"\d(?:\W{0,3}\d){7,}")
_DIGIT = re.compile(r"\d")
_NARROW = str.maketrans(
    "０１２３４５６７８９＋－（）．", "0123456789+-()."
)  # Wide ones, as Korean keyboards make them.

_DASH = r"[-.\u00b7\u2010-\u2015]"
_JOINT = rf"(?:\s?(?:{_DASH}|\))\s?|\s)"  # between two groups of one number

_RESIDENT = re.compile(rf"(?<!\d)(\d\d)(\d\d)(\d\d)(\s?{_DASH}\s?|\s)?([1-8])(\d{{6}})(?!\d)")
_CARD = re.compile(
    rf"(?<!\d)(?<!\d[-.,])(?:\d{{13,19}}"
    rf"|\d{{4}}(?:{_JOINT}\d{{4}}){{3}}"
    rf"|\d{{4}}{_JOINT}\d{{6}}{_JOINT}\d{{4,5}})(?!\d)"
)
_PHONE = re.compile(
    r"(?<![\d+])(?<!\d[-.,])(?:"
    rf"\(?010\)?{_JOINT}?\d{{4}}{_JOINT}?\d{{4}}"  # mobile
    rf"|\(?010\)?{_JOINT}\d{{3}}{_JOINT}\d{{4}}"
    rf"|\(?01[16789]\)?{_JOINT}?\d{{3,4}}{_JOINT}?\d{{4}}"
    rf"|\(?050\d\)?{_JOINT}?\d{{3,4}}{_JOINT}?\d{{4}}"  # safe number
    rf"|\(?0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70){_JOINT}\d{{3,4}}{_JOINT}\d{{4}}"  # landline, Internet telephone
    rf"|\+?82{_JOINT}?(?:\(0\)|0)?{_JOINT}?10{_JOINT}?\d{{4}}{_JOINT}?\d{{4}}"
    rf"|\+82{_JOINT}?(?:\(0\)|0)?{_JOINT}?\d{{1,3}}{_JOINT}?\d{{3,4}}{_JOINT}?\d{{4}}"
    rf"|\+[1-9]\d{{0,2}}(?:{_JOINT}\(?\d{{1,4}}){{2,4}}{_JOINT}\d{{3,4}}"  # other countries
    r"|\+[1-9]\d{7,14}"
    r")(?!\d)"
)
_ACCOUNT = re.compile(r"(?<!\d)(?<!\d[-.,])(?:\d{10,16}|\d{2,6}(?:-\d{1,8}){1,4})(?!\d)(?!-\d)")

_BANKING = re.compile(r"계좌|통장|입금|송금|이체|은행|뱅크|농협|새마을금고|신협|수협|account|acct|\bbank|\biban", re.I)
_BANKING_BEFORE = re.compile(rf"(?:{_BANKING.pattern})\D{{0,15}}$", re.I)
_BANKING_AFTER = re.compile(
    r"\W{0,3}(?:[가-힣]{1,6}은행|[가-힣]{0,6}뱅크|농협)?\W{0,3}(?:계좌|통장|account|(?:으로|로)\s?(?:입금|송금|이체|환불))",
    re.I,
)
# "주문번호: " before a number says that it is none of the above.
_REFERENCE = re.compile(
    r"(?:주문|송장|접수|예약|문의|상품|제품|모델|바코드|order|invoice|tracking|reference|booking|receipt|ticket)"
    r"\s?(?:번호|코드|no\.?|number|code|id)?\s?(?:는|은|이|가|is)?\s?[:：#=(\[]{0,2}\s?$",
    re.I,
)
_RESIDENT_WORD = re.compile(r"(?:주민|외국인\s?등록|resident)\D{0,15}$", re.I)
_DATE_FIRST = re.compile(r"(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])")
_CARD_ISSUER = re.compile(r"[3-69]|2[2-7]")  # The others stand for banks of no country, or for goods (880…).
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def mask(text: str) -> tuple[str, dict[Personal, int]]:
    """Put `*` for each digit of a personal number; says how many numbers of each kind there were."""
    counts: dict[Personal, int] = {}
    if _SUSPECT.search(text) is None:
        return text, counts
    folded = after = text.translate(_NARROW)
    for _ in range(_MOST_PASSES):  # What is masked may uncover another number beside it.
        before = after
        for kind, pattern, holds in _KINDS:
            if kind is not Personal.ACCOUNT_NUMBER or _BANKING.search(after):
                after = _mask_kind(after, kind, pattern, holds, counts)
        if after == before:
            break
    else:  # A knot of numbers that no person writes: nothing of it stays, and its length costs nothing more.
        after = _KNOT.sub(lambda found: _DIGIT.sub("*", found.group()), after)
    if not counts:
        return text, counts
    if folded != text:
        after = "".join(old if new == same else new for old, same, new in zip(text, folded, after, strict=True))
    return after, counts


def _mask_kind(
    text: str,
    kind: Personal,
    pattern: re.Pattern[str],
    holds: Callable[[re.Match[str]], bool],
    counts: dict[Personal, int],
) -> str:
    def replace(found: re.Match[str]) -> str:
        if not holds(found):
            return found.group()
        counts[kind] = counts.get(kind, 0) + 1
        return _DIGIT.sub("*", found.group())

    return pattern.sub(replace, text)


def _before(found: re.Match[str]) -> str:
    return found.string[max(0, found.start() - _LABEL) : found.start()]


def _digits(found: re.Match[str]) -> list[int]:
    return [int(digit) for digit in _DIGIT.findall(found.group())]


def _is_resident_number(found: re.Match[str]) -> bool:
    month, day = int(found[2]), int(found[3])
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]) or _REFERENCE.search(_before(found)):
        return False
    if found[4] is not None or _has_resident_check_digit(_digits(found)):
        return True
    # Numbers given since October 2020 have no check digit: without a hyphen too, the words before must tell.
    return bool(_RESIDENT_WORD.search(_before(found)))


def _has_resident_check_digit(digits: list[int]) -> bool:
    total = sum(digit * weight for digit, weight in zip(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=False))
    base = 11 if digits[6] < 5 else 13  # Citizens, foreigners.
    return digits[12] == (base - total % 11) % 10


def _is_card_number(found: re.Match[str]) -> bool:
    digits = _digits(found)
    if not 13 <= len(digits) <= 19 or not _CARD_ISSUER.match("".join(map(str, digits[:2]))):
        return False
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    if (sum(digits[-1::-2]) + sum(doubled)) % 10:  # Luhn
        return False
    return not found.group().isdigit() or not _REFERENCE.search(_before(found))


def _is_phone_number(found: re.Match[str]) -> bool:
    return 8 <= len(_digits(found)) <= 15


def _is_account_number(found: re.Match[str]) -> bool:
    before = _before(found)
    return (
        10 <= len(_digits(found)) <= 16
        and not _DATE_FIRST.match(found.group())
        and not _REFERENCE.search(before)
        and bool(_BANKING_BEFORE.search(before) or _BANKING_AFTER.match(found.string, found.end()))
    )


_KINDS = (
    (Personal.RESIDENT_NUMBER, _RESIDENT, _is_resident_number),
    (Personal.CARD_NUMBER, _CARD, _is_card_number),
    (Personal.PHONE_NUMBER, _PHONE, _is_phone_number),
    (Personal.ACCOUNT_NUMBER, _ACCOUNT, _is_account_number),
)
