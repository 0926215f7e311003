"""Every payload file ends as its name says: `ok_`, `partly_`, `ignored_`, `unreadable_`."""

import contextlib
import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest import channels, wire
from sori_ingest.channels import generic
from sori_ingest.channels.payload import Payload, Reading, Source, Unreadable
from sori_ingest.settings import options

_PAYLOADS = Path(__file__).parents[3] / "contract" / "payloads"
_FILES = sorted(
    path.relative_to(_PAYLOADS).as_posix()
    for path in _PAYLOADS.glob("*/*")
    if path.is_file() and path.parent.name in channels.ADAPTERS and path.suffix != ".md"
)
_RECEIVED = dt.datetime(2026, 11, 22, 3, 4, 5, tzinfo=dt.UTC)


def _named(prefix: str) -> list[str]:
    return [each for each in _FILES if each.partition("/")[2].startswith(prefix)]


def _read(file: str, told: Mapping[str, str] | None = None) -> Reading:
    adapter = file.partition("/")[0]
    source = Source(name=f"test-{adapter}", org_unit="team-1", options={} if told is None else told)
    payload = Payload(body=(_PAYLOADS / file).read_bytes(), received_time=_RECEIVED)
    return channels.read(channels.ADAPTERS[adapter], payload, source)


def _violations(given: pb.Touchpoint) -> list[object]:
    return list(generic.normalise(given, pb.Touchpoint(), now=wire.instant(_RECEIVED)))


class _Noting(dict[str, str]):
    """Options that note which of them are asked for; there are none."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return False

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return default


@pytest.mark.parametrize("adapter", sorted(channels.ADAPTERS))
def test_an_adapter_declares_the_options_that_it_reads_and_no_others(adapter: str) -> None:
    noting = _Noting()
    for file in (each for each in _FILES if each.startswith(f"{adapter}/")):
        with contextlib.suppress(Unreadable):
            _read(file, noting)

    there = channels.ADAPTERS[adapter].OPTIONS
    strangers = [each for each in noting.asked if "no option of that name" in options.wrong(each, "", adapter, there)]
    unread = [each for each in there if not any(name.startswith(each.removesuffix("…")) for name in noting.asked)]

    assert [] == strangers
    assert [] == unread


def test_every_file_says_how_it_ends() -> None:
    prefixes = ("ok_", "partly_", "ignored_", "unreadable_")

    strays = [each for each in _FILES if not each.partition("/")[2].startswith(prefixes)]

    assert [] == strays


@pytest.mark.parametrize("adapter", sorted(channels.ADAPTERS))
def test_every_adapter_shows_what_it_takes_ignores_and_refuses(adapter: str) -> None:
    ends = {each.partition("/")[2].partition("_")[0] for each in _FILES if each.startswith(f"{adapter}/")}

    assert {"ok", "ignored", "unreadable"} <= ends


@pytest.mark.parametrize("file", _named("ok_"))
def test_ok_becomes_touchpoints_in_normal_form(file: str) -> None:
    found = _read(file)

    assert found.touchpoints
    assert () == found.unreadable
    assert [] == [wrong for each in found.touchpoints for wrong in _violations(each)]
    assert all(each.org_unit for each in found.touchpoints)


@pytest.mark.parametrize("file", _named("ok_"))
def test_redelivery_makes_the_same_touchpoints(file: str) -> None:
    first = _read(file)
    second = _read(file)

    assert first == second
    ids = [(each.external_id, each.revision) for each in first.touchpoints if each.external_id]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("file", _named("partly_"))
def test_a_wrong_part_leaves_its_neighbours(file: str) -> None:
    found = _read(file)

    assert found.touchpoints
    assert found.unreadable


@pytest.mark.parametrize("file", _named("ignored_"))
def test_ignored_makes_nothing_and_says_why(file: str) -> None:
    found = _read(file)

    assert () == found.touchpoints
    assert () == found.unreadable
    assert found.ignored
    assert all(each.reason.replace("_", "").isalnum() and each.reason.islower() for each in found.ignored)


@pytest.mark.parametrize("file", _named("unreadable_"))
def test_unreadable_names_its_reason(file: str) -> None:
    try:
        problems = list(_read(file).unreadable)
    except Unreadable as problem:
        problems = [problem]

    assert problems
    assert all(each.reason != "adapter_failed" for each in problems)
    assert all(each.field for each in problems if each.reason.startswith("field_"))
