"""The oracle of the forks up to Prague: py-evm on its own database, in this process."""

from __future__ import annotations

import warnings
from typing import Any

from eth.db.account import AccountDB
from eth.exceptions import PyEVMError
from eth.vm.execution_context import ExecutionContext
from eth_typing import Address, BlockNumber, Hash32
from eth_utils.exceptions import ValidationError
from tests.fuzz.case import CHAIN_ID, Account, Case, Sent
from tests.fuzz.result import FAILED, INVALID, SUCCEEDED, Did, Log, Result

from blockstm.ethereum.blocks.transaction import Transaction, TransactionType
from blockstm.vm.forks import FORKS as ALL_FORKS
from blockstm.vm.forks import PRAGUE, Fork
from blockstm.vm.pyevm import FORKS
from blockstm.vm.pyevm.own_state import own_state

NEWEST = PRAGUE


class _RememberingDB(AccountDB):  # type: ignore[misc]  # py-evm has no types
    """py-evm's accounts, which also remember whose accounts and slots were ever written."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.written: dict[bytes, set[int]] = {}

    def _set_account(self, address: Address, account: Any) -> None:
        self.written.setdefault(address, set())
        super()._set_account(address, account)

    def set_storage(self, address: Address, slot: int, value: int) -> None:
        self.written.setdefault(address, set()).add(slot)
        super().set_storage(address, slot, value)


def forks() -> list[Fork]:
    """The forks that py-evm has."""
    return [fork for fork in ALL_FORKS if fork.name in FORKS and fork <= NEWEST]


def run(case: Case) -> Result:
    """What the case comes to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of SELFDESTRUCT
        return _run_all(case)


def _run_all(case: Case) -> Result:
    rules: Any = FORKS[case.fork_name]
    state = _state_of(case, rules)
    did = []
    for sent in case.transactions:
        state.lock_changes()
        did.append(_run(state, rules, sent))
        state.make_state_root()
    database = state._account_db
    accounts = {
        address: _account(state, address, slots)
        for address, slots in database.written.items()
        if state.account_exists(address)
    }
    return Result(tuple(did), accounts)


def _state_of(case: Case, rules: Any) -> Any:
    context = ExecutionContext(
        coinbase=Address(case.coinbase),
        timestamp=case.timestamp,
        block_number=BlockNumber(case.number),
        difficulty=case.difficulty,
        mix_hash=Hash32(case.mix_hash),
        gas_limit=case.gas_limit,
        prev_hashes=[Hash32(each) for each in reversed(case.block_hashes.values())],
        chain_id=CHAIN_ID,
        base_fee_per_gas=case.base_fee,
        excess_blob_gas=case.excess_blob_gas,
    )
    state_class = rules.get_state_class()
    remembering = type(state_class.__name__, (state_class,), {"account_db_class": _RememberingDB})
    return own_state(remembering, context, case.accounts)


def _run(state: Any, rules: Any, sent: Sent) -> Did:
    before = state.snapshot()  # py-evm notices some violations only when it has taken the money
    try:
        _check_receiver(sent.transaction)
        transaction = rules.get_transaction_builder().decode(sent.transaction.encode())
        _check_fees(transaction, state.execution_context.base_fee_per_gas)
        computation = state.apply_transaction(transaction)
    except (ValidationError, PyEVMError):
        state.revert(before)
        return Did(INVALID)
    state.commit(before)
    used = transaction.gas - computation.get_gas_remaining()
    refund = rules.calculate_net_gas_refund(used, computation.get_gas_refund())
    used = used - refund + computation.data_floor_gas
    reverted = computation.is_error and not computation.error.erases_return_data
    keeps_output = sent.transaction.to is not None and (computation.is_success or reverted)
    return Did(
        SUCCEEDED if computation.is_success else FAILED,
        used,
        bytes(computation.output) if keeps_output else b"",
        tuple(
            Log(address, tuple(topic.to_bytes(32, "big") for topic in topics), bytes(data))
            for address, topics, data in computation.get_log_entries()
        ),
    )


def _check_receiver(transaction: Transaction) -> None:
    """What py-evm lets pass (see tests/eips): types that only call, without a receiver."""
    if transaction.to is None and transaction.type >= TransactionType.BLOB:
        raise ValidationError("this type of transaction creates no contract")


def _check_fees(transaction: Any, base_fee: int) -> None:
    """What py-evm's blocks look at and its state does not, or not for all types."""
    if transaction.max_fee_per_gas < base_fee:
        raise ValidationError("the fee is below the base fee")
    if transaction.max_priority_fee_per_gas > transaction.max_fee_per_gas:
        raise ValidationError("the priority fee is above the fee")


def _account(state: Any, address: bytes, slots: set[int]) -> Account:
    storage = {slot: state.get_storage(address, slot) for slot in slots}
    return Account(
        state.get_nonce(address),
        state.get_balance(address),
        state.get_code(address),
        {slot: value for slot, value in storage.items() if value},
    )
