"""The native EVM: Ethereum's rules from Frontier on, in the native core, without the GIL.

Imports point down::

    machine      `Evm`: a VM of the engine, for one block
    admission    what the transactions of a block share: its gas, its blobs
    recording    what was recorded of a step, event by event
    inspection   inspectors: what they are told of calls, instructions and state
    validation   the exceptions of steps that did not succeed
    precompiles  precompiled contracts of the embedder's own
    opcodes      opcodes of the embedder's own
    libraries    the shared libraries that the EVM calls
    execution    what a step came to, from the bytes of its output
    steps        what runs as one transaction of the engine
    own_rules    what is done by rules of a chain's own
"""

from blockstm.errors import ExceptionalHalt, PrecompileFailure
from blockstm.vm.context import BlockContext
from blockstm.vm.evm.execution import Execution, InvalidTransaction, Log, SystemOutputs
from blockstm.vm.evm.inspection import Call, CallEnd, Inspector, Instruction
from blockstm.vm.evm.machine import FORKS, Evm
from blockstm.vm.evm.opcodes import Memory, Opcode
from blockstm.vm.evm.own_rules import OwnRules
from blockstm.vm.evm.precompiles import CodePrecompile, Codes, ForkPrecompile, Precompile
from blockstm.vm.evm.steps import (
    BlockEnd,
    BlockStart,
    BlockSteps,
    Overrides,
    Signed,
    Step,
    Unsigned,
)

__all__ = [
    "FORKS",
    "BlockContext",
    "BlockEnd",
    "BlockStart",
    "BlockSteps",
    "Call",
    "CallEnd",
    "CodePrecompile",
    "Codes",
    "Evm",
    "ExceptionalHalt",
    "Execution",
    "ForkPrecompile",
    "Inspector",
    "Instruction",
    "InvalidTransaction",
    "Log",
    "Memory",
    "Opcode",
    "Overrides",
    "OwnRules",
    "Precompile",
    "PrecompileFailure",
    "Signed",
    "Step",
    "SystemOutputs",
    "Unsigned",
]
