"""What every benchmark needs: engines, processes, CPU accounting, a table and one JSON line."""

import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console
from rich.table import Table

from sori_local import engines

ROOT = Path(__file__).resolve().parents[1]
console = Console(stderr=True)


@dataclass
class Process:
    """A process under measurement; it prints READY when it can be used."""

    name: str
    popen: "subprocess.Popen[str]"
    before: float = 0.0  # CPU seconds when the measurement began

    def wait_ready(self) -> None:
        """Wait for the line READY."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline().strip()
        if line != "READY":
            raise RuntimeError(f"{self.name} did not start: it said {line!r}")

    def read(self) -> dict[str, Any]:
        """Read the JSON line that the process ends with."""
        assert self.popen.stdout is not None
        line = self.popen.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended without an answer")
        said: dict[str, Any] = json.loads(line)
        return said

    def go(self) -> None:
        """Let the process begin."""
        assert self.popen.stdin is not None
        self.popen.stdin.write("go\n")
        self.popen.stdin.flush()

    def cpu(self) -> float:
        """CPU seconds of the process and its children so far."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(self.popen.pid)
            own = process.cpu_times()
            used = own.user + own.system + own.children_user + own.children_system
            for child in process.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    times = child.cpu_times()
                    used += times.user + times.system
            return float(used)
        return self.before


@dataclass
class Lab:
    """Engines in a folder of their own, and the processes that were started on them."""

    folder: Path
    durable: bool
    nats_url: str = ""
    postgres_url: str = ""
    processes: dict[str, Process] = field(default_factory=dict)

    def spawn(self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None, **options: Any) -> Process:
        """Start a process whose standard output is read by the benchmark."""
        with (self.folder / f"{name}.log").open("ab") as log:
            popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **(env or {})},
                **options,
            )
        self.processes[name] = Process(name, popen)
        return self.processes[name]

    def start_measuring(self) -> None:
        """Remember how much CPU each process has used."""
        for process in self.processes.values():
            process.before = process.cpu()

    def cpu_us_each(self, count: int) -> dict[str, float]:
        """CPU microseconds per event of each process since `start_measuring`."""
        return {
            name: round((process.cpu() - process.before) * 1e6 / count, 1) for name, process in self.processes.items()
        }

    def cpu_ns(self, *names: str) -> int:
        """Nanoseconds that processes and their children have been on a CPU; children that have ended do not count."""
        found = 0
        for name in names:
            process = psutil.Process(self.processes[name].popen.pid)
            for each in (process, *process.children(recursive=True)):
                with contextlib.suppress(OSError):
                    found += int(Path(f"/proc/{each.pid}/schedstat").read_text().split()[0])
        return found

    def stop(self, *names: str) -> None:
        """End processes, the given ones or all but the engines."""
        chosen = names or [name for name in self.processes if name not in ("nats", "postgres")]
        for name in chosen:
            process = self.processes.pop(name)
            process.popen.terminate()
            try:
                process.popen.wait(15)
            except subprocess.TimeoutExpired:
                process.popen.kill()
                process.popen.wait()


@contextlib.contextmanager
def lab(*, durable: bool) -> Iterator[Lab]:
    """Run fresh engines until the block ends."""
    with tempfile.TemporaryDirectory(prefix="sori-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        made = Lab(folder, durable)
        broker = engines.nats(folder / "nats", engines.free_port(), durable=durable)
        database = engines.postgres(folder / "postgres", engines.free_port())
        made.nats_url, made.postgres_url = broker.url, database.url
        made.spawn("nats", broker.command)
        options: dict[str, Any] = {}
        if database.user:
            uid, gid = engines.ids(database.user)
            options = {"user": uid, "group": gid, "extra_groups": []}
        made.spawn("postgres", database.command, **options)
        try:
            yield made
        finally:
            made.stop()
            made.processes["postgres"].popen.send_signal(2)
            made.stop("nats", "postgres")


def run(command: Sequence[str], env: Mapping[str, str]) -> None:
    """Run a command to its end; a failure shows what it said."""
    done = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")


def wait_serving(port: int, seconds: float = 60) -> None:
    """Wait until a gRPC service says that it serves."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        until = time.monotonic() + seconds
        while True:
            with contextlib.suppress(grpc.RpcError):
                if stub.Check(health_pb2.HealthCheckRequest(), timeout=1, wait_for_ready=True).status == 1:
                    return
            if time.monotonic() > until:
                raise TimeoutError(f"nothing serves at port {port}")
            time.sleep(0.05)


def memory_mb(process: Process) -> float:
    """Resident memory of a process."""
    return float(psutil.Process(process.popen.pid).memory_info().rss) / 1e6


def python(script: str, *arguments: str) -> list[str]:
    """Make the command that runs a script beside this one."""
    return [sys.executable, str(Path(__file__).with_name(script)), *arguments]


def others_share(before: tuple[float, float], mine: float) -> float:
    """Share of the machine that processes outside the benchmark used since `before` (from `machine()`)."""
    busy, wall = machine()
    seconds = (wall - before[1]) * (os.cpu_count() or 1)
    return round(max(0.0, busy - before[0] - mine) / seconds, 2) if seconds else 0.0


def machine() -> tuple[float, float]:
    """Busy CPU seconds of the whole machine, and the time."""
    times = psutil.cpu_times()
    return times.user + times.system + times.nice + times.irq + times.softirq, time.monotonic()


def median_and_range(values: Sequence[float]) -> str:
    """Write a median with its range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table to standard output."""
    table = Table(*columns, title=title)
    for row in rows:
        table.add_row(*map(str, row))
    Console(width=160).print(table)
