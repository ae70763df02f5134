"""The entry points: `execute_block`, and `Executor` for many blocks.

Imports point down::

    exploration  a block in a schedule of one's choice, step by step
    one_block    `execute_block`: a block on an engine that is kept for the next
    executor     `Executor`: an engine of one's own, for many blocks
    options      what a caller says of a block, checked
"""

from typing import TYPE_CHECKING

from blockstm import lazy_names
from blockstm.executor.executor import Executor
from blockstm.executor.one_block import execute_block
from blockstm.stream import Stream

__all__ = ["Decision", "Executor", "Exploration", "Stream", "execute_block", "explore"]

if TYPE_CHECKING:
    from blockstm.executor.exploration import Decision, Exploration, explore
else:  # to a type checker, a module with this function has every name there could be
    __getattr__, __dir__ = lazy_names.of(__name__, {"exploration": "Decision Exploration explore"})
