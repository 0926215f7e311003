"""Messages to customers in a YAML file; each is off unless the file switches it on."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field

from sori_notify.domain.automation import Automation
from sori_notify.domain.delivery import Target
from sori_notify.domain.rules import Values
from sori_notify.domain.words import Kind
from sori_notify.settings import documents, places
from sori_notify.settings.expressions import Scope, compile_condition, projection
from sori_notify.settings.places import Duration, Mistake, MistakesFound, Name, Strict
from sori_notify.settings.policies import duration

_NONE: Mapping[str, Target] = MappingProxyType({})


class _Most(Strict):
    count: Annotated[int, Field(ge=1, le=100)] = 1
    per: Duration = "7d"


class _Automation(Strict):
    name: Name
    enabled: bool = False
    condition: str = Field(alias="if", min_length=1)
    segments: list[str] = []
    after: Duration | None = None
    unless: list[Kind] = []
    most: _Most = _Most()
    purpose: Name
    target: Name
    hand_over: Name | None = None


class _File(Strict):
    automations: list[_Automation] = []


@dataclass(frozen=True, slots=True, kw_only=True)
class Automations:
    """Those that are switched on."""

    enabled: Mapping[str, Automation] = field(default_factory=dict)
    scope: Callable[[Values], Any] = lambda values: values

    @property
    def awaited(self) -> frozenset[str]:
        """Name the kinds of touchpoint that keep a message back."""
        return frozenset(kind for each in self.enabled.values() for kind in each.unless)


def load(path: Path, targets: Mapping[str, Target]) -> Automations:
    """Read a file of automations; one that is wrong anywhere is refused, with each line and column that is wrong.

    Wrong is also one whose target, if it is one of these, may not know which customer a message is for.
    """
    return parse(path.name, documents.read(path), targets)


def parse(name: str, text: str, targets: Mapping[str, Target] = _NONE) -> Automations:
    """Read automations, as `load` does; also those that are off are checked."""
    file, document = places.parse(name, text, _File)
    mistakes: list[Mistake] = []
    fields: set[tuple[str, str]] = set()
    enabled: dict[str, Automation] = {}
    seen: set[str] = set()
    for index, each in enumerate(file.automations):
        condition, faults = compile_condition(each.condition)
        where = ("automations", index, "if")
        mistakes += [document.inside(where, fault.line, fault.column, fault.why) for fault in faults]
        if each.name in seen:
            mistakes.append(document.mistake(("automations", index, "name"), "is the name of an earlier one"))
        if each.unless and not each.after:
            mistakes.append(document.mistake(("automations", index, "unless"), "needs `after`: until when"))
        target = targets.get(each.target)
        if target and not target.knows_customers:
            why = f"is read by the role {target.role}, which may not learn which customer a message is for"
            mistakes.append(document.mistake(("automations", index, "target"), why))
        seen.add(each.name)
        if condition and each.enabled:
            fields |= condition.fields
            enabled[each.name] = Automation(
                name=each.name,
                keys=condition.keys,
                plain=condition.plain,
                condition=condition if condition.program else None,
                segments=frozenset(each.segments),
                after=duration(each.after) if each.after else dt.timedelta(),
                unless=frozenset(kind.value for kind in each.unless),
                most=each.most.count,
                per=duration(each.most.per),
                purpose=each.purpose,
                target=each.target,
                chain=each.hand_over or "",
            )
    if mistakes:
        raise MistakesFound(name, mistakes)
    project = projection(frozenset(fields))
    return Automations(enabled=enabled, scope=lambda values: Scope(project(values)))
