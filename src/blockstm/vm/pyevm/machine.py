"""`PyEvm`: py-evm as a VM of the engine, for one block."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from eth.abc import SignedTransactionAPI
from eth.exceptions import PyEVMError
from eth.vm.forks import CancunVM, PragueVM
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from blockstm.errors import ConfigError, InputError
from blockstm.messages import brief
from blockstm.types import Address, View
from blockstm.vm.context import MAINNET_CHAIN_ID, BlockContext
from blockstm.vm.forks import fork_named
from blockstm.vm.pyevm import system
from blockstm.vm.pyevm.forks import FORKS
from blockstm.vm.pyevm.own_state import execution_context
from blockstm.vm.pyevm.state import new_state, state_class_of

__all__ = ["Execution", "Log", "PyEvm"]

_DAO_FORK_BLOCK = 1_920_000


class Log(NamedTuple):
    """An entry that a contract left in the log: its address, up to 4 topics, data."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes


class Execution(NamedTuple):
    """The result of a transaction; the value of its outcome.

    Attributes:
        succeeded: False where it ran out of gas or was reverted: it paid, it did nothing else.
        gas_used: after refunds, in gas.
        logs: in order; empty unless it succeeded.
        error: what made it fail, in py-evm's words; empty if it succeeded.
    """

    succeeded: bool
    gas_used: int
    logs: tuple[Log, ...]
    error: str = ""


class PyEvm:
    """py-evm's rules of one fork, in one block: ``vm(view, transaction) -> Execution``.

    Holds nothing that a transaction changes, so one object serves all workers. Needs the GIL.
    The locations it uses are those of `blockstm.state.accounts`; a state is for example an
    `AccountState`. Fees and payments are deltas and funds are at-least conditions, so that
    transactions conflict only where one reads what another writes.

    Raises:
        ConfigError: py-evm has no fork of that name.
    """

    def __init__(self, fork: str, block: BlockContext) -> None:
        self.fork = fork_named(fork).name
        if self.fork not in FORKS:
            raise ConfigError(f"py-evm has no fork {brief(fork)}, only {', '.join(FORKS)}")
        self.block = block
        self._rules: Any = FORKS[self.fork]
        self._state_class = state_class_of(self.fork)
        self._context = execution_context(block)

    def decode(self, encoded: bytes, sender: Address | None = None) -> SignedTransactionAPI:
        """A transaction of this fork from its encoding (EIP-2718).

        ``sender`` is the signer where that is known: then it is not recovered again.

        Raises:
            InputError: that is no transaction of this fork.
        """
        builder = self._rules.get_transaction_builder()
        try:
            transaction: SignedTransactionAPI = builder.decode(encoded)
        except (RLPException, PyEVMError, ValidationError, ValueError, TypeError) as error:
            raise InputError(f"not a transaction of {self.fork}: {error}") from error
        if sender is not None:
            vars(transaction)["sender"] = sender
        return transaction

    def __call__(self, view: View, transaction: SignedTransactionAPI) -> Execution:
        """Run one transaction on ``view``.

        Raises:
            Invalid: the transaction does not belong in the block.
            LookupError: the state has no code with a hash that an account has, or the block came
                without the hash of another block that was asked for.
            RecursionError: the thread's stack ended before the calls did. A worker has room for
                the 1024 levels of the EVM, unless the interpreter's recursion limit was lowered
                from the one py-evm sets.
        """
        state = self._new_state(view)
        computation = state.apply_transaction(transaction)
        state.accounts.flush()
        gas_used = self._gas_used_by(transaction, computation)
        view.charge(gas_used)
        if computation.is_error:
            return Execution(False, gas_used, (), str(computation.error))
        return Execution(True, gas_used, tuple(map(_log, computation.get_log_entries())))

    def _gas_used_by(self, transaction: SignedTransactionAPI, computation: Any) -> int:
        gas_used = transaction.gas - computation.get_gas_remaining()
        refund: int = self._rules.calculate_net_gas_refund(gas_used, computation.get_gas_refund())
        return int(gas_used - refund + computation.data_floor_gas)

    def begin_block(self, view: View) -> None:
        """What the block does before its transactions: the DAO transfer, EIP-4788, EIP-2935."""
        state = self._new_state(view)
        block = self.block
        if (self.fork, block.number) == ("dao_fork", _DAO_FORK_BLOCK) and (
            block.chain_id == MAINNET_CHAIN_ID
        ):
            system.move_dao_funds(state)
        if issubclass(self._rules, CancunVM):
            system.store_beacon_root(state, block)
        if issubclass(self._rules, PragueVM):
            system.store_parent_hash(state, block)
        state.accounts.flush()

    def end_block(
        self,
        view: View,
        ommers: Sequence[system.Ommer] = (),
        withdrawals: Sequence[system.Withdrawal] = (),
    ) -> tuple[bytes, bytes] | None:
        """What the block does after its transactions: withdrawals, requests, rewards.

        Returns the withdrawal and consolidation requests, from Prague on, where the state has
        the contracts that collect them; None otherwise.

        Raises:
            Invalid: a request contract failed.
        """
        state = self._new_state(view)
        system.apply_withdrawals(state, withdrawals)
        requests = None
        if issubclass(self._rules, PragueVM):
            requests = system.collect_requests(state)
        system.pay_rewards(state, self._rules, self.block, ommers)
        state.accounts.flush()
        return requests

    def _new_state(self, view: View) -> Any:
        return new_state(self._state_class, view, self._context, self.block.block_hashes)


def _log(entry: tuple[Address, tuple[int, ...], bytes]) -> Log:
    address, topics, data = entry
    return Log(address, tuple(topic.to_bytes(32, "big") for topic in topics), bytes(data))
