"""Run blocks of ordered transactions on all cores, with the result of running them in order.

See `execute_block` for a start, `Executor` for many blocks, `blockstm.testing` for your own test
suite, and `blockstm.errors` for what can go wrong.
"""

from typing import TYPE_CHECKING, Any

from blockstm import earlier_paths
from blockstm.config import Config
from blockstm.errors import (
    BlockError,
    BlockstmError,
    InternalError,
    Invalid,
    InvalidBlock,
    Revert,
    StateError,
    TransactionError,
    UsageError,
)
from blockstm.executor import Executor, Stream, execute_block
from blockstm.types import DELETED, BlockResult, Outcome, StateReader, Stats, Status, View

earlier_paths.answer()

__all__ = [
    "DELETED",
    "BlockError",
    "BlockResult",
    "BlockstmError",
    "Config",
    "Executor",
    "InternalError",
    "Invalid",
    "InvalidBlock",
    "Outcome",
    "Revert",
    "StateError",
    "StateReader",
    "Stats",
    "Status",
    "Stream",
    "TransactionError",
    "UsageError",
    "View",
    "execute_block",
    "kernel",
]

__version__ = "0.2.0"

if TYPE_CHECKING:
    from blockstm.vm.kernel import kernel
else:  # to a type checker, a module with this function has every name there could be

    def __getattr__(name: str) -> Any:
        if name == "kernel":  # imported when asked for: it needs Numba
            from blockstm.vm.kernel import kernel  # an optional extra

            return kernel
        raise AttributeError(f"module 'blockstm' has no attribute '{name}'")
