"""What an operator sees of a service, and does with what it gave up on."""

from collections.abc import AsyncIterator

import pytest_asyncio

import builders
import harness
from engines import Engines
from sori.operations.v1 import operations_service_pb2 as pb
from sori.operations.v1 import operations_service_pb2_grpc as pb_grpc


@pytest_asyncio.fixture
async def journey(engines: Engines) -> AsyncIterator[harness.Harness]:
    async with harness.serving("journey", engines) as running:
        yield running


def stub(journey: harness.Harness) -> pb_grpc.OperationsServiceStub:
    return pb_grpc.OperationsServiceStub(journey.channel)


async def dead_letters(
    journey: harness.Harness, page_size: int = 0, page_token: str = ""
) -> pb.ListDeadLettersResponse:
    request = pb.ListDeadLettersRequest(page_size=page_size, page_token=page_token)
    return await stub(journey).ListDeadLetters(request, metadata=journey.metadata("admin"))


async def broken(journey: harness.Harness, count: int) -> None:
    """Have journey give up on so many events."""
    await journey.publish(*[builders.classified(touchpoint_id=f"no-uuid-{number}") for number in range(count)])

    async def given_up() -> bool:
        return len((await dead_letters(journey)).dead_letters) == count

    await harness.until(given_up)


async def test_status_tells_of_engines_consumers_and_dead_letters(journey: harness.Harness) -> None:
    await broken(journey, 1)

    status = await stub(journey).GetStatus(pb.GetStatusRequest(), metadata=journey.metadata("admin"))

    assert ("journey", 0) == (status.service, status.outbox_count)
    assert {"nats": True, "postgres": True} == {engine.name: engine.ok for engine in status.engines}
    found = [(each.durable, each.pending_count, each.dead_letter_count) for each in status.consumers]
    assert [("journey-stitch", 0, 1), ("journey-correct", 0, 0)] == found


async def test_dead_letters_are_paged_oldest_first_and_shown_whole(journey: harness.Harness) -> None:
    await broken(journey, 3)

    first = await dead_letters(journey, page_size=2)
    second = await dead_letters(journey, page_size=2, page_token=first.next_page_token)

    letters = [*first.dead_letters, *second.dead_letters]
    assert 3 == len({letter.event_id for letter in letters})
    assert "" == second.next_page_token
    request = pb.GetDeadLetterRequest(dead_letter_id=letters[0].dead_letter_id)
    shown = await stub(journey).GetDeadLetter(request, metadata=journey.metadata("admin"))
    assert "no-uuid-0" in shown.event_json
    assert "INVALID_INPUT" == shown.dead_letter.reason


async def test_a_replay_that_fails_again_keeps_the_letter(journey: harness.Harness) -> None:
    await broken(journey, 2)

    answer = await stub(journey).ReplayDeadLetters(pb.ReplayDeadLettersRequest(), metadata=journey.metadata("admin"))

    assert 0 == answer.replayed_count
    assert 2 == len((await dead_letters(journey)).dead_letters)
