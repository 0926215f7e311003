"""Bodies of requests: read within bounds of size and time, unpacked."""

import asyncio
import zlib
from collections.abc import Mapping

from starlette.requests import ClientDisconnect
from starlette.types import Receive

from sori_ingest.hooks.refusals import Refusal

MOST_BYTES = 1 << 20  # of a payload, unpacked
_SECONDS = 20.0  # for all of it to arrive
_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib's window bits; 47 finds out by itself


async def read(receive: Receive, headers: Mapping[str, str]) -> bytes:
    """Read a body to its end; one that is too large, too slow or packed in an unknown way is a Refusal."""
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:12]) > MOST_BYTES:
        raise Refusal(413, "too_large", f"a payload has at most {MOST_BYTES:,} bytes")
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        body: bytes = message.get("body", b"")  # Nearly always all comes at once.
    else:
        try:
            async with asyncio.timeout(_SECONDS):
                body = await _rest(receive, message)
        except TimeoutError:
            raise Refusal(408, "too_slow", "the body did not arrive in time") from None
    if len(body) > MOST_BYTES:
        raise Refusal(413, "too_large", f"a payload has at most {MOST_BYTES:,} bytes")
    return unpacked(body, headers)


def unpacked(body: bytes, headers: Mapping[str, str]) -> bytes:
    """Give a body as it was before it was packed as the headers say."""
    packing = headers.get("content-encoding", "").strip().lower()
    return body if packing in ("", "identity") else unpack(body, packing)


async def _rest(receive: Receive, message: object) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        assert isinstance(message, dict)
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            raise Refusal(413, "too_large", f"a payload has at most {MOST_BYTES:,} bytes")
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


def unpack(body: bytes, packing: str) -> bytes:
    """Unpack a body, never beyond the size of a payload."""
    window = _WINDOWS.get(packing)
    if window is None:
        raise Refusal(415, "encoding_unknown", "a body may be packed with gzip or deflate")
    unpacked = bytearray()
    while body:
        unpacker = zlib.decompressobj(window)
        try:
            unpacked += unpacker.decompress(body, MOST_BYTES + 1 - len(unpacked))
        except zlib.error:
            raise Refusal(400, "encoding_wrong", f"the body is no {packing}") from None
        if len(unpacked) > MOST_BYTES:
            raise Refusal(413, "too_large", f"a payload has at most {MOST_BYTES:,} bytes, unpacked")
        if not unpacker.eof:
            raise Refusal(400, "encoding_wrong", f"the {packing} is cut off")
        body = unpacker.unused_data
    return bytes(unpacked)
