"""A block's transactions on py-evm upstream: its own loop, its own accounts in a trie.

``blockstm run --vm py-evm`` is several times faster than this, as there py-evm reads accounts that
lie in memory; this is py-evm as it is installed by itself.
"""

from __future__ import annotations

import warnings
from typing import Any

from blockstm.bench.benchmark import Candidate
from blockstm.ethereum.codecs.hashing import EMPTY_TRIE_ROOT
from blockstm.ethereum.execution import PreparedBlock
from blockstm.vm.context import BlockContext
from blockstm.vm.pyevm import FORKS
from blockstm.vm.pyevm.own_state import execution_context, own_state

__all__ = ["upstream_pyevm"]


def upstream_pyevm(prepared: PreparedBlock) -> Candidate:
    """py-evm on a prepared block; an iteration's result is the gas of its transactions.

    The state is set up before each iteration, as an iteration changes it; senders are known. What
    the block does before and after its transactions is left out of the iteration.
    """
    rules: Any = FORKS[prepared.fork.name]
    return Candidate(
        run=lambda state: _run(rules, state, prepared.steps),
        prepare=lambda: _state_of(rules, prepared),
    )


def _state_of(rules: Any, prepared: PreparedBlock) -> Any:
    block: BlockContext = prepared.vm.block
    numbers = range(block.number - 1, max(-1, block.number - 257), -1)
    hashes = [block.block_hashes.get(number, EMPTY_TRIE_ROOT) for number in numbers]
    accounts = dict(prepared.state.accounts())
    return own_state(rules.get_state_class(), execution_context(block, hashes), accounts)


def _run(rules: Any, state: Any, transactions: Any) -> int:
    total = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of SELFDESTRUCT
        for transaction in transactions:
            state.lock_changes()
            computation = state.apply_transaction(transaction)
            used = transaction.gas - computation.get_gas_remaining()
            refund = rules.calculate_net_gas_refund(used, computation.get_gas_refund())
            total += used - refund + computation.data_floor_gas
    return int(total)
