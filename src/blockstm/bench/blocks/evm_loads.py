"""A load of `blockstm bench evm` as a block, beside the newest revm, a program that reads blocks.

A call of a few microseconds is measured in a block of many: what it takes to begin a block, or a
program's iteration, is no part of an EVM.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from math import ceil
from time import perf_counter

from blockstm.bench.blocks.revm import revm_seconds
from blockstm.bench.blocks.workloads import BlockWorkload
from blockstm.bench.evm.candidates import set_up_ours
from blockstm.bench.evm.workloads import Workload
from blockstm.config import Config
from blockstm.ethereum.blocks.transaction import TransactionType
from blockstm.executor import Executor
from blockstm.vm.evm import Signed

__all__ = ["block_of_load", "revm_columns"]

_BLOCK_SECONDS = 0.005
"""How long a block is to take, at the least, about."""
_SECONDS = 1.0
_ROUNDS_MIN = 5


def block_of_load(load: Workload, calls: int = 1) -> BlockWorkload:
    """The load's call so many times, by the rules of Cancun, which do not limit a call's gas."""
    state, evm, (step,) = set_up_ours(load)
    call = replace(step.transaction, type=TransactionType.DYNAMIC_FEE, chain_id=1, v=0)
    steps = [Signed(replace(call, nonce=nonce), step.sender) for nonce in range(calls)]
    return BlockWorkload(load.name, load.about, steps, state, evm)


def revm_columns(load: Workload, seconds: float) -> dict[str, float]:
    """What the newest revm takes for a load that takes us about so long, as columns of a row;
    gas and our own seconds beside it are of a call of the same block.

    Raises:
        ConfigError, AssertionError: as `revm_seconds`.
    """
    calls = ceil(_BLOCK_SECONDS / seconds)
    block = block_of_load(load, calls)
    theirs = revm_seconds(block)
    ours, gas = _ours(block)
    ratio = theirs / ours
    return {
        "gas": gas,
        "seconds": ours,
        "revm_calls": calls,
        "revm_seconds": theirs,
        "revm_ratio": ratio,
    }


def _ours(block: BlockWorkload) -> tuple[float, int]:
    """(s, gas) of a call on one worker, in the median; what is prepared is there before."""
    taken: list[float] = []
    with Executor(Config(workers=1)) as executor:
        steps = block.evm.bind(block.steps)
        until = perf_counter() + _SECONDS
        while len(taken) < _ROUNDS_MIN or perf_counter() < until:
            begin = perf_counter()
            ran = executor.execute_block(steps, block.state, block.evm)
            taken.append(perf_counter() - begin)
    calls = len(block.steps)
    return statistics.median(taken) / calls, ran.gas_used // calls
