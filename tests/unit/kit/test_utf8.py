"""Naming the field that is not UTF-8."""

from hypothesis import given
from hypothesis import strategies as st

import builders
from sori.ingest.v1 import ingest_service_pb2, touchpoint_pb2
from sori_kit import utf8

REQUEST = ingest_service_pb2.SubmitTouchpointsRequest


def test_the_path_leads_to_the_broken_string() -> None:
    request = REQUEST(touchpoints=[builders.a_touchpoint(), builders.a_touchpoint(text="@@@@")])
    data = request.SerializeToString().replace(b"@@@@", b"\xff\xfe@@")

    assert "touchpoints[1].text" == utf8.find_invalid(data, REQUEST.DESCRIPTOR)


def test_a_sound_message_has_no_broken_string() -> None:
    data = builders.a_touchpoint(text="안녕 😀", attributes={"열쇠": "값"}).SerializeToString()

    assert "" == utf8.find_invalid(data, touchpoint_pb2.Touchpoint.DESCRIPTOR)


@given(st.binary(max_size=200))
def test_no_bytes_crash_it(data: bytes) -> None:
    utf8.find_invalid(data, REQUEST.DESCRIPTOR)
