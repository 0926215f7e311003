"""The line from end to end, all processes real."""

import asyncio
import csv
import datetime as dt
import json
import lzma
import os
import random
from pathlib import Path

import asyncpg
import pytest

import builders
import engines
import platform_under_test as platform
from sori.ingest.v1 import ingest_service_pb2, ingest_service_pb2_grpc
from sori_kit import ids, rpc
from sori_kit.bus import Bus
from sori_kit.settings import KitSettings

SHARED = Path(__file__).resolve().parents[3] / "shared/data/nsmc/train.tsv.xz"
KILLED = ["ingest", "classify", "journey", "notify", "ee-feedback", "insight", "console", "nats", "postgres"]
SOURCE = "reviews"
WORDS = "배송 매장 직원 가격 상품 앱 결제 환불 정말 너무 조금 늦어요 좋아요 친절해요 아쉬워요 최고예요"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder that Postgres, under its own user, can get to."""
    for each in (tmp_path, *list(tmp_path.parents)[:-2]):
        each.chmod(0o755)
    return tmp_path / "data"


def texts(count: int) -> list[str]:
    """Real reviews where they are at hand, else sentences made of words."""
    if SHARED.exists():
        with lzma.open(SHARED, "rt", encoding="utf-8") as file:
            next(file)
            return [line.split("\t")[0] for line, _ in zip(file, range(count), strict=False)]
    chance = random.Random(7)
    words = WORDS.split()
    return [" ".join(chance.choices(words, k=chance.randint(3, 12))) for _ in range(count)]


def a_file(path: Path, count: int) -> Path:
    """A CSV file of reviews, every third from one of 500 members."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "review", "member", "written"])
        for number, text in enumerate(texts(count)):
            member = f"M{number % 500}" if number % 3 == 0 else ""
            writer.writerow([f"r{number}", text, member, f"2026-11-{number % 20 + 1:02}T09:00:00+09:00"])
    return path


MAPPING = {"id": "external_id", "review": "text", "member": "member_id", "written": "occurred_time"}


def importing(file: Path, *more: str) -> list[str]:
    mapped = [f"--map={column}={field}" for column, field in MAPPING.items()]
    return ["import", str(file), "--channel", "review", "--kind", "review", "--source", SOURCE, *mapped, *more]


def test_the_sample_month_reconciles(folder: Path) -> None:
    done = platform.sori(
        "up", "--sample", "--once", "--base-port", str(engines.a_base_port()), data=folder, seconds=240
    )

    assert "Reconciliation" in done.stdout
    assert "✗" not in done.stdout


async def test_killing_every_process_in_turn_loses_and_doubles_nothing(folder: Path) -> None:
    count, chance = 12_000, random.Random(20261122)
    order = KILLED + chance.sample(KILLED, len(KILLED))
    file = a_file(folder.parent / "reviews.csv", count)
    expected = {str(ids.derive("touchpoint", SOURCE, f"r{number}")) for number in range(count)}
    with platform.up(folder) as running:
        command = [platform.SORI, *importing(file), "--batch", "100", "--data", str(folder)]
        with (folder.parent / "import.log").open("w") as log:
            importer = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        await running.reached(100)
        for name in order:
            await running.kill(name)
            await asyncio.sleep(chance.uniform(0.2, 1.0))  # The moment of the next kill, not a wait for anything.
        assert 0 == await asyncio.wait_for(importer.wait(), 240), (folder.parent / "import.log").read_text()

        await running.drained(count)

        on_feed = await running.feed_touchpoint_ids(count)
        assert len(on_feed) == count
        assert set(on_feed) == expected
        assert (await running.tally()).touchpoint_count == count
        assert [0, 0, 0, 0] == [
            await running.dead_letters(name) for name in ("classify", "journey", "notify", "insight")
        ]
        journey = await asyncpg.connect(running.postgres_url("journey"))
        assert count == await journey.fetchval("select count(*) from timeline")
        assert 500 == await journey.fetchval("select count(*) from customer where merged_into is null")
        assert 500 == await journey.fetchval("select count(*) from identifier")
        await journey.close()


