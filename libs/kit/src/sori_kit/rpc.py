"""gRPC: the server with its one interceptor, and channels to other services."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, TypeAlias, TypeVar, cast

import grpc
import structlog
from google.protobuf import message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from sori_kit import auth, errors, telemetry, utf8
from sori_kit.settings import KitSettings

log = structlog.get_logger()

M = TypeVar("M", bound=Message)

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
RpcHandler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Adder = Callable[[Any, Any], None]  # A generated add_…Servicer_to_server.

_CODES: dict[type[errors.SoriError], grpc.StatusCode] = {
    errors.InvalidInput: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.Conflict: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
}
_MOST_BYTES = 16 << 20  # of one message
_OPTIONS = [
    ("grpc.max_receive_message_length", _MOST_BYTES),
    ("grpc.max_send_message_length", _MOST_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),  # Its own two minutes would outlast the peer's absence by far.
]
_RETRY = """{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 4, "initialBackoff": "0.2s",
    "maxBackoff": "2s", "backoffMultiplier": 3, "retryableStatusCodes": ["UNAVAILABLE"]}}]}"""


def channel(target: str, *, retry: bool = True) -> grpc.aio.Channel:
    """Open a channel; calls that find the peer away are tried four times unless `retry` is off."""
    extra = [("grpc.service_config", _RETRY)] if retry else []
    return grpc.aio.insecure_channel(target, options=_OPTIONS + extra)


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """Make the metadata that carries a token."""
    return (("authorization", f"Bearer {token}"),)


class Server:
    """A gRPC server on which every call is authenticated, bounded in time, logged and measured."""

    def __init__(self, name: str, settings: KitSettings, verifier: auth.Verifier) -> None:
        self._interceptor = _Interceptor(name, settings, verifier)
        self._server = grpc.aio.server(interceptors=[self._interceptor], options=_OPTIONS)
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        self._services: dict[str, ServiceDescriptor] = {}
        self._settings = settings
        self.port = 0

    def add(self, adder: Adder, servicer: object, descriptor: ServiceDescriptor) -> None:
        """Serve a service; one of its RPCs without declared roles stops the start."""
        adder(servicer, self._server)
        self._services[descriptor.full_name] = descriptor
        self._interceptor.serve(descriptor)

    async def start(self) -> None:
        """Open the port; health says NOT_SERVING until `ready`."""
        reflection.enable_server_reflection([*self._services, reflection.SERVICE_NAME], self._server)
        await self._say(health_pb2.HealthCheckResponse.NOT_SERVING)
        address = f"{self._settings.listen_host}:{self._settings.grpc_port}"
        self.port = self._server.add_insecure_port(address)
        await self._server.start()

    async def ready(self) -> None:
        """Say SERVING from now on."""
        await self._say(health_pb2.HealthCheckResponse.SERVING)

    async def stop(self) -> None:
        """Say NOT_SERVING, take no new call, and let running ones end in time."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(self._settings.drain_seconds)

    async def _say(self, status: Any) -> None:
        for name in ("", *self._services):
            await self._health.set(name, status)


class _Interceptor(grpc.aio.ServerInterceptor):
    """Owns what every call has in common; servicers only translate."""

    def __init__(self, name: str, settings: KitSettings, verifier: auth.Verifier) -> None:
        self._domain = name
        self._seconds = settings.rpc_seconds
        self._verifier = verifier
        self._roles: dict[str, frozenset[str]] = {}
        self._requests: dict[str, type[Message]] = {}
        self._wrapped: dict[str, RpcHandler] = {}

    def serve(self, service: ServiceDescriptor) -> None:
        self._roles |= auth.policy({service.full_name: service})
        method: MethodDescriptor
        for method in service.methods:
            path = f"/{service.full_name}/{method.name}"
            self._requests[path] = message_factory.GetMessageClass(method.input_type)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[RpcHandler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> RpcHandler | None:
        path = str(handler_call_details.method)
        if path in self._wrapped:
            return self._wrapped[path]
        handler = await continuation(handler_call_details)
        if handler is None or auth.is_open(path):
            return handler
        self._wrapped[path] = self._wrap(path, handler)
        return self._wrapped[path]

    def _wrap(self, path: str, handler: Any) -> RpcHandler:
        """Put the common part around a handler; requests arrive as bytes, so that bad ones can be named."""
        streams = handler.request_streaming

        async def unary(request: Any, context: Context) -> Any:
            inner = handler.stream_unary if streams else handler.unary_unary
            async with _Call(self, path, context) as call:
                await call.admit()
                seconds = None if streams else self._seconds  # A stream of requests lasts as long as its sender.
                async with asyncio.timeout(seconds):
                    return await inner(self._parsed(path, request, streams), context)

        async def stream(request: Any, context: Context) -> AsyncIterator[Any]:
            inner = handler.stream_stream if streams else handler.unary_stream
            async with _Call(self, path, context) as call:
                await call.admit()
                async for response in inner(self._parsed(path, request, streams), context):
                    yield response

        kinds = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }
        make: Any = kinds[streams, handler.response_streaming]
        behaviour = stream if handler.response_streaming else unary
        made: RpcHandler = make(behaviour, None, functools.partial(_written, handler.response_serializer))
        return made

    def _parsed(self, path: str, request: Any, streams: bool) -> Any:
        parse = functools.partial(_parse, self._requests[path])
        return _parse_each(parse, request) if streams else parse(request)

    async def admit(self, path: str, context: Context) -> auth.Principal:
        metadata = dict(context.invocation_metadata() or ())
        principal = await self._verifier.authenticate(str(metadata.get("authorization", "")))
        auth.authorise(principal, self._roles[path])
        return principal

    @property
    def domain(self) -> str:
        return self._domain


