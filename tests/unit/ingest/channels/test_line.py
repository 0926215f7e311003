import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels.payload import Reading

Read = Callable[..., Reading]
PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads" / "line"


def test_message_is_an_inquiry(read: Read) -> None:
    [made] = read("line", "ok_text.json").touchpoints

    assert (pb.CHANNEL_CHAT, pb.TOUCHPOINT_KIND_INQUIRY, pb.ACTOR_CUSTOMER) == (made.channel, made.kind, made.actor)
    assert ("325708", 0, "배송 언제 오나요? (love)🥺") == (made.external_id, made.revision, made.text)
    assert [(pb.IDENTIFIER_TYPE_ANONYMOUS_ID, "line:U4af4980629")] == [
        (each.type, each.value) for each in made.identifiers
    ]


def test_redelivery_is_the_same_touchpoint(read: Read) -> None:
    first = read("line", "ok_text.json").touchpoints
    again = read("line", "ok_redelivered_text.json").touchpoints

    assert first == again


def test_edit_is_a_higher_revision_of_the_message(read: Read) -> None:
    [made] = read("line", "ok_edited_in_group.json").touchpoints

    assert ("325708", 1462629999859, "배송 언제 오나요? 급해요") == (made.external_id, made.revision, made.text)
    assert "Ca56f94637c" == made.thread_id


def test_unsent_message_becomes_an_empty_one(read: Read) -> None:
    [made] = read("line", "ok_unsent.json").touchpoints

    assert ("325708", "", "true") == (made.external_id, made.text, made.attributes["deleted"])
    assert made.revision > 1462629999859
    assert pb.TOUCHPOINT_KIND_OTHER == made.kind  # Nobody has to answer it.


@pytest.mark.parametrize(
    ("file", "attachments"),
    [("ok_image.json", "image:1"), ("ok_sticker.json", "sticker:1"), ("ok_location.json", "location:1")],
)
def test_what_has_no_words_is_counted(read: Read, file: str, attachments: str) -> None:
    [made] = read("line", file).touchpoints

    assert ("", attachments) == (made.text, made.attributes["attachments"])


def test_batch_goes_on_after_an_unknown_event(read: Read) -> None:
    found = read("line", "ok_batch_with_unknown_event.json")

    assert ["325708", "325710"] == [each.external_id for each in found.touchpoints]
    assert [("event_type_unknown", "teleport")] == [(each.reason, each.detail) for each in found.ignored]


def test_wrong_event_is_named_by_its_place(read: Read) -> None:
    found = read("line", "partly_batch.json")

    assert ["events.1.message.id"] == [each.field for each in found.unreadable]
    assert 1 == len(found.touchpoints)


def test_empty_delivery_is_a_test_of_the_address(read: Read) -> None:
    [ignored] = read("line", "ignored_verification.json").ignored

    assert "test_ping" == ignored.reason


@pytest.mark.parametrize(("text", "reasons"), [("\u3000 ", ["no_words"]), (" 네", [])])
def test_message_of_spaces_says_nothing(read: Read, text: str, reasons: list[str]) -> None:
    given = json.loads((PAYLOADS / "ok_text.json").read_bytes())
    given["events"][0]["message"]["text"] = text

    assert reasons == [each.reason for each in read("line", "", body=json.dumps(given).encode()).ignored]
