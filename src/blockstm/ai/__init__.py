"""Integer inference on chain: instructions as precompiles.

Imports point down::

    instructions  as precompiles of a chain, called by themselves, and the bytes that ask for them
"""

from blockstm.ai.instructions import (
    ADDRESSES,
    At,
    Called,
    Reference,
    call,
    call_data,
    constant,
    header,
    kernels,
    precompiles,
    register,
)

__all__ = [
    "ADDRESSES",
    "At",
    "Called",
    "Reference",
    "call",
    "call_data",
    "constant",
    "header",
    "kernels",
    "precompiles",
    "register",
]
