"""Segment rules: who belongs to which group, as conditions in CEL."""

import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import cel
from pydantic import AfterValidator, Field, model_validator

from sori_journey.domain import SegmentRule
from sori_journey.settings.files import PolicyRefused, Strict, read

_SAMPLE: Mapping[str, object] = {
    "rfm": {"recency": 5, "frequency": 5, "monetary": 5},
    "purchase_count": 3,
    "spent": 30000.0,
    "days_since_purchase": 3.5,
    "days_since_last": 1.5,
    "tenure_days": 100.5,
    "touchpoint_count": 20,
    "stage": "retention",
    "days_in_stage": 10.5,
    "mood": 0.1,
    "mood_trend": "steady",
    "loyalty": "promoter",
    "nps": 9.0,
    "kinds": {"purchase": 3},
    "kinds_90d": {"purchase": 3},
    "channels": ["app"],
    "topics": ["delivery"],
    "org_units": ["shop"],
    "products": ["p1"],
    "churn_risk": 0.1,
    "complaint_risk": 0.1,
}
_UNHELD = (KeyError, TypeError, ValueError, RuntimeError, IndexError, ArithmeticError)
_STRING = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'')
_CUSTOMER = re.compile(r"(?<![\w.])customer(?!\w)")
_FIELD = re.compile(r"(?<![\w.])customer\s*\.\s*(\w+)(?:\s*\.\s*(\w+))?(?!\s*\()")


def _condition(text: str) -> str:
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise ValueError(f"is not CEL: {' '.join(str(error).split())[:200]}") from None
    bare = _STRING.sub('""', text)
    for name in program.variables():
        loop = rf"\b(?:all|exists|exists_one|map|filter)\s*\(\s*{re.escape(name)}\s*,"
        if name != "customer" and not re.search(loop, bare):
            raise ValueError(f"{name} is not known; there is `customer`")
    for found in _FIELD.finditer(bare):
        if found[1] not in _SAMPLE:
            raise ValueError(f"customer has no {found[1]}; it has {', '.join(_SAMPLE)}")
        if found[1] == "rfm" and found[2] not in ("recency", "frequency", "monetary"):
            raise ValueError("customer.rfm has recency, frequency, monetary")
    try:
        answer = program.execute({"customer": dict(_SAMPLE)})
    except KeyError:
        return text  # A kind that the sample does not have.
    except _UNHELD as error:
        raise ValueError(f"cannot be answered: {str(error).splitlines()[0]}") from None
    if not isinstance(answer, bool):
        raise ValueError(f"gives {type(answer).__name__}, not true or false")
    return text


def _holder(text: str) -> Callable[[Mapping[str, object]], bool]:
    program, asked = cel.compile(text), _asked(text)

    def holds(facts: Mapping[str, object]) -> bool:
        """Say whether it holds; one that cannot be answered for want of a value does not."""
        try:
            return program.execute({"customer": {name: facts[name] for name in asked}}) is True
        except _UNHELD:
            return False

    return holds


def _asked(text: str) -> frozenset[str]:
    """Name the facts that a condition asks for: to hand over all of them takes fifty times as long as to ask."""
    bare = _STRING.sub('""', text)
    found = _FIELD.findall(bare)
    if len(found) < len(_CUSTOMER.findall(bare)):
        return frozenset(_SAMPLE)  # It does not name them all.
    return frozenset(name for name, _ in found)


class _Title(Strict):
    ko: str = Field("", max_length=100)
    en: str = Field("", max_length=100)


class _Segment(Strict):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,63}$")
    title: _Title = _Title()
    when: Annotated[str, Field(max_length=4000), AfterValidator(_condition)]


class _File(Strict):
    segments: list[_Segment] = Field([], max_length=200)

    @model_validator(mode="after")
    def _is_sound(self) -> "_File":
        names = [each.name for each in self.segments]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the segment {name!r} stands twice")
        return self


def load(path: Path | None) -> tuple[SegmentRule, ...]:
    """Read the segment rules, or the standard ones that come with the service."""
    name = path.name if path else "segments.yaml"
    try:
        text = (path or files(__package__) / "segments.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRefused(f"{name}: cannot be read: {type(error).__name__}") from None
    return tuple(
        SegmentRule(
            name=each.name,
            title_ko=each.title.ko or each.title.en or each.name,
            title_en=each.title.en or each.title.ko or each.name,
            condition=each.when,
            holds=_holder(each.when),
        )
        for each in read(name, text, _File).segments
    )
