"""Explanations, corrections, streams and the change of models, on a real broker with the real model."""

import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

import harness
from engines import Engines
from sori.classify.v1 import classification_pb2 as words
from sori.classify.v1 import classify_service_pb2 as pb
from sori.classify.v1.classification_events_pb2 import ClassificationCorrected
from sori.classify.v1.classify_service_pb2_grpc import ClassifyServiceStub
from sori_kit import rpc
from sori_local import plan

CORRECTED = "sori.classify.classification.corrected.v1"
COMPLAINT = "배송이 너무 늦고 최악이에요. 환불해 주세요."


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    shutil.copytree(plan.model(), tmp_path / "models" / "first")
    shutil.copytree(plan.lexicons(), tmp_path / "lexicons")
    return tmp_path


@pytest_asyncio.fixture
async def classify(engines: Engines, shelf: Path) -> AsyncIterator[harness.Harness]:
    env = {
        "SORI_CLASSIFY_MODEL_PATH": str(shelf / "models" / "first"),
        "SORI_CLASSIFY_LEXICON_PATH": str(shelf / "lexicons"),
        "SORI_CLASSIFY_MODEL_POLL_SECONDS": "0.1",
    }
    async with harness.serving("classify", engines, env=env) as running:
        yield running


def stub(classify: harness.Harness) -> ClassifyServiceStub:
    return ClassifyServiceStub(classify.channel)


async def listed(classify: harness.Harness) -> pb.ListModelsResponse:
    return await stub(classify).ListModels(pb.ListModelsRequest(), metadata=classify.metadata("admin"))


async def test_a_stream_answers_each_text_in_order_and_emotions_only_where_asked_for(classify: harness.Harness) -> None:
    texts = [f"배송이 {number}일 늦어요" for number in range(600)]

    async def requests() -> AsyncIterator[pb.ClassifyStreamRequest]:
        for number, text in enumerate(texts):
            yield pb.ClassifyStreamRequest(id=str(number), text=text, include_emotions=number % 2 == 1)

    call = stub(classify).ClassifyStream(requests(), metadata=classify.metadata("cx.read"))
    answers = [answer async for answer in call]

    assert list(map(str, range(600))) == [each.id for each in answers]
    assert [0, 44] * 300 == [len(each.classification.emotions) for each in answers]
    assert all("delivery" in each.classification.topics for each in answers)


async def test_the_words_that_made_a_text_negative_are_named(classify: harness.Harness) -> None:
    answer = await stub(classify).Explain(
        pb.ExplainRequest(text="어제 주문했는데 정말 최악이에요"), metadata=classify.metadata("cx.read")
    )

    strongest = max(answer.pieces, key=lambda piece: piece.weight)
    assert "negative" == answer.decision
    assert "최악이에요" == strongest.text
    assert "어제 주문했는데 정말 최악이에요" == " ".join(piece.text for piece in answer.pieces)
    assert 0.5 < answer.probability <= 1


@pytest.mark.parametrize("aspect", words.Aspect.values())
async def test_every_decision_has_an_explanation(classify: harness.Harness, aspect: words.Aspect.ValueType) -> None:
    answer = await stub(classify).Explain(
        pb.ExplainRequest(text=COMPLAINT * 100, aspect=aspect), metadata=classify.metadata("hr.read")
    )

    assert answer.decision
    assert 2 <= len(answer.pieces) <= 64


async def test_what_the_model_does_not_read_is_not_explained(classify: harness.Harness) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(classify).Explain(pb.ExplainRequest(text="😀"), metadata=classify.metadata("cx.read"))

    assert ["text"] == [each.field for each in rpc.with_details(refused.value)[1]]


async def test_a_correction_is_kept_once_and_listed_for_training(classify: harness.Harness) -> None:
    touchpoint = str(uuid.uuid4())
    request = pb.CorrectClassificationRequest(
        touchpoint_id=touchpoint,
        correction=words.Correction(sentiment=words.SENTIMENT_POSITIVE, abusive=False),
        reason="irony",
        text=COMPLAINT,
        request_id="click-1",
    )

    first = await stub(classify).CorrectClassification(request, metadata=classify.metadata("cx.act", subject="kim"))
    second = await stub(classify).CorrectClassification(request, metadata=classify.metadata("cx.act", subject="kim"))
    page = await stub(classify).ListCorrections(pb.ListCorrectionsRequest(), metadata=classify.metadata("admin"))

    (kept,) = page.corrections
    assert first.correction_id == second.correction_id == kept.correction_id
    assert (touchpoint, "kim", "irony") == (kept.touchpoint_id, kept.corrected_by, kept.reason)
    assert words.SENTIMENT_NEGATIVE == kept.classification.sentiment
    assert kept.correction.HasField("abusive")
    assert "" == page.next_page_token


