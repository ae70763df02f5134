"""The native EVM: Ethereum's rules from Frontier on, in the native core, without the GIL."""

from blockstm.vm.context import BlockContext
from blockstm.vm.evm.execution import Execution, InvalidTransaction, Log, SystemOutputs
from blockstm.vm.evm.machine import FORKS, Evm
from blockstm.vm.evm.steps import BlockEnd, BlockStart, BlockSteps, Signed, Step

__all__ = [
    "FORKS",
    "BlockContext",
    "BlockEnd",
    "BlockStart",
    "BlockSteps",
    "Evm",
    "Execution",
    "InvalidTransaction",
    "Log",
    "Signed",
    "Step",
    "SystemOutputs",
]
