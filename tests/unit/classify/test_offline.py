"""`sori-classify read` over a file."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from sori_classify.domain import KOTE
from sori_local import plan

PROGRAM = [str(Path(sys.executable).with_name("sori-classify")), "read"]
PATHS = [f"--model={plan.model()}", f"--lexicons={plan.lexicons()}"]


def read(given: bytes) -> tuple[list[dict[str, Any]], str, int]:
    done = subprocess.run([*PROGRAM, *PATHS, "-"], input=given, capture_output=True, timeout=60, check=False)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode(), done.returncode


def test_each_text_gets_one_line_in_order_with_everything_that_is_known_of_it() -> None:
    texts = [
        "배송이 너무 늦어요. 환불해 주세요!",
        "정말 친절하고 좋아요",
        "",
        "The staff were rude",
        "\ud83d",
        "\0",
        "ㅋ" * 50_000,
    ]
    given = "\n".join(json.dumps({"id": number, "text": text}) for number, text in enumerate(texts))

    lines, problems, status = read(b"\xef\xbb\xbf" + given.encode())

    assert ("", 0) == (problems, status)
    assert list(range(len(texts))) == [each["id"] for each in lines]
    assert ["negative", "positive", "neutral", "negative"] == [each["sentiment"] for each in lines[:4]]
    for each in lines:
        assert list(KOTE) == list(each["emotions"])
        assert 0 <= each["abuse"] <= 1
        assert 0 <= each["urgency"] <= 1
        assert abs(sum(each["scores"].values()) - 1) < 1e-4
    assert "delivery" in lines[0]["topics"]


def test_a_line_that_cannot_be_read_is_named_and_the_others_go_on() -> None:
    given = b'{"id": 1, "text": "\xed\x85\x8c"}\nno json\n[]\n{"id": 2}\n\xff\xfe\n{"id": 3, "text": "x"}\n'

    lines, problems, status = read(given)

    assert [1, 3] == [each["id"] for each in lines]
    assert ["line 2", "line 3", "line 4", "line 5"] == [each.split(":")[0] for each in problems.splitlines()]
    assert 1 == status


def test_a_number_that_json_does_not_know_is_no_json() -> None:
    lines, problems, status = read(b'{"id": NaN, "text": "x"}\n{"id": 2, "text": "x"}\n')

    assert [2] == [each["id"] for each in lines]
    assert ("line 1: is not JSON: NaN\n", 1) == (problems, status)


def test_who_stops_reading_hears_no_complaint(tmp_path: Path) -> None:
    many = tmp_path / "many.jsonl"
    many.write_text('{"id": 1, "text": "x"}\n' * 5_000, encoding="utf-8")
    program = subprocess.Popen([*PROGRAM, *PATHS, str(many)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert program.stdout is not None

    program.stdout.readline()
    program.stdout.close()

    assert program.stderr is not None
    with program.stderr:
        assert b"" == program.stderr.read()
    assert 1 == program.wait(timeout=60)


def test_a_missing_model_is_said_and_nothing_is_read(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, f"--model={tmp_path}/none", PATHS[1], "-"], input=b"", capture_output=True, timeout=60, check=False
    )

    assert 2 == done.returncode
    assert "none" in done.stderr.decode()
