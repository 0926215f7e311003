"""Sources in a YAML file: read, checked as a whole, read again when it or one of its secrets changes."""

import asyncio
import dataclasses
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Protocol

import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sori_ingest.domain import fields
from sori_ingest.settings import options, yaml_lines
from sori_ingest.settings.options import Option
from sori_ingest.settings.yaml_lines import FileRefused, Place

log = structlog.get_logger()

_SECRET_SHAPE = (
    "name an environment variable (`env: NAME`) or a file (`file: PATH`); a secret itself never stands in this file"
)


_LONGEST_SECRET = 64 << 10  # bytes of a secret's file

SourceRefused = FileRefused  # what a file that cannot be used raises, with every line that is wrong


class Adapter(Protocol):
    """An adapter, as far as its sources are checked."""

    @property
    def OPTIONS(self) -> Mapping[str, Option]:
        """Options that its sources have, beside those of every source."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """One source in force."""

    name: str
    adapter: str
    secrets: tuple[str, ...] = dataclasses.field(
        default=(), repr=False
    )  # all valid at once, so that one can take another's place
    org_unit: str = ""
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    mapping: Mapping[str, str] = dataclasses.field(default_factory=dict)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class _Secret(_Strict):
    env: str = Field("", max_length=256)
    file: str = Field("", max_length=4096)

    @model_validator(mode="before")
    @classmethod
    def _names_something(cls, given: object) -> object:
        if not isinstance(given, dict) or len(given) != 1 or not set(given) <= {"env", "file"} or "" in given.values():
            raise ValueError(_SECRET_SHAPE)
        return given

    def path(self, folder: Path) -> Path:
        return folder / self.file

    def value(self, folder: Path) -> str:
        """Give the secret, or raise ValueError with what is wrong; never with the secret."""
        if self.env:
            found = os.environ.get(self.env, "")
            if not found.strip():
                raise ValueError(f"the environment variable {self.env} is not set")
            return found.strip()
        try:
            with self.path(folder).open("rb") as file:
                data = file.read(_LONGEST_SECRET + 1)
            text = data.decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file cannot be read: {type(error).__name__}") from None
        if not text or len(data) > _LONGEST_SECRET:
            raise ValueError("the file is empty" if not text else f"the file is over {_LONGEST_SECRET:,} bytes")
        return text


def _one_or_many(given: Any) -> Any:
    return given if isinstance(given, list) else [given] if given else []


def _joined(given: Any) -> Any:
    """Make of a list of texts one text, with commas: `own_addresses: [a@b.kr, c@d.kr]`."""
    if isinstance(given, list) and all(isinstance(each, str) for each in given):
        return ",".join(given)
    return given


def _or_empty(given: Any) -> Any:
    return {} if given == "" else given


_Option = Annotated[str, BeforeValidator(_joined), Field(max_length=4096)]


class _Source(_Strict):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    adapter: str
    enabled: bool = True
    secrets: Annotated[list[_Secret], BeforeValidator(_one_or_many)] = []
    org_unit: str = Field("", max_length=64)
    options: Annotated[dict[str, _Option], BeforeValidator(_or_empty)] = {}
    mapping: Annotated[dict[str, str], BeforeValidator(_or_empty)] = {}


class _File(_Strict):
    sources: Annotated[list[_Source], BeforeValidator(_one_or_many)]


def load(path: Path, adapters: Mapping[str, Adapter], *, with_secrets: bool = True) -> Mapping[str, SourceConfig]:
    """Read a file of sources, by name; one that is wrong anywhere is SourceRefused, with every line that is wrong.

    Sources that are not enabled are checked but left out, and their secrets need not exist. `with_secrets=False` reads
    no secrets at all.
    """
    return _load(path, adapters, [], with_secrets=with_secrets)


def _load(
    path: Path, adapters: Mapping[str, Adapter], files: list[Path], *, with_secrets: bool = True
) -> Mapping[str, SourceConfig]:
    """Do as `load` says, and add the files of secrets, even of a file that is refused."""
    found: dict[str, SourceConfig] = {}

    def also(read: _File) -> Iterator[tuple[Place, str]]:
        seen: set[str] = set()
        for index, source in enumerate(read.sources):
            where: Place = ("sources", index)
            if source.name in seen:
                yield (*where, "name"), "is the name of an earlier source"
            seen.add(source.name)
            if source.adapter not in adapters:
                yield (*where, "adapter"), f"is none of {', '.join(sorted(adapters))}"
            for column, target in source.mapping.items():
                if not fields.is_field(target):
                    there = ", ".join(sorted(fields.FIELDS))
                    yield (
                        (*where, "mapping", column),
                        f"there is no field of that name; there are {there}, attributes.…",
                    )
            for option, value in source.options.items() if source.adapter in adapters else ():
                if problem := options.wrong(option, value, source.adapter, adapters[source.adapter].OPTIONS):
                    yield (*where, "options", option), problem
            if not source.enabled:
                continue
            values: list[str] = []
            for number, secret in enumerate(source.secrets if with_secrets else ()):
                try:
                    values.append(secret.value(path.parent))
                except ValueError as error:
                    yield (*where, "secrets", number), str(error)
                if secret.file:
                    files.append(secret.path(path.parent))
            found[source.name] = SourceConfig(
                name=source.name,
                adapter=source.adapter,
                secrets=tuple(values),
                org_unit=source.org_unit,
                options=MappingProxyType(source.options),
                mapping=MappingProxyType(source.mapping),
            )

    yaml_lines.load(path, _File, also)
    return MappingProxyType(found)


class SourceFile:
    """The sources in force; a file that changes to something broken leaves the old ones standing."""

    def __init__(self, path: Path | None, adapters: Mapping[str, Adapter]) -> None:
        """Read the file; without one there are no sources."""
        self._path = path
        self._adapters = adapters
        self._secret_files: tuple[Path, ...] = ()
        self.current: Mapping[str, SourceConfig] = MappingProxyType({})
        if path is not None:
            self._take(path)
        self._seen = self._marks()

    async def watch(self, every_seconds: float) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read the file again if it, or the file of a secret, is another than before."""
        marks = self._marks()
        if self._path is None or marks == self._seen:
            return
        try:
            self._take(self._path)
        except SourceRefused as refused:
            log.error("sources.refused", problems=str(refused).splitlines())
        else:
            log.info("sources.loaded", sources=sorted(self.current))
        # The mark from before reading, so that what changed meanwhile is read again.
        self._seen = {file: marks.get(file, mark) for file, mark in self._marks().items()}

    def _take(self, path: Path) -> None:
        files: list[Path] = []
        try:
            self.current = _load(path, self._adapters, files)
        finally:
            self._secret_files = tuple(files)

    def _marks(self) -> dict[Path, tuple[int, int, int] | None]:
        files = () if self._path is None else (self._path, *self._secret_files)
        return {file: _mark(file) for file in files}


def _mark(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
