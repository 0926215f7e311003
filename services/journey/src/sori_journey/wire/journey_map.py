"""Maps, stages, segments and risks."""

import datetime as dt
import json
import uuid
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from google.protobuf import duration_pb2

from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import customer_segment_events_pb2, journey_map_pb2, position_pb2, segment_pb2, stage_pb2
from sori.journey.v1 import journey_service_pb2 as pb
from sori_journey import domain
from sori_journey.domain.risk import TEXTS
from sori_journey.wire import words
from sori_kit import parse
from sori_kit.errors import InvalidInput

_TURNS = {each: stage_pb2.StageTurn.Value(f"STAGE_TURN_{each.name}") for each in domain.Turn}
_RISKS = {each: segment_pb2.RiskKind.Value(f"RISK_KIND_{each.name}") for each in domain.RiskKind}
_MOST_TOPICS, _MOST_CHANGE_TOPICS = 10, 5
_FEWEST = 20
_LONGEST_NAME = 256
_LEAST_SCORE = 0.5

Stage: TypeAlias = position_pb2.Stage.ValueType
Channel: TypeAlias = touchpoint_pb2.Channel.ValueType
Kind: TypeAlias = touchpoint_pb2.TouchpointKind.ValueType


def kind(number: int) -> str:
    """Name a kind."""
    return words.KINDS.get(Kind(number), "")


def map_filter(given: journey_map_pb2.JourneyMapFilter) -> domain.MapFilter:
    """Read which touchpoints are wanted."""
    for field in ("segment", "product", "org_unit"):
        if len(getattr(given, field)) > _LONGEST_NAME:
            raise InvalidInput.of_field(f"filter.{field}", f"is longer than {_LONGEST_NAME} characters")
        if "\0" in getattr(given, field):
            raise InvalidInput.of_field(f"filter.{field}", "holds a NUL")
    wanted = domain.MapFilter(
        from_time=parse.time(given.from_time, "filter.from_time") if given.HasField("from_time") else None,
        until_time=parse.time(given.until_time, "filter.until_time") if given.HasField("until_time") else None,
        segment=given.segment,
        product=given.product,
        org_unit=given.org_unit,
    )
    if wanted.from_time and wanted.until_time and wanted.from_time >= wanted.until_time:
        raise InvalidInput.of_field("filter.until_time", "is not after from_time")
    return wanted


def fewest_customers(given: int) -> int:
    """Read how many customers a moment of truth needs."""
    if given < 0 or given == 1:
        raise InvalidInput.of_field("fewest_customers", "is not 0 or at least 2")
    return given or _FEWEST


def stage_or_none(given: Stage) -> int | None:
    """Read a stage; None for any."""
    if given not in position_pb2.Stage.values():
        raise InvalidInput.of_field("stage", "names something unknown")
    return int(given) or None


def channel_or_none(given: Channel) -> int | None:
    """Read a channel; None for any."""
    if given and given not in words.CHANNELS:
        raise InvalidInput.of_field("channel", "names something unknown")
    return int(given) or None


def risk_kind(given: segment_pb2.RiskKind.ValueType) -> domain.RiskKind:
    """Read of what; churn where it is not said."""
    if not given:
        return domain.RiskKind.CHURN
    for each, number in _RISKS.items():
        if number == given:
            return each
    raise InvalidInput.of_field("kind", "names something unknown")


def least_score(given: float) -> float:
    """Read the least score."""
    if not 0 <= given <= 1:
        raise InvalidInput.of_field("least_score", "is not between 0 and 1")
    return given or _LEAST_SCORE


def _interval(given: domain.Interval | None) -> journey_map_pb2.MeanInterval | None:
    if given is None:
        return None
    return journey_map_pb2.MeanInterval(mean=given.mean, low=given.low, high=given.high)


def _topics(counts: Mapping[int, int], texts: Mapping[int, str], most: int) -> list[journey_map_pb2.TopicCount]:
    return [
        journey_map_pb2.TopicCount(topic=texts[number], count=count)
        for number, count in domain.top(counts, most)
        if number in texts
    ]


def journey_map(found: domain.JourneyMap, texts: Mapping[int, str], *, fewest: int) -> pb.GetJourneyMapResponse:
    """Write a map."""
    return pb.GetJourneyMapResponse(
        cells=[
            journey_map_pb2.JourneyMapCell(
                stage=Stage(stage),
                channel=Channel(channel),
                touchpoint_count=cell.touchpoints,
                customer_count=cell.customers,
                mood_count=cell.felt.count,
                mood=_interval(cell.felt.interval()),
                decided_customer_count=cell.decided,
                drop_off_count=cell.dropped,
                drop_off_share=cell.dropped / cell.decided if cell.decided else None,
                top_topics=_topics(cell.topics, texts, _MOST_TOPICS),
            )
            for (stage, channel), cell in sorted(found.cells.items())
            if cell.touchpoints
        ],
        transitions=[
            journey_map_pb2.KindTransition(
                from_kind=Kind(first), to_kind=Kind(second), count=count, customer_count=customers
            )
            for (first, second), (count, customers) in sorted(
                found.transitions.items(), key=lambda each: (-each[1][0], each[0])
            )
        ],
        moments=[
            journey_map_pb2.MomentOfTruth(
                stage=Stage(place[0]),
                channel=Channel(place[1]),
                kind=Kind(place[2]),
                customer_count=customers,
                change=_interval(change),
                top_topics=_topics(found.change_topics.get(place, {}), texts, _MOST_CHANGE_TOPICS),
            )
            for place, customers, change in found.moments(fewest=fewest)
        ],
        touchpoint_count=found.touchpoints,
        customer_count=found.customers,
    )


