"""What goes to the broker and comes back."""

import contextlib
from collections.abc import Coroutine, Iterable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client

from sori_kit.client import Outgoing, PlainClient
from sori_kit.envelope import header_lines

NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,20}", fullmatch=True)
HEADERS = st.dictionaries(NAMES, st.text(max_size=20), min_size=1)


class Kept(Client):
    """The library's client; takes itself for connected, and keeps what it would send."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[bytes] = []
        self._status = Client.CONNECTED
        self._max_payload = 1_000_000

    async def _send_command(self, cmd: bytes, priority: bool = False) -> None:
        self.sent.append(cmd)

    async def _flush_pending(self, force_flush: bool = False) -> None:
        pass


class KeptPlain(PlainClient, Kept):
    """Ours, the same."""


def run(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run what never waits for anything: one step is all."""
    for step in steps:
        with contextlib.suppress(StopIteration):
            step.send(None)


@given(st.lists(st.one_of(st.none(), HEADERS), max_size=5))
def test_messages_sent_together_are_what_the_library_sends_one_by_one(headers: list[dict[str, str] | None]) -> None:
    lines = [header_lines(each or {}) for each in headers]
    ours, theirs = KeptPlain(), Kept()

    run([ours.send_all([Outgoing(f"a.{index}", b"data", each, "r") for index, each in enumerate(lines)])])
    run(
        theirs.publish(f"a.{index}", b"data", "r", Client._parse_header_lines(each.encode()) if each else None)
        for index, each in enumerate(lines)
    )

    assert b"".join(theirs.sent) == b"".join(ours.sent)


@given(HEADERS)
def test_headers_are_read_as_the_library_reads_them_and_no_value_breaks_out_of_its_line(
    headers: dict[str, str],
) -> None:
    lines = header_lines(headers)

    assert len(headers) == lines.count("\r\n") == lines.count("\n") == lines.count("\r")
    assert Client._parse_header_lines(lines.encode()).keys() == PlainClient._parse_header_lines(lines.encode()).keys()
    assert headers.keys() == PlainClient._parse_header_lines(lines.encode()).keys()


@given(st.binary(max_size=100))
def test_any_bytes_are_read_as_the_library_reads_them_or_as_plain_lines(raw: bytes) -> None:
    PlainClient._parse_header_lines(raw)
