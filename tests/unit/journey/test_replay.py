"""`sori-journey replay`: files in, customers out."""

import json
from pathlib import Path
from typing import Any

import pytest

from sori_journey.main import main
from sori_kit import ids

MEMBER = {"type": "IDENTIFIER_TYPE_MEMBER_ID", "value": "M"}
OTHER = {"type": "IDENTIFIER_TYPE_MEMBER_ID", "value": "N"}
EMAIL = {"type": "IDENTIFIER_TYPE_EMAIL", "value": "e@example.com"}


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, *lines: Any
) -> tuple[int, list[dict[str, Any]], str]:
    path = tmp_path / "records.jsonl"
    path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines), "utf-8")
    monkeypatch.setattr("sys.argv", ["sori-journey", "replay", str(path), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), [json.loads(line) for line in out.splitlines()], err


def seen(name: str, *identifiers: object, day: int = 1) -> dict[str, Any]:
    return {
        "source": "web",
        "externalId": name,
        "channel": "CHANNEL_WEB",
        "kind": "TOUCHPOINT_KIND_VIEW",
        "occurredTime": f"2026-01-{day:02}T00:00:00Z",
        "identifiers": list(identifiers),
    }


def touchpoint_id(name: str) -> str:
    return str(ids.derive("touchpoint", "web", name))


@pytest.mark.parametrize(
    "shape",
    [
        lambda given: given,
        lambda given: {"observation": given},
        lambda given: {"observation": {"touchpoint": given}},
        lambda given: {"touchpoint": given, "classification": {"language": "ko"}},
        lambda given: {"record": {"observation": given}},
        lambda given: {"type": "observation", **given},
    ],
)
def test_an_observation_may_have_any_of_its_shapes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, shape: Any
) -> None:
    status, found, _ = run(monkeypatch, capsys, tmp_path, shape(seen("1", MEMBER)), shape(seen("2", MEMBER, day=2)))

    assert 0 == status
    assert [[touchpoint_id("1"), touchpoint_id("2")]] == [each["touchpointIds"] for each in found]
    assert [MEMBER] == found[0]["identifiers"]


def test_snake_case_and_short_names_are_understood(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    short = {
        "source": "web",
        "touchpoint_id": "t-1",
        "channel": "web",
        "kind": "view",
        "occurred_time": "2026-01-01T00:00:00Z",
        "identifiers": [{"type": "member_id", "value": "M"}],
    }

    status, found, _ = run(monkeypatch, capsys, tmp_path, short)

    assert (0, [["t-1"]], [[MEMBER]]) == (
        status,
        [each["touchpointIds"] for each in found],
        [each["identifiers"] for each in found],
    )


@pytest.mark.parametrize(
    "merge",
    [
        {"merge": {"customers": [{"identifier": MEMBER}, {"identifier": OTHER}]}},
        {"merge": {"customer": {"identifier": MEMBER}, "other": {"identifier": OTHER}}},
        {"merge": {"identifiers": [MEMBER, OTHER]}},
        {"merge": {"left": "member_id:M", "right": "member_id:N"}},
        {"merge": {"touchpointIds": [touchpoint_id("1"), touchpoint_id("2")]}},
        {"mergeCustomers": {"customerIds": [str(ids.derive("customer", touchpoint_id(name))) for name in "12"]}},
        {"type": "merge", "identifiers": [MEMBER, OTHER], "decided_time": "2026-03-01T00:00:00Z"},
    ],
)
def test_a_merge_may_name_its_customers_by_anything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, merge: dict[str, Any]
) -> None:
    lines = [merge, seen("1", MEMBER), seen("2", OTHER, day=2)]

    status, found, _ = run(monkeypatch, capsys, tmp_path, *lines)

    assert (0, 1) == (status, len(found))


