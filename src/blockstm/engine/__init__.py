"""The engine as Python drives it: blocks of transactions, any VM, any state.

It knows no Ethereum block, so that what does may run steps of its own on it: calls, blocks that are
being built. `blockstm.executor` is its face for users.

Imports point down::

    run      `run`: a block on an engine that is kept for the next
    pool     engines kept for the next call
    engine   threads and memory that run one block after another
    endings  how a block ended: a result, or an error
    options  what a caller says of a block of transactions, checked
"""

from blockstm.engine.engine import Engine
from blockstm.engine.options import VM, Limit, OnInvalid, RunOptions, State
from blockstm.engine.pool import POOL
from blockstm.engine.run import run

__all__ = ["POOL", "VM", "Engine", "Limit", "OnInvalid", "RunOptions", "State", "run"]
