"""Headers on the way to the broker and back."""

import contextlib
from collections.abc import Coroutine, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.errors import BadHeaderError

from sori_kit.client import Outgoing, PlainClient

PLAIN = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1, max_size=20)


def written(client: Client, headers: dict[str, str]) -> bytes:
    """What a client would send to the broker."""
    sent: list[bytes] = []

    async def keep(data: bytes) -> None:
        sent.append(data)

    client._send_command = keep
    with contextlib.suppress(StopIteration):  # It never waits for anything, so one step is all.
        client._send_publish("a.b", "r", b"data", 4, headers).send(None)
    return b"".join(sent)


class Connected(PlainClient):
    """A client that takes itself for connected, and keeps what it would send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self._status = Client.CONNECTED
        self._max_payload = 1_000_000

    async def _send_command(self, cmd: bytes, priority: bool = False) -> None:
        self.sent.append(cmd)

    async def _flush_pending(self, force_flush: bool = False) -> None:
        pass


def run(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run what never waits for anything: one step is all."""
    for step in steps:
        with contextlib.suppress(StopIteration):
            step.send(None)


@given(st.dictionaries(PLAIN, PLAIN, min_size=1))
def test_plain_headers_are_written_and_read_as_the_library_does(headers: dict[str, str]) -> None:
    try:
        usual = written(Client(), headers)
    except BadHeaderError:
        return
    block = usual.split(b"\r\n", 2)[2].removesuffix(b"data\r\n")

    assert usual == written(PlainClient(), headers)
    assert Client._parse_header_lines(block) == PlainClient._parse_header_lines(block)


@pytest.mark.parametrize("value", ["two\r\nlines", "two\nlines", "한글", "", "a\rb"])
def test_no_value_breaks_out_of_its_line(value: str) -> None:
    headers = {"ce-id": value, "ce-type": "x"}

    assert written(Client(), headers) == written(PlainClient(), headers)


@given(st.binary(max_size=100))
def test_any_bytes_are_read_as_the_library_reads_them_or_as_plain_lines(raw: bytes) -> None:
    PlainClient._parse_header_lines(raw)


@given(
    st.lists(st.one_of(st.none(), st.dictionaries(PLAIN, st.one_of(PLAIN, st.just("두 줄")), min_size=1)), max_size=5)
)
def test_messages_sent_together_are_those_sent_one_by_one(headers: list[dict[str, str] | None]) -> None:
    messages = [Outgoing(f"a.{index}", b"data", each, "r") for index, each in enumerate(headers)]

    together, one_by_one = Connected(), Connected()
    try:
        run(one_by_one.publish(each.subject, each.data, each.reply, each.headers) for each in messages)
    except BadHeaderError:
        return
    run([together.send_all(messages)])

    assert b"".join(one_by_one.sent) == b"".join(together.sent)
