"""The four ways in which a request or an event can fail."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that is wrong, and why; never quotes a personal value."""

    field: str
    description: str


class SoriError(Exception):
    """Root of every error that Sori raises on purpose; callers branch on `reason`."""

    reason = "INTERNAL"


class InvalidInput(SoriError):
    """The input can never succeed: INVALID_ARGUMENT for a call, a dead letter for an event."""

    reason = "INVALID_INPUT"

    def __init__(self, message: str, violations: Sequence[Violation] = ()) -> None:
        super().__init__(message)
        self.violations = tuple(violations)

    @classmethod
    def of_field(cls, field: str, description: str) -> "InvalidInput":
        """Say that one field is wrong."""
        return cls(f"{field} {description}", [Violation(field, description)])


class NotFound(SoriError):
    """What was asked for does not exist."""

    reason = "NOT_FOUND"


class Conflict(SoriError):
    """The state does not allow it now."""

    reason = "CONFLICT"


class Unavailable(SoriError):
    """An engine or a peer is away: the caller may try again, an event is retried."""

    reason = "UNAVAILABLE"
