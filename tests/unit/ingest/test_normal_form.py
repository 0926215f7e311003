"""The normal form of touchpoints."""

import datetime as dt
import math
import unicodedata
from typing import Any

import pytest
from email_validator import EmailNotValidError, validate_email
from google.protobuf.internal.containers import MessageMap
from hypothesis import example, given, settings
from hypothesis import strategies as st

import builders
from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest import wire
from sori_ingest.channels import CHANNELS
from sori_ingest.domain import rules
from sori_kit import identifiers

NOW = wire.instant(builders.NOON)


def normalise(touchpoint: pb.Touchpoint) -> tuple[pb.Touchpoint, list[str]]:
    """The normal form, and the fields that are wrong."""
    normal = pb.Touchpoint()
    violations = CHANNELS["generic"].normalise(touchpoint, normal, now=NOW)
    return normal, [each.field for each in violations]


def normal_form(**fields: Any) -> pb.Touchpoint:
    normal, wrong = normalise(builders.a_touchpoint(**fields))
    assert wrong == []
    return normal


def wrong_fields(**fields: Any) -> list[str]:
    return normalise(builders.a_touchpoint(**fields))[1]


def the_identifier(kind: str, value: str) -> pb.Identifier:
    return normal_form(identifiers=[(kind, value)]).identifiers[0]


def test_text_is_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "  한글 café ")

    assert "  한글 café " == normal_form(text=decomposed).text


def test_personal_numbers_are_masked_and_counted() -> None:
    normal = normal_form(text="010-1234-5678로 주세요")

    assert normal.text == "***-****-****로 주세요"
    assert dict(normal.masked_counts) == {"phone_number": 1}


def test_personal_numbers_are_masked_in_products_and_attributes_too() -> None:
    normal = normal_form(
        text="010-1234-5678",
        product="각인 010-1111-2222",
        attributes={"memo": "카드 4111-1111-1111-1111", "message_id": "4111111111111111"},
    )

    assert "각인 ***-****-****" == normal.product
    assert {"memo": "카드 ****-****-****-****", "message_id": "4111111111111111"} == dict(normal.attributes)
    assert {"phone_number": 2, "card_number": 1} == dict(normal.masked_counts)


def test_a_product_that_is_an_id_or_a_barcode_stays() -> None:
    normal = normal_form(product="4111111111111111")

    assert "4111111111111111" == normal.product
    assert not normal.masked_counts


def test_what_is_kept_of_a_wrong_touchpoint_is_masked_too() -> None:
    wrong = builders.a_touchpoint(
        text="010-1234-5678", product="010-1234-5678", attributes={"memo": "010-1234-5678"}, external_id="\0"
    )

    kept = wire.submission_quarantined(wrong, "q", [], NOW)

    assert b"1234" not in kept.payload


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("배송이 늦어요", "ko"),
        ("ㅋㅋㅋㅋ", "ko"),
        ("iPhone 15 Pro Max 256GB 배송 언제", "ko"),
        ("https://example.com/a/long/path 안됨", "ko"),
        ("The app is slow", "en"),
        ("I love 김치 so much and will buy it again and again", "en"),
        ("ありがとうございます", "ja"),
        ("東京タワー", "ja"),
        ("配送太慢了", "zh"),
        ("ส่งช้า", "th"),
        ("Где мой заказ", "und"),
        ("très déçu", "und"),
        ("😀 123", ""),
        ("", ""),
    ],
)
def test_the_language_is_guessed_from_the_letters(text: str, language: str) -> None:
    assert language == normal_form(text=text).language


def test_a_language_that_is_given_is_kept() -> None:
    assert "fr" == normal_form(text="배송이 늦어요", language="fr").language


@pytest.mark.parametrize(
    ("zone", "given_offset", "offset"),
    [
        ("Asia/Seoul", 0, 540),
        ("America/New_York", 60, 60),
        ("Mars/Olympus", 0, 0),
        ("../../etc/passwd", 0, 0),
        ("", 0, 0),
    ],
)
def test_an_iana_zone_gives_the_offset(zone: str, given_offset: int, offset: int) -> None:
    normal = normal_form(attributes={"time_zone": zone}, occurred_offset_minutes=given_offset)

    assert offset == normal.occurred_offset_minutes


