"""Proto to what the pages show, nothing else."""

import datetime as dt
from collections.abc import Iterable, Mapping

from google.protobuf import timestamp_pb2

from sori.classify.v1 import classification_pb2
from sori.ee_feedback.v1 import voice_pb2
from sori.ingest.v1 import touchpoint_pb2
from sori.insight.v1 import feed_pb2, insight_service_pb2
from sori.journey.v1 import position_pb2
from sori.notify.v1 import case_pb2, notify_service_pb2
from sori_console.domain import figures, lines

MOODS = {
    classification_pb2.SENTIMENT_NEGATIVE: lines.Mood.NEGATIVE,
    classification_pb2.SENTIMENT_NEUTRAL: lines.Mood.NEUTRAL,
    classification_pb2.SENTIMENT_POSITIVE: lines.Mood.POSITIVE,
}
_SPEAKERS = {
    touchpoint_pb2.ACTOR_AGENT: lines.Speaker.AGENT,
    touchpoint_pb2.ACTOR_BOT: lines.Speaker.BOT,
    touchpoint_pb2.ACTOR_SYSTEM: lines.Speaker.SYSTEM,
}
_KINDS = {kind: feed_pb2.FeedItemKind.Value(f"FEED_ITEM_KIND_{kind.name}") for kind in lines.LineKind}
_SURVEYS: Mapping[int, tuple[str, float]] = {  # name, usual best mark
    touchpoint_pb2.SURVEY_TYPE_NPS: ("nps", 10),
    touchpoint_pb2.SURVEY_TYPE_CSAT: ("csat", 5),
    touchpoint_pb2.SURVEY_TYPE_CES: ("ces", 7),
}
_KEPT: Mapping[int, bool] = {case_pb2.CLOCK_STATE_FULFILLED: True, case_pb2.CLOCK_STATE_BREACHED: False}


def _codes(items: Iterable[tuple[str, int]], prefix: str) -> dict[int, str]:
    return {number: name.removeprefix(prefix).lower() for name, number in items}


CHANNELS = _codes(touchpoint_pb2.Channel.items(), "CHANNEL_")
TOUCHPOINT_KINDS = _codes(touchpoint_pb2.TouchpointKind.items(), "TOUCHPOINT_KIND_")
STAGES = _codes(position_pb2.Stage.items(), "STAGE_")


def kind(asked: lines.LineKind | None) -> feed_pb2.FeedItemKind.ValueType:
    """Write the kind of a filter."""
    return _KINDS[asked] if asked else feed_pb2.FEED_ITEM_KIND_UNSPECIFIED


def page(answer: insight_service_pb2.ListFeedResponse) -> lines.Page:
    """Read the newest lines."""
    read = [made for item in answer.items if (made := line(item)) is not None]
    return lines.Page(tuple(read), answer.resume_token)


def line(item: feed_pb2.FeedItem) -> lines.Line | None:
    """Read one line; a kind that this version does not know is None."""
    occurred = _time(item.occurred_time)
    match item.WhichOneof("content"):
        case "touchpoint":
            return _touchpoint(item, item.touchpoint, occurred)
        case "voice":
            return _voice(item, item.voice, occurred)
        case "case":
            return _case_turn(item, item.case, occurred)
        case "alert":
            return lines.Alert(
                item_id=item.item_id,
                occurred_time=occurred,
                org_unit=item.org_unit,
                case=lines.short(item.alert.case_id),
                reason=item.alert.reason,
                target=item.alert.target,
            )
    return None


def _touchpoint(item: feed_pb2.FeedItem, content: feed_pb2.FeedTouchpoint, occurred: dt.datetime) -> lines.Touchpoint:
    touchpoint = content.touchpoint
    return lines.Touchpoint(
        item_id=item.item_id,
        occurred_time=occurred,
        org_unit=item.org_unit,
        channel=CHANNELS.get(touchpoint.channel, "unspecified"),
        what=TOUCHPOINT_KINDS.get(touchpoint.kind, "other"),
        speaker=_SPEAKERS.get(touchpoint.actor, lines.Speaker.CUSTOMER),
        text=lines.cut(touchpoint.text),
        opinion=_opinion(content.classification),
        marks=_marks(touchpoint),
        product=touchpoint.product,
        stage=STAGES.get(content.position.stage, "") if content.position.stage else "",
        customer=lines.short(content.position.customer_id),
    )


