"""The whole platform as its users start it: `sori up` in a process of its own."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

import engines
from sori.insight.v1 import insight_service_pb2, insight_service_pb2_grpc
from sori.notify.v1 import notify_service_pb2, notify_service_pb2_grpc
from sori.operations.v1 import operations_service_pb2, operations_service_pb2_grpc
from sori_kit import rpc
from sori_kit.auth import ROLES
from sori_local import ports
from sori_local.tokens import LocalIssuer

SORI = str(Path(sys.executable).parent / "sori")


def sori(*arguments: str, data: Path, check: bool = True, seconds: float = 300) -> "subprocess.CompletedProcess[str]":
    """Run a `sori` command to its end."""
    done = subprocess.run(
        [SORI, *arguments, "--data", str(data)], capture_output=True, text=True, timeout=seconds, check=False
    )
    if check and done.returncode:
        raise AssertionError(f"sori {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


@dataclass
class RunningPlatform:
    """A platform that was started by `up`."""

    data: Path
    base_port: int
    process: "subprocess.Popen[str]"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Call metadata of somebody with all roles."""
        return rpc.bearer(LocalIssuer(self.data / "issuer").token(ROLES, subject="tester"))

    @property
    def nats_url(self) -> str:
        """Where the broker listens."""
        return f"nats://127.0.0.1:{self.base_port + ports.NATS}"

    def target(self, service: str) -> str:
        """Where a service's API listens."""
        return ports.target(service, self.base_port)

    def postgres_url(self, service: str) -> str:
        """Where a service's database is."""
        return f"postgresql://postgres@127.0.0.1:{self.base_port + ports.POSTGRES}/sori_{service.replace('-', '_')}"

    def pid(self, name: str) -> int | None:
        """Find the process of a service or an engine."""
        wanted = {
            "nats": lambda line: "nats-server" in line and str(self.data) in line,
            "postgres": lambda line: re.search(r"/postgres -D ", line) and str(self.data) in line,
        }.get(name, lambda line: f"sori-{name} serve" in line)
        for process in psutil.process_iter(["pid", "cmdline"]):
            line = " ".join(process.info["cmdline"] or [])
            if wanted(line) and (name in ("nats", "postgres") or self._owns(process)):
                return int(process.info["pid"])
        return None

    def _owns(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            return process.environ().get("SORI_LOCAL_FOLDER") == str(self.data)
        return False

    async def kill(self, name: str) -> None:
        """Kill a process with -9 and wait until another has taken its place."""
        pid = self.pid(name)
        assert pid is not None, f"{name} does not run"
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(60):
            while self.pid(name) in (None, pid):
                await asyncio.sleep(0.05)

    async def reached(self, touchpoints: int, seconds: float = 60) -> None:
        """Wait until the feed holds that many touchpoints."""
        async with asyncio.timeout(seconds):
            while (await self.tally()).touchpoint_count < touchpoints:
                await asyncio.sleep(0.05)

    async def drained(self, touchpoints: int, seconds: float = 180) -> None:
        """Wait until the feed holds that many touchpoints and nothing is left to be done anywhere."""
        async with asyncio.timeout(seconds):
            while not await self._is_drained(touchpoints):
                await asyncio.sleep(0.3)

    async def _is_drained(self, touchpoints: int) -> bool:
        with contextlib.suppress(rpc.grpc.aio.AioRpcError):
            tally = await self.tally()
            if tally.touchpoint_count < touchpoints:
                return False
            return not any([await self.waiting(name) for name in ("classify", "journey", "notify", "insight")])
        return False

    async def waiting(self, service: str) -> int:
        """Count what a service has still to do."""
        async with rpc.channel(self.target(service)) as channel:
            stub = operations_service_pb2_grpc.OperationsServiceStub(channel)
            status = await stub.GetStatus(operations_service_pb2.GetStatusRequest(), metadata=self.metadata)
        return status.outbox_count + sum(each.pending_count + each.unacknowledged_count for each in status.consumers)

    async def dead_letters(self, service: str) -> int:
        """Count what a service gave up on."""
        async with rpc.channel(self.target(service)) as channel:
            stub = operations_service_pb2_grpc.OperationsServiceStub(channel)
            status = await stub.GetStatus(operations_service_pb2.GetStatusRequest(), metadata=self.metadata)
        return sum(each.dead_letter_count for each in status.consumers)

    async def tally(self) -> insight_service_pb2.GetTallyResponse:
        """Ask insight what is on the feed."""
        async with rpc.channel(self.target("insight")) as channel:
            stub = insight_service_pb2_grpc.InsightServiceStub(channel)
            return await stub.GetTally(insight_service_pb2.GetTallyRequest(), metadata=self.metadata)

    async def notify_tally(self) -> notify_service_pb2.GetTallyResponse:
        """Ask notify what it has."""
        async with rpc.channel(self.target("notify")) as channel:
            stub = notify_service_pb2_grpc.NotifyServiceStub(channel)
            return await stub.GetTally(notify_service_pb2.GetTallyRequest(), metadata=self.metadata)

    async def feed_touchpoint_ids(self, count: int, seconds: float = 60) -> list[str]:
        """Follow the feed from its beginning until `count` touchpoints were seen; doubles included."""
        seen: list[str] = []
        async with rpc.channel(self.target("insight")) as channel, asyncio.timeout(seconds):
            stub = insight_service_pb2_grpc.InsightServiceStub(channel)
            call = stub.WatchFeed(insight_service_pb2.WatchFeedRequest(resume_token="0"), metadata=self.metadata)
            while len(seen) < count:
                response = await call.read()
                if response.item.WhichOneof("content") == "touchpoint":
                    seen.append(response.item.touchpoint.touchpoint.touchpoint_id)
            call.cancel()
        return seen


@contextlib.contextmanager
def up(data: Path, *options: str) -> Iterator[RunningPlatform]:
    """Run `sori up` until the block ends; it must then stop by itself and leave no process behind."""
    base_port = engines.a_base_port()
    log = data.parent / "up.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [SORI, "up", "--data", str(data), "--base-port", str(base_port), *options],
            stdout=output,
            stderr=output,
            text=True,
        )
    platform = RunningPlatform(data.resolve(), base_port, process)
    try:
        _wait_until_up(process, log)
        yield platform
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(90)
    left = _left_behind(data)
    assert not left, f"left behind: {left}"


def _wait_until_up(process: "subprocess.Popen[str]", log: Path, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while "Ctrl-C" not in log.read_text():
        if process.poll() is not None or time.monotonic() > until:
            raise AssertionError(f"the platform did not come up:\n{log.read_text()}")
        time.sleep(0.1)


def _left_behind(data: Path) -> Sequence[str]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if str(data) in line:
            found.append(line)
    return found
