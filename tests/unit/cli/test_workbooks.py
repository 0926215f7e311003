"""Reading spreadsheets."""

import datetime as dt
from pathlib import Path

import pytest

import spreadsheet
from sori_cli import files
from sori_cli.files import Format, Row
from sori_cli.screen import Problem


def written(folder: Path, sheets: dict[str, spreadsheet.Rows], **more: tuple[str, ...]) -> Path:
    path = folder / "responses.xlsx"
    path.write_bytes(spreadsheet.workbook(sheets, **more))
    return path


def read(path: Path, sheet: str = "") -> list[Row]:
    return [each for each in files.rows(path, files.format_of(path), "utf-8", sheet) if isinstance(each, Row)]


def test_rows_carry_their_number_in_the_sheet(tmp_path: Path) -> None:
    rows: spreadsheet.Rows = {3: {"B": "text", "C": "id"}, 4: {"B": "좋아요", "C": "가"}, 7: {"B": "별로", "C": "나"}}

    found = read(written(tmp_path, {"응답": rows}))

    assert [Row(3, ["text", "id"]), Row(4, ["좋아요", "가"]), Row(7, ["별로", "나"])] == found


def test_numbers_and_times_are_written_as_texts(tmp_path: Path) -> None:
    time = dt.datetime(2026, 11, 2, 13, 30)  # noqa: DTZ001
    rows: spreadsheet.Rows = {1: {"A": "x"}, 2: {"A": 1012345678}, 3: {"A": 4.5}, 4: {"A": time}, 5: {"A": True}}

    found = read(written(tmp_path, {"s": rows}))

    assert ["x", "1012345678", "4.5", "2026-11-02T13:30:00", "true"] == [row.cells[0] for row in found]


def test_the_first_sheet_that_can_be_seen_counts_and_another_can_be_named(tmp_path: Path) -> None:
    sheets: dict[str, spreadsheet.Rows] = {
        "a": {1: {"A": "hidden"}},
        "b": {},
        "c": {1: {"A": "c"}},
        "d": {1: {"A": "d"}},
    }
    path = written(tmp_path, sheets, hidden=("a",))

    assert ["c"] == [row.cells[0] for row in read(path)]
    assert ["d"] == [row.cells[0] for row in read(path, "d")]
    assert files.survey(path, "auto").digest != files.survey(path, "auto", "d").digest


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short", b"text,id\n"])
def test_what_is_no_spreadsheet_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "responses.xlsx"
    path.write_bytes(content)

    with pytest.raises(Problem, match=r"responses\.xlsx"):
        files.survey(path, "auto")


def test_a_sheet_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no sheet nope; it has s"):
        read(written(tmp_path, {"s": {1: {"A": "x"}}}), "nope")


@pytest.mark.parametrize("suffix", [".xlsx", ".XLSX", ".xlsm", ".xls", ".ods"])
def test_spreadsheets_are_told_by_their_name(suffix: str) -> None:
    assert Format.SHEET == files.format_of(Path(f"a{suffix}"))


def test_a_page_of_html_under_the_name_of_a_spreadsheet_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(b"\xef\xbb\xbf\n<html><table><tr><td>a</td></tr></table></html>")

    with pytest.raises(Problem, match="holds a page of HTML"):
        read(path)
