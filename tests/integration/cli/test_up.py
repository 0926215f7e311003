"""`sori up` with one service: processes come, are killed, come back, and go."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil
import pytest
import pytest_asyncio

import engines
import harness
from sori_cli import client
from sori_local import ports

SORI = str(Path(sys.executable).with_name("sori"))


@dataclass
class Up:
    process: asyncio.subprocess.Process
    data: Path
    base_port: int

    def children(self) -> dict[str, psutil.Process]:
        """The supervised processes by a word of their command."""
        found = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                line = " ".join(child.cmdline())
                for word in ("supervisord", "nats-server", "bin/postgres -D", "sori-journey"):
                    if word in line:
                        found[word] = child
        return found

    async def serving(self) -> bool:
        return await client.is_serving(ports.target("journey", self.base_port))

    async def database(self) -> bool:
        try:
            connection = await asyncpg.connect(
                f"postgresql://postgres@127.0.0.1:{self.base_port + ports.POSTGRES}/sori_journey", timeout=2
            )
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        await connection.close()
        return True


@pytest_asyncio.fixture(scope="module")
async def up(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Up]:
    data = tmp_path_factory.mktemp("up") / "data"
    base = engines.a_base_port()
    env = {name: value for name, value in os.environ.items() if not name.startswith("SORI_")}
    arguments = ("up", "--only", "journey", "--data", str(data), "--base-port", str(base))
    process = await asyncio.create_subprocess_exec(SORI, *arguments, env=env, stdout=asyncio.subprocess.DEVNULL)
    running = Up(process, data, base)
    try:
        await harness.until(running.serving, 120)
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def sori(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        SORI, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_a_mistake_in_the_settings_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "sources.yaml").write_text("sources:\n- {name: a, adapter: nope}\n")
    base = engines.a_base_port()
    arguments = ("up", "--only", "ingest", "--data", str(tmp_path / "data"), "--base-port", str(base))

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SORI_INGEST_SOURCES_PATH", str(tmp_path / "sources.yaml"))
        code, out = await asyncio.wait_for(sori(*arguments), 80)

    assert 1 == code
    assert "sources.yaml:2: sources.0.adapter: is none of" in out


async def test_second_start_on_the_same_folder_is_refused(up: Up) -> None:
    code, out = await sori("up", "--only", "journey", "--data", str(up.data), "--base-port", str(up.base_port))

    assert 1 == code
    assert "already running on" in out
    assert f"process {up.process.pid}" in out


async def test_commands_find_the_deployment_by_its_folder(up: Up) -> None:
    code, out = await sori("timeline", "member_id:nobody", "--data", str(up.data))

    assert (1, "sori: journey: no customer has this member_id\n") == (code, out)


@pytest.mark.parametrize("word", ["sori-journey", "nats-server", "bin/postgres -D"])
async def test_killed_process_comes_back_and_everything_goes_on(up: Up, word: str) -> None:
    killed = up.children()[word]

    killed.kill()

    async def back() -> bool:
        there = up.children().get(word)
        return bool(there and there.pid != killed.pid and await up.database() and await up.serving())

    await harness.until(back, 60)


async def test_stop_drains_and_leaves_no_process_behind(up: Up) -> None:
    children = psutil.Process(up.process.pid).children(recursive=True)

    up.process.send_signal(signal.SIGTERM)
    code = await asyncio.wait_for(up.process.wait(), 90)

    assert 0 == code
    assert not [child for child in children if child.is_running()]
    assert not (up.data / "postgres" / "postmaster.pid").exists()
