"""Compiled ONNX models give what ONNX Runtime gives; what cannot be compiled names its layer."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.ai.networks import Network, TensorProto, helper, ran_by_onnxruntime

from blockstm.ai import call, call_data, kernels
from blockstm.ai.compiling import compile_onnx
from blockstm.errors import ModelError

IMAGE = [1, 3, 8, 9]
ROW = [1, 24]
ROWS = [1, 6, 16]
Made = Callable[[Network, str], str]


def _convolved(network: Network, value: str, **attributes: Any) -> str:
    groups = attributes.get("group", 1)
    weights = network.weights(6, 3 // groups, 3, 2, scales=6)
    made = network.node("Conv", value, weights, network.real(6), kernel_shape=[3, 2], **attributes)
    return network.rounded(network.node("Relu", made), 0.06, 3)


def _gemm(network: Network, value: str) -> str:
    made = network.node(
        "Gemm", value, network.weights(10, 24, scales=10), network.real(10), transB=1
    )
    return network.rounded(made, 0.05, 120)


def _matmul(network: Network, value: str) -> str:
    made = network.node("MatMul", value, network.weights(24, 10, scales=10, axis=1))
    return network.rounded(network.node("Clip", made, network.tensor(np.float32(-1.5))), 0.05, 120)


def _sum(network: Network, value: str) -> str:
    left = network.rounded(network.node("Sigmoid", value), 1 / 256, 0)
    right = network.rounded(network.node("Tanh", value), 1 / 128, 128)
    return network.rounded(network.node("Relu", network.node("Add", left, right)), 0.01, 7)


def _attention(network: Network, value: str) -> str:
    """Two computed matrices, a softmax between them."""
    turned = network.node("Transpose", value, perm=[0, 2, 1])
    scores = network.rounded(network.node("MatMul", value, turned), 0.5, 0)
    shares = network.rounded(network.node("Softmax", scores, axis=-1), 1 / 127, 0)
    return network.rounded(network.node("MatMul", shares, value), 0.05, 0)


def _function(operator: str, **attributes: Any) -> Made:
    def made(network: Network, value: str) -> str:
        return network.rounded(network.node(operator, value, **attributes), 0.02, 100)

    return made


def _pool(operator: str, **attributes: Any) -> Made:
    def made(network: Network, value: str) -> str:
        return network.rounded(network.node(operator, value, **attributes), 0.0293, 120)

    return made


def _shaped(network: Network, value: str) -> str:
    wide = network.node("Reshape", value, network.tensor(np.array([0, -1, 4], np.int64)))
    flat = network.node("Flatten", wide)
    return _gemm(network, network.node("Identity", flat))


def _squeezed(network: Network, value: str) -> str:
    """Of three axes of size 1 the middle one goes, and the sums go over the last that is left."""
    wide = network.node("Reshape", value, network.tensor(np.array([1, 1, 1, 24], np.int64)))
    for axis in (-2, 1):
        wide = network.node("Squeeze", wide, network.tensor(np.array([axis], np.int64)))
    return _gemm(network, wide)


PLAIN: dict[str, tuple[list[int], Made]] = {
    "conv": (IMAGE, _convolved),
    "conv with steps and pads": (
        IMAGE, lambda network, value: _convolved(network, value, strides=[2, 1], pads=[1, 0, 2, 1]),
    ),
    "conv with gaps": (IMAGE, lambda network, value: _convolved(network, value, dilations=[2, 3])),
    "conv in groups": (IMAGE, lambda network, value: _convolved(network, value, group=3)),
    "gemm": (ROW, _gemm),
    "matmul": (ROW, _matmul),
    "sum": (ROW, _sum),
    "reshape": (ROW, _shaped),
    "max pool": (IMAGE, _pool("MaxPool", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 1, 1, 0])),
    "mean pool": (IMAGE, _pool("AveragePool", kernel_shape=[2, 3], strides=[1, 2])),
    "padded mean pool": (
        IMAGE, _pool("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    ),
    "global mean pool": (IMAGE, _pool("GlobalAveragePool")),
    "relu": (ROW, _function("Relu")),
    "leaky relu": (ROW, _function("LeakyRelu", alpha=0.1)),
    "elu": (ROW, _function("Elu")),
    "steep elu": (ROW, _function("Elu", alpha=1.75)),
    "squeeze": (ROW, _squeezed),
    "gelu": (ROW, _function("Gelu")),
    "sigmoid": (ROW, _function("Sigmoid")),
    "hard sigmoid": (ROW, _function("HardSigmoid")),
    "tanh": (ROW, _function("Tanh")),
}  # fmt: skip


def quantised_input(network: Network) -> str:
    return network.rounded("given", 0.03, 117 if network.kind is np.uint8 else -11)


def real_input(network: Network, seed: int = 5) -> Any:
    return np.random.default_rng(seed).normal(0, 1.5, network.shape).astype(np.float32)


def results(network: Network, output: str, given: Any) -> tuple[Any, Any, Any]:
    """What the compiled model gives and what ONNX Runtime does, in steps of the output's scale."""
    model = network.model(output)
    compiled = compile_onnx(model)
    ours = compiled.real(compiled.run(compiled.quantised(given.reshape(-1))))
    theirs = ran_by_onnxruntime(model, given).reshape(-1)
    return compiled, np.array(ours), np.asarray(theirs, float)


