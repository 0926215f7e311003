"""The step from a trained network to one ONNX file."""

import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper
from torch import Tensor
from training.integers import OPSET, Served

from sori_classify.model.onnx import OUTPUTS


def export(model: Served, path: Path) -> None:
    """Write the graph; it takes `units` (uint16, [texts, length], zero-padded) and gives probabilities."""
    model.eval()
    example = torch.full((2, 7), 0xAC00, dtype=torch.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            (example,),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            custom_opsets={"com.microsoft": 1},
            input_names=["wide_units"],
            output_names=list(OUTPUTS),
            dynamic_axes={"wide_units": {0: "texts", 1: "length"}} | {name: {0: "texts"} for name in OUTPUTS},
        )
    _narrow_input(path)


def difference(model: Served, path: Path, batches: list[Tensor]) -> float:
    """Give the largest difference between a probability of the file and of PyTorch."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    largest = 0.0
    for units in batches:
        answers = session.run(OUTPUTS, {"units": units.numpy().astype(np.uint16)})
        with torch.inference_mode():
            wanted = model(units)
        for answer, want in zip(answers, wanted, strict=True):
            largest = max(largest, float(np.abs(np.asarray(answer) - want.numpy()).max()))
    return largest


def _narrow_input(path: Path) -> None:
    """Let callers pass uint16, which the exporter does not know, and widen it inside."""
    model = onnx.load(path)
    graph = model.graph
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("units", TensorProto.UINT16, ["texts", "length"]))
    graph.node.insert(0, helper.make_node("Cast", ["units"], ["wide_units"], to=TensorProto.INT64))
    model.producer_name, model.doc_string = "sori", ""
    for node in graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, path)
