"""Sentences and words of texts by Kiwi, held by a child process only while somebody asks."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from sori_classify.domain import Sentence
from sori_classify.model.lexicon import KIWI

log = structlog.get_logger()

BACKGROUND = "background.tsv"  # beside the word lists: words and how often people usually write them
_IDLE_SECONDS = 300.0
_LONGEST_LINE = 64 << 20  # bytes of one answer


class AnalystFailed(Exception):
    """The child process ended, or said what cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """What people usually write."""

    counts: dict[str, int]
    passing: frozenset[str]  # words that say nothing of any text

    @classmethod
    def load(cls, path: Path) -> "Background":
        """Read words with their counts; a count of `-` marks one that says nothing. No file: nothing is known."""
        counts, passing = dict[str, int](), set[str]()
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                word, tab, count = line.partition("\t")
                if not tab or word.startswith("#"):
                    continue
                if count == "-":
                    passing.add(word)
                else:
                    counts[word] = int(count)
        return cls(counts=counts, passing=frozenset(passing))


class Analyst:
    """Asks a child process that holds Kiwi; the child starts with the first question and goes when none came for long.

    A child that is busy when its question is given up goes at once: its late answer would be taken for another's.
    """

    def __init__(self, folder: Path, *, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._background_path = folder / BACKGROUND
        self._background: Background | None = None
        self._idle_seconds = idle_seconds
        self._child: asyncio.subprocess.Process | None = None
        self._alone = asyncio.Lock()
        self._leaving: asyncio.TimerHandle | None = None

    @property
    def running(self) -> bool:
        """Say whether there is a child at the moment."""
        return self._child is not None

    def background(self) -> Background:
        """Give what people usually write; read on first use."""
        if self._background is None:
            self._background = Background.load(self._background_path)
        return self._background

    async def sentences(self, texts: Sequence[str]) -> list[list[Sentence]]:
        """Split texts into sentences, each with the words that it names; no answer is AnalystFailed."""
        plain = [text.encode(errors="replace").decode() for text in texts]  # No lone surrogates.
        async with self._alone:
            if self._leaving is not None:
                self._leaving.cancel()
            try:
                answer = await self._ask(json.dumps({"texts": plain}))
            except BaseException:
                await self._dismiss()
                raise
            self._leaving = asyncio.get_running_loop().call_later(self._idle_seconds, self._leave)
        return [
            [
                Sentence(text_index=at, start=start, end=end, text=text[start:end], words=tuple(words))
                for start, end, words in found
            ]
            for at, (text, found) in enumerate(zip(texts, answer, strict=True))
        ]

    async def close(self) -> None:
        """End the child, if there is one."""
        if self._leaving is not None:
            self._leaving.cancel()
        await self._dismiss()

    async def _ask(self, question: str) -> list[list[tuple[int, int, list[str]]]]:
        if self._child is None:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                str(KIWI),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=_LONGEST_LINE,
            )
            log.info("analyst.started", pid=self._child.pid)
        asked, answered = self._child.stdin, self._child.stdout
        if asked is None or answered is None:
            raise AnalystFailed("the child has no pipes")
        try:
            asked.write(question.encode() + b"\n")
            await asked.drain()
            found: list[list[tuple[int, int, list[str]]]] = json.loads(await answered.readline())["texts"]
        except (OSError, ValueError, KeyError) as error:
            raise AnalystFailed(type(error).__name__) from error
        return found

    def _leave(self) -> None:
        """End the idle child without waiting for it: the end of its input ends it."""
        child, self._child = self._child, None
        if child is not None and child.stdin is not None:
            child.stdin.close()
            log.info("analyst.left", pid=child.pid)

    async def _dismiss(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()
