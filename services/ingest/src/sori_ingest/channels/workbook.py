"""Tables that come as a workbook (XLSX)."""

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import TypeAlias

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetVisibleEnum

from sori_ingest.channels.payload import Unreadable

_MOST_BYTES = 64 << 20  # unpacked: a workbook of a megabyte may hold a thousand times as much
_MOST_SHEETS = 50
_SAFE = 1 << 53  # whole numbers up to here are exact in a workbook
_Cell: TypeAlias = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


def sheets(body: bytes) -> list[Iterator[list[str]]]:
    """Give the sheets that can be seen and hold anything, as their rows, with the cells as texts."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            if sum(each.file_size for each in packed.infolist()) > _MOST_BYTES:
                raise Unreadable("too_large", f"a workbook of more than {_MOST_BYTES:,} bytes, unpacked")
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        seen = [each.name for each in book.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
        found = [sheet for sheet in map(book.get_sheet_by_name, seen[:_MOST_SHEETS]) if sheet.start is not None]
    except (zipfile.BadZipFile, CalamineError, NotImplementedError, OSError, ValueError):
        raise Unreadable("not_a_table", "a workbook that cannot be read") from None
    if not found:
        raise Unreadable("not_a_table", "a workbook with nothing in it")
    return [_rows(each) for each in found]


def _rows(sheet: CalamineSheet) -> Iterator[list[str]]:
    return ([_written(cell) for cell in row] for row in sheet.iter_rows())


def _written(cell: _Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):  # As all numbers are there, ids too.
        return str(int(cell)) if cell.is_integer() and abs(cell) < _SAFE else repr(cell)
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)
