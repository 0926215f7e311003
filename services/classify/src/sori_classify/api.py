"""The gRPC edge of classify."""

from sori.classify.v1 import classify_service_pb2 as pb
from sori.classify.v1 import classify_service_pb2_grpc as pb_grpc
from sori_classify import usecases, wire
from sori_classify.model import Model
from sori_kit import rpc


class ClassifyApi(pb_grpc.ClassifyServiceServicer):
    """Translates, calls one use case, translates back."""

    def __init__(self, reader: usecases.Reader, model: Model) -> None:
        self._reader = reader
        self._model = model

    async def Classify(self, request: pb.ClassifyRequest, context: rpc.Context) -> pb.ClassifyResponse:
        """Classify texts."""
        found = await usecases.read(self._reader, request.texts)
        return pb.ClassifyResponse(classifications=map(wire.classification, found))

    async def GetModelCard(self, request: pb.GetModelCardRequest, context: rpc.Context) -> pb.GetModelCardResponse:
        """Say which model answers."""
        return pb.GetModelCardResponse(model_version=self._model.version, card_json=self._model.card_json)
