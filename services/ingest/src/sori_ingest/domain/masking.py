"""Personal numbers in free text: found precisely, and masked digit by digit so that the sentence keeps its shape."""

import functools
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TypeAlias

Span: TypeAlias = tuple[int, int]  # where something begins and ends in a text


class Personal(StrEnum):
    """Kinds of personal number."""

    RESIDENT_NUMBER = "resident_number"
    CARD_NUMBER = "card_number"
    PHONE_NUMBER = "phone_number"
    ACCOUNT_NUMBER = "account_number"


SHORTEST = 8  # digits of what is masked
_MOST_PASSES = 8
_LABEL = 32  # characters before a number that may say what it is
_CONTEXT = 60  # characters before a number in which its owner may speak of a bank account
_LONGEST_ADDRESS = 300  # characters of a web address before a number in it

# Eight digits with little between them: without that there is nothing to look for.
_GAP = r"[\W_\u30fc\u3161]{0,3}+"
_SUSPECT = re.compile(rf"\d(?:{_GAP}\d){{7}}")
_ANY = re.compile(r"[0-9\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\uff10-\uff19]")  # found several times as fast as \d
_DIGITS = b"0123456789"
_THIRTEEN = re.compile(rf"(?<!\d)\d(?:{_GAP}\d){{12}}")
_KNOT = re.compile(rf"\d(?:{_GAP}\d){{7,}}")
_MOST_DIGITS = 40  # in a row; no number of a person has as many, and none begins or ends within a row
_STEP = 500  # characters from one look for such a row to the next: what is long costs time
_ROW = re.compile(rf"\d{{{_MOST_DIGITS + 1},}}")
_NO_LETTERS = re.compile(r"[\W\d_\u30fc\u3161]*")
_LETTER = re.compile(r"[^\W\d_\u30fc\u3161]")
_DIGIT = re.compile(r"\d")
_DIGITS_TOGETHER = re.compile(r"\d+")
_STARS = str.maketrans("0123456789", "*" * 10)
_NARROW = str.maketrans(
    "０１２３４５６７８９＋－（）．～／，＿", "0123456789+-().~/,_"
)  # Wide ones, as Korean keyboards make them.

_WIDE = re.compile("[\uff08-\uff5e]")  # at least what _NARROW changes

_SPACE = r"[\s\u00ad\u200b-\u200f\u2060\ufeff]"  # with those of no width, which are copied from web pages
_HYPHEN = r"[-\u2010-\u2015\u2212\u30fc\u3161]"  # The last is a Korean vowel that looks like one.
_DASH = r"[-._\u00b7\u2010-\u2015\u2212\u30fb\u30fc\u3161]"
_JOINT = (
    rf"(?:{_SPACE}{{0,2}}\\?(?:{_DASH}{{1,2}}|\)){_SPACE}{{0,2}}|{_SPACE}{{1,2}})"  # between two groups of one number
)

