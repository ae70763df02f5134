"""Networks and transactions for tests of shards. No test of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.ethereum.made import SENDERS, signed

from blockstm.ethereum import Account, Transaction
from blockstm.shards import BRIDGE, Network, Shards, send_data
from blockstm.shards.network import AUTHORITY
from blockstm.types import Address

WEALTH = 10**20
CHAIN_ID = 7_000
PEOPLE = [Address(bytes([0xE0 + number]) * 20) for number in range(3)]
REFUSING, BURNING, KEEPING = (Address(bytes([0xB0 + number]) * 20) for number in range(3))
MIMIC = Address(b"\xb9" * 20)
CODES = {
    REFUSING: bytes.fromhex("5f5ffd"),  # REVERT(0, 0)
    BURNING: bytes.fromhex("5b5f56"),  # for ever: JUMPDEST, PUSH0, JUMP
    KEEPING: bytes.fromhex("345f55365f5f375f51600155"),  # slots 0 and 1: the value, the data
    # LOG3 of its call data with the first three words as topics
    MIMIC: bytes.fromhex("606036036060600037604035602035600035606036036000a3"),
}
_COINBASE = Address(bytes(18) + b"\x5b\x02")


def network(shards: int = 3) -> Network:
    """Some shards with people who have funds, and contracts that misbehave."""
    accounts = {address: Account(WEALTH) for address in SENDERS}
    accounts |= {address: Account(0, 1, code) for address, code in CODES.items()}
    return Network.alike(accounts, shards, chain_id=CHAIN_ID)


class Wallets:
    """Signs transactions of `SENDERS`, each with the next nonce of its shard."""

    def __init__(self) -> None:
        self._nonces: dict[tuple[int, int], int] = {}

    def signed(self, shard: int, key: int, **members: Any) -> Transaction:
        nonce = self._nonces.get((shard, key), 0)
        self._nonces[shard, key] = nonce + 1
        return signed(key, CHAIN_ID + shard, nonce=nonce, gas_price=10**6, gas=300_000, **members)

    def pay(self, shard: int, key: int, to: bytes, value: int) -> Transaction:
        """A payment within a shard."""
        return self.signed(shard, key, to=to, value=value)

    def send(
        self, shard: int, key: int, receiver: int, to: bytes, value: int, data: bytes = b""
    ) -> Transaction:
        """A message to another shard."""
        call = send_data(receiver, to, data)
        return self.signed(shard, key, to=BRIDGE, value=value, data=call)


def wealth(shards: Shards) -> int:
    """What all have, in wei, but for the bridges."""
    people: Iterable[bytes] = [*SENDERS, *PEOPLE, *CODES, AUTHORITY, _COINBASE]
    owners: Sequence[bytes] = list(people)
    return sum(
        shards.balance(shard, owner) for shard in range(shards.network.shards) for owner in owners
    )


def burnt(shards: Shards) -> int:
    """The base fees of the newest blocks, in wei."""
    headers = [each.header for each in shards.blocks]
    return sum((each.base_fee_per_gas or 0) * each.gas_used for each in headers)
