"""Policies in a YAML file: read, checked as a whole, read again when it changes."""

import asyncio
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import structlog
from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from sori_notify.domain import Channel, Kind, Metric, Policies, Policy, Promise, Severity, Target, Urgencies, Waiting
from sori_notify.domain.policy import REOPEN_WITHIN
from sori_notify.settings import documents
from sori_notify.settings.calendars import ALWAYS_NAMES, CalendarIn, resolve
from sori_notify.settings.documents import Lines, Place, Problem
from sori_notify.settings.playbooks import load_playbooks

log = structlog.get_logger()

_NUMBER = r"(\d+(?:\.\d+)?) ?"
_DURATION = re.compile(
    rf"(?:{_NUMBER}d(?:ays?)?)? *(?:{_NUMBER}h(?:(?:ou)?rs?)?)? *"
    rf"(?:{_NUMBER}m(?:in(?:ute)?s?)?)? *(?:{_NUMBER}s(?:ec(?:ond)?s?)?)?"
)
_ISO_8601 = re.compile(r"p((?:\d+d)?)(?:t((?:\d+h)?(?:\d+m)?(?:\d+s)?))?")
_BY_THE_CLOCK = re.compile(r"(\d+):([0-5]\d):([0-5]\d)")  # hours:minutes:seconds
_PREFIX = re.compile(r"^(channel|touchpoint_kind|case_severity|case_state)_")
_LONGEST = dt.timedelta(days=366)
PLAYBOOKS = "playbooks"  # Folder beside the file, where the file names no other.

PolicyRefused = documents.Refused


def _duration(given: object) -> str:
    if isinstance(given, int) and not isinstance(given, bool):
        given = f"{given}s"
    if not isinstance(given, str):
        raise ValueError("is not a duration such as 90s, 5m, 1h30m or 2d, up to a year")
    duration(given)
    return given


def duration(text: str) -> dt.timedelta:
    """Read `90s`, `5m`, `1h30m`, `2d`, `5 minutes`, `00:05:00` or `PT5M`.

    Nothing, zero, more than a year or a part of a second is a ValueError.
    """
    text = text.strip().lower()
    if iso := _ISO_8601.fullmatch(text):
        text = "".join(part or "" for part in iso.groups())
    elif clock := _BY_THE_CLOCK.fullmatch(text):
        text = "{}h{}m{}s".format(*clock.groups())
    found = _DURATION.fullmatch(text)
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()) if found else (0.0,) * 4
    if max(days, hours, minutes, seconds) < 10**9:
        made = dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        if dt.timedelta() < made <= _LONGEST and not made.microseconds:
            return made
    raise ValueError("is not a duration such as 90s, 5m, 1h30m or 2d, up to a year")


def _listed(given: object) -> object:
    """Let one value stand for a list of one, and nothing for none."""
    if given is None:
        return []
    return given if isinstance(given, list) else [given]


def _percent(given: object) -> object:
    """Read `80`, `80%` or `0.8`."""
    if isinstance(given, float) and 0 < given < 1:
        return round(given * 100, 6)
    return int(given.strip().removesuffix("%")) if isinstance(given, str) else given


def _word(given: object) -> object:
    """Read a word of the protocol's enums in any of its spellings, as in CHANNEL_KAKAO or on-hold."""
    return _PREFIX.sub("", given.strip().lower().replace("-", "_")) if isinstance(given, str) else given


T = TypeVar("T")
_Duration = Annotated[str, BeforeValidator(_duration)]
_Percent = Annotated[int, BeforeValidator(_percent), Field(ge=1, le=99)]
_List = Annotated[list[T], BeforeValidator(_listed)]
_Channel = Annotated[Channel, BeforeValidator(_word)]
_Kind = Annotated[Kind, BeforeValidator(_word)]
_SeverityWord = Annotated[Severity, BeforeValidator(_word)]
_Waitings = _List[Annotated[Waiting, BeforeValidator(_word)]]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _either(*names: str) -> AliasChoices:
    return AliasChoices(*names)


class _Match(_Strict):
    channels: _List[_Channel] = Field([], validation_alias=_either("channels", "channel"))
    kinds: _List[_Kind] = Field([], validation_alias=_either("kinds", "kind"))
    org_units: _List[str] = Field([], validation_alias=_either("org_units", "org_unit"))
    topics: _List[str] = Field([], validation_alias=_either("topics", "topic"))
    segments: _List[str] = Field([], validation_alias=_either("segments", "segment"))
    severities: _List[_SeverityWord] = Field([], validation_alias=_either("severities", "severity"))


class _Target(_Strict):
    target: _Duration = Field(validation_alias=_either("target", "within"))
    calendar: str | None = None
    warn_at: _List[_Percent] | None = None
    pauses: _Waitings | None = None


def _target(given: object) -> object:
    """Let a duration stand for a target."""
    return given if isinstance(given, dict) else {"target": given}


