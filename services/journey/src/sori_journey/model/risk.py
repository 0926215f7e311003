"""The risk model: an ONNX graph from features to calibrated probabilities, with what each feature adds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import onnxruntime

from sori_journey.domain.risk import FEATURES, Reason, Risk, RiskKind

_MOST_REASONS = 3
_KINDS = tuple(RiskKind)


@dataclass(frozen=True, slots=True)
class RiskModel:
    """Scores timelines; the graph gives `scores` (n, kinds) and `weights` (n, kinds, features)."""

    session: Any
    card: Mapping[str, object]

    def score(self, rows: Sequence[Sequence[float]]) -> list[dict[RiskKind, Risk]]:
        """Score descriptions of customers, each as `features` gives it."""
        if not rows:
            return []
        scores, weights = self.session.run(["scores", "weights"], {"features": np.asarray(rows, np.float32)})
        return [
            {
                kind: Risk(kind=kind, score=float(scores[n, k]), reasons=_reasons(row, weights[n, k]))
                for k, kind in enumerate(_KINDS)
            }
            for n, row in enumerate(rows)
        ]


def _reasons(row: Sequence[float], weights: Any) -> tuple[Reason, ...]:
    raising = [
        Reason(feature=name, value=value, weight=float(weight))
        for name, value, weight in zip(FEATURES, row, weights, strict=True)
        if weight > 0
    ]
    return tuple(sorted(raising, key=lambda each: -each.weight)[:_MOST_REASONS])


def load() -> RiskModel:
    """Load the model that comes with the service; one for other features does not start."""
    folder = files(__package__)
    card = json.loads((folder / "risk.json").read_text(encoding="utf-8"))
    if tuple(card["features"]) != FEATURES or tuple(card["kinds"]) != tuple(each.value for each in _KINDS):
        raise ValueError("the risk model was trained for other features: train it again")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        (folder / "risk.onnx").read_bytes(), options, providers=["CPUExecutionProvider"]
    )
    return RiskModel(session, card)
