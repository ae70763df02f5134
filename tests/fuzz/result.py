"""What a block came to, in the words that all EVMs here share, and where two of them differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.fuzz.case import Account

INVALID, FAILED, SUCCEEDED = "invalid", "failed", "succeeded"


class Log(NamedTuple):
    """An entry of the log."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


class Did(NamedTuple):
    """What a transaction did.

    ``output`` is what the call returned or reverted with; of a creation, and of a transaction that
    ran into an error, it is nothing, as EVMs do not agree on what to call it.
    """

    status: str
    gas_used: int = 0
    output: bytes = b""
    logs: tuple[Log, ...] = ()


@dataclass(frozen=True)
class Result:
    """What each transaction did, and all accounts afterwards, those that do not exist left out."""

    transactions: tuple[Did, ...]
    accounts: Mapping[bytes, Account]

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Result:
        """A result from an oracle in another process."""
        transactions = tuple(
            Did(
                each["status"],
                each["gas_used"],
                bytes.fromhex(each["output"]),
                tuple(
                    Log(
                        bytes.fromhex(address),
                        tuple(bytes.fromhex(topic) for topic in topics),
                        bytes.fromhex(data),
                    )
                    for address, topics, data in each["logs"]
                ),
            )
            for each in members["transactions"]
        )
        accounts = {
            bytes.fromhex(address): Account.from_json(account)
            for address, account in members["accounts"].items()
        }
        return cls(transactions, accounts)


def differences(left: Result, right: Result) -> Iterator[str]:
    """Where two results differ, a line each: transactions first, then accounts."""
    pairs = zip(left.transactions, right.transactions, strict=True)
    for number, (one, other) in enumerate(pairs):
        for name in Did._fields:
            mine, theirs = getattr(one, name), getattr(other, name)
            if mine != theirs:
                yield f"transaction {number}, {name}: {_shown(mine)} and {_shown(theirs)}"
    for address in sorted({*left.accounts, *right.accounts}):
        before, after = left.accounts.get(address), right.accounts.get(address)
        if before == after:
            continue
        if before is None or after is None:
            who = "the second" if before is None else "the first"
            yield f"account 0x{address.hex()} exists for {who} only: {before or after}"
            continue
        for name in ("nonce", "balance", "code"):
            mine, theirs = getattr(before, name), getattr(after, name)
            if mine != theirs:
                yield f"account 0x{address.hex()}, {name}: {_shown(mine)} and {_shown(theirs)}"
        for slot in sorted({*before.storage, *after.storage}):
            here, there = before.storage.get(slot, 0), after.storage.get(slot, 0)
            if here != there:
                yield f"account 0x{address.hex()}, slot {slot:#x}: {here:#x} and {there:#x}"


def _shown(value: Any) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)
