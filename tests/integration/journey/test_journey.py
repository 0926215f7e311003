"""Journey on real engines."""

from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio

import builders
import harness
from engines import Engines
from sori.ingest.v1 import touchpoint_pb2
from sori.journey.v1 import journey_service_pb2 as pb
from sori.journey.v1 import journey_service_pb2_grpc as pb_grpc
from sori_kit import parse, rpc


@pytest_asyncio.fixture
async def journey(engines: Engines) -> AsyncIterator[harness.Harness]:
    async with harness.serving("journey", engines) as running:
        yield running


def stub(journey: harness.Harness) -> pb_grpc.JourneyServiceStub:
    return pb_grpc.JourneyServiceStub(journey.channel)


async def find(journey: harness.Harness, value: str, kind: str = "MEMBER_ID") -> pb.Customer:
    identifier = touchpoint_pb2.Identifier(
        type=touchpoint_pb2.IdentifierType.Value(f"IDENTIFIER_TYPE_{kind}"), value=value
    )
    answer = await stub(journey).FindCustomer(
        pb.FindCustomerRequest(identifier=identifier), metadata=journey.metadata()
    )
    return answer.customer


async def stitched(journey: harness.Harness, count: int) -> None:
    async def enough() -> bool:
        return await journey.published("sori.journey.touchpoint.stitched.v1") >= count

    await harness.until(enough)


async def test_second_delivery_changes_nothing(journey: harness.Harness) -> None:
    event = builders.classified()
    await journey.publish(event)
    await stitched(journey, 1)
    async with journey.db.transaction() as tx:
        await tx.execute("select 1")

    await journey.runtime.bus.consumers[0].handle_again(*_as_stored(event))

    assert 1 == await journey.count("timeline")
    assert 1 == await journey.published("sori.journey.touchpoint.stitched.v1")


def _as_stored(event: object) -> tuple[bytes, dict[str, str]]:
    from sori_kit.envelope import seal

    sealed = seal(event, "sori/classify")  # type: ignore[arg-type]
    return sealed.data, sealed.headers


async def test_shared_strong_identifier_makes_one_customer_of_two(journey: harness.Harness) -> None:
    await journey.publish(
        builders.classified(identifiers=[("member_id", "A")]),
        builders.classified(identifiers=[("phone", "+821000000001")]),
    )
    await stitched(journey, 2)

    await journey.publish(builders.classified(identifiers=[("member_id", "A"), ("phone", "+821000000001")]))
    await stitched(journey, 3)

    customer = await find(journey, "A")
    assert customer.touchpoint_count == 3
    assert customer == await find(journey, "+821000000001", "PHONE")


async def test_pages_of_a_timeline_are_newest_first_and_complete(journey: harness.Harness) -> None:
    events = [
        builders.classified(occurred_time=builders.NOON + builders.dt.timedelta(minutes=minute)) for minute in range(7)
    ]
    await journey.publish(*events)
    await stitched(journey, 7)
    customer = await find(journey, "M-1")

    seen, token = [], ""
    while True:
        page = await stub(journey).GetTimeline(
            pb.GetTimelineRequest(customer_id=customer.customer_id, page_size=3, page_token=token),
            metadata=journey.metadata(),
        )
        seen += [entry.touchpoint.touchpoint_id for entry in page.entries]
        token = page.next_page_token
        if not token:
            break

    assert [event.entity_id for event in reversed(events)] == seen


async def test_a_follower_resumes_after_the_last_entry_seen(journey: harness.Harness) -> None:
    await journey.publish(*[builders.classified() for _ in range(2)])
    await stitched(journey, 2)
    customer = await find(journey, "M-1")

    async def follow(resume_token: str, count: int) -> list[pb.WatchTimelineResponse]:
        call = stub(journey).WatchTimeline(
            pb.WatchTimelineRequest(customer_id=customer.customer_id, resume_token=resume_token),
            metadata=journey.metadata(),
        )
        seen = [await call.read() for _ in range(count)]
        call.cancel()
        return seen

    seen = await follow(parse.encode_token(0), 1)
    await journey.publish(*[builders.classified() for _ in range(2)])
    seen += await follow(seen[0].resume_token, 3)

    assert 4 == len({each.entry.touchpoint.touchpoint_id for each in seen})


async def test_call_without_a_token_is_unauthenticated(journey: harness.Harness) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(journey).GetCustomer(pb.GetCustomerRequest(customer_id="x"))

    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_bad_request_names_the_field(journey: harness.Harness) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(journey).GetCustomer(pb.GetCustomerRequest(customer_id="x"), metadata=journey.metadata())

    reason, violations = rpc.with_details(refused.value)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert reason == "INVALID_INPUT"
    assert ["customer_id"] == [each.field for each in violations]
