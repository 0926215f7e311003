from collections.abc import Iterator
from typing import Any

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.attachments import attach, type_of
from sori_ingest.channels.parts import Outcome, read_each, reading_of
from sori_ingest.channels.payload import Ignored, Unreadable


def test_one_wrong_part_leaves_the_others() -> None:
    def make(part: Any) -> Iterator[Outcome]:
        if "text" not in part:
            raise Unreadable("field_missing", "missing", "text")
        yield pb.Touchpoint(text=part["text"])

    found = read_each([{"text": "a"}, {}, "b", {"text": "c"}], "events", make)

    assert ["a", "c"] == [each.text for each in found.touchpoints]
    assert [("field_missing", "events.1.text"), ("field_wrong", "events.2")] == [
        (each.reason, each.field) for each in found.unreadable
    ]


def test_detail_holds_no_more_than_a_name() -> None:
    [ignored] = reading_of(Ignored("event_type_unknown", "order.paid <kim@example.com>" + "x" * 1_000)).ignored

    assert ignored.detail.startswith("order.paid kimexample.com")
    assert 64 >= len(ignored.detail)


def test_attachments_are_counted_by_type() -> None:
    made = pb.Touchpoint()

    attach(made, [type_of("image/png"), type_of("application/pdf"), type_of("IMAGE/jpeg; q=1"), type_of("")])

    assert "file:2,image:2" == made.attributes["attachments"]


def test_nothing_attached_is_not_told() -> None:
    made = pb.Touchpoint()

    attach(made, [])

    assert {} == dict(made.attributes)