async def test_corrections_never_expire(classify: harness.Harness) -> None:
    await stub(classify).CorrectClassification(
        pb.CorrectClassificationRequest(touchpoint_id=str(uuid.uuid4()), correction=words.Correction(no_topics=True)),
        metadata=classify.metadata("cx.act"),
    )

    (stored,) = await classify.runtime.bus.read(CORRECTED, after=0, most=2)
    assert "never" == stored.headers["Nats-TTL"]
    assert ClassificationCorrected.FromString(stored.data).correction.no_topics


@pytest.mark.parametrize(
    ("field", "correction"),
    [
        ("correction", words.Correction()),
        ("correction.emotion", words.Correction(emotion="rage")),
        ("correction.topics[1]", words.Correction(topics=["price", "prise"])),
        ("correction.topics[0]", words.Correction(topics=["delivery.late"])),
        ("correction.sentiment", words.Correction(sentiment=77)),  # type: ignore[arg-type]
        ("correction.utterance", words.Correction(utterance=77)),  # type: ignore[arg-type]
        ("correction.no_topics", words.Correction(topics=["price"], no_topics=True)),
    ],
)
async def test_a_correction_that_cannot_be_is_refused_by_name(
    classify: harness.Harness, field: str, correction: words.Correction
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub(classify).CorrectClassification(
            pb.CorrectClassificationRequest(touchpoint_id=str(uuid.uuid4()), correction=correction),
            metadata=classify.metadata("cx.act"),
        )

    assert [field] == [each.field for each in rpc.with_details(refused.value)[1]]


async def test_a_canary_that_agrees_takes_over_and_says_so(classify: harness.Harness, shelf: Path) -> None:
    shutil.copytree(shelf / "models" / "first", shelf / "models" / "second")
    (shelf / "models" / "serving.yaml").write_text("canary: {model: second, share: 1, texts: 20, switch_below: 0.05}")

    async def tried() -> bool:
        return any(each.canary for each in (await listed(classify)).models)

    async def switched() -> bool:
        await stub(classify).Classify(pb.ClassifyRequest(texts=[COMPLAINT] * 10), metadata=classify.metadata("cx.read"))
        return [each.name for each in (await listed(classify)).models if each.serving] == ["second"]

    await harness.until(tried)
    await harness.until(switched)


async def test_a_model_that_is_broken_leaves_the_old_one_answering(classify: harness.Harness, shelf: Path) -> None:
    broken = shelf / "models" / "broken"
    shutil.copytree(shelf / "models" / "first", broken)
    (broken / "model.onnx").write_bytes(b"no graph")
    (shelf / "models" / "serving.yaml").write_text("serving: broken")

    async def refused() -> bool:
        return any(each.problem for each in (await listed(classify)).models)

    await harness.until(refused)
    assert ["first"] == [each.name for each in (await listed(classify)).models if each.serving]
    answer = await stub(classify).Classify(pb.ClassifyRequest(texts=[COMPLAINT]), metadata=classify.metadata("cx.read"))
    assert words.SENTIMENT_NEGATIVE == answer.classifications[0].sentiment


async def test_edited_word_lists_are_taken_up_without_a_restart(classify: harness.Harness, shelf: Path) -> None:
    topics = shelf / "lexicons" / "topics.yaml"
    topics.write_text("customer:\n  drones: [드론]\n", encoding="utf-8")

    async def taken_up() -> bool:
        answer = await stub(classify).Classify(
            pb.ClassifyRequest(texts=["드론이 떨어졌어요"]), metadata=classify.metadata("cx.read")
        )
        return list(answer.classifications[0].topics) == ["drones"]

    await harness.until(taken_up)
