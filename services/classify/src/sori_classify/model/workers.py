"""Processes that hold models and lexicons, so that texts are read on as many cores as there are workers."""

import asyncio
import contextlib
import gc
import os
import pickle
import select
import signal
import struct
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from io import FileIO
from typing import Any, BinaryIO, Concatenate, Final, NamedTuple, ParamSpec, Self, TypeVar

import structlog

from sori_classify.model.shelf import ModelRefused, Reference, Serving
from sori_kit import logs

log = structlog.get_logger()
P = ParamSpec("P")
R = TypeVar("R")

_AT_ONCE: Final = 4  # questions that a worker has: while it answers, the next lie in the pipe, and are taken together
_ENOUGH_TEXTS: Final = 512  # of questions that are taken together: more would cost hardly less each, and last longer
_TRIES: Final = 3  # for a question over which processes end: whoever kills one may not have meant the question
_KEPT: Final = 2  # models of a worker: the one that serves, and the canary
_LENGTH: Final = struct.Struct("<I")
_MOST_BYTES: Final = 1 << 20  # of a question, read at a time: room is made for all of them, and few may be there
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
        await asyncio.gather(*(each.ask(_Question(_loaded, serving.reference)) for each in self._workers))

    async def run(
        self, serving: Serving, function: Callable[Concatenate[Serving, P], R], *given: P.args, **named: P.kwargs
    ) -> R:
        """Call a function of a module with a worker's own copy of what serves.

        Another worker is asked where one ends. Raises WorkerFailed where the function fails or workers end over it, and
        WorkerAway where the model is gone.
        """
        answer: R = await self._ask(_Question(function, serving.reference, given, named))
        return answer

    async def run_together(
        self,
        serving: Serving,
        function: Callable[Concatenate[Serving, Sequence[Sequence[str]], P], Sequence[R]],
        texts: Sequence[str],
        *given: P.args,
        **named: P.kwargs,
    ) -> R:
        """Do that with a function that takes several lists of texts at once, and gives an answer to each list.

        What lies in a worker's pipe is taken together, which costs less for each text. A list with which the function
        fails, or over which workers end, spoils no other's answer.
        """
        answer: R = await self._ask(_Question(function, serving.reference, given, named, texts))
        return answer

    async def _ask(self, question: "_Question") -> Any:
        tries = 0
        async with self._free:
            while tries < _TRIES:
                worker = await self._least_busy()
                try:
                    return await worker.ask(question)
                except _WorkerEnded as ended:
                    tries += ended.over_it
                    question = question._replace(alone=True)  # The next end is then the fault of nobody else.
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


class _Question(NamedTuple):
    """A call as it goes to a worker."""

    function: Callable[..., Any]
    reference: Reference
    given: tuple[object, ...] = ()
    named: dict[str, object] = {}
    texts: Sequence[str] | None = None  # of a function that takes several lists of them
    alone: bool = False  # is taken with no other

    def goes_with(self, other: "_Question") -> bool:
        """Say whether one call does for both."""
        apart = self.texts is None or other.texts is None or self.alone or other.alone
        return not apart and self._replace(texts=None) == other._replace(texts=None)


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

    async def ask(self, question: _Question) -> Any:
        """Give the answer, or raise what kept it from one."""
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self.ended:
            raise _WorkerEnded(over_it=False)
        self._waiting.append(answer)
        written = pickle.dumps(question, pickle.HIGHEST_PROTOCOL)
        self._asked.write(_LENGTH.pack(len(written)) + written)
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


def _loaded(serving: Serving) -> str:
    return serving.model.version


class _Desk:
    """Where a worker finds its questions and leaves its answers."""

    def __init__(self, asked: FileIO, answered: BinaryIO) -> None:
        self._asked = asked  # Nothing is read ahead of need: what is there can be seen by looking at the pipe.
        self._answered = answered
        self._loaded: OrderedDict[Reference, Serving] = OrderedDict()

    def work(self) -> None:
        """Answer questions until there are no more."""
        next_one = self._read()
        while next_one is not None:
            together, next_one = self._gather(next_one)
            for told, problem in self._answers(together):
                answer = pickle.dumps((told, problem), pickle.HIGHEST_PROTOCOL)
                self._answered.write(_LENGTH.pack(len(answer)) + answer)
            self._answered.flush()
            next_one = next_one or self._read()

    def _gather(self, first: _Question) -> tuple[list[_Question], _Question | None]:
        """Take what lies there and goes with the first; gives also one that was taken and does not."""
        together, count = [first], len(first.texts or ())
        while first.texts and count < _ENOUGH_TEXTS and select.select([self._asked], [], [], 0)[0]:
            following = self._read()
            if following is None or not following.goes_with(first):
                return together, following
            together.append(following)
            count += len(following.texts or ())
        return together, None

    def _answers(self, together: Sequence[_Question]) -> list[tuple[object, WorkerFailed | WorkerAway | None]]:
        first = together[0]
        with _Attempt(first.function.__name__) as attempt:
            serving = self._serving(first.reference)
            if first.texts is None:
                attempt.told = [first.function(serving, *first.given, **first.named)]
            else:
                attempt.told = first.function(serving, [each.texts for each in together], *first.given, **first.named)
        if attempt.problem is None:
            return [(told, None) for told, _ in zip(attempt.told, together, strict=True)]
        if len(together) == 1:
            return [(None, attempt.problem)]
        return [answer for each in together for answer in self._answers([each])]

    def _serving(self, reference: Reference) -> Serving:
        if reference not in self._loaded:
            self._loaded[reference] = Serving.load(reference)
            _calm_collector()
        self._loaded.move_to_end(reference)
        while len(self._loaded) > _KEPT:
            self._loaded.popitem(last=False)
        return self._loaded[reference]

    def _read(self) -> _Question | None:
        header = self._exactly(_LENGTH.size)
        if not header:
            return None
        question: _Question = pickle.loads(self._exactly(*_LENGTH.unpack(header)))
        return question

    def _exactly(self, size: int) -> bytes:
        """Read so many bytes; none at the end."""
        parts = []
        while size and (part := self._asked.read(min(size, _MOST_BYTES))):
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class _Attempt:
    """An answer in the making: whatever goes wrong on the way is its problem, and ends nothing but itself."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.told: Sequence[object] = ()
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
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as asked:
        _Desk(asked, answered).work()