@pytest.mark.parametrize(
    ("given_value", "value", "temporary"),
    [
        ("010-1234-5678", "+821012345678", False),
        ("01012345678", "+821012345678", False),
        ("+82 10-1234-5678", "+821012345678", False),
        ("010-5970-1234", "+821059701234", False),
        ("+82-(0)10-5970-1234", "+821059701234", False),
        (" 02) 123-4567 ", "+8221234567", False),
        ("0507-1234-5678", "+8250712345678", True),
        ("+1 415 555 0123", "+14155550123", False),
        ("0082-10-1234-5678", "+821012345678", False),
        ("00821012345678", "+821012345678", False),
        ("0082-507-1234-5678", "+8250712345678", True),
        ("0014155550123", "+14155550123", False),
        ("010ㅡ1234ㅡ5678", "+821012345678", False),
        ("010\u200b1234\u200b5678", "+821012345678", False),
        ("1012345678.0", "+821012345678", False),
    ],
)
def test_phone_numbers_become_e164(given_value: str, value: str, temporary: bool) -> None:
    assert pb.Identifier(type=pb.IDENTIFIER_TYPE_PHONE, value=value, temporary=temporary) == the_identifier(
        "phone", given_value
    )


@pytest.mark.parametrize(
    "value", ["0000", "unknown", "12345", "010-1234", "+999 123", "0000-0000", "00999123456", "1" * 300]
)
def test_what_is_no_phone_number_is_refused(value: str) -> None:
    assert ["identifiers[1].value"] == wrong_fields(identifiers=[("member_id", "M"), ("phone", value)])


@pytest.mark.parametrize(
    ("given_value", "value"),
    [
        ("Kim.A@Example.CO.KR", "kim.a@example.co.kr"),
        (" kim@example.com\n", "kim@example.com"),
        ("a@XN--BJ0BJ06E.kr", "a@한글.kr"),
        ("한글@example.com", "한글@example.com"),
        ("\ufeffkim@example.com\u200b", "kim@example.com"),
    ],
)
def test_addresses_are_lower_cased(given_value: str, value: str) -> None:
    assert value == the_identifier("email", given_value).value


@pytest.mark.parametrize(
    "value", ["kim", "kim@", "@example.com", "a b@example.com", "kim@localhost", "a..b@example.com"]
)
def test_what_is_no_address_is_refused(value: str) -> None:
    assert ["identifiers[0].value"] == wrong_fields(identifiers=[("email", value)])


@settings(deadline=None)
@given(
    st.text("abcXYZ019._+-'\"", max_size=70),
    st.sampled_from(
        ["example.com", "Example.co.kr", "localhost", "한글.kr", "xn--bj0bj06e.kr", "a-.kr", "x", "", "x..kr"]
    ),
)
def test_addresses_are_what_the_library_says(local: str, domain: str) -> None:
    address = f"{local}@{domain}"
    try:
        expected = validate_email(address.lower(), check_deliverability=False).normalized
    except EmailNotValidError:
        expected = ""

    value, problem = identifiers.email(address)

    assert expected == ("" if problem else value)


def test_other_identifiers_are_stripped() -> None:
    assert "M-1" == the_identifier("member_id", " M-1\t").value


def test_the_caller_cannot_set_what_ingest_says() -> None:
    given_touchpoint = builders.a_touchpoint(touchpoint_id="mine", masked_counts={"card_number": 3})
    given_touchpoint.received_time.FromDatetime(builders.NOON - dt.timedelta(days=9))
    given_touchpoint.identifiers[0].temporary = True

    normal, wrong = normalise(given_touchpoint)

    assert wrong == []
    assert normal.touchpoint_id == ""
    assert builders.NOON == normal.received_time.ToDatetime(dt.UTC)
    assert not normal.identifiers[0].temporary
    assert not normal.masked_counts


