"""`sori corrections export` against a running service."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

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
