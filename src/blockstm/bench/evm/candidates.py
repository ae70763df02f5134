"""The EVMs that are compared: ours, revm through pyrevm, py-evm. Each runs one transaction.

What is timed is the call alone: accounts are set up before each iteration, from nothing, as an
iteration leaves warm slots and changed balances behind. No EVM has a custom database or another's
help.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from blockstm.bench.benchmark import Candidate
from blockstm.bench.evm.workloads import SENDER, SENDER_KEY, Workload
from blockstm.errors import UsageError
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.executor import execute_block
from blockstm.extras import need
from blockstm.messages import brief
from blockstm.state.accounts import Account, AccountState
from blockstm.types import Address, BlockNumber
from blockstm.vm.evm import BlockContext, Evm, Signed

__all__ = ["EVMS", "OURS", "Ran", "candidate", "set_up_ours"]

OURS = "evm"
_FUNDS = 10**24
_BLOCK_GAS = 1 << 62
_NUMBER, _TIME, _COINBASE = 1, 1_700_000_000, b"\xc0" * 20


class Ran(NamedTuple):
    """The result of a call: the transaction's gas after refunds, and its return data."""

    gas_used: int
    output: bytes


class _Evm(NamedTuple):
    """How an EVM takes a workload: what is set up is handed to ``run``, which is timed."""

    set_up: Callable[[Workload], Any]
    run: Callable[[Workload, Any], Ran]
    extra: str | None


def candidate(name: str, workload: Workload, wanted: Callable[[Ran], None]) -> Candidate:
    """An EVM on a workload; ``wanted`` raises unless the result of an iteration is right.

    Raises:
        UsageError: no EVM of that name, or it is not installed (`MissingExtra`).
    """
    if name not in EVMS:
        raise UsageError(f"an EVM is one of {', '.join(EVMS)}, not {brief(name)}")
    evm = EVMS[name]
    if evm.extra is not None:
        need(evm.extra, name)
    return Candidate(
        run=lambda prepared: evm.run(workload, prepared),
        prepare=lambda: evm.set_up(workload),
        check=wanted,
    )


def _set_up_pyrevm(workload: Workload) -> Any:
    import pyrevm  # an optional extra

    evm = pyrevm.EVM(gas_limit=_BLOCK_GAS, spec_id="CANCUN")
    evm.set_block_env(
        pyrevm.BlockEnv(
            number=_NUMBER,
            coinbase=_hex(_COINBASE),
            timestamp=_TIME,
            prevrandao=bytes(32),
            basefee=0,
            gas_limit=_BLOCK_GAS,
            excess_blob_gas=0,
        )
    )
    for address, account in workload.accounts.items():
        info = pyrevm.AccountInfo(
            balance=account.balance,
            nonce=account.nonce,
            code=account.code,
        )
        evm.insert_account_info(_hex(address), info)
        for slot, value in account.storage.items():
            # The first slot goes to the database and loads the account, the next ones would go
            # to the loaded account, where they count as warm.
            before = evm.snapshot()
            evm.insert_account_storage(_hex(address), slot, value)
            evm.revert(before)
    evm.set_balance(_hex(SENDER), _FUNDS)
    return evm, _hex(SENDER), _hex(workload.to)


def _run_pyrevm(workload: Workload, prepared: Any) -> Ran:
    evm, sender, to = prepared
    # Raises RuntimeError where the call does not succeed.
    output = evm.message_call(sender, to, workload.data, gas=workload.gas)
    return Ran(evm.result.gas_used, bytes(output))


def _set_up_pyevm(workload: Workload) -> Any:
    from eth.vm.forks import CancunVM  # an optional extra
    from eth_keys.datatypes import PrivateKey

    from blockstm.vm.pyevm.own_state import execution_context, own_state

    block = BlockContext(
        number=_NUMBER,
        timestamp=_TIME,
        coinbase=_COINBASE,
        gas_limit=_BLOCK_GAS,
        base_fee_per_gas=0,
        excess_blob_gas=0,
        chain_id=1,
    )
    state = own_state(CancunVM.get_state_class(), execution_context(block), workload.accounts)
    state.set_balance(SENDER, _FUNDS)
    state.persist()
    unsigned = CancunVM.create_unsigned_transaction(
        nonce=0, gas_price=0, gas=workload.gas, to=workload.to, value=0, data=workload.data
    )
    transaction = unsigned.as_signed_transaction(PrivateKey(SENDER_KEY))
    vars(transaction)["sender"] = SENDER  # else it is recovered in the timed part
    return state, transaction


def _run_pyevm(workload: Workload, prepared: Any) -> Ran:
    state, transaction = prepared
    computation = state.apply_transaction(transaction)
    computation.raise_if_error()
    used = transaction.gas - computation.get_gas_remaining()
    refund = min(computation.get_gas_refund(), used // 5)
    return Ran(used - refund, bytes(computation.output))


def set_up_ours(workload: Workload) -> tuple[AccountState, Evm, list[Signed]]:
    """The state, the EVM and the step that a workload is, for ours."""
    accounts = {
        Address(address): Account(
            balance=account.balance,
            nonce=account.nonce,
            code=account.code,
            code_hash=keccak(account.code),
            storage=account.storage,
        )
        for address, account in workload.accounts.items()
    }
    accounts[Address(SENDER)] = Account(balance=_FUNDS)
    block = BlockContext(
        number=BlockNumber(_NUMBER),
        timestamp=_TIME,
        coinbase=Address(_COINBASE),
        gas_limit=_BLOCK_GAS,
        base_fee_per_gas=0,
        excess_blob_gas=0,
        blob_base_fee=1,
    )
    transaction = Transaction(
        type=0,
        nonce=0,
        gas=workload.gas,
        to=Address(workload.to),
        value=0,
        data=workload.data,
        v=27,
        r=1,
        s=1,
    )
    return AccountState(accounts), Evm("cancun", block), [Signed(transaction, Address(SENDER))]


def _run_ours(workload: Workload, prepared: Any) -> Ran:

    state, vm, steps = prepared
    (outcome,) = execute_block(steps, state, vm, workers=1).outcomes
    execution = outcome.value
    if execution is None or not execution.succeeded:
        raise AssertionError(f"{workload.name} did not succeed: {outcome}")
    return Ran(execution.gas_used, execution.output)


def _hex(address: bytes) -> str:
    return "0x" + address.hex()


EVMS = {
    OURS: _Evm(set_up_ours, _run_ours, None),
    "pyrevm": _Evm(_set_up_pyrevm, _run_pyrevm, "pyrevm"),
    "py-evm": _Evm(_set_up_pyevm, _run_pyevm, "pyevm"),
}
"""Name → how it takes a workload. ``evm`` is ours."""
