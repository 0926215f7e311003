"""The gRPC edge of classify."""

from collections.abc import AsyncIterable, AsyncIterator

from sori.classify.v1 import classify_service_pb2 as pb
from sori.classify.v1 import classify_service_pb2_grpc as pb_grpc
from sori_classify import usecases, wire
from sori_classify.model import Analyst, Shelf
from sori_kit import auth, parse, rpc
from sori_kit.bus import Bus
from sori_kit.clock import Clock


class ClassifyApi(pb_grpc.ClassifyServiceServicer):
    """Translates, calls one use case, translates back."""

    def __init__(self, reader: usecases.Reader, shelf: Shelf, analyst: Analyst, bus: Bus, clock: Clock) -> None:
        self._reader = reader
        self._shelf = shelf
        self._analyst = analyst
        self._bus = bus
        self._clock = clock

    async def Classify(self, request: pb.ClassifyRequest, context: rpc.Context) -> pb.ClassifyResponse:
        """Classify texts."""
        written = await usecases.read(self._reader, request.texts, fine=request.include_emotions)
        return rpc.as_written(pb.ClassifyResponse, written)

    async def ClassifyStream(
        self, request: AsyncIterable[pb.ClassifyStreamRequest], context: rpc.Context
    ) -> AsyncIterator[pb.ClassifyStreamResponse]:
        """Classify texts as they come."""
        async for each, found in usecases.read_stream(self._reader, request):
            yield pb.ClassifyStreamResponse(id=each.id, classification=found)

    async def Explain(self, request: pb.ExplainRequest, context: rpc.Context) -> pb.ExplainResponse:
        """Say which parts of a text moved a decision."""
        return wire.explanation(await usecases.explain(self._reader, request.text, wire.aspect(request.aspect)))

    async def ExtractKeywords(
        self, request: pb.ExtractKeywordsRequest, context: rpc.Context
    ) -> pb.ExtractKeywordsResponse:
        """Name the words that set texts apart."""
        each, group = await usecases.extract_keywords(
            self._analyst, request.texts, request.background_texts, most=request.max_keywords
        )
        return wire.keywords(each, group)

    async def Summarise(self, request: pb.SummariseRequest, context: rpc.Context) -> pb.SummariseResponse:
        """Sum up texts by some of their own sentences."""
        return wire.summary(await usecases.summarise(self._analyst, request.texts, most=request.max_sentences))

    async def CorrectClassification(
        self, request: pb.CorrectClassificationRequest, context: rpc.Context
    ) -> pb.CorrectClassificationResponse:
        """Keep what a classification should have been."""
        correction_id = await usecases.correct(
            self._reader,
            self._bus,
            touchpoint_id=parse.uuid(request.touchpoint_id, "touchpoint_id"),
            correction=request.correction,
            reason=request.reason,
            text=request.text,
            request_id=request.request_id,
            by=auth.caller().subject,
            now=self._clock.now(),
        )
        return pb.CorrectClassificationResponse(correction_id=correction_id)

    async def ListCorrections(
        self, request: pb.ListCorrectionsRequest, context: rpc.Context
    ) -> pb.ListCorrectionsResponse:
        """Give a page of corrections."""
        cursor = parse.decode_token(request.page_token, int)
        page, more = await usecases.list_corrections(
            self._bus, after=int(cursor[0]) if cursor else 0, most=parse.page_size(request.page_size)
        )
        return pb.ListCorrectionsResponse(
            corrections=page, next_page_token="" if more is None else parse.encode_token(more)
        )

    async def ListModels(self, request: pb.ListModelsRequest, context: rpc.Context) -> pb.ListModelsResponse:
        """List the models, and say how the canary does."""
        return wire.models(self._shelf)

    async def GetModelCard(self, request: pb.GetModelCardRequest, context: rpc.Context) -> pb.GetModelCardResponse:
        """Say which model answers."""
        model = self._shelf.serving.model
        return pb.GetModelCardResponse(model_version=model.version, card_json=model.card_json)
