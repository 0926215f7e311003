"""Rows as touchpoints."""

import datetime as dt
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_cli import mapping
from sori_cli.files import Reject, Row
from sori_cli.mapping import BadCell, Defaults, Mapper
from sori_cli.screen import Problem

DEFAULTS = Defaults(
    source="file",
    channel=pb.CHANNEL_REVIEW,
    kind=pb.TOUCHPOINT_KIND_REVIEW,
    actor=pb.ACTOR_CUSTOMER,
    org_unit="",
    occurred_time=Timestamp(seconds=1_790_000_000),
    occurred_offset_minutes=540,
    external_id_prefix="0123456789abcdef:",
)


def mapped(columns: dict[str, str], *cells: str, header: Sequence[str] = ()) -> pb.Touchpoint | Reject:
    return Mapper(header or list(columns), columns, DEFAULTS).touchpoint(Row(7, list(cells)))


def accepted(columns: dict[str, str], *cells: str) -> pb.Touchpoint:
    made = mapped(columns, *cells)
    assert isinstance(made, pb.Touchpoint), made
    return made


def test_what_no_column_says_comes_from_the_defaults() -> None:
    made = accepted({"review": "text"}, "좋아요")

    assert made == pb.Touchpoint(
        source="file",
        external_id="0123456789abcdef:7",
        channel=pb.CHANNEL_REVIEW,
        kind=pb.TOUCHPOINT_KIND_REVIEW,
        actor=pb.ACTOR_CUSTOMER,
        occurred_time=Timestamp(seconds=1_790_000_000),
        occurred_offset_minutes=540,
        text="좋아요",
    )


def test_every_kind_of_field_is_read() -> None:
    columns = {
        "t": "text",
        "who": "member_id",
        "tel": "phone",
        "stars": "rating",
        "q": "nps",
        "how": "channel",
        "what": "kind",
        "no": "external_id",
        "v": "revision",
        "label": "attributes.label",
    }

    made = accepted(columns, "hi", "M1", "010-1234-5678", "4.5", "9", "call_center", "complaint", "x-1", "2", "A")

    assert [(1, "M1"), (4, "010-1234-5678")] == [(each.type, each.value) for each in made.identifiers]
    assert (4.5, pb.SURVEY_TYPE_NPS, 9) == (made.rating.value, made.survey.type, made.survey.score)
    assert (pb.CHANNEL_CALL_CENTER, pb.TOUCHPOINT_KIND_COMPLAINT) == (made.channel, made.kind)
    assert ("x-1", 2, {"label": "A"}) == (made.external_id, made.revision, dict(made.attributes))


def test_empty_cells_leave_the_defaults() -> None:
    made = accepted({"t": "text", "no": "external_id", "who": "member_id", "stars": "rating"}, "hi", "", " ", "")

    assert "0123456789abcdef:7" == made.external_id
    assert not made.identifiers
    assert not made.HasField("rating")


@pytest.mark.parametrize("nothing", ["-", "없음", "N/A", " – "])
def test_what_stands_for_nothing_is_nobody_and_no_mark(nothing: str) -> None:
    made = accepted({"t": "text", "p": "phone", "stars": "rating", "n": "nps"}, "hi", nothing, nothing, nothing)

    assert "hi" == made.text
    assert not {"identifiers", "rating", "survey"} & {field.name for field, _ in made.ListFields()}


@pytest.mark.parametrize(
    ("field", "cell", "reason"),
    [
        ("rating", "many", "is not a number"),
        ("rating", "nan", "is not a number"),
        ("revision", "1.5", "is not a whole number"),
        ("occurred_time", "gestern", "is not a time: neither ISO 8601 nor seconds since 1970"),
        ("occurred_time", "", "is empty"),
        ("text", "x" * 100_001, "has 100,001 characters, more than 100,000"),
    ],
)
def test_bad_cell_names_its_field(field: str, cell: str, reason: str) -> None:
    assert Reject(7, reason, field) == mapped({"column": field}, cell)


