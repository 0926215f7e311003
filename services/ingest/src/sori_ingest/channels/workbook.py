"""Tables that come as a workbook (XLSX)."""

import datetime as dt
import io
import zipfile
from collections.abc import Iterator
from typing import TypeAlias

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from sori_ingest.channels.payload import Unreadable

_MOST_BYTES = 64 << 20  # unpacked: a workbook of a megabyte may hold a thousand times as much
_SAFE = 1e15  # whole numbers up to here are exact in a workbook
_Cell: TypeAlias = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


def rows(body: bytes) -> Iterator[list[str]]:
    """Give the rows of the first sheet that can be seen and holds anything, their cells as texts."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            if sum(each.file_size for each in packed.infolist()) > _MOST_BYTES:
                raise Unreadable("too_large", f"a workbook of more than {_MOST_BYTES:,} bytes, unpacked")
        book = CalamineWorkbook.from_filelike(io.BytesIO(body))
        seen = [each.name for each in book.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
        for sheet in map(book.get_sheet_by_name, seen):
            if sheet.start is not None:
                yield from ([_written(cell) for cell in row] for row in sheet.iter_rows())
                return
    except (zipfile.BadZipFile, CalamineError, NotImplementedError, OSError, ValueError):
        raise Unreadable("not_a_table", "a workbook that cannot be read") from None
    raise Unreadable("not_a_table", "a workbook with nothing in it")


def _written(cell: _Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):  # As all numbers are there, ids too.
        return str(int(cell)) if cell.is_integer() and abs(cell) < _SAFE else repr(cell)
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)
