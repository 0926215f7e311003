"""The configuration of the supervisor."""

import configparser
import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from sori_local import plan, ports, supervision
from sori_local.supervision import StartError


@pytest.fixture(autouse=True)
def no_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from engines of the user's own."""
    monkeypatch.setenv("SORI_NATS_URL", "nats://elsewhere:4222")
    monkeypatch.setenv("SORI_POSTGRES_URL", "postgresql://elsewhere")


def written(folder: Path, only: Sequence[str] = ports.SERVICES) -> configparser.RawConfigParser:
    folder.mkdir(exist_ok=True)
    parser = configparser.RawConfigParser()
    parser.read_string(supervision.configuration(plan.make(folder, only=only), folder / "supervisor.sock"))
    return parser


def test_whatever_ends_is_started_again_at_once(tmp_path: Path) -> None:
    parser = written(tmp_path)

    programs = [parser[name] for name in parser.sections() if name.startswith("program:")]
    assert 8 == len(programs)
    assert {("true", "0")} == {(each["autorestart"], each["startsecs"]) for each in programs}


def test_services_stop_before_the_receiver_and_start_only_when_told(tmp_path: Path) -> None:
    parser = written(tmp_path)

    assert int(parser["group:services"]["priority"]) > int(parser["group:receiver"]["priority"])
    assert "false" == parser["program:journey"]["autostart"]
    assert ",".join(ports.SERVICES) == parser["group:services"]["programs"]


def test_engines_stop_last_and_postgres_shuts_down_fast(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SORI_NATS_URL")
    monkeypatch.delenv("SORI_POSTGRES_URL")

    parser = written(tmp_path)

    assert "nats,postgres" == parser["group:engines"]["programs"]
    assert int(parser["group:engines"]["priority"]) < int(parser["group:receiver"]["priority"])
    assert ("INT", "true") == (parser["program:postgres"]["stopsignal"], parser["program:postgres"]["autostart"])
    assert "sync_interval: always" in (tmp_path / "nats" / "nats.conf").read_text()


def test_paths_with_odd_characters_survive(tmp_path: Path) -> None:
    folder = tmp_path / "100% 소리 data"

    command = written(folder)["program:alert-receiver"]["command"] % {}

    assert str(folder / "alerts.jsonl") in shlex.split(command)


def test_socket_path_that_is_too_long_moves(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 120)

    made = supervision.socket_path(deep)

    assert len(str(made)) < 104
    assert made == supervision.socket_path(deep)
    assert tmp_path.parent / "supervisor.sock" == supervision.socket_path(tmp_path.parent)


def test_last_words_are_those_of_this_start(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("a: wrong:\n  old\nended\n")
    before = supervision.length(log)

    with log.open("a") as file:
        file.write("started\n")
    assert not supervision.last_words(log, after=before, of="wrong")

    with log.open("a") as file:
        file.write("a: wrong:\n  new\n")
    assert "a: wrong:\n  new" == supervision.last_words(log, after=before, of="wrong")


def test_last_words_are_read_from_a_log_that_began_anew(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("a: wrong:\n  new\n")

    assert "a: wrong:\n  new" == supervision.last_words(log, after=10_000, of="wrong")
    assert not supervision.last_words(tmp_path / "missing.log", after=0, of="wrong")


def test_second_start_on_a_folder_is_refused(tmp_path: Path) -> None:
    with (
        supervision.locked(tmp_path),
        pytest.raises(StartError, match=r"already running on .*process \d+"),
        supervision.locked(tmp_path),
    ):
        pass


def test_folder_is_free_again_after_the_end(tmp_path: Path) -> None:
    with supervision.locked(tmp_path):
        pass
    with supervision.locked(tmp_path):
        pass
