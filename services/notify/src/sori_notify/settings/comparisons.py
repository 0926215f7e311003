"""Comparisons of a field with a literal, as most parts of conditions are: answered without CEL, with its answers."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from sori_notify.domain.rules import Values

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_PATH = r"(touchpoint|classification|position)((?:\s*\.\s*[a-z_]\w*)+)"
_TEXT = r"(?:\"([^\"\\\n]*)\"|'([^'\\\n]*)')"
_TRUTH = re.compile(rf"(!?)\s*{_PATH}")
_COMPARED = re.compile(rf"{_PATH}\s*(==|!=|<=?|>=?)\s*(?:{_TEXT}|(-?\d+(?:\.\d+)?)|(true|false))")
_AMONG = re.compile(rf"{_TEXT}\s+in\s+{_PATH}")
_CONTAINED = re.compile(rf"{_PATH}\s*\.\s*contains\s*\(\s*{_TEXT}\s*\)")
_DIGITS = 15  # A longer number is another one as a float.


class Comparison(NamedTuple):
    """A field, and what it is compared with; that the two are of one type is known."""

    section: str
    name: str
    inner: tuple[str, ...]  # Of a field that has fields: which of them.
    holds: Callable[[Any, Any], bool]
    literal: object


@dataclass(frozen=True, slots=True)
class All:
    """Several comparisons."""

    comparisons: tuple[Comparison, ...]

    def __call__(self, values: Values) -> bool:
        """Say whether all hold; where there is no value, none does."""
        for section, name, inner, holds, literal in self.comparisons:
            try:
                found: Any = values[section][name]
                for each in inner:
                    found = found[each]
            except KeyError:
                return False
            if not holds(found, literal):
                return False
        return True


def compare(source: str) -> Comparison | None:
    """Read an expression that compares a field with a literal, or None where it does anything else."""
    if found := _TRUTH.fullmatch(source):
        return _comparison(found[2], found[3], operator.eq, not found[1])
    if found := _AMONG.fullmatch(source):
        return _comparison(found[3], found[4], operator.contains, _text(found[1], found[2]))
    if found := _CONTAINED.fullmatch(source):
        return _comparison(found[1], found[2], operator.contains, _text(found[3], found[4]))
    if found := _COMPARED.fullmatch(source):
        section, path, sign, double, single, number, truth = found.groups()
        if number and len(number) > _DIGITS:
            return None
        literal = float(number) if number else truth == "true" if truth else _text(double, single)
        return _comparison(section, path, _OPERATORS[sign], literal)
    return None


def _text(double: str | None, single: str | None) -> str:
    return (single if double is None else double) or ""


def _comparison(section: str, path: str, holds: Callable[[Any, Any], bool], literal: object) -> Comparison | None:
    name, *inner = (each.strip() for each in path.split(".")[1:])
    if name == "attributes":  # Whatever a source says: only CEL knows what to make of it.
        return None
    return Comparison(section, name, tuple(inner), holds, literal)
