"""What adapters read payloads with."""

import contextlib
import datetime as dt
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading
from sori_ingest.channels.payload import Payload, Source, Unreadable
from sori_ingest.channels.reading import Media

NOW = dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC)
SOURCE = Source(name="test")


def a_payload(body: bytes | str, content_type: str = "") -> Payload:
    return Payload(body=body.encode() if isinstance(body, str) else body, content_type=content_type, received_time=NOW)


def a_touchpoint() -> pb.Touchpoint:
    return reading.touchpoint(SOURCE, channel=pb.CHANNEL_CHAT, kind=pb.TOUCHPOINT_KIND_INQUIRY, at=reading.Moment(NOW))


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("안녕".encode(), "", "안녕"),
        ("안녕".encode("utf-8-sig"), "", "안녕"),
        ("안녕".encode("cp949"), "", "안녕"),
        ("안녕".encode("utf-16"), "", "안녕"),
        ("안녕".encode("euc-kr"), "text/plain; charset=KS_C_5601-1987", "안녕"),
        ("똠방각하".encode("cp949"), "text/plain; charset=EUC-KR", "똠방각하"),
        ("é".encode("latin-1"), "text/plain; charset=iso-8859-1", "é"),
        ("안녕".encode(), "text/plain; charset=no-such-thing", "안녕"),
        ("안녕".encode(), "text/plain; charset=rot13", "안녕"),
        ("안녕".encode(), 'text/plain; charset="\\0"', "안녕"),
        (b"a\0b", "", "ab"),
    ],
)
def test_text_is_decoded_by_mark_charset_or_guess(body: bytes, content_type: str, text: str) -> None:
    assert text == reading.decoded(a_payload(body, content_type))


def test_what_is_in_no_encoding_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="not_utf8"):
        reading.decoded(a_payload(b"\xff\x80\xff"))


@pytest.mark.parametrize(
    ("body", "content_type", "media"),
    [
        (b'{"a": 1}', "", Media.JSON),
        (b'\xef\xbb\xbf\n [{"a": 1}]', "", Media.JSON),
        (b'{"a": 1}\n{"a": 2}\n', "", Media.JSONL),
        (b"From=%2B1&Body=a+b", "", Media.FORM),
        (b"a=1", "application/json; charset=utf-8", Media.JSON),
        (b"{}", "application/cloudevents+json", Media.JSON),
        (b"Received: from x\r\n by y\r\nFrom: a@b.kr\r\n\r\nhi", "", Media.MIME),
        (b"Subject: hi\nFrom: a\n\nbody", "", Media.MIME),
        (b"name,score\nkim,9\n", "", Media.CSV),
        (b"name\tscore\nkim\t9\n", "", Media.TSV),
        ("name\tscore\n".encode("utf-16"), "", Media.TSV),
        (b"PK\x03\x04...", "", Media.XLSX),
        (b"just words", "", Media.TEXT),
        (b"", "", Media.TEXT),
    ],
)
def test_what_a_body_holds_is_told_by_its_type_or_bytes(body: bytes, content_type: str, media: Media) -> None:
    assert media == reading.media(a_payload(body, content_type))


@given(st.binary(max_size=100), st.text(max_size=40))
def test_any_bytes_are_of_some_kind(body: bytes, content_type: str) -> None:
    payload = a_payload(body, content_type)

    assert reading.media(payload) in Media
    with contextlib.suppress(Unreadable):
        reading.json_value(payload)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{",
        "nope",
        "[]",
        '"text"',
        "[" * 100_000,
        '{"a":' * 300 + "1" + "}" * 300,
        '{"a": ' + "9" * 5_000 + "}",
    ],
)
def test_what_is_no_json_object_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable, match="not_json"):
        reading.json_object(a_payload(body))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


def read_or_reason(read: Callable[[], object]) -> str:
    """Give what was read, as text: of NaN and 1 == 1.0 equality would say too little."""
    try:
        return repr(read())
    except Unreadable as unreadable:
        return str(unreadable)


@given(_JSON, st.booleans())
def test_json_is_the_same_read_from_bytes_or_from_text(value: object, escaped: bool) -> None:
    text = json.dumps(value, ensure_ascii=escaped)

    from_bytes = read_or_reason(lambda: reading.json_value(a_payload(text)))

    assert read_or_reason(lambda: reading.parse_json(text)) == from_bytes


