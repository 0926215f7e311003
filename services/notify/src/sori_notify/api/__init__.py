"""The gRPC edge of notify."""

from sori.notify.v1 import notify_service_pb2_grpc as pb_grpc
from sori_notify.api.alerting import AlertingApi
from sori_notify.api.attainment import AttainmentApi
from sori_notify.api.cases import CasesApi


class NotifyApi(CasesApi, AttainmentApi, AlertingApi, pb_grpc.NotifyServiceServicer):
    """Translates, calls one use case, translates back."""


__all__ = ["NotifyApi"]