def test_unknown_kind_lists_what_there_is() -> None:
    made = mapped({"what": "kind"}, "gossip")

    assert isinstance(made, Reject)
    assert "inquiry, complaint" in made.reason


def test_wrong_number_of_cells_is_a_reject() -> None:
    assert Reject(7, "has 1 cells instead of 2") == mapped({"a": "text", "b": "product"}, "only one")


@pytest.mark.parametrize(
    ("text", "time", "offset"),
    [
        ("2026-11-20T10:00:00Z", dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC), 0),
        ("2026-11-20T10:00:00-05:00", dt.datetime(2026, 11, 20, 15, tzinfo=dt.UTC), -300),
        ("2026-11-20 10:00", dt.datetime(2026, 11, 20, 1, tzinfo=dt.UTC), 540),
        ("2026-11-20", dt.datetime(2026, 11, 19, 15, tzinfo=dt.UTC), 540),
        ("2026. 11. 20. 오전 10:00:00", dt.datetime(2026, 11, 20, 1, tzinfo=dt.UTC), 540),
        ("2026-11-20 오후 3:30", dt.datetime(2026, 11, 20, 6, 30, tzinfo=dt.UTC), 540),
        ("2026년 11월 20일 (금) 15시 30분", dt.datetime(2026, 11, 20, 6, 30, tzinfo=dt.UTC), 540),
        ("2026.11.20", dt.datetime(2026, 11, 19, 15, tzinfo=dt.UTC), 540),
        ("2026/11/20 3:30 PM", dt.datetime(2026, 11, 20, 6, 30, tzinfo=dt.UTC), 540),
        ("2026-1-5 9:05", dt.datetime(2026, 1, 5, 0, 5, tzinfo=dt.UTC), 540),
        ("20261120", dt.datetime(2026, 11, 19, 15, tzinfo=dt.UTC), 540),
        ("202611201506", dt.datetime(2026, 11, 20, 6, 6, tzinfo=dt.UTC), 540),
        ("20261120150601", dt.datetime(2026, 11, 20, 6, 6, 1, tzinfo=dt.UTC), 540),
        ("2026-11-20t15:06:01z", dt.datetime(2026, 11, 20, 15, 6, 1, tzinfo=dt.UTC), 0),
        ("1795341600", dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC), 540),
        ("1795341600000", dt.datetime(2026, 11, 22, 10, 0, tzinfo=dt.UTC), 540),
    ],
)
def test_time_without_an_offset_is_korean(text: str, time: dt.datetime, offset: int) -> None:
    made, minutes = mapping.read_time(text)

    assert (time, offset) == (made.ToDatetime(dt.UTC), minutes)


@pytest.mark.parametrize(
    "text", ["1e400", "inf", "nan", "999999999999999999", "0000-00-00", "2026.13.01", "2026-11-20 오후 25:00"]
)
def test_impossible_time_is_refused(text: str) -> None:
    with pytest.raises(BadCell):
        mapping.read_time(text)


def test_wrong_column_is_refused_with_those_there_are() -> None:
    with pytest.raises(Problem, match="no column review; the columns are text, id"):
        Mapper(["text", "id"], {"review": "text"}, DEFAULTS)


def test_column_that_stands_twice_is_refused() -> None:
    with pytest.raises(Problem, match="more than one column is named text"):
        Mapper(["text", "text"], {"text": "text"}, DEFAULTS)


def test_columns_named_like_fields_need_no_map() -> None:
    made = Mapper(["text", "grade", "member_id"], {}, DEFAULTS).touchpoint(Row(2, ["hi", "A", "M1"]))

    assert isinstance(made, pb.Touchpoint)
    assert ("hi", "M1") == (made.text, made.identifiers[0].value)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (["a=nope"], "there is no field nope"),
        (["a=text", "b=text"], "more than one column goes to text"),
        (["a=nps", "b=csat"], "one survey answer"),
        (["missing.yaml"], "neither column=field nor a file"),
    ],
)
def test_wrong_map_is_refused(given: list[str], problem: str) -> None:
    with pytest.raises(Problem, match=problem):
        mapping.read_map(given)


