"""Whole blocks: transactions of any type, executed on any workers. No test of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eth_typing import Address
from tests.ethereum.made import COINBASE, KEYS, block_of, sealed, with_header, world

import blockstm
from blockstm.ethereum import Account, AccountState, Block, ExecutedBlock, Fork, Transaction

__all__ = ["COINBASE", "blob_hash", "block_with", "executed", "signed", "with_header", "world"]

_WORKERS = (1, 2, 4)


def signed(key: int, kind: int = 0, **members: Any) -> Transaction:
    """A transaction of `tests.ethereum.made.SENDERS` for chain 1, of any type."""
    fees = {"gas_price": 10} if kind < 2 else {"max_fee_per_gas": 10}
    given = {"nonce": 0, "gas": 100_000, "to": COINBASE, "value": 0, "data": b"", **fees, **members}
    unsigned = Transaction(type=kind, v=0, r=0, s=0, chain_id=1, **given)
    r, s, parity = KEYS[key].sign(unsigned.signing_hash)
    return replace(unsigned, v=parity if kind else 37 + parity, r=r, s=s)


def blob_hash(number: int) -> bytes:
    """A versioned hash."""
    return b"\x01" + number.to_bytes(31, "big")


def block_with(
    fork: Fork | str,
    transactions: Sequence[Transaction],
    state: AccountState,
    withdrawals: Sequence[Any] = (),
    **members: Any,
) -> Block:
    """A valid block: with the results that executing it gives in its header, beside ``members``."""
    blobs = sum(len(transaction.blob_hashes) for transaction in transactions)
    if blobs:
        members = {"blob_gas_used": 2**17 * blobs, **members}
    block = block_of(tuple(transactions), fork, **members)
    if withdrawals:
        block = replace(block, withdrawals=tuple(withdrawals))
        block = with_header(block, withdrawals_root=block.withdrawals_root)
    return sealed(block, state, fork=fork)


def executed(
    fork: Fork | str,
    transactions: Sequence[Transaction],
    accounts: Mapping[Address, Account] | None = None,
    withdrawals: Sequence[Any] = (),
    **members: Any,
) -> ExecutedBlock:
    """What a valid block does, on any workers."""
    state = world(accounts)
    block = block_with(fork, transactions, state, withdrawals, **members)
    first, *others = (
        blockstm.execute_block(block, state, "evm", fork=fork, workers=workers)
        for workers in _WORKERS
    )
    for other in others:
        assert _told(other) == _told(first)
    return first


def _told(done: ExecutedBlock) -> tuple[Any, ...]:
    return (
        list(done.receipts),
        dict(done.writes),
        done.requests,
        done.gas_used,
        done.access_list,
        done.state_root,
    )
