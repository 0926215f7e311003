"""The neural model: one ONNX graph that reads UTF-16 code units."""

import codecs
import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import repeat
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi.onnxruntime_pybind11_state import EPFail, Fail, InvalidArgument, RuntimeException

from sori_classify.domain import EMOTIONS, UTTERANCES, Scores, SentimentScores

HEAD_CHARACTERS: Final = 1_500  # of a longer text, what is read before anything is squashed:
TAIL_CHARACTERS: Final = 500  # its beginning and its end, where complaints say what they want
HEAD_UNITS: Final = 384  # and of what is left then
TAIL_UNITS: Final = 127
# Code units, padding included. Of 32 texts as they come, the short ones then need no padding up to the longest, which
# saves more than a second run costs; and larger ones fall out of the processor's cache.
LARGEST_BATCH: Final = 1_024
COARSE: Final = ("sentiment", "emotion", "abuse", "utterance")
OUTPUTS: Final = (*COARSE, "kote")

_UNIT_BYTES: Final = 2
_REPEATED = re.compile(r"(.)\1\1+")
_OTHER_WIDTH = re.compile("[\uff01-\uff5e\uffa1-\uffdc]")
# Letters and marks of full width are ASCII, and Hangul letters of half width are those of the common keyboard.
_USUAL_WIDTH: Final = (
    {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
    | {0xFFA1 + at: 0x3131 + at for at in range(30)}
    | {
        first + at: 0x314F + 6 * group + at
        for group, first in enumerate((0xFFC2, 0xFFCA, 0xFFD2, 0xFFDA))
        for at in range(6 if group < 3 else 3)
    }
)


def normalise(text: str) -> str:
    """Compose, undo odd widths and cases, fold white space, squash what repeats over twice, and cut what is long."""
    if len(text) > HEAD_CHARACTERS + TAIL_CHARACTERS:
        text = f"{text[:HEAD_CHARACTERS]} {text[-TAIL_CHARACTERS:]}"
    if _OTHER_WIDTH.search(text):
        text = text.translate(_USUAL_WIDTH)
    text = " ".join(unicodedata.normalize("NFC", text).replace("\0", " ").lower().split())
    if _REPEATED.search(text):  # Most have none, and are not written anew.
        text = _REPEATED.sub(r"\1\1", text)
    if len(text) > HEAD_UNITS + TAIL_UNITS:
        text = f"{text[:HEAD_UNITS]} {text[-TAIL_UNITS:]}"
    return f" {text} "


def encode(text: str) -> bytes:
    """Give the UTF-16-LE code units of the normalised text; a lone surrogate stays what it is."""
    return codecs.utf_16_le_encode(normalise(text), "surrogatepass")[0]  # The codec itself: a look-up takes longer.


def matrix(units: Sequence[bytes]) -> npt.NDArray[np.uint16]:
    """Lay encoded texts into rows, padded with zeros to the longest."""
    width = max(map(len, units))
    rows = np.frombuffer(b"".join(unit.ljust(width, b"\0") for unit in units), dtype="<u2")
    return rows.reshape(len(units), width // _UNIT_BYTES)


class ModelFailed(Exception):
    """The runtime refused a batch of texts."""


class Model:
    """Scores texts on one thread; safe to share between threads."""

    def __init__(self, session: ort.InferenceSession, version: str, card_json: str) -> None:
        self._session = session
        self._version = version
        self.card_json = card_json  # The model card: data, seed, figures, weaknesses.

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load `model.onnx` and `card.json`; fails when they are missing or name labels that the domain does not."""
        card_json = (folder / "card.json").read_text(encoding="utf-8")
        card: dict[str, Any] = json.loads(card_json)
        labels = card["labels"]
        if tuple(labels["emotion"]) != EMOTIONS or tuple(labels["utterance"]) != UTTERANCES:
            raise ValueError(f"{folder}/card.json names other labels than this version of classify")
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.enable_mem_pattern = False  # Nearly each batch has a shape of its own, and would need one of its own.
        session = ort.InferenceSession(
            str(folder / "model.onnx"), sess_options=options, providers=["CPUExecutionProvider"]
        )
        return cls(session, str(card["version"]), card_json)

    @property
    def version(self) -> str:
        """Name of the model and the beginning of its checksum."""
        return self._version

    def score(self, texts: Sequence[str], *, fine: bool = False) -> list[Scores]:
        """Score each text, in order; its neighbours do not matter (within 1e-5). A refusal is ModelFailed.

        KOTE's 44 emotions are given only when `fine` ones are asked for.
        """
        if not texts:
            return []
        units = [encode(text) for text in texts]
        # Texts of about one length share a batch, so that little is spent on padding.
        order = sorted(range(len(units)), key=lambda at: len(units[at]))
        # All are laid out before the first run and read after the last: a run fills the processor's cache with the
        # model, and what Python works with would have to come back each time.
        laid = [matrix([units[at] for at in chosen]) for chosen in _batches(order, units)]
        answers = [self._run(each, OUTPUTS if fine else COARSE) for each in laid]
        back = np.argsort(order)
        sentiment, emotion, abuse, utterance, *kote = (
            np.concatenate(head)[back] for head in zip(*answers, strict=True)
        )
        columns = zip(
            sentiment.tolist(),
            emotion.tolist(),
            [EMOTIONS[at] for at in emotion.argmax(axis=1).tolist()],
            emotion.max(axis=1).tolist(),
            abuse.tolist(),
            utterance.tolist(),
            [UTTERANCES[at] for at in utterance.argmax(axis=1).tolist()],
            kote[0].tolist() if fine else repeat(()),
            strict=False,
        )
        return [Scores(SentimentScores(*feeling), *others) for feeling, *others in columns]

    def _run(self, units: npt.NDArray[np.uint16], outputs: Sequence[str]) -> Sequence[npt.NDArray[np.float32]]:
        try:
            answers: Sequence[npt.NDArray[np.float32]] = self._session.run(outputs, {"units": units})
        except (EPFail, Fail, InvalidArgument, RuntimeException) as error:
            raise ModelFailed(type(error).__name__) from error
        return answers


def _batches(order: Sequence[int], units: Sequence[bytes]) -> Iterator[Sequence[int]]:
    """Cut texts, shortest first, into batches that are as large as they may be."""
    start = 0
    for end, at in enumerate(order):
        if end > start and (end - start + 1) * len(units[at]) > LARGEST_BATCH * _UNIT_BYTES:
            yield order[start:end]
            start = end
    if start < len(order):
        yield order[start:]
