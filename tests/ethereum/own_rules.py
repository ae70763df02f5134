"""Chains with deposits, fees and steps of their own, and blocks on them. No test of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.ethereum.builders import ATTRIBUTES, CHAIN_ID, GAS_LIMIT, Site

import blockstm
from blockstm.ethereum import (
    Block,
    BuiltBlock,
    ExecutedBlock,
    Header,
    OwnTransaction,
    OwnTransactionType,
    Rules,
    Transaction,
    build_block,
    fork_named,
)
from blockstm.ethereum.codecs.rlp import Items, encode
from blockstm.ethereum.execution.checks import execute_in_order
from blockstm.types import Address

DEPOSIT, SPONSORED = 0x7E, 0x10


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(OwnTransaction):
    """Paid for elsewhere."""

    type: int = DEPOSIT
    mark: int = 0
    data: bytes = b""
    value: int = 0
    gas: int = 100_000

    def payload(self) -> bytes:
        """RLP."""
        to = self.to or b""
        return encode([self.mark, self.sender, to, self.mint, self.value, self.gas, self.data])

    @classmethod
    def from_payload(cls, payload: bytes) -> Deposit:
        """Read one."""
        items = Items(payload, "deposit")
        made = cls(
            mark=items.quantity("mark"),
            sender=items.address("sender"),
            to=items.address_or_none("to"),
            mint=items.quantity("mint"),
            value=items.quantity("value"),
            gas=items.quantity("gas", 64),
            data=items.data("data"),
        )
        items.end()
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Sponsored(OwnTransaction):
    """Of the sender that it names, and paid as any other is."""

    type: int = SPONSORED
    value: int = 0
    data: bytes = b""
    gas: int = 100_000

    def payload(self) -> bytes:
        """RLP."""
        fees = [self.max_priority_fee_per_gas, self.max_fee_per_gas]
        to = self.to or b""
        return encode([self.sender, self.nonce, *fees, self.gas, to, self.value, self.data])

    @classmethod
    def from_payload(cls, payload: bytes) -> Sponsored:
        """Read one."""
        items = Items(payload, "sponsored")
        made = cls(
            sender=items.address("sender"),
            nonce=items.quantity("nonce", 64),
            max_priority_fee_per_gas=items.quantity("priority"),
            max_fee_per_gas=items.quantity("fee"),
            gas=items.quantity("gas", 64),
            to=items.address_or_none("to"),
            value=items.quantity("value"),
            data=items.data("data"),
        )
        items.end()
        return made


def deposit_receipt(deposit: Deposit, nonce: int, header: Header) -> Mapping[str, int]:
    """As of the OP stack since Canyon."""
    return {"depositNonce": nonce, "depositReceiptVersion": 1}


TYPES = (
    OwnTransactionType(DEPOSIT, Deposit.from_payload, is_prepaid=True, receipt=deposit_receipt),
    OwnTransactionType(SPONSORED, Sponsored.from_payload),
)


def site(fork: str = "cancun", **rules: Any) -> Site:
    """A place to build on a chain with rules of its own."""
    made = Site(fork_named(fork))
    chain = replace(made.chain, rules=Rules(**{"transaction_types": TYPES, **rules}))
    object.__setattr__(made, "chain", chain)
    return made


def built(where: Site, transactions: Sequence[Transaction], state: Any, **more: Any) -> BuiltBlock:
    """The block of all of them."""
    options: dict[str, Any] = {"attributes": ATTRIBUTES, "on_unfit": "raise", **more}
    return build_block(where.parent, transactions, state, chain=where.chain, **options)


def everywhere(where: Site, done: BuiltBlock, state: Any) -> ExecutedBlock:
    """What a built block does after a journey: the same on the reference and any workers."""
    block = Block.decode(done.block.encode(), rules=where.chain.rules)
    assert block == replace(done.block, senders=(), access_list=None)
    options: Any = {"chain": where.chain, "parent": where.parent}
    expected = execute_in_order(block, state, **options)
    for workers in (1, 2, 4):
        executed = blockstm.execute_block(block, state, vm="evm", workers=workers, **options)
        assert executed.receipts == expected.receipts
        assert [each.value for each in executed.outcomes] == [
            each.value for each in expected.outcomes
        ]
        assert executed.writes == expected.writes
        assert executed.state_root == expected.state_root == block.header.state_root
    return expected


def balance(state: Any, done: ExecutedBlock, address: Address) -> int:
    """Of an account after the block."""
    change = done.writes.get(address)
    if change is not None and change.balance is not None:
        return int(change.balance)
    account = state.account(address)
    return 0 if account is None else int(account.balance)


__all__ = [
    "CHAIN_ID",
    "DEPOSIT",
    "GAS_LIMIT",
    "SPONSORED",
    "TYPES",
    "Deposit",
    "Sponsored",
    "balance",
    "built",
    "everywhere",
    "site",
]
