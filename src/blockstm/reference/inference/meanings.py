"""Opcode → the meaning of it: what it takes, gives and costs, and what it computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from blockstm.reference.inference import functions, pointwise, products, windows
from blockstm.reference.inference.layout import OPCODES, VERSION, Instruction
from blockstm.reference.inference.shapes import Shape

__all__ = ["MEANINGS", "Meaning", "version_of"]


class Meaning(NamedTuple):
    """Of one opcode."""

    parameters: int
    """How many of the sixteen it has."""
    shape: Callable[[tuple[int, ...]], Shape]
    compute: Callable[[tuple[int, ...], list[bytes]], bytes]
    first_parameters: int = -1
    """How many it had in version 1 of the set; -1: as many."""
    since: int = 1
    """The version that it came with."""

    def parameters_in(self, version: int) -> int:
        """How many it has in a version of the set."""
        is_first = version == 1 and self.first_parameters >= 0
        return self.first_parameters if is_first else self.parameters


MEANINGS: Final = {
    OPCODES[name]: meaning
    for name, meaning in {
        "product": Meaning(4, products.product_shape, products.product),
        "convolution": Meaning(16, windows.convolution_shape, windows.convolution),
        "requantise": Meaning(6, pointwise.requantise_shape, pointwise.requantise),
        "add": Meaning(9, pointwise.add_shape, pointwise.add),
        "clip": Meaning(3, pointwise.clip_shape, pointwise.clip),
        "table": Meaning(1, pointwise.table_shape, pointwise.table),
        "max_pool": Meaning(11, windows.max_pool_shape, windows.max_pool),
        "mean_pool": Meaning(15, windows.mean_pool_shape, windows.mean_pool),
        "top": Meaning(4, functions.top_shape, functions.top),
        "softmax": Meaning(6, functions.softmax_shape, functions.softmax),
        "gelu": Meaning(8, functions.gelu_shape, functions.gelu),
        "layer_norm": Meaning(6, functions.layer_norm_shape, functions.layer_norm, 4),
        "transpose": Meaning(2, pointwise.transpose_shape, pointwise.transpose),
        "multiply": Meaning(9, pointwise.multiply_shape, pointwise.multiply, since=2),
        "join": Meaning(3, pointwise.join_shape, pointwise.join, since=2),
    }.items()
}


def version_of(instruction: Instruction) -> int:
    """The earliest version of the set that an instruction is in; the opcode is one of them."""
    meaning = MEANINGS[instruction.opcode]
    return next(
        version
        for version in range(meaning.since, VERSION + 1)
        if version == VERSION or not any(instruction.parameters[meaning.parameters_in(version) :])
    )
