"""Domain to proto and back, nothing else."""

import datetime as dt
import uuid
from collections.abc import Iterable
from typing import TypeAlias
from zoneinfo import ZoneInfo

from google.protobuf import timestamp_pb2

from sori.classify.v1 import classification_pb2
from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.ee_feedback.v1.pulse_events_pb2 import PulseReleased
from sori.ee_feedback.v1.voice_events_pb2 import VoiceReleased
from sori.ingest.v1 import touchpoint_pb2
from sori.insight.v1 import feed_pb2, insight_service_pb2
from sori.journey.v1.customer_events_pb2 import CustomerErased, CustomerMerged, CustomerSplit
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori.notify.v1 import case_pb2
from sori.notify.v1.alert_events_pb2 import AlertSent
from sori.notify.v1.case_events_pb2 import (
    CaseAcknowledged,
    CaseAnswered,
    CaseBreached,
    CaseOpened,
    CaseReopened,
    CaseResolved,
    CaseUpdated,
    ClockBreached,
)
from sori_insight import domain
from sori_insight.store import feed
from sori_kit import parse
from sori_kit.envelope import Event
from sori_kit.errors import InvalidInput

CaseEvent: TypeAlias = (
    CaseOpened
    | CaseAnswered
    | CaseAcknowledged
    | CaseBreached
    | CaseResolved
    | CaseReopened
    | CaseUpdated
    | ClockBreached
)

_CHANNELS = {value: name.removeprefix("CHANNEL_").lower() for name, value in touchpoint_pb2.Channel.items() if value}
_SENTIMENTS = {
    classification_pb2.Sentiment.Value(f"SENTIMENT_{sentiment.name}"): sentiment for sentiment in domain.Sentiment
}
_CUSTOMERS = (touchpoint_pb2.ACTOR_UNSPECIFIED, touchpoint_pb2.ACTOR_CUSTOMER)
_ORIGINS = {case_pb2.CaseOrigin.Value(f"CASE_ORIGIN_{origin.name}"): origin for origin in domain.Origin}
_CLOCK_STATES = {case_pb2.ClockState.Value(f"CLOCK_STATE_{state.name}"): state for state in domain.ClockState}
_KINDS = {feed_pb2.FeedItemKind.Value(f"FEED_ITEM_KIND_{kind.name}"): kind for kind in domain.Kind}
_CSAT_SCALE = (1.0, 5.0)  # unless the answer names its own


def touchpoint_line(event: Event[TouchpointStitched], zone: ZoneInfo) -> domain.Line:
    """Put a touchpoint on the feed, without its identifiers and its customer."""
    stitched = event.message
    touchpoint = stitched.touchpoint
    occurred_time = parse.moment(touchpoint.occurred_time)
    touchpoint_id = parse.uuid(touchpoint.touchpoint_id, "touchpoint.touchpoint_id")
    item = feed_pb2.FeedItem(
        item_id=event.event_id, occurred_time=touchpoint.occurred_time, org_unit=touchpoint.org_unit
    )
    item.touchpoint.touchpoint.CopyFrom(touchpoint)
    item.touchpoint.touchpoint.ClearField("identifiers")
    item.touchpoint.classification.CopyFrom(stitched.classification)
    item.touchpoint.position.stage = stitched.position.stage
    return domain.Line(
        item_id=parse.uuid(event.event_id, "ce-id"),
        kind=domain.Kind.TOUCHPOINT,
        occurred_time=occurred_time,
        org_unit=touchpoint.org_unit,
        week=domain.week_of(occurred_time, zone),
        content=item.SerializeToString(),
        touchpoint_id=touchpoint_id,
        revision=touchpoint.revision,
        about_id=touchpoint_id,
        given=_belonging(stitched.position.customer_id, stitched.position.graph_version, "position.customer_id"),
        channel=_CHANNELS.get(touchpoint.channel),
        sentiment=_sentiment(touchpoint, stitched.classification),
        nps_score=_nps_score(touchpoint),
        csat_score=_csat_score(touchpoint),
    )


