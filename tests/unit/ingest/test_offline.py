"""`sori-ingest check`: what would become of a payload."""

import argparse
import io
import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest import offline

NOW = "2026-11-22T12:00:00+09:00"
GOOD = {
    "id": "k-1",
    "text": "최고예요 010-1234-5678",
    "rating": 5,
    "store": "gangnam",
    "time": "2026-11-22T11:59:00+09:00",
}


class Ran:
    """What a command printed, and its exit status."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status = status
        self.out = out
        self.err = err

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Runner:
    """Runs offline commands."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self._folder = folder
        self._capture = capture

    def run(self, command: str, *arguments: str) -> Ran:
        parser = argparse.ArgumentParser()
        offline.COMMANDS[command].arguments(parser)
        status = offline.COMMANDS[command].run(parser.parse_args(arguments))
        return Ran(status, *self._capture.readouterr())

    def check(self, adapter: str, payload: object, *arguments: str) -> Ran:
        path = self._folder / "payload"
        path.write_bytes(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
        return self.run("check", adapter, str(path), f"--now={NOW}", *arguments)


@pytest.fixture
def runner(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(tmp_path, capsys)


@pytest.fixture
def beside_a_payload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "payload").write_text(json.dumps(GOOD))
    monkeypatch.chdir(tmp_path)


def test_a_touchpoint_is_one_line_in_normal_form(runner: Runner) -> None:
    ran = runner.check("shop", GOOD)

    [line] = ran.lines
    made = json_format.ParseDict(line, pb.Touchpoint())
    assert 0 == ran.status
    assert ("최고예요 ***-****-****", "ko", {"phone_number": 1}) == (made.text, made.language, dict(made.masked_counts))
    assert made.touchpoint_id
    assert "RATING" not in ran.out
    assert "최고예요" in ran.out


def test_the_same_payload_gives_the_same_touchpoint(runner: Runner) -> None:
    assert runner.check("shop", GOOD).lines == runner.check("shop", GOOD).lines


def test_people_see_a_table_beside_it(runner: Runner) -> None:
    assert "store    review" in runner.check("shop", GOOD).err
    assert not runner.check("shop", GOOD, "--json").err


def test_what_is_to_be_ignored_says_why(runner: Runner) -> None:
    ran = runner.check("line", {"destination": "x", "events": []}, "--json")

    assert (3, [{"ignored": "test_ping"}]) == (ran.status, ran.lines)


def test_without_json_the_reason_is_for_people(runner: Runner) -> None:
    ran = runner.check("line", {"destination": "x", "events": []})

    assert (3, "", "ignored: test_ping\n") == (ran.status, ran.out, ran.err)


def test_what_would_be_quarantined_says_why(runner: Runner) -> None:
    ran = runner.check("line", {"destination": "x"}, "--json")

    [line] = ran.lines
    assert (4, "field_missing", ["events"]) == (ran.status, line["quarantined"], line["fields"])


def test_what_is_not_json_would_be_quarantined(runner: Runner) -> None:
    ran = runner.check("zendesk", b"\xff\xfe\x00nope", "--json")

    assert 4 == ran.status
    assert ran.lines[0]["quarantined"]


def test_what_has_no_normal_form_would_be_quarantined(runner: Runner) -> None:
    ran = runner.check("shop", {**GOOD, "rating": 11}, "--json")

    [line] = ran.lines
    assert (4, "normal_form", ["rating.value"]) == (ran.status, line["quarantined"], line["fields"])


def test_a_payload_of_which_a_part_is_good_is_taken(runner: Runner) -> None:
    good = {
        "type": "message",
        "timestamp": 1_790_000_000_000,
        "source": {"type": "user", "userId": "U1"},
        "webhookEventId": "01",
        "message": {"id": "1", "type": "text", "text": "안녕"},
    }

    ran = runner.check("line", {"events": [good, {"type": "unheard_of", "timestamp": 1}, good]}, "--json")

    assert (0, ["안녕"]) == (ran.status, [line["text"] for line in ran.lines])
    assert "ignored" in ran.err


def test_a_source_has_a_name_a_unit_and_a_mapping(runner: Runner, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("words: text\nwho: member_id\n")

    ran = runner.check(
        "shop", {"words": "좋아요", "who": "M1"}, "--source=kiosk-1", "--org-unit=gangnam", f"--mapping={mapping}"
    )

    [line] = ran.lines
    assert ("kiosk-1", "gangnam", "좋아요") == (line["source"], line["orgUnit"], line["text"])


def test_a_source_is_taken_from_a_file_of_sources(runner: Runner, tmp_path: Path) -> None:
    sources = tmp_path / "sources.yaml"
    kiosk = "{name: kiosk-2, adapter: shop, org_unit: mapo, secrets: [{env: SORI_NOT_SET}]}"
    sources.write_text(f"sources: [{kiosk}, {{name: l, adapter: line}}]")

    ran = runner.check("shop", {"text": "좋아요"}, f"--sources={sources}")

    assert ("kiosk-2", "mapo") == (ran.lines[0]["source"], ran.lines[0]["orgUnit"])


def test_standard_input_is_read(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(GOOD).encode())))

    assert 0 == runner.run("check", "shop", "-").status


@pytest.mark.usefixtures("beside_a_payload")
@pytest.mark.parametrize(
    "arguments",
    [
        ["no_such_adapter", "payload"],
        ["shop", "no-such-file"],
        ["shop", "payload", "--now=yesterday"],
        ["shop", "payload", "--source=No Name"],
        ["shop", "payload", "--option=nothing"],
        ["shop", "payload", "--option=nps=q1"],
        ["shop", "payload", "--option=rating_scale=5"],
        ["shop", "payload", "--mapping=no-such-file"],
        ["shop", "payload", "--sources=no-such-file"],
        ["shop", "payload", f"--org-unit={'x' * 65}"],
    ],
)
def test_wrong_use_is_exit_2(
    arguments: list[str], runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "payload").write_text(json.dumps(GOOD))
    monkeypatch.chdir(tmp_path)

    ran = runner.run("check", *arguments)

    assert (2, "") == (ran.status, ran.out)
    assert ran.err.startswith("sori sources check: ")


def test_adapters_are_listed(runner: Runner) -> None:
    assert "kakao_openbuilder" in runner.run("adapters").out
    known = runner.run("adapters", "--json").lines[0]
    assert {"adapter", "title", "channel", "document", "fields", "options"} == set(known)


def test_a_file_of_sources_is_checked(runner: Runner, tmp_path: Path) -> None:
    sources = tmp_path / "sources.yaml"
    sources.write_text("sources: [{name: a, adapter: shop}]")
    good = runner.run("validate", str(sources))
    sources.write_text("sources:\n- {name: a, adapter: nope}")
    wrong = runner.run("validate", str(sources))

    assert (0, "a  shop\n") == (good.status, good.out)
    assert (1, "sources.yaml:2: sources.0.adapter") == (wrong.status, wrong.err[:33])
