"""Policies in a YAML file: read, checked as a whole, read again when it changes."""

import asyncio
import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import structlog
import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sori_kit.errors import InvalidInput
from sori_notify.domain import Channel, Kind, Policies, Policy, Promise

log = structlog.get_logger()

_DURATION = re.compile(r"(?:(\d+)d)? *(?:(\d+)h)? *(?:(\d+)m)? *(?:(\d+)s)?")
_LONGEST = dt.timedelta(days=366)
_DEEPEST = 8  # levels; more is an anchor that holds itself
_Path = tuple[str | int, ...]


class PolicyRefused(InvalidInput):
    """A policy file cannot be used; the message names each line that is wrong."""


def _duration(text: str) -> str:
    duration(text)
    return text


def duration(text: str) -> dt.timedelta:
    """Read `90s`, `5m`, `1h30m` or `2d`; nothing, zero or more than a year is a ValueError."""
    found = _DURATION.fullmatch(text.strip())
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    if max(days, hours, minutes, seconds) < 10**9:
        made = dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if dt.timedelta() < made <= _LONGEST:
            return made
    raise ValueError("is not a duration such as 90s, 5m, 1h30m or 2d, up to a year")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Match(_Strict):
    channels: list[Channel] = []
    kinds: list[Kind] = []
    org_units: list[str] = []
    topics: list[str] = []


class _Policy(_Strict):
    name: str = Field(min_length=1, max_length=64)
    match: _Match = _Match()
    first_response: Annotated[str, AfterValidator(_duration)]

    def read(self) -> Policy:
        return Policy(
            promise=Promise(policy=self.name, target=duration(self.first_response)),
            channels=frozenset(self.match.channels),
            kinds=frozenset(self.match.kinds),
            org_units=frozenset(self.match.org_units),
            topics=frozenset(self.match.topics),
        )


class _File(_Strict):
    opens_cases: list[Kind] = [Kind.INQUIRY, Kind.COMPLAINT]
    policies: list[_Policy]


def load(path: Path) -> Policies:
    """Read a policy file; one that is wrong anywhere is refused, with every line that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRefused(f"{path.name}: cannot be read: {type(error).__name__}") from None
    try:
        checked = _checked(text)
    except _Wrong as wrong:
        named = (
            f"{path.name}:{line}: {'.'.join(map(str, where)) or 'file'}: {why}" for line, where, why in wrong.found
        )
        raise PolicyRefused("\n".join(named)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyRefused(f"{path.name}:{line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyRefused(f"{path.name}: {str(error).splitlines()[0]}") from None
    return Policies(
        opening_kinds=frozenset(checked.opens_cases), policies=tuple(each.read() for each in checked.policies)
    )


_Problem = tuple[int, _Path, str]


class _Wrong(Exception):
    """Every problem of a file, each with its line."""

    def __init__(self, found: list[_Problem]) -> None:
        super().__init__()
        self.found = found


def _checked(text: str) -> _File:
    lines: dict[_Path, int] = {}
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if root is None:
        raise _Wrong([(1, (), "is empty")])
    if problems := list(_lines(root, (), lines)):
        raise _Wrong(problems)
    data: object = yaml.SafeLoader("").construct_document(root)
    try:
        checked = _File.model_validate(data)
    except ValidationError as error:
        raise _Wrong([(_line(lines, each["loc"]), each["loc"], each["msg"]) for each in error.errors()]) from None
    if problems := list(_unreachable(checked, lines)):
        raise _Wrong(problems)
    return checked


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


def _unreachable(file: _File, lines: dict[_Path, int]) -> Iterator[_Problem]:
    seen: set[str] = set()
    catch_all = ""
    for index, policy in enumerate(file.policies):
        where = ("policies", index)
        if policy.name in seen:
            yield lines[*where, "name"], (*where, "name"), "is the name of an earlier policy"
        if catch_all:
            yield lines[where], where, f"is never reached: {catch_all!r} before it matches everything"
        seen.add(policy.name)
        if policy.match == _Match():
            catch_all = policy.name


class PolicyFile:
    """The policies in force; a file that changes to something broken leaves the old ones standing."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._mark()
        self.current = load(path)

    async def watch(self, every_seconds: float) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read the file again if it is another than before."""
        mark = self._mark()
        if mark == self._seen:
            return
        self._seen = mark
        try:
            self.current = load(self._path)
        except PolicyRefused as refused:
            log.error("policy.refused", problems=str(refused).splitlines())
        else:
            log.info("policy.loaded", policies=[each.promise.policy for each in self.current.policies])

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
