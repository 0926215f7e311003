"""How personal numbers are written, and what tells them from the numbers of things."""

import re
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class Personal(StrEnum):
    """Kinds of personal number."""

    RESIDENT_NUMBER = "resident_number"
    CARD_NUMBER = "card_number"
    PHONE_NUMBER = "phone_number"
    ACCOUNT_NUMBER = "account_number"


_LABEL = 32  # characters before a number that may say what it is
_CONTEXT = 60  # characters before a number in which its owner may speak of a bank account
_LONGEST_ADDRESS = 300  # characters of a web address before a number in it

GAP = r"[\W_\u30fc\u3161]{0,3}+"  # most that stands between two digits of one number
DIGIT = re.compile(r"\d")
_DIGITS_TOGETHER = re.compile(r"\d+")
_BLANK_INSIDE = re.compile(r"\s")

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
    rf"|\d{{4}}(?!\d)(?:(?:(?:{_JOINT}|[~/])\d{{4}}){{3}}|{_JOINT}\d{{6}}{_JOINT}\d{{4,5}}))(?!\d)"
)
PHONE = re.compile(
    r"(?<![\d+])(?<!\d[-.,])(?=[(+08])(?:"
    rf"\(?010{GAP}\d{{4}}{GAP}\d{{4}}"  # mobile: its beginning leaves no doubt
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
_FREE = rf"0800|0120|080{_JOINT}?\d{{3}}{_JOINT}?\d{{4}}(?!\d)"  # of companies
_LANDLINE = re.compile(  # only beside words of telephony
    rf"(?=[0-9(])(?<!\d)(?<!\d[-.,])(?!{_FREE})(?:"
    rf"0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]){_JOINT}?\d{{7,8}}"  # without joints
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
    r"(?<!\d)(?<!\d[-.,])(?:\d{8,16}"
    rf"|\d{{1,10}}(?:{_BLANK}?\\?{_HYPHEN}{{1,2}}{_BLANK}?\d{{1,12}}){{1,4}}"
    rf"|\d{{3,6}}{_BLANK}{{1,2}}\d{{2,9}}{_BLANK}{{1,2}}\d{{1,8}}"
    rf"(?:{_BLANK}{{1,2}}(?!20\d\d|\d+\s?[일월년시분초개건원번명회차천만주])\d{{1,4}}(?!\d))?"  # and no date, no price
    rf"|\d{{3,6}}(?:\.\d{{2,8}}){{2,3}})(?!\d)(?!(?:{_HYPHEN}|\.)\d)"
)
_IBAN_BEGINS = re.compile(r"[a-z][a-z]\d")  # looked for in an eighth of the time
IBAN = re.compile(r"(?<![A-Z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")

_SYLLABLES = "[공영일이삼사오육륙칠팔구하나둘]"  # of digits as they are said, and as a transcript of a call has them
_SYLLABLE = "(?:하나|[공영일이삼사오육륙칠팔구둘])"
_SAID_JOINT = r"(?:\s?(?:-|에|의|다시|국에|국의|하이픈|대시)\s?|\s)?"
_SAID_DIGIT = rf"{_SAID_JOINT}(?:(?!이(?:에요|예요|요|고|구요|라|니|었|였|지|며|랑|다(?!시))){_SYLLABLE}|[0-9])"
_SAID_MOBILE = re.compile(
    rf"(?<!{_SYLLABLES})[공영]일[공영](?:{_SAID_DIGIT}){{7,8}}|(?<![\d*])010(?:{_SAID_DIGIT}){{7,8}}(?![\d*])"
)
MOBILE_WITH_WORDS = re.compile(rf"010\W{{0,2}}(?:에|의|국|다시|하이픈|대시|{_SYLLABLES})")  # 010에 1234에 5678
_SAID_NUMBER = re.compile(rf"(?:{_SYLLABLE}|[0-9])(?:{_SAID_DIGIT}){{8,15}}")
_HANGUL = re.compile("[가-힣]")
_FEWEST_SYLLABLES, _FEWEST_DIFFERENT = 6, 2
_SAID_DIGITS = re.compile(rf"\d|(?!하?이픈){_SYLLABLES}")
_RESIDENT_APART = re.compile(  # 앞자리 900101, 뒷자리 1234567
    r"(?<!\d)(?:19|20)?\d\d(?:[-./ ]?\d\d){2}(?:[\W_]|[앞뒤뒷자리에은는이고요다시번호]){1,10}[1-8]\d{6}(?!\d)"
)
_RESIDENT_BACK = re.compile(  # 주민번호 뒷자리는 1234567
    r"주민(?:등록)?\s?(?:번호)?\s?(?:뒷|뒤)\s?(?:자리|번호)[는은가이만]?\s?[:：]?\s?[1-8]\d{6}(?!\d)"
)


def _words(pattern: str) -> re.Pattern[str]:
    r"""Make a pattern of words in small letters; `\b` before one says that no letter stands before it.

    Each then begins with a letter, not with an assertion: where one may stand is found several times as fast.
    """
    return re.compile(re.sub(r"\\b(\w)", r"\1(?<!\\w\\w)", pattern))


def _hint(pattern: str) -> re.Pattern[str]:
    """Make a pattern of the same words wherever they stand."""
    return re.compile(pattern.replace(r"\b", ""))


# Words around a number. Those before it are looked for in small letters.
_BANK_NAMES = (  # that people write without 은행
    "국민|신한|우리|하나|기업|산업|한국씨티|씨티|제일|대구|부산|광주|전북|경남|제주|카카오|카뱅|케이|케뱅|토스|토뱅|toss|농협|수협|신협|축협"
    "|새마을금고|새마을|우체국|저축|외환|kb|nh|ibk|keb|kdb|bnk|sc|shinhan|woori|hana|kookmin|kakao|citi|nonghyup"
)
_BANK_OR_NOT = r"(?:은행|뱅크|금고|\s?bank)?"
_BANK = rf"(?:{_BANK_NAMES}){_BANK_OR_NOT}"
_TELEPHONY_WORDS = (
    r"전화|연락|통화|문자|휴대|핸드폰|팩스|발신|수신|착신|인입|콜백|집\s?번호|电话|電話|手机|手機|携帯|điện thoại"
    r"|\bsđt|\bтел|\bph\b|\bcid\b"
    r"|\btel|\bphone|\bmobile|\bcell|\bcall|\bcontact|\breach|\bdial|\bfax|\btext|\bwhatsapp|\bmy number"
)
_TELEPHONY = _hint(rf"{_TELEPHONY_WORDS}|핸드|폰|h\.?p|\(")  # without which there is no landline
_TELEPHONY_BEFORE = _words(rf"(?:{_TELEPHONY_WORDS}|\bh\.?p(?=\.?\W{{0,3}}$))\D{{0,15}}$")
_TELEPHONY_RIGHT_BEFORE = _words(
    r"(?:전화|연락|휴대|핸드|폰|\btel|\bphone|\bmobile|\bcell|\bcall|\btext|\breach|\bwhatsapp)"
    r"(?:(?<=[가-힣])[가-힣]{0,2}(?:\s?번호)?|(?<=[a-z])(?:\sme)?(?:\s(?:at|on|to))?(?:\snumber|\sno\.?)?)"
    r"(?:는|은|가|이|\sis)?\s?[?？]?\s?[:：]?\s?$"
)
_PRICE = re.compile(r"\s?원(?![가-힣](?<![을이은도에으씩짜정]))")  # 원을, 원이, …; not 원래
_COUNTED = re.compile(r"\s?[명건통회개]")
_TELEPHONY_AFTER = re.compile(r"\W{0,3}(?:으로|로|에|번으로)?\s?(?:전화|연락|통화|문자|팩스)")
_BANKING_WORDS = (
    r"계좌|통장|입금|송금|이체|예금주|은행|뱅크|농\s?협|새마을금고|신협|수협|축협|산림조합|투자증권|키움증권|삼성증권|미래에셋증권|대신증권"
    r"|토스증권|페이증권|하나증권|유안타증권|kb증권|account(?!\s?(?:id|name))|acct|\bbank|\biban"
)
_BANKING = _hint(rf"{_BANKING_WORDS}|{_BANK_NAMES}|환불|account")  # without which there is no account
_BANKING_BEFORE = _words(rf"(?:{_BANKING_WORDS})\D{{0,15}}$")
_BANK_BEFORE = re.compile(
    "(?:" + re.sub(r"\b(\w)", r"\1(?<![가-힣a-z].)", _BANK_NAMES) + f"){_BANK_OR_NOT}"
    r"[\s:：\])/,|-]{0,4}(?:\(?[가-힣]{2,4}\)?\s?)?$"
)
_BANK_ALONE = re.compile(  # before digits without hyphens
    r"(?<![가-힣a-z])(?:국민|신한|카뱅|케뱅|토스|토뱅|(?:한국)?씨티|새마을|toss|kb|nh|ibk|kdb)[\s:：\])/,|-]{0,3}$"
)
_OWN_SHAPE = re.compile(r"100[2-7]\d{9}|3[37]\d{11}|7979\d{9}|[1-9]\d{13}")  # told sooner than the next
_OF_BANK = re.compile(  # without hyphens, after a name that is a common word, too: 우리, 카카오, 하나, 기업
    r"(?:우리[^\w]{0,3}100[2-7]\d{9}|카카오[^\w]{0,3}(?:3333|3355|3388|7979)\d{9}|(?:하나|기업)[^\w]{0,3}[1-9]\d{13})$"
)
_BANKING_AFTER = re.compile(
    r"\W{0,3}(?:[가-힣]{1,6}은행|[가-힣]{0,6}뱅크|농협)?\W{0,3}(?:계좌|통장|account|(?:으로|로)\s?(?:입금|송금|이체|환불))"
)
_BANK_AFTER = re.compile(rf"\s?\(?\s?(?:{_BANK}|[가-힣]{{1,6}}은행|예금주)")
_BANK_NAME_AFTER = re.compile(  # after digits without hyphens; a post office (우체국) sends parcels, too
    r"\s?[(,/]?\s?(?:[가-힣A-Z]{2,6}은행|(?:카카오|토스|케이)\s?뱅크|(?:NH)?농협|수협|축협|새마을금고|신협|예금주)"
)
_NUMBER_OF_ACCOUNT = _words(  # before fewer digits
    r"(?:\bbank account(?:\snumber|\sno\.?)?|계좌\s?번호|통장\s?번호)(?:는|은|가|이|\sis)?[^\w*]{0,4}$"
)
_BANK_CONTEXT = _words(r"계좌(?!\s?이체)|통장|예금주|은행(?!나무)|뱅크|\baccount\b(?!\s?(?:id|name))|\biban\b")
_BUSINESS = re.compile(r"\d{3}-\d{2}-\d{5}")  # a company's registration number
# "주문번호: " before a number says that it is none of the above.
_REFERENCE = _words(
    r"(?:고객(?=\s?번호)|회원(?=\s?번호)|관리(?=\s?번호)|문서(?=\s?번호)|계약(?=\s?번호)|민원(?=\s?번호)|사건(?=\s?번호)"
    r"|예매(?=\s?번호)|발행(?=\s?번호)|영수증(?=\s?번호)|주문|송장|운송장|등기|접수|예약|문의|상품|제품|모델"
    r"|바코드|쿠폰|상품권|교환권|기프티콘|소포|로트|\blot|기프트\s?카드|멤버십|핀|시리얼|일련|특허|출원|사업자(?:\s?등록)?|법인(?:\s?등록)?|승인|거래|택배|대한통운"
    r"|order|invoice|tracking|reference|booking|receipt|ticket|coupon|waybill|parcel|shipment|sku|isbn|imei)"
    r"\s?(?:번호|코드|no\.?|number|code|id)?\s?(?:조회|확인)?\s?(?:는|은|이|가|is)?\s?[:：#=(\[]{0,2}\s?$"
)
_NUMBER_OF = re.compile(r"번호|코드|no\b|number|code")
_REFERENCE_AFTER = re.compile(r"\s?번?\s?(?:주문(?:건|번호|\s?(?:취소|내역|상품|확인|조회))|송장|운송장|상품|제품)")
_OLD_MOBILE = re.compile("01[16789]")
_RESIDENT_WORD = _words(
    r"(?:주민|민증|민번|외국인\s?(?:등록|번호)|resident(?:\s?registration)?|\brrn\b|\bssn\b|jumin)\D{0,15}$"
)
_CODE_BEFORE = re.compile("[A-Z]{2}[-_]$")  # ORD-240101-1234567
_SAID_OF = (
    (Personal.RESIDENT_NUMBER, re.compile(r"(?:주민|민증|민번|외국인)[^\d*]{0,15}$")),
    (Personal.CARD_NUMBER, re.compile(r"카드[^\d*]{0,15}$")),
    (Personal.ACCOUNT_NUMBER, re.compile(r"(?:계좌|통장|은행|뱅크|농협)[^\d*]{0,15}$")),
    (Personal.PHONE_NUMBER, re.compile(r"(?:전화|휴대|핸드폰|연락)[^\d*]{0,15}$")),
)
_DATE_FIRST = re.compile(r"(?:19\d|20[0-4])\d[-. ]?(?:0[1-9]|1[0-2])[-. ]?(?:0[1-9]|[12]\d|3[01])")
_INTERNET_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_CARD_NUMBER = re.compile(  # by issuer, each with its lengths; what begins otherwise stands for goods (880…) or devices
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5\d|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:6\d|35)\d{14,17}|9\d{15}"
)
_DOUBLED = str.maketrans("0123456789", "0246813579")  # each digit times two, the digits of that added up
_LAST_YEAR = 50  # 20.. of a birth; what seems to be later stands for something else
_SHORTEST_ACCOUNT, _LONGEST_ACCOUNT = 10, 16  # digits
_SURE_ACCOUNT = 11  # characters beside no more than a bank's name
_GROUPS, _GROUP_OF_PARCEL = 3, 4  # at least so many groups; digits
_DAYS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def is_of_a_thing(label: str) -> bool:
    """Say whether words right before a number introduce that of an order, a parcel or the like."""
    return _REFERENCE.search(label.lower()) is not None


