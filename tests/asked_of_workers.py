"""What tests ask the workers of classify; they import it in their own processes."""

import os
import time
from collections.abc import Sequence

from sori_classify.model import Serving


def moods(serving: Serving, texts: Sequence[str]) -> tuple[int, list[str]]:
    return os.getpid(), [scores.sentiment.label.value for scores in serving.model.score(texts)]


def slow_echo(_: Serving, word: str) -> str:
    time.sleep(0.2)
    return word


def broken(_: Serving) -> None:
    raise ZeroDivisionError


def ending(_: Serving) -> None:
    os._exit(9)


def many(_: Serving, asked: Sequence[Sequence[str]]) -> list[tuple[int, Sequence[str]]]:
    """Answer each with how many were taken together, slowly; some words are trouble."""
    time.sleep(0.2)
    words = [word for texts in asked for word in texts]
    if "broken" in words:
        raise ZeroDivisionError
    if "ending" in words:
        os._exit(9)
    return [(len(asked), texts) for texts in asked]
