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
