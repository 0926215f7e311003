"""A YAML file read and checked as a whole; what is wrong is named with its line."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from sori_kit.errors import InvalidInput

_DURATION = re.compile(r"(?:(\d+)d)? *(?:(\d+)h)? *(?:(\d+)m)? *(?:(\d+)s)?")
_LONGEST = dt.timedelta(days=36_600)
_DEEPEST = 8  # levels; more is an anchor that holds itself
_Path = tuple[str | int, ...]
F = TypeVar("F", bound=BaseModel)


class PolicyRefused(InvalidInput):
    """A policy file cannot be used; the message names each line that is wrong."""


class Strict(BaseModel):
    """A part of a policy file: a key that nobody knows is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def duration(text: str) -> dt.timedelta:
    """Read `90s`, `5m`, `1h30m` or `2d`; nothing, zero or more than a century is a ValueError."""
    found = _DURATION.fullmatch(text.strip())
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    if max(days, hours, minutes, seconds) < 10**9:
        made = dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if dt.timedelta() < made <= _LONGEST:
            return made
    raise ValueError("is not a duration such as 90s, 5m, 1h30m or 2d")


def read(name: str, text: str, kind: type[F]) -> F:
    """Read the text of a policy file; one that is wrong anywhere is refused, with every line that is wrong."""
    try:
        lines: dict[_Path, int] = {}
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise PolicyRefused(f"{name}:1: file: is empty")
        if problems := list(_lines(root, (), lines)):
            raise _refused(name, problems)
        return kind.model_validate(yaml.SafeLoader("").construct_document(root))
    except ValidationError as error:
        raise _refused(
            name, [(_line(lines, each["loc"]), each["loc"], each["msg"]) for each in error.errors()]
        ) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyRefused(f"{name}:{line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyRefused(f"{name}: {str(error).splitlines()[0]}") from None


_Problem = tuple[int, _Path, str]


def _refused(name: str, found: list[_Problem]) -> PolicyRefused:
    named = (f"{name}:{line}: {'.'.join(map(str, where)) or 'file'}: {why}" for line, where, why in found)
    return PolicyRefused("\n".join(named))


def _lines(node: yaml.Node, where: _Path, lines: dict[_Path, int]) -> Iterator[_Problem]:
    """Note the line of every value and key; gives the keys that stand twice, of which YAML would take the last."""
    lines.setdefault(where, node.start_mark.line + 1)
    if len(where) > _DEEPEST:
        yield lines[where], where, "is nested too deep"
    elif isinstance(node, yaml.MappingNode):
        counted = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, value in node.value:
            name = str(key.value)
            inner = (*where, name)
            lines[inner] = key.start_mark.line + 1
            if counted[key.value if isinstance(key, yaml.ScalarNode) else ""] > 1:
                yield key.start_mark.line + 1, inner, "stands twice"
            yield from _lines(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*where, index), lines)


def _line(lines: dict[_Path, int], where: _Path) -> int:
    """Give the line of a value, or of the nearest thing around it that is there."""
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)
