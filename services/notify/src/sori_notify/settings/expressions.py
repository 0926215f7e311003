"""Conditions in CEL: checked as far as that is possible without a touchpoint, compiled once, asked many times."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import cel

from sori_notify.domain.rules import Keys, Plain, Values
from sori_notify.domain.words import Actor, Channel, Kind, Severity
from sori_notify.settings.comparisons import All, Comparison, compare

SAMPLE: Mapping[str, Mapping[str, object]] = {
    "touchpoint": {
        "touchpoint_id": "8f5c0f3e-0000-5000-8000-000000000000",
        "source": "kakao-main",
        "channel": "kakao",
        "kind": "inquiry",
        "actor": "customer",
        "revision": 0,
        "occurred_time": dt.datetime(2026, 1, 5, 3, tzinfo=dt.UTC),
        "hour": 12,  # where the source is
        "weekday": 1,  # as above; Monday is 1
        "text": "배송이 늦어요",
        "language": "ko",
        "rating": {"value": 1.0, "lowest": 1.0, "highest": 5.0},  # absent where none was given
        "survey": {"type": "nps", "score": 3.0, "lowest": 0.0, "highest": 10.0, "survey_id": ""},  # as above
        "thread_id": "",
        "order_id": "",
        "product": "",
        "org_unit": "",
        "attributes": {},
    },
    "classification": {
        "sentiment": "negative",
        "negative": 0.9,
        "neutral": 0.05,
        "positive": 0.05,
        "emotion": "anger",
        "emotion_score": 0.5,
        "abusive": False,
        "abuse_score": 0.1,
        "utterance": "question",
        "language": "ko",
        "topics": ["delivery"],
        "urgency": 0.5,
        "urgency_reasons": [""],
        "keywords": [""],
        "degraded": False,
    },
    "position": {"customer_id": "", "stage": "retention"},
    "case": {  # empty where there is none: has(case.state) tells
        "case_id": "",
        "state": "new",
        "severity": "normal",
        "channel": "kakao",
        "org_unit": "",
        "team": "",
        "person": "",
        "tags": [""],
        "topics": [""],
        "segments": [""],
        "answered": False,
        "acknowledged": False,
        "breached": False,
        "age_seconds": 0.0,
    },
}
SENTIMENTS = ("negative", "neutral", "positive")
_WORDS: Mapping[str, tuple[str, frozenset[str]]] = {
    "touchpoint.channel": ("channels", frozenset(Channel)),
    "touchpoint.kind": ("kinds", frozenset(Kind)),
    "touchpoint.actor": ("actors", frozenset(Actor)),
    "classification.sentiment": ("sentiments", frozenset(SENTIMENTS)),
    "case.severity": ("", frozenset(Severity)),
}
_STRING = re.compile(r'"""(?:.|\n)*?"""|\'\'\'(?:.|\n)*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
_COMMENT = re.compile(r"//[^\n]*")
_FIELD = re.compile(r"(?<![\w.])(touchpoint|classification|position|case|counts)\b(?!\s*\()(\s*\.\s*(\w+))?")
_PLACE = re.compile(r"<input>:(\d+):(\d+): ?(?:Syntax error: )?(.*)")
_QUOTED = r"\"(\w+)\"|'(\w+)'"
_EQUALS = re.compile(rf"([\w.]+)\s*==\s*(?:{_QUOTED})")
_AMONG = re.compile(rf"([\w.]+)\s+in\s+\[((?:\s*(?:{_QUOTED})\s*,?)+)\]")
_LEAST = re.compile(r"counts\s*\.\s*(\w+)\s*\.\s*now\s*(>=?)\s*(\d+)")
_UNHELD = (KeyError, TypeError, ValueError, RuntimeError, IndexError, ArithmeticError)
_MOST = 4000  # characters


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in an expression, and where in its text."""

    line: int  # from 1
    column: int  # from 1
    why: str