def test_map_is_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "map.yaml"
    path.write_text("리뷰: text\nstars: rating\n", encoding="utf-8")

    assert {"리뷰": "text", "stars": "rating", "c=d": "product"} == mapping.read_map([str(path), "c=d=product"])


def documented(columns: dict[str, str], text: str) -> pb.Touchpoint | Reject:
    return Mapper(list(columns), columns, DEFAULTS).document(Row(7, [text]))


def test_names_of_a_document_may_be_paths() -> None:
    made = documented(
        {"body.text": "text", "marks.0": "rating", "a.b": "attributes.ab", "vip": "attributes.vip"},
        '{"body": {"text": "좋아요"}, "marks": [4.0], "a.b": 12, "vip": true, "other": {}}',
    )

    assert isinstance(made, pb.Touchpoint)
    assert ("좋아요", 4.0, {"ab": "12", "vip": "true"}) == (made.text, made.rating.value, dict(made.attributes))


@pytest.mark.parametrize(
    ("text", "field"),
    [("[]", ""), ("{", ""), ('{"t": {}}', "t"), ("[" * 100_000, ""), ('"x"', "")],
)
def test_a_document_of_another_shape_is_a_reject(text: str, field: str) -> None:
    made = documented({"t": "text"}, text)

    assert isinstance(made, Reject)
    assert (7, field) == (made.line, made.field)


def test_half_a_surrogate_pair_is_replaced() -> None:
    made = documented({"t": "text"}, '{"t": "a\\ud800b"}')

    assert isinstance(made, pb.Touchpoint)
    assert "a\ufffdb" == made.text


def test_a_mobile_number_gets_back_the_zero_that_a_spreadsheet_took() -> None:
    assert "01012345678" == accepted({"phone": "phone"}, "1012345678").identifiers[0].value
    assert "15881234" == accepted({"phone": "phone"}, "15881234").identifiers[0].value


@pytest.mark.parametrize(
    ("cell", "value", "highest"),
    [
        ("4", 4, 0),
        ("4점", 4, 0),
        ("4,5", 4.5, 0),
        ("4/5", 4, 5),
        ("8 / 10점", 8, 10),
        ("★★★★☆", 4, 5),
        ("⭐⭐⭐", 3, 0),
        ("매우 만족", 5, 5),
        ("Dissatisfied", 2, 5),
    ],
)
def test_marks_are_read_as_people_write_them(cell: str, value: float, highest: float) -> None:
    made = accepted({"stars": "rating", "how": "csat"}, cell, cell)

    assert (value, highest) == (made.rating.value, made.rating.highest)
    assert (value, highest) == (made.survey.score, made.survey.highest)


def test_nps_has_one_scale_and_no_words() -> None:
    assert (9, 0) == ((made := accepted({"q": "nps"}, "9/10")).survey.score, made.survey.highest)
    assert mapped({"q": "nps"}, "만족") == Reject(7, "is not a number", "nps")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("11/20/2026 3:05 PM", "2026-11-20T15:05:00+09:00"),
        ("04/07/2026", "2026-04-07T00:00:00+09:00"),
        ("26. 11. 20. 오후 3:05", "2026-11-20T15:05:00+09:00"),
        ("04-07-2026 10:00", "2026-07-04T10:00:00+09:00"),
        ("2026-11-20 15:05:12 UTC", "2026-11-20T15:05:12+00:00"),
        ("2026-11-20 15:05:12 +0900", "2026-11-20T15:05:12+09:00"),
        ("2026/11/20 3:05:12 오후 GMT+9", "2026-11-20T15:05:12+09:00"),
    ],
)
def test_times_of_more_countries_are_read(text: str, expected: str) -> None:
    time, offset = mapping.read_time(text)

    assert dt.datetime.fromisoformat(expected) == time.ToDatetime(dt.timezone(dt.timedelta(minutes=offset)))


def test_columns_are_known_however_their_names_are_composed_and_spaced() -> None:
    made = mapped({"의견 (자유)": "text"}, "a", header=[unicodedata.normalize("NFD", "의견\n(자유) ")])

    assert isinstance(made, pb.Touchpoint)
    assert "a" == made.text