def _of_mobile(found: re.Match[str]) -> Personal | None:
    return Personal.PHONE_NUMBER if _HANGUL.search(found.group()) else None


def _of_back(_: re.Match[str]) -> Personal:
    return Personal.RESIDENT_NUMBER


def _of_parts(found: re.Match[str]) -> Personal | None:
    (kind, word), *_ = _SAID_OF
    before = _before(found)
    return kind if word.search(before) and not _REFERENCE.search(before) else None


def _of_said(found: re.Match[str]) -> Personal | None:
    said = re.findall(_SYLLABLE, found.group())
    if len(said) < _FEWEST_SYLLABLES or len(set(said)) < _FEWEST_DIFFERENT:
        return None
    before = _before(found)
    return next((kind for kind, word in _SAID_OF if word.search(before)), None)


def _before(found: re.Match[str], most: int = _LABEL) -> str:
    """Give what stands before a number, in small letters."""
    start = found.start()
    return found.string[start - most if start > most else 0 : start].lower()


def _after(found: re.Match[str]) -> str:
    """Give what stands behind a number, in small letters."""
    end = found.end()
    return found.string[end : end + _LABEL].lower()


def _is_in_address(found: re.Match[str]) -> bool:
    """Say whether a number is part of a web address, where the numbers are ids."""
    word = _before(found, _LONGEST_ADDRESS).rpartition(" ")[2].rpartition("\n")[2]
    return "://" in word or "www." in word