def _marks(touchpoint: touchpoint_pb2.Touchpoint) -> tuple[lines.Mark, ...]:
    made = []
    if touchpoint.HasField("rating"):
        made.append(lines.Mark("rating", touchpoint.rating.value, touchpoint.rating.highest or 5))
    if touchpoint.HasField("survey") and touchpoint.survey.type in _SURVEYS:
        name, highest = _SURVEYS[touchpoint.survey.type]
        made.append(lines.Mark(name, touchpoint.survey.score, touchpoint.survey.highest or highest))
    return tuple(made)


def _voice(item: feed_pb2.FeedItem, voice: voice_pb2.ReleasedVoice, occurred: dt.datetime) -> lines.Voice:
    return lines.Voice(
        item_id=item.item_id,
        occurred_time=occurred,
        org_unit=item.org_unit or voice.org_unit,
        week=voice.week,
        text=lines.cut(voice.text),
        opinion=_opinion(voice.classification),
    )


def _case_turn(item: feed_pb2.FeedItem, content: feed_pb2.FeedCase, occurred: dt.datetime) -> lines.CaseTurn:
    case = content.case
    return lines.CaseTurn(
        item_id=item.item_id,
        occurred_time=occurred,
        org_unit=item.org_unit or case.org_unit,
        change=content.change,
        case=lines.short(case.case_id),
        from_staff=case.origin == case_pb2.CASE_ORIGIN_EMPLOYEE,
        channel=CHANNELS[case.channel] if case.channel in CHANNELS and case.channel else "",
        topics=tuple(case.topics),
        due_time=_due(case),
        kept=_KEPT.get(case.clock.state),
    )


def _opinion(said: classification_pb2.Classification) -> lines.Opinion:
    return lines.Opinion(
        mood=lines.Mood.UNKNOWN if said.degraded else MOODS.get(said.sentiment, lines.Mood.UNKNOWN),
        topics=tuple(said.topics),
        urgency=said.urgency,
        abusive=said.abusive,
    )


def scorecard(card: feed_pb2.Scorecard) -> figures.Scorecard:
    """Read figures; what is absent stays absent."""
    return figures.Scorecard(
        org_unit=card.org_unit,
        week=card.week,
        negative_count=card.negative_count,
        neutral_count=card.neutral_count,
        positive_count=card.positive_count,
        nps_count=card.nps_count,
        nps=card.nps if card.HasField("nps") else None,
        csat_count=card.csat_count,
        csat=card.csat if card.HasField("csat") else None,
        first_response_count=card.first_response_count,
        first_response_attainment=(
            card.first_response_attainment if card.HasField("first_response_attainment") else None
        ),
        enps=card.enps if card.HasField("enps") else None,
    )


def tally(
    counted: insight_service_pb2.GetTallyResponse, kept: notify_service_pb2.GetTallyResponse | None
) -> figures.Tally:
    """Read how much there is; `kept` is what notify counted, if it may be shown."""
    return figures.Tally(
        touchpoints=counted.touchpoint_count,
        voices=counted.voice_count,
        cases=counted.case_count,
        alerts=counted.alert_count,
        breached=kept.breached_count if kept else None,
    )


def waiting_case(case: case_pb2.Case) -> figures.WaitingCase:
    """Read a case that nobody has taken."""
    return figures.WaitingCase(
        case=lines.short(case.case_id),
        org_unit=case.org_unit,
        channel=CHANNELS[case.channel] if case.channel in CHANNELS and case.channel else "",
        from_staff=case.origin == case_pb2.CASE_ORIGIN_EMPLOYEE,
        topics=tuple(case.topics),
        opened_time=_time(case.opened_time),
        due_time=_due(case),
    )


def _due(case: case_pb2.Case) -> dt.datetime | None:
    return _time(case.clock.due_time) if case.HasField("clock") and case.clock.HasField("due_time") else None


def _time(stamp: timestamp_pb2.Timestamp) -> dt.datetime:
    return stamp.ToDatetime(dt.UTC)