@pytest.mark.parametrize(
    "text",
    [
        "18446744073709551616",
        "-9223372036854775809",
        "[123456789012345678901234567890]",
        "1e400",
        "-0",
        "-0.0",
        "1E5",
        "NaN",
        '{"a": 1, "a": 2}',
        r'"\ud83d\ude00"',
        r'"\ud83d"',
        r'{"a\u0000": "\u0000b"}',
        '"\t"',
        "[1,]",
        "[" * 201 + "]" * 201,
        "[" * 5_000 + "]" * 5_000,
        "",
    ],
)
def test_json_is_read_as_the_slow_way_reads_it(text: str) -> None:
    from_bytes = read_or_reason(lambda: reading.json_value(a_payload(text)))

    assert read_or_reason(lambda: reading.parse_json(text)) == from_bytes


def test_odd_json_is_read() -> None:
    value = reading.json_object(
        a_payload('{"a": NaN, "b": 1, "b": 2, "c": "x\\u0000y", "d": "\\ud800!", "e": "\\ud83d\\ude00", "\\udc00": 1}')
    )

    assert {"a": None, "b": 2, "c": "xy", "d": "\ufffd!", "e": "😀", "\ufffd": 1} == value


def test_a_form_is_read_by_its_first_values() -> None:
    fields = reading.form(a_payload("Body=%EC%95%88%EB%85%95+%2B1&Body=b&Empty=&NumMedia=0\r\n"))

    assert {"Body": "안녕 +1", "Empty": "", "NumMedia": "0"} == fields


@pytest.mark.parametrize("body", ["", "&".join(f"f{n}=1" for n in range(2_000))])
def test_what_is_no_form_is_unreadable(body: str) -> None:
    with pytest.raises(Unreadable, match="not_form"):
        reading.form(a_payload(body))


def test_paths_lead_through_objects_and_lists() -> None:
    value = {"a": [{"b": "c"}], "n": 12, "f": 3.0, "t": True, "z": None, "big": 10**5_000, "s": "4.5"}

    assert "c" == reading.text(value, "a.0.b")
    assert ("12", "3", "true", "") == tuple(reading.optional_text(value, each) for each in ("n", "f", "t", "z"))
    assert "c" == reading.optional_text(value, "z", "nope.nope", "a.7", "a.0.b")
    assert (4.5, None) == (reading.optional_number(value, "s"), reading.optional_number(value, "z"))
    assert (12, None) == (reading.optional_integer(value, "n"), reading.optional_integer(value, "nope"))
    assert ([{"b": "c"}], []) == (reading.objects_at(value, "a"), reading.objects_at(value, "nope"))


@pytest.mark.parametrize(
    ("reason", "path", "getter"),
    [
        ("field_missing", "nope.at.all", reading.text),
        ("field_missing", "blank", reading.text),
        ("field_wrong", "list", reading.text),
        ("field_wrong", "big", reading.text),
        ("field_missing", "nope", reading.number),
        ("field_wrong", "word", reading.number),
        ("field_wrong", "flag", reading.number),
        ("field_wrong", "infinite", reading.number),
        ("field_wrong", "big", reading.number),
        ("field_wrong", "half", reading.optional_integer),
        ("field_missing", "nope", reading.object_at),
        ("field_wrong", "list", reading.object_at),
        ("field_wrong", "word", reading.items_at),
    ],
)
def test_what_is_missing_or_wrong_is_named(reason: str, path: str, getter: reading.Getter) -> None:
    value = {"blank": " ", "list": [1], "word": "w", "flag": True, "infinite": "inf", "big": 10**5_000, "half": 0.5}

    with pytest.raises(Unreadable) as raised:
        getter(value, path)

    assert (reason, path) == (raised.value.reason, raised.value.field)


