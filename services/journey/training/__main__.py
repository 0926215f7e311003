"""Train the risk model on the sample company: `python services/journey/training`; see README.md beside."""

import argparse
import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import sori_sample
from sori.classify.v1 import classification_pb2
from sori.classify.v1.touchpoint_events_pb2 import TouchpointClassified
from sori_journey import wire
from sori_journey.domain import RiskKind, Step, risk
from sori_kit import ids

END = dt.date(2026, 11, 22)
CUTS = (8, 10, 12, 14, 16)  # days of the thirty, so that the horizon lies in the window
TRAIN, CALIBRATE, TEST = range(1, 11), range(11, 15), range(15, 21)  # seeds
RIDGE = 1.0
BINS = 10
OUT = Path(__file__).resolve().parents[1] / "src" / "sori_journey" / "model"
Array = Any


def timelines(seed: int) -> list[list[Step]]:
    """Make a company and give its customers' timelines, with the moods that its texts are meant to have."""
    sample = sori_sample.generate(seed=seed, end=END)
    whose = {name: customer for customer, names in sample.truth.customers.items() for name in names}
    found: dict[str, dict[str, Step]] = {}
    for touchpoint in sample.touchpoints:
        name = f"{touchpoint.source}/{touchpoint.external_id}"
        if name not in whose:
            continue
        touchpoint.touchpoint_id = ids.derived("touchpoint", touchpoint.source, touchpoint.external_id)
        label = sample.truth.labels.get(name)
        mood = classification_pb2.Sentiment.Value(f"SENTIMENT_{label.sentiment.upper()}") if label else 0
        classified = TouchpointClassified(
            touchpoint=touchpoint, classification=classification_pb2.Classification(sentiment=mood)
        )
        found.setdefault(whose[name], {})[name] = wire.step(classified)
    return [sorted(steps.values(), key=lambda each: each.order) for steps in found.values()]


def examples(seeds: Sequence[int]) -> tuple[Array, Array]:
    """Give features and what came of them."""
    rows, outcomes = [], []
    start = dt.datetime.combine(END - dt.timedelta(days=30), dt.time(), dt.timezone(dt.timedelta(hours=9)))
    for seed in seeds:
        for steps in timelines(seed):
            for day in CUTS:
                now = (start + dt.timedelta(days=day)).astimezone(dt.UTC)
                described = risk.features(steps, now)
                if described is not None:
                    rows.append(described)
                    outcomes.append((risk.churned(steps, now), risk.complained(steps, now)))
    return np.asarray(rows, np.float64), np.asarray(outcomes, np.float64)


