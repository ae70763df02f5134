"""A trained network as a quantised ONNX model, as other tools write them (QDQ, int8)."""

from __future__ import annotations

from typing import Any

import numpy as np
from examples.digits.training import Layers, apply
from onnx import TensorProto, helper, numpy_helper

__all__ = ["quantised"]


class Graph:
    """Nodes and tensors of a model, as they are made."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def tensor(self, name: str, array: Any) -> str:
        """A tensor of the model."""
        self.tensors.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, operator: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """A node with one output of its name."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name=name, **attributes))
        return name

    def rounded(self, value: str, numbers: Any) -> str:
        """The value as uint8 and back, with the range that these numbers have."""
        low, high = min(float(numbers.min()), 0.0), max(float(numbers.max()), 1e-6)
        scale = self.tensor(f"{value}_scale", np.float32((high - low) / 255))
        zero = self.tensor(f"{value}_zero", np.uint8(round(-low / (high - low) * 255)))
        stored = self.node("QuantizeLinear", [value, scale, zero], f"{value}_stored")
        return self.node("DequantizeLinear", [stored, scale, zero], f"{value}_rounded")

    def weights(self, name: str, array: Any) -> str:
        """Weights as int8, with a scale for each output."""
        scales = np.abs(array).reshape(len(array), -1).max(axis=1) / 127
        along = scales.reshape(-1, *[1] * (array.ndim - 1))
        integers = np.rint(array / along).astype(np.int8)
        inputs = [
            self.tensor(f"{name}_stored", integers),
            self.tensor(f"{name}_scale", scales.astype(np.float32)),
            self.tensor(f"{name}_zero", np.zeros(len(scales), np.int8)),
        ]
        return self.node("DequantizeLinear", inputs, name, axis=0)


_OPERATORS = {
    "dense": ("Gemm", {"transB": 1}),
    "convolution": ("Conv", {"pads": [1, 1, 1, 1], "kernel_shape": [3, 3]}),
    "relu": ("Relu", {}),
    "pool": ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "flatten": ("Flatten", {}),
}


def quantised(layers: Layers, images: Any, name: str) -> Any:
    """The network as an ``onnx.ModelProto``, quantised by what these images come to."""
    graph = Graph()
    value = graph.rounded("image", images)
    for number, (kind, arrays) in enumerate(layers):
        operator, attributes = _OPERATORS[kind]
        layer, inputs = f"{kind}_{number}", [value]
        if arrays:
            weights = graph.weights(f"{layer}_weights", arrays[0])
            bias = graph.tensor(f"{layer}_bias", arrays[1].astype(np.float32))
            inputs += [weights, bias]
        value = graph.node(operator, inputs, layer, **attributes)
        after = layers[number + 1][0] if number + 1 < len(layers) else ""
        if (arrays and after != "relu") or kind == "relu":
            value = graph.rounded(value, apply(layers[: number + 1], images))
    given = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, *images.shape[1:]])
    output = helper.make_tensor_value_info(value, TensorProto.FLOAT, [1, 10])
    made = helper.make_graph(graph.nodes, name, [given], [output], graph.tensors)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model
