"""One function per thing that classify can be asked to do."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from concurrent.futures import Executor

import structlog

from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_classify import domain, wire
from sori_classify.model import Lexicon, Model, ModelFailed
from sori_kit import ids
from sori_kit.bus import Batch, Bus
from sori_kit.envelope import Event
from sori_kit.errors import InvalidInput

log = structlog.get_logger()

MOST_TEXTS = 1000  # in one request
LONGEST_TEXT = 100_000  # characters


class Reader:
    """Reads texts with a model and a lexicon, off the event loop."""

    def __init__(self, model: Model, lexicon: Lexicon, executor: Executor) -> None:
        self._model = model
        self._lexicon = lexicon
        self._executor = executor

    async def read(self, texts: Sequence[str]) -> list[domain.Classification]:
        """Classify texts, in order; one on which the model fails is marked as degraded, never an error."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._read, texts)

    def _read(self, texts: Sequence[str]) -> list[domain.Classification]:
        return [self._judge(text, scores) for text, scores in zip(texts, self._score(texts), strict=True)]

    def _score(self, texts: Sequence[str]) -> Sequence[domain.Scores | None]:
        try:
            return self._model.score(texts)
        except ModelFailed as error:
            if len(texts) == 1:
                log.warning("model.failed", model=self._model.version, problem=str(error))
                return [None]
            middle = len(texts) // 2
            return [*self._score(texts[:middle]), *self._score(texts[middle:])]

    def _judge(self, text: str, scores: domain.Scores | None) -> domain.Classification:
        topics, triggers = self._lexicon.find(text)
        return domain.classify(text, scores, topics=topics, triggers=triggers, model_version=self._model.version)


async def read(reader: Reader, texts: Sequence[str]) -> list[domain.Classification]:
    """Classify the texts of one request."""
    if not 1 <= len(texts) <= MOST_TEXTS:
        raise InvalidInput.of_field("texts", f"must hold 1 to {MOST_TEXTS} texts")
    for index, text in enumerate(texts):
        if len(text) > LONGEST_TEXT:
            raise InvalidInput.of_field(f"texts[{index}]", f"is longer than {LONGEST_TEXT} characters")
    return await reader.read(texts)


async def classify(reader: Reader, bus: Bus, batch: Batch[TouchpointReceived], *, now: dt.datetime) -> None:
    """Classify a batch of touchpoints and pass them on; returns when all are on disk at the broker."""
    found = await reader.read([event.message.touchpoint.text for event in batch])
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
