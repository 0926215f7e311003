"""The short way of a webhook: from its connection to those that are taken in together, past ASGI.

A task, a scope, events and middleware for each request cost twice as much as reading a webhook does. What is unusual
goes uvicorn's way and through the application, which answers the same.
"""

import functools
import re
from typing import Any

import structlog
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from sori_ingest.hooks.gate import Away, Busy, Entry
from sori_ingest.hooks.reception import Reception, answer
from sori_ingest.hooks.refusals import Refusal
from sori_ingest.hooks.signatures import Refused
from sori_ingest.usecases import Taken

log = structlog.get_logger()

_PATH = re.compile(rb"/hooks/([a-z0-9._-]+)(?:/([A-Za-z0-9._~-]+))?").fullmatch


class ShortWay(HttpToolsProtocol):
    """One connection. Webhooks that come in one piece are handed in without a task of their own."""

    def __init__(self, reception: Reception, **given: Any) -> None:
        super().__init__(**given)
        self.reception = reception
        self.name = self.secret = ""  # of the source, as in the path
        self._held: list[bytes] | None = None  # the body so far of what may go the short way

    def data_received(self, data: bytes) -> None:
        """Read what came in; what is not whole by then goes the long way."""
        super().data_received(data)
        if self._held is not None:
            self._take_the_long_way()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of the exchange, which holds the connection: the collector would be long in coming."""
        super().connection_lost(exc)
        if isinstance(self.cycle, _Exchange):
            self.cycle = None

    def on_message_begin(self) -> None:
        """Begin a request with what both ways need."""
        self.url, self.headers, self.expect_100_continue = b"", [], False

    def on_headers_complete(self) -> None:
        """Choose the way."""
        if self._may_be_short():
            self._held = []
        else:
            self._begin_the_long_way()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if self._held is None:
            super().on_body(body)
        else:
            self._held.append(body)

    def on_message_complete(self) -> None:
        """Take the end of the request."""
        if self._held is None:
            super().on_message_complete()
        else:
            exchange = _Exchange(self, b"".join(self._held))
            self._held = None
            self.cycle = exchange  # type: ignore[assignment]  # It has what uvicorn asks of one.
            self.loop.call_soon(exchange.begin)

    def _may_be_short(self) -> bool:
        parser = self.parser
        if parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            return False
        if not parser.should_keep_alive() or parser.should_upgrade() or self.expect_100_continue:
            return False
        if self.flow.write_paused or (self.cycle is not None and not self.cycle.response_complete):
            return False
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            return False
        address = _PATH(self.url)
        if address is None:
            return False
        self.name, self.secret = address[1].decode(), (address[2] or b"").decode()
        return self.reception.proves_at_once(self.name)

    def _take_the_long_way(self) -> None:
        parts, self._held = self._held or [], None
        if not self.transport.is_closing():
            self._begin_the_long_way()
            for part in parts:
                super().on_body(part)

    def _begin_the_long_way(self) -> None:
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()  # It makes the scope.
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()


@functools.lru_cache(256)
def _head(status: int, headers: tuple[tuple[bytes, bytes], ...], keep_alive: bool) -> bytes:
    """Write the head of an answer; nearly all are alike."""
    lines = [b"%b: %b\r\n" % each for each in headers]
    return b"".join((STATUS_LINE[status], *lines, b"" if keep_alive else b"connection: close\r\n", b"\r\n"))


class _Nobody:
    """Stands where uvicorn keeps an event for somebody who waits for more of the request."""

    def set(self) -> None:
        """Wake nobody."""


class _Exchange(Entry):
    """One webhook and its answer."""

    __slots__ = (
        "_body",
        "_config",
        "_connection",
        "_headers",
        "_name",
        "_proof",
        "_secret",
        "_sent",
        "_url",
        "disconnected",
        "keep_alive",
        "response_complete",
    )

    message_event = _Nobody()

    def __init__(self, connection: ShortWay, body: bytes) -> None:
        self._connection = connection
        self._body = body
        self._headers = connection.headers
        self._url, self._name, self._secret = connection.url, connection.name, connection.secret
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False

    def begin(self) -> None:
        """Prove who sent it, and hand it in."""
        told: BaseException | None = RuntimeError("the loop logs what was raised")
        try:
            self._hand_in()
            told = None
        except (Refusal, Refused, Busy, Away) as error:
            told = error
        finally:
            if told is not None:
                self._refuse(told)

    def _hand_in(self) -> None:
        reception = self._connection.reception
        self._config = config = reception.source_named(self._name)
        self._sent = sent = reception.payload(self._headers, self._body)
        scheme = self._connection.scheme or "http"
        self._proof = reception.prove(config, sent, reception.delivery_at(self._url, b"", scheme, self._secret, sent))
        reception.gate.enter(self, len(sent.body))
        reception.together.add(reception.handed(config, sent, self._proof), self._became, now=sent.received_time)

    def _became(self, what: Taken | BaseException) -> None:
        """Answer what became of it, unless its sender was told to come again."""
        if self.late:
            return
        reception = self._connection.reception
        if isinstance(what, BaseException):
            told = reception.gate.leave(self, what) or what
            if told is what:
                log.error("hook.failed", source=self._name, exc_info=what)
            self._refuse(told)
            return
        reception.gate.leave(self)
        refused: BaseException | None = RuntimeError("the loop logs what was raised")
        try:
            self._answer(answer(reception.became(self._config, self._sent, self._proof, what)))
            refused = None
        except Refusal as refusal:
            refused = refusal
        finally:
            if refused is not None:
                self._refuse(refused)

    def cut_short(self) -> None:
        """Tell its sender to come again."""
        error = TimeoutError()
        self._refuse(self._connection.reception.gate.leave(self, error) or error)

    def _refuse(self, error: BaseException) -> None:
        self._answer(self._connection.reception.refuse(self._name, error))

    def _answer(self, answer: Response) -> None:
        # Answers that go out one right after another wake a sender of many once, and not for each.
        self._connection.loop.call_soon(self._write, answer)

    def _write(self, answer: Response) -> None:
        connection, self.response_complete = self._connection, True
        if self.disconnected:
            return
        head = _head(answer.status_code, tuple(answer.raw_headers), self.keep_alive)
        connection.transport.write(head + answer.body)
        if not self.keep_alive:
            connection.transport.close()
        connection.on_response_complete()
