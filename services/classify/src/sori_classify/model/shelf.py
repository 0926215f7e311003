"""Which model answers and which is tried beside it: read from a folder, and read again when the folder changes."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import structlog
import yaml
from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidGraph, InvalidProtobuf, NoSuchFile
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sori.classify.v1.classification_pb2 import Classification
from sori_classify.model.lexicon import Lexicon
from sori_classify.model.onnx import Model

log = structlog.get_logger()

CHOICE = "serving.yaml"  # beside the folders of the models; may be missing
_WARM_UP = ["배송이 늦어요", "Thank you, great service!", "환불해 주세요 " * 40]
_Mark = tuple[tuple[str, int, int], ...]


class ModelRefused(Exception):
    """A model, a lexicon or the choice between models cannot be used, and why."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"{what}: {why}")
        self.what = what  # name of the folder or the file
        self.why = why


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Trial(_Strict):
    """A model that is to be tried on live texts."""

    model: str  # folder name
    share: float = Field(0.1, gt=0, le=1)  # of the batches
    texts: int = Field(5_000, ge=1)  # after which it is decided
    switch_below: float | None = Field(None, ge=0, le=1)  # disagreement on the mood; None: nobody switches by itself


class Choice(_Strict):
    """What `serving.yaml` says."""

    serving: str = ""  # folder name; empty: the one that the settings name
    canary: Trial | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a model and a lexicon are, and in which state they were loaded."""

    model: Path  # folder
    lexicon: Path  # folder
    mark: _Mark


@dataclass(frozen=True, slots=True)
class Serving:
    """A model and a lexicon that answer together."""

    reference: Reference
    model: Model
    lexicon: Lexicon

    @classmethod
    def load(cls, reference: Reference) -> Self:
        """Load both, and let the model read something, so that its first text does not wait; or ModelRefused."""
        try:
            lexicon = Lexicon.load(reference.lexicon)
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise ModelRefused(reference.lexicon.name, str(error)) from None
        try:
            model = Model.load(reference.model)
        except (OSError, ValueError, KeyError, Fail, InvalidGraph, InvalidProtobuf, NoSuchFile) as error:
            raise ModelRefused(reference.model.name, f"{type(error).__name__}: {error}") from None
        model.score(_WARM_UP)
        return cls(reference, model, lexicon)

    @property
    def name(self) -> str:
        """Folder name of the model."""
        return self.reference.model.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """How two models differ on the same texts."""

    texts: int
    sentiment: float  # share, 0 to 1
    abuse: float
    utterance: float


class Canary:
    """A model on trial: reads a share of the live texts, and what it says of them is only compared."""

    def __init__(self, serving: Serving, trial: Trial) -> None:
        self.serving = serving
        self.trial = trial
        self._lock = threading.Lock()
        self._due = 0.0
        self._texts = self._sentiment = self._abuse = self._utterance = 0

    def takes(self, count: int) -> bool:
        """Say whether it reads the next batch, of `count` texts."""
        with self._lock:
            self._due += self.trial.share if count else 0.0
            if self._due < 1:
                return False
            self._due -= 1
            return True

    def compare(self, usual: Sequence[Classification], own: Sequence[Classification]) -> None:
        """Count where it differs."""
        pairs = list(zip(usual, own, strict=True))
        with self._lock:
            self._texts += len(pairs)
            self._sentiment += sum(one.sentiment != other.sentiment for one, other in pairs)
            self._abuse += sum(one.abusive != other.abusive for one, other in pairs)
            self._utterance += sum(one.utterance != other.utterance for one, other in pairs)

    def report(self) -> Disagreement:
        """Give the shares so far."""
        with self._lock:
            texts = self._texts or 1
            return Disagreement(
                texts=self._texts,
                sentiment=self._sentiment / texts,
                abuse=self._abuse / texts,
                utterance=self._utterance / texts,
            )


class Shelf:
    """The models of a folder; what changes to something broken leaves the old standing."""

    def __init__(self, model_path: Path, lexicon_path: Path) -> None:
        self._usual = model_path
        self._folder = model_path.parent
        self._lexicon_path = lexicon_path
        self._seen = self._mark()
        self.problems: dict[str, str] = {}  # by folder name, or name of the file
        self.serving, self.canary = self._load()

    @property
    def name(self) -> str:
        """Folder name of the model that answers."""
        return self.serving.name

    def names(self) -> list[str]:
        """Name every model of the folder."""
        return sorted(each.parent.name for each in self._folder.glob("*/card.json"))

    async def watch(self, every_seconds: float) -> None:
        """Look for changes, and for a trial that is over, until cancelled."""
        while True:
            await asyncio.sleep(every_seconds)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Load what changed; end a trial that has read enough."""
        mark = self._mark()
        if mark != self._seen:
            self._seen = mark
            try:
                self.serving, self.canary = self._load()
            except ModelRefused as refused:
                log.error("model.refused", problem=str(refused))
            else:
                log.info("model.loaded", model=self.serving.model.version)
        self._judge_trial()

    def _judge_trial(self) -> None:
        canary = self.canary
        if canary is None or canary.trial.switch_below is None:
            return
        found = canary.report()
        if found.texts < canary.trial.texts:
            return
        self.canary = None
        facts = {
            "model": canary.serving.model.version,
            "texts": found.texts,
            "sentiment_disagreement": round(found.sentiment, 4),
            "abuse_disagreement": round(found.abuse, 4),
            "utterance_disagreement": round(found.utterance, 4),
        }
        if found.sentiment <= canary.trial.switch_below:
            self.serving = canary.serving
            log.info("model.switched", **facts)
        else:
            self.problems[canary.trial.model] = f"disagreed on the mood of {found.sentiment:.1%} of the texts"
            log.warning("model.not_switched", **facts)

    def _load(self) -> tuple[Serving, Canary | None]:
        try:
            choice = self._choice()
            serving = self._serving(choice.serving or self._usual.name)
            canary = None
            if choice.canary is not None and choice.canary.model != serving.name:
                canary = Canary(self._serving(choice.canary.model), choice.canary)
        except ModelRefused as refused:
            self.problems[refused.what] = refused.why
            raise
        self.problems.clear()
        return serving, canary

    def _serving(self, name: str) -> Serving:
        return Serving.load(Reference(self._folder / name, self._lexicon_path, self._seen))

    def _choice(self) -> Choice:
        path = self._folder / CHOICE
        if not path.exists():
            return Choice()
        try:
            return Choice.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise ModelRefused(CHOICE, wrong) from None
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ModelRefused(CHOICE, str(error)) from None

    def _mark(self) -> _Mark:
        paths = [
            self._folder / CHOICE,
            *self._folder.glob("*/card.json"),
            *self._folder.glob("*/model.onnx"),
            *self._lexicon_path.glob("*.yaml"),
        ]
        found = []
        for path in sorted(paths):
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((str(path), status.st_mtime_ns, status.st_size))
        return tuple(found)