def _digits(found: re.Match[str]) -> str:
    """Give the digits of a number alone, as those of ASCII."""
    digits = "".join(_DIGITS_TOGETHER.findall(found.group()))
    return digits if digits.isascii() else "".join(str(int(each)) for each in digits)


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
    if _CODE_BEFORE.search(found.string, max(0, found.start() - _LABEL), found.start()):
        return False
    if found[1]:  # A date and a number, as orders have it, unless the number tells the century, too.
        return joint is not None and found[1] == century == "19"
    if joint is None:
        digits = _digits(found)
        is_past = century == "19" or int(found[2]) < _LAST_YEAR
        return is_past and _has_resident_check_digit(digits) and not (_is_barcode(digits) or _is_in_address(found))
    return "/" not in joint and not (joint.isspace() and _PRICE.match(found.string, found.end()))


def _has_resident_check_digit(digits: str) -> bool:
    total = sum(
        int(digit) * weight for digit, weight in zip(digits, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5), strict=False)
    )
    base = 11 if digits[6] < "5" else 13  # Citizens, foreigners.
    return int(digits[12]) == (base - total % 11) % 10


def _is_barcode(digits: str) -> bool:
    """Say whether thirteen digits stand for goods of a Korean maker."""
    return digits.startswith("880") and (sum(map(int, digits[::2])) + 3 * sum(map(int, digits[1::2]))) % 10 == 0


