"""Commands that need no platform, and how commands fail."""

import base64
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sori_cli.main import app
from sori_local.tokens import LocalIssuer

runner = CliRunner()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    LocalIssuer(tmp_path / "issuer")
    return tmp_path


def claims(token: str) -> dict[str, object]:
    part = token.split(".")[1]
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


def test_token_holds_the_roles_asked_for(data: Path) -> None:
    ended = runner.invoke(app, ["token", "hr.read", "cx.read", "--subject", "kim", "--days", "2", "--data", str(data)])

    found = claims(ended.stdout.strip())
    assert 0 == ended.exit_code
    assert (["cx.read", "hr.read"], "kim") == (found["roles"], found["sub"])
    assert 2 * 86_400 == int(str(found["exp"])) - int(str(found["iat"]))


def test_unknown_role_fails_in_one_line(data: Path) -> None:
    ended = runner.invoke(app, ["token", "root", "--data", str(data)])

    assert 1 == ended.exit_code
    assert ended.stderr.startswith("sori: no such role: root; there are admin")
    assert 1 == ended.stderr.count("\n")


def test_token_without_a_local_key_says_what_to_do(tmp_path: Path) -> None:
    ended = runner.invoke(app, ["token", "admin", "--data", str(tmp_path / "nowhere")])

    assert 1 == ended.exit_code
    assert "run `sori up` first" in ended.stderr
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "arguments",
    [[each] for each in ("up", "import", "feed", "timeline", "cases", "token", "status")]
    + [["cases", each] for each in ("ack", "resolve")]
    + [["dead-letters", each] for each in ("list", "show", "replay")]
    + [["quarantine", "list"]],
)
def test_every_command_explains_itself(arguments: list[str]) -> None:
    ended = runner.invoke(app, [*arguments, "--help"])

    assert 0 == ended.exit_code
    assert "--data" in ended.stdout


def test_import_with_a_wrong_column_is_refused_before_anything_is_sent(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("review,stars\nok,5\n")

    ended = runner.invoke(app, ["import", str(path), "--channel", "review", "--map", "text=text", "--data", str(data)])

    assert 1 == ended.exit_code
    assert "sori: there is no column text; the columns are review, stars\n" == ended.stderr


def test_service_that_is_away_fails_in_one_line(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORI_INSIGHT_TARGET", "127.0.0.1:1")

    ended = runner.invoke(app, ["feed", "--data", str(data)])

    assert 1 == ended.exit_code
    assert ended.stderr.startswith("sori: insight does not answer at 127.0.0.1:1")


def test_status_names_what_is_down(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for service in ("INGEST", "CLASSIFY", "JOURNEY", "NOTIFY", "EE_FEEDBACK", "INSIGHT", "CONSOLE"):
        monkeypatch.setenv(f"SORI_{service}_TARGET", "127.0.0.1:1")

    ended = runner.invoke(app, ["status", "--json", "--data", str(data)])

    rows = [json.loads(line) for line in ended.stdout.splitlines()]
    assert 1 == ended.exit_code
    assert 7 == len(rows)
    assert not any(row["up"] for row in rows)


def test_port_of_the_deployment_is_remembered(data: Path) -> None:
    (data / "deployment.json").write_text('{"base_port": 1}')

    ended = runner.invoke(app, ["feed", "--data", str(data)])

    assert "insight does not answer at 127.0.0.1:7:" in ended.stderr


def test_timeline_of_an_unreadable_customer_says_how_to_name_one(data: Path) -> None:
    ended = runner.invoke(app, ["timeline", "M1", "--data", str(data)])

    assert 1 == ended.exit_code
    assert "such as member_id:M1" in ended.stderr
