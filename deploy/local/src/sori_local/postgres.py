"""Postgres under supervision: waits for what a killed predecessor left, then becomes the server."""

import argparse
import os
import sys
import time
from pathlib import Path

from sori_local import engines

_SHARED_MEMORY = Path("/proc/sysvipc/shm")  # Linux; elsewhere Postgres itself says that it must wait.
_WAIT_SECONDS = 30.0
_LOOK_SECONDS = 0.02


def settle(folder: Path, *, seconds: float = _WAIT_SECONDS) -> None:
    """Wait until no process of an earlier server is left, then remove its lock file."""
    lock = folder / "postmaster.pid"
    until = time.monotonic() + seconds
    while lock.exists() and (_lives(lock) or _attached(lock)):
        if time.monotonic() > until:
            raise TimeoutError(f"a Postgres server is still running in {folder}")
        time.sleep(_LOOK_SECONDS)
    lock.unlink(missing_ok=True)


def running_pid(folder: Path) -> int:
    """Give the process id of the server that runs in a folder, or 0."""
    lock = folder / "postmaster.pid"
    return int(_line(lock, 0)) if lock.exists() and _lives(lock) else 0


def _lives(lock: Path) -> bool:
    """Say whether the server that wrote the lock file still runs; another program may have its number by now."""
    try:
        command = Path(f"/proc/{int(_line(lock, 0))}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
    return b"postgres" in command.split(b"\0")[0] and str(lock.parent).encode() in command


def _attached(lock: Path) -> bool:
    """Say whether children of a dead server still hold its shared memory."""
    identity = _line(lock, 6).split()[-1:]  # The seventh line: key and id.
    if not identity or not _SHARED_MEMORY.exists():
        return False
    header, *rows = (row.split() for row in _SHARED_MEMORY.read_text().splitlines())
    known = (dict(zip(header, row, strict=False)) for row in rows)
    return any(each["shmid"] == identity[0] and each["nattch"] != "0" for each in known)


def _line(lock: Path, number: int) -> str:
    try:
        return lock.read_text().splitlines()[number]
    except (OSError, IndexError):
        return ""


def main() -> None:
    """Settle, give up root's rights, and become Postgres; the process keeps its number."""
    parser = argparse.ArgumentParser(prog="python -m sori_local.postgres", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("port", type=int)
    given = parser.parse_args()
    try:
        settle(given.folder)
    except TimeoutError as error:
        sys.exit(str(error))
    engine = engines.postgres(given.folder, given.port)
    if engine.user:
        uid, gid = engines.ids(engine.user)
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.chdir(given.folder)
    os.execv(engine.command[0], engine.command)


if __name__ == "__main__":
    main()