_RESIDENT = re.compile(
    rf"(?<!\d)(19|20)?(\d\d)(\d\d)(\d\d)(\s?(?:{_DASH}{{1,2}}|[~/])\s?|\s{{1,2}})?([1-8])(\d{{6}})(?!\d)"
)
_CARD = re.compile(
    rf"(?<!\d)(?<!\d[-.,])(?:\d{{13,19}}"
    rf"|\d{{4}}(?!\d)(?:(?:{_JOINT}\d{{4}}){{3}}|{_JOINT}\d{{6}}{_JOINT}\d{{4,5}}))(?!\d)"
)
_PHONE = re.compile(
    r"(?<![\d+])(?<!\d[-.,])(?=[(+08])(?:"
    rf"\(?010{_GAP}\d{{4}}{_GAP}\d{{4}}"  # mobile: its beginning leaves no doubt
    rf"|\(?010{_JOINT}\d{{3}}{_JOINT}\d{{4}}"
    rf"|\(?010(?:{_JOINT}?\d){{8}}(?!{_DASH}\d)"
    rf"|\(?01[16789]\)?{_JOINT}?\d{{3,4}}{_JOINT}?\d{{4}}(?!{_DASH}\d)"  # old ones
    rf"|\(?050(?:\d\)?{_JOINT}?\d{{3,4}}|{_JOINT}\d{{4}}){_JOINT}?\d{{4}}"  # safe number
    rf"|\(?0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70){_JOINT}\d{{3,4}}{_JOINT}\d{{4}}"  # landline, Internet telephone
    r"|070\d{8}"
    rf"|090{_HYPHEN}\d{{4}}{_HYPHEN}\d{{4}}"  # Japan
    rf"|(?:\+|00)?82{_JOINT}?(?:\(0\)|0)?{_JOINT}?10{_JOINT}?\d{{4}}{_JOINT}?\d{{4}}"
    rf"|(?:\+|00)82{_JOINT}?(?:\(0\)|0)?{_JOINT}?\d{{1,3}}{_JOINT}?\d{{3,4}}{_JOINT}?\d{{4}}"
    r"|\+[1-9]\d{0,2}(?:-\d{1,4}){2,4}(?!-?\d)"  # other countries
    rf"|\+[1-9]\d{{0,2}}(?:{_JOINT}\(?\d{{1,4}}){{2,4}}{_JOINT}\d{{3,4}}"
    rf"|\+[1-9]\d{{0,2}}{_JOINT}\(?\d{{2,3}}{_JOINT}\d{{3}}{_JOINT}\d\d{_JOINT}\d\d|\+33{_JOINT}\d(?:{_JOINT}\d\d){{4}}"
    rf"|\+[1-9]\d{{0,2}}(?:{_JOINT}\(?\d{{1,4}}){{1,2}}{_JOINT}\d{{5,8}}"
    rf"|\+[1-9]\d{{1,2}}{_JOINT}(?:\d{{3,4}}{_JOINT}\d{{4}}|\d{{5}}{_JOINT}\d{{5}})|\+[1-9]\d{{1,2}}{_JOINT}\d{{2,3}}(?:{_JOINT}\d\d){{3}}"
    r"|\+[1-9]\d{7,14}"
    r")(?!\d)"
)
_LANDLINE = re.compile(  # only beside words of telephony
    rf"(?=[0-9(])(?<!\d)(?<!\d[-.,])(?:0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]){_JOINT}?\d{{7,8}}"  # without joints
    rf"|10{_JOINT}?\d{{4}}{_JOINT}?\d{{4}}"  # of a mobile, whose first 0 a table took for nothing
    rf"|1[3-9]\d{_JOINT}?\d{{4}}{_JOINT}?\d{{4}}"  # China
    rf"|0[35789]\d\d?{_JOINT}?\d{{3,4}}{_JOINT}?\d{{3,4}}"  # Japan, Vietnam
    rf"|0[1-9]\d{{0,3}}{_JOINT}\d{{3,4}}{_JOINT}?\d{{3,4}}"  # Britain and others
    rf"|8{_JOINT}\(?9\d\d\)?{_JOINT}\d{{3}}{_JOINT}?\d\d{_JOINT}?\d\d"  # Russia
    rf"|(?:1{_JOINT})?\(?(?!8(?:00|33|44|55|66|77|88))[2-9]\d\d{_JOINT}[2-9]\d\d{_JOINT}\d{{4}}"
    rf"|(?!1[5-9]|20)\d{{4}}{_HYPHEN}\d{{4}}|[2-9]\d\d[2-9]\d{{6}})(?!\d)(?!-\d)"  # see _SHORT_PHONE
)
_SHORT_PHONE = re.compile(rf"\d{{4}}{_HYPHEN}\d{{4}}|[2-9]\d{{9}}")  # not 1588-1234, which is a company's, nor a year
_BLANK = r"[ \t\u00a0]"
_ACCOUNT = re.compile(
    r"(?<!\d)(?<!\d[-.,])(?:\d{10,16}"
    rf"|\d{{1,10}}(?:{_BLANK}?\\?{_HYPHEN}{{1,2}}{_BLANK}?\d{{1,9}}){{1,4}}"
    rf"|\d{{3,6}}{_BLANK}{{1,2}}\d{{2,9}}{_BLANK}{{1,2}}\d{{1,8}}"
    rf"(?:{_BLANK}{{1,2}}(?!20\d\d|\d+\s?[일월년시분초개건원번명회차천만주])\d{{1,4}}(?!\d))?"  # and no date, no price
    rf"|\d{{3,6}}(?:\.\d{{2,8}}){{2,3}})(?!\d)(?!(?:{_HYPHEN}|\.)\d)"
)
_IBAN_BEGINS = re.compile(r"[A-Z][A-Z]\d")  # looked for in an eighth of the time
_IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")

