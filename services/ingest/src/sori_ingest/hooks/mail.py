"""Mail: SMTP for the addresses that sources have, and for no other."""

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from sori_ingest import channels, usecases
from sori_ingest.channels import ADAPTERS, email
from sori_ingest.channels.payload import Payload
from sori_ingest.hooks.gate import Away, Busy, Gate
from sori_ingest.hooks.reception import REFUSED, count
from sori_ingest.settings import Settings
from sori_ingest.settings.sources import SourceConfig, SourceFile
from sori_kit.bus import Bus
from sori_kit.clock import Clock

log = structlog.get_logger()

_MOST_RECIPIENTS = 100
_IDLE_SECONDS = 60.0
_MAIL_TYPE = "message/rfc822"


class Mailbox:
    """What aiosmtpd asks at each step of a conversation."""

    def __init__(self, bus: Bus, sources: SourceFile, clock: Clock, gate: Gate) -> None:
        self._bus = bus
        self._sources = sources
        self._clock = clock
        self._gate = gate

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """Take a recipient that a source has."""
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return "452 4.5.3 Too many recipients"
        if source_of(self._sources.current, address) is None:
            REFUSED.labels("", "recipient_unknown").inc()
            log.info("mail.refused", reason="recipient_unknown")
            return "550 5.1.1 No such recipient here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail in for each source that it is addressed to; says OK once all of it is on disk."""
        body = envelope.original_content or b""
        configs = {
            config.name: config
            for address in envelope.rcpt_tos
            if (config := source_of(self._sources.current, address)) is not None
        }
        if not configs:  # The sources have changed since the recipient was taken.
            return "550 5.1.1 No such recipient here"
        try:
            for config in configs.values():
                await self._take(config, body, envelope)
        except (Away, Busy):
            REFUSED.labels("", "unavailable").inc()
            return "451 4.3.0 Cannot be kept now, try again later"
        return "250 2.0.0 OK, kept"

    async def _take(self, config: SourceConfig, body: bytes, envelope: Envelope) -> None:
        now = self._clock.now()
        payload = Payload(
            body=body,
            content_type=_MAIL_TYPE,
            headers={email.ENVELOPE: (envelope.mail_from or "").strip("<>")},
            received_time=now,
        )
        handed = usecases.Handed(
            adapter=ADAPTERS[config.adapter], payload=payload, source=channels.configured(config), signed=True
        )
        work = usecases.take_in(self._bus, handed, now=now)
        count(config.name, await self._gate.through(len(body), work))


def source_of(sources: Mapping[str, SourceConfig], address: str) -> SourceConfig | None:
    """Find the source that has an address among its `addresses`, with or without a +tag, or all of a `@domain`."""
    local, _, domain = address.strip().lower().rpartition("@")
    wanted = {f"{local}@{domain}", f"{local.partition('+')[0]}@{domain}", f"@{domain}"}
    for config in sources.values():
        if wanted & {each.strip().lower() for each in config.options.get("addresses", "").split(",")} - {"", "@"}:
            return config
    return None


class MailServer:
    """Listens for mail until it is closed."""

    def __init__(self, mailbox: Mailbox, settings: Settings) -> None:
        self._mailbox = mailbox
        self._settings = settings
        self._tls = _tls(settings.smtp_certificate, settings.smtp_key)
        self._open: set[_Conversation] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Open the port, and give it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._conversation, self._settings.listen_host, self._settings.smtp_port, backlog=100
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def _conversation(self) -> asyncio.Protocol:
        if len(self._open) >= self._settings.smtp_most_connections:
            return _TooMany()
        return _Conversation(
            self._open,
            self._mailbox,
            hostname=self._settings.smtp_hostname,
            ident="Sori",
            data_size_limit=self._settings.smtp_most_bytes,
            enable_SMTPUTF8=True,
            decode_data=False,
            timeout=_IDLE_SECONDS,
            tls_context=self._tls,
            require_starttls=self._settings.smtp_require_tls,
            loop=asyncio.get_running_loop(),
        )

    async def close(self) -> None:
        """Take no more mail, and give what is under way a moment to end."""
        if self._server is None:
            return
        self._server.close()
        until = asyncio.get_running_loop().time() + self._settings.drain_seconds
        while any(each.busy for each in self._open) and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.02)
        for each in list(self._open):
            if each.transport is not None:
                each.transport.close()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                await self._server.wait_closed()


class _Conversation(SMTP):
    """A conversation that knows whether a mail is being taken."""

    line_length_limit = 1 << 16  # RFC 5321 has 1,000, and mails that break it are mails.

    def __init__(self, all_open: set["_Conversation"], mailbox: Mailbox, **options: object) -> None:
        super().__init__(mailbox, **options)  # type: ignore[arg-type]
        self._all_open = all_open
        all_open.add(self)

    @property
    def busy(self) -> bool:
        """Say whether somebody has begun to hand something over."""
        return self.envelope is not None and self.envelope.mail_from is not None

    def connection_lost(self, error: Exception | None) -> None:
        self._all_open.discard(self)
        super().connection_lost(error)


class _TooMany(asyncio.Protocol):
    """Sends a caller away."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        caller = cast(asyncio.WriteTransport, transport)  # uvloop's is no subclass of it.
        caller.write(b"421 4.7.0 Too many connections, try again later\r\n")
        caller.close()


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
