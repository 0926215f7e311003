"""Insight on real engines: what arrives on the bus, and what its readers get."""

import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio
from google.protobuf import json_format
from google.protobuf.message import Message
from integration.insight import events

import builders
import harness
from engines import Engines
from sori.classify.v1.classification_pb2 import SENTIMENT_POSITIVE, Correction
from sori.insight.v1 import feed_pb2
from sori.insight.v1 import insight_service_pb2 as pb
from sori.insight.v1 import insight_service_pb2_grpc as pb_grpc
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched
from sori_insight import usecases
from sori_insight.consumers import Consumers
from sori_kit import rpc
from sori_kit.envelope import Event, event_type, seal

CUSTOMER = "00000000-0000-4000-8000-00000000c0de"
SURVIVOR = "00000000-0000-4000-8000-00000000cafe"


@pytest_asyncio.fixture
async def insight(engines: Engines) -> AsyncIterator[harness.Harness]:
    async with harness.serving("insight", engines) as running:
        yield running


def stub(insight: harness.Harness) -> pb_grpc.InsightServiceStub:
    return pb_grpc.InsightServiceStub(insight.channel)


async def page(insight: harness.Harness, *roles: str, **fields: Any) -> pb.ListFeedResponse:
    return await stub(insight).ListFeed(pb.ListFeedRequest(**fields), metadata=insight.metadata(*roles))


async def publish(insight: harness.Harness, *given: Event[Message]) -> None:
    """Publish, and wait until everything was handled."""
    await insight.publish(*given)
    bus = insight.runtime.bus

    async def handled() -> bool:
        return all([await bus.backlog(each) == (0, 0) for each in bus.consumers])

    await harness.until(handled)


async def one_of_each(insight: harness.Harness) -> None:
    for event in (
        events.stitched(customer_id=CUSTOMER, thread_id="t-1", order_id="o-1", org_unit="강남점"),
        events.a_case("opened", customer_id=CUSTOMER, version=1),
        events.a_case("breached", customer_id=CUSTOMER, version=2, clock="breached"),
        events.an_alert(),
        events.a_voice(),
        events.a_case("answered", customer_id=CUSTOMER, version=3, clock="breached"),
        events.a_case("acknowledged", customer_id=CUSTOMER, version=4, clock="breached"),
        events.a_case("resolved", customer_id=CUSTOMER, version=5, clock="breached"),
        events.a_pulse(25.0),
    ):
        await publish(insight, event)


async def test_everything_that_arrives_is_on_the_feed_latest_first(insight: harness.Harness) -> None:
    await one_of_each(insight)

    answer = await page(insight)

    contents = [item.case.change or item.WhichOneof("content") for item in answer.items]
    assert contents == ["resolved", "acknowledged", "answered", "voice", "alert", "breached", "opened", "touchpoint"]


async def test_a_scorecard_puts_customers_and_employees_side_by_side(insight: harness.Harness) -> None:
    await one_of_each(insight)

    answer = await stub(insight).ListScorecards(
        pb.ListScorecardsRequest(org_unit="강남점"), metadata=insight.metadata("hr.read")
    )

    assert list(answer.scorecards) == [
        feed_pb2.Scorecard(
            org_unit="강남점",
            week="2026-W45",
            touchpoint_count=1,
            negative_count=1,
            first_response_count=1,
            first_response_attainment=0.0,
            enps=25.0,
            voice_count=1,
        )
    ]


async def test_a_case_is_tallied_once_however_many_turns_it_takes(insight: harness.Harness) -> None:
    await one_of_each(insight)

    tally = await stub(insight).GetTally(pb.GetTallyRequest(), metadata=insight.metadata("admin"))

    assert tally == pb.GetTallyResponse(touchpoint_count=1, voice_count=1, case_count=1, alert_count=1)


async def test_a_second_delivery_changes_nothing(insight: harness.Harness) -> None:
    event = events.stitched()
    await publish(insight, event)
    sealed = seal(event, "sori/journey")

    await insight.runtime.bus.consumers[0].handle_again(sealed.data, sealed.headers)

    assert 1 == await insight.count("feed_item")


async def test_every_example_of_what_it_consumes_is_handled(insight: harness.Harness) -> None:
    consumers = Consumers(insight.db, events.SEOUL)
    examples = [
        (message, path)
        for message in (consumer.message for consumer in insight.runtime.bus.consumers)
        for path in sorted((harness.repository() / "tests/contract/examples" / event_type(message)).glob("*.json"))
    ]

    for message, path in examples:
        await events.hand_over(consumers, [events.event(json_format.Parse(path.read_text(), message()), path.stem)])

    touchpoints = [path for message, path in examples if message is TouchpointStitched]
    assert len(examples) - len(touchpoints) == await insight.count("inbox")
    assert len(touchpoints) == await insight.count("feed_item where touchpoint_id is not null")
    assert {message for message, _ in examples} == {consumer.message for consumer in insight.runtime.bus.consumers}


