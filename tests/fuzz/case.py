"""A fuzzed block: its fork and context, what is there before it, its transactions. As JSON, too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.vm.forks import Fork, fork_named

CHAIN_ID = 1


class Account(NamedTuple):
    """An account before or after a block; slots that are zero are not in its storage."""

    nonce: int = 0
    balance: int = 0
    code: bytes = b""
    storage: Mapping[int, int] = {}

    def as_json(self) -> dict[str, Any]:
        """Its members, bytes in hex."""
        storage = {hex(slot): hex(value) for slot, value in sorted(self.storage.items())}
        return {
            "nonce": self.nonce,
            "balance": self.balance,
            "code": self.code.hex(),
            "storage": storage,
        }

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Account:
        """The reverse of `as_json`."""
        storage = {int(slot, 16): int(value, 16) for slot, value in members["storage"].items()}
        return cls(members["nonce"], members["balance"], bytes.fromhex(members["code"]), storage)


class Sent(NamedTuple):
    """A signed transaction and who is known to have signed it."""

    transaction: Transaction
    sender: bytes


@dataclass(frozen=True)
class Case:
    """A block of transactions to be run one after another; those that are invalid are skipped.

    There are no system calls, withdrawals or rewards around them.
    """

    fork_name: str
    number: int
    timestamp: int
    coinbase: bytes
    difficulty: int
    mix_hash: bytes
    gas_limit: int
    base_fee: int
    excess_blob_gas: int
    accounts: Mapping[bytes, Account] = field(repr=False)
    transactions: tuple[Sent, ...] = field(repr=False)
    story: str = ""

    @property
    def fork(self) -> Fork:
        """Its rules."""
        return fork_named(self.fork_name)

    @property
    def block_hashes(self) -> dict[int, bytes]:
        """Number → hash, of the blocks before: up to 256 of them."""
        numbers = range(max(0, self.number - 256), self.number)
        return {number: keccak(b"block %d" % number) for number in numbers}

    def changed(self, **members: Any) -> Case:
        """Another case with these members."""
        return replace(self, **members)

    def as_json(self) -> dict[str, Any]:
        """What an oracle needs, and what a report keeps."""
        return {
            "fork": self.fork_name,
            "number": self.number,
            "timestamp": self.timestamp,
            "coinbase": self.coinbase.hex(),
            "difficulty": self.difficulty,
            "mix_hash": self.mix_hash.hex(),
            "gas_limit": self.gas_limit,
            "base_fee": self.base_fee,
            "excess_blob_gas": self.excess_blob_gas,
            "chain_id": CHAIN_ID,
            "block_hashes": [each.hex() for each in self.block_hashes.values()],
            "accounts": {
                address.hex(): account.as_json() for address, account in self.accounts.items()
            },
            "transactions": [sent.transaction.encode().hex() for sent in self.transactions],
            "senders": [sent.sender.hex() for sent in self.transactions],
            "story": self.story,
        }

    @classmethod
    def from_json(cls, text: str) -> Case:
        """A case from a report."""
        kept = json.loads(text)
        sent = zip(kept["transactions"], kept["senders"], strict=True)
        return cls(
            fork_name=kept["fork"],
            number=kept["number"],
            timestamp=kept["timestamp"],
            coinbase=bytes.fromhex(kept["coinbase"]),
            difficulty=kept["difficulty"],
            mix_hash=bytes.fromhex(kept["mix_hash"]),
            gas_limit=kept["gas_limit"],
            base_fee=kept["base_fee"],
            excess_blob_gas=kept["excess_blob_gas"],
            accounts={
                bytes.fromhex(address): Account.from_json(account)
                for address, account in kept["accounts"].items()
            },
            transactions=tuple(
                Sent(Transaction.decode(bytes.fromhex(encoding)), bytes.fromhex(sender))
                for encoding, sender in sent
            ),
            story=kept["story"],
        )
