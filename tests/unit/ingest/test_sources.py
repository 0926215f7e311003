"""Sources in a file."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from sori_ingest.channels import ADAPTERS
from sori_ingest.hooks import signatures
from sori_ingest.main import CheckedSettings
from sori_ingest.settings import options, sources
from sori_ingest.settings.sources import SourceFile, SourceRefused

EXAMPLE = Path(__file__).parents[3] / "deploy/local/policies/sources.yaml"
GOOD = """
sources:
  - name: desk
    adapter: meta
    secrets: [{env: SORI_TEST_DESK}, {file: desk.secret}]
    org_unit: cx
    options: {agent_app_ids: 0123, own_ids: [0099, 1e3]}
    mapping: {의견: text, 매장: attributes.shop}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SORI_TEST_DESK", "from-the-environment")
    (tmp_path / "desk.secret").write_text("from-a-file\n")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    """Write the file; its time changes for sure."""
    path = folder / "sources.yaml"
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text)
    os.utime(path, ns=(before + 10**9, before + 10**9))
    return path


def refused(folder: Path, text: str) -> str:
    with pytest.raises(SourceRefused) as raised:
        sources.load(written(folder, text), ADAPTERS)
    return str(raised.value)


def test_a_source_is_read_as_it_is_written(folder: Path) -> None:
    source = sources.load(written(folder, GOOD), ADAPTERS)["desk"]

    assert ("meta", "cx") == (source.adapter, source.org_unit)
    assert ("from-the-environment", "from-a-file") == source.secrets
    assert {"agent_app_ids": "0123", "own_ids": "0099,1e3"} == dict(source.options)
    assert {"의견": "text", "매장": "attributes.shop"} == dict(source.mapping)


def test_secrets_are_not_shown(folder: Path) -> None:
    assert "from-a" not in repr(sources.load(written(folder, GOOD), ADAPTERS))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "sources.yaml:1: file: is empty"),
        ("sources: [", "sources.yaml:1: "),
        ("[]", "sources.yaml:1: file: "),
        ("sources:\n- name: a\n  adapter: nope", "sources.yaml:3: sources.0.adapter: is none of amazon_connect, "),
        ("sources:\n- adapter: line", "sources.yaml:2: sources.0.name: Field required"),
        ("sources:\n- name: a\n  name: b\n  adapter: line", "sources.yaml:3: sources.0.name: stands twice"),
        ("sources:\n- name: ../a\n  adapter: line", "sources.yaml:2: sources.0.name: "),
        (
            "sources:\n- {name: a, adapter: line}\n- {name: a, adapter: line}",
            "sources.yaml:3: sources.1.name: is the name",
        ),
        (
            "sources:\n- name: a\n  adapter: line\n  colour: red",
            "sources.yaml:4: sources.0.colour: nothing of that name belongs here",
        ),
        (
            "sources:\n- name: a\n  adapter: line\n  mapping:\n    x: nope",
            "sources.yaml:5: sources.0.mapping.x: there is no field",
        ),
        (
            "sources:\n- name: a\n  adapter: line\n  options:\n    zone: Asia/Seol",
            "sources.yaml:5: sources.0.options.zone: is no IANA zone",
        ),
        (
            "sources:\n- name: a\n  adapter: shop\n  options: {channel: tv}",
            "sources.yaml:4: sources.0.options.channel: is none of app, call_center, ",
        ),
        (
            "sources:\n- name: a\n  adapter: segment\n  options:\n    event.Quiz Done: quiz",
            "sources.yaml:5: sources.0.options.event.Quiz Done: is none of cancellation, ",
        ),
        (
            "sources:\n- name: a\n  adapter: shopify\n  options: {customer_id: nobody}",
            "sources.yaml:4: sources.0.options.customer_id: is none of anonymous_id, ",
        ),
        (
            "sources:\n- name: a\n  adapter: zendesk\n  options:\n    signature: shard",
            "sources.yaml:5: sources.0.options.signature: is none of app_store, chatwoot, ",
        ),
        (
            "sources:\n- name: a\n  adapter: meta\n  options:\n    zone: Asia/Seoul\n    own_id: 1",
            "sources.yaml:6: sources.0.options.own_id: meta has no option of that name; did you mean own_ids?; ",
        ),
        (
            "sources:\n- name: a\n  adapter: chatwoot\n  options: {colour: red}",
            "options.colour: chatwoot has no option of that name; there are signature, topic_arn, zone",
        ),
        ("sources:\n- name: a\n  adapter: square\n  options: {location.: x}", "; did you mean location.…?; "),
        ("sources:\n- name: a\n  adapter: square\n  options: {purchases: all}", "is none of orders, payments"),
        ("sources:\n- name: a\n  adapter: survey\n  options: {csat_scale: 7}", "is no scale, such as 1-7"),
        ("sources:\n- name: a\n  adapter: typeform\n  options: {partial: maybe}", "is neither true nor false"),
        (
            "sources:\n- name: a\n  adapter: line\n  secrets: hunter2",
            "sources.yaml:4: sources.0.secrets.0: name an env",
        ),
        (
            "sources:\n- name: a\n  adapter: line\n  secrets:\n  - {env: SORI_NOT_SET}",
            "sources.yaml:5: sources.0.secrets.0: ",
        ),
        ("sources:\n- name: a\n  adapter: line\n  secrets:\n  - {file: nope}", "FileNotFoundError"),
        ("sources:\n- name: a\n  adapter: line\n  enabled: perhaps", "sources.yaml:4: sources.0.enabled: "),
        (
            "sources:\n- name: a\n  adapter: slack\n  options:\n    voice: ' internal'",
            "sources.yaml:5: sources.0.options.voice: is none of customer, internal",
        ),
        ("a: &a [*a]", "is nested too deep"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, problem: str, folder: Path) -> None:
    said = refused(folder, text)

    assert problem in said
    assert "hunter2" not in said


