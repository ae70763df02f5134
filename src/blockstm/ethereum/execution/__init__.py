"""From a block to what it did, and to a verdict.

Imports point down::

    checks         a block compared with its header rule by rule
    verification   check a block, run it, check what it gave
    preparation    a block ready to run, on any VM
    on_evm         on the native EVM
    on_pyevm       on py-evm
    state_roots    state roots around a block
    senders        senders and authorities recovered from signatures
    known_senders  a signature is recovered once
    arguments      whether what a caller gives is of the right kind
"""

from blockstm.ethereum.execution.preparation import (
    ExecuteBlock,
    ExecutedBlock,
    PreparedBlock,
    StateAfter,
    VMName,
    context_of,
    prepare,
    prepare_file,
    prepare_under,
    state_root_after,
)

__all__ = [
    "ExecuteBlock",
    "ExecutedBlock",
    "PreparedBlock",
    "StateAfter",
    "VMName",
    "context_of",
    "prepare",
    "prepare_file",
    "prepare_under",
    "state_root_after",
]
