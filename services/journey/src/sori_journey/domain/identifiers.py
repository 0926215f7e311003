"""By what a customer can be recognised, and how far each of it is to be trusted."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import NamedTuple, Self

_SEPARATORS = frozenset("\0\x1f")  # They part values where values are stored, and are part of none.


class IdentifierType(StrEnum):
    """Kinds of identifier, strongest first."""

    MEMBER_ID = "member_id"
    APP_USER_ID = "app_user_id"
    EMAIL = "email"
    PHONE = "phone"
    KAKAO_ID = "kakao_id"
    LOYALTY_CARD = "loyalty_card"
    DEVICE_ID = "device_id"
    ANONYMOUS_ID = "anonymous_id"


class Strength(IntEnum):
    """How much an identifier says about who somebody is; it never ties two who are known by something stronger."""

    STRONG = 0  # One person's, by the company's own books.
    MEDIUM = 1  # Usually one person's.
    WEAK = 2  # A thing's, which several people may use.


class _Named(NamedTuple):
    type: IdentifierType
    value: str


class Identifier(_Named):
    """Something by which a customer can be recognised; whether it is temporary makes no other of it.

    A tuple, because graphs do little else than hash and compare them.
    """

    temporary: bool = False

    def __new__(cls, type: IdentifierType, value: str, temporary: bool = False) -> Self:  # noqa: A002
        """Make one; most are not temporary, and keep no more than the tuple."""
        made = super().__new__(cls, type, value)
        if temporary:
            made.temporary = True
        return made

    @property
    def key(self) -> tuple[str, str]:
        """What it is sorted and stored by."""
        return self.type.value, self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class TypePolicy:
    """How identifiers of one type are used."""

    type: IdentifierType
    strength: Strength
    limit: int  # of one customer
    shared_above: int | None = (
        None  # stronger identifiers of one type it was seen with; more, and it tells nobody apart
    )
    crowd_above: int = 10  # the same of identifiers that are not stronger, and no weaker, than itself
    idle: dt.timedelta | None = None  # after which it may be somebody else's; None: never
    blocked: frozenset[str] = frozenset()  # case-folded


@dataclass(frozen=True, kw_only=True)
class IdentityPolicy:
    """Which identifiers tie what together; the order of `types` is the order of priority."""

    types: tuple[TypePolicy, ...]
    temporary_lifetime: dt.timedelta  # of a temporary identifier that is not seen again
    blocked: frozenset[str] = frozenset()  # values of any type, case-folded
    blocked_patterns: tuple[str, ...] = ()  # regular expressions that match a whole value, of any case

    @cached_property
    def ranks(self) -> Mapping[IdentifierType, int]:
        """The place of each type in the order of priority; a type that is not in it is not used."""
        return {each.type: rank for rank, each in enumerate(self.types)}

    @cached_property
    def by_type(self) -> Mapping[IdentifierType, TypePolicy]:
        """The policy of each type."""
        return {each.type: each for each in self.types}

    @cached_property
    def _is_blocked_pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{each})" for each in self.blocked_patterns) or "(?!)", re.IGNORECASE)

    def is_usable(self, identifier: Identifier) -> bool:
        """Say whether it tells one person from another at all."""
        policy = self.by_type.get(identifier.type)
        value = identifier.value.strip().casefold()
        return (
            policy is not None
            and bool(value)
            and _SEPARATORS.isdisjoint(value)
            and value not in self.blocked
            and value not in policy.blocked
            and not self._is_blocked_pattern.fullmatch(value)
        )

    def usable(self, identifiers: Iterable[Identifier]) -> tuple[Identifier, ...]:
        """Leave out what tells nobody apart, and repetitions; strongest first."""
        found = dict.fromkeys(each for each in identifiers if self.is_usable(each))
        if len(found) == 1:
            return tuple(found)
        return tuple(sorted(found, key=lambda each: (each.temporary, self.ranks[each.type], each.value)))

    def strength(self, identifier: Identifier) -> Strength:
        """Say what it may tie; a temporary one is always weak."""
        return Strength.WEAK if identifier.temporary else self.by_type[identifier.type].strength

    def lifetime(self, identifier: Identifier) -> dt.timedelta | None:
        """Say after how long without being seen it is, or may be, somebody else's."""
        return self.temporary_lifetime if identifier.temporary else self.by_type[identifier.type].idle


def mask(value: str) -> str:
    """Hide all but the last two characters of an identifier, or all of a short one."""
    return "*" * len(value) if len(value) <= 4 else "*" * (len(value) - 2) + value[-2:]
