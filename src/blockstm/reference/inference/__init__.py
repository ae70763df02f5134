"""The meaning of the integer instructions in plain Python: the oracle of `blockstm.ai`.

Imports point down::

    machine    an instruction called, a program run: codes read, gas, outputs
    meanings   opcode → the meaning of it
    functions  softmax, GELU, layer norm, the largest of a row
    windows    convolutions and pools: what slides over images
    pointwise  elements by themselves: requantised, added, clipped, looked up
    products   matrix products, and the bound under which they cannot overflow
    shapes     how long operands and outputs are, what work costs; numbers in tensors
    layout     the bytes of an instruction and of a program
"""

from blockstm.reference.inference.layout import OPCODES
from blockstm.reference.inference.machine import run

__all__ = ["OPCODES", "run"]
