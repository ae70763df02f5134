"""`Network`: which shards there are, and how each of them begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self

from blockstm.errors import ConfigError
from blockstm.ethereum import Account, fork_named
from blockstm.ethereum.execution.senders import address_of_key
from blockstm.ethereum.genesis import Genesis, parse_genesis
from blockstm.ethereum.genesis.system_contracts import system_contracts
from blockstm.messages import brief
from blockstm.shards.bridge import AUTHORITY_KEY, BRIDGE, SHARDS_MAX, bridge_code
from blockstm.types import Address, Hash32

__all__ = ["AUTHORITY", "RESERVE", "SECONDS", "Network"]

RESERVE: Final = 1 << 120
"""Wei of a bridge in the beginning: what it pays out before anybody has sent anything."""
SECONDS: Final = 12
"""Between two blocks."""
AUTHORITY: Final = address_of_key(AUTHORITY_KEY)
_AUTHORITY_WEI: Final = 1 << 200  # more than fees can come to: nobody else has it to send
_FORK: Final = "cancun"
_BASE_FEE: Final = 7
_GAS_LIMIT_MAX: Final = 1 << 40
_GAS_OF_SHARD: Final = 66_000_000
"""Twice what a delivery of `SENDS_MAX` of the largest messages takes: deliveries fill less than
half of a block, so that they alone never raise the base fee that their authority pays."""


@dataclass(frozen=True, slots=True)
class Network:
    """Shards and the accounts that each begins with. Immutable.

    Attributes:
        accounts: of each shard, address → `blockstm.ethereum.Account`; as many as there are
            shards, from 2 to 64. Bridges and system contracts come beside them. All together have
            less than 2¹²⁰ wei, so that each bridge can pay out whatever is sent.
        chain_id: of the first shard; that of the others follows.
        gas_limit: of each block, in gas; 66 million for each shard, or more.

    Raises:
        ConfigError: an attribute is of the wrong kind or out of range.
    """

    accounts: Sequence[Mapping[Address, Account]]
    chain_id: int = 7_000
    gas_limit: int = 3_000_000_000

    def __post_init__(self) -> None:
        given: Any = self.accounts
        right = isinstance(given, list | tuple) and all(isinstance(e, Mapping) for e in given)
        if not right or not 2 <= len(given) <= SHARDS_MAX:
            raise ConfigError(
                f"a network has the accounts of 2 to {SHARDS_MAX} shards, not {brief(given)}"
            )
        self._check_wealth()
        if type(self.chain_id) is not int or not 0 < self.chain_id < 1 << 62:
            raise ConfigError(f"a chain id is an int from 1 on, not {brief(self.chain_id)}")
        least = _GAS_OF_SHARD * len(given)
        if type(self.gas_limit) is not int or not least <= self.gas_limit < _GAS_LIMIT_MAX:
            raise ConfigError(
                f"blocks of {len(given)} shards have {least:,} gas or more, so that what the "
                f"others send finds room, not {brief(self.gas_limit)}"
            )
        object.__setattr__(self, "accounts", tuple(map(dict, given)))

    def _check_wealth(self) -> None:
        held: list[Any] = [each for accounts in self.accounts for each in accounts.values()]
        for each in held:
            if not isinstance(each, Account):
                raise ConfigError(f"accounts are blockstm.ethereum.Account, not {brief(each)}")
        if (wealth := sum(each.balance for each in held)) > RESERVE:
            raise ConfigError(
                f"the accounts of all shards have {RESERVE} wei at most together, as a bridge can "
                f"pay out, not {wealth}"
            )

    @classmethod
    def alike(cls, accounts: Mapping[Address, Account], shards: int = 8, **options: Any) -> Self:
        """A network whose shards all begin with the same accounts; ``options`` are attributes."""
        if type(shards) is not int:
            raise ConfigError(f"the number of shards is an int, not {brief(shards)}")
        return cls((accounts,) * max(min(shards, SHARDS_MAX + 1), 0), **options)

    @property
    def shards(self) -> int:
        """How many there are."""
        return len(self.accounts)

    def genesis(self, shard: int) -> Genesis:
        """How a shard begins.

        Raises:
            ConfigError: there is no such shard.
        """
        if type(shard) is not int or not 0 <= shard < self.shards:
            raise ConfigError(f"there are shards 0 to {self.shards - 1}, not {brief(shard)}")
        accounts = {
            **self.accounts[shard],
            **system_contracts(fork_named(_FORK)),
            BRIDGE: Account(RESERVE, 1, bridge_code(shard, self.shards, AUTHORITY)),
            AUTHORITY: Account(_AUTHORITY_WEI),
        }
        return parse_genesis(self._document(shard, accounts))

    def first_hashes(self) -> tuple[Hash32, ...]:
        """The hashes of the blocks that the shards begin with."""
        return tuple(self.genesis(each).block.header.hash for each in range(self.shards))

    def _document(self, shard: int, accounts: Mapping[Address, Account]) -> dict[str, Any]:
        forks = dict.fromkeys(_forks(), 0)
        return {
            "config": {"chainId": self.chain_id + shard, **forks, "terminalTotalDifficulty": 0},
            "gasLimit": hex(self.gas_limit),
            "baseFeePerGas": hex(_BASE_FEE),
            "alloc": {"0x" + each.hex(): _members(account) for each, account in accounts.items()},
        }


@cache
def _forks() -> tuple[str, ...]:
    blocks = (
        *("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople"),
        *("petersburg", "istanbul", "berlin", "london"),
    )
    return (*(f"{name}Block" for name in blocks), "shanghaiTime", "cancunTime")


def _members(account: Account) -> dict[str, Any]:
    return {
        "balance": hex(account.balance),
        "nonce": hex(account.nonce),
        "code": "0x" + (account.code or b"").hex(),
        "storage": {hex(slot): hex(value) for slot, value in account.storage.items()},
    }
