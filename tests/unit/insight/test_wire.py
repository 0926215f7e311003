"""What goes onto the feed and what comes off it."""

import uuid
from typing import Any

import pytest
from integration.insight import events

import builders
from sori.insight.v1 import feed_pb2
from sori.notify.v1 import case_pb2
from sori.notify.v1.case_events_pb2 import ClockBreached
from sori_insight import domain, wire
from sori_insight.store import feed
from sori_kit.envelope import Event
from sori_kit.errors import InvalidInput

CUSTOMER = "00000000-0000-4000-8000-00000000c0de"
HR = domain.Viewer(sees_customers=False, sees_staff_cases=True)


def shown(line: domain.Line | None, viewer: domain.Viewer = events.EVERYTHING) -> feed_pb2.FeedItem:
    assert line
    return wire.feed_item(feed.Shown(1, line.given.customer_id if line.given else None, line.content), viewer)


def a_telling_touchpoint() -> domain.Line:
    return wire.touchpoint_line(
        events.stitched(
            customer_id=CUSTOMER,
            identifiers=[("member_id", "SECRET-member"), ("phone", "+821000001234")],
            external_id="SECRET-record",
            thread_id="SECRET-thread",
            order_id="SECRET-order",
            attributes={"note": "SECRET-note"},
        ),
        events.SEOUL,
    )


def test_identifiers_never_reach_the_feed() -> None:
    line = a_telling_touchpoint()

    assert b"SECRET-member" not in line.content
    assert b"+821000001234" not in line.content
    assert CUSTOMER.encode() not in line.content


def test_cx_sees_whose_touchpoint_it_is_and_all_earlier_sections() -> None:
    item = shown(a_telling_touchpoint())

    assert CUSTOMER == item.touchpoint.position.customer_id
    assert "SECRET-order" == item.touchpoint.touchpoint.order_id
    assert builders.a_classification() == item.touchpoint.classification


def test_hr_alone_sees_what_was_said_and_nothing_that_tells_who() -> None:
    item = shown(a_telling_touchpoint(), HR)

    assert "배송이 또 늦었어요" == item.touchpoint.touchpoint.text
    assert b"SECRET" not in item.SerializeToString()
    assert not item.touchpoint.HasField("position")


def test_hr_alone_sees_a_case_without_its_customer() -> None:
    line = wire.case_line(events.a_case(customer_id=CUSTOMER), domain.Change.OPENED, events.SEOUL)

    case = shown(line, HR).case.case

    assert (case.customer_id, case.thread_id, case.touchpoint_id) == ("", "", "")
    assert case.case_id == events.an_id("case", 1)
    assert CUSTOMER == shown(line).case.case.customer_id


@pytest.mark.parametrize(
    ("fields", "sentiment"),
    [
        ({}, domain.Sentiment.NEGATIVE),
        ({"actor": "unspecified"}, domain.Sentiment.NEGATIVE),
        ({"actor": "agent"}, None),
        ({"actor": "bot"}, None),
        ({"text": ""}, None),
        ({"text": " \n"}, None),
        ({"classification": builders.a_classification(degraded=True)}, None),
    ],
)
def test_only_customers_words_that_were_understood_have_a_mood(
    fields: dict[str, Any], sentiment: domain.Sentiment | None
) -> None:
    assert sentiment == wire.touchpoint_line(events.stitched(**fields), events.SEOUL).sentiment


def test_a_turn_in_a_case_stands_at_the_time_of_the_turn() -> None:
    opened = wire.case_line(events.a_case(), domain.Change.OPENED, events.SEOUL)
    breached = wire.case_line(events.a_case("breached", clock="breached"), domain.Change.BREACHED, events.SEOUL)

    assert opened
    assert breached
    assert builders.NOON == opened.occurred_time
    assert builders.NOON + builders.dt.timedelta(minutes=5) == breached.occurred_time


def a_broken_clock(metric: str) -> Event[ClockBreached]:
    event = events.a_case("clock_breached", clock="breached")
    event.message.clock.metric = case_pb2.ClockMetric.Value(f"CLOCK_METRIC_{metric}")
    event.message.clock.thread_id = "SECRET-thread"
    event.message.clock.breach_time.FromDatetime(builders.NOON + builders.dt.timedelta(hours=8))
    return event


def test_a_broken_promise_other_than_the_first_response_has_a_line_of_its_own() -> None:
    resolution = wire.case_line(a_broken_clock("TOTAL_RESOLUTION"), domain.Change.CLOCK_BREACHED, events.SEOUL)
    response = wire.case_line(a_broken_clock("FIRST_RESPONSE"), domain.Change.CLOCK_BREACHED, events.SEOUL)

    assert resolution
    assert builders.NOON + builders.dt.timedelta(hours=8) == resolution.occurred_time
    assert case_pb2.CLOCK_METRIC_TOTAL_RESOLUTION == shown(resolution).case.clock.metric
    assert "SECRET-thread" not in str(shown(resolution, HR))
    assert response is None  # The breach of the case says it.


def test_a_case_whose_clock_stands_still_counts_as_promised_and_not_yet_kept() -> None:
    updated = events.a_case("updated", clock="paused")

    assert wire.case_line(updated, domain.Change.UPDATED, events.SEOUL) is None
    assert domain.ClockState.PAUSED is wire.case_version(updated, events.SEOUL).clock_state


def test_a_voice_stands_on_the_monday_of_its_week() -> None:
    line = wire.voice_line(events.a_voice(week="2026-W45"), events.SEOUL)

    assert "2026-11-02T00:00:00+09:00" == line.occurred_time.astimezone(events.SEOUL).isoformat()


def test_a_voice_without_a_week_can_never_succeed() -> None:
    with pytest.raises(InvalidInput, match="ISO week"):
        wire.voice_line(events.a_voice(week="soon"), events.SEOUL)


def test_a_touchpoint_without_its_id_can_never_succeed() -> None:
    event = events.stitched()
    event.message.touchpoint.touchpoint_id = "7"

    with pytest.raises(InvalidInput, match="touchpoint_id"):
        wire.touchpoint_line(event, events.SEOUL)


def test_the_customer_who_remains_is_shown() -> None:
    line, survivor = a_telling_touchpoint(), uuid.uuid4()

    item = wire.feed_item(feed.Shown(1, survivor, line.content), events.EVERYTHING)

    assert str(survivor) == item.touchpoint.position.customer_id