def _is_card_number(found: re.Match[str]) -> bool:
    digits = _digits(found)
    if not _CARD_NUMBER.fullmatch(digits):
        return False
    if (sum(map(int, digits[-1::-2])) + sum(map(int, digits[-2::-2].translate(_DOUBLED)))) % 10:  # Luhn
        return False
    reference = _REFERENCE.search(_before(found))
    if not found.group().isdigit():
        return reference is None or _NUMBER_OF.search(reference.group()) is None
    return not (reference or _REFERENCE_AFTER.match(found.string, found.end()) or _is_in_address(found))


def _is_phone_number(found: re.Match[str]) -> bool:
    number = found.group()
    if number.isdigit() and _OLD_MOBILE.match(number) and (_REFERENCE.search(_before(found)) or _is_in_address(found)):
        return False
    return 8 <= len(_digits(found)) <= 15


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
        if len(number) < _SHORTEST_ACCOUNT and not _NUMBER_OF_ACCOUNT.search(before):
            return False
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
    spaced = _BLANK_INSIDE.search(number) is not None
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
        or _BANK_AFTER.match(_after(found))
        or (not spaced and _BANK_CONTEXT.search(_before(found, _CONTEXT)))
    )


def _is_beside_banking(found: re.Match[str], before: str) -> bool:
    return bool(_BANKING_BEFORE.search(before) or _BANKING_AFTER.match(_after(found)))


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