_SYLLABLES = "[공영일이삼사오육륙칠팔구하나둘]"  # of digits as they are said, and as a transcript of a call has them
_SYLLABLE = "(?:하나|[공영일이삼사오육륙칠팔구둘])"
_SAID_JOINT = r"(?:\s?(?:-|에|의|다시)\s?|\s)?"
_SAID_DIGIT = rf"{_SAID_JOINT}(?:{_SYLLABLE}|[0-9])"
_SAID_MOBILE = re.compile(rf"(?<!{_SYLLABLES})[공영]일[공영](?:{_SAID_DIGIT}){{7,8}}")
_SAID_NUMBER = re.compile(rf"(?:{_SYLLABLE}|[0-9])(?:{_SAID_DIGIT}){{9,15}}")
_FEWEST_SYLLABLES, _FEWEST_DIFFERENT = 6, 2
_SAID_DIGITS = re.compile(rf"\d|{_SYLLABLES}")
_RESIDENT_APART = re.compile(  # 앞자리 900101, 뒷자리 1234567
    r"(?<!\d)(?:19|20)?\d\d(?:[-./ ]?\d\d){2}(?:[\W_]|[앞뒤뒷자리에은는이고요다시번호]){1,10}[1-8]\d{6}(?!\d)"
)
_TELEPHONY_BEFORE = re.compile(
    r"(?:전화|연락|통화|문자|휴대|핸드폰|팩스|电话|電話|手机|手機|携帯|điện thoại|\bsđt|\bтел"
    r"|\b(?:tel|phone|mobile|cell|call|contact|reach|dial|fax|text|whatsapp|my number))\D{0,15}$|\bh\.?p\.?\W{0,3}$",
    re.I,
)
_TELEPHONY_RIGHT_BEFORE = re.compile(
    r"(?:(?:전화|연락|휴대|핸드|폰)[가-힣]{0,2}(?:\s?번호)?|\b(?:tel|phone|mobile|cell|call|text|reach|whatsapp)"
    r"(?:\sme)?(?:\s(?:at|on|to))?(?:\snumber|\sno\.?)?)(?:는|은|가|이|\sis)?\s?[:：]?\s?$",
    re.I,
)
_PRICE = re.compile(r"\s?원(?![가-힣](?<![을이은도에으씩짜정]))")  # 원을, 원이, …; not 원래
_COUNTED = re.compile(r"\s?[명건통회개]")
_TELEPHONY_AFTER = re.compile(r"\W{0,3}(?:으로|로|에|번으로)?\s?(?:전화|연락|통화|문자|팩스)")
_BANK = (  # the names that people write without 은행
    r"(?:국민|신한|우리|하나|기업|산업|(?:한국)?씨티|제일|대구|부산|광주|전북|경남|제주|카카오|카뱅|케이|케뱅|토스|토뱅|toss"
    r"|농협|수협|신협|축협|새마을금고|새마을|우체국|저축|외환|KB|NH|IBK|KEB|SC|shinhan|woori|hana|kookmin|kakao)(?:은행|뱅크|금고)?"
)
_BANKING_BEFORE = re.compile(
    r"(?:계좌|통장|입금|송금|이체|예금주|은행|뱅크|농\s?협|새마을금고|신협|수협|축협|산림조합"
    r"|(?:투자|키움|삼성|미래에셋|대신|토스|페이|하나|유안타|KB)증권|account(?!\s?(?:id|name))|acct|\bbank|\biban)"
    r"\D{0,15}$",
    re.I,
)
_BANK_BEFORE = re.compile(rf"(?<![가-힣A-Za-z]){_BANK}[\s:：\])/,|-]{{0,4}}(?:\(?[가-힣]{{2,4}}\)?\s?)?$", re.I)
_BANK_ALONE = re.compile(
    r"(?<![가-힣A-Za-z])(?:국민|신한|카뱅|케뱅|토스|[Tt]oss)[\s:：\])/,|-]{0,3}$"
)  # before digits without hyphens
_OWN_SHAPE = re.compile(r"100[2-7]\d{9}|3[37]\d{11}|7979\d{9}|[1-9]\d{13}")  # told sooner than the next
_OF_BANK = re.compile(  # without hyphens, after a name that is a common word, too: 우리, 카카오, 하나, 기업
    r"(?:우리[^\w]{0,3}100[2-7]\d{9}|카카오[^\w]{0,3}(?:3333|3355|3388|7979)\d{9}|(?:하나|기업)[^\w]{0,3}[1-9]\d{13})$"
)
_BANKING_AFTER = re.compile(
    r"\W{0,3}(?:[가-힣]{1,6}은행|[가-힣]{0,6}뱅크|농협)?\W{0,3}(?:계좌|통장|account|(?:으로|로)\s?(?:입금|송금|이체|환불))",
    re.I,
)
_BANK_AFTER = re.compile(rf"\s?\(?\s?(?:{_BANK}|[가-힣]{{1,6}}은행|예금주)", re.I)
_BANK_NAME_AFTER = re.compile(  # after digits without hyphens; a post office (우체국) sends parcels, too
    r"\s?[(,/]?\s?(?:[가-힣A-Z]{2,6}은행|(?:카카오|토스|케이)\s?뱅크|(?:NH)?농협|수협|축협|새마을금고|신협)"
)
_BANK_CONTEXT = re.compile(
    r"계좌(?!\s?이체)|통장|예금주|은행(?!나무)|뱅크|\baccount\b(?!\s?(?:id|name))|\biban\b", re.I
)
_BUSINESS = re.compile(r"\d{3}-\d{2}-\d{5}")  # a company's registration number
# "주문번호: " before a number says that it is none of the above.
_REFERENCE = re.compile(
    r"(?:(?:고객|회원|관리|문서|계약|민원|사건|예매|발행|영수증)(?=\s?번호)|주문|송장|운송장|등기|접수|예약|문의|상품|제품|모델"
    r"|바코드|쿠폰|상품권|기프트\s?카드|멤버십|핀|시리얼|일련|특허|출원|사업자(?:\s?등록)?|법인(?:\s?등록)?|승인|거래|택배|대한통운"
    r"|order|invoice|tracking|reference|booking|receipt|ticket|coupon|waybill|parcel|shipment|sku|isbn|imei)"
    r"\s?(?:번호|코드|no\.?|number|code|id)?\s?(?:조회|확인)?\s?(?:는|은|이|가|is)?\s?[:：#=(\[]{0,2}\s?$",
    re.I,
)
_NUMBER_OF = re.compile(r"번호|코드|no\b|number|code", re.I)
_REFERENCE_AFTER = re.compile(r"\s?번?\s?(?:주문(?:건|번호|\s?(?:취소|내역|상품|확인|조회))|송장|운송장|상품|제품)")
_OLD_MOBILE = re.compile("01[16789]")
_MOBILE = re.compile(r"0(?:10|50\d)\d{8}|8210\d{8}")
_KEY_OF_PERSON = re.compile(
    r"phone|mobile|\btel(?!em)|_tel\b|\bhp\b|cell|fax|resident|\brrn\b|\bssn\b|jumin|card(?!inal)"
    r"|account_?n|(?:bank|refund|virtual)_?acc|iban|전화|휴대|핸드폰|연락|주민|외국인|카드|계좌(?!\s?이체)|통장",
    re.I,
)
_KEY_OF_ID = re.compile(r"id$|_id\b|no$|num|number|code|key|token|ref|번호|코드", re.I)
_RESIDENT_WORD = re.compile(
    r"(?:주민|민증|민번|외국인\s?(?:등록|번호)|resident(?:\s?registration)?|\brrn\b|\bssn\b|jumin)\D{0,15}$",
    re.I,
)
_OF_PERSON = re.compile("주민|외국인|카드|계좌|전화|휴대|핸드폰")
_SAID_OF = (
    (Personal.RESIDENT_NUMBER, re.compile(r"(?:주민|외국인)\D{0,15}$")),
    (Personal.CARD_NUMBER, re.compile(r"카드\D{0,15}$")),
    (Personal.ACCOUNT_NUMBER, re.compile(r"(?:계좌|통장|은행|뱅크|농협)\D{0,15}$")),
    (Personal.PHONE_NUMBER, re.compile(r"(?:전화|휴대|핸드폰|연락)\D{0,15}$")),
)
_DATE_FIRST = re.compile(r"(?:19|20)\d\d[-. ]?(?:0[1-9]|1[0-2])[-. ]?(?:0[1-9]|[12]\d|3[01])")
_INTERNET_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_CARD_NUMBER = re.compile(  # by issuer, each with its lengths; what begins otherwise stands for goods (880…) or devices
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5\d|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:6\d|35)\d{14,17}|9\d{15}"
)
_LAST_YEAR = 50  # 20.. of a birth; what seems to be later stands for something else
_SHORTEST_ACCOUNT, _LONGEST_ACCOUNT = 10, 16  # digits
_SURE_ACCOUNT = 11  # characters beside no more than a bank's name
_GROUPS, _GROUP_OF_PARCEL = 3, 4  # at least so many groups; digits
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def mask(text: str) -> tuple[str, dict[Personal, int]]:
    """Put `*` for each digit of a personal number; says how many numbers of each kind there were.

    A syllable that says a digit, as in 공일공 일이삼사 오육칠팔, is one, too.
    """
    if not text.isascii() and ("공일공" in text or ("번호" in text and _OF_PERSON.search(text))):
        text, said = _mask_said(text)
        if said:
            masked, counts = _mask(text)
            return masked, {kind: said.get(kind, 0) + counts.get(kind, 0) for kind in (*said, *counts)}
    return _mask(text) if _first_of_eight(text) >= 0 else (text, {})


