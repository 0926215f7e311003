"""YAML files in which every mistake has its line and column, and which are read again when they change."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import structlog
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sori_notify.settings.documents import Refused
from sori_notify.settings.policies import duration

log = structlog.get_logger()
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
Where = tuple[str | int, ...]

_DEEPEST = 12  # levels; more is an anchor that holds itself
_LARGEST = 1 << 20  # bytes


def _duration(text: str) -> str:
    duration(text)
    return text


Duration = Annotated[str, AfterValidator(_duration)]
Name = Annotated[str, Field(pattern=r"^\w[\w.-]{0,63}$")]


class Strict(BaseModel):
    """A part of a file: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in a file, and where."""

    line: int  # from 1
    column: int  # from 1
    where: Where
    why: str

    def __str__(self) -> str:
        return f"{self.line}:{self.column}: {'.'.join(map(str, self.where)) or 'file'}: {self.why}"


class MistakesFound(Refused):
    """A file cannot be used; the message names each line and column that is wrong."""

    def __init__(self, name: str, mistakes: Sequence[Mistake]) -> None:
        ordered = sorted(mistakes, key=lambda each: (each.line, each.column))
        super().__init__("\n".join(f"{name}:{each}" for each in ordered))
        self.mistakes = tuple(ordered)


@dataclass(slots=True)
class Document:
    """A file's text and the place of everything in it."""

    name: str
    text: str
    nodes: dict[Where, yaml.Node] = field(default_factory=dict)
    keys: dict[Where, yaml.Node] = field(default_factory=dict)

    def at(self, where: Where) -> tuple[int, int]:
        """Give line and column of a value, or of the nearest thing around it that is there."""
        while where and where not in self.nodes:
            where = where[:-1]
        node = self.nodes.get(where)
        return (node.start_mark.line + 1, node.start_mark.column + 1) if node else (1, 1)

    def mistake(self, where: Where, why: str) -> Mistake:
        """Make a mistake of a value."""
        return Mistake(*self.at(where), where, why)

    def inside(self, where: Where, line: int, column: int, why: str) -> Mistake:
        """Make a mistake within a text value, at a line and column (both from 1) of what the text says."""
        node = self.nodes.get(where)
        if not isinstance(node, yaml.ScalarNode):
            return self.mistake(where, why)
        mark = node.start_mark
        if node.style not in ("|", ">"):
            return Mistake(mark.line + 1, mark.column + (1 if node.style else 0) + column, where, why)
        body = self.text.splitlines()[mark.line + 1 :]  # The text begins on the line after the sign.
        first = next((number for number, each in enumerate(body) if each.strip()), 0)
        indent = len(body[first]) - len(body[first].lstrip()) if body else 0
        if node.style == ">":  # Its lines are joined to one: look for the one that holds the column.
            while first + line - 1 < len(body) and column > len(body[first + line - 1].strip()) + 1:
                column -= len(body[first + line - 1].strip()) + 1
                line += 1
        return Mistake(mark.line + 1 + first + line, indent + column, where, why)


def parse(name: str, text: str, model: type[M]) -> tuple[M, Document]:
    """Read a document as a model; one that is wrong anywhere is MistakesFound, with every place that is wrong."""
    document = Document(name, text)
    if len(text.encode()) > _LARGEST:
        raise MistakesFound(name, [Mistake(1, 1, (), "is larger than 1 MiB")])
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is None:
            raise MistakesFound(name, [Mistake(1, 1, (), "is empty")])
        if problems := list(_walk(root, (), document)):
            raise MistakesFound(name, problems)
        return model.model_validate(yaml.SafeLoader("").construct_document(root)), document
    except ValidationError as error:
        raise MistakesFound(name, [_of(document, each["loc"], each["msg"]) for each in error.errors()]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise MistakesFound(name, [Mistake(*place, (), str(error.problem))]) from None
    except (yaml.YAMLError, ValueError) as error:
        raise MistakesFound(name, [Mistake(1, 1, (), str(error).splitlines()[0])]) from None


def _of(document: Document, where: Where, why: str) -> Mistake:
    """Place what pydantic says; for a key that nobody knows that is the key."""
    key = document.keys.get(where)
    if key is not None and why.startswith("Extra inputs"):
        return Mistake(key.start_mark.line + 1, key.start_mark.column + 1, where, "is not known here")
    return document.mistake(where, why.removeprefix("Value error, "))


def _walk(node: yaml.Node, where: Where, document: Document) -> Iterator[Mistake]:
    """Note the place of everything; gives the keys that stand twice, of which YAML would take the last."""
    document.nodes.setdefault(where, node)
    if len(where) > _DEEPEST:
        yield document.mistake(where, "is nested too deep")
    elif isinstance(node, yaml.MappingNode):
        counted = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, value in node.value:
            inner = (*where, str(key.value))
            document.keys[inner] = key
            if isinstance(key, yaml.ScalarNode) and counted[key.value] > 1:
                yield Mistake(key.start_mark.line + 1, key.start_mark.column + 1, inner, "stands twice")
            yield from _walk(value, inner, document)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _walk(value, (*where, index), document)


class Reloading(Generic[T]):
    """What a file says; a file that changes to something broken leaves what it said before standing.

    `against` gives what else `load` looks at: the file is also read again when that is not what it was.
    """

    def __init__(
        self,
        path: Path | None,
        load: Callable[[Path], T],
        *,
        empty: T,
        what: str,
        against: Callable[[], object] = lambda: None,
    ) -> None:
        self._path = path
        self._load = load
        self._what = what
        self._against = against
        self._seen = self._mark(), against()
        self.current = load(path) if path else empty

    async def watch(self, every_seconds: float) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read the file again if it, or what it is read against, is another than before."""
        seen = self._mark(), self._against()
        if self._path is None or seen == self._seen:
            return
        self._seen = seen
        try:
            self.current = self._load(self._path)
        except Refused as refused:
            log.error("file.refused", what=self._what, problems=str(refused).splitlines())
        else:
            log.info("file.loaded", what=self._what)

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat() if self._path else None
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino) if found else None
