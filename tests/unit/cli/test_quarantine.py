"""What of the quarantine people are shown."""

import pytest

from sori.ingest.v1.submission_events_pb2 import SubmissionQuarantined
from sori_cli import quarantine


@pytest.mark.parametrize(
    ("payload", "truncated", "shown"),
    [
        ('{"글": "좋아요\x1b[31m"}'.encode(), False, '{"글": "좋아요\\x1b[31m"}'),
        ("점수,의견\n9,좋아요\n".encode("cp949"), False, "점수,의견\n9,좋아요\n"),
        ("점수,의견".encode()[:-1], True, "점수,의"),
        ("점수,의견".encode("cp949")[:-1], True, "점수,의"),
        (b"PK\x03\x04\xff\xfe", False, "PK\\x03\\x04\\xff\\xfe"),
    ],
)
def test_what_came_is_shown_as_text(payload: bytes, truncated: bool, shown: str) -> None:
    kept = SubmissionQuarantined(adapter="survey", payload=payload, truncated=truncated)

    assert shown == quarantine.readable(kept)