@pytest.mark.parametrize(
    "split",
    [
        {"split": {"customer": {"identifier": MEMBER}, "identifiers": [EMAIL]}},
        {"split": {"identifiers": [EMAIL]}},
        {"split": {"identifier": EMAIL}},
        {
            "split": {
                "customerId": str(ids.derive("customer", touchpoint_id("1"))),
                "touchpointIds": [touchpoint_id("2")],
            }
        },
        {"split": {"edge": {"left": MEMBER, "right": EMAIL}}},
        {"splitCustomer": {"customer_id": str(ids.derive("customer", touchpoint_id("1"))), "identifiers": [EMAIL]}},
    ],
)
def test_a_split_may_name_what_goes_by_anything(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, split: dict[str, Any]
) -> None:
    lines = [seen("1", MEMBER), seen("2", MEMBER, EMAIL, day=2), seen("3", EMAIL, day=3), split]

    status, found, _ = run(monkeypatch, capsys, tmp_path, *lines)

    assert 0 == status
    assert [[touchpoint_id("1"), touchpoint_id("2")], [touchpoint_id("3")]] == [each["touchpointIds"] for each in found]


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        "[]",
        {"hello": 1},
        {"merge": {}},
        {"merge": []},
        {"split": {}},
        {"observation": {"source": "web"}},
        {"merge": {"customerId": "nobody", "otherCustomerId": "else"}},
        {"merge": {"identifiers": [MEMBER, EMAIL]}},
        seen("1", {"type": "FAX", "value": "1"}),
    ],
)
def test_a_line_that_cannot_be_read_or_carried_out_is_named_and_the_others_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, line: Any
) -> None:
    given = [seen("1", MEMBER), "", line, seen("2", MEMBER, day=2)]

    status, found, error = run(monkeypatch, capsys, tmp_path, *given)

    assert (2, [[touchpoint_id("1"), touchpoint_id("2")]]) == (status, [each["touchpointIds"] for each in found])
    assert error.startswith("sori: line 3: ")
    assert 1 == error.count("\n")


def test_rejects_are_named_in_the_order_of_their_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    nobody = {"merge": {"identifiers": [MEMBER, OTHER]}}
    unknown = seen("2", {"type": "IDENTIFIER_TYPE_FAX", "value": "1"})

    status, found, error = run(monkeypatch, capsys, tmp_path, nobody, unknown, seen("1", MEMBER))

    assert (2, [[MEMBER]]) == (status, [each["identifiers"] for each in found])
    assert ["sori: line 1: no customer", "sori: line 2: "] == [
        said[:length] for said, length in zip(error.splitlines(), (25, 14), strict=True)
    ]


def test_a_file_that_cannot_be_read_gives_no_customers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.argv", ["sori-journey", "replay", str(tmp_path / "nothing"), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()

    out, err = capsys.readouterr()

    assert (2, "") == (ended.value.code, out)
    assert "cannot be read: FileNotFoundError" in err


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        ("phone", ["+821012345678", "010-1234-5678", "01012345678", "+82 10-1234-5678", "(010) 1234.5678"]),
        ("phone", ["+8250212345678", "0502-1234-5678", "050212345678"]),
        ("email", ["kim@shop.kr", "KIM@Shop.KR", " kim@shop.kr "]),
        ("kakao_id", ["\uac00", "\u1100\u1161", "\uac00 "]),
        ("member_id", ["42", 42]),
    ],
)
def test_one_identifier_is_one_however_it_is_spelt(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str, spellings: list[Any]
) -> None:
    lines = [seen(str(day), {"type": kind, "value": each}, day=day) for day, each in enumerate(spellings, 1)]
    _, found, _ = run(monkeypatch, capsys, tmp_path, *lines)

    assert [[str(spellings[0])]] == [[held["value"] for held in each["identifiers"]] for each in found]


def test_numbers_for_enums_times_without_an_offset_and_lone_surrogates_are_understood(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    odd = seen("1", {"type": "1", "value": "M"}) | {"occurredTime": "2026-01-01 00:00:00", "text": "\ud83d"}
    merge = {"merge": {"customers": [{"identifier": MEMBER}, {"identifier": EMAIL}], "decidedTime": "2026-02-01"}}
    status, found, _ = run(monkeypatch, capsys, tmp_path, odd, seen("2", EMAIL, day=2), merge)

    assert 0 == status
    assert [[MEMBER, EMAIL]] == [each["identifiers"] for each in found]


def test_a_line_that_is_nested_too_deep_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, _, said = run(monkeypatch, capsys, tmp_path, seen("1", MEMBER), "[" * 100_000)

    assert (2, "sori: line 2: is nested too deep\n") == (status, said)


def test_the_input_is_read_with_or_without_a_byte_order_mark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "input").write_text(json.dumps(seen("1", MEMBER)), "utf-8-sig")
    monkeypatch.setattr("sys.argv", ["sori-journey", "replay", "-", "--json"])
    with (tmp_path / "input").open() as given:
        monkeypatch.setattr("sys.stdin", given)
        with pytest.raises(SystemExit) as ended:
            main()

    assert not ended.value.code
    assert [MEMBER] == json.loads(capsys.readouterr().out)["identifiers"]
