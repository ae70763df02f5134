"""py-evm as a VM of the engine: ``pip install 'blockstm[pyevm]'``.

Imports point down::

    machine         `PyEvm`: a VM of the engine, for one block
    state           py-evm's state and executor on a view
    system          what a block does besides its transactions
    rules           when a transaction does not belong in a block
    delegation      delegation of accounts to code (EIP-7702)
    computation     py-evm's computation, nested as deep as the EVM allows
    accounts        py-evm's account database over a view
    balance         a balance that has not been read
    stack_headroom  room on the interpreter's stack
    own_state       py-evm's own state over its own database
    forks           the forks py-evm has
"""

from blockstm.extras import need

need("pyevm", "py-evm")

from blockstm.state.accounts import Account, AccountState
from blockstm.vm.context import BlockContext
from blockstm.vm.pyevm.forks import FORKS
from blockstm.vm.pyevm.machine import Execution, Log, PyEvm
from blockstm.vm.pyevm.system import Ommer, Withdrawal

__all__ = [
    "FORKS",
    "Account",
    "AccountState",
    "BlockContext",
    "Execution",
    "Log",
    "Ommer",
    "PyEvm",
    "Withdrawal",
]