_TargetIn = Annotated[_Target, BeforeValidator(_target)]


class _Policy(_Strict):
    name: str = Field(min_length=1, max_length=64)
    match: Annotated[_Match, BeforeValidator(lambda given: {} if given is None else given)] = _Match()
    calendar: str = "24x7"
    warn_at: _List[_Percent] = []
    pauses: _Waitings = list(Waiting)
    reopen_within: _Duration | None = None
    first_response: _TargetIn | None = None
    next_response: _TargetIn | None = None
    first_resolution: _TargetIn | None = None
    total_resolution: _TargetIn | None = None

    @property
    def targets(self) -> dict[Metric, _Target]:
        """Give what is promised, by metric."""
        found = {metric: getattr(self, metric.value) for metric in Metric}
        return {metric: each for metric, each in found.items() if each is not None}


class _Severity(_Strict):
    high: float = Field(0.7, ge=0, le=1)
    critical: float = Field(0.9, ge=0, le=1)


class _File(_Strict):
    opens_cases: _List[_Kind] = [Kind.INQUIRY, Kind.COMPLAINT]
    reopen_within: _Duration | None = None
    severity: _Severity = _Severity()
    playbooks: str = PLAYBOOKS
    calendars: dict[Annotated[str, AfterValidator(str.strip)], CalendarIn] = {}
    policies: list[_Policy]


def load(path: Path) -> Policies:
    """Read a policy file; one that is wrong anywhere is refused, with every line that is wrong."""
    return parse(documents.read(path), name=path.name, folder=path.parent)


def parse(text: str, *, name: str = "policies", folder: Path | None = None) -> Policies:
    """Read a policy file's text; its playbooks are looked for in `folder`."""
    checked = documents.parse(text, _File, name=name, check=_problems)
    calendars, _ = resolve(checked.calendars)
    usual = duration(checked.reopen_within) if checked.reopen_within else REOPEN_WITHIN
    return Policies(
        opening_kinds=frozenset(checked.opens_cases),
        policies=tuple(
            Policy(
                promise=Promise(
                    policy=each.name,
                    targets=tuple(
                        Target(
                            metric=metric,
                            amount=duration(target.target),
                            calendar=calendars[target.calendar or each.calendar],
                            warn_at=tuple(sorted(set(each.warn_at if target.warn_at is None else target.warn_at))),
                            pauses=frozenset(each.pauses if target.pauses is None else target.pauses),
                        )
                        for metric, target in each.targets.items()
                    ),
                    reopen_within=duration(each.reopen_within) if each.reopen_within else usual,
                ),
                channels=frozenset(each.match.channels),
                kinds=frozenset(each.match.kinds),
                org_units=frozenset(each.match.org_units),
                topics=frozenset(each.match.topics),
                segments=frozenset(each.match.segments),
                severities=frozenset(each.match.severities),
            )
            for each in checked.policies
        ),
        urgencies=Urgencies(high=checked.severity.high, critical=checked.severity.critical),
        playbooks=load_playbooks(folder / checked.playbooks) if folder else (),
    )


def _problems(file: _File, lines: Lines) -> Iterator[Problem]:
    for name in file.calendars:
        if name in ALWAYS_NAMES:
            yield lines.of(("calendars", name)), ("calendars", name), "is always there and cannot be another"
    calendars, wrong = resolve(file.calendars)
    for name, why in wrong.items():
        yield lines.of(("calendars", name)), ("calendars", name), why
    known = {*calendars, *wrong}
    for index, policy in enumerate(file.policies):
        places: list[tuple[Place, str | None]] = [(("policies", index, "calendar"), policy.calendar)]
        places += [
            (("policies", index, metric.value, "calendar"), each.calendar) for metric, each in policy.targets.items()
        ]
        for place, calendar in places:
            if calendar is not None and calendar not in known:
                yield lines.of(place), place, f"{calendar!r} is none of the calendars"
        if not policy.targets:
            place = ("policies", index, "first_response")
            yield lines.of(place), place, "is missing, and so is every other promise"
    yield from _unreachable(file, lines)


def _unreachable(file: _File, lines: Lines) -> Iterator[Problem]:
    seen: set[str] = set()
    catch_all = ""
    for index, policy in enumerate(file.policies):
        where = ("policies", index)
        if policy.name in seen:
            yield lines.of((*where, "name")), (*where, "name"), "is the name of an earlier policy"
        if catch_all:
            yield lines.of(where), where, f"is never reached: {catch_all!r} before it matches everything"
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
        """Read the file again if it, or a playbook beside it, is another than before."""
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

    def _mark(self) -> object:
        paths = [self._path, *sorted((self._path.parent / PLAYBOOKS).glob("*.md"))]
        found: list[tuple[str, int, int, int]] = []
        for path in paths:
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((path.name, status.st_mtime_ns, status.st_size, status.st_ino))
        return tuple(found)
