"""What holds for every adapter, whatever comes in."""

import dataclasses
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import channel_catalogue
from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest import channels, wire
from sori_ingest.channels import ADAPTERS, CHANNELS, Adapter
from sori_ingest.channels.payload import Payload, Reading, Source, Unreadable

PAYLOADS = Path(__file__).parents[2] / "contract" / "payloads"
NOW = dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC)
MEDIA = [
    "",
    "application/json",
    "application/x-www-form-urlencoded",
    "text/csv",
    "message/rfc822",
    "text/plain; charset=x",
]
EVERY_ADAPTER = pytest.mark.parametrize("adapter", [pytest.param(each, id=name) for name, each in ADAPTERS.items()])
quick = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

_JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=20),
        st.sampled_from(
            ["", "\ud800", "\0", "9" * 400, "1e999", "2026-11-22T03:00:00Z", "0000-00-00", "나" * 300, 10**400]
        ),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)


def bodies(adapter: Adapter) -> list[bytes]:
    """The sample payloads of an adapter."""
    return [each.read_bytes() for each in sorted((PAYLOADS / adapter.NAME).glob("*")) if each.is_file()]


def read(adapter: Adapter, body: bytes, content_type: str = "") -> Reading | Unreadable:
    """Read as the line does, but without its net for mistakes."""
    payload = Payload(body=body, content_type=content_type, received_time=NOW)
    try:
        found = adapter.read(payload, Source(name="test"))
    except Unreadable as unreadable:
        return unreadable
    assert all(isinstance(each, Unreadable) for each in found.unreadable)
    return found


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def replaced(value: Any, path: tuple[Any, ...], new: Any, *, drop: bool) -> Any:
    """The value with another thing, or nothing, at a place."""
    if not path:
        return new
    head, *rest = path
    if isinstance(value, dict):
        if drop and not rest:
            return {key: inner for key, inner in value.items() if key != head}
        return {**value, head: replaced(value[head], tuple(rest), new, drop=drop)}
    return [
        *value[:head],
        *([] if drop and not rest else [replaced(value[head], tuple(rest), new, drop=drop)]),
        *value[head + 1 :],
    ]


@EVERY_ADAPTER
@quick
@given(body=st.binary(max_size=200), content_type=st.sampled_from(MEDIA))
def test_no_bytes_crash_an_adapter(adapter: Adapter, body: bytes, content_type: str) -> None:
    read(adapter, body, content_type)


@EVERY_ADAPTER
@quick
@given(value=_JSON)
def test_no_json_crashes_an_adapter(adapter: Adapter, value: Any) -> None:
    read(adapter, json.dumps(value).encode())


@EVERY_ADAPTER
@settings(parent=quick, max_examples=60)
@given(data=st.data())
def test_no_change_of_a_sample_crashes_an_adapter(adapter: Adapter, data: st.DataObject) -> None:
    samples = bodies(adapter)
    if not samples:
        pytest.skip("no sample payloads")
    body = data.draw(st.sampled_from(samples))
    try:
        value = json.loads(body)
    except ValueError:
        at = data.draw(st.integers(0, len(body)))
        changed = body[:at] + data.draw(st.binary(max_size=8)) + body[data.draw(st.integers(at, len(body))) :]
    else:
        for _ in range(data.draw(st.integers(1, 3))):
            path = data.draw(st.sampled_from(list(places(value))))
            value = replaced(value, path, data.draw(_JSON), drop=data.draw(st.booleans()))
        changed = json.dumps(value).encode()

    read(adapter, changed)


@EVERY_ADAPTER
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"a": NaN, "a": Infinity}',
        b"\xef\xbb\xbf{}",
        '{"sori": "안녕"}'.encode("cp949"),
        '{"sori": "안녕"}'.encode("utf-16"),
        b"a=1&a=2&&=;%ff%zz",
        b"PK\x03\x04",
        b"From: a\r\n" * 2_000,
    ],
    ids=range(15),
)
def test_what_is_no_payload_of_the_source_is_no_touchpoint(adapter: Adapter, body: bytes) -> None:
    found = read(adapter, body)

    assert isinstance(found, Unreadable) or not found.touchpoints or adapter.NAME in {"email", "survey"}


