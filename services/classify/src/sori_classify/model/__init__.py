"""What classify asks: a neural model for feeling and intent, a lexicon for topics and triggers, Kiwi for words."""

from sori_classify.domain import Scores
from sori_classify.model.analyst import Analyst, AnalystFailed
from sori_classify.model.lexicon import Lexicon
from sori_classify.model.onnx import Model, ModelFailed
from sori_classify.model.shelf import Canary, ModelRefused, Serving, Shelf
from sori_classify.model.workers import WorkerAway, WorkerFailed, Workers

__all__ = [
    "Analyst",
    "AnalystFailed",
    "Canary",
    "Lexicon",
    "Model",
    "ModelFailed",
    "ModelRefused",
    "Scores",
    "Serving",
    "Shelf",
    "WorkerAway",
    "WorkerFailed",
    "Workers",
]
