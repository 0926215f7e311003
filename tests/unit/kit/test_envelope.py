"""Events on the wire."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

import builders
from sori.classify.v1.classification_pb2 import Classification
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori.ee_feedback.v1.pulse_events_pb2 import PulseReleased
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_kit.envelope import Envelope, Event, event_type, open_as, open_sealed, seal
from sori_kit.errors import InvalidInput


def test_type_is_derived_from_the_message() -> None:
    assert event_type(TouchpointReceived) == "sori.ingest.touchpoint.received.v1"
    assert event_type(PulseReleased) == "sori.ee_feedback.pulse.released.v1"


def raw(sealed: Envelope) -> bytes:
    """Headers as they come from the broker."""
    return f"NATS/1.0\r\n{sealed.lines}\r\n".encode()


@given(
    entity_id=st.text(max_size=50), event_id=st.uuids(), time=st.datetimes(timezones=st.just(dt.UTC)), text=st.text()
)
def test_an_event_survives_the_wire(entity_id: str, event_id: object, time: dt.datetime, text: str) -> None:
    message = builders.received(text=text.encode("utf-8", "ignore").decode()).message
    entity_id = entity_id.encode("utf-8", "ignore").decode()
    event = Event.new(message, event_id=str(event_id), entity_id=entity_id, time=time)

    sealed = seal(event, "sori/test")

    assert event == open_as(TouchpointReceived, sealed.data, sealed.headers)
    assert event == open_sealed(TouchpointReceived, sealed.data, raw(sealed))
    assert all(value.isascii() and "\n" not in value for value in sealed.headers.values())


def test_what_follows_carries_cause_and_correlation() -> None:
    cause = builders.received()

    effect = Event.new(TouchpointClassified(), entity_id="x", time=builders.NOON, cause=cause)

    assert effect.causation_id == cause.event_id
    assert effect.correlation_id == cause.correlation_id


@pytest.mark.parametrize("behind", ["", "Nats-TTL: never\r\n", "Nats-Batch-Id: a\r\nNats-Batch-Sequence: 1\r\n"])
def test_headers_of_the_kit_are_read_at_one_go_with_what_publisher_and_broker_put_behind(behind: str) -> None:
    cause = builders.received()
    cause.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    effect = Event.new(TouchpointClassified(), entity_id="x", time=builders.NOON, cause=cause)
    sealed = seal(effect, "sori/test")

    read = open_sealed(TouchpointClassified, sealed.data, raw(sealed._replace(lines=sealed.lines + behind)))

    assert read == open_as(TouchpointClassified, sealed.data, sealed.headers) == effect


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ce-type: sori.ingest", "ce-type: sori.other"),
        ("ce-time: ", "ce-time: yesterday "),
        ("ce-specversion: 1.0", "ce-specversion: 1.1"),
        ("NATS/1.0", "NATS/1.0 503"),
        ("content-type: ", "ce-more: 1\r\ncontent-type: "),
        ("ce-subject: ", "ce-subject: \xe9"),
    ],
)
def test_other_headers_are_left_to_be_read_one_by_one(old: str, new: str) -> None:
    sealed = seal(builders.received(), "sori/test")

    assert open_sealed(TouchpointReceived, sealed.data, raw(sealed).replace(old.encode(), new.encode())) is None
    assert open_sealed(TouchpointReceived, b"\xff\xff\xff", raw(sealed)) is None


def test_what_is_passed_on_stands_beside_what_is_added() -> None:
    received = builders.received(text="배송이 늦어요").message
    added = TouchpointClassified(classification=Classification(model_version="a"))

    event = Event.new(added, entity_id="x", time=builders.NOON, passed_on=received.SerializeToString())
    sealed = seal(event, "sori/test")

    assert TouchpointClassified(
        touchpoint=received.touchpoint, classification=added.classification
    ) == TouchpointClassified.FromString(sealed.data)


@pytest.mark.parametrize(
    ("header", "value"), [("ce-type", None), ("ce-type", "sori.other.v1"), ("ce-id", None), ("ce-time", "yesterday")]
)
def test_a_wrong_header_is_invalid_input(header: str, value: str | None) -> None:
    sealed = seal(builders.received(), "sori/test")
    headers = {**sealed.headers, header: value} if value else {k: v for k, v in sealed.headers.items() if k != header}

    with pytest.raises(InvalidInput):
        open_as(TouchpointReceived, sealed.data, headers)


def test_bytes_that_are_no_message_are_invalid_input() -> None:
    sealed = seal(builders.received(), "sori/test")

    with pytest.raises(InvalidInput, match="TouchpointReceived"):
        open_as(TouchpointReceived, b"\xff\xff\xff", sealed.headers)
