"""Serving the edge: HTTP by uvicorn, mail by aiosmtpd, both on the service's own loop."""

import asyncio
import contextlib
import functools
import socket
from collections.abc import Iterator

import structlog
import uvicorn

from sori_ingest.hooks import application
from sori_ingest.hooks.gate import Gate
from sori_ingest.hooks.mail import Mailbox, MailServer
from sori_ingest.hooks.reception import Reception
from sori_ingest.hooks.short_way import ShortWay
from sori_ingest.hooks.sns import Sns
from sori_ingest.settings import Settings
from sori_ingest.settings.sources import SourceFile
from sori_kit.service import Runtime

log = structlog.get_logger()

_MOST_CONNECTIONS = 2_000
_KEEP_ALIVE_SECONDS = 65  # longer than the balancers before us keep theirs


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # Signals are the runtime's.


def serve_http(runtime: Runtime, sources: SourceFile, settings: Settings) -> None:
    """Open the port of webhooks, where one is set, and serve it for as long as the service lives."""
    if settings.http_port is None:
        return
    gate = Gate(
        runtime.bus,
        most=settings.http_most,
        most_bytes=settings.http_most_bytes,
        wait_seconds=settings.http_wait_seconds,
    )
    reception = Reception(runtime.bus, sources, runtime.clock, gate, Sns(), public_url=settings.public_url)
    server = _Server(
        uvicorn.Config(
            application.build(reception, gate),
            access_log=False,  # A path may hold a secret.
            log_config=None,
            http=functools.partial(ShortWay, reception),  # type: ignore[arg-type]  # It is only called.
            lifespan="off",
            ws="none",
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=max(1, round(settings.drain_seconds)),
        )
    )
    # Bound here, before the service says that it is ready; requests wait in the backlog until they are served.
    listening = socket.create_server((settings.listen_host, settings.http_port), backlog=2048)
    runtime.in_background("http", _serve(server, listening, runtime))


async def _serve(server: uvicorn.Server, listening: socket.socket, runtime: Runtime) -> None:
    serving = asyncio.create_task(server.serve([listening]), name="uvicorn")
    runtime.stack.push_async_callback(_end, server, serving)
    log.info("hooks.listening", port=listening.getsockname()[1])
    stopping = asyncio.create_task(runtime.stopping.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await _end(server, serving)


async def _end(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    server.should_exit = True
    await asyncio.shield(serving)  # The runtime does not wait for its background; the requests' end is awaited here.


async def serve_mail(runtime: Runtime, sources: SourceFile, settings: Settings) -> None:
    """Open the port of mail, where one is set, and serve it for as long as the service lives."""
    if not settings.smtp_port:
        return
    gate = Gate(
        runtime.bus,
        most=settings.smtp_most_connections,
        most_bytes=settings.smtp_most_bytes * 2,
        wait_seconds=settings.smtp_wait_seconds,
    )
    mail = MailServer(Mailbox(runtime.bus, sources, runtime.clock, gate), settings)
    port = await mail.start()
    runtime.stack.push_async_callback(mail.close)
    log.info("mail.listening", port=port)
