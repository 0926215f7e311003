"""Touchpoints as rules see them."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from sori.classify.v1 import classification_pb2
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import position_pb2
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_kit import parse
from sori_notify import domain
from sori_notify.domain.rules import Fact

_CHANNELS = {number: name.removeprefix("CHANNEL_").lower() for name, number in touchpoint_pb2.Channel.items()}
_KINDS = {
    number: name.removeprefix("TOUCHPOINT_KIND_").lower() for name, number in touchpoint_pb2.TouchpointKind.items()
}
_ACTORS = {number: name.removeprefix("ACTOR_").lower() for name, number in touchpoint_pb2.Actor.items()}
_SENTIMENTS = {number: name.removeprefix("SENTIMENT_").lower() for name, number in classification_pb2.Sentiment.items()}
_UTTERANCES = {number: name.removeprefix("UTTERANCE_").lower() for name, number in classification_pb2.Utterance.items()}
_STAGES = {number: name.removeprefix("STAGE_").lower() for name, number in position_pb2.Stage.items()}
_SURVEYS = {number: name.removeprefix("SURVEY_TYPE_").lower() for name, number in touchpoint_pb2.SurveyType.items()}


class _Section(Mapping[str, object]):
    """A part of a touchpoint, of which is read only what conditions ask for; what is not there is not in it."""

    __slots__ = ("_fields", "_of")

    def __init__(self, fields: Mapping[str, Callable[[Any], object]], of: object) -> None:
        self._fields = fields
        self._of = of

    def __getitem__(self, name: str) -> object:
        found = self._fields[name](self._of)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._fields if self._fields[name](self._of) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _rating(of: touchpoint_pb2.Touchpoint) -> dict[str, object] | None:
    given = of.rating
    return {name: getattr(given, name) for name in ("value", "lowest", "highest")} if of.HasField("rating") else None


def _survey(of: touchpoint_pb2.Touchpoint) -> dict[str, object] | None:
    if not of.HasField("survey"):
        return None
    given = of.survey
    return {
        "type": _SURVEYS.get(given.type, ""),
        **{name: getattr(given, name) for name in ("score", "lowest", "highest", "survey_id")},
    }


def _occurred(of: touchpoint_pb2.Touchpoint) -> dt.datetime:
    return parse.moment(of.occurred_time)


def _shown(of: touchpoint_pb2.Touchpoint) -> dt.datetime:
    """Give when it occurred as the clock on the wall said."""
    return _occurred(of) + dt.timedelta(minutes=of.occurred_offset_minutes)


def _channel(of: touchpoint_pb2.Touchpoint) -> str:
    return _CHANNELS.get(of.channel, "")


def _kind(of: touchpoint_pb2.Touchpoint) -> str:
    return _KINDS.get(of.kind, "other")


def _actor(of: touchpoint_pb2.Touchpoint) -> str:
    return _ACTORS.get(of.actor, "customer") if of.actor else "customer"


def _sentiment(of: classification_pb2.Classification) -> str:
    return _SENTIMENTS.get(of.sentiment, "") if of.sentiment else ""


def _as_they_are(*names: str) -> dict[str, Callable[[Any], object]]:
    return {name: attrgetter(name) for name in names}


def _listed(name: str) -> Callable[[Any], object]:
    return lambda of: list(getattr(of, name))


_TOUCHPOINT: Mapping[str, Callable[[Any], object]] = {
    "channel": _channel,
    "kind": _kind,
    "actor": _actor,
    "occurred_time": _occurred,
    "hour": lambda of: _shown(of).hour,
    "weekday": lambda of: _shown(of).isoweekday(),
    "attributes": lambda of: dict(of.attributes),
    "rating": _rating,
    "survey": _survey,
    **_as_they_are("touchpoint_id", "source", "revision", "text", "language"),
    **_as_they_are("thread_id", "order_id", "product", "org_unit"),
}
_CLASSIFICATION: Mapping[str, Callable[[Any], object]] = {
    "sentiment": _sentiment,
    "utterance": lambda of: _UTTERANCES.get(of.utterance, ""),
    **{name: attrgetter(f"sentiment_scores.{name}") for name in ("negative", "neutral", "positive")},
    **{name: _listed(name) for name in ("topics", "urgency_reasons", "keywords")},
    **_as_they_are("emotion", "emotion_score", "abusive", "abuse_score", "language", "urgency", "degraded"),
}
_POSITION: Mapping[str, Callable[[Any], object]] = {
    "customer_id": attrgetter("customer_id"),
    "stage": lambda of: _STAGES.get(of.stage, ""),
}


def fact(stitched: TouchpointStitched) -> Fact:
    """Read a touchpoint as rules see it; what this version does not know is empty."""
    touchpoint, classification, position = stitched.touchpoint, stitched.classification, stitched.position
    return Fact(
        touchpoint_id=parse.uuid(touchpoint.touchpoint_id, "touchpoint.touchpoint_id"),
        revision=touchpoint.revision,
        occurred_time=_occurred(touchpoint),
        channel=_channel(touchpoint),
        kind=_kind(touchpoint),
        actor=_actor(touchpoint),
        sentiment=_sentiment(classification),
        source=touchpoint.source,
        thread_id=touchpoint.thread_id or touchpoint.touchpoint_id,
        customer_id=position.customer_id,
        product=touchpoint.product,
        org_unit=touchpoint.org_unit,
        values={
            "touchpoint": _Section(_TOUCHPOINT, touchpoint),
            "classification": _Section(_CLASSIFICATION, classification),
            "position": _Section(_POSITION, position),
        },
    )


def kept(stitched: TouchpointStitched) -> bytes:
    """Write what is kept of a touchpoint, so that rules can be asked about it again: no words, nobody's identifiers."""
    left = TouchpointStitched()
    left.CopyFrom(stitched)
    left.touchpoint.ClearField("text")
    left.touchpoint.ClearField("identifiers")
    return left.SerializeToString()


