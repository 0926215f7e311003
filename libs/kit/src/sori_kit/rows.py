"""What a statement gives back."""

import functools
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

import asyncpg

Row: TypeAlias = Any  # a named tuple of the columns


class Rows(list[Any]):
    """Rows of one statement, each a named tuple of its columns; asks as SQLAlchemy's results do."""

    @classmethod
    def of(cls, records: Sequence[asyncpg.Record]) -> "Rows":
        """Read what the driver gave."""
        return cls(map(_row(tuple(records[0].keys())), records)) if records else cls()

    def all(self) -> "Rows":
        """Give all rows."""
        return self

    def first(self) -> Any | None:
        """Give the first row, None if there is none."""
        return self[0] if self else None

    def one(self) -> Any:
        """Give the only row; LookupError if there is none or there are several."""
        if len(self) != 1:
            raise LookupError(f"one row was expected and {len(self)} came")
        return self[0]

    def one_or_none(self) -> Any | None:
        """Give the only row, None if there is none."""
        return self.one() if self else None

    def scalars(self) -> list[Any]:
        """Give the first column."""
        return [row[0] for row in self]

    def scalar_one(self) -> Any:
        """Give the first column of the only row."""
        return self.one()[0]

    def scalar_one_or_none(self) -> Any | None:
        """Give the first column of the only row, None if there is none."""
        return self.one()[0] if self else None


@functools.lru_cache(maxsize=1000)
def _row(columns: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    make: Callable[[Iterable[Any]], Any] = namedtuple("Row", columns, rename=True)._make  # type: ignore[attr-defined]
    return make
