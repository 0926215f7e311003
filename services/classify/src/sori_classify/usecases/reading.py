"""Reading texts with whatever model and lexicon serve at the moment."""

import contextlib
import datetime as dt
import itertools
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Concatenate, ParamSpec, TypeVar

import structlog

from sori.classify.v1 import classification_pb2 as pb
from sori.classify.v1.classify_service_pb2 import ClassifyResponse, ClassifyStreamRequest
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_classify import domain, wire
from sori_classify.model import Canary, Lexicon, Model, ModelFailed, Serving, Shelf, WorkerAway, Workers
from sori_classify.usecases import drift
from sori_kit import ids, streams
from sori_kit.bus import Batch, Bus
from sori_kit.envelope import Event
from sori_kit.errors import InvalidInput, Unavailable

log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")

MOST_TEXTS = 1000  # in one request
LONGEST_TEXT = 100_000  # characters
LONGEST_ID = 256
MOST_TOGETHER = 256  # texts of a stream
_NO_CLAUSES: Mapping[str, domain.SentimentScores] = {}
_NOTHING_MORE = TouchpointClassified()  # than what was passed on, and classify's section, which a worker wrote


class Reader:
    """Reads texts with the models of a shelf, in the processes of workers."""

    def __init__(self, shelf: Shelf, workers: Workers) -> None:
        self._shelf = shelf
        self._workers = workers
        self._expected: Serving | None = None  # What the baseline of the metrics is of.

    async def read(self, texts: Sequence[str], *, fine: bool = False) -> ClassifyResponse:
        """Classify texts, in order; one on which the model fails is marked as degraded, never an error.

        KOTE's 44 emotions are given only when `fine` ones are asked for.
        """
        return ClassifyResponse.FromString(await self.read_written(list(texts), fine=fine))

    async def read_written(self, texts: list[str], *, fine: bool = False) -> bytes:
        """Classify texts into a ClassifyResponse as it goes over the wire."""
        canary = self._shelf.canary
        answer = await self._ask_together(self._serving(), responded, texts, fine=fine)
        if canary is not None and canary.takes(len(texts)):
            await self._compare(canary, texts, ClassifyResponse.FromString(answer).classifications)
        return answer

    async def read_line(self, texts: Sequence[str]) -> tuple[Sequence[bytes], drift.Counts]:
        """Classify texts of the line into TouchpointClassified as it goes over the wire, and count what drifts."""
        texts = list(texts)
        canary = self._shelf.canary
        sections, counts = await self._ask_together(self._serving(), written, texts)
        if canary is not None and canary.takes(len(texts)):
            await self._compare(
                canary, texts, [TouchpointClassified.FromString(each).classification for each in sections]
            )
        return sections, counts

    @property
    def topics(self) -> frozenset[str]:
        """Name the topics of the lexicon that serves."""
        return self._shelf.serving.lexicon.topics

    async def ask(self, function: Callable[Concatenate[Serving, P], R], *given: P.args, **named: P.kwargs) -> R:
        """Call a function of a module with what serves, in the process of a worker."""
        with _outage():
            return await self._workers.run(self._serving(), function, *given, **named)

    async def _ask_together(
        self,
        serving: Serving,
        function: Callable[Concatenate[Serving, Sequence[Sequence[str]], P], Sequence[R]],
        texts: Sequence[str],
        *given: P.args,
        **named: P.kwargs,
    ) -> R:
        with _outage():
            return await self._workers.run_together(serving, function, texts, *given, **named)

    def _serving(self) -> Serving:
        serving = self._shelf.serving
        if serving is not self._expected:
            self._expected = serving
            drift.expect(serving.model)
        return serving

    async def _compare(self, canary: Canary, texts: list[str], found: Sequence[pb.Classification]) -> None:
        """Have the canary read the texts, too."""
        own = ClassifyResponse.FromString(await self._ask_together(canary.serving, responded, texts))
        canary.compare(found, own.classifications)


@contextlib.contextmanager
def _outage() -> Iterator[None]:
    """Tell callers in their own words that a worker cannot answer for the moment."""
    try:
        yield
    except WorkerAway as away:
        raise Unavailable(str(away)) from away


def responded(serving: Serving, asked: Sequence[Sequence[str]], *, fine: bool = False) -> list[bytes]:
    """Classify the texts of requests, each into a ClassifyResponse as it goes over the wire."""
    found = iter(judge(serving, list(itertools.chain.from_iterable(asked)), fine=fine))
    return [wire.response(itertools.islice(found, len(texts))) for texts in asked]


def written(serving: Serving, asked: Sequence[Sequence[str]]) -> list[tuple[list[bytes], drift.Counts]]:
    """Classify batches of the line into TouchpointClassified as it goes over the wire, and count what drifts."""
    together = list(itertools.chain.from_iterable(asked))
    found = judge(serving, together)
    sections = {
        text: wire.touchpoint_classified(each) for text, each in dict(zip(together, found, strict=True)).items()
    }
    left = iter(found)
    return [
        ([sections[text] for text in texts], drift.count(texts, list(itertools.islice(left, len(texts)))))
        for texts in asked
    ]