class Kind(NamedTuple):
    """One way in which a kind of number is written."""

    personal: Personal
    pattern: re.Pattern[str]
    holds: Callable[[re.Match[str]], bool]  # what else must be so
    is_long: bool = False  # thirteen digits or more
    hint: re.Pattern[str] | None = None  # what must be somewhere in the text, in small letters


class Said(NamedTuple):
    """A way in which words stand among a number's digits, or for them."""

    pattern: re.Pattern[str]
    personal: Callable[[re.Match[str]], Personal | None]
    digit: re.Pattern[str]  # what is masked of it


KINDS = (
    Kind(Personal.RESIDENT_NUMBER, _RESIDENT, _is_resident_number, is_long=True),
    Kind(Personal.CARD_NUMBER, _CARD, _is_card_number, is_long=True),
    Kind(Personal.PHONE_NUMBER, PHONE, _is_phone_number),
    Kind(Personal.PHONE_NUMBER, _LANDLINE, _is_landline, hint=_TELEPHONY),
    Kind(Personal.ACCOUNT_NUMBER, IBAN, _is_iban, hint=_IBAN_BEGINS),
    Kind(Personal.ACCOUNT_NUMBER, _ACCOUNT, _is_account_number, hint=_BANKING),
)
SAID = (
    Said(_SAID_NUMBER, _of_said, _SAID_DIGITS),
    Said(_SAID_MOBILE, _of_mobile, _SAID_DIGITS),
    Said(_RESIDENT_APART, _of_parts, DIGIT),
    Said(_RESIDENT_BACK, _of_back, DIGIT),
)
