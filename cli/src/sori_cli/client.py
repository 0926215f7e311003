"""Channels and tokens: how the commands reach the public gRPC APIs."""

import asyncio
import contextlib
import getpass
import json
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import grpc
import typer
from grpc_health.v1 import health_pb2

from sori_cli.screen import Problem
from sori_local import ports

if TYPE_CHECKING:
    from sori_local.tokens import LocalIssuer

DataOption = Annotated[Path, typer.Option("--data", envvar="SORI_DATA", help="Folder of the local deployment.")]
TokenOption = Annotated[
    str, typer.Option("--token", envvar="SORI_TOKEN", help="Token to call with; else one is signed with the local key.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object a line, for machines.")]
DATA = Path("data")

_DEPLOYMENT = "deployment.json"
_OPTIONS = [
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.max_send_message_length", 16 << 20),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1_000),  # A killed service is back within a second or two.
]


@dataclass(frozen=True, slots=True)
class Peer:
    """A service to call, and what to call it with."""

    name: str
    channel: grpc.aio.Channel
    metadata: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Platform:
    """Where the services are and who calls them."""

    data: Path
    token: str = ""

    def target(self, service: str) -> str:
        """Say where a service's API is: `SORI_<SERVICE>_TARGET`, or the local deployment."""
        return os.environ.get(f"{ports.prefix(service)}TARGET") or ports.target(service, self._base_port())

    def sign(self, roles: Sequence[str]) -> str:
        """Give the caller's token, or one with these roles, signed with the local key."""
        if self.token:
            return self.token
        return local_issuer(self.data).token(roles, subject=getpass.getuser(), days=1)

    @contextlib.asynccontextmanager
    async def calling(self, service: str, *roles: str) -> AsyncIterator[Peer]:
        """Open a channel to a service; what it answers with an error is a Problem."""
        target = self.target(service)
        metadata = (("authorization", f"Bearer {self.sign(roles)}"),) if roles else ()
        async with grpc.aio.insecure_channel(target, options=_OPTIONS) as channel:
            try:
                yield Peer(service, channel, metadata)
            except grpc.aio.AioRpcError as error:
                raise Problem(explain(service, target, error)) from error

    def _base_port(self) -> int:
        path = self.data / _DEPLOYMENT
        if not path.exists():
            return ports.BASE_PORT
        return int(json.loads(path.read_text())["base_port"])


def remember(data: Path, base_port: int) -> None:
    """Keep for later commands which ports the local deployment has."""
    (data / _DEPLOYMENT).write_text(json.dumps({"base_port": base_port}))


def local_issuer(data: Path) -> "LocalIssuer":
    """Give the local key; without one there is nothing to sign with."""
    if not (data / "issuer" / "key.json").exists():
        raise Problem(f"there is no local key under {data}: run `sori up` first, name its --data, or give a --token")
    from sori_local.tokens import LocalIssuer  # As below.

    try:
        return LocalIssuer(data / "issuer")
    except OSError as error:
        raise Problem(f"the local key under {data} cannot be read: {error.strerror}") from error


async def is_serving(target: str, *, seconds: float = 2) -> bool:
    """Ask a service's health; says False for one that does not answer."""
    async with grpc.aio.insecure_channel(target, options=_OPTIONS) as channel:
        try:
            answer = await _health(channel, seconds)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def wait_until_serving(peer: Peer, *, seconds: float = 10) -> None:
    """Wait for a service that is just starting; one that does not answer by then is a Problem."""
    until = time.monotonic() + seconds
    while True:
        try:
            answer = await _health(peer.channel, 2)
        except grpc.aio.AioRpcError:
            if time.monotonic() > until:
                raise
        else:
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                return
            if time.monotonic() > until:
                raise Problem(f"{peer.name} is starting or stopping: try again in a moment")
        await asyncio.sleep(0.2)


async def _health(channel: grpc.aio.Channel, seconds: float) -> health_pb2.HealthCheckResponse:
    check: Any = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        health_pb2.HealthCheckRequest.SerializeToString,
        health_pb2.HealthCheckResponse.FromString,
    )
    answer: health_pb2.HealthCheckResponse = await check(health_pb2.HealthCheckRequest(), timeout=seconds)
    return answer


def explain(service: str, target: str, error: grpc.aio.AioRpcError) -> str:
    """Say in one line what a refused call means."""
    code, details = error.code(), " ".join((error.details() or "").split())
    if code is grpc.StatusCode.UNAVAILABLE:
        return f"{service} does not answer at {target}: is the platform up? (`sori up`, `sori status`)"
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return f"{service} does not take the token: {details} (`sori token ROLE` signs a new one)"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return f"what answers at {target} is not {service}"
    from sori_kit import rpc  # It brings the servers' libraries, half a second that only errors are worth.

    _, violations = rpc.with_details(error)
    wrong = "; ".join(f"{each.field} {each.description}" for each in violations)
    return f"{service}: {wrong or details or code.name}"
