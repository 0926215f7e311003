"""Stage rules: how touchpoints make a journey."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from sori_journey.domain import Channel, Earlier, FallBack, Stage, StageRule, StageRules
from sori_journey.settings.files import PolicyRefused, Strict, duration, read

KINDS = (
    "inquiry", "complaint", "praise", "review", "mention", "survey_response", "reply", "visit", "view", "cart",
    "purchase", "refund", "delivery", "resolution", "signup", "cancellation", "referral", "other",
)  # fmt: skip
_ORDER = list(Stage)
_BY = {None: None, "customer": True, "company": False}


def _duration(text: str) -> str:
    duration(text)
    return text


def _kind(text: str) -> str:
    if text not in KINDS:
        raise ValueError(f"{text!r} is none of the kinds: {', '.join(KINDS)}")
    return text


_Duration = Annotated[str, AfterValidator(_duration)]
_Kind = Annotated[str, AfterValidator(_kind)]
_StageOrNone = Stage | Literal["none"]


class _Earlier(Strict):
    kinds: list[_Kind] = []
    channels: list[Channel] = []
    at_least: int | None = Field(None, ge=0, le=10_000)
    at_most: int | None = Field(None, ge=0, le=10_000)
    within: _Duration | None = None

    @model_validator(mode="after")
    def _can_hold(self) -> "_Earlier":
        if self.at_most is not None and (self.at_least or 0) > self.at_most:
            raise ValueError("at_least is more than at_most: this never holds")
        return self

    def read(self) -> Earlier:
        return Earlier(
            kinds=frozenset(self.kinds),
            channels=frozenset(each.value for each in self.channels),
            at_least=self.at_least if self.at_least is not None else int(self.at_most is None),
            at_most=self.at_most,
            within=duration(self.within) if self.within else None,
        )


class _Rule(Strict):
    name: str = Field(min_length=1, max_length=64)
    stage: _StageOrNone
    kinds: list[_Kind] = []
    channels: list[Channel] = []
    by: Literal["customer", "company"] | None = None
    coming_from: list[Stage] = []
    history: list[_Earlier] = []

    def read(self) -> StageRule:
        return StageRule(
            name=self.name,
            stage=None if self.stage == "none" else self.stage,
            kinds=frozenset(self.kinds),
            channels=frozenset(each.value for each in self.channels),
            own=_BY[self.by],
            coming_from=frozenset(self.coming_from),
            history=tuple(each.read() for each in self.history),
        )


class _FallBack(Strict):
    after: _Duration
    to: _StageOrNone = "none"


class _DropOff(Strict):
    silent_after: _Duration = "14d"
    kinds: list[_Kind] = ["cancellation", "refund"]


class _File(Strict):
    rules: list[_Rule] = Field(min_length=1, max_length=500)
    fall_back: dict[Stage, _FallBack] = {}
    leave: list[_Kind] = []
    drop_off: _DropOff = _DropOff()

    @model_validator(mode="after")
    def _is_sound(self) -> "_File":
        names = [each.name for each in self.rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the rule {name!r} stands twice")
        for stage, back in self.fall_back.items():
            if back.to != "none" and _ORDER.index(back.to) >= _ORDER.index(stage):
                raise ValueError(f"who is silent in {stage} falls back to an earlier stage, not to {back.to}")
        return self


def load(path: Path | None) -> StageRules:
    """Read the stage rules, or the standard ones that come with the service."""
    name = path.name if path else "stages.yaml"
    try:
        text = (path or files(__package__) / "stages.yaml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRefused(f"{name}: cannot be read: {type(error).__name__}") from None
    checked = read(name, text, _File)
    return StageRules(
        rules=tuple(each.read() for each in checked.rules),
        fall_backs={
            stage: FallBack(after=duration(each.after), to=None if each.to == "none" else each.to)
            for stage, each in checked.fall_back.items()
        },
        leaving=frozenset(checked.leave),
        drop_off_kinds=frozenset(checked.drop_off.kinds),
        silent_after=duration(checked.drop_off.silent_after),
    )
