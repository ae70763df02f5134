"""py-evm as a VM of the engine: ``pip install 'blockstm[pyevm]'``."""

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