@EVERY_ADAPTER
def test_a_sample_reads_the_same_whenever_it_comes(adapter: Adapter) -> None:
    for body in bodies(adapter):
        first, again = read(adapter, body), read(adapter, body)

        if isinstance(first, Reading):
            assert isinstance(again, Reading)
            assert [each.external_id for each in first.touchpoints] == [each.external_id for each in again.touchpoints]


@EVERY_ADAPTER
def test_unknown_fields_change_nothing(adapter: Adapter) -> None:
    for body in bodies(adapter):
        try:
            value = json.loads(body)
        except ValueError:
            continue
        if not isinstance(value, dict) or adapter.NAME == "x":  # There the name of a field is the type of the event.
            continue
        plain, more = read(adapter, body), read(adapter, json.dumps({**value, "sori_unknown": {"x": [1]}}).encode())

        assert type(plain) is type(more)
        if isinstance(plain, Reading) and isinstance(more, Reading):
            assert len(plain.unreadable) == len(more.unreadable)
            assert [each.text for each in plain.touchpoints] == [each.text for each in more.touchpoints]


@EVERY_ADAPTER
def test_reading_marks_touchpoints_as_of_the_source(adapter: Adapter) -> None:
    source = Source(name="the-source", org_unit="the-unit")
    for body in bodies(adapter):
        try:
            found = channels.read(adapter, Payload(body=body, received_time=NOW), source)
        except Unreadable:
            continue

        assert all(each.source == "the-source" and each.org_unit for each in found.touchpoints)


def test_a_mistake_of_an_adapter_is_one_unreadable_payload() -> None:
    class Mistaken:
        NAME, TITLE, DOCUMENT, CHANNEL, FIELDS = "mistaken", "", "", "", {}

        def read(self, payload: Payload, source: Source) -> Reading:
            raise KeyError("010-1234-5678")

    with pytest.raises(Unreadable) as raised:
        channels.read(Mistaken(), Payload(body=b"", received_time=NOW), Source(name="test"))

    assert ("adapter_failed", False) == (raised.value.reason, "1234" in str(raised.value))


def test_what_an_adapter_makes_is_brought_within_the_limits() -> None:
    class Lavish:
        NAME, TITLE, DOCUMENT, CHANNEL, FIELDS = "lavish", "", "", "", {}

        def read(self, payload: Payload, source: Source) -> Reading:
            made = pb.Touchpoint(
                external_id="i" * 900,
                channel=pb.CHANNEL_CHAT,
                kind=pb.TOUCHPOINT_KIND_INQUIRY,
                text="가" * 200_000,
                language="not a tag",
                attributes={f"key {n}": "v" for n in range(80)},
            )
            made.occurred_time.FromDatetime(NOW)
            return Reading(touchpoints=(made,))

    found = channels.read(Lavish(), Payload(body=b"", received_time=NOW), Source(name="test"))
    violations = CHANNELS["generic"].normalise(found.touchpoints[0], pb.Touchpoint(), now=wire.instant(NOW))

    assert [] == violations


def test_the_adapters_keep_to_their_own_descriptions() -> None:
    assert [] == channel_catalogue.problems()


def test_every_adapter_that_was_promised_is_there() -> None:
    promised = (
        "kakao_openbuilder, kakao_consult, kakao_webhook, naver_talktalk, line, slack, zendesk, intercom, zammad, "
        "chatwoot, typeform, formbricks, survey, twilio, amazon_connect, google_play, app_store, meta, x, shopify, "
        "square, onfleet, shop, email, ses, cloudevents, segment"
    )

    assert set(promised.split(", ")) <= set(ADAPTERS)


def test_a_reading_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Reading().reply = b"x"  # type: ignore[misc]
