"""The step from a trained network to one ONNX file."""

import warnings
from pathlib import Path

import onnx
import torch
from onnx import TensorProto, helper
from training.network import Exported

from sori_classify.model.onnx import OUTPUTS


def export(model: Exported, path: Path) -> None:
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
            opset_version=17,
            input_names=["wide_units"],
            output_names=list(OUTPUTS),
            dynamic_axes={"wide_units": {0: "texts", 1: "length"}} | {name: {0: "texts"} for name in OUTPUTS},
        )
    _narrow_input(path)


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
