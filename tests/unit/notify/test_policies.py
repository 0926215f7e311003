"""Policy files: what is refused, with which line, and that the old one stays."""

import datetime as dt
import os
from pathlib import Path

import pytest
import structlog.testing

from sori_notify.domain import Channel, Kind
from sori_notify.settings import Settings, policies

GOOD = """\
opens_cases: [inquiry]
policies:
  - name: live
    match: {channels: [kakao]}
    first_response: 5m
  - name: rest
    first_response: 24h
"""
SHIPPED = Path(__file__).parents[3] / "deploy" / "local" / "policies" / "sla.yaml"


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(policies.PolicyRefused) as refused:
        policies.load(written(folder / "sla.yaml", text))
    return str(refused.value)


def test_policies_are_read_in_the_order_of_the_file(tmp_path: Path) -> None:
    read = policies.load(written(tmp_path / "sla.yaml", GOOD))

    assert frozenset({Kind.INQUIRY}) == read.opening_kinds
    assert [("live", dt.timedelta(minutes=5)), ("rest", dt.timedelta(hours=24))] == [
        (each.promise.policy, each.promise.target) for each in read.policies
    ]


def test_the_shipped_policies_promise_five_minutes_on_kakao_and_the_phone() -> None:
    read = policies.load(SHIPPED)

    targets = {channel: read.promise(channel, Kind.INQUIRY, "", []) for channel in Channel}
    fast = {channel for channel, promise in targets.items() if promise and promise.target == dt.timedelta(minutes=5)}
    assert {Channel.KAKAO, Channel.CALL_CENTER} == fast
    assert all(targets.values())


@pytest.mark.parametrize(
    ("wrong", "line", "where"),
    [
        (GOOD.replace("5m", "five minutes"), 5, "policies.0.first_response"),
        (GOOD.replace("5m", "0s"), 5, "policies.0.first_response"),
        (GOOD.replace("[kakao]", "[kakoa]"), 4, "policies.0.match.channels.0"),
        (GOOD.replace("match:", "matches:"), 4, "policies.0.matches"),
        (GOOD.replace("    first_response: 24h\n", ""), 6, "policies.1.first_response"),
        (GOOD.replace("name: rest", "name: live"), 6, "policies.1.name"),
        (GOOD.replace("    match: {channels: [kakao]}\n", ""), 5, "policies.1"),
        (GOOD + "opens_cases: [complaint]\n", 8, "opens_cases"),
        (GOOD.replace("[kakao]", "[kakao"), 4, ""),
        (GOOD.replace("5m", "!!python/name:os.system"), 5, ""),
        ("policies: &loop [*loop]\n", 1, ""),
        ("", 1, "file"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, wrong: str, line: int, where: str) -> None:
    assert any(said.startswith(f"sla.yaml:{line}: {where}") for said in refusal(tmp_path, wrong).splitlines())


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, GOOD.replace("5m", "soon").replace("24h", "later"))

    assert ["sla.yaml:5", "sla.yaml:7"] == [line[:10] for line in said.splitlines()]


def test_a_broken_file_leaves_the_old_policies_in_force_and_says_where_it_is_broken(tmp_path: Path) -> None:
    file = policies.PolicyFile(written(tmp_path / "sla.yaml", GOOD))
    before = file.current

    with structlog.testing.capture_logs() as logs:
        written(tmp_path / "sla.yaml", GOOD.replace("5m", "soonish"))
        file.refresh()
        file.refresh()

    assert before is file.current
    assert [("policy.refused", 5)] == [(each["event"], int(each["problems"][0].split(":")[1])) for each in logs]


def test_a_changed_file_is_taken_up(tmp_path: Path) -> None:
    path = written(tmp_path / "sla.yaml", GOOD)
    file = policies.PolicyFile(path)

    written(tmp_path / "next.yaml", GOOD.replace("5m", "7m"))
    os.replace(tmp_path / "next.yaml", path)
    file.refresh()

    assert dt.timedelta(minutes=7) == file.current.policies[0].promise.target


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("5m", 300), ("1h30m", 5400), ("2d", 172_800), ("1h 30m", 5400)]
)
def test_durations(text: str, seconds: int) -> None:
    assert dt.timedelta(seconds=seconds) == policies.duration(text)


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 minutes", "0h", "400d", "9999999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        policies.duration(text)


@pytest.mark.parametrize("secret", ["", "whsec_x"])
def test_a_webhook_that_cannot_sign_stops_the_start(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ValueError, match="secret"):
        Settings(
            policy_path=written(tmp_path / "sla.yaml", GOOD),
            webhook_url="http://127.0.0.1:1",
            webhook_secret=secret,
            grpc_port=0,
        )


def test_a_broken_policy_file_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"sla.yaml:5: policies\.0\.first_response"):
        Settings(policy_path=written(tmp_path / "sla.yaml", GOOD.replace("5m", "soon")), grpc_port=0)
