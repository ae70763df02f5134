"""What published networks are made of beside layers: products of two values, parts one behind the
other, functions of one value written out, whole axes reduced; compared with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.ai.networks import Network
from tests.ai.test_compiling import IMAGE, ROW, quantised_input, real_input, results

from blockstm.ai import call, call_data
from blockstm.ai.compiling import compile_onnx
from blockstm.errors import ModelError, PrecompileFailure
from blockstm.reference.inference.layout import OPCODES, parse_instruction

Made = Callable[[Network, str], str]
SIGNAL = [1, 5, 40]


def _number(network: Network, number: float) -> str:
    return network.tensor(np.float32(number))


def _axes(network: Network, *axes: int) -> str:
    return network.tensor(np.array(axes, np.int64))


def _swish_written_out(network: Network, value: str) -> str:
    """x · clip(x + 3, 0, 6) / 6, as exporters write it."""
    more = network.node("Add", value, _number(network, 3))
    cut = network.node("Clip", more, _number(network, 0), _number(network, 6))
    product = network.node("Mul", value, cut)
    return network.rounded(network.node("Div", product, _number(network, 6)), 0.03, 20)


def _scaled(network: Network, value: str) -> str:
    lower = network.node("Sub", value, _number(network, 0.3))
    return network.rounded(network.node("Mul", _number(network, 1.7), lower), 0.05, 128)


def _squeezed_and_excited(network: Network, value: str) -> str:
    """Each channel times a function of its mean."""
    mean = network.rounded(network.node("GlobalAveragePool", value), 0.01, 110)
    made = network.node("Conv", mean, network.weights(3, 3, 1, 1), network.real(3))
    gate = network.rounded(
        network.node("HardSigmoid", network.rounded(made, 0.05, 128)), 1 / 255, 0
    )
    return network.rounded(network.node("Mul", gate, value), 0.03, 117)


def _squared(network: Network, value: str) -> str:
    other = network.rounded(network.node("Tanh", value), 1 / 128, 128)
    return network.rounded(network.node("Relu", network.node("Mul", value, other)), 0.02, 0)


def _joined(axis: int) -> Made:
    """Three parts of two scales."""

    def made(network: Network, value: str) -> str:
        other = network.rounded(network.node("Tanh", value), 1 / 128, 128)
        parts = network.node("Concat", value, other, value, axis=axis)
        return network.rounded(parts, 0.03, 117)

    return made


def _reduced(operator: str, *axes: int, keepdims: int = 1) -> Made:
    def made(network: Network, value: str) -> str:
        reduced = network.node(operator, value, _axes(network, *axes), keepdims=keepdims)
        return network.rounded(reduced, 0.05, 100)

    return made


def _of_one_input(operator: str, **attributes: Any) -> Made:
    def made(network: Network, value: str) -> str:
        return network.rounded(network.node(operator, value, **attributes), 0.05, 100)

    return made


def _convolved(network: Network, value: str, **attributes: Any) -> str:
    weights = network.weights(6, 3, 3, 2, scales=6)
    return network.rounded(network.node("Conv", value, weights, **attributes), 0.06, 100)


def _convolved_signal(network: Network, value: str) -> str:
    weights = network.weights(4, 5, 3, scales=4)
    made = network.node("Conv", value, weights, network.real(4), strides=[2], pads=[1, 0])
    pooled = network.node("MaxPool", network.rounded(made, 0.1, 128), kernel_shape=[3], strides=[2])
    return network.rounded(pooled, 0.1, 128)


def _unsqueezed(network: Network, value: str) -> str:
    wide = network.node("Unsqueeze", value, _axes(network, 1, -1))
    narrow = network.node("Transpose", wide, perm=[0, 3, 2, 1])
    return network.rounded(network.node("Tanh", narrow), 0.01, 128)


MADE: dict[str, tuple[list[int], Made]] = {
    "a swish written out": (ROW, _swish_written_out),
    "a swish": (ROW, _of_one_input("HardSwish")),
    "numbers of the model": (ROW, _scaled),
    "a product": (ROW, _squared),
    "squeeze and excitation": (IMAGE, _squeezed_and_excited),
    "channels joined": (IMAGE, _joined(1)),
    "columns joined": (IMAGE, _joined(-1)),
    "the largest of an image": (IMAGE, _reduced("ReduceMax", 2, 3)),
    "the largest of a row": (IMAGE, _reduced("ReduceMax", -1, keepdims=0)),
    "the mean of an image": (IMAGE, _reduced("ReduceMean", 2, 3, keepdims=0)),
    "the largest of channels": (IMAGE, _of_one_input("GlobalMaxPool")),
    "a signal": (SIGNAL, _convolved_signal),
    "axes of one": (ROW, _unsqueezed),
    "pads of the same size": (
        IMAGE,
        lambda network, value: _convolved(network, value, auto_pad="SAME_UPPER", strides=[2, 2]),
    ),
    "pads of the same size, more above": (
        IMAGE, lambda network, value: _convolved(network, value, auto_pad="SAME_LOWER"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_what_networks_are_made_of_is_what_onnx_runtime_gives(name: str) -> None:
    """But for roundings: each is of one step at most, and some have two one behind the other."""
    shape, made = MADE[name]
    network = Network(shape)
    compiled, ours, theirs = results(
        network, made(network, quantised_input(network)), real_input(network)
    )
    steps = np.abs(ours - theirs) / compiled.output.scales[0].scale
    assert steps.max() < 2.01
    assert (steps > 0.5).mean() <= 0.1
    assert len(set(ours.tolist())) > 1


def test_a_function_of_one_value_is_one_table() -> None:
    network = Network(ROW)
    compiled = compile_onnx(network.model(_swish_written_out(network, quantised_input(network))))
    opcodes = [parse_instruction(each).opcode for each in compiled.instructions]
    assert opcodes == [OPCODES["table"]]
    assert compiled.version == 1


def test_what_is_not_quantised_at_the_end_gets_the_scale_that_holds_it() -> None:
    network = Network(ROW)
    value = quantised_input(network)
    compiled, ours, theirs = results(network, network.node("Softmax", value), real_input(network))
    assert compiled.output.scales[0].scale == 1 / 256
    assert np.abs(ours - theirs).max() < 0.02
    network = Network(ROW)
    value = network.node("Sigmoid", quantised_input(network))
    compiled, ours, theirs = results(network, value, real_input(network))
    assert np.abs(ours - theirs).max() <= compiled.output.scales[0].scale < 1 / 250


def test_an_input_may_be_shaped_before_it_is_quantised() -> None:
    network = Network(ROW)
    wide = network.node("Unsqueeze", "given", _axes(network, 1))
    value = network.rounded(network.node("Transpose", wide, perm=[0, 2, 1]), 0.03, 117)
    output = network.rounded(network.node("Tanh", value), 0.01, 128)
    compiled, ours, theirs = results(network, output, real_input(network))
    assert np.abs(ours - theirs).max() <= 1.01 * compiled.output.scales[0].scale


def _of_each_column(network: Network, value: str) -> str:
    columns = network.node("ReduceMax", value, _axes(network, 2))
    return network.rounded(network.node("Mul", value, columns), 0.03, 117)


def _computed_divisor(network: Network, value: str) -> str:
    other = network.rounded(network.node("Tanh", value), 1 / 128, 128)
    return network.rounded(network.node("Div", value, other), 0.03, 117)


def _many_numbers(network: Network, value: str) -> str:
    return network.rounded(network.node("Mul", value, network.real(3, 1, 1)), 0.03, 117)


def _infinite(network: Network, value: str) -> str:
    divided = network.node("Div", _number(network, 1), value)
    return network.node("MaxPool", divided, kernel_shape=[2, 2])


def _batch_joined(network: Network, value: str) -> str:
    return network.rounded(network.node("Concat", value, value, axis=0), 0.03, 117)


WRONG: dict[str, tuple[Made, str]] = {
    "the largest of channels": (_reduced("ReduceMax", 1), "over the last axes, not over"),
    "the largest of everything": (_reduced("ReduceMax"), r"not over \[0, 1, 2, 3\]"),
    "a product by columns": (_of_each_column, "over the last axes"),
    "a computed divisor": (_computed_divisor, "one computed value and one number"),
    "many numbers of the model": (_many_numbers, "is one number"),
    "a function without a number": (_infinite, "no number for some inputs: float division by zero"),
    "a joined batch": (_batch_joined, "one behind the batch"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_pairs_cannot_be_is_refused(name: str) -> None:
    made, said = WRONG[name]
    network = Network(IMAGE)
    output = made(network, network.rounded("given", 0.03, 0))
    with pytest.raises(ModelError, match=said):
        compile_onnx(network.model(output))


# ---- versions of the instruction set


def test_the_first_version_has_no_more_than_it_had() -> None:
    numbers = [bytes(8), bytes(8)]
    norm = [bytes(8), bytes(32), bytes(32)]
    for name, parameters, operands in (
        ("multiply", [8, 1, 0, 0, 1, 1, 0, -128, 127], numbers),
        ("join", [1, 8, 8], numbers),
        ("layer_norm", [1, 8, 20, 0, 0, 1], norm),
    ):
        data = call_data(name, parameters, operands)
        assert call(name, data).output
        with pytest.raises(PrecompileFailure):
            call(name, data, version=1)
    data = call_data("layer_norm", [1, 8, 20, 0], norm)
    assert call("layer_norm", data, version=1) == call("layer_norm", data)
