"""py-evm as a VM of the engine: ``pip install blockstm[pyevm]``."""

from importlib.util import find_spec

if find_spec("eth") is None:
    raise ImportError("py-evm is not installed; it comes with: pip install 'blockstm[pyevm]'")

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
