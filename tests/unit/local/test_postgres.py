"""What a killed Postgres leaves behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sori_local import postgres


def test_lock_of_a_dead_server_is_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / "postmaster.pid").write_text(f"{ended.pid}\n{tmp_path}\n1\n7232\n\n127.0.0.1\n  999999999  999999999\n")

    postgres.settle(tmp_path, seconds=1)

    assert not (tmp_path / "postmaster.pid").exists()


def test_number_that_another_program_has_by_now_is_no_server(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")

    assert 0 == postgres.running_pid(tmp_path)


def test_torn_lock_is_removed(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text("")

    postgres.settle(tmp_path, seconds=1)

    assert not (tmp_path / "postmaster.pid").exists()


def test_server_that_runs_is_never_pushed_aside(tmp_path: Path) -> None:
    lock = tmp_path / "postmaster.pid"
    lock.touch()
    sleeper = subprocess.Popen(["/x/postgres", "-f", str(lock)], executable=shutil.which("tail"))
    while not Path(f"/proc/{sleeper.pid}/cmdline").read_bytes():
        pass  # The kernel shows a program's arguments a moment after it has started.
    lock.write_text(f"{sleeper.pid}\n{tmp_path}\n")
    try:
        with pytest.raises(TimeoutError, match="still running"):
            postgres.settle(tmp_path, seconds=0.1)
    finally:
        sleeper.kill()
        sleeper.wait()

    assert (tmp_path / "postmaster.pid").exists()