def _mask_said(text: str) -> tuple[str, dict[Personal, int]]:
    """Mask numbers between whose digits there are words, and those that are written as one says them."""
    counts: dict[Personal, int] = {}
    for pattern, kind_of in _SAID:
        spans: list[Span] = []
        for found in pattern.finditer(text):
            if kind := kind_of(found):
                counts[kind] = counts.get(kind, 0) + 1
                spans.append(found.span())
        if spans:
            text = _starred(text, spans, _DIGIT if pattern is _RESIDENT_APART else _SAID_DIGITS)
    return text, counts


def _of_mobile(_: re.Match[str]) -> Personal:
    return Personal.PHONE_NUMBER


def _of_parts(found: re.Match[str]) -> Personal | None:
    before = _before(found)
    return Personal.RESIDENT_NUMBER if _RESIDENT_WORD.search(before) and not _REFERENCE.search(before) else None


def _of_said(found: re.Match[str]) -> Personal | None:
    said = re.findall(_SYLLABLE, found.group())
    if len(said) < _FEWEST_SYLLABLES or len(set(said)) < _FEWEST_DIFFERENT:
        return None
    before = _before(found)
    return next((kind for kind, word in _SAID_OF if word.search(before)), None)


def mask_value(key: str, value: str) -> tuple[str, dict[Personal, int]]:
    """Mask the value of an attribute; the key is what stands before it.

    A value that is nothing but digits is an id of the source's own, unless it is a mobile number or the key says what
    it is: of such ids every tenth would pass for a card number.
    """
    if not is_suspect(value):
        return (value, {}) if value.isascii() else mask(value)
    label, is_person, is_reference = _said_by(key)
    if is_person:
        return _mask_after(label, value)
    if (bare := value.strip()).isdigit():
        if _MOBILE.fullmatch(bare.translate(_NARROW)) and not _KEY_OF_ID.search(key):
            return _DIGIT.sub("*", value), {Personal.PHONE_NUMBER: 1}
        return value, {}
    if is_reference:
        return _mask_after(label, value)
    return _mask(value) if value.isascii() else mask(value)


