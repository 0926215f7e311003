"""Bodies: whatever is sent is read within bounds, or refused."""

import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sori_ingest.hooks import bodies
from sori_ingest.hooks.refusals import Refusal


@given(body=st.binary(max_size=500), packing=st.sampled_from(["gzip", "deflate", "x-gzip", "br", ""]))
def test_nothing_whatever_does_anything_but_unpack_or_refuse(body: bytes, packing: str) -> None:
    with contextlib.suppress(Refusal):
        assert len(bodies.unpack(body, packing)) <= bodies.MOST_BYTES


@given(body=st.binary(max_size=5_000))
def test_what_was_packed_comes_out(body: bytes) -> None:
    assert body == bodies.unpack(gzip.compress(body), "gzip")
    assert body == bodies.unpack(zlib.compress(body), "deflate")
    assert body + body == bodies.unpack(gzip.compress(body) * 2, "gzip")


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\0" * (256 << 20))

    with pytest.raises(Refusal) as refused:
        bodies.unpack(bomb, "gzip")

    assert 413 == refused.value.status


@pytest.mark.parametrize("cut", [1, 9, 12, 30])
def test_a_packing_that_is_cut_off_is_refused(cut: int) -> None:
    packed = gzip.compress(b'{"text": "hello"}' * 50)

    with pytest.raises(Refusal) as refused:
        bodies.unpack(packed[:-cut], "gzip")

    assert (400, "encoding_wrong") == (refused.value.status, refused.value.reason)
