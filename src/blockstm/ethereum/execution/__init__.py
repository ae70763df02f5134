"""From a block to what it did, and to a verdict.

Imports point down::

    checks         a block compared with its header rule by rule
    verification   check a block, run it, check what it gave
    preparation    making a block ready to run
    traced         under the eyes of a tracer
    on_evm         on the native EVM
    on_pyevm       on py-evm
    step_errors    the engine's errors about steps, as the block's
    listed_root    the state root that an access list leads to, while the block runs
    state_roots    state roots around a block
    prepared       a block that is ready to run
    executed       what executing a block did
    senders        senders and authorities recovered from signatures
    known_senders  a signature is recovered once
    options        what a caller says of a block, checked
    arguments      whether a block and its state are of the right kind
    vms            the VMs that blocks run on
"""

from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.preparation import (
    context_of,
    prepare,
    prepare_file,
    prepare_under,
)
from blockstm.ethereum.execution.prepared import ExecuteBlock, PreparedBlock, StateAfter
from blockstm.ethereum.execution.state_roots import state_root_after
from blockstm.ethereum.execution.vms import VMName

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
