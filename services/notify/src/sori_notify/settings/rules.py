"""Rules in a YAML file."""

import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from sori_notify.domain.rules import Actions, CountBy, Counter, Keys, Rule, RuleSet, Values
from sori_notify.domain.words import Actor, Channel, Kind, Severity
from sori_notify.settings import documents, places
from sori_notify.settings.expressions import SENTIMENTS, Expression, Scope, compile_condition, projection
from sori_notify.settings.places import Document, Duration, Mistake, MistakesFound, Name, Strict, Where
from sori_notify.settings.policies import duration

_LONGEST_COUNT = dt.timedelta(days=92)


def _sentiment(text: str) -> str:
    if text not in SENTIMENTS:
        raise ValueError(f"is none of {', '.join(SENTIMENTS)}")
    return text


class _When(Strict):
    channels: list[Channel] = []
    kinds: list[Kind] = []
    actors: list[Actor] = []
    sentiments: list[Annotated[str, AfterValidator(_sentiment)]] = []

    def read(self) -> Keys:
        return Keys(
            channels=frozenset(self.channels),
            kinds=frozenset(self.kinds),
            actors=frozenset(self.actors),
            sentiments=frozenset(self.sentiments),
        )


class _Count(Strict):
    by: CountBy
    within: Duration
    usual_over: Duration | None = None
    when: _When | None = None
    condition: str = Field("", alias="if")


class _Do(Strict):
    open_case: bool = False
    severity: Severity | None = None
    tags: list[Annotated[str, Field(min_length=1, max_length=64)]] = []
    chain: str = ""
    notify: list[Name] = []
    webhook: list[Name] = []
    suppress: bool = False

    def read(self) -> Actions:
        return Actions(
            open_case=self.open_case,
            severity=self.severity,
            tags=tuple(self.tags),
            chain=self.chain,
            notify=tuple(self.notify),
            webhook=tuple(self.webhook),
            suppress=self.suppress,
        )


class _Rule(Strict):
    name: Name
    when: _When = _When()
    counts: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,31}$")], _Count] = {}
    condition: str = Field("", alias="if")
    per: CountBy | None = None
    every: Duration | None = None
    do: _Do


class _File(Strict):
    rules: Annotated[list[_Rule], Field(max_length=1000)] = []


def load(path: Path) -> RuleSet:
    """Read a file of rules; one that is wrong anywhere is refused, with each line and column that is wrong."""
    return parse(path.name, documents.read(path))


def parse(name: str, text: str) -> RuleSet:
    """Read rules, as `load` does."""
    file, document = places.parse(name, text, _File)
    reader = _Reader(document)
    rules = [reader.rule(("rules", index), each) for index, each in enumerate(file.rules)]
    reader.mistakes += _repeated(file, document)
    if reader.mistakes:
        raise MistakesFound(name, reader.mistakes)
    project = projection(frozenset(reader.fields))

    def scope(values: Values) -> Scope:
        return Scope(project(values))

    return RuleSet(
        rules=tuple(each for each in rules if each),
        scope=scope,
        version=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


class _Reader:
    """Turns what a file says into rules, and keeps what is wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.mistakes: list[Mistake] = []
        self.fields: set[tuple[str, str]] = set()

    def condition(self, where: Where, source: str, counts: frozenset[str] = frozenset()) -> Expression | None:
        if not source.strip():
            return None
        made, faults = compile_condition(source, counts)
        self.mistakes += [self.document.inside(where, each.line, each.column, each.why) for each in faults]
        if made:
            self.fields |= made.fields
        return made

    def rule(self, where: Where, given: _Rule) -> Rule | None:
        condition = self.condition((*where, "if"), given.condition, frozenset(given.counts))
        keys = self.keys((*where, "if"), given.when.read(), condition)
        counters = [
            self.counter((*where, "counts", name), name, each, keys, condition) for name, each in given.counts.items()
        ]
        actions = given.do.read()
        if not actions.names:
            self.mistakes.append(self.document.mistake((*where, "do"), "does nothing"))
        if given.counts and not condition:
            self.mistakes.append(self.document.mistake(where, "counts, but has no `if` that reads the counts"))
        if given.per and not (given.every or given.counts):
            self.mistakes.append(self.document.mistake((*where, "per"), "needs `every`: how often at most"))
        first = next((each for each in counters if each), None)
        every = duration(given.every) if given.every else (first.within if first else None)
        read = condition.reads if condition else frozenset()
        return Rule(
            name=given.name,
            keys=keys,
            plain=condition.plain if condition else None,
            condition=condition if condition and condition.program else None,
            least=condition.least if condition else {},
            counters=tuple(each for each in counters if each),
            per=given.per or (first.by if first else (CountBy.ALL if every else None)),
            every=every,
            actions=actions,
            reads_case=any(section == "case" for section, _ in read),
            reads_text=("touchpoint", "text") in read or ("touchpoint", "") in read,
        )

    def keys(self, where: Where, when: Keys, condition: Expression | None) -> Keys:
        found = when.narrowed(condition.keys) if condition else when
        if found is None:
            self.mistakes.append(self.document.mistake(where, "never holds: `when` says something else"))
            return when
        return found

    def counter(self, where: Where, name: str, given: _Count, keys: Keys, of: Expression | None) -> Counter | None:
        """Read a count; one that does not say what it counts counts what its rule looks for."""
        text = given.condition
        if given.when is None and not text:
            if of is not None and of.uncounted is None:
                self.mistakes.append(self.document.mistake(where, "needs `when` or `if`: what it counts"))
                return None
            text = of.uncounted or "" if of else ""
        condition = self.condition((*where, "if"), text)
        if condition and any(section == "case" for section, _ in condition.reads):
            self.mistakes.append(self.document.mistake((*where, "if"), "counts touchpoints: it cannot read `case`"))
            return None
        if given.when is not None or given.condition:
            keys = self.keys((*where, "if"), given.when.read() if given.when else Keys(), condition)
        within = duration(given.within)
        over = duration(given.usual_over) if given.usual_over else None
        if within + (over or dt.timedelta()) > _LONGEST_COUNT:
            self.mistakes.append(self.document.mistake(where, "looks back for more than 92 days"))
            return None
        if over and over < within:
            self.mistakes.append(self.document.mistake((*where, "usual_over"), "is shorter than `within`"))
            return None
        spelled = [given.by, str(within), str(over), condition.source if condition else ""]
        spelled += [",".join(sorted(each)) for each in (keys.channels, keys.kinds, keys.actors, keys.sentiments)]
        return Counter(
            name=name,
            by=given.by,
            within=within,
            usual_over=over,
            keys=keys,
            plain=condition.plain if condition else None,
            condition=condition if condition and condition.program else None,
            spelled="\x1f".join(spelled),
        )


def _repeated(file: _File, document: Document) -> Iterator[Mistake]:
    seen: Mapping[str, int] = {}
    for index, each in enumerate(file.rules):
        if each.name in seen:
            yield document.mistake(("rules", index, "name"), "is the name of an earlier rule")
        seen = {**seen, each.name: index}
