"""Personal numbers in text."""

import re
import timeit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sori_ingest.domain.masking import mask, mask_value
from sori_ingest.domain.numbers import Personal

RESIDENT, CARD, PHONE, ACCOUNT = (
    Personal.RESIDENT_NUMBER,
    Personal.CARD_NUMBER,
    Personal.PHONE_NUMBER,
    Personal.ACCOUNT_NUMBER,
)


@pytest.mark.parametrize(
    ("text", "masked", "kind"),
    [
        ("주민번호는 900101-1234567입니다", "주민번호는 ******-*******입니다", RESIDENT),
        ("900101 - 2234567 이에요", "****** - ******* 이에요", RESIDENT),
        ("외국인 800229-5123456", "외국인 ******-*******", RESIDENT),
        ("주민등록번호 0103013234567", "주민등록번호 *************", RESIDENT),
        ("check digit alone: 9001011234568", "check digit alone: *************", RESIDENT),
        ("카드 4111-1111-1111-1111 결제", "카드 ****-****-****-**** 결제", CARD),
        ("카드 4111111111111111 결제", "카드 **************** 결제", CARD),
        ("900101-1234567 주문자입니다", "******-******* 주문자입니다", RESIDENT),
        ("국내 9410-1234-5678-9010", "국내 ****-****-****-****", CARD),
        ("amex 3782 822463 10005.", "amex **** ****** *****.", CARD),
        ("010-1234-5678로 전화주세요", "***-****-****로 전화주세요", PHONE),
        ("전화번호01012345678", "전화번호***********", PHONE),
        ("010.1234.5678", "***.****.****", PHONE),
        ("010 1234 5678", "*** **** ****", PHONE),
        ("０１０－１２３４－５６７８", "***－****－****", PHONE),
        ("02-123-4567", "**-***-****", PHONE),
        ("(02) 123-4567", "(**) ***-****", PHONE),
        ("031)123-4567", "***)***-****", PHONE),
        ("안심번호 0507-1234-5678", "안심번호 ****-****-****", PHONE),
        ("call +82 10-1234-5678", "call +** **-****-****", PHONE),
        ("call +82-2-123-4567", "call +**-*-***-****", PHONE),
        ("call +1 415 555 0123 now", "call +* *** *** **** now", PHONE),
        ("call +14155550123", "call +***********", PHONE),
        ("계좌 110-123-456789 로 환불", "계좌 ***-***-****** 로 환불", ACCOUNT),
        ("국민은행 12345678901234", "국민은행 **************", ACCOUNT),
        ("3333-01-1234567 카카오뱅크", "****-**-******* 카카오뱅크", ACCOUNT),
        ("3333-01-1234567", "3333-01-1234567", None),  # Nothing says account.
        ("3333-01-1234567 카카오뱅크 계좌로 주세요", "****-**-******* 카카오뱅크 계좌로 주세요", ACCOUNT),
        ("my account number is 110123456789", "my account number is ************", ACCOUNT),
        ("신한 110-234-567890 홍길동", "신한 ***-***-****** 홍길동", ACCOUNT),
        ("카뱅 3333-01-1234567", "카뱅 ****-**-*******", ACCOUNT),
        ("우체국 012345-02-123456", "우체국 ******-**-******", ACCOUNT),
        (
            "통장으로 주세요, 홍길동이고 번호는 110-234-567890",
            "통장으로 주세요, 홍길동이고 번호는 ***-***-******",
            ACCOUNT,
        ),
        ("IBAN DE89 3704 0044 0532 0130 00", "IBAN DE** **** **** **** **** **", ACCOUNT),
        ("900101ㅡ1234567", "******ㅡ*******", RESIDENT),
        ("000229-3234567", "******-*******", RESIDENT),
        ("주민번호 900101/1234567", "주민번호 ******/*******", RESIDENT),
        ("010ㅡ1234ㅡ5678", "***ㅡ****ㅡ****", PHONE),
        ("010~1234~5678", "***~****~****", PHONE),
        ("010/1234/5678", "***/****/****", PHONE),
        ("０１０／１２３４／５６７８", "***／****／****", PHONE),
        ("010_1234_5678", "***_****_****", PHONE),
        ("07012345678", "***********", PHONE),
        ("0082-10-1234-5678", "****-**-****-****", PHONE),
        ("연락처 0212345678", "연락처 **********", PHONE),
        ("0311234567로 전화 주세요", "**********로 전화 주세요", PHONE),
        ("050-7123-4567", "***-****-****", PHONE),
        ("resident registration number: 0103013234567", "resident registration number: *************", RESIDENT),
        ("call me at 415-555-2671", "call me at ***-***-****", PHONE),
        ("My number is (415) 555-2671.", "My number is (***) ***-****.", PHONE),
        ("전화 1-212-555-2671", "전화 *-***-***-****", PHONE),
        ("1002123456789 우리은행 홍길동", "************* 우리은행 홍길동", ACCOUNT),
        ("휴대폰번호 1012345678", "휴대폰번호 **********", PHONE),  # A table took the first 0 for nothing.
        ("연락처 10-1234-5678", "연락처 **-****-****", PHONE),
        ("전화 02-5551234", "전화 **-*******", PHONE),
        ("010・1234・5678", "***・****・****", PHONE),
        ("手机号138-0013-8000", "手机号***-****-****", PHONE),
        ("携帯 09012345678", "携帯 ***********", PHONE),
        ("sđt: 0912 345 678", "sđt: **** *** ***", PHONE),
        ("Тел. +7 916 123-45-67", "Тел. +* *** ***-**-**", PHONE),
        ("+33 6 12 34 56 78", "+** * ** ** ** **", PHONE),
        ("+49 30 901820", "+** ** ******", PHONE),
        ("국민 123456 78 901234 홍길동", "국민 ****** ** ****** 홍길동", ACCOUNT),
        ("농협중앙회 302 1234 5678 91", "농협중앙회 *** **** **** **", ACCOUNT),
        ("신한/110-123-456789/홍길동", "신한/***-***-******/홍길동", ACCOUNT),
        ("[신한] 110-123-456789", "[신한] ***-***-******", ACCOUNT),
        ("국민, 12345601234567, 홍길동", "국민, **************, 홍길동", ACCOUNT),
        ("toss 1000-1234-5678", "toss ****-****-****", ACCOUNT),
        ("๐๑๒๓１２３４22 계좌입니다", "********** 계좌입니다", ACCOUNT),
        ("주민번호 900101  1234567", "주민번호 ******  *******", RESIDENT),
        ("19900101-1234567 홍길동", "********-******* 홍길동", RESIDENT),
        ("주민번호 20150304-3234567", "주민번호 ********-*******", RESIDENT),
        ("외국인번호 9103046234567", "외국인번호 *************", RESIDENT),
        ("민증번호 9103041234567", "민증번호 *************", RESIDENT),
        ("주민번호 91-03-04-1234567", "주민번호 **-**-**-*******", RESIDENT),
        ("주민번호 901234-1234567", "주민번호 ******-*******", RESIDENT),  # The words say it, whatever the date.
        ("주민번호 앞자리 900101, 뒷자리 1234567", "주민번호 앞자리 ******, 뒷자리 *******", RESIDENT),
        ("주민번호 910304에 1234567이요", "주민번호 ******에 *******이요", RESIDENT),
        ("010--1234--5678", "***--****--****", PHONE),
        ("010\\-1234\\-5678", "***\\-****\\-****", PHONE),  # A hyphen in Markdown.
        ("010*1234*5678", "***\u002a****\u002a****", PHONE),
        ("010:1234:5678", "***:****:****", PHONE),
        ("[010] 1234-5678", "[***] ****-****", PHONE),
        ("010\u200b-1234\u200b-5678", "***\u200b-****\u200b-****", PHONE),
        ("02\u00ad-123\u00ad-4567", "**\u00ad-***\u00ad-****", PHONE),
        ("010 12 34 56 78", "*** ** ** ** **", PHONE),
        ("010-123-45678", "***-***-*****", PHONE),
        ("(02  )333-4444", "(**  )***-****", PHONE),
        ("+44 (0)20 7946 0018", "+** (*)** **** ****", PHONE),
        ("+91 98765 43210", "+** ***** *****", PHONE),
        ("電話番号は03-1234-5678です", "電話番号は**-****-****です", PHONE),
        ("국민 123456 78 901234 원래 계좌", "국민 ****** ** ****** 원래 계좌", ACCOUNT),
        ("+65 9123 4567", "+** **** ****", PHONE),
        ("+34 612 34 56 78", "+** *** ** ** **", PHONE),
        ("+81-90-8645-2565 1989년", "+**-**-****-**** 1989년", PHONE),
        ("私の番号は090-1234-5678です", "私の番号は***-****-****です", PHONE),
        ("phone: 020 7946 0958", "phone: *** **** ****", PHONE),
        ("call 07700 900123", "call ***** ******", PHONE),
        ("тел. 8 (912) 345-67-89", "тел. * (***) ***-**-**", PHONE),
        ("text me at 4155550132", "text me at **********", PHONE),
        ("휴대폰 번호 2345-6789", "휴대폰 번호 ****-****", PHONE),
        ("2345-6789로 전화주세요", "****-****로 전화주세요", PHONE),
        ("HP 0212345678", "HP **********", PHONE),
        ("제 번호는 공일공 일이삼사 오육칠팔이에요", "제 번호는 *** **** ****이에요", PHONE),
        ("전화번호는 공일육 하나삼삼오 일구삼칠 입니다", "전화번호는 *** ***** **** 입니다", PHONE),
        ("공일공에 1234에 5678", "***에 ****에 ****", PHONE),
        ("주민번호 구공공일공일 다시 일이삼사오육칠", "주민번호 ****** 다시 *******", RESIDENT),
        ("계좌번호는 농협중앙회 공구칠일 다시 이일일이삼사오육", "계좌번호는 농협중앙회 **** 다시 ********", ACCOUNT),
        ("카드번호 사사일일 일일일일 일일일일 일일일일", "카드번호 **** **** **** ****", CARD),
        ("카드 4111--1111--1111--1111", "카드 ****--****--****--****", CARD),
        ("안성축협 351-1234-5678-91", "안성축협 ***-****-****-**", ACCOUNT),
        ("양평산림조합 1234-56-123456", "양평산림조합 ****-**-******", ACCOUNT),
        ("농 협 029-01-246118", "농 협 ***-**-******", ACCOUNT),
        ("삼성증권 계좌 7123456789-01", "삼성증권 계좌 **********-**", ACCOUNT),
        ("키움증권 1234-5678-11", "키움증권 ****-****-**", ACCOUNT),
        ("한국씨티 533-50447-264-01", "한국씨티 ***-*****-***-**", ACCOUNT),
        ("씨티은행 3-123456-7-25-08", "씨티은행 *-******-*-**-**", ACCOUNT),
        ("경남은행 220-123456789-0", "경남은행 ***-*********-*", ACCOUNT),
        ("Please refund to Woori 1002-123-456789", "Please refund to Woori ****-***-******", ACCOUNT),
        ("신한 110.123.456789", "신한 ***.***.******", ACCOUNT),
        ("부산은행 101.2087.7763.06", "부산은행 ***.****.****.**", ACCOUNT),
        ("입금 계좌 110  123  456789", "입금 계좌 ***  ***  ******", ACCOUNT),
        ("입금 계좌 110 - 123 - 456789", "입금 계좌 *** - *** - ******", ACCOUNT),
        ("국민 123456ㅡ01ㅡ123456", "국민 ******ㅡ**ㅡ******", ACCOUNT),
        ("우리 1002 123 456789", "우리 **** *** ******", ACCOUNT),
        ("계좌 1002 123 456789 50000원 입금", "계좌 **** *** ****** 50000원 입금", ACCOUNT),
        ("새마을금고 계좌 9002 1234 5678 1", "새마을금고 계좌 **** **** **** *", ACCOUNT),
        ("우리 1002123456789 홍길동", "우리 ************* 홍길동", ACCOUNT),
        ("카카오 3333011234567 김민지", "카카오 ************* 김민지", ACCOUNT),
        ("기업 21302612001120", "기업 **************", ACCOUNT),
        ("계좌번호 카뱅 3333298715500", "계좌번호 카뱅 *************", ACCOUNT),
        ("123456789012 수협 홍길동", "************ 수협 홍길동", ACCOUNT),
    ],
)
def test_personal_number_is_masked(text: str, masked: str, kind: Personal | None) -> None:
    found, counts = mask(text)

    assert masked == found
    assert counts == ({kind: 1} if kind else {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "배송이 또 늦었어요",
        "25,000원 환불해 주세요, 총 1,234,567,890원",
        "주문번호 20261102-0001234",
        "주문번호: 251102-1234567",
        "주문번호 2026110212345678 확인",
        "주문번호는 4111111111111111 인데",
        "order number 4000123412341234567",
        "운송장 6012345678901 조회",
        "바코드 8801234567893",
        "2026-11-02 13:00:00 ~ 2026-11-03 14:30:00",
        "2026.11.02 13:00",
        "고객센터 1588-1234",
        "카드 4111-1111-1111-1112",
        "991301-1234567",
        "990230-1234567",
        "900101-9234567",
        "계좌로 1,234,567원 입금",
        "계좌 이체 2026-11-02 했어요",
        "입금했는데 주문번호 20261102123456 입니다",
        "입금 확인 2026110212345678",
        "우편번호 06236 서울시 강남구 테헤란로 123-45",
        "모델 SM-G998N 2대, 12개월 할부",
        "가격은 0.10123456789 입니다",
        "910229-3234567",
        "190229-5234567",
        "등기번호 1234567890123",
        "운송장 조회 4111111111111111 안 나와요",
        "261102-1234567 주문건 취소해 주세요",
        "4111111111111111번 상품 재입고 되나요",
        "IMEI 490154203237518",
        "택배 4123-4567-8910 어디쯤인가요",
        "사업자등록번호 123-45-67890 우리은행",
        "계좌이체로 결제했고 운송장 6123-4567-8901",
        "쿠폰번호 4111-1111-1111-1112",
        "https://smartstore.example.com/products/4111111111111111?id=9001011234568",
        "GB00 NWBK 6016 1331 9268 19",
        "0212345678",
        "버전 10.11.12.13, 서버 192.168.100.200",
        "ISBN 9788912345678",
        "415-555-2671",
        "call 1-800-555-2671",
        "part no. 415-555-2671 by phone",
        "법인등록번호 110111-1234567",
        "6892123456789 우체국 택배",
        "법인번호 110111-1234567",
        "UTC+9 2026-11-19 17:20",
        "연락 주세요 10-20일 사이",
        "전화로 1012345678원 결제",
        "전화번호가 아니라 주문번호 1012345678",
        "계좌 개설 2026 11 19 10",
        "국민 2026 1119 1234 세일",
        "입금 120 000 000원",
        "02-5551234",
        "20261102-1234567",
        "20261102-3234567",
        "8801211051339",  # Goods, though it would pass for somebody born in January 1988.
        "8802278366657",  # A birth in 2088.
        "고객번호 910304-1234567",
        "주민번호 말고 주문번호 261102-1234567이요",
        "주민센터 261102 접수번호 1234567",
        "250101 1200000원 입금",
        "통장에 1234567890원이 들어왔어요",
        "상품번호 0118860139",
        "https://smartstore.naver.com/a/products/0197872145",
        "order #016-1995744-4903084",
        "쿠폰번호 4769-4577-5549-4726",
        "기프트카드 번호 4769 4577 5549 4726",
        "전화 1588-1234",
        "전화 2026-1102",
        "하루 전화 2500-3000통",
        "4155550132",
        "전화로 2026110214 접수",
        "2345-6789",
        "번호 일이삼사오육칠팔구공",
        "카드번호 오오오오오오오오오오오",
        "공일공은 되나요",
        "계좌이체 1234567890원",
        "은행 내부망 192.168.100.200",
        "계좌 개설일 2026.09.28.1234",
        "통장에서 빠진 게 35000 42000 38000",
        "부산 35000 42000 38000 왕복",
        "하나 6123 4567 8901 송장",
        "우체국 6892038475610 언제 와요",
        "account IMEI 350947934877367",
        "account id 123456789012 in AWS",
        "보험증권 2026-1234567 확인",
        "증권번호 1234567890123",
    ],
)
def test_order_numbers_prices_and_dates_are_left_alone(text: str) -> None:
    assert (text, {}) == mask(text)


