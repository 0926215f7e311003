"""What runs on one machine."""

import stat
from pathlib import Path

import pytest

from sori_local import plan, ports


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SORI_NATS_URL", "SORI_POSTGRES_URL", "SORI_JWKS", "SORI_LOG_LEVEL", "SORI_HOME"):
        monkeypatch.delenv(name, raising=False)


def test_every_service_has_its_ports(tmp_path: Path) -> None:
    made = plan.make(tmp_path)

    assert [7101, 7102, 7103, 7104, 7105, 7106, 7107] == [service.grpc_port for service in made.services]
    assert [7201, 7202, 7203, 7204, 7205, 7206, 7207] == [service.metrics_port for service in made.services]
    assert (7100, 7108, 7222, 7232) == (made.http_port, made.receiver_port, made.nats_port, made.postgres_port)


def test_another_base_shifts_all_ports_and_none_collide(tmp_path: Path) -> None:
    usual, shifted = plan.make(tmp_path / "a"), plan.make(tmp_path / "b", base_port=9000)

    assert {port - 7100 + 9000 for port in usual.ports()} == set(shifted.ports())
    assert 2 * len(ports.SERVICES) + 6 == len(usual.ports())
    assert "http://127.0.0.1:9008/alerts" == shifted.environ()["SORI_NOTIFY_WEBHOOK_URL"]


def test_secrets_are_made_once_and_are_ours_alone(tmp_path: Path) -> None:
    plan.make(tmp_path)
    files = {path: path.read_text() for path in (tmp_path / "secrets").iterdir() if not path.name.endswith("-token")}

    plan.make(tmp_path)

    assert {"webhook", "link", "ee-feedback"} == {path.name for path in files}
    assert files == {path: path.read_text() for path in files}
    assert {0o600} == {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()}


def test_engines_of_the_user_are_used_and_none_is_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORI_NATS_URL", "nats://elsewhere:4222")
    monkeypatch.setenv("SORI_POSTGRES_URL", "postgresql://elsewhere")

    made = plan.make(tmp_path)

    assert (False, False) == (made.embeds_nats, made.embeds_postgres)
    assert "nats://elsewhere:4222" == made.environ()["SORI_NATS_URL"]
    assert not {"nats", "postgres"} & set(made.ports().values())


def test_what_the_user_sets_wins_but_for_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SORI_CLASSIFY_MODEL_PATH", "/models/mine")
    monkeypatch.setenv("SORI_INGEST_GRPC_PORT", "1")

    environ = plan.make(tmp_path).environ()

    assert ("/models/mine", "7101") == (environ["SORI_CLASSIFY_MODEL_PATH"], environ["SORI_INGEST_GRPC_PORT"])


def test_files_that_services_need_are_in_the_checkout(tmp_path: Path) -> None:
    environ = plan.make(tmp_path).environ()

    for name in ("SORI_CLASSIFY_MODEL_PATH", "SORI_CLASSIFY_LEXICON_PATH", "SORI_NOTIFY_POLICY_PATH"):
        assert Path(environ[name]).exists(), name


def test_unknown_service_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no such service: nope"):
        plan.make(tmp_path, only=["nope"])
