"""Fixtures of all tests."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
import structlog
from hypothesis import HealthCheck, settings

import engines as real

# The usual renderer draws the local variables of a traceback, which can take minutes and holds up the test.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["level", "event"]),
    ]
)


# How long an example takes says more of the machine than of the code; `benchmarks` measure.
settings.register_profile("sori", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("sori")

# A run has a folder of its own: each that begins in the usual one closes it to other users, and one of them is that of
# the Postgres of a run beside it.
_TEMPORARY = "PYTEST_DEBUG_TEMPROOT"
_FAILED = pytest.StashKey[bool]()
_made = ""
if _TEMPORARY not in os.environ:  # It is there in a worker.
    for left in Path(tempfile.gettempdir()).glob("sori-tests-[0-9]*-*"):
        if not psutil.pid_exists(int(left.name.split("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    os.environ[_TEMPORARY] = _made = tempfile.mkdtemp(prefix=f"sori-tests-{os.getpid()}-")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the folder of a run only where something failed, to be looked at until the next run begins."""
    if _made and not config.stash.get(_FAILED, False):
        shutil.rmtree(_made, ignore_errors=True)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember whether something failed."""
    session.config.stash[_FAILED] = exitstatus != pytest.ExitCode.OK


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name cases by bytes after their argument: archives hold the time, and every process has to name them alike."""
    return argname if isinstance(val, bytes) else None


@pytest_asyncio.fixture(scope="session")
async def engines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[real.Engines]:
    """A nats-server and a Postgres for this test run."""
    folder: Path = tmp_path_factory.mktemp("engines")
    for parent in (folder, *folder.parents):  # Postgres runs under a user of its own and must get through.
        if parent == Path(parent.anchor) or parent.parent == Path(parent.anchor):
            break
        parent.chmod(0o755)
    with real.running(folder) as running:
        await real.wait_for_postgres(running.postgres_url)
        yield running
        await asyncio.sleep(0)