@pytest.mark.parametrize(
    ("key", "value", "masked"),
    [
        ("memo", "010-1234-5678로 연락", "***-****-****로 연락"),
        ("memo", "01012345678", "***********"),
        ("contact_phone", "0212345678", "**********"),
        ("연락처", "0212345678", "**********"),
        ("card", "4111111111111111", "****************"),
        ("message_id", "4111111111111111", "4111111111111111"),
        ("ticket_id", "01012345678", "01012345678"),
        ("conversation", "9001011234568", "9001011234568"),
        ("order_no", "20261102-0001234", "20261102-0001234"),
        ("order_no", "261102-1234567", "261102-1234567"),
        ("주문번호", "261102-1234567", "261102-1234567"),
        ("환불 계좌번호", "110-123-456789", "***-***-******"),
        ("bank_account", "110-123-456789", "***-***-******"),
        ("accountNumber", "110-123-456789", "***-***-******"),
        ("phone", "(415) 555-2671", "(***) ***-****"),
        ("phone", "415-555-2671", "***-***-****"),
        ("문의", "900101-1234567 입니다", "******-******* 입니다"),
        ("memo", "short", "short"),
        ("연락", "0311234567", "**********"),
        ("HP", "0212345678", "**********"),
        ("rrn", "9103041234567", "*************"),
        ("jumin", "9103041234567", "*************"),
        ("통장번호", "110123456789", "************"),
        ("virtual_account", "110123456789", "************"),
        ("telemetry_id", "1012345678", "1012345678"),
        ("계좌이체 금액", "1234567890", "1234567890"),
        ("note", "번호는 공일공 일이삼사 오육칠팔", "번호는 *** **** ****"),
        ("note", "주민번호 앞 900101 뒤 1234567", "주민번호 앞 ****** 뒤 *******"),
        ("phone 010-1234-5678", "1234567890", "1234567890"),
    ],
)
def test_attributes_are_masked_by_what_their_keys_say(key: str, value: str, masked: str) -> None:
    found, counts = mask_value(key, value)

    assert masked == found
    assert (masked != value) == bool(counts)


