"""Who can be told, and how, in a YAML file; secrets are in the environment or in files of their own."""

import base64
import binascii
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import apprise
import jinja2
from pydantic import Field

from sori_notify.domain.delivery import Rate, Role, Target, Words
from sori_notify.settings import documents, places
from sori_notify.settings.hours import HoursOf
from sori_notify.settings.places import Document, Duration, Mistake, MistakesFound, Name, Strict, Where
from sori_notify.settings.policies import duration
from sori_notify.settings.templates import SAMPLE, Templates


@dataclass(frozen=True, slots=True, repr=False)
class WebhookAddress:
    """Where a signed webhook goes, and what signs it; never shown."""

    url: str
    secret: str


@dataclass(frozen=True, slots=True, repr=False)
class AppriseAddress:
    """An Apprise URL, which holds its own secrets; never shown."""

    url: str


Address = WebhookAddress | AppriseAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Everybody who can be told."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    addresses: Mapping[str, Address] = field(default_factory=dict)
    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the targets of each
    teams: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the people of each
    templates: Templates = field(default_factory=Templates)

    def with_target(self, target: Target, address: Address) -> "Directory":
        """Add a target, unless one of its name is there."""
        if target.name in self.targets:
            return self
        return Directory(
            targets={**self.targets, target.name: target},
            addresses={**self.addresses, target.name: address},
            people=self.people,
            teams=self.teams,
            templates=self.templates,
        )


class _Secret(Strict):
    """A value that is not in the file: one of these says where it is."""

    env: str = ""
    file: str = ""

    def value(self, folder: Path) -> str:
        if bool(self.env) == bool(self.file):
            raise ValueError("needs one of env, file")
        if self.env:
            found = os.environ.get(self.env, "").strip()
            if not found:
                raise ValueError(f"the environment variable {self.env} is not set")
            return found
        try:
            return (folder / self.file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"the file cannot be read: {type(error).__name__}") from None


class _Webhook(Strict):
    url: Annotated[str, Field(pattern=r"^https?://")] | _Secret
    secret: _Secret


class _Rate(Strict):
    most: Annotated[int, Field(ge=1, le=100_000)]
    per: Duration = "1m"


class _Target(Strict):
    name: Name
    webhook: _Webhook | None = None
    apprise: _Secret | None = None
    language: Literal["ko", "en"] = "ko"
    role: Role | None = None
    words: Words | None = None
    rate: _Rate | None = None
    digest_above: Annotated[int, Field(ge=0, le=1000)] | None = None
    quiet: HoursOf | None = None


class _Person(Strict):
    name: Name
    targets: Annotated[list[Name], Field(min_length=1)]


class _Team(Strict):
    name: Name
    members: Annotated[list[Name], Field(min_length=1)]


class _Templates(Strict):
    title: str = ""
    body: str = ""
    digest_title: str = ""
    digest_body: str = ""


class _File(Strict):
    targets: list[_Target] = []
    people: list[_Person] = []
    teams: list[_Team] = []
    templates: dict[Literal["ko", "en"], _Templates] = {}


def load(path: Path) -> Directory:
    """Read a file of targets; one that is wrong anywhere is refused, with each line and column that is wrong."""
    return parse(path.name, documents.read(path), path.parent)


def parse(name: str, text: str, folder: Path) -> Directory:
    """Read targets, as `load` does; files of secrets are looked for in `folder`."""
    file, document = places.parse(name, text, _File)
    addresses: dict[str, Address] = {}
    mistakes = [
        *_repeated(file, document),
        *_unknown(file, document),
        *_beyond(file, document),
        *_templates(file, document),
    ]
    for index, each in enumerate(file.targets):
        try:
            addresses[each.name] = _address(each, folder)
        except ValueError as error:
            mistakes.append(document.mistake(("targets", index), str(error)))
    if mistakes:
        raise MistakesFound(name, mistakes)
    return Directory(
        targets={each.name: _target(each) for each in file.targets},
        addresses=addresses,
        people={each.name: tuple(each.targets) for each in file.people},
        teams={each.name: tuple(each.members) for each in file.teams},
        templates=Templates({key: each.model_dump() for key, each in file.templates.items()}),
    )


def _address(given: _Target, folder: Path) -> Address:
    if given.webhook and not given.apprise:
        url = given.webhook.url if isinstance(given.webhook.url, str) else given.webhook.url.value(folder)
        secret = given.webhook.secret.value(folder)
        try:
            base64.b64decode(secret.removeprefix("whsec_"), validate=True)
        except binascii.Error:
            raise ValueError("the webhook's secret is not base64") from None
        return WebhookAddress(url, secret)
    if given.apprise and not given.webhook:
        url = given.apprise.value(folder)
        if not _usable(url):
            raise ValueError("Apprise cannot use this address")
        return AppriseAddress(url)
    raise ValueError("needs one of webhook, apprise")


def _usable(url: str) -> bool:
    with warnings.catch_warnings():  # The first time it loads all its plugins, some of which use what is going away.
        warnings.simplefilter("ignore", DeprecationWarning)
        return apprise.Apprise.instantiate(url) is not None


def _target(given: _Target) -> Target:
    usual_digest = 0 if given.webhook else 5
    return Target(
        name=given.name,
        language=given.language,
        role=given.role,
        words=_words(given),
        rate=Rate(most=given.rate.most, per=duration(given.rate.per)) if given.rate else Rate(),
        digest_above=usual_digest if given.digest_above is None else given.digest_above,
        quiet=given.quiet.read() if given.quiet else None,
    )


def _words(given: _Target) -> Words:
    """Say what a target is shown: what its role may see, or less where the file says so; of no role, what it says."""
    usual = given.role.may_see if given.role else Words.NONE
    return usual if given.words is None else given.words


def _beyond(file: _File, document: Document) -> Iterator[Mistake]:
    levels = list(Words)
    for index, each in enumerate(file.targets):
        # All that was said is for those only of whom the file says who they are.
        most = each.role.may_see if each.role else Words.EXCERPT
        if each.words and levels.index(each.words) > levels.index(most):
            readers = f"readers with the role {each.role}" if each.role else "readers without a role"
            yield document.mistake(("targets", index, "words"), f"is more than {readers} may see, which is {most}")


def _repeated(file: _File, document: Document) -> Iterator[Mistake]:
    seen: set[str] = set()
    for part in ("targets", "people", "teams"):
        for index, each in enumerate(getattr(file, part)):
            if each.name in seen:
                yield document.mistake((part, index, "name"), "is a name that stands before; names are unique")
            seen.add(each.name)


def _unknown(file: _File, document: Document) -> Iterator[Mistake]:
    people = {each.name for each in file.people}
    for index, team in enumerate(file.teams):
        for number, member in enumerate(team.members):
            if member not in people:
                yield document.mistake(("teams", index, "members", number), "is nobody under `people`")
    targets = {each.name for each in file.targets}
    for index, person in enumerate(file.people):
        for number, target in enumerate(person.targets):
            if target not in targets:
                yield document.mistake(("people", index, "targets", number), "is none of the targets")


def _templates(file: _File, document: Document) -> Iterator[Mistake]:
    for language, kinds in file.templates.items():
        for kind, text in kinds.model_dump().items():
            where: Where = ("templates", language, kind)
            try:
                Templates({language: {kind: text}}).render(language, kind, SAMPLE)
            except jinja2.TemplateSyntaxError as error:
                yield document.inside(where, error.lineno, 1, str(error.message))
            except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
                yield document.mistake(where, f"cannot be rendered: {error}")