@functools.lru_cache(1_024)
def _said_by(key: str) -> tuple[str, bool, bool]:
    """Give what an attribute's key says before its value, and whether that is somebody's number or that of a thing."""
    label = f"{key.replace('_', ' ')}: "
    is_reference = bool(_KEY_OF_ID.search(key) and _REFERENCE.search(label))
    return label, _KEY_OF_PERSON.search(key) is not None, is_reference


def _mask_after(label: str, value: str) -> tuple[str, dict[Personal, int]]:
    masked, counts = _mask(f"{label}{value}")
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
    may_be_iban = _IBAN_BEGINS.search(after) is not None
    for _ in range(_MOST_PASSES):  # What is masked may uncover another number beside it.
        before = after
        long = _with(_THIRTEEN, after, stretches)
        for kind, pattern, holds, long_only in _KINDS:
            where = long if long_only else stretches
            if pattern is _IBAN:
                where = [(0, len(after))] if may_be_iban else []
            if where and (spans := _find(pattern, holds, after, where)):
                counts[kind] = counts.get(kind, 0) + len(spans)
                after = _starred(after, spans)
                if pattern is _PHONE:  # The digits of what is looked for next are close to each other.
                    stretches = _with(_SUSPECT, after, stretches)
        if after == before:
            break
        stretches = _with(_SUSPECT, after, stretches)
        if not stretches:
            break
    else:  # A knot of numbers that no person writes: nothing of it stays, and its length costs nothing more.
        after = _KNOT.sub(lambda found: _DIGIT.sub("*", found.group()), after)
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