async def test_importing_twice_adds_nothing_and_bad_lines_are_rejected_by_number(folder: Path) -> None:
    file = a_file(folder.parent / "reviews.csv", 300)
    with file.open("ab") as more:
        more.write(b"bad1,\xff\xfe\xfa,M1,2026-11-01T09:00:00+09:00\n")  # line 302: no text encoding
        more.write(b"\n")  # line 303: empty
        more.write(b"bad3," + b"x" * 1_000_000 + b",M1,2026-11-01T09:00:00+09:00\n")  # line 304: 1 MB
        more.write(b"bad4,nul\x00byte,M1,2026-11-01T09:00:00+09:00\n")  # line 305
        more.write(b"good,\xec\xa2\x8b\xec\x95\x84\xec\x9a\x94,M1,2026-11-01T09:00:00+09:00\n")
    rejects = folder.parent / "rejects.jsonl"
    with platform.up(folder) as running:
        command = importing(file, "--encoding", "utf-8", "--rejects", str(rejects))
        first = platform.sori(*command, data=folder, check=False)
        await running.drained(301)

        second = platform.sori(*command, data=folder, check=False)
        await running.drained(301)

        wrong = platform.sori("import", str(file), "--channel=review", "--map=nothing=text", data=folder, check=False)
        assert (2, 2, 1) == (first.returncode, second.returncode, wrong.returncode)
        assert "review" in wrong.stderr
        assert {302, 303, 304, 305} == {json.loads(line)["line"] for line in rejects.read_text().splitlines()}
        assert (await running.tally()).touchpoint_count == 301


async def test_a_complaint_becomes_a_case_a_breach_an_alert_and_lines_of_the_feed(folder: Path) -> None:
    policy = folder.parent / "sla.yaml"
    shipped = Path(__file__).resolve().parents[2] / "deploy/local/policies/sla.yaml"
    policy.write_text(shipped.read_text().replace("5m", "2s"))
    os.environ["SORI_NOTIFY_POLICY_PATH"] = str(policy)
    try:
        with platform.up(folder) as running:
            async with rpc.channel(running.target("ingest")) as channel:
                complaint = builders.a_touchpoint(
                    occurred_time=dt.datetime.now(dt.UTC), kind="complaint", thread_id="t-1"
                )
                await ingest_service_pb2_grpc.IngestServiceStub(channel).SubmitTouchpoint(
                    ingest_service_pb2.SubmitTouchpointRequest(touchpoint=complaint), metadata=running.metadata
                )
            async with asyncio.timeout(40):
                while (await running.tally()).alert_count < 1:
                    await asyncio.sleep(0.2)

            received = [json.loads(line) for line in (folder / "alerts.jsonl").read_text().splitlines()]
            tally = await running.notify_tally()
            assert 1 == len(received)
            assert (1, 1, 1) == (tally.customer_case_count, tally.breached_count, tally.alert_sent_count)
    finally:
        del os.environ["SORI_NOTIFY_POLICY_PATH"]


async def test_dead_letters_are_listed_shown_and_replayed_from_the_command_line(folder: Path) -> None:
    with platform.up(folder) as running:
        broken = builders.classified(touchpoint_id="no-uuid")
        bus = await Bus.connect("classify", KitSettings(nats_url=running.nats_url, grpc_port=0, metrics_port=0))
        await bus.publish([broken])
        async with asyncio.timeout(30):
            while not await running.dead_letters("journey"):
                await asyncio.sleep(0.1)
        await bus.close()

        listed = json.loads(platform.sori("dead-letters", "list", "--json", data=folder).stdout)
        shown = platform.sori("dead-letters", "show", str(listed["dead_letter_id"]), data=folder)
        replayed = platform.sori("dead-letters", "replay", data=folder, check=False)

        assert (broken.event_id, "INVALID_INPUT", "journey-stitch") == (
            listed["event_id"],
            listed["reason"],
            listed["durable"],
        )
        assert "no-uuid" in shown.stdout
        assert 1 == replayed.returncode
        assert 1 == await running.dead_letters("journey")
