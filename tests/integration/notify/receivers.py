"""Receivers of messages, as companies have them: an HTTP server that checks signatures, and an SMTP server."""

import email
import email.policy
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from standardwebhooks import Webhook

from sori_local import engines

SECRET = "whsec_c29yaS1ub3RpZnktdGVzdC1zZWNyZXQ="


@dataclass
class Hook:
    """What an HTTP server got; each id's effect is had once, as idempotency keys want it."""

    answers: list[int] = field(default_factory=list)  # statuses to give in turn; 200 when it is empty
    ids: list[str] = field(default_factory=list)
    got: dict[str, dict[str, Any]] = field(default_factory=dict)
    hang: threading.Event = field(default_factory=threading.Event)  # while it is set, nothing is answered
    broken: threading.Event = field(default_factory=threading.Event)  # while it is set, all is refused
    url: str = ""

    def reasons(self) -> list[str]:
        """Name why each message came, in order, each message once."""
        return [str(each["reason"]) for each in self.got.values()]


@contextmanager
def hook() -> Iterator[Hook]:
    """Run an HTTP server until the block ends."""
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            said = Webhook(SECRET).verify(body, dict(self.headers))  # Raises on a wrong signature.
            made.ids.append(self.headers["webhook-id"])
            if made.hang.is_set():
                while made.hang.is_set():
                    time.sleep(0.01)
                return
            status = 503 if made.broken.is_set() else made.answers.pop(0) if made.answers else 200
            if status == 200:
                made.got.setdefault(self.headers["webhook-id"], said)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128  # Of the five that it has by itself others wait a second to knock again.

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}/messages"
        yield made
        made.hang.clear()
        server.shutdown()
        thread.join()


@dataclass
class Mailbox:
    """What an SMTP server got."""

    mails: list[EmailMessage] = field(default_factory=list)
    refuse: int = 0  # how many to refuse first
    port: int = 0


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Run an SMTP server until the block ends."""
    made = Mailbox()

    class Handler:
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
            if made.refuse:
                made.refuse -= 1
                return "451 later"
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            made.mails.append(email.message_from_bytes(content, policy=email.policy.default))
            return "250 taken"

    made.port = engines.free_port()
    controller = Controller(Handler(), hostname="127.0.0.1", port=made.port)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()
