"""Every process of the deployment under supervisord: started in order, restarted when it dies, drained in order."""

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
from supervisor.xmlrpc import SupervisorTransport  # type: ignore[import-untyped]

from sori_local import engines, postgres
from sori_local.plan import Plan, Service

_LONGEST_SOCKET = 100  # bytes of a path; the kernel takes 107
_SERVICE_STOP_SECONDS = 20  # A service drains for ten.
_ENGINE_STOP_SECONDS = 40
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_DIED = "abnormal end of the supervisor"


_Section = tuple[str, dict[str, object]]


class StartError(Exception):
    """The platform cannot start, or did not; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Process:
    """A supervised process as it stands."""

    name: str
    pid: int  # 0 while it does not run
    state: str  # supervisord's word for it, `RUNNING` say


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep every other start on the same folder out until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            file.seek(0)
            raise StartError(
                f"the platform is already running on {folder} (process {file.read().strip() or 'unknown'}): "
                "stop it first, or give another folder with --data"
            ) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        yield


class Supervisor:
    """The running supervisord of a deployment."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._socket = socket_path(plan.folder)
        self._configuration = plan.folder / "supervisord.conf"
        self._output = plan.folder / "logs" / "supervisord.out"
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """End what an earlier start left behind, see that all ports are free, and write every file that is needed."""
        sweep(self._plan)
        _check_ports(self._plan)
        (self._plan.folder / "logs").mkdir(parents=True, exist_ok=True)
        if self._plan.embeds_postgres:
            engines.postgres(self._plan.folder / "postgres", self._plan.postgres_port)
        self._configuration.write_text(configuration(self._plan, self._socket))

    def launch(self) -> None:
        """Start supervisord, and with it the engines and the alert receiver; call it from the main thread."""
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [engines.program("supervisord"), "--nodaemon", "--configuration", str(self._configuration)],
                env=self._plan.environ(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches only us, who stop things in order.
                preexec_fn=_end_with_parent if sys.platform == "linux" else None,
            )

    def wait_for_engines(self) -> None:
        """Wait until the engines listen."""
        self._wait_for_port("nats", self._plan.nats_url)
        self._wait_for_port("postgres", self._plan.postgres_url)
        while not self._socket.exists() and self.alive():
            time.sleep(0.02)

    def start_services(self) -> None:
        """Start the services, whose tables must be there by now."""
        for service in self._plan.services:
            self._call("startProcess", f"services:{service.name}", False)

    def processes(self) -> list[Process]:
        """List what is supervised."""
        return [Process(each["name"], each["pid"], each["statename"]) for each in self._call("getAllProcessInfo")]

    def alive(self) -> bool:
        """Say whether supervisord itself runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Drain everything in order: services, then the alert receiver, then the engines."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        sweep(self._plan)  # Nothing, unless supervisord was killed.
        self._socket.unlink(missing_ok=True)

    def _call(self, method: str, *arguments: Any) -> Any:
        proxy = xmlrpc.client.ServerProxy(
            "http://127.0.0.1", transport=SupervisorTransport(None, None, f"unix://{self._socket}")
        )
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except OSError as error:
            raise StartError(f"{_DIED}: see {self._plan.folder / 'logs'}") from error
        except xmlrpc.client.Fault as error:
            raise StartError(f"supervisord refuses {method}: {error.faultString}") from error

    def _wait_for_port(self, name: str, url: str, seconds: float = 60) -> None:
        until = time.monotonic() + seconds
        for address in url.split(","):
            parts = urlsplit(address)
            while not _listens(parts.hostname or "127.0.0.1", parts.port or 0):
                if not self.alive():
                    raise StartError(f"{_DIED}: {tail(self._output)}")
                if time.monotonic() > until:
                    raise StartError(f"{name} does not answer: {tail(log_of(self._plan, name))}")
                time.sleep(0.05)


def configuration(plan: Plan, socket_path: Path) -> str:
    """Make supervisord's configuration for a plan."""
    logs = plan.folder / "logs"
    sections: list[_Section] = [
        (
            "supervisord",
            {
                "nodaemon": "true",
                "logfile": logs / "supervisord.log",
                "logfile_maxbytes": "10MB",
                "logfile_backups": 2,
                "pidfile": plan.folder / "supervisord.pid",
                "directory": plan.folder,
                **({"user": "root"} if os.geteuid() == 0 else {}),
            },
        ),
        ("unix_http_server", {"file": socket_path, "chmod": "0700"}),
        ("supervisorctl", {"serverurl": f"unix://{socket_path}"}),
        (
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
    ]
    # Groups start from the lowest priority and stop from the highest, one after another.
    embedded = []
    if plan.embeds_nats:
        engine = engines.nats(plan.folder / "nats", plan.nats_port, durable=plan.durable)
        embedded.append(_program(plan, "nats", engine.command, stop="TERM", seconds=_ENGINE_STOP_SECONDS))
    if plan.embeds_postgres:
        command = (sys.executable, "-m", "sori_local.postgres", str(plan.folder / "postgres"), str(plan.postgres_port))
        embedded.append(_program(plan, "postgres", command, stop="INT", seconds=_ENGINE_STOP_SECONDS))
    if embedded:
        sections += _group("engines", 10, embedded)
    receiver = (
        sys.executable,
        "-m",
        "sori_local.receiver",
        str(plan.receiver_port),
        str(plan.webhook_secret),
        str(plan.alerts),
    )
    if any(service.name == "notify" for service in plan.services):
        sections += _group("receiver", 20, [_program(plan, "alert-receiver", receiver)])
    sections += _group("services", 30, [_service(plan, service) for service in plan.services])
    return "\n".join(_section(name, values) for name, values in sections)


def log_of(plan: Plan, name: str) -> Path:
    """Say where a process's log is."""
    return plan.folder / "logs" / f"{name}.log"


def tail(path: Path, lines: int = 5) -> str:
    """Give the last lines of a log for an error message."""
    found = path.read_text(errors="replace").splitlines()[-lines:] if path.exists() else []
    return " | ".join(line.strip()[:300] for line in found) or f"{path} is empty"


def length(path: Path) -> int:
    """Say how long a log is, in bytes; 0 where there is none."""
    return path.stat().st_size if path.exists() else 0


def last_words(path: Path, *, after: int, of: str) -> str:
    """Give a log from the last line with some words on, of what was written after its first bytes; else nothing."""
    if not (now := length(path)):
        return ""
    with path.open("rb") as file:
        file.seek(after if after <= now else 0)  # A log that grows too long begins anew.
        before, found, rest = file.read().decode(errors="replace").rpartition(of)
    return f"{before.rpartition(chr(10))[2]}{found}{rest}".rstrip() if found else ""


def sweep(plan: Plan, *, seconds: float = 30) -> None:
    """End what a start that was killed has left behind in this folder."""
    left = [each for each in psutil.process_iter() if _belongs(each, plan)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    if pid := postgres.running_pid(plan.folder / "postgres"):
        with contextlib.suppress(psutil.NoSuchProcess):
            server = psutil.Process(pid)
            server.send_signal(signal.SIGINT)  # Fast shutdown.
            left.append(server)
    _, stubborn = psutil.wait_procs(left, timeout=seconds)
    for process in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)


def _belongs(process: psutil.Process, plan: Plan) -> bool:
    if process.pid in {os.getpid(), os.getppid()}:
        return False
    try:
        return process.environ().get("SORI_LOCAL_FOLDER") == str(plan.folder)
    except (psutil.Error, OSError):
        return False


def _program(
    plan: Plan,
    name: str,
    command: tuple[str, ...],
    *,
    starts: bool = True,
    stop: str = "TERM",
    seconds: int = _SERVICE_STOP_SECONDS,
) -> _Section:
    return name, {
        "command": shlex.join(command),
        "autostart": str(starts).lower(),
        "autorestart": "true",
        "startsecs": 0,  # Whatever ends is started again at once, however short it lived.
        "startretries": 1_000_000,
        "stopsignal": stop,
        "stopwaitsecs": seconds,
        "redirect_stderr": "true",
        "stdout_logfile": log_of(plan, name),
        "stdout_logfile_maxbytes": "20MB",
        "stdout_logfile_backups": 2,
    }


def _service(plan: Plan, service: Service) -> _Section:
    return _program(plan, service.name, (engines.program(service.script), "serve"), starts=False)


def _group(name: str, priority: int, programs: list[_Section]) -> list[_Section]:
    members = ",".join(program for program, _ in programs)
    made: list[_Section] = [(f"group:{name}", {"programs": members, "priority": priority})]
    return made + [(f"program:{program}", values) for program, values in programs]


def _section(name: str, values: dict[str, object]) -> str:
    lines = (f"{key} = {str(value).replace('%', '%%')}\n" for key, value in values.items())
    return f"[{name}]\n{''.join(lines)}"


def socket_path(folder: Path) -> Path:
    """Choose where supervisord listens; a path too long for a socket moves to the temporary folder."""
    usual = folder / "supervisor.sock"
    if len(os.fsencode(usual)) <= _LONGEST_SOCKET:
        return usual
    short = Path(tempfile.gettempdir()) / f"sori-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.getuid():
        raise StartError(f"{short} belongs to somebody else")
    return short / "supervisor.sock"


def _check_ports(plan: Plan) -> None:
    taken = [f"{port} ({name})" for port, name in sorted(plan.ports().items()) if _listens("127.0.0.1", port)]
    if taken:
        raise StartError(f"these ports are taken: {', '.join(taken)}; free them or give another --base-port")


def _listens(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0


def _end_with_parent() -> None:
    """Have the kernel end supervisord, in order, when whoever started it is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
