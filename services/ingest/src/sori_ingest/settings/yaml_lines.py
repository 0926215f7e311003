"""YAML files that are checked as a whole, with the line of each thing that is wrong."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TypeAlias, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sori_kit.errors import InvalidInput

Place: TypeAlias = tuple[str | int, ...]  # keys and positions from the top
M = TypeVar("M", bound=BaseModel)

_DEEPEST = 8  # levels; more is an anchor that holds itself
_MOST_NODES = 100_000  # an anchor within an anchor within an anchor makes many of a few lines


class FileRefused(InvalidInput):
    """A file cannot be used; the message names each line that is wrong."""


def load(path: Path, model: type[M], also: Callable[[M], Iterable[tuple[Place, str]]]) -> M:
    """Read a YAML file whose values are all texts; one that is wrong anywhere is FileRefused with every wrong line.

    Numbers and such stay as they are written (a page's id may begin with zeros); the model makes of them what it needs.
    `also` gives what is wrong beyond the shape, with its place.
    """
    try:
        data = path.read_bytes()
        text = data.decode()
    except OSError as error:
        raise FileRefused(f"{path.name}: cannot be read: {type(error).__name__}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileRefused(f"{path.name}:{line}: is not UTF-8") from None
    try:
        return _checked(text, model, also)
    except _Wrong as wrong:
        named = (
            f"{path.name}:{line}: {'.'.join(map(str, where)) or 'file'}: {why}" for line, where, why in wrong.found
        )
        raise FileRefused("\n".join(named)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FileRefused(f"{path.name}:{line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise FileRefused(f"{path.name}: {(str(error) or type(error).__name__).splitlines()[0]}") from None


class _Wrong(Exception):
    """Every problem of a file, each with its line."""

    def __init__(self, found: list[tuple[int, Place, str]]) -> None:
        super().__init__()
        self.found = sorted(found, key=lambda each: each[0])


def _checked(text: str, model: type[M], also: Callable[[M], Iterable[tuple[Place, str]]]) -> M:
    lines: dict[Place, int] = {}
    root = yaml.compose(text, Loader=yaml.BaseLoader)
    if root is None:
        raise _Wrong([(1, (), "is empty")])
    if problems := list(_lines(root, (), lines)):
        raise _Wrong(problems)
    data: object = yaml.BaseLoader("").construct_document(root)
    try:
        checked = model.model_validate(data)
    except ValidationError as error:
        raise _Wrong(
            [(_line(lines, each["loc"]), each["loc"], _said(each["type"], each["msg"])) for each in error.errors()]
        ) from None
    if wrong := [(_line(lines, where), where, why) for where, why in also(checked)]:
        raise _Wrong(wrong)
    return checked


def _said(kind: str, message: str) -> str:
    return "nothing of that name belongs here" if kind == "extra_forbidden" else message.removeprefix("Value error, ")


def _lines(node: yaml.Node, where: Place, lines: dict[Place, int]) -> Iterator[tuple[int, Place, str]]:
    """Note the line of every value and key; gives the keys that stand twice, of which YAML would take the last."""
    lines.setdefault(where, node.start_mark.line + 1)
    if len(where) > _DEEPEST or len(lines) > _MOST_NODES:
        yield lines[where], where, "is nested too deep" if len(where) > _DEEPEST else "is too much for one file"
    elif isinstance(node, yaml.MappingNode):
        counted = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, value in node.value:
            inner = (*where, str(key.value))
            lines[inner] = key.start_mark.line + 1
            if isinstance(key, yaml.ScalarNode) and counted[key.value] > 1:
                yield key.start_mark.line + 1, inner, "stands twice"
            yield from _lines(value, inner, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _lines(value, (*where, index), lines)


def _line(lines: dict[Place, int], where: Place) -> int:
    """Give the line of a value, or of the nearest thing around it that is there."""
    while where and where not in lines:
        where = where[:-1]
    return lines.get(where, 1)
