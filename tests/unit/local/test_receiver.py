"""The journal of received alerts."""

import json
from pathlib import Path

from sori_local import receiver
from sori_local.receiver import Journal


def test_alert_is_kept_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "alerts.jsonl")

    assert journal.keep("a", {"reason": "late"})
    assert not journal.keep("a", {"reason": "late"})

    assert 1 == receiver.count(tmp_path / "alerts.jsonl")


def test_journal_remembers_over_a_restart(tmp_path: Path) -> None:
    Journal(tmp_path / "alerts.jsonl").keep("a", {})

    assert not Journal(tmp_path / "alerts.jsonl").keep("a", {})


def test_line_that_a_crash_tore_off_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    Journal(path).keep("a", {})
    with path.open("ab") as file:
        file.write(b'{"webhook_id": "b", "pay')

    assert Journal(path).keep("b", {})

    assert ["a", "b"] == [json.loads(line)["webhook_id"] for line in path.read_text().splitlines()]
