"""The models that classify asks: a neural one for feeling and intent, a lexicon for topics and triggers."""

from sori_classify.domain import Scores
from sori_classify.model.lexicon import Lexicon
from sori_classify.model.onnx import Model, ModelFailed
from sori_classify.model.shelf import ModelRefused, Serving, Shelf

__all__ = ["Lexicon", "Model", "ModelFailed", "ModelRefused", "Scores", "Serving", "Shelf"]
