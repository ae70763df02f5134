"""Quantised ONNX models (QDQ and QLinear, int8) made programs of instructions.

Imports point down::

    graph       `compile_onnx`: a model's nodes, one after another
    nodes       ONNX operators → what they do with values
    windows     those that slide over images
    pairs       two values made one
    products    matrix products, and the bias that zero points make
    quantising  real values made int8 again: where instructions are emitted
    values      what an ONNX value is while a model is compiled
"""

from blockstm.ai.compiling.graph import compile_onnx

__all__ = ["compile_onnx"]