@pytest.mark.parametrize(("cell", "value"), [('="0001"', "0001"), ("'+1", "+1"), ("'quoted'", "'quoted'"), ("=", "=")])
def test_what_keeps_a_spreadsheet_from_counting_is_taken_off(cell: str, value: str) -> None:
    assert value == accepted({"id": "external_id"}, cell).external_id


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (("05/11/2026", "12/11/2026 09:00"), True),  # December is to come.
        (("11/05/2026", "11/12/2026 09:00"), None),
        (("12/11/2026", "11/12/2026"), None),  # Either way one is.
        (("12/11/2026", "11/20/2026"), False),
        (("04/07/2026", "13/07/2026"), True),
        (("2026-11-20", ""), None),
    ],
)
def test_the_dates_of_a_file_tell_whether_the_day_stands_first(dates: tuple[str, ...], expected: bool | None) -> None:
    rows = [Row(number, [each]) for number, each in enumerate(dates, 2)]
    now = dt.datetime(2026, 11, 20, tzinfo=dt.UTC)

    assert expected is mapping.is_day_first(rows, ["when"], {"when": "occurred_time"}, now=now)


@pytest.mark.parametrize(
    ("cell", "value", "highest"),
    [
        ("4.0 out of 5 stars", 4, 5),
        ("5 stars", 5, 0),
        ("4 - Good", 4, 0),
        ("매우 만족 (5)", 5, 0),
        ("별 4개", 4, 0),
        ("★ 4.5", 4.5, 0),
        ("80%", 80, 100),
        ("만족해요", 4, 5),
        ("Somewhat dissatisfied", 2, 5),
        ("４", 4, 0),
    ],
)
def test_marks_are_read_as_tools_write_them(cell: str, value: float, highest: float) -> None:
    made = accepted({"stars": "rating"}, cell)

    assert (value, highest) == (made.rating.value, made.rating.highest)


@pytest.mark.parametrize(("cell", "score"), [("9 - Very likely", 9), ("10 (Extremely likely)", 10), ("0점", 0)])
def test_nps_may_have_its_label_beside_it(cell: str, score: float) -> None:
    assert score == accepted({"q": "nps"}, cell).survey.score


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nov 20, 2026 3:04 PM", "2026-11-20T15:04:00+09:00"),
        ("November 20, 2026", "2026-11-20T00:00:00+09:00"),
        ("20-Nov-2026 15:04", "2026-11-20T15:04:00+09:00"),
        ("Fri, 20 Nov 2026 06:04:05 GMT", "2026-11-20T06:04:05+00:00"),
        ("20.11.2026 15:04", "2026-11-20T15:04:00+09:00"),
        ("20261120150405", "2026-11-20T15:04:05+09:00"),
        ("46346.6278356481", "2026-11-20T15:04:05+09:00"),
        ("11/20/26 3:04 PM", "2026-11-20T15:04:00+09:00"),
        ("2026-11-20 15:04 KST", "2026-11-20T15:04:00+09:00"),
        ("2026-11-20 3:04 p. m.", "2026-11-20T15:04:00+09:00"),
    ],
)
def test_times_are_read_as_tools_write_them(text: str, expected: str) -> None:
    time, offset = mapping.read_time(text)

    told = dt.datetime.fromisoformat(expected)
    assert told == time.ToDatetime(dt.UTC)
    assert told.utcoffset() == dt.timedelta(minutes=offset)


def test_empty_cells_beyond_the_header_are_no_cells() -> None:
    assert isinstance(mapped({"a": "text"}, "hi", "", ""), pb.Touchpoint)
    assert isinstance(mapped({"a": "text"}, "hi", "", "more"), Reject)


def test_who_is_anonymous_is_nobody() -> None:
    assert not accepted({"mail": "email"}, "anonymous").identifiers


def test_a_row_of_sums_is_a_reject() -> None:
    assert Reject(7, "sums up other rows") == mapped({"nr": "external_id", "stars": "rating"}, "합계", "12")
    assert isinstance(mapped({"words": "text"}, "Total"), pb.Touchpoint)