def _starred(text: str, spans: Iterable[Span], digit: re.Pattern[str] = _DIGIT) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        number = text[start:end]
        parts += (text[at:start], number.translate(_STARS) if number.isascii() else digit.sub("*", number))
        at = end
    return "".join((*parts, text[at:]))


def _before(found: re.Match[str], most: int = _LABEL) -> str:
    return found.string[max(0, found.start() - most) : found.start()]


def _is_in_address(found: re.Match[str]) -> bool:
    """Say whether a number is part of a web address, where the numbers are ids."""
    word = _before(found, _LONGEST_ADDRESS).rpartition(" ")[2].rpartition("\n")[2]
    return "://" in word or "www." in word


def _digits(found: re.Match[str]) -> list[int]:
    return [int(each) for each in found.group() if each.isdecimal()]


def _is_resident_number(found: re.Match[str]) -> bool:
    century, joint = "19" if found[6] in "1256" else "20", found[5]
    year, month, day = int(century + found[2]), int(found[3]), int(found[4])
    leap = month == 2 and year % 4 == 0 and year != 1900
    if not (1 <= month <= 12 and 1 <= day <= _DAYS[month - 1] + leap):
        return False
    if _REFERENCE.search(_before(found)) or _REFERENCE_AFTER.match(found.string, found.end()):
        return False
    # Numbers given since October 2020 have no check digit: without a hyphen too, the words before must tell.
    if _RESIDENT_WORD.search(_before(found)):
        return True
    if found[1]:  # A date and a number, as orders have it, unless the number tells the century, too.
        return joint is not None and found[1] == century == "19"
    if joint is None:
        digits = _digits(found)
        is_past = century == "19" or int(found[2]) < _LAST_YEAR
        return is_past and _has_resident_check_digit(digits) and not (_is_barcode(digits) or _is_in_address(found))
    return "/" not in joint and not (joint.isspace() and _PRICE.match(found.string, found.end()))


def _has_resident_check_digit(digits: list[int]) -> bool:
    total = sum(digit * weight for digit, weight in zip(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=False))
    base = 11 if digits[6] < 5 else 13  # Citizens, foreigners.
    return digits[12] == (base - total % 11) % 10


