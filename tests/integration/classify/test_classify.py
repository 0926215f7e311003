"""Classify on a real broker with the real model."""

from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio

import builders
import harness
from engines import Engines
from sori.classify.v1 import classification_pb2, classify_service_pb2, classify_service_pb2_grpc
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori_kit import rpc
from sori_kit.bus import Bus
from sori_kit.settings import KitSettings
from sori_local import plan

CLASSIFIED = "sori.classify.touchpoint.classified.v1"


@pytest_asyncio.fixture
async def classify(engines: Engines) -> AsyncIterator[harness.Harness]:
    env = {
        "SORI_CLASSIFY_MODEL_PATH": str(plan.model()),
        "SORI_CLASSIFY_LEXICON_PATH": str(plan.lexicons()),
    }
    async with harness.serving("classify", engines, env=env) as running:
        yield running


def stub(classify: harness.Harness) -> classify_service_pb2_grpc.ClassifyServiceStub:
    return classify_service_pb2_grpc.ClassifyServiceStub(classify.channel)


async def test_clear_texts_are_read_right_and_in_order(classify: harness.Harness) -> None:
    texts = [
        "직원분이 정말 친절하고 최고예요!",
        "배송이 너무 늦고 최악이에요. 환불해 주세요.",
        "",
        "The staff were rude and awful.",
    ]

    answer = await stub(classify).Classify(
        classify_service_pb2.ClassifyRequest(texts=texts), metadata=classify.metadata("cx.read")
    )

    sentiments = [each.sentiment for each in answer.classifications]
    assert sentiments[0] == classification_pb2.SENTIMENT_POSITIVE
    assert sentiments[1] == classification_pb2.SENTIMENT_NEGATIVE
    assert sentiments[3] == classification_pb2.SENTIMENT_NEGATIVE
    assert {"delivery", "refund_exchange"} <= set(answer.classifications[1].topics)
    assert answer.classifications[2].language == "und"


async def test_every_touchpoint_goes_on_once_with_its_section(classify: harness.Harness) -> None:
    events = [builders.received(text=f"배송이 늦어요 {number}") for number in range(300)]

    await classify.publish(*events)
    await classify.publish(*events)

    async def all_classified() -> bool:
        return await classify.published(CLASSIFIED) == 300

    await harness.until(all_classified)
    (first, *_) = await classify.runtime.bus.read(CLASSIFIED, after=0, most=1)
    classified = TouchpointClassified.FromString(first.data)
    assert classified.touchpoint == events[0].message.touchpoint
    assert classified.classification.model_version.startswith("sori-small")
    assert not classified.classification.degraded
    assert first.headers["ce-causationid"] == events[0].event_id


async def test_strange_texts_get_an_answer(classify: harness.Harness) -> None:
    texts = ["ㅋㅋㅋㅋㅋㅋ", "😀😀", "a" * 100_000, "\0", "مرحبا بالعالم كيف الحال", "１２３ ＡＢＣ"]

    answer = await stub(classify).Classify(
        classify_service_pb2.ClassifyRequest(texts=texts), metadata=classify.metadata("cx.read")
    )

    assert len(texts) == len(answer.classifications)
    assert not any(each.degraded for each in answer.classifications)


async def test_too_many_texts_are_refused_by_name(classify: harness.Harness) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(classify).Classify(
            classify_service_pb2.ClassifyRequest(texts=["x"] * 1001), metadata=classify.metadata("cx.read")
        )

    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert ["texts"] == [each.field for each in rpc.with_details(refused.value)[1]]


async def test_what_no_role_allows_is_refused(classify: harness.Harness) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(classify).GetModelCard(
            classify_service_pb2.GetModelCardRequest(), metadata=classify.metadata("employee")
        )

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_message_of_another_kind_is_a_dead_letter_and_the_line_goes_on(
    classify: harness.Harness, engines: Engines
) -> None:
    ingest = await Bus.connect("ingest", KitSettings(nats_url=engines.nats_url, grpc_port=0))
    await ingest._client.jetstream().publish("sori.ingest.touchpoint.received.v1", b"\xff\xff")
    await ingest.publish([builders.received()])

    async def gone_on() -> bool:
        return await classify.published(CLASSIFIED) == 1

    await harness.until(gone_on)
    (letter,) = await classify.runtime.bus.dead_letters(after=0, most=5)
    assert letter.reason == "INVALID_INPUT"
    await ingest.close()