def test_unknown_fields_are_dropped() -> None:
    given_touchpoint = builders.a_touchpoint()
    newer = pb.Touchpoint.FromString(given_touchpoint.SerializeToString() + b"\xca\x3e\x03abc")  # Field 1001.

    normal, _ = normalise(newer)

    assert b"abc" not in normal.SerializeToString()


def test_nobody_named_means_the_customer() -> None:
    touchpoint = builders.a_touchpoint()
    touchpoint.actor = pb.ACTOR_UNSPECIFIED

    assert pb.ACTOR_CUSTOMER == normalise(touchpoint)[0].actor


def test_what_is_given_stays_as_it_is() -> None:
    touchpoint = builders.a_touchpoint(text="010-1234-5678", identifiers=[("phone", "010-1234-5678")])
    before = touchpoint.SerializeToString(deterministic=True)

    normalise(touchpoint)

    assert before == touchpoint.SerializeToString(deterministic=True)


def test_an_empty_touchpoint_names_all_that_is_missing() -> None:
    assert ["source", "channel", "kind", "occurred_time"] == normalise(pb.Touchpoint())[1]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"source": "Kakao Main"}, "source"),
        ({"source": "s" * 65}, "source"),
        ({"source": "ok\n"}, "source"),
        ({"external_id": "x" * 257}, "external_id"),
        ({"external_id": "a\0"}, "external_id"),
        ({"revision": -1}, "revision"),
        ({"occurred_offset_minutes": 1081}, "occurred_offset_minutes"),
        ({"occurred_offset_minutes": -1081}, "occurred_offset_minutes"),
        ({"occurred_time": dt.datetime(1999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)}, "occurred_time"),
        ({"occurred_time": builders.NOON + dt.timedelta(seconds=300, microseconds=1)}, "occurred_time"),
        ({"text": "a\0b"}, "text"),
        ({"text": "가" * 100_001}, "text"),
        ({"text": "a" + "\u0316\u0301" * 16}, "text"),
        ({"language": "ko_KR"}, "language"),
        ({"thread_id": "t" * 257}, "thread_id"),
        ({"order_id": "\0"}, "order_id"),
        ({"product": "p" * 257}, "product"),
        ({"org_unit": "o" * 65}, "org_unit"),
        ({"identifiers": [("member_id", "M")] * 21}, "identifiers"),
        ({"identifiers": [("member_id", " ")]}, "identifiers[0].value"),
        ({"identifiers": [("member_id", "m" * 257)]}, "identifiers[0].value"),
        ({"identifiers": [("unspecified", "m")]}, "identifiers[0].type"),
        ({"attributes": {f"k{n}": "" for n in range(51)}}, "attributes"),
        ({"attributes": {"k" * 65: ""}}, "attributes"),
        ({"attributes": {"": "v"}}, "attributes"),
        ({"attributes": {"k": "v" * 1001}}, "attributes"),
        ({"attributes": {"가": "1", unicodedata.normalize("NFD", "가"): "2"}}, "attributes"),
        ({"rating": pb.Rating(value=6)}, "rating.value"),
        ({"rating": pb.Rating(value=math.nan)}, "rating.value"),
        ({"rating": pb.Rating(value=1, lowest=5, highest=1)}, "rating.highest"),
        ({"rating": pb.Rating(value=1, lowest=-math.inf, highest=1)}, "rating.highest"),
        ({"survey": pb.Survey(score=3)}, "survey.type"),
        ({"survey": pb.Survey(type=pb.SURVEY_TYPE_NPS, score=11)}, "survey.score"),
        ({"survey": pb.Survey(type=pb.SURVEY_TYPE_NPS, score=3, lowest=1, highest=5)}, "survey.highest"),
        ({"survey": pb.Survey(type=pb.SURVEY_TYPE_CSAT, score=0)}, "survey.score"),
        ({"survey": pb.Survey(type=pb.SURVEY_TYPE_CES, score=8)}, "survey.score"),
        ({"survey": pb.Survey(type=pb.SURVEY_TYPE_CES, score=math.nan)}, "survey.score"),
        ({"survey": pb.Survey(type=pb.SURVEY_TYPE_CES, score=2, survey_id="\0")}, "survey.survey_id"),
    ],
)
def test_what_is_wrong_is_named(fields: dict[str, Any], wrong: str) -> None:
    assert [wrong] == wrong_fields(**fields)