class _Call:
    """One call: its span, its log line, and the status of whatever goes wrong."""

    def __init__(self, interceptor: _Interceptor, path: str, context: Context) -> None:
        self._interceptor = interceptor
        self._path = path
        self._context = context
        self._start = time.perf_counter()
        self._span = telemetry.span(path, str(dict(context.invocation_metadata() or ()).get("traceparent", "")))

    async def admit(self) -> None:
        auth.enter(await self._interceptor.admit(self._path, self._context))

    async def __aenter__(self) -> _Call:
        self._span.__enter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._span.__exit__(None, None, None)
        code = grpc.StatusCode.OK if error is None else _code(error)
        telemetry.RPC_SECONDS.labels(self._path, code.name).observe(time.perf_counter() - self._start)
        if error is None or isinstance(error, (grpc.aio.AbortError, asyncio.CancelledError, GeneratorExit)):
            return
        if code is grpc.StatusCode.INTERNAL:
            log.error("rpc.failed", method=self._path, exc_info=error)
        else:
            log.info("rpc.refused", method=self._path, code=code.name)
        message, details = _explain(error, self._interceptor.domain)
        status = status_pb2.Status(code=code.value[0], message=message, details=list(map(_pack, details)))
        await self._context.abort(code, message, (("grpc-status-details-bin", status.SerializeToString()),))


def _code(error: BaseException) -> grpc.StatusCode:
    if isinstance(error, auth.Unauthenticated):
        return grpc.StatusCode.UNAUTHENTICATED
    if isinstance(error, auth.Forbidden):
        return grpc.StatusCode.PERMISSION_DENIED
    if isinstance(error, TimeoutError):
        return grpc.StatusCode.DEADLINE_EXCEEDED
    if isinstance(error, (asyncio.CancelledError, GeneratorExit)):
        return grpc.StatusCode.CANCELLED
    return next((code for kind, code in _CODES.items() if isinstance(error, kind)), grpc.StatusCode.INTERNAL)


def _explain(error: BaseException, domain: str) -> tuple[str, Sequence[Message]]:
    """Say what the caller may know; of an unexpected error that is nothing."""
    info = error_details_pb2.ErrorInfo(domain=domain)
    if isinstance(error, errors.SoriError):
        info.reason = error.reason
        violations = error.violations if isinstance(error, errors.InvalidInput) else ()
        if violations:
            bad = error_details_pb2.BadRequest()
            for each in violations:
                bad.field_violations.add(field=each.field, description=each.description)
            return str(error), [info, bad]
        return str(error), [info]
    if isinstance(error, (auth.Unauthenticated, auth.Forbidden)):
        info.reason = "UNAUTHENTICATED" if isinstance(error, auth.Unauthenticated) else "FORBIDDEN"
        return str(error), [info]
    info.reason = "DEADLINE_EXCEEDED" if isinstance(error, TimeoutError) else "INTERNAL"
    return "the call took too long" if isinstance(error, TimeoutError) else "internal error", [info]


def _pack(detail: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


def _parse(kind: type[Message], data: bytes) -> Message:
    try:
        return kind.FromString(data)
    except DecodeError:
        field = utf8.find_invalid(data, kind.DESCRIPTOR)
        if field:
            raise errors.InvalidInput.of_field(field, "is not valid UTF-8") from None
        raise errors.InvalidInput(f"the request is not a {kind.DESCRIPTOR.full_name}") from None


def as_written(kind: type[M], data: bytes) -> M:
    """Give a handler's answer of this kind that is written already; it goes out as it is."""
    return cast(M, data)


def _written(write: Callable[[Message], bytes], answer: Message | bytes) -> bytes:
    return answer if isinstance(answer, bytes) else write(answer)


async def _parse_each(parse: Callable[[bytes], Message], requests: AsyncIterable[bytes]) -> AsyncIterator[Message]:
    async for request in requests:
        yield parse(request)


def with_details(error: grpc.aio.AioRpcError) -> tuple[str, list[errors.Violation]]:
    """Read reason and field violations from what a Sori service answered."""
    reason, violations = "", list[errors.Violation]()
    trailing: Iterable[tuple[str, Any]] = error.trailing_metadata() or ()
    for key, value in trailing:
        if key != "grpc-status-details-bin":
            continue
        for detail in status_pb2.Status.FromString(value).details:
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                reason = info.reason
            elif detail.Unpack(bad):
                violations += [errors.Violation(each.field, each.description) for each in bad.field_violations]
    return reason, violations
