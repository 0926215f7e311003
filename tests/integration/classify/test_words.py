"""Keywords, summaries and the mood of each topic, by RPC, with the real model."""

from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio

import harness
from engines import Engines
from sori.classify.v1 import classification_pb2 as words
from sori.classify.v1 import classify_service_pb2 as pb
from sori.classify.v1.classify_service_pb2_grpc import ClassifyServiceStub
from sori_kit import rpc
from sori_local import plan

TRANSCRIPT = (
    "상담원: 안녕하세요. 무엇을 도와드릴까요? 고객: 네 안녕하세요. 지난주에 주문한 냉장고 배송이 아직도 안 왔어요. "
    "상담원: 확인해 보겠습니다. 고객: 배송이 세 번이나 미뤄졌는데 연락도 없었어요. "
    "냉장고 배송 날짜를 다시 알려 주세요. "
    "상담원: 죄송합니다. 고객: 이번 주에도 배송이 안 되면 냉장고 환불을 요청하겠습니다. 상담원: 네 알겠습니다."
)


@pytest_asyncio.fixture
async def classify(engines: Engines) -> AsyncIterator[harness.Harness]:
    env = {
        "SORI_CLASSIFY_MODEL_PATH": str(plan.model()),
        "SORI_CLASSIFY_LEXICON_PATH": str(plan.lexicons()),
    }
    async with harness.serving("classify", engines, env=env) as running:
        yield running


def stub(classify: harness.Harness) -> ClassifyServiceStub:
    return ClassifyServiceStub(classify.channel)


async def test_keywords_name_what_texts_are_about(classify: harness.Harness) -> None:
    texts = ["냉장고 배송이 늦어요", "냉장고 소음이 커요", "The fridge arrived broken"]

    answer = await stub(classify).ExtractKeywords(
        pb.ExtractKeywordsRequest(texts=texts, max_keywords=3), metadata=classify.metadata("hr.read")
    )

    assert 3 == len(answer.text_keywords)
    assert "냉장고" == answer.group_keywords[0].word
    assert 2 == answer.group_keywords[0].text_count
    assert "fridge" in [each.word for each in answer.text_keywords[2].keywords]


async def test_keywords_are_those_that_a_given_background_lacks(classify: harness.Harness) -> None:
    answer = await stub(classify).ExtractKeywords(
        pb.ExtractKeywordsRequest(
            texts=["냉장고 배송 지연", "냉장고 배송 누락"],
            background_texts=["냉장고 소음", "냉장고 가격", "냉장고 색상"],
        ),
        metadata=classify.metadata("cx.read"),
    )

    assert "배송" == answer.group_keywords[0].word


async def test_a_transcript_is_summed_up_by_its_own_sentences(classify: harness.Harness) -> None:
    answer = await stub(classify).Summarise(
        pb.SummariseRequest(texts=[TRANSCRIPT], max_sentences=2), metadata=classify.metadata("cx.read")
    )

    assert 2 == len(answer.sentences)
    assert all(TRANSCRIPT[each.start : each.end] == each.text for each in answer.sentences)
    assert all("배송" in each.text for each in answer.sentences)


@pytest.mark.parametrize(
    ("field", "request_"),
    [
        ("texts", pb.SummariseRequest()),
        ("texts", pb.SummariseRequest(texts=["가" * 300_001])),
        ("max_sentences", pb.SummariseRequest(texts=["가"], max_sentences=-1)),
    ],
)
async def test_what_cannot_be_summed_up_is_refused_by_name(
    classify: harness.Harness, field: str, request_: pb.SummariseRequest
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(classify).Summarise(request_, metadata=classify.metadata("cx.read"))

    assert [field] == [each.field for each in rpc.with_details(refused.value)[1]]


async def test_an_employee_may_not_ask(classify: harness.Harness) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(classify).ExtractKeywords(
            pb.ExtractKeywordsRequest(texts=["배송"]), metadata=classify.metadata("employee")
        )

    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_topics_in_clauses_of_their_own_have_moods_of_their_own(classify: harness.Harness) -> None:
    answer = await stub(classify).Classify(
        pb.ClassifyRequest(texts=["음식은 정말 맛있지만 가격이 너무 비싸요", "배송이 너무 늦어요"]),
        metadata=classify.metadata("cx.read"),
    )

    mixed, plain = answer.classifications
    moods = {each.topic: each.sentiment for each in mixed.topic_sentiments}
    assert {"product_quality": words.SENTIMENT_POSITIVE, "price": words.SENTIMENT_NEGATIVE} == moods
    assert {plain.sentiment} == {each.sentiment for each in plain.topic_sentiments}
    assert [each.topic for each in plain.topic_sentiments] == list(plain.topics)