@pytest.mark.parametrize("kind", [np.uint8, np.int8])
@pytest.mark.parametrize("name", PLAIN)
def test_an_operator_gives_what_onnx_runtime_gives(name: str, kind: Any) -> None:
    """But where a half is rounded another way, or a float was: by one at most, and rarely."""
    shape, made = PLAIN[name]
    network = Network(shape, kind=kind)
    value = quantised_input(network)
    if kind is np.int8:  # the same zero points, 128 lower
        rounded = network.rounded
        network.rounded = lambda value, scale, zero: rounded(value, scale, zero - 128)  # type: ignore[method-assign]  # in this test only
    compiled, ours, theirs = results(network, made(network, value), real_input(network))
    steps = np.abs(ours - theirs) / compiled.output.scales[0].scale
    assert steps.max() < 1.01
    assert (steps > 0.5).mean() <= 0.05
    assert len(set(ours.tolist())) > 2


def test_attention_is_near_what_onnx_runtime_gives() -> None:
    """A softmax in integers is a parabola: near, and the same everywhere."""
    network = Network(ROWS, kind=np.int8)
    value = network.rounded("given", 0.05, 0)
    compiled, ours, theirs = results(network, _attention(network, value), real_input(network))
    assert np.abs(ours - theirs).max() <= 3 * compiled.output.scales[0].scale


def test_a_layer_norm_is_near_what_onnx_runtime_gives() -> None:
    network = Network(ROWS, kind=np.int8)
    value = network.rounded("given", 0.05, 3)
    made = network.node("LayerNormalization", value, network.real(16), network.real(16), axis=-1)
    compiled, ours, theirs = results(network, network.rounded(made, 0.04, -9), real_input(network))
    assert np.abs(ours - theirs).max() <= 2 * compiled.output.scales[0].scale


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 1.0, 50.0, 1e4])
def test_the_epsilon_of_a_norm_counts(epsilon: float) -> None:
    """In squares of the input's step: from none to one that is all of the deviation."""
    network = Network([1, 24])
    step = 0.005
    output = _norm_of(step, epsilon=epsilon * step**2)(network, network.rounded("given", step, 128))
    given = network.rng.normal(0, 8 * step, (1, 24)).astype(np.float32)
    compiled, ours, theirs = results(network, output, given)
    assert np.abs(ours - theirs).max() <= 2 * compiled.output.scales[0].scale
    assert compiled.version == (2 if epsilon else 1)


@pytest.mark.parametrize("operator", ["ArgMax", "TopK"])
def test_places_are_those_of_onnx_runtime(operator: str) -> None:
    network = Network(ROW)
    value = _gemm(network, quantised_input(network))
    if operator == "ArgMax":
        output = network.node("ArgMax", value, axis=-1)
    else:
        count = network.tensor(np.array([4], np.int64))
        output = network.node("TopK", value, count, axis=-1, outputs=2)
    model = network.model(output, TensorProto.INT64)
    compiled, given = compile_onnx(model), real_input(network)
    ours = compiled.real(compiled.run(compiled.quantised(given.reshape(-1))))
    assert ours == ran_by_onnxruntime(model, given).reshape(-1).tolist()
    assert compiled.output.kind == "words"


