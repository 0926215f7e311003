"""`sori sources`."""

import json
import subprocess
import sys
from pathlib import Path

SORI = Path(sys.executable).with_name("sori")


def test_check_hands_over_all_that_it_was_told(tmp_path: Path) -> None:
    payload = tmp_path / "-payload"
    payload.write_text(json.dumps({"words": "좋아요 010-1234-5678", "id": "1"}))
    (tmp_path / "mapping.yaml").write_text("words: text")
    options = [
        "--source=kiosk",
        "--org-unit=mapo",
        "--mapping=mapping.yaml",
        "--option=channel=app",
        "--header=X-A: -b",
    ]

    ran = subprocess.run(
        [SORI, "sources", "check", "shop", "--json", *options, "--now=2026-11-22T12:00:00+09:00", "--", "-payload"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == ran.returncode, ran.stderr
    made = json.loads(ran.stdout)
    assert ("kiosk", "mapo", "좋아요 ***-****-****") == (made["source"], made["orgUnit"], made["text"])


def test_a_refusal_is_the_exit_status_of_the_command(tmp_path: Path) -> None:
    ran = subprocess.run(
        [SORI, "sources", "check", "line", "-", "--json"], input="{", capture_output=True, text=True, check=False
    )

    assert (4, "not_json") == (ran.returncode, json.loads(ran.stdout)["quarantined"])
