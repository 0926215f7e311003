"""Policy files that are read again when they change."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from sori_journey.settings.files import PolicyRefused

log = structlog.get_logger()
P = TypeVar("P")


class Watched(Generic[P]):
    """What a policy file says; one that changes to something broken leaves standing what it said before."""

    def __init__(self, path: Path | None, load: Callable[[Path | None], P], *, what: str) -> None:
        self._path = path
        self._load = load
        self._what = what
        self._seen = self._mark()
        self.current = load(path)
        self.version = 1  # Grows with each change that was taken.

    async def watch(self, every_seconds: float) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read the file again if it is another than before."""
        mark = self._mark()
        if mark is None or mark == self._seen:
            return
        self._seen = mark
        try:
            self.current = self._load(self._path)
        except PolicyRefused as refused:
            log.error("policy.refused", what=self._what, problems=str(refused).splitlines())
        else:
            self.version += 1
            log.info("policy.loaded", what=self._what)

    def _mark(self) -> bytes | None:
        """Give what the file holds: a mounted file may be another one with the same date."""
        try:
            return self._path.read_bytes() if self._path else None
        except OSError:
            return None
