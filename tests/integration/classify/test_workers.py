"""Workers: processes of their own that read texts, and are replaced when they end."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asked_of_workers as asked
import psutil
import pytest
import pytest_asyncio

from sori_classify.model import Serving, Shelf, WorkerAway, WorkerFailed, Workers
from sori_classify.usecases import Reader
from sori_kit.errors import Unavailable
from sori_local import plan

TEXTS = ["배송이 너무 늦고 최악이에요", "직원분이 정말 친절하고 최고예요!"]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shutil.copytree(plan.model(), tmp_path / "models" / "first")
    return Shelf(tmp_path / "models" / "first", plan.lexicons())


async def running(count: int, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    monkeypatch.setenv("PYTHONPATH", str(Path(asked.__file__).parent))
    workers = Workers(count)
    await workers.start(shelf.serving)
    yield workers
    await workers.close()


@pytest_asyncio.fixture
async def workers(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    async for two in running(2, shelf, monkeypatch):
        yield two


@pytest_asyncio.fixture
async def worker(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workers]:
    async for one in running(1, shelf, monkeypatch):
        yield one


async def kill(workers: Workers, shelf: Shelf) -> None:
    answers = await asyncio.gather(*(workers.run(shelf.serving, asked.moods, TEXTS) for _ in range(8)))
    for process in [psutil.Process(number) for number in {number for number, _ in answers}]:
        process.kill()
        process.wait(5)


async def test_every_worker_gives_the_same_answer(shelf: Shelf, workers: Workers) -> None:
    answers = await asyncio.gather(*(workers.run(shelf.serving, asked.moods, TEXTS) for _ in range(8)))

    assert 2 == len({process for process, _ in answers})
    assert all(["negative", "positive"] == found for _, found in answers)


async def test_one_that_was_killed_is_replaced(shelf: Shelf, workers: Workers) -> None:
    await kill(workers, shelf)

    again = await asyncio.gather(*(workers.run(shelf.serving, asked.moods, TEXTS) for _ in range(8)))

    assert all(["negative", "positive"] == found for _, found in again)


async def test_a_question_over_which_processes_end_fails_and_others_are_answered(
    shelf: Shelf, workers: Workers
) -> None:
    reader = Reader(shelf, workers)

    ending, *answers = await asyncio.gather(
        reader.ask(asked.ending),
        *(reader.ask(asked.slow_echo, str(number)) for number in range(6)),
        return_exceptions=True,
    )

    assert isinstance(ending, WorkerFailed)
    assert ["0", "1", "2", "3", "4", "5"] == answers


async def test_a_mistake_is_no_outage_and_a_model_that_is_gone_is_one(
    shelf: Shelf, workers: Workers, tmp_path: Path
) -> None:
    """What waits out an outage would try a batch with a poisonous text for ever, instead of setting it apart."""
    reader = Reader(shelf, workers)
    with pytest.raises(WorkerFailed):
        await reader.ask(asked.broken)

    await kill(workers, shelf)
    (tmp_path / "models" / "first" / "model.onnx").write_bytes(b"broken")

    with pytest.raises(Unavailable, match="first"):
        await reader.ask(asked.slow_echo, "gone")


async def test_who_gives_up_leaves_the_answers_of_others_in_their_places(shelf: Shelf, workers: Workers) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(workers.run(shelf.serving, asked.slow_echo, "late"), 0.05)

    assert ["0", "1", "2", "3", "4", "5"] == await asyncio.gather(
        *(workers.run(shelf.serving, asked.slow_echo, str(number)) for number in range(6))
    )


async def test_a_failure_is_told_by_its_name_and_the_worker_lives(shelf: Shelf, workers: Workers) -> None:
    with pytest.raises(WorkerFailed, match="ZeroDivisionError"):
        await workers.run(shelf.serving, asked.broken)

    assert "on" == await workers.run(shelf.serving, asked.slow_echo, "on")


async def test_a_model_that_is_gone_is_refused_by_its_name(shelf: Shelf, workers: Workers, tmp_path: Path) -> None:
    (tmp_path / "models" / "first" / "model.onnx").write_bytes(b"broken")
    gone = Serving(shelf.serving.reference, shelf.serving.model, shelf.serving.lexicon)
    fresh = Workers(1)

    with pytest.raises(WorkerAway, match="first"):
        await fresh.start(gone)

    await fresh.close()


async def test_what_lies_at_a_worker_is_taken_together(shelf: Shelf, worker: Workers) -> None:
    answers = await asyncio.gather(*(worker.run_together(shelf.serving, asked.many, [str(at)]) for at in range(6)))

    assert [[str(at)] for at in range(6)] == [texts for _, texts in answers]
    assert 1 < max(count for count, _ in answers)


@pytest.mark.parametrize("trouble", ["broken", "ending"])
async def test_one_that_is_trouble_spoils_no_answer_of_those_taken_with_it(
    shelf: Shelf, workers: Workers, trouble: str
) -> None:
    words = ["first", "second", "third", trouble, "fifth", "sixth", "seventh"]

    answers = await asyncio.gather(
        *(workers.run_together(shelf.serving, asked.many, [word]) for word in words), return_exceptions=True
    )

    for word, answer in zip(words, answers, strict=True):
        if word == trouble:
            assert isinstance(answer, WorkerFailed)
        else:
            assert not isinstance(answer, BaseException)
            assert [word] == answer[1]


async def test_a_long_question_waits_for_no_other(shelf: Shelf, worker: Workers) -> None:
    answers = await asyncio.gather(
        *(worker.run_together(shelf.serving, asked.many, [str(at)] * 600) for at in range(3))
    )

    assert [1, 1, 1] == [count for count, _ in answers]