def _is_barcode(digits: list[int]) -> bool:
    """Say whether thirteen digits stand for goods of a Korean maker."""
    return digits[:3] == [8, 8, 0] and (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def _is_card_number(found: re.Match[str]) -> bool:
    digits = _digits(found)
    if not _CARD_NUMBER.fullmatch("".join(map(str, digits))):
        return False
    doubled = [digit * 2 - 9 if digit > 4 else digit * 2 for digit in digits[-2::-2]]
    if (sum(digits[-1::-2]) + sum(doubled)) % 10:  # Luhn
        return False
    reference = _REFERENCE.search(_before(found))
    if not found.group().isdigit():
        return reference is None or _NUMBER_OF.search(reference.group()) is None
    return not (reference or _REFERENCE_AFTER.match(found.string, found.end()) or _is_in_address(found))


def _is_phone_number(found: re.Match[str]) -> bool:
    number = found.group()
    if number.isdigit() and _OLD_MOBILE.match(number) and (_REFERENCE.search(_before(found)) or _is_in_address(found)):
        return False
    return 8 <= (_count_ascii(number) if number.isascii() else sum(map(str.isdecimal, number))) <= 15


def _is_landline(found: re.Match[str]) -> bool:
    before = _before(found)
    if _PRICE.match(found.string, found.end()):
        return False
    if _SHORT_PHONE.fullmatch(found.group()):
        return _is_short_phone(found, before)
    return not _REFERENCE.search(before) and bool(
        found.group().startswith("(")
        or _TELEPHONY_BEFORE.search(before)
        or _TELEPHONY_AFTER.match(found.string, found.end())
    )


def _is_short_phone(found: re.Match[str], before: str) -> bool:
    """Say whether digits are a phone number without its area or its beginning: a word of telephony is right beside."""
    is_said = _TELEPHONY_RIGHT_BEFORE.search(before) is not None or (
        not found.group().isdigit() and _TELEPHONY_AFTER.match(found.string, found.end()) is not None
    )
    is_amount = _COUNTED.match(found.string, found.end())  # 전화 2500-3000통
    return is_said and not (is_amount or _REFERENCE.search(before) or _DATE_FIRST.match(found.group()))


def _is_account_number(found: re.Match[str]) -> bool:
    before, number = _before(found), found.group()
    if _DATE_FIRST.match(number):
        return False
    if number.isdigit():
        is_account = _is_beside_banking(found, before) or _is_right_beside_a_bank(found, before)
        is_account = is_account and not _PRICE.match(found.string, found.end())
    else:
        is_account = _are_an_account(found, before)
    return is_account and not _REFERENCE.search(before) and not _is_in_address(found)


def _are_an_account(found: re.Match[str], before: str) -> bool:
    """Say whether groups of digits are an account."""
    number = found.group()
    groups = _DIGITS_TOGETHER.findall(number)
    lengths = list(map(len, groups))
    if not _SHORTEST_ACCOUNT <= sum(lengths) <= _LONGEST_ACCOUNT or _INTERNET_ADDRESS.fullmatch(number):
        return False
    spaced = any(map(str.isspace, number))
    if spaced and (_PRICE.match(found.string, found.end()) or all(each.endswith("00") for each in groups)):
        return False  # prices
    if _is_beside_banking(found, before):
        return True
    # Parcels have spaces between groups of four, prices between groups of one length.
    vague = spaced and (max(lengths) <= _GROUP_OF_PARCEL or len(set(lengths)) == 1)
    if vague or len(groups) < _GROUPS or _BUSINESS.fullmatch(number):
        return _is_right_beside_a_bank(found, before)
    return bool(
        _BANK_BEFORE.search(before)
        or _BANK_AFTER.match(found.string, found.end())
        or (not spaced and _BANK_CONTEXT.search(_before(found, _CONTEXT)))
    )


def _is_beside_banking(found: re.Match[str], before: str) -> bool:
    return bool(_BANKING_BEFORE.search(before) or _BANKING_AFTER.match(found.string, found.end()))


def _is_right_beside_a_bank(found: re.Match[str], before: str) -> bool:
    number = found.group()
    return len(number) >= _SURE_ACCOUNT and bool(
        _BANK_ALONE.search(before)
        or _BANK_NAME_AFTER.match(found.string, found.end())
        or (_OWN_SHAPE.fullmatch(number) and _OF_BANK.search(before + number))
    )


def _is_iban(found: re.Match[str]) -> bool:
    written = found.group().replace(" ", "")
    return 15 <= len(written) <= 34 and int("".join(str(int(each, 36)) for each in written[4:] + written[:4])) % 97 == 1


_SAID: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Personal | None]], ...] = (
    (_SAID_NUMBER, _of_said),
    (_SAID_MOBILE, _of_mobile),
    (_RESIDENT_APART, _of_parts),
)
_KINDS: tuple[tuple[Personal, re.Pattern[str], Callable[[re.Match[str]], bool], bool], ...] = (
    (Personal.RESIDENT_NUMBER, _RESIDENT, _is_resident_number, True),  # True: of thirteen digits or more
    (Personal.CARD_NUMBER, _CARD, _is_card_number, True),
    (Personal.PHONE_NUMBER, _PHONE, _is_phone_number, False),
    (Personal.PHONE_NUMBER, _LANDLINE, _is_landline, False),
    (Personal.ACCOUNT_NUMBER, _IBAN, _is_iban, False),
    (Personal.ACCOUNT_NUMBER, _ACCOUNT, _is_account_number, False),
)