@pytest.mark.parametrize(
    "source",
    [
        "adapter: shopify, options: {location.6524: store-gangnam, customer_id: member_id}",
        "adapter: segment, options: {event.Quiz Done: survey-response, user_id: MEMBER_ID, zone: }",
        "adapter: amazon_connect, options: {signature: sns, topic_arn: 'arn:aws:sns:a:1:t'}",
        "adapter: typeform, options: {partial: yes, nps: [a, b], csat_scale: 1 ~ 7, channel: app}",
    ],
)
def test_what_a_source_may_be_told_is_taken(source: str, folder: Path) -> None:
    assert sources.load(written(folder, f"sources: [{{name: a, {source}}}]"), ADAPTERS)


def test_the_schemes_of_signatures_are_those_that_there_are() -> None:
    assert {*signatures.SCHEMES, signatures.SNS} == options.SIGNATURES


def test_a_file_that_is_no_utf_8_is_refused_with_its_line(folder: Path) -> None:
    path = written(folder, "")
    path.write_bytes(b"sources: []\n# \xc7\xd1\xb1\xdb\n")

    with pytest.raises(SourceRefused, match=r"sources\.yaml:2: is not UTF-8"):
        sources.load(path, ADAPTERS)


def test_all_that_is_wrong_is_named_at_once(folder: Path) -> None:
    said = refused(folder, "sources:\n- name: a\n  adapter: nope\n  org_unit: x\n- name: a\n  adapter: nope")

    assert ["sources.yaml:3", "sources.yaml:5", "sources.yaml:6"] == [line.split(": ")[0] for line in said.splitlines()]


def test_a_source_that_is_not_enabled_needs_no_secret_and_is_not_there(folder: Path) -> None:
    text = "sources:\n- {name: a, adapter: line, enabled: false, secrets: [{env: SORI_NOT_SET}]}"

    assert {} == sources.load(written(folder, text), ADAPTERS)


def test_a_change_is_taken_up(folder: Path) -> None:
    file = SourceFile(written(folder, GOOD), ADAPTERS)

    written(folder, GOOD.replace("name: desk", "name: other"))
    file.refresh()

    assert {"other"} == set(file.current)


def test_a_broken_file_leaves_the_old_sources_in_force(folder: Path) -> None:
    file = SourceFile(written(folder, GOOD), ADAPTERS)

    written(folder, "sources: [{name: x}]")
    file.refresh()

    assert {"desk"} == set(file.current)


def test_a_file_that_goes_away_leaves_the_old_sources_in_force(folder: Path) -> None:
    path = written(folder, GOOD)
    file = SourceFile(path, ADAPTERS)

    path.unlink()
    file.refresh()

    assert {"desk"} == set(file.current)


def test_a_secret_is_rotated_by_changing_its_file(folder: Path) -> None:
    file = SourceFile(written(folder, GOOD), ADAPTERS)

    (folder / "desk.secret").write_text("a-newer-secret")
    file.refresh()

    assert ("from-the-environment", "a-newer-secret") == file.current["desk"].secrets


def test_a_secret_that_comes_late_mends_the_file(folder: Path) -> None:
    file = SourceFile(written(folder, GOOD), ADAPTERS)
    written(folder, GOOD.replace("desk.secret", "late.secret"))
    file.refresh()

    (folder / "late.secret").write_text("late")
    file.refresh()

    assert ("from-the-environment", "late") == file.current["desk"].secrets


def test_without_a_file_there_are_no_sources() -> None:
    assert {} == SourceFile(None, ADAPTERS).current


def test_the_example_has_a_source_of_every_adapter() -> None:
    text = EXAMPLE.read_text()

    assert {} == sources.load(EXAMPLE, ADAPTERS)
    assert not [name for name in ADAPTERS if f"adapter: {name}\n" not in text]


def test_a_broken_file_stops_the_start_with_its_lines(folder: Path) -> None:
    path = written(folder, "sources:\n  - {name: desk, adapter: zendeks}\n")

    with pytest.raises(ValidationError, match=r"sources\.yaml:2: sources\.0\.adapter: is none of"):
        CheckedSettings(grpc_port=0, sources_path=path)