def _sentiment(
    touchpoint: touchpoint_pb2.Touchpoint, classification: classification_pb2.Classification
) -> domain.Sentiment | None:
    """Give the mood of a customer's words; of anybody else's, of no words, and of a model that failed there is none."""
    if touchpoint.actor not in _CUSTOMERS or classification.degraded or not touchpoint.text.strip():
        return None
    return _SENTIMENTS.get(classification.sentiment)


def _nps_score(touchpoint: touchpoint_pb2.Touchpoint) -> float | None:
    return touchpoint.survey.score if touchpoint.survey.type == touchpoint_pb2.SURVEY_TYPE_NPS else None


def _csat_score(touchpoint: touchpoint_pb2.Touchpoint) -> float | None:
    survey = touchpoint.survey
    if survey.type != touchpoint_pb2.SURVEY_TYPE_CSAT:
        return None
    lowest, highest = (survey.lowest, survey.highest) if survey.lowest or survey.highest else _CSAT_SCALE
    return domain.on_scale_of_five(survey.score, lowest, highest)


def voice_line(event: Event[VoiceReleased], zone: ZoneInfo) -> domain.Line:
    """Put a released voice on the feed, on the Monday of its week."""
    voice = event.message.voice
    try:
        occurred_time = domain.monday_of(voice.week, zone)
    except ValueError:
        raise InvalidInput.of_field("voice.week", "is not an ISO week as in 2026-W47") from None
    item = feed_pb2.FeedItem(
        item_id=event.event_id, occurred_time=_timestamp(occurred_time), org_unit=voice.org_unit, voice=voice
    )
    return domain.Line(
        item_id=parse.uuid(event.event_id, "ce-id"),
        kind=domain.Kind.VOICE,
        occurred_time=occurred_time,
        org_unit=voice.org_unit,
        week=voice.week,
        content=item.SerializeToString(),
    )


def case_line(event: Event[CaseEvent], change: domain.Change, zone: ZoneInfo) -> domain.Line | None:
    """Put a turn in a case on the feed, without its customer, or None for one that no reader waits for."""
    case, broken = event.message.case, None
    if isinstance(event.message, ClockBreached):
        if event.message.clock.metric == case_pb2.CLOCK_METRIC_FIRST_RESPONSE:
            return None  # CaseBreached says it.
        broken = event.message.clock
    if change is domain.Change.UPDATED:
        return None
    occurred_time = _time(broken.breach_time) if broken else _turned(case, change)
    occurred_time = occurred_time or event.time
    item = feed_pb2.FeedItem(item_id=event.event_id, occurred_time=_timestamp(occurred_time), org_unit=case.org_unit)
    item.case.change = change
    item.case.case.CopyFrom(case)
    item.case.case.ClearField("customer_id")
    if broken:
        item.case.clock.CopyFrom(broken)
    return domain.Line(
        item_id=parse.uuid(event.event_id, "ce-id"),
        kind=domain.Kind.CASE,
        occurred_time=occurred_time,
        org_unit=case.org_unit,
        week=domain.week_of(occurred_time, zone),
        content=item.SerializeToString(),
        about_id=_optional_uuid(case.touchpoint_id, "case.touchpoint_id"),
        given=_belonging(case.customer_id, 0, "case.customer_id"),
        case_id=parse.uuid(case.case_id, "case.case_id"),
        staff=_origin(case) is domain.Origin.EMPLOYEE,
    )


def _turned(case: case_pb2.Case, change: domain.Change) -> dt.datetime | None:
    """Say when a case took a turn, as far as the case itself knows."""
    times = {
        domain.Change.OPENED: case.opened_time,
        domain.Change.ANSWERED: case.clock.fulfilled_time,
        domain.Change.ACKNOWLEDGED: case.acknowledged_time,
        domain.Change.BREACHED: case.clock.due_time,
        domain.Change.RESOLVED: case.resolved_time,
    }
    return _time(times[change]) if change in times else None


