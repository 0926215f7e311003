"""Reading texts with whatever model and lexicon serve at the moment."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from concurrent.futures import Executor
from dataclasses import replace

import structlog

from sori.classify.v1.classify_service_pb2 import ClassifyStreamRequest
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_classify import domain, wire
from sori_classify.model import Model, ModelFailed, Serving, Shelf
from sori_classify.usecases import drift
from sori_kit import ids, streams
from sori_kit.bus import Batch, Bus
from sori_kit.envelope import Event
from sori_kit.errors import InvalidInput

log = structlog.get_logger()

MOST_TEXTS = 1000  # in one request
LONGEST_TEXT = 100_000  # characters
LONGEST_ID = 256
MOST_TOGETHER = 256  # texts of a stream


class Reader:
    """Reads texts with the models of a shelf, off the event loop."""

    def __init__(self, shelf: Shelf, executor: Executor) -> None:
        self._shelf = shelf
        self._executor = executor
        self._expected: Serving | None = None  # What the baseline of the metrics is of.

    async def read(self, texts: Sequence[str], *, fine: bool = False) -> list[domain.Classification]:
        """Classify texts, in order; one on which the model fails is marked as degraded, never an error.

        KOTE's 44 emotions are given only when `fine` ones are asked for.
        """
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._read, texts, fine)

    async def scores(self, texts: Sequence[str]) -> Sequence[domain.Scores | None]:
        """Score texts, in order, with None for each on which the model fails."""
        model = self._shelf.serving.model
        return await asyncio.get_running_loop().run_in_executor(self._executor, score, model, texts)

    def _read(self, texts: Sequence[str], fine: bool = False) -> list[domain.Classification]:
        serving, canary = self._shelf.serving, self._shelf.canary
        if serving is not self._expected:
            self._expected = serving
            drift.expect(serving.model)
        found = judge(serving, texts, fine=fine)
        if canary is not None and canary.takes(len(texts)):
            canary.compare(found, judge(canary.serving, texts))
        return found


def judge(serving: Serving, texts: Sequence[str], *, fine: bool = False) -> list[domain.Classification]:
    """Classify texts with one model and one lexicon."""
    version = serving.model.version
    founds = list(map(serving.lexicon.find, texts))
    clauses = clause_scores(serving, founds)
    return [
        domain.classify(text, scores, found=found, clauses=clauses.get(at, {}), model_version=version)
        for at, (text, scores, found) in enumerate(
            zip(texts, score(serving.model, texts, fine=fine), founds, strict=True)
        )
    ]


def clause_scores(serving: Serving, founds: Sequence[domain.Found]) -> dict[int, dict[str, domain.SentimentScores]]:
    """Score the clauses of texts whose topics stand apart, all in one call; gives moods by text and topic."""
    apart = {
        at: divided
        for at, found in enumerate(founds)
        if len(found.topics) > 1 and (divided := domain.apart(found.text, found.places))
    }
    if not apart:
        return {}
    asked = list(dict.fromkeys(text for topics in apart.values() for texts in topics.values() for text in texts))
    read = {
        text: domain.leaning(scores.sentiment, serving.lexicon.hint(text))
        for text, scores in zip(asked, score(serving.model, asked), strict=True)
        if scores
    }
    return {
        at: {
            topic: domain.mean([read[text] for text in texts])
            for topic, texts in topics.items()
            if all(text in read for text in texts)
        }
        for at, topics in apart.items()
    }


def score(model: Model, texts: Sequence[str], *, fine: bool = False) -> Sequence[domain.Scores | None]:
    """Score texts; a batch that the model refuses is halved until the one bad text stands alone."""
    try:
        return model.score(texts, fine=fine)
    except ModelFailed as error:
        if len(texts) == 1:
            log.warning("model.failed", model=model.version, problem=str(error))
            return [None]
        middle = len(texts) // 2
        return [*score(model, texts[:middle], fine=fine), *score(model, texts[middle:], fine=fine)]


async def read(reader: Reader, texts: Sequence[str], *, fine: bool) -> list[domain.Classification]:
    """Classify the texts of one request."""
    if not 1 <= len(texts) <= MOST_TEXTS:
        raise InvalidInput.of_field("texts", f"must hold 1 to {MOST_TEXTS} texts")
    for index, text in enumerate(texts):
        check(text, f"texts[{index}]")
    return await reader.read(texts, fine=fine)


async def read_stream(
    reader: Reader, requests: AsyncIterable[ClassifyStreamRequest]
) -> AsyncIterator[tuple[ClassifyStreamRequest, domain.Classification]]:
    """Classify what has come in so far, together, and give each request with its answer, in order."""
    async with contextlib.aclosing(streams.chunks(requests, most=MOST_TOGETHER)) as batches:
        async for batch in batches:
            for each in batch:
                check(each.text, "text")
                if len(each.id) > LONGEST_ID:
                    raise InvalidInput.of_field("id", f"is longer than {LONGEST_ID} characters")
            found = await reader.read([each.text for each in batch], fine=any(each.include_emotions for each in batch))
            for each, one in zip(batch, found, strict=True):
                yield each, one if each.include_emotions else replace(one, kote=())


def check(text: str, field: str) -> None:
    """Refuse a text that is too long."""
    if len(text) > LONGEST_TEXT:
        raise InvalidInput.of_field(field, f"is longer than {LONGEST_TEXT} characters")


async def classify(reader: Reader, bus: Bus, batch: Batch[TouchpointReceived], *, now: dt.datetime) -> None:
    """Classify a batch of touchpoints and pass them on; returns when all are on disk at the broker."""
    texts = [event.message.touchpoint.text for event in batch]
    found = await reader.read(texts)
    drift.watch(texts, found)
    await bus.publish(
        [
            Event.new(
                wire.touchpoint_classified(event.message.touchpoint, each),
                event_id=ids.derived("classified", event.event_id),
                entity_id=event.entity_id,
                time=now,
                cause=event,
            )
            for event, each in zip(batch, found, strict=True)
        ]
    )
