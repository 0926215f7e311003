"""Events that insight consumes beside touchpoints, for its tests; everything has a default."""

import datetime as dt
import itertools
import uuid
from typing import TypeVar
from zoneinfo import ZoneInfo

from google.protobuf.message import Message

import builders
from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.classify.v1.classification_pb2 import Correction
from sori.ee_feedback.v1.pulse_events_pb2 import PulseReleased
from sori.ee_feedback.v1.voice_events_pb2 import VoiceReleased
from sori.ingest.v1 import touchpoint_pb2
from sori.insight.v1 import feed_pb2
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
from sori_insight.consumers import Consumers
from sori_insight.store import feed
from sori_insight.wire import CaseEvent, feed_item
from sori_kit import ids
from sori_kit.bus import Batch
from sori_kit.database import Database
from sori_kit.envelope import Event

SEOUL = ZoneInfo("Asia/Seoul")
EVERYTHING = domain.Viewer(sees_customers=True, sees_staff_cases=True)
M = TypeVar("M", bound=Message)
_numbers = itertools.count(1)
_CHANGES: dict[str, type[CaseEvent]] = {
    "opened": CaseOpened,
    "answered": CaseAnswered,
    "acknowledged": CaseAcknowledged,
    "breached": CaseBreached,
    "resolved": CaseResolved,
    "reopened": CaseReopened,
    "updated": CaseUpdated,
    "clock_breached": ClockBreached,
}


def an_id(*parts: object) -> str:
    """The same UUID for the same parts."""
    return str(ids.derive(*map(str, parts)))


def event(message: M, *parts: object, time: dt.datetime = builders.NOON) -> Event[M]:
    """An event whose id is the same for the same parts."""
    event_id = an_id(type(message).__name__, *(parts or (next(_numbers),)))
    return Event.new(message, event_id=event_id, entity_id=event_id, time=time)


def stitched(revision: int = 0, **fields: object) -> Event[TouchpointStitched]:
    """A touchpoint in one of its revisions, each an event of its own."""
    made = builders.stitched(revision=revision, **fields)  # type: ignore[arg-type]
    return event(made.message, made.entity_id, revision)


def nps(score: float) -> touchpoint_pb2.Survey:
    """An answer to the NPS question."""
    return touchpoint_pb2.Survey(type=touchpoint_pb2.SURVEY_TYPE_NPS, score=score)


def csat(score: float, lowest: float = 0, highest: float = 0) -> touchpoint_pb2.Survey:
    """An answer to the satisfaction question."""
    return touchpoint_pb2.Survey(type=touchpoint_pb2.SURVEY_TYPE_CSAT, score=score, lowest=lowest, highest=highest)


def a_case(
    change: str = "opened",
    *,
    number: int = 1,
    version: int = 1,
    clock: str | None = "running",
    origin: str = "customer",
    org_unit: str = "강남점",
    opened_time: dt.datetime = builders.NOON,
    customer_id: str = "",
) -> Event[CaseEvent]:
    """A turn in a case."""
    case = case_pb2.Case(
        case_id=an_id("case", number),
        origin=case_pb2.CaseOrigin.Value(f"CASE_ORIGIN_{origin.upper()}"),
        state=case_pb2.CASE_STATE_NEW,
        source="kakao-main",
        thread_id=f"thread-{number}",
        customer_id=customer_id,
        org_unit=org_unit,
        touchpoint_id=an_id("touchpoint", number),
        version=version,
    )
    case.opened_time.FromDatetime(opened_time)
    if clock:
        case.clock.metric = case_pb2.CLOCK_METRIC_FIRST_RESPONSE
        case.clock.state = case_pb2.ClockState.Value(f"CLOCK_STATE_{clock.upper()}")
        case.clock.due_time.FromDatetime(opened_time + dt.timedelta(minutes=5))
    return event(_CHANGES[change](case=case), number, version)


def an_alert(number: int = 1, *, org_unit: str = "강남점") -> Event[AlertSent]:
    """An alert about a case."""
    alert = AlertSent(
        alert_id=an_id("alert", number),
        case_id=an_id("case", number),
        reason="first_response.breached",
        target="cx-duty",
        org_unit=org_unit,
        attempt_count=1,
    )
    alert.sent_time.FromDatetime(builders.NOON)
    return event(alert, number)