def _time(given: timestamp_pb2.Timestamp) -> dt.datetime | None:
    return given.ToDatetime(dt.UTC) if given.seconds else None


def _origin(case: case_pb2.Case) -> domain.Origin:
    if case.origin not in _ORIGINS:
        raise InvalidInput.of_field("case.origin", "is missing or unknown")
    return _ORIGINS[case.origin]


def case_version(event: Event[CaseEvent], zone: ZoneInfo) -> domain.CaseVersion:
    """Read what the figures need of a case."""
    case = event.message.case
    return domain.CaseVersion(
        case_id=parse.uuid(case.case_id, "case.case_id"),
        version=case.version,
        origin=_origin(case),
        org_unit=case.org_unit,
        week=domain.week_of(case.opened_time.ToDatetime(dt.UTC), zone),
        clock_state=_CLOCK_STATES.get(case.clock.state) if case.HasField("clock") else None,
    )


def alert_line(event: Event[AlertSent], zone: ZoneInfo) -> domain.Line:
    """Put an alert on the feed."""
    alert = event.message
    occurred_time = alert.sent_time.ToDatetime(dt.UTC)
    item = feed_pb2.FeedItem(
        item_id=event.event_id,
        occurred_time=alert.sent_time,
        org_unit=alert.org_unit,
        alert=feed_pb2.FeedAlert(
            alert_id=alert.alert_id, case_id=alert.case_id, reason=alert.reason, target=alert.target
        ),
    )
    return domain.Line(
        item_id=parse.uuid(event.event_id, "ce-id"),
        kind=domain.Kind.ALERT,
        occurred_time=occurred_time,
        org_unit=alert.org_unit,
        week=domain.week_of(occurred_time, zone),
        content=item.SerializeToString(),
        case_id=parse.uuid(alert.case_id, "case_id"),
    )


def pulse(event: Event[PulseReleased]) -> domain.Pulse:
    """Read a released eNPS; a withheld one has none."""
    result = event.message.result
    return domain.Pulse(
        org_unit=result.org_unit,
        week=result.week,
        released_time=event.time,
        release_id=parse.uuid(event.event_id, "ce-id"),
        enps=result.enps if result.HasField("enps") and not result.withheld else None,
    )


def merge(event: Event[CustomerMerged]) -> domain.Merge:
    """Read which customer went into which."""
    return domain.Merge(
        survivor_id=parse.uuid(event.message.customer_id, "customer_id"),
        merged_id=parse.uuid(event.message.merged_customer_id, "merged_customer_id"),
        graph_version=event.message.graph_version,
    )


def split(event: Event[CustomerSplit]) -> domain.Split:
    """Read which touchpoints are another's."""
    customer_id = parse.uuid(event.message.split_customer_id, "split_customer_id")
    return domain.Split(
        domain.Belonging(customer_id, event.message.graph_version),
        tuple(parse.uuid(each, "touchpoint_ids") for each in event.message.touchpoint_ids),
    )


def erased(event: Event[CustomerErased]) -> domain.Erased:
    """Read whose data is to go."""
    return domain.Erased(
        erasure_id=parse.uuid(event.message.erasure_id, "erasure_id"),
        part=event.message.part,
        part_count=event.message.part_count,
        customer_ids=tuple(parse.uuid(each, "customer_ids") for each in event.message.customer_ids),
        touchpoint_ids=tuple(parse.uuid(each, "touchpoint_ids") for each in event.message.touchpoint_ids),
    )


def corrected(event: Event[ClassificationCorrected]) -> domain.Corrected:
    """Read what a classification should have been."""
    return domain.Corrected(
        correction_id=parse.uuid(event.message.correction_id, "correction_id"),
        touchpoint_id=parse.uuid(event.message.touchpoint_id, "touchpoint_id"),
        corrected_time=event.message.corrected_time.ToDatetime(dt.UTC),
        content=event.message.correction.SerializeToString(),
    )