class Scope:
    """What the conditions of one touchpoint are asked with; made once, whatever their number."""

    __slots__ = ("context",)

    def __init__(self, values: dict[str, object]) -> None:
        self.context = cel.Context(values)

    def add(self, name: str, values: object) -> None:
        """Let conditions read one thing more, or another state of it."""
        self.context.add_variable(name, values)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled condition."""

    source: str
    keys: Keys  # What of it can be told without asking it.
    plain: Plain | None  # As above, but by looking at a value.
    least: Mapping[str, int]  # As above: what counts have to say at least, by name.
    program: cel.Program | None  # What is left to ask; None: nothing.
    fields: frozenset[tuple[str, str]]  # that the program reads: section and field; an empty field means all of it
    reads: frozenset[tuple[str, str]]  # that the whole of it reads
    uncounted: str | None  # The part that reads neither counts nor the case; None: it cannot be told apart.

    def __call__(self, scope: object) -> bool:
        """Say whether what is left holds; what cannot be answered for want of a value does not."""
        assert isinstance(scope, Scope)
        try:
            return self.program is None or self.program.execute(scope.context) is True
        except _UNHELD:
            return False


def compile_condition(source: str, counts: frozenset[str] = frozenset()) -> tuple[Expression | None, list[Fault]]:
    """Compile a condition, or say what is wrong with it; `counts` are the names that `counts.` may be asked for."""
    if len(source) > _MOST:
        return None, [Fault(1, 1, f"is longer than {_MOST} characters")]
    try:
        program = cel.compile(source)
    except ValueError as error:
        return None, _syntax(str(error))
    bare = _blank(source)
    faults = [*_unknown(source, bare, program, counts), *_words(source, bare)]
    if not faults:
        faults = list(_types(source, bare, counts))
    if faults:
        return None, faults
    keys, parts = _derive(source, bare)
    least: dict[str, int] = {}
    comparisons: list[Comparison] = []
    rest: list[str] = []
    for part in parts:
        if found := _LEAST.fullmatch(part):
            least[found[1]] = max(least.get(found[1], 0), int(found[3]) + (found[2] == ">"))
        elif comparison := compare(part):
            comparisons.append(comparison)
        else:
            rest.append(part)
    asked = cel.compile(" && ".join(f"({each})" for each in rest)) if rest else None
    return Expression(
        source,
        keys,
        All(tuple(comparisons)) if comparisons else None,
        least,
        asked,
        fields=frozenset(found for each in rest for found in _fields(_blank(each))),
        reads=frozenset(_fields(bare)),
        uncounted=_uncounted(source, bare, parts),
    ), []


def _fields(bare: str) -> Iterator[tuple[str, str]]:
    return ((found[1], found[3] or "") for found in _FIELD.finditer(bare))


def projection(fields: frozenset[tuple[str, str]]) -> Callable[[Values], dict[str, object]]:
    """Make what keeps only those values that conditions read; handing values over to CEL is what costs most."""
    wanted = [
        (section, () if (section, "") in fields else tuple(name for of, name in fields if of == section))
        for section in sorted({section for section, _ in fields})
    ]

    def project(values: Values) -> dict[str, object]:
        return {
            section: {name: value for name in names or of if (value := of.get(name)) is not None}
            for section, names in wanted
            if (of := values.get(section)) is not None
        }

    return project


def _uncounted(source: str, bare: str, parts: list[str]) -> str | None:
    if parts == [source] and any(True for _ in _operators(bare, 0, len(bare), ("||", "?"))):
        return None
    return " && ".join(f"({each})" for each in parts if not re.search(r"\b(counts|case)\b", _blank(each)))


def _syntax(said: str) -> list[Fault]:
    found = [Fault(int(line), int(column), why) for line, column, why in _PLACE.findall(said)]
    return found[:1] or [Fault(1, 1, said.splitlines()[0])]


def _blank(source: str) -> str:
    """Blank out texts and comments, so that places stay the same."""
    bare = _STRING.sub(lambda found: '"' + re.sub(r"[^\n]", "_", found[0][1:-1]) + '"', source)
    return _COMMENT.sub(lambda found: " " * len(found[0]), bare)


def _place(source: str, offset: int) -> tuple[int, int]:
    line = source.count("\n", 0, offset) + 1
    return line, offset - (source.rfind("\n", 0, offset) + 1) + 1


def _unknown(source: str, bare: str, program: cel.Program, counts: frozenset[str]) -> Iterator[Fault]:
    for found in _FIELD.finditer(bare):
        section, name = found[1], found[3]
        place = _place(source, found.start(3) if name else found.start())
        if section == "counts":
            if name and name not in counts:
                yield Fault(*place, f"counts.{name} is not counted: name it under `counts`")
        elif name and name not in SAMPLE[section]:
            yield Fault(*place, f"{section} has no field {name}")
    for name in program.variables():
        if name in SAMPLE or name == "counts":
            continue
        for found in re.finditer(rf"(?<![\w.]){re.escape(name)}\b", bare):
            if not re.search(rf"\b(?:all|exists|exists_one|map|filter)\s*\(\s*{re.escape(name)}\s*,", bare):
                yield Fault(
                    *_place(source, found.start()), f"{name} is not known; there are {', '.join(SAMPLE)}, counts"
                )
                break


def _words(source: str, bare: str) -> Iterator[Fault]:
    """Find words that no touchpoint ever has: a typing mistake that would never be noticed."""
    for pattern in (_EQUALS, _AMONG):
        for found in pattern.finditer(source):
            known = _WORDS.get(found[1])
            if known is None or bare[found.start() : found.start() + len(found[1])] != found[1]:
                continue
            for word in re.finditer(_QUOTED, found[0]):
                text = word[1] or word[2]
                if text not in known[1]:
                    place = _place(source, found.start() + word.start())
                    yield Fault(*place, f"{found[1]} is never {text!r}; it is one of {', '.join(sorted(known[1]))}")


def _types(source: str, bare: str, counts: frozenset[str]) -> Iterator[Fault]:
    """Ask every part of a condition about a sample, since the whole stops at the first part that decides."""
    values: dict[str, object] = {
        **SAMPLE,
        "counts": {name: {"now": 1, "usual": 1.0, "times_usual": 1.0} for name in counts},
    }
    scope = Scope(values)
    parts = list(_leaves(bare, 0, len(bare)))
    for start, end in parts:
        text = source[start:end]
        begin = start + len(text) - len(text.lstrip())
        try:
            answer = cel.compile(text).execute(scope.context)
        except KeyError as missing:
            if "attributes" not in text:
                yield Fault(*_place(source, begin), f"there is no {missing}")
            continue
        except (TypeError, RuntimeError, ValueError, IndexError, ArithmeticError) as error:
            why = str(error).split(". ")[0].splitlines()[0]
            yield Fault(*_place(source, begin), why[0].lower() + why[1:])
            continue
        if not isinstance(answer, bool):
            yield Fault(*_place(source, begin), f"gives {type(answer).__name__}, not true or false")
        else:
            yield from _mixed(source, bare, start, end, scope)


def _mixed(source: str, bare: str, start: int, end: int, scope: Scope) -> Iterator[Fault]:
    """Find comparisons of different types, which CEL answers with false."""
    found = list(_operators(bare, start, end, ("==", "!=")))
    if len(found) != 1:
        return
    middle = found[0]
    try:
        types = [
            str(cel.compile(f"type({source[a:b]})").execute(scope.context))
            for a, b in ((start, middle), (middle + 2, end))
        ]
    except _UNHELD:
        return
    numbers = {"int", "uint", "double"}
    if types[0] != types[1] and not set(types) <= numbers and "null_type" not in types:
        text = source[start:end]
        place = _place(source, start + len(text) - len(text.lstrip()))
        yield Fault(*place, f"compares {types[0]} with {types[1]}, which are never equal")


def _operators(bare: str, start: int, end: int, wanted: tuple[str, ...]) -> Iterator[int]:
    """Give the places of operators outside all brackets and texts."""
    depth, at, quoted = 0, start, False
    while at < end:
        sign = bare[at]
        if sign == '"':
            quoted = not quoted
        elif not quoted:
            if sign in "([{":
                depth += 1
            elif sign in ")]}":
                depth -= 1
            elif depth == 0 and any(bare.startswith(each, at) for each in wanted):
                yield at
                at += 1
        at += 1


def _leaves(bare: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Take a condition apart at `&&`, `||`, `!` and brackets."""
    text = bare[start:end]
    start += len(text) - len(text.lstrip())
    end -= len(text) - len(text.rstrip())
    if start >= end:
        return
    if any(True for _ in _operators(bare, start, end, ("?",))):
        yield start, end
        return
    for operator in ("||", "&&"):
        cuts = list(_operators(bare, start, end, (operator,)))
        if cuts:
            edges = [start, *(cut + 2 for cut in cuts)]
            for begin, finish in zip(edges, [*cuts, end], strict=True):
                yield from _leaves(bare, begin, finish)
            return
    if bare[start] == "!" and bare[start + 1 : start + 2] != "=":
        yield from _leaves(bare, start + 1, end)
    elif bare[start] == "(" and _closes(bare, start) == end - 1:
        yield from _leaves(bare, start + 1, end - 1)
    else:
        yield start, end