def a_voice(number: int = 1, *, org_unit: str = "강남점", week: str = "2026-W45") -> Event[VoiceReleased]:
    """A released voice."""
    made = VoiceReleased()
    made.voice.voice_id = an_id("voice", number)
    made.voice.org_unit = org_unit
    made.voice.week = week
    made.voice.text = "주말 근무표가 너무 늦게 나와요"
    made.voice.classification.CopyFrom(builders.a_classification())
    return event(made, number)


def a_pulse(
    enps: float, *, org_unit: str = "강남점", week: str = "2026-W45", time: dt.datetime = builders.NOON
) -> Event[PulseReleased]:
    """A released eNPS."""
    made = PulseReleased()
    made.result.org_unit = org_unit
    made.result.week = week
    made.result.respondent_count = 9
    made.result.enps = enps
    return event(made, org_unit, week, time.isoformat(), time=time)


def a_merge(survivor_id: str, merged_id: str, graph_version: int = 1) -> Event[CustomerMerged]:
    """One customer that went into another."""
    merged = CustomerMerged(customer_id=survivor_id, merged_customer_id=merged_id, graph_version=graph_version)
    return event(merged, survivor_id, merged_id, graph_version)


def a_split(customer_id: str, touchpoint_ids: list[str], graph_version: int) -> Event[CustomerSplit]:
    """Touchpoints that turned out to be another's."""
    made = CustomerSplit(split_customer_id=customer_id, touchpoint_ids=touchpoint_ids, graph_version=graph_version)
    return event(made, customer_id, graph_version)


def an_erasure(customer_ids: list[str], touchpoint_ids: list[str]) -> Event[CustomerErased]:
    """A customer whose data is to go."""
    made = CustomerErased(customer_ids=customer_ids, touchpoint_ids=touchpoint_ids, part=1, part_count=1)
    made.erasure_id = an_id("erasure", *customer_ids)
    return event(made, *customer_ids)


def a_correction(touchpoint_id: str, correction: Correction) -> Event[ClassificationCorrected]:
    """What a touchpoint should have been read as."""
    made = ClassificationCorrected(touchpoint_id=touchpoint_id, correction=correction, corrected_by="lead")
    made.correction_id = an_id("correction", touchpoint_id)
    made.corrected_time.FromDatetime(builders.NOON)
    return event(made, touchpoint_id)


def a_line(number: int, **fields: object) -> domain.Line:
    """A line as the store takes it."""
    item_id = an_id("line", number)
    values = {
        "item_id": uuid.UUID(item_id),
        "kind": domain.Kind.VOICE,
        "occurred_time": builders.NOON,
        "org_unit": "",
        "week": "2026-W45",
        "content": feed_pb2.FeedItem(item_id=item_id).SerializeToString(),
    }
    return domain.Line(**{**values, **fields})  # type: ignore[arg-type]


async def hand_over(consumers: Consumers, events: list[Event[Message]]) -> None:
    """Give events of one type to their handler, as one delivery would."""
    handlers: dict[type[Message], object] = {
        TouchpointStitched: consumers.add_touchpoints,
        CustomerMerged: consumers.merge_customers,
        CustomerSplit: consumers.split_customers,
        CustomerErased: consumers.erase,
        ClassificationCorrected: consumers.correct,
        CaseOpened: consumers.add_opened_cases,
        CaseAnswered: consumers.add_answered_cases,
        CaseAcknowledged: consumers.add_acknowledged_cases,
        CaseBreached: consumers.add_breached_cases,
        CaseResolved: consumers.add_resolved_cases,
        CaseReopened: consumers.add_reopened_cases,
        CaseUpdated: consumers.add_updated_cases,
        ClockBreached: consumers.add_breached_clocks,
        AlertSent: consumers.add_alerts,
        VoiceReleased: consumers.add_voices,
        PulseReleased: consumers.add_pulses,
    }
    handler = handlers[type(events[0].message)]
    distinct = tuple({each.event_id: each for each in events}.values())  # As the kit hands them over.
    await handler(Batch(f"insight-{handler.__name__}", distinct))  # type: ignore[attr-defined, operator]


async def whole_feed(db: Database, viewer: domain.Viewer = EVERYTHING) -> list[feed_pb2.FeedItem]:
    """All lines that a viewer may see, in order of arrival."""
    wanted = domain.Filter(None, "", viewer.sees_staff_cases)
    async with db.transaction() as tx:
        return [feed_item(shown, viewer) for shown in await feed.arrivals(tx, wanted, after=0, most=10_000)]
