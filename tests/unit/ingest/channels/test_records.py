import datetime as dt

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading, records
from sori_ingest.channels.payload import Payload, Source, Unreadable

RECEIVED = Payload(body=b"", received_time=dt.datetime(2026, 11, 22, tzinfo=dt.UTC))
MAPPING = {"body.at": "occurred_time", "body.words": "text"}


def a_record(at: object) -> pb.Touchpoint:
    return records.mapped(
        {"body": {"at": at, "words": "늦어요"}},
        RECEIVED,
        Source(name="voc", mapping=MAPPING),
        channel=pb.CHANNEL_CRM,
        kind=pb.TOUCHPOINT_KIND_OTHER,
    )


def test_dotted_name_of_a_time_is_followed_as_that_of_a_text() -> None:
    made = a_record("2026-11-01T10:00:00+09:00")

    assert ("2026-11-01T01:00:00Z", 540) == (made.occurred_time.ToJsonString(), made.occurred_offset_minutes)
    assert "늦어요" == made.text


def test_time_that_is_none_is_named_by_its_dotted_name() -> None:
    with pytest.raises(Unreadable) as raised:
        a_record("soon")

    assert "body.at" == raised.value.field


def test_cut_text_keeps_its_mark_among_many_attributes() -> None:
    made = pb.Touchpoint(text="가" * 100_001, attributes={f"a{number:03}": "1" for number in range(60)})

    fitted = reading.fit(made, Source(name="voc"))

    assert (100_000, 50, "true") == (len(fitted.text), len(fitted.attributes), fitted.attributes["text_cut"])
