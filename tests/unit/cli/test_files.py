"""Reading files of records."""

import csv
import gzip
import io
import lzma
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_cli import files
from sori_cli.files import Format, Reject, Row, UnreadableFile


def written(folder: Path, content: bytes, name: str = "records.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, form: Format = Format.CSV, encoding: str = "utf-8") -> list[Row | Reject]:
    return list(files.rows(path, form, encoding))


def test_rows_carry_the_line_on_which_they_start(tmp_path: Path) -> None:
    path = written(tmp_path, b'text,id\n"two\nlines",1\nnext,2\n')

    assert [Row(1, ["text", "id"]), Row(2, ["two\nlines", "1"]), Row(4, ["next", "2"])] == read(path)


_cells = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=20)


@given(
    rows=st.lists(st.lists(_cells, min_size=2, max_size=3).filter(any), max_size=8), end=st.sampled_from(["\n", "\r\n"])
)
def test_line_numbers_hold_whatever_is_quoted(
    rows: list[list[str]], end: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected, content, line = [], "", 1
    for cells in rows:
        record = io.StringIO()
        csv.writer(record, lineterminator=end, quoting=csv.QUOTE_ALL).writerow(cells)
        expected.append(Row(line, cells))
        content += record.getvalue()
        line += record.getvalue().count("\n")
    path = written(tmp_path_factory.mktemp("rows"), content.encode())

    found = read(path)

    assert expected == found


def test_blank_line_is_a_reject_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path, b"text,id\n\n,\nok,1\n")

    assert [
        Row(1, ["text", "id"]),
        Reject(2, "the row is empty"),
        Reject(3, "the row is empty"),
        Row(4, ["ok", "1"]),
    ] == read(path)


def test_line_in_another_encoding_is_a_reject_with_its_number(tmp_path: Path) -> None:
    path = written(tmp_path, "text\n좋아요\n".encode() + "별로".encode("cp949") + "\n보통\n".encode())

    found = read(path)

    assert Reject(3, "is not UTF-8 (byte 1 of the line)") == found[2]
    assert [Row(2, ["좋아요"]), Row(4, ["보통"])] == [found[1], found[3]]


def test_nul_byte_is_a_reject(tmp_path: Path) -> None:
    path = written(tmp_path, b"text\na\0b\nok\n")

    assert [Reject(2, "holds a NUL byte"), Row(3, ["ok"])] == read(path)[1:]


def test_quote_left_open_costs_one_row_only(tmp_path: Path) -> None:
    path = written(tmp_path, b'text,id\n"left open,1\n"fine",2\nalso fine,3\n')

    assert [
        Reject(2, "a quote inside a quoted cell is not doubled, or one is left open"),
        Row(3, ["fine", "2"]),
        Row(4, ["also fine", "3"]),
    ] == read(path)[1:]


def test_quote_left_open_until_the_end_costs_one_row_only(tmp_path: Path) -> None:
    path = written(tmp_path, b'text,id\n"left open,1\nfine,2\n')

    assert [Reject(2, "a quote is left open"), Row(3, ["fine", "2"])] == read(path)[1:]


def test_megabyte_in_one_cell_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, b"text\n" + b"x" * 1_000_000 + b"\nok\n")

    assert [1_000_000, 2] == [len(each.cells[0]) for each in read(path)[1:] if isinstance(each, Row)]


def test_endless_line_is_a_reject_and_the_next_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, b"text\n" + b"x" * (2 * files.LONGEST_LINE + 5) + b"\nok\n")

    assert [Reject(2, "the line is longer than 4 MiB"), Row(3, ["ok"])] == read(path)[1:]


def test_quotes_mean_nothing_in_tsv(tmp_path: Path) -> None:
    path = written(tmp_path, '텍스트\tid\n"안 좋아요\t1\n'.encode())

    assert [Row(2, ['"안 좋아요', "1"])] == read(path, Format.TSV)[1:]


def test_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = written(tmp_path, b"\xef\xbb\xbftext\nok\n")

    assert Row(1, ["text"]) == read(path)[0]


@pytest.mark.parametrize(("name", "pack"), [("a.csv.gz", gzip.compress), ("a.csv.xz", lzma.compress)])
def test_packed_file_reads_as_what_it_holds(tmp_path: Path, name: str, pack: "type[bytes]") -> None:
    plain = written(tmp_path, b"text\nok\n")
    packed = written(tmp_path, pack(b"text\nok\n"), name)

    assert Format.CSV == files.format_of(packed)
    assert read(plain) == read(packed)
    assert files.survey(plain, "auto") == files.survey(packed, "auto")


def test_damaged_packed_file_is_named(tmp_path: Path) -> None:
    packed = written(tmp_path, lzma.compress(b"text\n" * 10_000)[:-40], "a.csv.xz")

    with pytest.raises(UnreadableFile, match=r"not a whole \.xz file"):
        files.survey(packed, "auto")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("text\n좋아요\n".encode(), "utf-8"),
        ("text\n좋아요\n".encode("cp949"), "cp949"),
        ("text\n좋아요\n최고\n".encode() + "별로\n".encode("cp949"), "utf-8"),
        (b"text\nplain\n", "utf-8"),
        ("Kommentar\nschön und größer\n".encode("cp1252"), "cp1252"),
        ("comment\n네\n예\n".encode("cp949"), "cp949"),
    ],
)
def test_encoding_is_told_from_the_whole_file(tmp_path: Path, content: bytes, encoding: str) -> None:
    assert encoding == files.survey(written(tmp_path, content), "auto").encoding


@pytest.mark.parametrize(("content", "lines"), [(b"", 0), (b"a", 1), (b"a\n", 1), (b"a\nb", 2), (b"a\n\n", 2)])
def test_lines_are_counted(tmp_path: Path, content: bytes, lines: int) -> None:
    assert lines == files.survey(written(tmp_path, content), "auto").lines


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_told_by_its_mark(encoding: str, tmp_path: Path) -> None:
    mark = "" if encoding == "utf-16" else "\ufeff"
    path = written(tmp_path, f'{mark}text\t이름\r\n별로\t"둘\n셋"\r\n끝\t😀\r\n'.encode(encoding), "records.tsv")

    found = files.survey(path, "auto")

    assert ("utf-16", 4) == (found.encoding, found.lines)
    assert [Row(1, ["text", "이름"]), Row(2, ["별로", "둘\n셋"]), Row(4, ["끝", "😀"])] == read(
        path, Format.TSV, found.encoding
    )


def test_broken_utf16_is_refused_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="UTF-16"):
        files.survey(written(tmp_path, "text\nok\n".encode("utf-16") + b"\x00"), "auto")


def test_packed_utf16_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress("text\n안녕\n".encode("utf-16")), "records.csv.gz")

    assert [Row(1, ["text"]), Row(2, ["안녕"])] == read(path, encoding=files.survey(path, "auto").encoding)


def test_documents_keep_their_line_numbers(tmp_path: Path) -> None:
    path = written(tmp_path, b'{"text": "a"}\n\n{"text": "b\0"}\n{"text": "c"}', "a.jsonl")

    assert [
        Row(1, ['{"text": "a"}\n']),
        Reject(2, "the line is empty"),
        Reject(3, "holds a NUL byte"),
        Row(4, ['{"text": "c"}']),
    ] == list(files.documents(path, "utf-8"))


def test_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="none of"):
        files.format_of(tmp_path / "records.pdf")