def test_unknown_numbers_of_enums_are_refused() -> None:
    touchpoint = builders.a_touchpoint()
    touchpoint.channel, touchpoint.kind, touchpoint.actor = 99, 98, 97  # type: ignore[assignment]
    touchpoint.identifiers[0].type = 96  # type: ignore[assignment]
    touchpoint.survey.type = 95  # type: ignore[assignment]

    assert ["channel", "kind", "actor", "identifiers[0].type", "survey.type"] == normalise(touchpoint)[1]


@pytest.mark.parametrize(
    "fields",
    [
        {"text": "가" * 100_000},
        {"text": unicodedata.normalize("NFD", "각" * 100_000)},
        {"occurred_time": builders.NOON + dt.timedelta(seconds=300)},
        {"occurred_time": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)},
        {"identifiers": []},
        {"identifiers": [("member_id", "m" * 256)] * 20},
        {"attributes": {f"k{n}": "v" * 1000 for n in range(50)}},
        {"external_id": ""},
        {"language": "zh-Hant-TW"},
        {"survey": pb.Survey(type=pb.SURVEY_TYPE_CSAT, score=9, lowest=1, highest=10)},
        {"kind": "survey_response"},
    ],
)
def test_limits_are_inclusive(fields: dict[str, Any]) -> None:
    assert wrong_fields(**fields) == []


@pytest.mark.parametrize(
    ("kind", "lowest", "highest"),
    [(pb.SURVEY_TYPE_NPS, 0, 10), (pb.SURVEY_TYPE_CSAT, 1, 5), (pb.SURVEY_TYPE_CES, 1, 7)],
)
def test_the_usual_scale_is_filled_in(kind: pb.SurveyType.ValueType, lowest: float, highest: float) -> None:
    survey = normal_form(survey=pb.Survey(type=kind, score=5)).survey

    assert (lowest, highest) == (survey.lowest, survey.highest)


def test_violations_never_quote_what_was_given() -> None:
    secret = "010-9999-8888\0"
    touchpoint = builders.a_touchpoint(
        source=secret, text=secret, thread_id=secret, language=secret, attributes={secret: secret}
    )
    touchpoint.identifiers.add(type=pb.IDENTIFIER_TYPE_EMAIL, value=secret)

    violations = CHANNELS["generic"].normalise(touchpoint, pb.Touchpoint(), now=NOW)

    assert {"source", "text", "thread_id", "language", "attributes", "identifiers[1].value"} == {
        each.field for each in violations
    }
    assert not [each for each in violations if "9999" in each.field + each.description]


SOME_TEXT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "M-1", "010-1234-5678", "kim@example.com", " \u0301a ", "İ@İ.com", "a\0", "\u0958" * 70, "ㅎㅏㄴ"]
    ),
    st.text("가각\u1100\u1161\u11a8\u0301\u0316", max_size=40),
)
ANY_FLOAT = st.floats(width=64)