async def test_an_event_that_cannot_be_read_leaves_its_neighbours_alone(insight: harness.Harness) -> None:
    bad = events.a_voice(1, week="soon")

    await insight.publish(bad, *[events.a_voice(number) for number in range(2, 6)])

    async def dead() -> bool:
        return await insight.runtime.bus.count("sori.dlq.insight-add-voices", stream="SORI_DLQ") == 1

    await harness.until(dead)
    await harness.until(lambda: _has(insight, 4))


async def _has(insight: harness.Harness, count: int) -> bool:
    return await insight.count("feed_item") == count


async def test_hr_alone_learns_no_customers_identity(insight: harness.Harness) -> None:
    await one_of_each(insight)

    for_hr, for_cx = await page(insight, "hr.read"), await page(insight, "cx.read", "hr.read")

    assert len(for_cx.items) == len(for_hr.items)
    assert CUSTOMER.encode() in for_cx.SerializeToString()
    for secret in (CUSTOMER, "t-1", "o-1", "thread-1", "M-1"):
        assert secret.encode() not in for_hr.SerializeToString()


async def test_cx_alone_sees_released_voices_and_nothing_of_employees_cases(insight: harness.Harness) -> None:
    await publish(insight, events.an_alert(7), events.a_voice())
    await publish(insight, events.a_case(number=7, origin="employee"))
    await publish(insight, events.an_alert(1))

    for_cx, for_hr = await page(insight, "cx.read"), await page(insight, "hr.read")

    assert ["alert", "voice"] == [item.WhichOneof("content") for item in for_cx.items]
    assert events.an_id("case", 1) == for_cx.items[0].alert.case_id
    assert 4 == len(for_hr.items)


async def test_a_higher_revision_takes_the_place_of_the_lower_one(insight: harness.Harness) -> None:
    await publish(insight, events.stitched(1, external_id="x", text="늦어요", org_unit="A"))
    await publish(insight, events.a_voice())

    await publish(insight, events.stitched(3, external_id="x", text="아주 늦어요", org_unit="B"))
    await publish(insight, events.stitched(2, external_id="x", text="꽤 늦어요", org_unit="C"))

    items = (await page(insight)).items
    assert ["voice", "touchpoint"] == [item.WhichOneof("content") for item in items]
    assert "아주 늦어요" == items[1].touchpoint.touchpoint.text
    cards = await stub(insight).ListScorecards(pb.ListScorecardsRequest(), metadata=insight.metadata())
    assert ["B"] == [card.org_unit for card in cards.scorecards if card.touchpoint_count]


async def test_touchpoints_of_a_merged_customer_show_the_one_who_remains(insight: harness.Harness) -> None:
    await publish(insight, events.stitched(customer_id=CUSTOMER), events.a_case(customer_id=CUSTOMER))

    await publish(insight, events.a_merge(SURVIVOR, CUSTOMER))
    await publish(insight, events.stitched(customer_id=CUSTOMER))

    items = (await page(insight, "cx.read")).items
    assert 3 == len(items)
    assert {SURVIVOR} == {item.touchpoint.position.customer_id or item.case.case.customer_id for item in items}


async def test_filters_keep_one_kind_or_one_shop(insight: harness.Harness) -> None:
    await publish(
        insight,
        events.stitched(org_unit="A"),
        events.stitched(org_unit="B"),
        events.a_voice(1, org_unit="A"),
        events.a_voice(2, org_unit="B"),
    )

    voices = await page(insight, kind=feed_pb2.FEED_ITEM_KIND_VOICE)
    shop = await page(insight, org_unit="A")
    both = await page(insight, kind=feed_pb2.FEED_ITEM_KIND_VOICE, org_unit="A")

    assert ["voice", "voice"] == [item.WhichOneof("content") for item in voices.items]
    assert {"A"} == {item.org_unit for item in shop.items}
    assert [(1, "A")] == [(len(both.items), item.org_unit) for item in both.items]


async def test_pages_stay_complete_while_new_lines_arrive(insight: harness.Harness) -> None:
    known = [events.stitched() for _ in range(7)]
    await publish(insight, *known)
    first = await page(insight, page_size=3)

    seen, token = list(first.items), first.next_page_token
    while token:
        await publish(insight, events.stitched())
        answer = await page(insight, page_size=3, page_token=token)
        seen += answer.items
        token = answer.next_page_token

    assert [item.item_id for item in seen] == [event.event_id for event in reversed(known)]


