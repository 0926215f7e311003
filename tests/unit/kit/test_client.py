"""Headers on the way to the broker and back."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.errors import BadHeaderError

from sori_kit.client import PlainClient

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
