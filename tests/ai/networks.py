"""Small quantised ONNX models, made operator by operator. No test of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the extra 'ai' has no wheels for this Python")
from onnx import TensorProto, helper, numpy_helper

__all__ = ["Network", "TensorProto", "helper", "ran_by_onnxruntime"]


class Network:
    """A model with one input; each value is named as the node that makes it."""

    def __init__(self, shape: list[int], seed: int = 1, kind: Any = np.uint8) -> None:
        self.rng = np.random.default_rng(seed)
        self.shape, self.kind = shape, kind
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def tensor(self, array: Any) -> str:
        name = f"tensor_{len(self.tensors)}"
        self.tensors.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        name = f"{operator.lower()}_{len(self.nodes)}"
        names = [name, *(f"{name}_{number}" for number in range(1, outputs))]
        self.nodes.append(helper.make_node(operator, inputs, names, name=name, **attributes))
        return names[-1]

    def scale(self, scale: float, zero: int) -> list[str]:
        return [self.tensor(np.float32(scale)), self.tensor(self.kind(zero))]

    def rounded(self, value: str, scale: float, zero: int) -> str:
        pair = self.scale(scale, zero)
        return self.node("DequantizeLinear", self.node("QuantizeLinear", value, *pair), *pair)

    def weights(self, *shape: int, scales: int = 1, axis: int = 0) -> str:
        integers = self.rng.integers(-127, 128, shape).astype(np.int8)
        steps = self.rng.uniform(0.002, 0.02, scales).astype(np.float32)
        if scales == 1:
            inputs = [self.tensor(integers), self.tensor(steps[0]), self.tensor(np.int8(0))]
            return self.node("DequantizeLinear", *inputs)
        inputs = [self.tensor(integers), self.tensor(steps), self.tensor(np.zeros(scales, np.int8))]
        return self.node("DequantizeLinear", *inputs, axis=axis)

    def real(self, *shape: int) -> str:
        return self.tensor(self.rng.normal(0, 1, shape).astype(np.float32))

    def model(self, output: str, kind: int = TensorProto.FLOAT, opset: int = 20) -> Any:
        given = helper.make_tensor_value_info("given", TensorProto.FLOAT, self.shape)
        result = helper.make_tensor_value_info(output, kind, None)
        graph = helper.make_graph(self.nodes, "network", [given], [result], self.tensors)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = 9
        return model


def ran_by_onnxruntime(model: Any, given: Any) -> Any:
    """What ONNX Runtime makes of an input, without its own rewriting of the graph."""
    runtime = pytest.importorskip("onnxruntime", reason="it has no wheels for this Python")
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, {session.get_inputs()[0].name: given})[0]
