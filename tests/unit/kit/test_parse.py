"""Request fields."""

import contextlib
import uuid

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from sori_kit import ids, parse
from sori_kit.errors import InvalidInput


@given(st.integers(), st.text())
def test_a_token_gives_back_its_parts(number: int, text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()

    assert [number, text] == parse.decode_token(parse.encode_token(number, text), int, str)


@given(st.text(min_size=1))
def test_a_strange_token_is_refused_and_nothing_else_happens(token: str) -> None:
    parts = None
    with contextlib.suppress(InvalidInput):
        parts = parse.decode_token(token, int)

    assert parts is None or [int] == [type(part) for part in parts]


def test_page_sizes_follow_the_contract() -> None:
    assert 50 == parse.page_size(0)
    assert 500 == parse.page_size(501)
    with pytest.raises(InvalidInput):
        parse.page_size(-1)


def test_ids_are_the_same_for_the_same_parts_only() -> None:
    assert ids.derive("a", "b/c") == ids.derive("a", "b/c")
    assert ids.derive("a", "b/c") != ids.derive("a/b", "c")
    assert ids.derived("a", "b/c") == str(ids.derive("a", "b/c"))
    assert ids.derive("a") != uuid.uuid5(uuid.NAMESPACE_URL, "a")


@pytest.mark.parametrize(
    ("given", "spelt"),
    [
        ("2026-03-02T00:00:00Z", "2026-03-02T00:00:00Z"),
        ("2026-03-02 09:00:00+09:00", "2026-03-02T09:00:00+09:00"),
        ("2026-03-02T00:00:00", "2026-03-02T00:00:00Z"),
        ("2026-03-02", "2026-03-02T00:00:00Z"),
        (1772409600, "2026-03-02T00:00:00+00:00"),
        ("yesterday", "yesterday"),
        (1e300, 1e300),
        (None, None),
    ],
)
def test_times_are_spelt_as_protobuf_does(given: object, spelt: object) -> None:
    assert spelt == parse.spell_time(given)


@pytest.mark.parametrize("seconds", [-(10**15), 10**15, 253402300799, -62135596800])
def test_a_time_at_the_ends_of_the_calendar_is_refused(seconds: int) -> None:
    with pytest.raises(InvalidInput, match="until_time is not a time"):
        parse.time(Timestamp(seconds=seconds), "until_time")
