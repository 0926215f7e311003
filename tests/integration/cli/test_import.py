"""`sori import` against the real ingest."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

import harness
from engines import Engines

RECEIVED = "sori.ingest.touchpoint.received.v1"


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def counts(self) -> tuple[int, int, int]:
        made = json.loads(self.out)
        return made["accepted_count"], made["duplicate_count"], made["rejected_count"]


@pytest_asyncio.fixture
async def ingest(engines: Engines) -> AsyncIterator[harness.Harness]:
    async with harness.serving("ingest", engines) as running:
        yield running


async def sori(ingest: harness.Harness, engines: Engines, *arguments: str | Path) -> Ended:
    """Run the command as a user does."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("sori"),
        *arguments,
        "--data",
        engines.folder,
        env={**os.environ, "SORI_INGEST_TARGET": f"127.0.0.1:{ingest.runtime.server.port}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return Ended(process.returncode or 0, out.decode(), err.decode())


async def test_second_import_of_the_same_file_adds_nothing(
    ingest: harness.Harness, engines: Engines, tmp_path: Path
) -> None:
    path = tmp_path / "reviews.tsv"
    path.write_text("text\tlabel\n" + "".join(f"리뷰 {number}\t{number % 2}\n" for number in range(1_200)))
    arguments = ("import", path, "--channel", "review", "--map", "text=text", "--json")

    first = await sori(ingest, engines, *arguments)
    second = await sori(ingest, engines, *arguments)

    assert (0, (1_200, 0, 0)) == (first.code, first.counts), first.err
    assert (0, (0, 1_200, 0)) == (second.code, second.counts), second.err
    assert 1_200 == await ingest.published(RECEIVED)


async def test_bad_rows_are_named_by_line_and_all_others_go_through(
    ingest: harness.Harness, engines: Engines, tmp_path: Path
) -> None:
    lines = [
        b"text,when",
        "좋아요,2026-11-01".encode(),
        b"one cell",
        "별로".encode("cp949") + b",2026-11-01",
        b"",
        b"x" * 1_000_000 + b",2026-11-01",
        b"a\0b,2026-11-01",
        b"from the future,2999-01-01",
        '"두 줄에\n걸친 글",2026-11-01'.encode(),
        b"last,2026-11-01",
    ]
    path, rejects = tmp_path / "mixed.csv", tmp_path / "rejects.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")

    ended = await sori(
        ingest, engines, "import", path, "--channel", "app", "--rejects", rejects, "--json",
        "--map", "text=text", "--map", "when=occurred_time",
    )  # fmt: skip

    named = {each["line"]: each for each in map(json.loads, rejects.read_text().splitlines())}
    assert (2, (3, 0, 6)) == (ended.code, ended.counts), ended.err
    assert {3, 4, 5, 6, 7, 8} == set(named)
    assert ("text", "occurred_time") == (named[6]["field"], named[8]["field"])
    assert 3 == await ingest.published(RECEIVED)


async def test_import_without_a_token_that_holds_fails_in_one_line(
    ingest: harness.Harness, engines: Engines, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text\nhi\n")

    ended = await sori(ingest, engines, "import", path, "--channel", "web", "--token", "nonsense")

    assert 1 == ended.code
    assert "sori: ingest does not take the token" in ended.err
    assert "Traceback" not in ended.err


async def test_quarantine_lists_what_was_wrong(ingest: harness.Harness, engines: Engines, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,occurred_time\nhi,2999-01-01\n")
    await sori(ingest, engines, "import", path, "--channel", "web")

    ended = await sori(ingest, engines, "quarantine", "list", "--json")

    assert ["occurred_time"] == [each["field"] for each in json.loads(ended.out)["violations"]]


async def test_a_list_of_the_quarantine_that_is_cut_off_says_so(
    ingest: harness.Harness, engines: Engines, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,occurred_time\nhi,2999-01-01\nho,2999-01-01\n")
    await sori(ingest, engines, "import", path, "--channel", "web")
    [reason, _] = [json.loads(each)["reason"] for each in (await listed(ingest, engines, "--json")).splitlines()]

    assert "1 of 2" in await listed(ingest, engines, "--limit", "1")
    assert "1; there may be more of that kind" in await listed(ingest, engines, "--limit", "1", "--reason", reason)
    assert "may be more" not in await listed(ingest, engines, "--reason", reason)


async def listed(ingest: harness.Harness, engines: Engines, *arguments: str) -> str:
    return (await sori(ingest, engines, "quarantine", "list", *arguments)).out
