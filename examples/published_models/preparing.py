"""A published model of real numbers made one of int8: ONNX Runtime folds it and quantises it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
from onnx import version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

__all__ = ["folded", "quantised", "session"]

_OPSET = 15
_LAYERS = ["Conv", "Gemm", "MatMul", "GlobalAveragePool", "MaxPool", "Relu", "ReduceMax"]
"""What is quantised on both sides; functions between them become tables when it is compiled."""


class _Given(CalibrationDataReader):  # type: ignore[misc]  # it has no types
    def __init__(self, name: str, samples: list[Any]) -> None:
        self._left = iter([{name: sample} for sample in samples])

    def get_next(self) -> Any:
        return next(self._left, None)


def folded(model: bytes, shape: tuple[int, ...], folder: Path) -> Path:
    """The model for one input of this shape, batch normalisations and constants folded."""
    loaded = onnx.load_from_string(model)
    if min(each.version for each in loaded.opset_import if each.domain == "") < 13:
        loaded = version_converter.convert_version(loaded, _OPSET)
    sizes = loaded.graph.input[0].type.tensor_type.shape.dim
    for size, wanted in zip(sizes, shape, strict=True):
        size.dim_value = wanted
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folder / "folded.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(loaded.SerializeToString(), options)
    return folder / "folded.onnx"


def quantised(path: Path, samples: list[Any], folder: Path) -> Path:
    """The model in int8 (QDQ), its ranges taken from samples; weights by output channel."""
    name = onnx.load(path).graph.input[0].name
    logging.getLogger().setLevel(logging.ERROR)  # it says what could have been done before
    quantize_static(
        path,
        folder / "quantised.onnx",
        _Given(name, samples),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        op_types_to_quantize=_LAYERS,
    )
    return folder / "quantised.onnx"


def session(path: Path) -> Any:
    """One that runs a model: a function of one input."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    made = onnxruntime.InferenceSession(str(path), options)
    name = made.get_inputs()[0].name
    return lambda sample: made.run(None, {name: sample})[0].reshape(-1)
