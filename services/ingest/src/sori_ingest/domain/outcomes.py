"""What became of a submitted touchpoint."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that is wrong, and why; never quotes a value."""

    field: str  # from the touchpoint on, as in `identifiers[2].value`
    description: str


@dataclass(slots=True)  # Frozen it would take three times as long to make.
class Accepted:
    """New, and on disk."""

    touchpoint_id: str


@dataclass(slots=True)  # Frozen it would take three times as long to make.
class Duplicate:
    """Taken before."""

    touchpoint_id: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Wrong, and kept in quarantine."""

    quarantine_id: str
    violations: tuple[Violation, ...]


Outcome: TypeAlias = Accepted | Duplicate | Rejected
