"""When a transaction does not belong in a block: the checks before it runs.

py-evm spreads these over transaction, state and block, checks signatures a second time and
reads the sender's balance; here they are one list, and the funds are a condition.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth._utils.state import code_is_delegation_designation
from eth.abc import SignedTransactionAPI, VirtualMachineAPI
from eth.constants import CREATE_CONTRACT_ADDRESS, SECPK1_N
from eth.vm.forks import (
    CancunVM,
    HomesteadVM,
    LondonVM,
    PragueVM,
    ShanghaiVM,
    SpuriousDragonVM,
)
from eth.vm.forks.cancun.constants import GAS_PER_BLOB, VERSIONED_HASH_VERSION_KZG
from eth.vm.forks.prague.constants import STANDARD_TOKEN_COST, TOTAL_COST_FLOOR_PER_TOKEN
from eth.vm.forks.shanghai.constants import INITCODE_WORD_COST, MAX_INITCODE_SIZE

from blockstm.errors import Invalid

__all__ = ["Check", "blob_gas_of", "checks_of"]

Check = Callable[[Any, SignedTransactionAPI], None]
"""``check(state, transaction)`` raises `Invalid` if the transaction does not belong."""

_MAX_NONCE = 2**64 - 1
_BLOB_TYPE = 3
_SET_CODE_TYPE = 4
_GAS_OF_ANY_TRANSACTION = 21_000


def checks_of(rules: type[VirtualMachineAPI]) -> tuple[Check, ...]:
    """The checks of a fork, in the order in which they are made."""
    checks = tuple(check for since, check in _CHECKS if since is None or issubclass(rules, since))
    return checks if issubclass(rules, SpuriousDragonVM) else (_check_is_for_any_chain, *checks)


def blob_gas_of(transaction: SignedTransactionAPI) -> int:
    """The blob gas of a transaction (EIP-4844)."""
    if transaction.type_id != _BLOB_TYPE:
        return 0
    return int(GAS_PER_BLOB) * len(transaction.blob_versioned_hashes)


def _refuse_unless(holds: bool, message: str) -> None:
    if not holds:
        raise Invalid(message)


def _check_gas(state: Any, transaction: SignedTransactionAPI) -> None:
    needed = transaction.intrinsic_gas
    _refuse_unless(
        transaction.gas >= needed, f"its gas {transaction.gas} is below the intrinsic {needed}"
    )
    limit = state.gas_limit
    _refuse_unless(
        transaction.gas <= limit, f"its gas {transaction.gas} is above the block's limit {limit}"
    )


def _check_signature_is_low(state: Any, transaction: SignedTransactionAPI) -> None:
    _refuse_unless(0 < transaction.s <= SECPK1_N // 2, "its signature has a high s")


def _check_is_for_any_chain(state: Any, transaction: SignedTransactionAPI) -> None:
    _refuse_unless(transaction.v in (27, 28), f"its signature has the v {transaction.v}")


def _check_chain(state: Any, transaction: SignedTransactionAPI) -> None:
    chain_id = state.execution_context.chain_id
    _refuse_unless(
        transaction.chain_id in (None, chain_id),
        f"it is for chain {transaction.chain_id}, not {chain_id}",
    )


def _check_nonce(state: Any, transaction: SignedTransactionAPI) -> None:
    state.accounts.expect_nonce(transaction.sender, transaction.nonce)
    nonce = state.get_nonce(transaction.sender)
    _refuse_unless(transaction.nonce == nonce, f"its nonce is {transaction.nonce}, not {nonce}")
    _refuse_unless(nonce < _MAX_NONCE, "its nonce is the last there is")


def _check_sender_has_no_code(state: Any, transaction: SignedTransactionAPI) -> None:
    code = state.get_code(transaction.sender)
    _refuse_unless(
        not code or (state.delegates and code_is_delegation_designation(code)),
        f"its sender 0x{transaction.sender.hex()} is a contract",
    )


def _check_fees(state: Any, transaction: SignedTransactionAPI) -> None:
    highest, tip = transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas
    base_fee = state.execution_context.base_fee_per_gas
    _refuse_unless(
        highest >= base_fee, f"its fee per gas {highest} is below the base fee {base_fee}"
    )
    _refuse_unless(highest >= tip, f"its fee per gas {highest} is below its priority fee {tip}")


def _check_funds(state: Any, transaction: SignedTransactionAPI) -> None:
    cost = transaction.gas * transaction.max_fee_per_gas + transaction.value
    if transaction.type_id == _BLOB_TYPE:
        cost += blob_gas_of(transaction) * transaction.max_fee_per_blob_gas
    _refuse_unless(
        not state.get_balance(transaction.sender) < cost,
        f"its sender 0x{transaction.sender.hex()} cannot pay {cost} wei",
    )


def _check_initcode(state: Any, transaction: SignedTransactionAPI) -> None:
    if transaction.to != CREATE_CONTRACT_ADDRESS:
        return
    size = len(transaction.data)
    _refuse_unless(
        size <= MAX_INITCODE_SIZE, f"its initcode has {size} bytes, above {MAX_INITCODE_SIZE}"
    )
    needed = transaction.intrinsic_gas + INITCODE_WORD_COST * ((size + 31) // 32)
    _refuse_unless(
        transaction.gas >= needed, f"its gas {transaction.gas} is below the intrinsic {needed}"
    )


def _check_blobs(state: Any, transaction: SignedTransactionAPI) -> None:
    if transaction.type_id != _BLOB_TYPE:
        return
    hashes = transaction.blob_versioned_hashes
    _refuse_unless(bool(hashes), "it has no blob")
    _refuse_unless(
        all(h[:1] == VERSIONED_HASH_VERSION_KZG for h in hashes),
        "a versioned hash is not of a KZG commitment",
    )
    highest, fee = transaction.max_fee_per_blob_gas, state.blob_base_fee
    _refuse_unless(highest >= fee, f"its fee per blob gas {highest} is below the base fee {fee}")
    _refuse_unless(transaction.to != CREATE_CONTRACT_ADDRESS, "it has blobs and no receiver")


def _check_floor(state: Any, transaction: SignedTransactionAPI) -> None:
    zeros = transaction.data.count(0)
    tokens = zeros + (len(transaction.data) - zeros) * STANDARD_TOKEN_COST
    floor = _GAS_OF_ANY_TRANSACTION + TOTAL_COST_FLOOR_PER_TOKEN * tokens
    _refuse_unless(
        transaction.gas >= floor, f"its gas {transaction.gas} is below its data's floor {floor}"
    )


def _check_authorizations(state: Any, transaction: SignedTransactionAPI) -> None:
    if transaction.type_id != _SET_CODE_TYPE:
        return
    _refuse_unless(bool(transaction.authorization_list), "it has no authorization")
    _refuse_unless(
        transaction.to != CREATE_CONTRACT_ADDRESS, "it has authorizations and no receiver"
    )


_CHECKS: tuple[tuple[type[Any] | None, Check], ...] = (
    (None, _check_gas),
    (HomesteadVM, _check_signature_is_low),
    (SpuriousDragonVM, _check_chain),
    (LondonVM, _check_fees),
    (ShanghaiVM, _check_initcode),
    (CancunVM, _check_blobs),
    (PragueVM, _check_floor),
    (PragueVM, _check_authorizations),
    (None, _check_nonce),
    (None, _check_sender_has_no_code),
    (None, _check_funds),
)