def judge(serving: Serving, texts: Sequence[str], *, fine: bool = False) -> list[domain.Classification]:
    """Classify texts with one model and one lexicon; the model is called once.

    What several say is read once: most of all nothing, which is the text of whatever people do without a word.
    """
    version = serving.model.version
    different = list(dict.fromkeys(texts))
    founds = serving.lexicon.find_all(different)
    apart = _apart(serving.lexicon, founds)
    clauses = list(dict.fromkeys(clause for each in apart.values() for some in each.values() for clause in some))
    scored = score(serving.model, [*different, *map(domain.unturned, clauses)], fine=fine)
    moods = {
        clause: domain.leaning(scores.sentiment, serving.lexicon.hint(clause))
        for clause, scores in zip(clauses, scored[len(different) :], strict=True)
        if scores
    }
    read = [
        domain.classify(
            text,
            scores,
            found=found,
            clauses=_clause_moods(apart[at], moods) if at in apart else _NO_CLAUSES,
            model_version=version,
        )
        for at, (text, scores, found) in enumerate(zip(different, scored, founds, strict=False))
    ]
    if len(different) == len(texts):
        return read
    read_of = dict(zip(different, read, strict=True))
    return [read_of[text] for text in texts]


def _apart(lexicon: Lexicon, founds: Sequence[domain.Found]) -> Mapping[int, Mapping[str, Sequence[str]]]:
    """Give, of each text that says that its topics are felt about differently, the clauses in which each topic stands.

    It says so where it turns against itself, or has words for either mood. In other texts the mood of the whole is
    nearly always that of each topic, and is read more surely from all of the words.
    """
    apart = {}
    for at, found in enumerate(founds):
        divided = domain.apart(found.text, found.places) if len(found.topics) > 1 else {}
        if divided and (domain.turns(found.text) or len(lexicon.leanings(found.text)) > 1):
            apart[at] = divided
    return apart


def _clause_moods(
    topics: Mapping[str, Sequence[str]], moods: Mapping[str, domain.SentimentScores]
) -> Mapping[str, domain.SentimentScores]:
    """Give the mood of each topic from those of the clauses in which it stands."""
    found = {topic: [moods[clause] for clause in clauses if clause in moods] for topic, clauses in topics.items()}
    return {topic: domain.mean(each) for topic, each in found.items() if len(each) == len(topics[topic])}


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


async def read(reader: Reader, texts: Sequence[str], *, fine: bool) -> bytes:
    """Classify the texts of one request into a ClassifyResponse as it goes over the wire."""
    if not 1 <= len(texts) <= MOST_TEXTS:
        raise InvalidInput.of_field("texts", f"must hold 1 to {MOST_TEXTS} texts")
    texts = list(texts)  # Those of a message are made anew whenever somebody looks at them.
    if max(map(len, texts)) > LONGEST_TEXT:
        for index, text in enumerate(texts):
            check(text, f"texts[{index}]")
    return await reader.read_written(texts, fine=fine)


async def read_stream(
    reader: Reader, requests: AsyncIterable[ClassifyStreamRequest]
) -> AsyncIterator[tuple[ClassifyStreamRequest, pb.Classification]]:
    """Classify what has come in so far, together, and give each request with its answer, in order."""
    async with contextlib.aclosing(streams.chunks(requests, most=MOST_TOGETHER)) as batches:
        async for batch in batches:
            for each in batch:
                check(each.text, "text")
                if len(each.id) > LONGEST_ID:
                    raise InvalidInput.of_field("id", f"is longer than {LONGEST_ID} characters")
            answer = await reader.read([each.text for each in batch], fine=any(each.include_emotions for each in batch))
            for each, one in zip(batch, answer.classifications, strict=True):
                if not each.include_emotions:
                    one.ClearField("emotions")
                yield each, one


def check(text: str, field: str) -> None:
    """Refuse a text that is too long."""
    if len(text) > LONGEST_TEXT:
        raise InvalidInput.of_field(field, f"is longer than {LONGEST_TEXT} characters")


async def classify(reader: Reader, bus: Bus, batch: Batch[TouchpointReceived], *, now: dt.datetime) -> None:
    """Classify a batch of touchpoints and pass them on; returns when all are on disk at the broker."""
    sections, counts = await reader.read_line([event.message.touchpoint.text for event in batch])
    drift.watch(counts)
    await bus.publish(
        [
            Event.new(
                _NOTHING_MORE,
                event_id=ids.derived("classified", event.event_id),
                entity_id=event.entity_id,
                time=now,
                cause=event,
                passed_on=(event.data or event.message.SerializeToString()) + section,
            )
            for event, section in zip(batch, sections, strict=True)
        ]
    )
