"""The identity policy: which identifiers tie what together."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sori_journey.domain import IdentifierType, IdentityPolicy, Strength, TypePolicy
from sori_journey.settings.files import PolicyRefused, Strict, duration, read


def _duration(text: str) -> str:
    duration(text)
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return text


_Duration = Annotated[str, AfterValidator(_duration)]
_Pattern = Annotated[str, Field(max_length=200), AfterValidator(_pattern)]


class _Type(Strict):
    type: IdentifierType
    strength: Literal["strong", "medium", "weak"]
    limit: int = Field(ge=1, le=1000)
    shared_above: int | None = Field(None, ge=1, le=1000)
    crowd_above: int = Field(10, ge=1, le=1000)
    idle: _Duration | None = None
    blocked: list[str] = []

    def read(self) -> TypePolicy:
        return TypePolicy(
            type=self.type,
            strength=Strength[self.strength.upper()],
            limit=self.limit,
            shared_above=self.shared_above,
            crowd_above=self.crowd_above,
            idle=duration(self.idle) if self.idle else None,
            blocked=frozenset(each.strip().casefold() for each in self.blocked),
        )


class _File(Strict):
    types: list[_Type] = Field(min_length=1)
    temporary_lifetime: _Duration
    blocked: list[str] = []
    blocked_patterns: list[_Pattern] = []

    @model_validator(mode="after")
    def _is_ordered(self) -> "_File":
        seen: list[_Type] = []
        for each in self.types:
            if each.type in [earlier.type for earlier in seen]:
                raise ValueError(f"{each.type} stands twice among the types")
            if seen and Strength[seen[-1].strength.upper()] > Strength[each.strength.upper()]:
                raise ValueError(f"{each.type} is stronger than {seen[-1].type}, which stands before it")
            seen.append(each)
        return self


def load(path: Path | None) -> IdentityPolicy:
    """Read the policy file, or the standard one that comes with the service."""
    name = path.name if path else "identity.yaml"
    try:
        text = (path or files(__package__) / "identity.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRefused(f"{name}: cannot be read: {type(error).__name__}") from None
    checked = read(name, text, _File)
    return IdentityPolicy(
        types=tuple(each.read() for each in checked.types),
        temporary_lifetime=duration(checked.temporary_lifetime),
        blocked=frozenset(each.strip().casefold() for each in checked.blocked),
        blocked_patterns=tuple(checked.blocked_patterns),
    )
