"""Files as touchpoints, and what becomes of them."""

import datetime as dt
import json
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

import spreadsheet
from sori.ingest.v1 import ingest_service_pb2, submission_events_pb2
from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_cli import files, imports, submission
from sori_cli.files import Format, Reject
from sori_cli.imports import Tally
from sori_cli.mapping import Defaults
from sori_cli.screen import Problem
from sori_cli.submission import Answer, Item

DEFAULTS = Defaults(
    source="file",
    channel=pb.CHANNEL_WEB,
    kind=pb.TOUCHPOINT_KIND_INQUIRY,
    actor=pb.ACTOR_CUSTOMER,
    org_unit="shop-1",
    occurred_time=Timestamp(seconds=1_790_000_000),
    occurred_offset_minutes=540,
    external_id_prefix="abc:",
)


def documents(folder: Path, *lines: str) -> list[Item | Reject]:
    path = folder / "a.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return list(imports.touchpoints(path, Format.JSONL, "utf-8", {}, DEFAULTS))


def test_document_keeps_what_it_says_and_gets_the_rest(tmp_path: Path) -> None:
    given = {"text": "hi", "channel": "CHANNEL_KAKAO", "occurredTime": "2026-11-20T00:00:00Z"}

    (item,) = documents(tmp_path, json.dumps(given))

    assert isinstance(item, Item)
    made = item.touchpoint
    assert ("hi", pb.CHANNEL_KAKAO, pb.TOUCHPOINT_KIND_INQUIRY) == (made.text, made.channel, made.kind)
    assert ("file", "abc:1", "shop-1", 0) == (
        made.source,
        made.external_id,
        made.org_unit,
        made.occurred_offset_minutes,
    )


def test_document_with_an_unknown_field_is_a_reject_that_names_it(tmp_path: Path) -> None:
    found = documents(tmp_path, '{"txt": "hi"}', '{"identifiers": [{"typ": 1}]}')

    assert [
        Reject(1, "there is no such field", "txt"),
        Reject(2, "there is no such field", "identifiers[0].typ"),
    ] == found


def test_rejects_never_quote_what_a_document_says(tmp_path: Path) -> None:
    found = documents(
        tmp_path, '{"text": ["010-1234-5678"]}', "{010-1234-5678", '"010-1234-5678"', '{"channel": "010-1234"}'
    )

    assert 4 == len([each for each in found if isinstance(each, Reject)])
    assert not any("010" in str(each) for each in found)


def test_long_text_of_a_document_is_a_reject(tmp_path: Path) -> None:
    (found,) = documents(tmp_path, json.dumps({"text": "x" * 1_000_000}))

    assert Reject(1, "has 1,000,000 characters, more than 100,000", "text") == found


def test_same_content_gives_the_same_ids_under_any_name(tmp_path: Path) -> None:
    found = []
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("text\nhi\n")
        found.append(list(imports.touchpoints(tmp_path / name, Format.CSV, "utf-8", {}, DEFAULTS)))

    assert found[0] == found[1]


def test_answers_are_counted_and_refusals_named_by_line() -> None:
    wrong = submission_events_pb2.FieldViolation(field="occurred_time", description="is in the future")
    results = [
        ingest_service_pb2.SubmitResult(accepted=ingest_service_pb2.Accepted(touchpoint_id="1")),
        ingest_service_pb2.SubmitResult(duplicate=ingest_service_pb2.Duplicate(touchpoint_id="2")),
        ingest_service_pb2.SubmitResult(rejected=ingest_service_pb2.Rejected(violations=[wrong])),
    ]
    tally = Tally()

    imports.count(tally, Answer([Item(line, pb.Touchpoint()) for line in (5, 6, 9)], results, retried=False))

    assert (1, 1, 1) == (tally.accepted, tally.duplicates, tally.rejected)
    assert [Reject(9, "is in the future", "occurred_time")] == tally.rejects


def test_batches_are_bounded_in_number_and_bytes() -> None:
    small = [Item(line, pb.Touchpoint(text="x")) for line in range(7)]
    large = [Item(line, pb.Touchpoint(text="가" * 100_000)) for line in range(40)]

    assert [3, 3, 1] == [len(batch) for batch in submission.batches(small, 3)]
    weights = [sum(item.touchpoint.ByteSize() for item in batch) for batch in submission.batches(large, 500)]
    assert max(weights) <= submission.MOST_BYTES
    assert 40 == sum(len(batch) for batch in submission.batches(large, 500))


def test_a_spreadsheet_is_imported_by_its_mapping(tmp_path: Path) -> None:
    path = tmp_path / "responses.xlsx"
    rows: spreadsheet.Rows = {
        1: {"A": "의견", "B": "휴대폰", "C": "추천", "D": "응답일시"},
        2: {"A": "좋아요", "B": 1012345678, "C": 9, "D": dt.datetime(2026, 11, 2, 13)},  # noqa: DTZ001
        4: {"A": "별로", "B": "", "C": "아홉", "D": dt.datetime(2026, 11, 2, 13)},  # noqa: DTZ001
    }
    path.write_bytes(spreadsheet.workbook({"응답": rows}))
    columns = {"의견": "text", "휴대폰": "phone", "추천": "nps", "응답일시": "occurred_time"}

    made = list(imports.touchpoints(path, Format.SHEET, "utf-8", columns, DEFAULTS))

    good, wrong = made
    assert isinstance(good, Item)
    assert ("좋아요", "01012345678", 9, 540) == (
        good.touchpoint.text,
        good.touchpoint.identifiers[0].value,
        good.touchpoint.survey.score,
        good.touchpoint.occurred_offset_minutes,
    )
    assert Reject(4, "is not a number", "nps") == wrong