@pytest.mark.parametrize(
    ("value", "expected", "offset"),
    [
        (1_790_000_000, "2026-09-21T14:13:20+00:00", 0),
        (1_790_000_000.25, "2026-09-21T14:13:20.250000+00:00", 0),
        ("1790000000", "2026-09-21T14:13:20+00:00", 0),
        ("1790000000.000200", "2026-09-21T14:13:20.000200+00:00", 0),
        (1_790_000_000_123, "2026-09-21T14:13:20.123000+00:00", 0),
        ("1790000000123456", "2026-09-21T14:13:20.123456+00:00", 0),
        ("1790000000123456789", "2026-09-21T14:13:20.123456+00:00", 0),
        ("2026-11-22T12:00:00+09:00", "2026-11-22T03:00:00+00:00", 540),
        ("2026-11-22T12:00:00+0900", "2026-11-22T03:00:00+00:00", 540),
        ("2026-11-22T03:00:00.123456789Z", "2026-11-22T03:00:00.123456+00:00", 0),
        ("2026-11-22 12:00:00 KST", "2026-11-22T03:00:00+00:00", 540),
        ("2026-11-22 03:00:00 UTC", "2026-11-22T03:00:00+00:00", 0),
        ("2026-11-22", "2026-11-22T00:00:00+00:00", 0),
        ("Sun, 22 Nov 2026 12:00:00 +0900", "2026-11-22T03:00:00+00:00", 540),
        ("Sun Nov 22 03:00:00 +0000 2026", "2026-11-22T03:00:00+00:00", 0),
        ("2026-11-20t18:00:00.5z", "2026-11-20T18:00:00.500000+00:00", 0),
    ],
)
def test_times_of_vendors_are_read(value: object, expected: str, offset: int) -> None:
    found = reading.moment(value)

    assert found is not None
    assert (expected, offset) == (found.time.isoformat(), found.offset_minutes)


@pytest.mark.parametrize(
    "value", [None, True, [], "", "yesterday", "9" * 30, float("nan"), float("inf"), 10**30, "0000-00-00", "x" * 100]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert reading.moment(value) is None


@given(st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.dates().map(str), st.datetimes().map(str)))
def test_any_time_is_read_or_none(value: object) -> None:
    found = reading.moment(value, local="Asia/Seoul")

    assert found is None or found.time.utcoffset() == dt.timedelta()


def test_a_zone_gives_its_offset_to_times_without_one() -> None:
    local = reading.moment("2026-11-22 12:00:00", local="Asia/Seoul")
    counted = reading.moment(1_790_000_000, local="America/New_York")

    assert local == reading.Moment(dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC), 540)
    assert counted is not None
    assert -240 == counted.offset_minutes


def test_the_time_of_receipt_stands_in_for_a_missing_one() -> None:
    found = reading.moment_at({"at": None}, "at", "nope", payload=a_payload(""), source=SOURCE)

    assert NOW == found.time


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (pb.IDENTIFIER_TYPE_PHONE, "010-1234-5678 (본인)", "+821012345678"),
        (pb.IDENTIFIER_TYPE_PHONE, "01012345678(mobile)", "+821012345678"),
        (pb.IDENTIFIER_TYPE_EMAIL, "Kim, Minsu <Kim@Example.com>", "kim@example.com"),
        (pb.IDENTIFIER_TYPE_EMAIL, "<kim@example.com>", "kim@example.com"),
    ],
)
def test_identifier_with_a_name_or_a_note_beside_it_is_known(
    kind: pb.IdentifierType.ValueType, written: str, value: str
) -> None:
    made = a_touchpoint()

    reading.identify(made, kind, written)

    assert [(kind, value)] == [(each.type, each.value) for each in made.identifiers]


def test_identifiers_that_are_none_are_left_out() -> None:
    made = a_touchpoint()

    for kind, value in [
        (pb.IDENTIFIER_TYPE_PHONE, "anonymous"),
        (pb.IDENTIFIER_TYPE_PHONE, "+266696687"),
        (pb.IDENTIFIER_TYPE_EMAIL, "not an address"),
        (pb.IDENTIFIER_TYPE_MEMBER_ID, " "),
        (pb.IDENTIFIER_TYPE_PHONE, "010-1234-5678"),
        (pb.IDENTIFIER_TYPE_PHONE, "+82 10 1234 5678"),
    ]:
        reading.identify(made, kind, value)
    reading.identify_account(made, "line", "U1")

    assert [(pb.IDENTIFIER_TYPE_PHONE, "+821012345678"), (pb.IDENTIFIER_TYPE_ANONYMOUS_ID, "line:U1")] == [
        (each.type, each.value) for each in made.identifiers
    ]


def test_attributes_keep_to_their_limits() -> None:
    made = a_touchpoint()

    for key, value in [("k" * 100, "v" * 2_000), ("none", None), ("list", [1]), ("empty", ""), ("flag", False)]:
        reading.attribute(made, key, value)
    for number in range(80):
        reading.attribute(made, f"n{number}", number)

    assert 50 == len(made.attributes)
    assert ("v" * 1_000, "false") == (made.attributes["k" * 64], made.attributes["flag"])


def test_long_references_that_differ_still_do() -> None:
    first, second = reading.reference("r" * 900 + "1"), reading.reference("r" * 900 + "2")

    assert 256 == len(first) == len(second)
    assert first != second
    assert "short" == reading.reference(" short ")
