"""Touchpoints as rules see them."""

import datetime as dt

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


def fact(stitched: TouchpointStitched) -> Fact:
    """Read a touchpoint as rules see it; what this version does not know is empty."""
    touchpoint, classification, position = stitched.touchpoint, stitched.classification, stitched.position
    occurred = touchpoint.occurred_time.ToDatetime(dt.UTC)
    shown = occurred + dt.timedelta(minutes=touchpoint.occurred_offset_minutes)
    channel, kind = _CHANNELS.get(touchpoint.channel, ""), _KINDS.get(touchpoint.kind, "other")
    actor = _ACTORS.get(touchpoint.actor, "customer") if touchpoint.actor else "customer"
    sentiment = _SENTIMENTS.get(classification.sentiment, "") if classification.sentiment else ""
    thread_id = touchpoint.thread_id or touchpoint.touchpoint_id
    of_touchpoint: dict[str, object] = {
        "touchpoint_id": touchpoint.touchpoint_id,
        "source": touchpoint.source,
        "channel": channel,
        "kind": kind,
        "actor": actor,
        "revision": touchpoint.revision,
        "occurred_time": occurred,
        "hour": shown.hour,
        "weekday": shown.isoweekday(),
        "text": touchpoint.text,
        "language": touchpoint.language,
        "thread_id": touchpoint.thread_id,
        "order_id": touchpoint.order_id,
        "product": touchpoint.product,
        "org_unit": touchpoint.org_unit,
        "attributes": dict(touchpoint.attributes),
    }
    if touchpoint.HasField("rating"):
        rating = touchpoint.rating
        of_touchpoint["rating"] = {"value": rating.value, "lowest": rating.lowest, "highest": rating.highest}
    if touchpoint.HasField("survey"):
        survey = touchpoint.survey
        of_touchpoint["survey"] = {
            "type": _SURVEYS.get(survey.type, ""),
            "score": survey.score,
            "lowest": survey.lowest,
            "highest": survey.highest,
            "survey_id": survey.survey_id,
        }
    scores = classification.sentiment_scores
    return Fact(
        touchpoint_id=parse.uuid(touchpoint.touchpoint_id, "touchpoint.touchpoint_id"),
        revision=touchpoint.revision,
        occurred_time=occurred,
        channel=channel,
        kind=kind,
        actor=actor,
        sentiment=sentiment,
        source=touchpoint.source,
        thread_id=thread_id,
        customer_id=position.customer_id,
        product=touchpoint.product,
        org_unit=touchpoint.org_unit,
        values={
            "touchpoint": of_touchpoint,
            "classification": {
                "sentiment": sentiment,
                "negative": scores.negative,
                "neutral": scores.neutral,
                "positive": scores.positive,
                "emotion": classification.emotion,
                "emotion_score": classification.emotion_score,
                "abusive": classification.abusive,
                "abuse_score": classification.abuse_score,
                "utterance": _UTTERANCES.get(classification.utterance, ""),
                "language": classification.language,
                "topics": list(classification.topics),
                "urgency": classification.urgency,
                "urgency_reasons": list(classification.urgency_reasons),
                "keywords": list(classification.keywords),
                "degraded": classification.degraded,
            },
            "position": {"customer_id": position.customer_id, "stage": _STAGES.get(position.stage, "")},
        },
    )


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