def apply(content: bytes, corrections: Iterable[bytes]) -> tuple[bytes, domain.Sentiment | None]:
    """Correct a touchpoint's line, in the order of the corrections; gives its mood too. Once more changes nothing."""
    item = feed_pb2.FeedItem.FromString(content)
    classification = item.touchpoint.classification
    for each in map(classification_pb2.Correction.FromString, corrections):
        if each.sentiment:
            classification.sentiment = each.sentiment
        if each.emotion:
            classification.emotion = each.emotion
        if each.HasField("abusive"):
            classification.abusive = each.abusive
        if each.utterance:
            classification.utterance = each.utterance
        if each.topics or each.no_topics:
            classification.topics[:] = each.topics
    return item.SerializeToString(), _sentiment(item.touchpoint.touchpoint, classification)


def kind(given: int) -> domain.Kind | None:
    """Read the kind that a request asks for, None for all."""
    if given and given not in _KINDS:
        raise InvalidInput.of_field("kind", "is unknown")
    return _KINDS.get(feed_pb2.FeedItemKind.ValueType(given))


def feed_item(shown: feed.Shown, viewer: domain.Viewer) -> feed_pb2.FeedItem:
    """Read a stored line as this viewer may see it; its customer is the one who remains now."""
    item = feed_pb2.FeedItem.FromString(shown.content)
    if not viewer.sees_customers:
        _hide_customer(item)
    elif shown.customer_id and item.HasField("touchpoint"):
        item.touchpoint.position.customer_id = str(shown.customer_id)
    elif shown.customer_id and item.HasField("case"):
        item.case.case.customer_id = str(shown.customer_id)
    return item


def _hide_customer(item: feed_pb2.FeedItem) -> None:
    """Leave nothing by which one could look up who the customer is."""
    if item.HasField("touchpoint"):
        item.touchpoint.ClearField("position")
        touchpoint = item.touchpoint.touchpoint
        touchpoint.ClearField("external_id")
        touchpoint.ClearField("thread_id")
        touchpoint.ClearField("order_id")
        touchpoint.ClearField("attributes")
    elif item.HasField("case"):
        case = item.case.case
        case.ClearField("customer_id")
        case.ClearField("thread_id")
        case.ClearField("touchpoint_id")
        if item.case.HasField("clock"):
            item.case.clock.ClearField("thread_id")


def scorecard(figures: domain.Scorecard) -> feed_pb2.Scorecard:
    """Write the figures of one shop or team in one week."""
    return feed_pb2.Scorecard(
        org_unit=figures.org_unit,
        week=figures.week,
        touchpoint_count=figures.touchpoint_count,
        negative_count=figures.negative_count,
        neutral_count=figures.neutral_count,
        positive_count=figures.positive_count,
        nps_count=figures.nps_count,
        nps=figures.nps,
        csat_count=figures.csat_count,
        csat=figures.csat,
        first_response_count=figures.first_response_count,
        first_response_attainment=figures.first_response_attainment,
        enps=figures.enps,
        voice_count=figures.voice_count,
    )


def tally(counted: domain.Tally) -> insight_service_pb2.GetTallyResponse:
    """Write how much is on the feed."""
    return insight_service_pb2.GetTallyResponse(
        touchpoint_count=counted.touchpoints,
        voice_count=counted.voices,
        case_count=counted.cases,
        alert_count=counted.alerts,
    )


def _belonging(customer_id: str, graph_version: int, field: str) -> domain.Belonging | None:
    found = _optional_uuid(customer_id, field)
    return domain.Belonging(found, graph_version) if found else None


def _optional_uuid(value: str, field: str) -> uuid.UUID | None:
    return parse.uuid(value, field) if value else None


def _timestamp(time: dt.datetime) -> timestamp_pb2.Timestamp:
    made = timestamp_pb2.Timestamp()
    made.FromDatetime(time)
    return made