def test_every_number_is_counted() -> None:
    text = "010-1234-5678 아니면 010-8765-4321, 카드는 4111 1111 1111 1111"

    _, counts = mask(text)

    assert counts == {PHONE: 2, CARD: 1}


def test_number_without_a_check_digit_is_masked_by_its_hyphen() -> None:
    # Since October 2020 the last digits are random.
    assert mask("201101-3000001")[1] == {RESIDENT: 1}


SYLLABLES = "공영일이삼사오육륙칠팔구하나둘"  # digits as they are said
NUMBERISH = st.lists(
    st.one_of(
        st.text("0123456789", min_size=1, max_size=8),
        st.sampled_from(["-", " ", ".", "(", ")", "~", "/", "ㅡ", "_", "\n", "계좌", "은행", "주문번호", "신한"]),
        st.sampled_from(["+82", "010", "02", "070", "900101", "4111", "IBAN", "DE89", "전화", "://"]),
        st.sampled_from(
            ["번호", "주민번호", "카드번호", "공일공", "일이삼사오육칠", "뒷자리", "다시", "\u200b", "우리"]
        ),
        st.text(max_size=3),
    ),
    max_size=25,
).map("".join)


@settings(deadline=None)
@given(NUMBERISH)
def test_masking_twice_equals_once(text: str) -> None:
    once, _ = mask(text)

    assert (once, {}) == mask(once)


