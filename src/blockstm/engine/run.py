"""`run`: one block of transactions on an engine that is kept for the next."""

from __future__ import annotations

from functools import lru_cache
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
    engine = POOL.take(_config_of("auto" if workers is None else workers))
    try:
        return engine.run(transactions, state, vm, **options)
    finally:
        POOL.give_back(engine)


@lru_cache(maxsize=8, typed=True)
def _config_of(workers: int | Literal["auto"]) -> Config:
    return Config(workers=workers)
