"""Processes that hold models and lexicons, so that texts are read on as many cores as there are workers."""

import asyncio
import contextlib
import gc
import os
import pickle
import signal
import struct
import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any, BinaryIO, Concatenate, Final, ParamSpec, Self, TypeVar

import structlog

from sori_classify.model.shelf import ModelRefused, Reference, Serving
from sori_kit import logs

log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")

_AT_ONCE: Final = 2  # questions that a worker has: while one is answered, the next lies in the pipe
_TRIES: Final = 3  # for a question over which processes end: whoever kills one may not have meant the question
_KEPT: Final = 2  # models of a worker: the one that serves, and the canary
_LENGTH: Final = struct.Struct("<I")
# A model is looked up all over its tables, and what lies in huge pages is found a tenth sooner. glibc(7) asks the
# system for them; where neither knows of them, nothing changes.
_HUGE_PAGES: Final = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}


class WorkerFailed(Exception):
    """A worker could not do what it was asked, and will not the next time; the message says why."""


class WorkerAway(Exception):
    """A worker cannot do it for the moment; the message says why."""


class Workers:
    """Runs functions on models in processes of their own; one that ends is replaced."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._workers: list[_Worker] = []
        self._free = asyncio.Semaphore(count * _AT_ONCE)
        self._replacing = asyncio.Lock()

    async def start(self, serving: Serving) -> None:
        """Start all of them, and have each load a model; fails when one cannot."""
        self._workers = list(await asyncio.gather(*(_Worker.start() for _ in range(self._count))))
        await asyncio.gather(*(each.ask(_question(_loaded, serving.reference)) for each in self._workers))

    async def run(
        self, serving: Serving, function: Callable[Concatenate[Serving, P], R], *given: P.args, **named: P.kwargs
    ) -> R:
        """Call a function of a module with a worker's own copy of what serves.

        Another worker is asked where one ends. Raises WorkerFailed where the function fails or workers end over it, and
        WorkerAway where the model is gone.
        """
        question, tries = _question(function, serving.reference, *given, **named), 0
        async with self._free:
            while tries < _TRIES:
                worker = await self._least_busy()
                try:
                    answer: R = await worker.ask(question)
                    return answer
                except _WorkerEnded as ended:
                    tries += ended.over_it
        raise WorkerFailed(f"{_TRIES} processes ended over it")

    async def close(self) -> None:
        """End all of them, once they have answered."""
        await asyncio.gather(*(each.end() for each in self._workers))

    async def _least_busy(self) -> "_Worker":
        async with self._replacing:
            for at, worker in enumerate(self._workers):
                if worker.ended:
                    self._workers[at] = await _Worker.start()
        return min(self._workers, key=lambda worker: worker.busy)


class _WorkerEnded(Exception):
    """The process ended before it answered."""

    def __init__(self, *, over_it: bool) -> None:
        super().__init__()
        self.over_it = over_it  # It was at this question, and not at one before it.


class _Worker:
    """One of the processes; it answers in the order in which it is asked."""

    def __init__(self, process: asyncio.subprocess.Process, asked: asyncio.StreamWriter) -> None:
        self._process = process
        self._asked = asked
        self._waiting: deque[asyncio.Future[bytes]] = deque()
        self._listening = asyncio.create_task(self._listen())

    @classmethod
    async def start(cls) -> Self:
        """Start the process; it ends with the one that started it."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-c",
            f"from {__name__} import main; main()",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_HUGE_PAGES | os.environ,
        )
        if process.stdin is None:
            raise WorkerFailed("the process has no pipes")
        log.info("worker.started", pid=process.pid)
        return cls(process, process.stdin)

    @property
    def busy(self) -> int:
        """Say how many questions it has."""
        return len(self._waiting)

    @property
    def ended(self) -> bool:
        """Say whether it answers no more."""
        return self._listening.done()

    async def ask(self, question: bytes) -> Any:
        """Give the answer, or raise what kept it from one."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self.ended:
            raise _WorkerEnded(over_it=False)
        self._waiting.append(answer)
        self._asked.write(_LENGTH.pack(len(question)) + question)
        told, problem = pickle.loads(await answer)
        if problem:
            raise problem
        return told

    async def end(self) -> None:
        """End the process and wait for that."""
        self._asked.close()
        await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        """Hand on answers until the process ends; who then still waits is told."""
        answers = self._process.stdout
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while answers is not None:
                (length,) = _LENGTH.unpack(await answers.readexactly(_LENGTH.size))
                answer = await answers.readexactly(length)
                waiting = self._waiting.popleft()
                if not waiting.done():  # Whoever asked may have given up.
                    waiting.set_result(answer)
        for place, waiting in enumerate(self._waiting):
            if not waiting.done():
                waiting.set_exception(_WorkerEnded(over_it=place == 0))


def _question(function: Callable[..., object], reference: Reference, *given: object, **named: object) -> bytes:
    return pickle.dumps((function, reference, given, named), pickle.HIGHEST_PROTOCOL)


def _loaded(serving: Serving) -> str:
    return serving.model.version


def _answer(asked: BinaryIO, answered: BinaryIO) -> None:
    """Answer questions until there are no more."""
    loaded: OrderedDict[Reference, Serving] = OrderedDict()
    while header := asked.read(_LENGTH.size):
        (length,) = _LENGTH.unpack(header)
        function, reference, given, named = pickle.loads(asked.read(length))
        with _Attempt(function.__name__) as attempt:
            if reference not in loaded:
                loaded[reference] = Serving.load(reference)
                _calm_collector()
            loaded.move_to_end(reference)
            attempt.told = function(loaded[reference], *given, **named)
        while len(loaded) > _KEPT:
            loaded.popitem(last=False)
        answer = pickle.dumps((attempt.told, attempt.problem), pickle.HIGHEST_PROTOCOL)
        answered.write(_LENGTH.pack(len(answer)) + answer)
        answered.flush()


class _Attempt:
    """An answer in the making: whatever goes wrong on the way is its problem, and ends nothing but itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.told: object = None
        self.problem: WorkerFailed | WorkerAway | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, ModelRefused):
            self.problem = WorkerAway(str(error))
        elif isinstance(error, Exception):
            log.error("worker.failed", function=self._name, exc_info=error)
            self.problem = WorkerFailed(type(error).__name__)  # All that is safe to tell: a message may hold a text.
        return isinstance(error, Exception)


def _calm_collector() -> None:
    """Keep the garbage collector from walking through models and batches."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def main() -> None:
    """Be a worker: questions come on standard input, and its end is the end."""
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)  # The one that started it lets its work come to an end first.
    answered = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # Whatever else is printed is no answer.
    logs.configure("classify", "INFO")
    _answer(sys.stdin.buffer, answered)