def test_qlinear_operators_are_three_in_one() -> None:
    network = Network(IMAGE)
    begin, middle, end = network.scale(0.03, 117), network.scale(0.05, 12), network.scale(0.3, 128)
    stored = network.node("QuantizeLinear", "given", *begin)
    integers = network.rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    scales = network.tensor(np.float32([0.004, 0.005, 0.006, 0.007]))
    bias = network.tensor(np.arange(-200, 200, 100, dtype=np.int32))
    weights = [network.tensor(integers), scales, network.tensor(np.zeros(4, np.int8))]
    image = network.node("QLinearConv", stored, *begin, *weights, *middle, bias)
    row = network.node("Flatten", image)
    matrix = network.tensor(network.rng.integers(-127, 128, (168, 5)).astype(np.int8))
    inner = [matrix, network.tensor(np.float32(0.01)), network.tensor(np.int8(0))]
    product = network.node("QLinearMatMul", row, *middle, *inner, *end)
    output = network.node("DequantizeLinear", product, *end)
    compiled, ours, theirs = results(network, output, real_input(network))
    assert np.abs(ours - theirs).max() / compiled.output.scales[0].scale < 1.01


def test_sums_may_be_the_output() -> None:
    network = Network(ROW)
    made = network.node(
        "Gemm", quantised_input(network), network.weights(10, 24, scales=10), transB=1
    )
    _, ours, theirs = results(network, made, real_input(network))
    assert np.allclose(ours, theirs, rtol=1e-4, atol=1e-4)


# ---- ONNX Runtime's integer kernels


@pytest.mark.parametrize("kernel", kernels())
def test_convolutions_are_exactly_those_of_onnx_runtime(kernel: str) -> None:
    rng = np.random.default_rng(3)
    image = rng.integers(-128, 128, (1, 4, 9, 11)).astype(np.int8)
    weights = rng.integers(-128, 128, (6, 2, 3, 2)).astype(np.int8)
    node = helper.make_node(
        "ConvInteger", ["given", "weights"], ["sums"], group=2, strides=[2, 1], pads=[1, 0, 1, 1],
    )  # fmt: skip
    network = Network([1, 4, 9, 11])
    network.nodes.append(node)
    network.tensors.append(
        helper.make_tensor("weights", TensorProto.INT8, weights.shape, weights.tobytes(), raw=True)
    )
    model = network.model("sums", TensorProto.INT32)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT8
    theirs = ran_by_onnxruntime(model, image)
    parameters = [4, 9, 11, 6, 3, 2, 2, 1, 1, 0, 1, 1, 1, 1, 2, 0]
    data = call_data("convolution", parameters, [image.tobytes(), weights.tobytes()])
    assert call("convolution", data, kernel=kernel).output == theirs.astype("<i4").tobytes()


# ---- what cannot be compiled


def _unknown(network: Network, value: str) -> str:
    return network.rounded(network.node("Erf", value), 0.1, 0)


def _unquantised_weights(network: Network, value: str) -> str:
    return network.rounded(network.node("Gemm", value, network.real(24, 10)), 0.1, 0)


def _zero_of_weights(network: Network, value: str) -> str:
    integers = network.tensor(np.ones((24, 10), np.int8))
    weights = network.node("DequantizeLinear", integers, *network.scale(0.1, 5))
    return network.rounded(network.node("MatMul", value, weights), 0.1, 0)


def _never_quantised(network: Network, value: str) -> str:
    return network.node("Relu", network.node("Gemm", value, network.weights(24, 10)))


def _twice_without(network: Network, value: str) -> str:
    made = network.node("MatMul", value, network.weights(24, 10))
    return network.rounded(network.node("MatMul", made, network.weights(10, 3)), 0.1, 0)


def _huge_bias(network: Network, value: str) -> str:
    bias = network.tensor(np.full(10, 1e9, np.float32))
    return network.rounded(network.node("Gemm", value, network.weights(24, 10), bias), 0.1, 0)


