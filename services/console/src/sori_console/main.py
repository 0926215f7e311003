"""Composition root of console."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import structlog
import uvicorn

from sori_console import usecases
from sori_console.api import application
from sori_console.settings import Settings
from sori_kit import rpc, service

log = structlog.get_logger()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # Signals are the runtime's.


async def build(runtime: service.Runtime, settings: Settings) -> None:
    """Build everything that this service is."""
    insight = rpc.channel(settings.insight_target)
    runtime.stack.push_async_callback(insight.close)
    notify = rpc.channel(settings.notify_target, retry=False)  # The page does without it rather than wait.
    runtime.stack.push_async_callback(notify.close)
    app = application.build(
        usecases.Peers(insight, notify, seconds=settings.call_seconds, service_token_file=settings.service_token_file),
        runtime.verifier,
        runtime.clock,
        settings,
        runtime.stopping,
    )
    server = _Server(
        uvicorn.Config(
            app,
            access_log=False,  # Addresses may hold a token, and a sign-in does.
            log_config=None,
            lifespan="off",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
        )
    )
    # Bound here, before the service says that it is ready; requests wait in the backlog until they are served.
    listening = socket.create_server((settings.listen_host, settings.http_port), backlog=2048)
    runtime.in_background("http", _serve(server, listening, runtime))


async def _serve(server: uvicorn.Server, listening: socket.socket, runtime: service.Runtime) -> None:
    """Serve the pages until the service stops, then let running requests end."""
    serving = asyncio.create_task(server.serve([listening]), name="uvicorn")
    runtime.stack.push_async_callback(_end, server, serving)
    log.info("console.listening", port=listening.getsockname()[1])
    stopping = asyncio.create_task(runtime.stopping.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await _end(server, serving)


async def _end(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    server.should_exit = True
    await asyncio.shield(serving)  # The runtime does not wait for its background; the requests' end is awaited here.


def main() -> None:
    """Run `sori-console`."""
    service.main("console", Settings, build)