@settings(deadline=None)
@given(st.sampled_from(["memo", "phone", "id", "card_number", "계좌번호"]), NUMBERISH)
def test_masking_an_attribute_twice_equals_once(key: str, value: str) -> None:
    once, _ = mask_value(key, value)

    assert (once, {}) == mask_value(key, once)
    assert len(once) == len(value)


@settings(deadline=None)
@given(NUMBERISH)
def test_masking_touches_only_digits(text: str) -> None:
    masked, counts = mask(text)

    assert len(text) == len(masked)
    assert all(
        after == before or (after == "*" and (before.isdigit() or before in SYLLABLES))
        for before, after in zip(text, masked, strict=True)
    )
    assert (masked != text) == bool(counts)


@settings(deadline=None)
@given(
    st.text("abc 가나다,. ", max_size=20),
    st.from_regex(r"010-\d{4}-\d{4}", fullmatch=True),
    st.text("가나다 ", max_size=9),
)
def test_a_mobile_number_never_gets_through(before: str, number: str, after: str) -> None:
    masked, _ = mask(before.rstrip(".,") + " " + number + after)

    assert number not in masked


def test_a_knot_of_numbers_is_masked_in_time_that_grows_with_its_length() -> None:
    masked, counts = mask("010-1234-5678-" * 7_000 + "끝")

    assert not [character for character in masked if character.isdigit()]
    assert counts[PHONE] > 0


@settings(deadline=None)
@given(NUMBERISH, NUMBERISH, st.sampled_from(["1", "0", "１", "8", "4"]))
def test_a_row_of_digits_too_long_for_a_number_hides_none_beside_it(before: str, after: str, digit: str) -> None:
    short, long = digit * 310, digit * 2_000  # both longer than what is looked at before a number

    (masked, counts), (expected, expected_counts) = mask(f"{before}{long}{after}"), mask(f"{before}{short}{after}")

    assert (expected_counts, expected[: len(before)]) == (counts, masked[: len(before)])
    assert expected[len(before) + len(short) :] == masked[len(before) + len(long) :]


def test_a_long_row_of_digits_costs_no_more_than_to_look_through_it_a_few_times() -> None:
    row, once = "1234567890" * 10_000, re.compile(r"(?<!\d)\d{13}(?!\d)")

    masking, looking = (
        min(timeit.repeat(work, number=1, repeat=9)) for work in (lambda: mask(row), lambda: once.search(row))
    )

    assert masking < 4 * looking