def _cut_and_compared(network: Network, value: str) -> str:
    made = network.node("Gemm", value, network.weights(24, 10))
    return network.node("ArgMax", network.node("Relu", made), axis=-1)


def _scaled(scale: float) -> Made:
    def made(network: Network, value: str) -> str:
        sums = network.node("Gemm", value, network.weights(24, 10))
        return network.rounded(sums, scale, 0)

    return made


def _scale_of_weights(*scales: float) -> Made:
    def made(network: Network, value: str) -> str:
        integers, zeros = np.ones((24, 10), np.int8), np.zeros(len(scales), np.int8)
        inputs = [network.tensor(each) for each in (integers, np.float32(scales), zeros)]
        weights = network.node("DequantizeLinear", *inputs, axis=1)
        return network.rounded(network.node("MatMul", value, weights), 0.1, 0)

    return made


def _normalised(size: float, scale: float) -> Made:
    def made(network: Network, value: str) -> str:
        numbers = [network.tensor(np.full(24, size, np.float32)) for _ in range(2)]
        given = network.rounded(value, 0.05, 3)
        return network.rounded(network.node("LayerNormalization", given, *numbers), scale, 0)

    return made


def _norm_of(step: float, **attributes: Any) -> Made:
    def made(network: Network, value: str) -> str:
        numbers = [network.tensor(np.ones(24, np.float32)) for _ in range(2)]
        given = network.rounded(value, step, 128)
        norm = network.node("LayerNormalization", given, *numbers, **attributes)
        return network.rounded(norm, 0.1, 0)

    return made


def _shaped_as(operator: str, *numbers: int, **attributes: Any) -> Made:
    def made(network: Network, value: str) -> str:
        inputs = [network.tensor(np.array(numbers, np.int64))] if numbers else []
        return network.node(operator, value, *inputs, **attributes)

    return made


def _added_to_nothing(network: Network, value: str) -> str:
    return network.rounded(network.node("Add", value), 0.1, 0)


def _one_factor(network: Network, value: str) -> str:
    return network.rounded(network.node("MatMul", value), 0.1, 0)


def _of_another_domain(network: Network, value: str) -> str:
    return network.rounded(network.node("Relu", value, domain="mine"), 0.1, 0)


WRONG: dict[str, tuple[Made, str, str]] = {
    "an operator": (_unknown, "erf_2", "there is no instruction for Erf; there are for Add"),
    "real weights": (_unquantised_weights, "gemm_2", "its weights are real numbers"),
    "a zero point of weights": (_zero_of_weights, "dequantizelinear_2", "zero point 0"),
    "sums that go on": (_twice_without, "matmul_5", "its input was quantised"),
    "a huge bias": (_huge_bias, "gemm_3", "its sums may overflow int32"),
    "no quantised output": (_never_quantised, "", "is quantised at the end"),
    "what is cut off and compared": (_cut_and_compared, "argmax_5", "what was cut off"),
    "a scale of 0": (_scaled(0), "quantizelinear_4", "a number above 0, not 0.0"),
    "a negative scale": (_scaled(-0.1), "quantizelinear_4", "a number above 0, not -0.1"),
    "an infinite scale": (_scaled(np.inf), "quantizelinear_4", "a number above 0, not inf"),
    "a scale that is none": (_scaled(np.nan), "quantizelinear_4", "a number above 0, not nan"),
    "a tiny scale": (_scaled(1e-40), "quantizelinear_4", "the scales do not go together"),
    "weights of scale 0": (_scale_of_weights(0), "dequantizelinear_2", "a number above 0"),
    "weights of two scales": (
        _scale_of_weights(0.1, 0.2),
        "dequantizelinear_2",
        "2 scales are not of axis 1",
    ),
    "a large norm of tiny scale": (
        _normalised(1e30, 1e-6),
        "quantizelinear_5",
        "the scales do not go together",
    ),
    "a norm beyond floats": (
        _normalised(np.inf, 0.1),
        "quantizelinear_5",
        "the scales do not go together",
    ),
    "a norm with an epsilon beyond all steps": (
        _norm_of(1e-12, epsilon=1e-2),
        "quantizelinear_5",
        "an epsilon of 0.01 beside a step of 1e-12",
    ),
    "a norm with a negative epsilon": (
        _norm_of(0.05, epsilon=-1e-2),
        "layernormalization_4",
        "a number of 0 or more, not -0.01",
    ),
    "a shape beyond the rank": (_shaped_as("Reshape", 1, 24, 0), "reshape_2", "not reshaped to"),
    "two sizes that follow": (_shaped_as("Reshape", -1, -1, 24), "reshape_2", "not reshaped to"),
    "a size below -1": (_shaped_as("Reshape", -1, -24), "reshape_2", "not reshaped to"),
    "zeros that are sizes": (
        _shaped_as("Reshape", 0, 24, allowzero=1),
        "reshape_2",
        "allowzero is 0",
    ),
    "the batch dropped": (_shaped_as("Squeeze", 0), "squeeze_2", r"not \[0\]"),
    "the batch dropped by its other name": (
        _shaped_as("Squeeze", -2),
        "squeeze_2",
        r"not \[-2\]",
    ),
    "a long axis dropped": (_shaped_as("Squeeze", 1), "squeeze_2", r"not \[1\]"),
    "an axis that is not there": (_shaped_as("Squeeze", 2), "squeeze_2", r"not \[2\]"),
    "all axes dropped": (_shaped_as("Squeeze"), "squeeze_2", "its axes are listed"),
    "an order of other axes": (
        _shaped_as("Transpose", perm=[0, 2]),
        "transpose_2",
        "no order of 2 axes",
    ),
    "one addend": (_added_to_nothing, "add_2", "its input was quantised"),
    "one factor": (_one_factor, "matmul_2", "it is not as ONNX defines it"),
    "an operator of one's own": (_of_another_domain, "relu_2", "no instruction for Relu"),
}


