"""YAML documents checked as a whole: every mistake is named with its line."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sori_kit.errors import InvalidInput

Place = tuple[str | int, ...]  # keys and indexes from the top
Problem = tuple[int, Place, str]  # line, place, what is wrong
M = TypeVar("M", bound=BaseModel)

_DEEPEST = 8  # levels; more is an anchor that holds itself


class Refused(InvalidInput):
    """A document cannot be used; the message names each line that is wrong."""


class Lines:
    """Where in its text each value of a document stands."""

    def __init__(self) -> None:
        self._lines: dict[Place, int] = {}

    def of(self, place: Place) -> int:
        """Give the line of a value, or of the nearest thing around it that is there."""
        while place and place not in self._lines:
            place = place[:-1]
        return self._lines.get(place, 1)

    def note(self, node: yaml.Node, place: Place = ()) -> Iterator[Problem]:
        """Note the line of every value and key; gives the keys that stand twice, of which YAML would take the last."""
        self._lines.setdefault(place, node.start_mark.line + 1)
        if len(place) > _DEEPEST:
            yield self._lines[place], place, "is nested too deep"
        elif isinstance(node, yaml.MappingNode):
            counted = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
            for key, value in node.value:
                inner = (*place, str(key.value))
                self._lines[inner] = key.start_mark.line + 1
                if counted[key.value if isinstance(key, yaml.ScalarNode) else ""] > 1:
                    yield key.start_mark.line + 1, inner, "stands twice"
                yield from self.note(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                yield from self.note(value, (*place, index))


def read(path: Path) -> str:
    """Read a document's text; one that cannot be read is Refused."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path.name}: cannot be read: {type(error).__name__}") from None


def parse(
    text: str, model: type[M], *, name: str, check: Callable[[M, Lines], Iterator[Problem]] = lambda _, __: iter(())
) -> M:
    """Read a document of a kind; one that is wrong anywhere is Refused, with every line that is wrong.

    `check` says what is wrong beyond what the model says.
    """
    lines = Lines()
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise _refused(name, [(1, (), "is empty")])
        if problems := list(lines.note(root)):
            raise _refused(name, problems)
        found = model.model_validate(yaml.SafeLoader("").construct_document(root))
        if problems := list(check(found, lines)):
            raise _refused(name, problems)
    except ValidationError as error:
        problems = [(lines.of(each["loc"]), each["loc"], each["msg"]) for each in error.errors()]
        raise _refused(name, problems) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Refused(f"{name}:{line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise Refused(f"{name}: {str(error).splitlines()[0]}") from None
    return found


def _refused(name: str, problems: list[Problem]) -> Refused:
    return Refused(
        "\n".join(f"{name}:{line}: {'.'.join(map(str, place)) or 'file'}: {why}" for line, place, why in problems)
    )
