"""Real engines for tests: a nats-server and a Postgres of this process's own."""

import asyncio
import contextlib
import os
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from sori_local import engines

_PORTS = 150  # from its first on, that a platform may use


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the engines listen."""

    nats_url: str
    postgres_url: str
    folder: Path


@contextlib.contextmanager
def running(folder: Path, *, durable: bool = True) -> Iterator[Engines]:
    """Run both engines under a folder until the block ends."""
    folder.chmod(0o755)
    started = [
        engines.nats(folder / "nats", engines.free_port(), durable=durable),
        engines.postgres(folder / "postgres", engines.free_port()),
    ]
    processes = [start(engine, folder) for engine in started]
    try:
        wait_for_port(started[0].url)
        wait_for_port(started[1].url)
        yield Engines(started[0].url, started[1].url, folder)
    finally:
        for process in processes:
            process.send_signal(2)  # Postgres: fast shutdown.
        for process in processes:
            process.wait(20)


def start(engine: engines.Engine, folder: Path) -> "subprocess.Popen[bytes]":
    """Start an engine in the foreground, its output in a file."""
    with (folder / f"{engine.name}.log").open("ab") as log:
        if engine.user:
            uid, gid = engines.ids(engine.user)
            return subprocess.Popen(
                engine.command, stdout=log, stderr=log, user=uid, group=gid, extra_groups=[], start_new_session=True
            )
        return subprocess.Popen(engine.command, stdout=log, stderr=log, start_new_session=True)


def wait_for_port(url: str, seconds: float = 30) -> None:
    """Wait until something listens at `scheme://…host:port`."""
    parts = urlsplit(url)
    until = time.monotonic() + seconds
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((parts.hostname, parts.port)) == 0:
                return
        if time.monotonic() > until:
            raise TimeoutError(f"nothing listens at {parts.hostname}:{parts.port}")
        time.sleep(0.05)


async def wait_for_postgres(url: str, seconds: float = 30) -> None:
    """Wait until Postgres takes connections."""
    until = time.monotonic() + seconds
    while True:
        try:
            await (await asyncpg.connect(f"{url}/postgres")).close()
            return
        except (OSError, asyncpg.CannotConnectNowError):
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)


def a_base_port() -> int:
    """Find a first port from which on all are free that a platform needs; below those that clients are given."""
    while not all(map(_is_free, range(port := random.randrange(10_000, 32_000), port + _PORTS))):
        pass
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def environment(engines: Engines) -> dict[str, str]:
    """The variables that point a service at these engines."""
    return {**os.environ, "SORI_NATS_URL": engines.nats_url, "SORI_POSTGRES_URL": engines.postgres_url}
