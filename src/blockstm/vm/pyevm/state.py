"""py-evm's state and executor of a fork, standing on a view instead of a trie.

The classes are made once per fork by `state_class_of`; an object serves one incarnation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar

from eth.abc import ComputationAPI, ExecutionContextAPI, SignedTransactionAPI
from eth.constants import MAX_PREV_HEADER_DEPTH
from eth.typing import JournalDBCheckpoint
from eth.vm.forks import PragueVM, SpuriousDragonVM
from eth.vm.forks.spurious_dragon.state import SpuriousDragonTransactionExecutor
from eth_utils.logging import get_extended_debug_logger

from blockstm.types import Address, BlockNumber, Hash32, View
from blockstm.vm.pyevm.accounts import EmptyKeepingViewAccounts, ViewAccounts
from blockstm.vm.pyevm.computation import computation_class_of, touched_by
from blockstm.vm.pyevm.delegation import delegate
from blockstm.vm.pyevm.forks import FORKS
from blockstm.vm.pyevm.rules import Check, checks_of

__all__ = ["ViewState", "state_class_of"]

_NO_ROOT = Hash32(bytes(32))


class ViewState:
    """What every fork's state does differently on a view; mixed in before the fork's own."""

    checks: ClassVar[tuple[Check, ...]] = ()
    delegates: ClassVar[bool] = False  # whether an account's code may be a delegation
    logger = get_extended_debug_logger("blockstm.vm.pyevm")

    _account_db: ViewAccounts
    execution_context: ExecutionContextAPI
    block_number: BlockNumber
    block_hashes: Mapping[int, Hash32]

    @property
    def accounts(self) -> ViewAccounts:
        """The accounts as this transaction sees and changes them."""
        return self._account_db

    def set_system_contracts(self) -> None:
        """System contracts are in the state or they are not: none is conjured up."""

    def delta_balance(self, address: Address, delta: int) -> None:
        self._account_db.delta_balance(address, delta)

    def snapshot(self) -> tuple[Hash32, JournalDBCheckpoint]:
        return _NO_ROOT, self._account_db.record()

    def revert(self, snapshot: tuple[Hash32, JournalDBCheckpoint]) -> None:
        self._account_db.discard(snapshot[1])

    def commit(self, snapshot: tuple[Hash32, JournalDBCheckpoint]) -> None:
        """An outer call may still undo it."""

    def get_transient_storage(self, address: Address, slot: int) -> bytes:
        return self._account_db.get_transient(address, slot)

    def set_transient_storage(self, address: Address, slot: int, value: bytes) -> None:
        self._account_db.set_transient(address, slot, value)

    def clear_transient_storage(self) -> None:
        """It ends with this object."""

    def process_set_code_authorizations(self, transaction: SignedTransactionAPI) -> int:
        """The gas to refund for the authorizations of a transaction, carried out."""
        return delegate(self, transaction)

    def get_ancestor_hash(self, block_number: int) -> Hash32:
        """The hash of one of the 256 blocks before; empty for any other number.

        Raises:
            LookupError: that hash was not given with the block.
        """
        depth = self.block_number - block_number - 1
        if block_number < 0 or not 0 <= depth < MAX_PREV_HEADER_DEPTH:
            return Hash32(b"")
        if block_number not in self.block_hashes:
            raise LookupError(f"the hash of block {block_number} was not given with the block")
        return self.block_hashes[block_number]


class ViewExecutor:
    """Checks a transaction by this package's list; its signature was checked with its sender."""

    vm_state: Any

    def validate_transaction(self, transaction: SignedTransactionAPI) -> None:
        for check in self.vm_state.checks:
            check(self.vm_state, transaction)


class ClearingViewExecutor(ViewExecutor):
    """The same from EIP-161 on: what a transaction touches and leaves empty is deleted."""

    def finalize_computation(
        self, transaction: SignedTransactionAPI, computation: ComputationAPI
    ) -> ComputationAPI:
        before_clearing: Any = super(SpuriousDragonTransactionExecutor, self)
        before_clearing.finalize_computation(transaction, computation)
        state = self.vm_state
        for address in sorted(touched_by(computation)):
            if state.account_exists(address) and state.account_is_empty(address):
                state.delete_account(address)
        return computation


@cache
def state_class_of(fork: str) -> Callable[..., Any]:
    """The state class of a fork: ``state_class(view, execution_context, state_root)``."""
    rules = FORKS[fork]
    base: Any = rules.get_state_class()
    keeps_empty = not issubclass(rules, SpuriousDragonVM)
    executor = type(
        f"View{base.transaction_executor_class.__name__}",
        (
            ViewExecutor if keeps_empty else ClearingViewExecutor,
            base.transaction_executor_class,
        ),
        {},
    )
    members = {
        "account_db_class": EmptyKeepingViewAccounts if keeps_empty else ViewAccounts,
        "transaction_executor_class": executor,
        "computation_class": computation_class_of(base.computation_class),
        "checks": checks_of(rules),
        "delegates": issubclass(rules, PragueVM),
    }
    return type(f"View{base.__name__}", (ViewState, base), members)


def new_state(
    state_class: Callable[..., Any],
    view: View,
    context: ExecutionContextAPI,
    block_hashes: Mapping[int, Hash32],
) -> Any:
    """A state for one incarnation of one transaction."""
    state = state_class(view, context, _NO_ROOT)
    state.block_hashes = block_hashes
    return state
