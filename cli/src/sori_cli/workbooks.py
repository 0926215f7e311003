"""Spreadsheets of records: every row with its number in the sheet."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, SheetVisibleEnum

from sori_cli.screen import Problem

Cell: TypeAlias = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta

_HEAD = 1_024  # bytes
_SAFE = 1 << 53  # whole numbers up to here are exact in a spreadsheet


def rows(path: Path, sheet: str = "") -> Iterator[tuple[int, list[str]]]:
    """Read the rows that hold anything, each as its number from 1 and its cells as texts.

    Without a name it is the first sheet that can be seen and holds anything. A file that cannot be read is a Problem.
    """
    for number, cells in enumerate(_sheet(path, sheet).iter_rows(), start=1):
        written = [_written(cell) for cell in cells]
        if any(written):  # Rows that only look like a table have borders, and nothing in them.
            yield number, written


def count(path: Path, sheet: str = "") -> int:
    """Count the rows of a sheet, down to the last that holds anything."""
    return _sheet(path, sheet).total_height


def _sheet(path: Path, name: str) -> CalamineSheet:
    try:
        book = CalamineWorkbook.from_path(path)
        if name and name not in book.sheet_names:
            raise Problem(f"{path.name} has no sheet {name}; it has {', '.join(book.sheet_names)}")
        seen = [each.name for each in book.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
        for each in [name] if name else seen:
            sheet = book.get_sheet_by_name(each)
            if sheet.start is not None:
                return sheet
    except PasswordError:
        raise Problem(f"{path.name} is locked with a password: save it without one") from None
    except (CalamineError, OSError) as error:
        if _is_html(path):  # which many back offices name .xls
            raise Problem(f"{path.name} holds a page of HTML: open it in a spreadsheet and save it as XLSX") from None
        raise Problem(f"{path.name} cannot be read as a spreadsheet: {type(error).__name__}") from None
    raise Problem(f"{path.name} has nothing in {f'its sheet {name}' if name else 'any sheet that can be seen'}")


def _is_html(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return b"<" in file.read(_HEAD).lstrip(b"\xef\xbb\xbf \r\n\t")[:1]
    except OSError:
        return False


def _written(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):  # As all numbers are there, order numbers too.
        return str(int(cell)) if cell.is_integer() and abs(cell) < _SAFE else repr(cell)
    return cell.isoformat() if isinstance(cell, dt.date | dt.time) else str(cell)
