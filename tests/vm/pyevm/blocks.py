"""Small blocks for py-evm, on the engine's accounts and on py-evm's own. No test of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import rlp
from eth.vm.forks.prague.transactions import Authorization, UnsignedSetCodeTransaction
from eth_keys.datatypes import PrivateKey
from eth_typing import Address, BlockNumber

from blockstm import reference
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import StateAfter
from blockstm.types import BlockResult
from blockstm.vm.pyevm import FORKS, Account, AccountState, BlockContext, PyEvm
from blockstm.vm.pyevm.own_state import execution_context, own_state

KEYS = [PrivateKey(bytes([i]) * 32) for i in range(1, 5)]
SENDERS = [Address(key.public_key.to_canonical_address()) for key in KEYS]
COINBASE = Address(b"\xc0" * 20)
GAS_PRICE = 10
BASE_FEE = 7


@dataclass(frozen=True)
class Call:
    """A legacy transaction to be signed: by which of `SENDERS`, to where, with what."""

    sender: int
    to: bytes  # empty: creates a contract
    data: bytes = b""
    value: int = 0
    gas: int = 400_000
    gas_price: int = GAS_PRICE


def contract(code: bytes, balance: int = 0, storage: Mapping[int, int] | None = None) -> Account:
    """An account with code."""
    return Account(balance, 1, code, keccak(code), storage or {})


def funded(accounts: Mapping[bytes, Account] | None = None) -> dict[Address, Account]:
    """The accounts, and the senders with 10**18 wei each."""
    senders = {sender: Account(balance=10**18) for sender in SENDERS}
    return {**senders, **{Address(a): account for a, account in (accounts or {}).items()}}


def context(fork: str, coinbase: bytes = COINBASE) -> BlockContext:
    """A block of a fork."""
    names = list(FORKS)
    return BlockContext(
        number=BlockNumber(1_000),
        timestamp=1_000_000,
        coinbase=Address(coinbase),
        gas_limit=30_000_000,
        base_fee_per_gas=BASE_FEE if names.index(fork) >= names.index("london") else None,
        excess_blob_gas=0 if names.index(fork) >= names.index("cancun") else None,
    )


def signed(fork: str, calls: Sequence[Call]) -> list[Any]:
    """py-evm's transactions, with the nonces in order."""
    nonces = [0] * len(SENDERS)
    transactions = []
    for call in calls:
        unsigned = FORKS[fork].create_unsigned_transaction(
            nonce=nonces[call.sender],
            gas_price=call.gas_price,
            gas=call.gas,
            to=call.to,
            value=call.value,
            data=call.data,
        )
        nonces[call.sender] += 1
        transactions.append(unsigned.as_signed_transaction(KEYS[call.sender]))
    return transactions


def authorize(
    key: PrivateKey, to: bytes, nonce: int = 0, chain_id: int = 1, **changes: int
) -> Authorization:
    """The key's account delegated to ``to``; ``changes`` are made after it was signed."""
    signature = key.sign_msg(b"\x05" + rlp.encode([chain_id, to, nonce]))
    members = {"y_parity": signature.v, "r": signature.r, "s": signature.s, **changes}
    return Authorization(chain_id=chain_id, address=Address(to), nonce=nonce, **members)


def set_code(*authorizations: Authorization, sender: int = 1, nonce: int = 0) -> Any:
    """A transaction with authorizations, signed, that calls the account of the first key."""
    unsigned = UnsignedSetCodeTransaction(
        chain_id=1,
        nonce=nonce,
        max_priority_fee_per_gas=GAS_PRICE - BASE_FEE,
        max_fee_per_gas=GAS_PRICE,
        gas=500_000,
        to=SENDERS[0],
        value=1,
        data=b"",
        access_list=(),
        authorization_list=authorizations,
    )
    return unsigned.as_signed_transaction(KEYS[sender])


def run(
    fork: str,
    accounts: Mapping[Address, Account],
    calls: Sequence[Call],
    coinbase: bytes = COINBASE,
    execute_block: Any = reference.execute_block,
) -> tuple[BlockResult, StateAfter]:
    """Run a block on the engine's accounts."""
    state = AccountState(accounts)
    vm = PyEvm(fork, context(fork, coinbase))
    result = execute_block(signed(fork, calls), state, vm)
    return result, StateAfter(state, result.writes)


def run_on_pyevm(
    fork: str, accounts: Mapping[Address, Account], transactions: Sequence[Any], coinbase: bytes
) -> tuple[list[Any], Any]:
    """Run a block on py-evm's own database: its computations and its state, the oracle."""
    block = context(fork, coinbase)
    state = own_state(FORKS[fork].get_state_class(), execution_context(block), accounts)
    computations = []
    for transaction in transactions:
        state.lock_changes()
        computations.append(state.apply_transaction(transaction))
        state.make_state_root()
    return computations, state
