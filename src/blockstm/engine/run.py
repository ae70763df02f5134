"""`run`: one block of transactions on an engine that is kept for the next."""

from __future__ import annotations

from typing import Literal, Unpack

from blockstm.config import Config
from blockstm.engine.options import VM, RunOptions, State
from blockstm.engine.pool import POOL
from blockstm.types import BlockResult, Transactions

__all__ = ["run"]


def run(
    transactions: Transactions,
    state: State,
    vm: VM,
    /,
    *,
    workers: int | Literal["auto"] | None = None,
    **options: Unpack[RunOptions],
) -> BlockResult:
    """Run a block of transactions; see `blockstm.execute_block`."""
    engine = POOL.take(Config() if workers is None else Config(workers=workers))
    try:
        return engine.run(transactions, state, vm, **options)
    finally:
        POOL.give_back(engine)
