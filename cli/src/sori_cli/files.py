"""Files of records, read line by line: every record with the number of the line on which it starts."""

import codecs
import csv
import gzip
import hashlib
import io
import lzma
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, cast

from sori_cli import workbooks

LONGEST_LINE = 4 << 20  # bytes; a longer line is one reject and is never held in memory as a whole
DELIMITERS = (",", ";", "\t", "|")  # between the cells of CSV: in many countries spreadsheets write semicolons
ENCODINGS = ("auto", "utf-8", "cp949", "euc-kr", "cp1252", "utf-16")
_LONGEST_CELL = 2_000_000  # characters; a quote that is left open swallows no more than this
_UTF16 = "utf-16"
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HIGH = re.compile(rb"[\x80-\xff]+")
_TWO_SYLLABLES = re.compile(rb"[\x80-\xff]{4}")
_PACKED = {".xz": lzma.LZMAFile, ".gz": gzip.GzipFile}


class UnreadableFile(Exception):
    """The file as a whole cannot be read."""


class Format(StrEnum):
    """How a file holds records."""

    CSV = "csv"
    TSV = "tsv"
    JSONL = "jsonl"
    SHEET = "sheet"  # of a spreadsheet, such as XLSX


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of one record."""

    line: int  # physical line on which it starts, from 1
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that cannot go through, and why; never holds what the record says."""

    line: int  # physical line on which it starts, from 1
    reason: str
    field: str = ""  # what is wrong, where that is one field


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over a whole file tells of it."""

    digest: str  # SHA-256 of the unpacked content, in hex
    lines: int
    encoding: str


def format_of(path: Path) -> Format:
    """Tell the format from the name, whether or not the file is packed."""
    suffix = Path(path.stem).suffix if path.suffix.lower() in _PACKED else path.suffix
    known = {
        ".csv": Format.CSV,
        ".tsv": Format.TSV,
        ".tab": Format.TSV,
        ".jsonl": Format.JSONL,
        ".ndjson": Format.JSONL,
    }
    sheets = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
    if path.suffix.lower() in sheets:
        return Format.SHEET
    try:
        return known[suffix.lower()]
    except KeyError:
        raise UnreadableFile(
            f"{path.name} is none of {', '.join(known)} (each also with .xz or .gz) nor {', '.join(sheets)}: "
            "rename it to what it holds"
        ) from None


def survey(path: Path, encoding: str, sheet: str = "") -> Survey:
    """Read a file once: its digest, its number of lines, and its encoding where that is `auto`."""
    if format_of(path) is Format.SHEET:
        digest = hashlib.sha256(f"{sheet}\n".encode() if sheet else b"")
        with _opened(path) as file:
            while block := file.read(LONGEST_LINE):
                digest.update(block)
        return Survey(digest.hexdigest(), workbooks.count(path, sheet), "utf-8")
    with _opened(path) as file:
        if file.readline(2) in _UTF16_MARKS:
            encoding = _UTF16
    digest, lines, encodings = hashlib.sha256(), 0, _Encodings()
    last = b"\n"
    with _opened(path, encoding) as file:
        while piece := file.readline(LONGEST_LINE):
            digest.update(piece)
            lines += piece.endswith(b"\n")
            last = piece
            if not piece.isascii():
                encodings.see(piece)
    lines += not last.endswith(b"\n")
    return Survey(digest.hexdigest(), lines, encodings.guess() if encoding == "auto" else encoding)


def rows(
    path: Path, form: Format, encoding: str, sheet: str = "", delimiter: str = DELIMITERS[0]
) -> Iterator[Row | Reject]:
    """Read the records of a table, the header first; what cannot be read is a Reject, and reading goes on.

    The sheet is that of a spreadsheet, the delimiter that of CSV.
    """
    if form is Format.SHEET:
        yield from (Row(number, cells) for number, cells in workbooks.rows(path, sheet))
        return
    csv.field_size_limit(_LONGEST_CELL)
    with _opened(path, encoding) as file:
        lines = _Lines(file, encoding)
        reader = _reader(lines, form, encoding, delimiter)
        while True:
            lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Reject(lines.start, _spell(error))
                lines.rewind()  # A quote left open must not take the following records with it.
                reader = _reader(lines, form, encoding, delimiter)
                continue
            if lines.flaw:
                yield Reject(lines.start, lines.flaw)
            elif not any(cells):
                yield Reject(lines.start, "the row is empty")
            else:
                yield Row(lines.start, cells)


def documents(path: Path, encoding: str) -> Iterator[Row | Reject]:
    """Read the lines of a JSONL file, each as the one cell of a Row; what cannot be read is a Reject."""
    with _opened(path, encoding) as file:
        lines = _Lines(file, encoding)
        while True:
            lines.begin()
            text = next(lines, None)
            if text is None:
                return
            if lines.flaw:
                yield Reject(lines.start, lines.flaw)
            elif not text.strip():
                yield Reject(lines.start, "the line is empty")
            else:
                yield Row(lines.start, [text])


class _Encodings:
    """Counts which lines hold as what."""

    def __init__(self) -> None:
        self._utf8 = 0
        self._cp949_alone = 0
        self._western = 0

    def see(self, line: bytes) -> None:
        try:
            line.decode()
            self._utf8 += 1
        except UnicodeDecodeError:
            self._cp949_alone += _decodes(line, "cp949")
            self._western += _is_western(line)

    def guess(self) -> str:
        """Take CP949 or 1252 only where most lines are; a few odd lines in a UTF-8 file are rejects, not a guess."""
        if self._western > self._utf8 and self._western >= self._cp949_alone:
            return "cp1252"
        return "cp949" if self._cp949_alone > self._utf8 else "utf-8"


class _Lines:
    """Feeds a reader with decoded physical lines, and can go back to the second line of a record."""

    def __init__(self, file: io.BufferedReader, encoding: str) -> None:
        self._file = file
        self._encoding = "utf-8" if encoding == _UTF16 else encoding  # See _opened.
        self._number = 0  # of the line given last
        self._taken: list[tuple[str, str]] = []  # lines of this record with what is wrong with each
        self._again: deque[tuple[str, str]] = deque()
        self.flaw = ""  # what is wrong with a line of this record

    def begin(self) -> None:
        """Start a record."""
        self._taken.clear()
        self.flaw = ""

    @property
    def start(self) -> int:
        """Number of the line on which the record starts."""
        return self._number - len(self._taken) + 1

    def rewind(self) -> None:
        """Give all lines of this record but its first once more."""
        again = self._taken[1:]
        self._again.extendleft(reversed(again))
        self._number -= len(again)

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        text, flaw = self._again.popleft() if self._again else self._read()
        self._number += 1
        self._taken.append((text, flaw))
        if flaw:
            self.flaw = flaw
        return text

    def _read(self) -> tuple[str, str]:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = self._file.readline(LONGEST_LINE)
            return "\n", f"the line is longer than {LONGEST_LINE >> 20} MiB"
        flaw = "holds a NUL byte" if b"\0" in line else ""
        try:
            text = line.decode(self._encoding)
        except UnicodeDecodeError as error:
            text = line.decode(self._encoding, errors="replace")
            flaw = f"is not {self._encoding.upper()} (byte {error.start + 1} of the line)"
        return (text.removeprefix("\ufeff") if not self._number else text), flaw


def _opened(path: Path, encoding: str = "") -> io.BufferedReader:
    """Open a file for reading bytes, unpacked; those of UTF-16 come as UTF-8, so that lines end as all lines do."""
    try:
        opener = _PACKED.get(path.suffix.lower())
        raw = _Readable(opener(path, "rb"), path) if opener else path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror or error}") from error
    return _Readable(_Recoded(raw, path), path) if encoding == _UTF16 else raw


class _Readable(io.BufferedReader):
    """A packed file whose damage is an UnreadableFile."""

    def __init__(self, packed: object, path: Path) -> None:
        super().__init__(cast(io.RawIOBase, packed), 1 << 18)
        self._path = path

    def readline(self, size: int | None = -1, /) -> bytes:
        try:
            return super().readline(size)
        except (EOFError, lzma.LZMAError, OSError) as error:
            raise UnreadableFile(f"{self._path} is not a whole {self._path.suffix} file") from error


class _Recoded(io.RawIOBase):
    """UTF-16 as UTF-8."""

    def __init__(self, raw: io.BufferedReader, path: Path) -> None:
        self._raw = raw
        self._path = path
        self._decoder = codecs.getincrementaldecoder(_UTF16)()
        self._left = b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._raw.close()
        super().close()

    def readinto(self, buffer: Any, /) -> int:
        room = memoryview(buffer)
        ended = False
        while not self._left and not ended:
            try:
                block = self._raw.read(1 << 16)
                ended = not block
                self._left = self._decoder.decode(block, final=ended).encode()
            except UnicodeError:
                raise UnreadableFile(f"{self._path.name} is not UTF-16 throughout") from None
            except (EOFError, lzma.LZMAError, OSError) as error:
                raise UnreadableFile(f"{self._path} is not a whole {self._path.suffix} file") from error
        given = self._left[: len(room)]
        room[: len(given)] = given
        self._left = self._left[len(given) :]
        return len(given)


def _reader(lines: _Lines, form: Format, encoding: str, delimiter: str) -> Iterator[list[str]]:
    if form is not Format.TSV:
        return csv.reader(lines, delimiter=delimiter, strict=True)
    if encoding == _UTF16:  # What a spreadsheet saves as "Unicode text": it quotes cells as in CSV.
        return csv.reader(lines, delimiter="\t", strict=True)
    return csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)


def _spell(error: csv.Error) -> str:
    text = str(error)
    if "field limit" in text or "unexpected end" in text:
        return "a quote is left open"
    if "expected after" in text:
        return "a quote inside a quoted cell is not doubled, or one is left open"
    return f"cannot be read: {text}"


def _is_western(line: bytes) -> bool:
    """Say whether a line is of Western Europe, whose accents mostly stand alone: Hangul is in pairs of bytes."""
    if _TWO_SYLLABLES.search(line):
        return False
    high = _HIGH.findall(line)
    alone = sum(len(each) % 2 for each in high)
    return (2 * alone > len(high) or (alone > 0 and not _decodes(line, "cp949"))) and _decodes(line, "cp1252")


def _decodes(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
