"""`compile_onnx`: a model's nodes, one after another."""

from __future__ import annotations

from os import PathLike
from typing import Any, Final

from blockstm.extras import need

need("ai", "blockstm.ai.compiling")

import numpy as np
import onnx
from onnx import numpy_helper

from blockstm.ai.building import Builder
from blockstm.ai.compiling.nodes import OPERATORS
from blockstm.ai.compiling.quantising import as_int8
from blockstm.ai.compiling.values import (
    Constant,
    Integers,
    Node,
    Places,
    Shares,
    Sums,
    scale_of,
)
from blockstm.ai.model import Model, Scale, Tensor
from blockstm.errors import ModelError
from blockstm.messages import said_by

__all__ = ["compile_onnx"]

_ONNX: Final = ("", "ai.onnx")
_DOMAINS: Final = (*_ONNX, "com.microsoft")
"""Whose operators are meant; ONNX Runtime's have the same meaning where they have the same name."""

_OPSET_MIN: Final = 13

_SHAPING: Final = ("Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
"""What may stand between the input and its QuantizeLinear: no number changes."""


def compile_onnx(model: str | PathLike[str] | bytes | Any) -> Model:
    """A quantised ONNX model as a program of instructions.

    It has one input and one output. Between QuantizeLinear and DequantizeLinear everything is int8
    or uint8 (QDQ), or its operators are QLinear ones; weights are int8 with the zero point 0, or
    uint8 with 128. What the input's QuantizeLinear does is the caller's to do: the compiled model
    takes int8.

    Args:
        model: a file, its bytes, or an ``onnx.ModelProto``.

    Raises:
        ModelError: it holds what there is no instruction for; names the layer.
        MissingExtra: onnx is not installed (``blockstm[ai]``).
        OSError: the file cannot be read.
    """
    loaded = _loaded(model)
    _check_opset(loaded)
    graph = loaded.graph
    values: dict[str, Any] = {
        each.name: Constant(numpy_helper.to_array(each)) for each in graph.initializer
    }
    inputs = [each for each in graph.input if each.name not in values]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ModelError(
            f"a model has one input and one output, not {len(inputs)} and {len(graph.output)}"
        )
    name, shape = inputs[0].name, _shape(inputs[0])
    scale = _input_scale(graph, name)
    builder = Builder(_count(shape))
    values[name] = Integers(builder.input, shape, scale)  # its QuantizeLinear has nothing to do
    for node in graph.node:
        _compile(builder, node, values)
    output, value = _output(builder, graph.output[0].name, values)
    instructions, constants, register = builder.finish(value)
    given = Tensor(name, "int8", shape[1:], (scale,))
    return Model(graph.name, given, output, tuple(instructions), constants, register, builder.work)


def _loaded(model: Any) -> Any:
    if isinstance(model, onnx.ModelProto):
        return model
    try:
        return onnx.load_from_string(model) if isinstance(model, bytes) else onnx.load(model)
    except OSError:
        raise
    except Exception as error:  # protobuf's, which it does not name
        raise ModelError(f"this is no ONNX model: {error}") from error


def _check_opset(model: Any) -> None:
    """Refuse what operators meant earlier: bounds of Clip and axes of Softmax have moved since.

    Raises:
        ModelError: it is older than what operators here are.
    """
    versions = [each.version for each in model.opset_import if each.domain in _ONNX]
    if max(versions, default=0) < _OPSET_MIN:
        given = f"is of opset {max(versions)}" if versions else "names no opset of ONNX"
        raise ModelError(f"the model {given}; those of opset {_OPSET_MIN} and later are compiled")


def _compile(builder: Builder, node: Any, values: dict[str, Any]) -> None:
    layer = node.name or (node.output[0] if node.output else "")
    if node.op_type == "Constant":
        attributes = {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute}
        if "value" not in attributes:
            raise ModelError("Constant: it is a tensor", layer)
        values[node.output[0]] = Constant(numpy_helper.to_array(attributes["value"]))
        return
    if node.op_type not in OPERATORS or node.domain not in _DOMAINS:
        raise ModelError(
            f"there is no instruction for {node.op_type}; there are for {', '.join(OPERATORS)}",
            layer,
        )
    lacking = [name for name in node.input if name and name not in values]
    if lacking:
        raise ModelError(f"{node.op_type}: its input {lacking[0]} is not computed before it", layer)
    made = Node(
        layer,
        node.op_type,
        [values[name] if name else None for name in node.input],
        {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute},
    )
    if not made.inputs:
        raise made.fail("it has no input")
    try:
        given = OPERATORS[node.op_type](builder, made)
    except ModelError:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise made.fail(f"it is not as ONNX defines it: {said_by(error)}") from error
    results = given if isinstance(given, tuple) else (given,)
    for name, result in zip(node.output, results, strict=False):
        if name and result is not None:
            values[name] = result


def _shape(given: Any) -> tuple[int, ...]:
    """Of the input; a batch of unknown size is one.

    Raises:
        ModelError: it is unknown, or the batch is larger.
    """
    sizes = [each.dim_value for each in given.type.tensor_type.shape.dim]
    if not sizes or any(size <= 0 for size in sizes[1:]):
        raise ModelError(f"the input {given.name} has a shape of known sizes, not {sizes}")
    if sizes[0] > 1:
        raise ModelError(f"the input {given.name} is a batch of one, not of {sizes[0]}")
    return (1, *sizes[1:])


def _input_scale(graph: Any, name: str) -> Scale:
    """What the input's integers mean.

    Raises:
        ModelError: the input goes into something else than one QuantizeLinear.
    """
    tensors = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            for each in node.attribute:
                if each.name == "value":
                    tensors[node.output[0]] = numpy_helper.to_array(each.t)
    users = [node for node in graph.node if name in node.input]
    while len(users) == 1 and users[0].op_type in _SHAPING and users[0].input[0] == name:
        name = users[0].output[0]
        users = [node for node in graph.node if name in node.input]
    if len(users) == 1 and users[0].op_type == "QuantizeLinear":
        return _scale_of(users[0], tensors)
    for node in users:
        if (
            node.op_type in ("DequantizeLinear", "QLinearConv", "QLinearMatMul")
            and node.input[0] == name
        ):
            return _scale_of(node, tensors)
    raise ModelError(f"the input {name} is quantised first, by one QuantizeLinear")


def _scale_of(node: Any, tensors: dict[str, Any]) -> Scale:
    def fail(message: str) -> ModelError:
        return ModelError(f"{node.op_type}: {message}", node.name)

    names = [name for name in node.input[1:3] if name]
    if not names or any(name not in tensors for name in names):
        raise fail("the input's scale and zero point are numbers of the model")
    zero = tensors[names[1]] if len(names) > 1 else np.zeros((), np.uint8)
    return scale_of(tensors[names[0]], zero, fail)


def _output(builder: Builder, name: str, values: dict[str, Any]) -> tuple[Tensor, Any]:
    """What the model gives: int8, int32 or places.

    Raises:
        ModelError: it is none of them.
    """
    found = values.get(name)
    if isinstance(found, Places):
        return Tensor(name, "words", found.shape), found.value
    if isinstance(found, Integers | Shares):
        found = as_int8(builder, Node(name, "the output", [], {}), found)
        return Tensor(name, "int8", found.shape[1:], (found.scale,)), found.value
    if isinstance(found, Sums) and found.low == -np.inf and found.high == np.inf:
        if found.channels[0] > 1:
            raise ModelError(
                f"the output {name} is quantised: its columns have scales of their own"
            )
        scales = tuple(Scale(scale) for scale in found.scales)
        return Tensor(name, "int32", found.shape[1:], scales), found.value
    raise ModelError(f"the output {name} is quantised at the end")


def _count(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape))