def _closes(bare: str, start: int) -> int:
    depth, quoted = 0, False
    for at in range(start, len(bare)):
        if bare[at] == '"':
            quoted = not quoted
        elif not quoted and bare[at] in "([{":
            depth += 1
        elif not quoted and bare[at] in ")]}":
            depth -= 1
            if depth == 0:
                return at
    return -1


def _derive(source: str, bare: str) -> tuple[Keys, list[str]]:
    """Take out of a condition what can be told by keys; gives the parts that are left, all of which must hold."""
    whole = (0, len(bare))
    if any(True for _ in _operators(bare, *whole, ("||", "?"))):
        return Keys(), [source]
    cuts = list(_operators(bare, *whole, ("&&",)))
    keys, rest = Keys(), list[str]()
    for begin, end in zip([0, *(cut + 2 for cut in cuts)], [*cuts, len(bare)], strict=True):
        part = source[begin:end].strip()
        found = _EQUALS.fullmatch(part) or _AMONG.fullmatch(part)
        name = _WORDS[found[1]][0] if found and found[1] in _WORDS else ""
        if found and name:
            words = frozenset(word[1] or word[2] for word in re.finditer(_QUOTED, part[len(found[1]) :]))
            narrowed = keys.narrowed(Keys(**{name: words}))
            if narrowed is not None:
                keys = narrowed
                continue
        rest.append(part)
    return keys, rest