def fit(x: Array, y: Array, ridge: float = RIDGE) -> tuple[Array, float]:
    """Fit a logistic regression by Newton's method; the intercept is not shrunk."""
    design = np.hstack([x, np.ones((len(x), 1))])
    penalty = np.diag([ridge] * x.shape[1] + [0.0])
    weights = np.zeros(design.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (p - y) + penalty @ weights
        hessian = (design * (p * (1 - p))[:, None]).T @ design + penalty
        step = np.linalg.solve(hessian, gradient)
        weights -= step
        if np.abs(step).max() < 1e-9:
            break
    return weights[:-1], float(weights[-1])


def auc(score: Array, truth: Array) -> float:
    """Give the probability that somebody with the outcome scores above somebody without."""
    order = np.argsort(score, kind="stable")
    _, inverse, counts = np.unique(score[order], return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    ranks = np.empty(len(score))
    ranks[order] = middle[inverse]
    yes = truth > 0
    return float((ranks[yes].sum() - yes.sum() * (yes.sum() + 1) / 2) / (yes.sum() * (~yes).sum()))


def reliability(score: Array, truth: Array) -> list[dict[str, float]]:
    """Compare what was said with what came, in tenths of equal size."""
    parts = np.array_split(np.argsort(score, kind="stable"), BINS)
    return [
        {"count": len(part), "said": round(float(score[part].mean()), 4), "came": round(float(truth[part].mean()), 4)}
        for part in parts
    ]


def figures(score: Array, truth: Array) -> dict[str, Any]:
    """Measure scores."""
    curve = reliability(score, truth)
    base = truth.mean()
    return {
        "examples": len(truth),
        "base_rate": round(float(base), 4),
        "auc": round(auc(score, truth), 4),
        "brier": round(float(((score - truth) ** 2).mean()), 4),
        "brier_of_base_rate": round(float(base * (1 - base)), 4),
        "calibration_error": round(sum(abs(b["said"] - b["came"]) * b["count"] for b in curve) / len(truth), 4),
        "reliability": curve,
    }


def graph(x: Array, mean: Array, deviation: Array, weights: Array, bias: Array) -> onnx.ModelProto:
    """Write the model: values within what was seen, as z-scores, times weights, their sum through a sigmoid."""
    kinds, features = weights.shape
    constants = {
        "least": x.min(0).astype(np.float32),
        "most": x.max(0).astype(np.float32),
        "mean": mean.astype(np.float32),
        "deviation": deviation.astype(np.float32),
        "factors": weights.reshape(1, kinds, features).astype(np.float32),
        "bias": bias.astype(np.float32),
        "middle": np.asarray([1], np.int64),
        "last": np.asarray([2], np.int64),
    }
    nodes = [
        helper.make_node("Max", ["features", "least"], ["above"]),
        helper.make_node("Min", ["above", "most"], ["known"]),
        helper.make_node("Sub", ["known", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "deviation"], ["z"]),
        helper.make_node("Unsqueeze", ["z", "middle"], ["each"]),
        helper.make_node("Mul", ["each", "factors"], ["weights"]),
        helper.make_node("ReduceSum", ["weights", "last"], ["sum"], keepdims=0),
        helper.make_node("Add", ["sum", "bias"], ["odds"]),
        helper.make_node("Sigmoid", ["odds"], ["scores"]),
    ]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "risk",
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", features])],
            [
                helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", kinds]),
                helper.make_tensor_value_info("weights", TensorProto.FLOAT, ["n", kinds, features]),
            ],
            [numpy_helper.from_array(value, name) for name, value in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
        producer_name="sori",
    )
    onnx.checker.check_model(made)
    return made


def train() -> dict[str, Any]:
    """Train, calibrate, export, measure the export, and write the card."""
    x, y = examples(TRAIN)
    mean, deviation = x.mean(0), np.maximum(x.std(0), 1e-6)
    held_x, held_y = examples(CALIBRATE)
    weights, bias = [], []
    for k in range(len(RiskKind)):
        w, b = fit((x - mean) / deviation, y[:, k])
        odds = ((held_x - mean) / deviation) @ w + b
        slope, shift = fit(odds[:, None], held_y[:, k], 1e-6)  # Platt
        weights.append(w * slope[0])
        bias.append(b * slope[0] + shift)
    made = graph(x, mean, deviation, np.asarray(weights), np.asarray(bias))
    OUT.joinpath("risk.onnx").write_bytes(made.SerializeToString())

    import onnxruntime

    test_x, test_y = examples(TEST)
    scores = onnxruntime.InferenceSession(made.SerializeToString()).run(["scores"], {"features": test_x.astype("f4")})
    card = {
        "name": "sori-risk-1",
        "data": "sori_sample, a made-up company; intended moods, not those that the classifier reads",
        "seeds": {"train": list(TRAIN), "calibrate": list(CALIBRATE), "test": list(TEST)},
        "cut_days": list(CUTS),
        "horizon_days": {"churn": risk.CHURN_HORIZON.days, "complaint": risk.COMPLAINT_HORIZON.days},
        "kinds": [each.value for each in RiskKind],
        "features": list(risk.FEATURES),
        "train_examples": len(x),
        "odds_per_deviation": {
            kind.value: {name: round(float(w), 3) for name, w in zip(risk.FEATURES, weights[k], strict=True)}
            for k, kind in enumerate(RiskKind)
        },
        "test": {kind.value: figures(scores[0][:, k], test_y[:, k]) for k, kind in enumerate(RiskKind)},
    }
    OUT.joinpath("risk.json").write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n")
    return card


def main() -> None:
    """Train and say how good it is."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    card = train()
    for kind, found in card["test"].items():
        print(kind, json.dumps({name: value for name, value in found.items() if name != "reliability"}))
        for each in found["reliability"]:
            print(f"  said {each['said']:.3f}  came {each['came']:.3f}  n {each['count']}")


if __name__ == "__main__":
    main()