@pytest.mark.parametrize("opset", [1, 12])
def test_models_of_an_earlier_meaning_are_refused(opset: int) -> None:
    """Clip had its bounds elsewhere, and Softmax went over other axes."""
    network = Network(ROW)
    output = _gemm(network, quantised_input(network))
    with pytest.raises(ModelError, match=f"is of opset {opset}; those of opset 13 and later"):
        compile_onnx(network.model(output, opset=opset))
    assert compile_onnx(network.model(output, opset=13)).work == 240


def test_a_zero_point_may_be_left_out() -> None:
    """Then it is 0, of uint8: an empty name says so too."""
    network = Network(ROW)
    scale = network.tensor(np.float32(0.03))
    stored = network.node("QuantizeLinear", "given", scale, "")
    value = network.node("DequantizeLinear", stored, scale, "")
    integers = network.tensor(network.rng.integers(-127, 128, (24, 10)).astype(np.int8))
    weights = network.node("DequantizeLinear", integers, network.tensor(np.float32(0.01)), "")
    made = network.node("QuantizeLinear", network.node("MatMul", value, weights), scale, "")
    output = network.node("DequantizeLinear", made, scale, "")
    compiled, ours, theirs = results(network, output, np.abs(real_input(network)))
    assert np.abs(ours - theirs).max() <= 1.01 * compiled.output.scales[0].scale
    assert len(set(ours.tolist())) > 2


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_compiled_names_its_layer(name: str) -> None:
    made, layer, said = WRONG[name]
    network = Network(ROW)
    output = made(network, quantised_input(network))
    with pytest.raises(ModelError, match=said) as raised:
        compile_onnx(network.model(output))
    assert raised.value.layer == layer
    again = pickle.loads(pickle.dumps(raised.value))
    assert (again.layer, str(again)) == (layer, str(raised.value))


def test_a_batch_and_an_input_that_is_not_quantised_are_refused() -> None:
    network = Network([2, 24])
    output = _gemm(network, quantised_input(network))
    with pytest.raises(ModelError, match="a batch of one, not of 2"):
        compile_onnx(network.model(output))
    network = Network(ROW)
    output = network.node("Relu", "given")
    with pytest.raises(ModelError, match="quantised first, by one QuantizeLinear"):
        compile_onnx(network.model(output))


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(ModelError, match="this is no ONNX model"):
        compile_onnx(b"\x00\x01\x02")
