"""Integer inference on chain: instructions as precompiles.

Imports point down::

    compiling     quantised ONNX models made programs (needs the extra ``ai``)
    inference     one inference that another party checks alone
    deployment    a model put on chain: transactions, and the contract that is called
    building      a program put together
    scaling       real factors as multiplier and shift
    model         a compiled model: its program, its weights in codes
    instructions  precompiles of a chain, calls of one by itself, the bytes that ask for one
"""

from blockstm.ai.deployment import Deployed, Deployment, vyper_source
from blockstm.ai.inference import Inference
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
from blockstm.ai.model import Model, Scale, Tensor

__all__ = [
    "ADDRESSES",
    "At",
    "Called",
    "Deployed",
    "Deployment",
    "Inference",
    "Model",
    "Reference",
    "Scale",
    "Tensor",
    "call",
    "call_data",
    "constant",
    "header",
    "kernels",
    "precompiles",
    "register",
    "vyper_source",
]