def test_documents_of_any_shape_are_imported_by_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "reviews.jsonl"
    path.write_text('{"body": {"text": "좋아요"}}\n{"body": 1}\n[]\n{"body": {"text": {}}}\n')

    made = list(imports.touchpoints(path, Format.JSONL, "utf-8", {"body.text": "text"}, DEFAULTS))

    assert [1, 2] == [each.line for each in made if isinstance(each, Item)]
    assert [3, 4] == [each.line for each in made if isinstance(each, Reject)]


def texts_and_times(path: Path, columns: dict[str, str]) -> list[tuple[str, str]]:
    made = imports.touchpoints(path, files.format_of(path), files.survey(path, "auto").encoding, columns, DEFAULTS)
    items = [each for each in made if isinstance(each, Item)]
    return [(each.touchpoint.text, each.touchpoint.occurred_time.ToJsonString()) for each in items]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (("04/07/2026 09:00", "13/07/2026 09:00"), ("2026-07-04T00:00:00Z", "2026-07-13T00:00:00Z")),
        (("04/07/2026 09:00", "07/13/2026 09:00"), ("2026-04-07T00:00:00Z", "2026-07-13T00:00:00Z")),
        (("04-07-2026 09:00", "07-13-2026 09:00"), ("2026-04-07T00:00:00Z", "2026-07-13T00:00:00Z")),
    ],
)
def test_the_whole_file_tells_whether_its_dates_begin_with_the_day(
    tmp_path: Path, dates: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    table, lines = tmp_path / "a.csv", tmp_path / "a.jsonl"
    table.write_text("when,said\n" + "".join(f"{each},a\n" for each in dates))
    lines.write_text("".join(f'{{"at": {{"when": "{each}"}}, "said": "a"}}\n' for each in dates))

    wanted = [("a", each) for each in expected]
    assert wanted == texts_and_times(table, {"when": "occurred_time", "said": "text"})
    assert wanted == texts_and_times(lines, {"at.when": "occurred_time", "said": "text"})


def test_headings_and_empty_rows_may_stand_above_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("리뷰 목록,,\n\n작성일,제목,평점\n2026-11-20 09:00,좋아요,4점\n")

    assert [("좋아요", "2026-11-20T00:00:00Z")] == texts_and_times(path, {"작성일": "occurred_time", "제목": "text"})


@pytest.mark.parametrize("delimiter", [";", "\t", ","])
def test_cells_of_csv_may_stand_between_semicolons_or_tabs(tmp_path: Path, delimiter: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(delimiter.join(("text", '"a, b; c"')) + "\n" + delimiter.join(("좋아요", "x")) + "\n")

    assert ["좋아요"] == [text for text, _ in texts_and_times(path, {})]


@pytest.mark.parametrize("heading", ["고객의 소리; 11월", "고객의 소리, 11월, 전체"])
@pytest.mark.parametrize("delimiter", [";", "\t", ",", "|"])
def test_a_heading_does_not_say_what_stands_between_cells(tmp_path: Path, delimiter: str, heading: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join([heading, delimiter.join(("번호", "내용")), delimiter.join(("1", "좋아요"))]))

    assert ["좋아요"] == [text for text, _ in texts_and_times(path, {"번호": "external_id", "내용": "text"})]


def test_a_row_with_one_word_that_is_a_field_is_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("채널,내용\nemail,늦었어요\n")

    with pytest.raises(Problem, match="the columns are 채널, 내용"):
        texts_and_times(path, {})


@pytest.mark.parametrize(
    ("field", "cells", "scales"),
    [
        ("rating", ("3", "8", "10점"), [(1, 10)] * 3),
        ("rating", ("3", "4/5", "5"), [(0, 0), (1, 5), (0, 0)]),
        ("csat", ("85", "100", "70"), [(0, 100)] * 3),
        ("csat", ("4", "45", "5"), [(0, 0)] * 3),
        ("csat", (*["5"] * 40, "10"), [(0, 0)] * 41),  # one slip
        ("ces", ("7", "2"), [(0, 0)] * 2),
    ],
)
def test_the_whole_column_tells_the_scale_of_its_marks(
    tmp_path: Path, field: str, cells: tuple[str, ...], scales: list[tuple[float, float]]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["mark", *cells]), encoding="utf-8")

    made = list(imports.touchpoints(path, Format.CSV, "utf-8", {"mark": field}, DEFAULTS))

    given = [each.touchpoint for each in made if isinstance(each, Item)]
    told = [each.rating if field == "rating" else each.survey for each in given]
    assert scales == [(each.lowest, each.highest) for each in told]