def drop_off(given: domain.DropOff) -> journey_map_pb2.DropOff:
    """Write who went no further."""
    left = journey_map_pb2.DROP_OFF_REASON_LEFT if given.left else journey_map_pb2.DROP_OFF_REASON_SILENT
    return journey_map_pb2.DropOff(
        customer_id=str(given.customer_id),
        touchpoint_id=str(given.touchpoint_id or ""),
        occurred_time=words.timestamp(given.time),
        stage=Stage(given.stage),
        channel=Channel(given.channel),
        kind=Kind(given.kind),
        reason=left,
        drop_off_time=words.timestamp(given.drop_off_time),
    )


def stage_history(customer_id: uuid.UUID, course: domain.Course, *, now: dt.datetime) -> pb.GetStageHistoryResponse:
    """Write a customer's way through the stages."""
    return pb.GetStageHistoryResponse(
        customer_id=str(customer_id),
        visits=[_visit(each, now) for each in course.visits],
        stage=words.STAGES[course.current.stage] if course.current else position_pb2.STAGE_UNSPECIFIED,
    )


def _visit(visit: domain.Visit, now: dt.datetime) -> stage_pb2.StageVisit:
    dwell = duration_pb2.Duration()
    dwell.FromTimedelta(visit.dwell(now))
    return stage_pb2.StageVisit(
        stage=words.STAGES[visit.stage],
        entry_time=words.timestamp(visit.entry_time),
        exit_time=words.timestamp(visit.exit_time),
        dwell=dwell,
        entry=_TURNS[visit.entry],
        exit=_TURNS[visit.exit] if visit.exit else stage_pb2.STAGE_TURN_UNSPECIFIED,
        touchpoint_id=str(visit.entered_by or ""),
        rule=visit.rule,
        touchpoint_count=visit.touchpoint_count,
    )


def segment(rule: domain.SegmentRule, count: int) -> segment_pb2.Segment:
    """Write a segment."""
    return segment_pb2.Segment(
        name=rule.name,
        title_ko=rule.title_ko,
        title_en=rule.title_en,
        condition=rule.condition,
        customer_count=count,
    )


def segment_member(customer_id: uuid.UUID, entered_time: dt.datetime) -> segment_pb2.SegmentMember:
    """Write who is in a segment."""
    return segment_pb2.SegmentMember(customer_id=str(customer_id), entered_time=words.timestamp(entered_time))


def segment_entered(
    customer_id: uuid.UUID, name: str, now: dt.datetime
) -> customer_segment_events_pb2.CustomerSegmentEntered:
    """Say who came into a segment."""
    return customer_segment_events_pb2.CustomerSegmentEntered(
        customer_id=str(customer_id), segment=name, entered_time=words.timestamp(now)
    )


def segment_left(
    customer_id: uuid.UUID, name: str, now: dt.datetime
) -> customer_segment_events_pb2.CustomerSegmentLeft:
    """Say who left a segment."""
    return customer_segment_events_pb2.CustomerSegmentLeft(
        customer_id=str(customer_id), segment=name, left_time=words.timestamp(now)
    )


def at_risk(path: domain.Path, risk: domain.Risk) -> segment_pb2.CustomerAtRisk:
    """Write what is to be expected of somebody."""
    return segment_pb2.CustomerAtRisk(
        customer_id=str(path.path_id),
        kind=_RISKS[risk.kind],
        score=risk.score,
        reasons=[
            segment_pb2.RiskReason(
                feature=each.feature,
                value=each.value,
                weight=each.weight,
                text_ko=TEXTS[each.feature][0],
                text_en=TEXTS[each.feature][1],
            )
            for each in risk.reasons
        ],
        stage=words.STAGES[path.summary.stage] if path.summary.stage else position_pb2.STAGE_UNSPECIFIED,
        last_occurred_time=words.timestamp(path.summary.last_time),
        scored_time=words.timestamp(path.scored_time),
    )


def customer_facts(
    customer_id: uuid.UUID,
    facts: Mapping[str, object],
    rfm: domain.Rfm,
    segments: Sequence[str],
    risks: Sequence[segment_pb2.CustomerAtRisk],
) -> pb.GetCustomerFactsResponse:
    """Write what is known of a customer's worth and mood."""
    return pb.GetCustomerFactsResponse(
        customer_id=str(customer_id),
        json=json.dumps(facts, ensure_ascii=False),
        rfm=segment_pb2.RfmScore(recency=rfm.recency, frequency=rfm.frequency, monetary=rfm.monetary),
        segments=segments,
        risks=risks,
    )