async def test_touchpoint_ids_come_page_by_page_in_order(insight: harness.Harness) -> None:
    known = [events.stitched() for _ in range(5)]
    await publish(insight, *known, events.a_voice())

    seen, token = list[str](), ""
    while True:
        answer = await stub(insight).ListTouchpointIds(
            pb.ListTouchpointIdsRequest(page_size=2, page_token=token), metadata=insight.metadata("admin")
        )
        seen += answer.touchpoint_ids
        token = answer.next_page_token
        if not token:
            break

    assert seen == sorted(event.message.touchpoint.touchpoint_id for event in known)


async def test_ids_for_reconciliation_are_for_operators(insight: harness.Harness) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(insight).ListTouchpointIds(pb.ListTouchpointIdsRequest(), metadata=insight.metadata("cx.read"))

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"page_size": -1}, "page_size"),
        ({"page_token": "%"}, "page_token"),
        ({"kind": 99}, "kind"),
    ],
)
async def test_a_bad_request_names_the_field(insight: harness.Harness, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await page(insight, **fields)

    _, violations = rpc.with_details(refused.value)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [field] == [each.field for each in violations]


async def test_weeks_begin_in_the_zone_of_the_settings(engines: Engines) -> None:
    sunday_night = builders.NOON - builders.dt.timedelta(hours=13)
    async with harness.serving("insight", engines, env={"SORI_INSIGHT_ZONE": "UTC"}) as insight:
        await publish(insight, events.stitched(occurred_time=builders.NOON - builders.dt.timedelta(hours=6)))
        await publish(insight, events.stitched(occurred_time=sunday_night))

        answer = await stub(insight).ListScorecards(pb.ListScorecardsRequest(), metadata=insight.metadata())

    assert [("2026-W44", 2)] == [(card.week, card.touchpoint_count) for card in answer.scorecards]


async def test_a_split_takes_its_touchpoints_with_it_also_when_it_comes_first(insight: harness.Harness) -> None:
    early, late = events.stitched(external_id="early", customer_id=CUSTOMER), events.stitched(external_id="late")
    late.message.position.customer_id = SURVIVOR
    late.message.position.graph_version = 5
    await publish(insight, early, events.a_merge(SURVIVOR, CUSTOMER, 5))

    await publish(
        insight,
        events.a_split(CUSTOMER, [early.message.touchpoint.touchpoint_id, late.message.touchpoint.touchpoint_id], 6),
    )
    await publish(insight, late)

    items = (await page(insight, "cx.read")).items
    assert [CUSTOMER, CUSTOMER] == [item.touchpoint.position.customer_id for item in items]


async def test_an_erased_customer_leaves_no_line_and_none_that_comes_later_stays(insight: harness.Harness) -> None:
    erased, other = events.stitched(external_id="a", customer_id=CUSTOMER), events.stitched(external_id="b")
    later = events.stitched(external_id="c", customer_id=CUSTOMER)
    await publish(insight, erased, other, events.a_case(customer_id=CUSTOMER))

    await publish(insight, events.an_erasure([CUSTOMER], [erased.message.touchpoint.touchpoint_id]))
    await publish(insight, later)

    assert [other.message.touchpoint.touchpoint_id] == [
        item.touchpoint.touchpoint.touchpoint_id for item in (await page(insight)).items
    ]
    told: list[tuple[uuid.UUID, int]] = []

    async def answer(erasure_id: uuid.UUID, removed: int) -> None:
        told.append((erasure_id, removed))

    await usecases.answer_erasures(insight.db, answer)
    await usecases.answer_erasures(insight.db, answer)
    assert [2] == [removed for _, removed in told]


@pytest.mark.parametrize("first", ["touchpoint", "correction"])
async def test_a_correction_changes_line_and_figures_whichever_comes_first(
    insight: harness.Harness, first: str
) -> None:
    line = events.stitched(classification=builders.a_classification("negative"))
    correction = events.a_correction(
        line.message.touchpoint.touchpoint_id, Correction(sentiment=SENTIMENT_POSITIVE, topics=["price"])
    )
    await publish(insight, *([line, correction] if first == "touchpoint" else [correction, line]))

    (item,) = (await page(insight)).items
    assert SENTIMENT_POSITIVE == item.touchpoint.classification.sentiment
    assert ["price"] == item.touchpoint.classification.topics
    cards = await stub(insight).ListScorecards(pb.ListScorecardsRequest(), metadata=insight.metadata())
    assert [(0, 1)] == [(card.negative_count, card.positive_count) for card in cards.scorecards]
