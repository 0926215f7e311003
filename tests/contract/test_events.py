"""Wire, examples and catalogue agree."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message

import event_catalogue
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori.journey.v1.touchpoint_events_pb2 import TouchpointStitched

EXAMPLES = Path(__file__).parent / "examples"
ENTRIES = event_catalogue.entries()


def examples() -> Iterator[tuple[type[Message], Path]]:
    for entry in ENTRIES:
        for path in sorted((EXAMPLES / entry.type).glob("*.json")):
            yield entry.message, path


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.type)
def test_every_event_has_an_example(entry: event_catalogue.CatalogueEntry) -> None:
    assert list((EXAMPLES / entry.type).glob("*.json"))


def test_no_example_is_of_an_unknown_event() -> None:
    assert {path.name for path in EXAMPLES.iterdir()} == {entry.type for entry in ENTRIES}


@pytest.mark.parametrize(("message", "path"), list(examples()), ids=lambda value: getattr(value, "stem", ""))
def test_every_example_can_be_read_and_loses_nothing(message: type[Message], path: Path) -> None:
    read = json_format.Parse(path.read_text(), message())

    again = message.FromString(read.SerializeToString())

    assert again == read


@pytest.mark.parametrize(
    ("received", "made"), [(TouchpointReceived, TouchpointClassified), (TouchpointClassified, TouchpointStitched)]
)
def test_what_a_station_passes_on_unread_has_its_place_in_the_next_event(
    received: type[Message], made: type[Message]
) -> None:
    for number, field in received.DESCRIPTOR.fields_by_number.items():
        there = made.DESCRIPTOR.fields_by_number[number]
        assert (field.name, field.message_type) == (there.name, there.message_type)


def test_the_catalogue_is_what_the_code_says() -> None:
    written = (event_catalogue.ROOT / "docs/events.md").read_text()

    assert written == event_catalogue.markdown()
