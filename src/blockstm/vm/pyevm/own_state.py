"""py-evm as it is installed: its own state, over its own database.

Blocks do not run on it here, but on the engine's views; it is what those are measured and tested
against.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth.abc import ExecutionContextAPI
from eth.constants import BLANK_ROOT_HASH
from eth.db.atomic import AtomicDB
from eth.vm.execution_context import ExecutionContext

from blockstm.types import Address, Hash32
from blockstm.vm.context import BlockContext

__all__ = ["execution_context", "own_state"]


def execution_context(
    block: BlockContext, earlier_hashes: Sequence[Hash32] = ()
) -> ExecutionContextAPI:
    """The block as py-evm's state has it; ``earlier_hashes``: its parent's first."""
    return ExecutionContext(
        coinbase=block.coinbase,
        timestamp=block.timestamp,
        block_number=block.number,
        difficulty=block.difficulty,
        mix_hash=block.mix_hash,
        gas_limit=block.gas_limit,
        prev_hashes=earlier_hashes,
        chain_id=block.chain_id,
        base_fee_per_gas=block.base_fee_per_gas,
        excess_blob_gas=block.excess_blob_gas,
    )


def own_state(
    state_class: Any, context: ExecutionContextAPI, accounts: Mapping[Address, Any]
) -> Any:
    """A state of one of py-evm's classes; ``accounts`` have the members of `Account`."""
    state = state_class(AtomicDB(), context, BLANK_ROOT_HASH)
    for address, account in accounts.items():
        state.touch_account(address)
        state.set_balance(address, account.balance)
        state.set_nonce(address, account.nonce)
        if account.code:
            state.set_code(address, account.code)
        for slot, value in account.storage.items():
            state.set_storage(address, slot, value)
    state.lock_changes()
    state.make_state_root()
    return state
