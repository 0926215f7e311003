"""`sori corrections export` and `sori classify --service` against a running service."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

import harness
from engines import Engines
from sori.classify.v1 import classification_pb2 as words
from sori.classify.v1 import classify_service_pb2 as pb
from sori.classify.v1.classify_service_pb2_grpc import ClassifyServiceStub
from sori_local import plan


@pytest_asyncio.fixture
async def classify(engines: Engines) -> AsyncIterator[harness.Harness]:
    env = {
        "SORI_CLASSIFY_MODEL_PATH": str(plan.model()),
        "SORI_CLASSIFY_LEXICON_PATH": str(plan.lexicons()),
    }
    async with harness.serving("classify", engines, env=env) as running:
        yield running


async def test_every_correction_is_one_line_of_a_private_file(classify: harness.Harness, tmp_path: Path) -> None:
    stub = ClassifyServiceStub(classify.channel)
    for text in ("참 잘했네요", ""):
        await stub.CorrectClassification(
            pb.CorrectClassificationRequest(
                touchpoint_id=str(uuid.uuid4()),
                correction=words.Correction(sentiment=words.SENTIMENT_NEGATIVE, topics=["delivery"]),
                text=text,
            ),
            metadata=classify.metadata("cx.act"),
        )
    path = tmp_path / "corrections.jsonl"
    (_, bearer) = classify.metadata("admin")[0]

    done = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("sori")),
        *["corrections", "export", str(path), "--token", bearer.removeprefix("Bearer ")],
        env={**os.environ, "SORI_CLASSIFY_TARGET": f"127.0.0.1:{classify.runtime.server.port}"},
    )
    status = await done.wait()

    first, second = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert 0 == status
    assert ("참 잘했네요", "SENTIMENT_NEGATIVE") == (first["text"], first["correction"]["sentiment"])
    assert "text" not in second
    assert 0o600 == path.stat().st_mode & 0o777


async def read(classify: harness.Harness, given: bytes, *more: str) -> tuple[list[dict[str, Any]], str, int | None]:
    (_, bearer) = classify.metadata("cx.read")[0]
    done = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("sori")),
        *["classify", "--jsonl", "--service", "--token", bearer.removeprefix("Bearer "), *more],
        env={**os.environ, "SORI_CLASSIFY_TARGET": f"127.0.0.1:{classify.runtime.server.port}"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, problems = await done.communicate(given)
    return [json.loads(line) for line in out.splitlines()], problems.decode(), done.returncode


async def test_the_service_reads_the_lines_that_can_be_read_and_the_others_are_named(classify: harness.Harness) -> None:
    long = json.dumps({"id": "long", "text": "가" * 100_001}).encode()
    given = (
        b'\xef\xbb\xbf{"id": "a\\ud800", "text": "\xec\xa2\x8b"}\r\n\n'
        + long
        + b'\n{"id": NaN, "text": "x"}\n{"id": 4}\n'
    )

    lines, problems, status = await read(classify, given + b'{"id": 5, "text": "great"}')

    assert ["a\ud800", 5] == [each["id"] for each in lines]
    assert ["line 3", "line 4", "line 5"] == [each.split(":")[0] for each in problems.splitlines()]
    assert 1 == status


async def test_many_long_texts_go_in_requests_that_the_service_takes(classify: harness.Harness) -> None:
    given = b"".join(json.dumps({"id": at, "text": "배송이 늦어요 " * 5_000}).encode() + b"\n" for at in range(200))

    lines, problems, status = await read(classify, given)

    assert ("", 0) == (problems, status)
    assert list(range(200)) == [each["id"] for each in lines]


async def test_a_missing_file_is_said_in_one_line(classify: harness.Harness, tmp_path: Path) -> None:
    _, problems, status = await read(classify, b"", str(tmp_path / "none"))

    assert 2 == status
    assert f"sori: {tmp_path}/none: No such file or directory\n" == problems