def _messages() -> st.SearchStrategy[pb.Touchpoint]:
    """Touchpoints, most of them wrong in some way."""

    def build(fields: dict[str, Any]) -> pb.Touchpoint:
        made = pb.Touchpoint()
        for name, value in fields.items():
            current = getattr(made, name)
            if isinstance(current, MessageMap) or name in {"attributes", "masked_counts"}:
                current.update(value)
            elif name in {"rating", "survey", "occurred_time", "received_time"}:
                current.CopyFrom(value)
            elif name == "identifiers":
                current.extend(value)
            else:
                setattr(made, name, value)
        return made

    enum = st.one_of(st.integers(0, 20), st.integers(-(2**31), 2**31 - 1))
    timestamp = st.builds(
        lambda seconds, nanos: type(pb.Touchpoint().occurred_time)(seconds=seconds, nanos=nanos),
        st.one_of(st.just(NOW.seconds), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.just(0), st.integers(-(2**31), 2**31 - 1)),
    )
    fields = {
        "touchpoint_id": SOME_TEXT,
        "source": st.one_of(st.just("kakao-main"), SOME_TEXT),
        "external_id": SOME_TEXT,
        "revision": st.integers(-(2**63), 2**63 - 1),
        "channel": enum,
        "kind": enum,
        "actor": enum,
        "occurred_time": timestamp,
        "occurred_offset_minutes": st.integers(-(2**31), 2**31 - 1),
        "received_time": timestamp,
        "identifiers": st.lists(
            st.builds(lambda t, v, x: pb.Identifier(type=t, value=v, temporary=x), enum, SOME_TEXT, st.booleans()),
            max_size=22,
        ),
        "text": SOME_TEXT,
        "language": st.one_of(st.just("ko"), SOME_TEXT),
        "rating": st.builds(lambda v, a, b: pb.Rating(value=v, lowest=a, highest=b), ANY_FLOAT, ANY_FLOAT, ANY_FLOAT),
        "survey": st.builds(
            lambda t, v, a, b, i: pb.Survey(type=t, score=v, lowest=a, highest=b, survey_id=i),
            enum, ANY_FLOAT, ANY_FLOAT, ANY_FLOAT, SOME_TEXT,
        ),
        "thread_id": SOME_TEXT,
        "order_id": SOME_TEXT,
        "product": SOME_TEXT,
        "org_unit": SOME_TEXT,
        "attributes": st.dictionaries(SOME_TEXT, SOME_TEXT, max_size=5),
        "masked_counts": st.dictionaries(SOME_TEXT, st.integers(-(2**31), 2**31 - 1), max_size=3),
    }  # fmt: skip
    return st.fixed_dictionaries({}, optional=fields).map(build)


def _good_messages() -> st.SearchStrategy[pb.Touchpoint]:
    """Touchpoints that are right but for what their strings hold."""
    return st.builds(
        builders.a_touchpoint,
        external_id=SOME_TEXT,
        text=SOME_TEXT,
        thread_id=SOME_TEXT,
        org_unit=SOME_TEXT,
        identifiers=st.lists(st.tuples(st.sampled_from(["member_id", "email", "phone"]), SOME_TEXT), max_size=3),
        attributes=st.dictionaries(SOME_TEXT, SOME_TEXT, max_size=3),
    )


@settings(max_examples=300, deadline=None)
@given(_messages())
def test_any_touchpoint_is_accepted_or_says_why_not(touchpoint: pb.Touchpoint) -> None:
    normal, wrong = normalise(touchpoint)

    assert wrong or normal.source
    assert all(field.split(".")[0].split("[")[0] in pb.Touchpoint.DESCRIPTOR.fields_by_name for field in wrong)


@settings(max_examples=300, deadline=None)
@given(st.one_of(_messages(), _good_messages()))
@example(
    builders.a_touchpoint(text="계좌 110-123-456789", identifiers=[("phone", "050712345678"), ("email", "A@B.kr")])
)
def test_normalising_twice_equals_once(touchpoint: pb.Touchpoint) -> None:
    once, wrong = normalise(touchpoint)

    if not wrong:
        twice, still_wrong = normalise(once)
        once.masked_counts.clear()  # The second time there is nothing left to mask.
        assert still_wrong == []
        assert once == twice
        assert wire.content(once) == wire.content(twice)


@settings(deadline=None)
@given(st.text(max_size=50), st.integers(1, 60))
def test_clean_strings_are_composed_short_and_free_of_nul(value: str, longest: int) -> None:
    clean, problem = rules.clean(value, longest)

    assert problem or (unicodedata.is_normalized("NFC", clean) and len(clean) <= longest and "\0" not in clean)