def read_again(data: bytes) -> Fact:
    """Read what was kept."""
    return fact(TouchpointStitched.FromString(data))


def segments(stitched: TouchpointStitched) -> frozenset[str]:
    """Name the segments of a touchpoint's customer, as far as the line says them."""
    said = [*getattr(stitched.position, "segments", ())]
    for name in ("segment", "segments"):
        said += stitched.touchpoint.attributes.get(name, "").split(",")
    return frozenset(each.strip() for each in said if each.strip())


def of_case(case: domain.Case | None, *, at: dt.datetime) -> dict[str, object]:
    """Say of a case what rules may read; nothing where there is none."""
    if case is None:
        return {}
    return {
        "case_id": str(case.case_id),
        "state": case.state.value,
        "severity": case.severity.value,
        "channel": case.channel.value if case.channel else "",
        "org_unit": case.org_unit,
        "team": case.team,
        "person": case.person,
        "tags": list(case.tags),
        "topics": list(case.topics),
        "segments": list(case.segments),
        "answered": case.answered_time is not None,
        "acknowledged": case.acknowledged_time is not None,
        "breached": case.clock is not None and case.clock.state is domain.ClockState.BREACHED,
        "age_seconds": (at - case.opened_time).total_seconds(),
    }


def about(case: domain.Case, *, reason: str) -> dict[str, object]:
    """Say of a case what messages about it may say: no words and nobody's identifiers."""
    clock = case.clock
    return {
        "reason": reason,
        "case_id": str(case.case_id),
        "channel": case.channel.value if case.channel else "",
        "org_unit": case.org_unit,
        "severity": case.severity.value,
        "topics": list(case.topics),
        "policy": clock.policy if clock else "",
        "due_time": clock.due_time.isoformat() if clock and clock.due_time else "",
        "source": case.source,
    }
