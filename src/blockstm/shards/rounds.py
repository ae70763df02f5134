"""A block of every shard after another, whatever runs them.

Block n of a shard receives what all others sent in their blocks n - 1, and nothing else. So it
follows from those blocks and its own transactions alone, and the shards may run in any order, or
side by side: what comes out is the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self

from blockstm.errors import ConfigError, InputError
from blockstm.ethereum import Transaction
from blockstm.ethereum.tries.state_trie import TrieAccount
from blockstm.messages import brief
from blockstm.shards.bridge import BRIDGE
from blockstm.shards.network import RESERVE, Network
from blockstm.shards.shard import Round, ShardBlock
from blockstm.types import Hash32

__all__ = ["Shards"]

_NOTHING: Final[Mapping[int, Sequence[Transaction]]] = {}


class Shards(ABC):
    """The shards of a network, which advance together. For one thread.

    `LocalShards` runs them in this process and is the reference; `RayShards` has an actor for each.
    """

    def __init__(self, network: Network) -> None:
        if not isinstance(network, Network):
            raise InputError(f"network is a blockstm.shards.Network, not {brief(network)}")
        self.network = network
        self._blocks: Sequence[ShardBlock] = ()
        self._before: Sequence[Hash32] = ()

    # ---- what a way of running them provides

    @abstractmethod
    def _advance(self, rounds: Sequence[Round]) -> Sequence[ShardBlock]:
        """The next block of each shard, in order."""

    @abstractmethod
    def _numbers(self) -> Sequence[int]:
        """The number of each shard's newest block."""

    @abstractmethod
    def _blocks_at(self, number: int) -> Sequence[ShardBlock]:
        """The block of a number, of each shard."""

    @abstractmethod
    def _account(self, shard: int, address: bytes) -> TrieAccount | None:
        """An account after the newest block of a shard."""

    @abstractmethod
    def close(self) -> None:
        """Release the shards; may be called twice."""

    # ---- for all of them

    def _begin(self) -> None:
        """Find where the shards are.

        A part of them may be a block ahead of the others, where all were killed: these follow, with
        the messages that the block has to receive and no other transactions.
        """
        numbers = self._numbers()
        least = min(numbers)
        self._blocks = self._blocks_at(least)
        if least:
            self._before = [each.header.hash for each in self._blocks_at(least - 1)]
        else:
            self._before = self.network.first_hashes()
        if max(numbers) > least:
            self.advance()

    @property
    def number(self) -> int:
        """Of the newest block of all shards."""
        return self._blocks[0].number

    @property
    def blocks(self) -> Sequence[ShardBlock]:
        """The newest block of each shard."""
        return self._blocks

    @property
    def roots(self) -> list[Hash32]:
        """The state root of each shard after its newest block."""
        return [each.header.state_root for each in self._blocks]

    def advance(
        self, transactions: Mapping[int, Sequence[Transaction]] = _NOTHING
    ) -> Sequence[ShardBlock]:
        """The next block of every shard.

        Args:
            transactions: shard → those that are to be in its block, in order; what does not fit is
                left out.

        Raises:
            ConfigError: there is no such shard.
            ClusterError: a shard dies again and again.
            StoreError: a block cannot be kept.
        """
        unknown = [each for each in transactions if each not in range(self.network.shards)]
        if unknown:
            raise ConfigError(
                f"there are shards 0 to {self.network.shards - 1}, not {brief(unknown[0])}"
            )
        headers = [each.header for each in self._blocks]
        waiting = [each for block in self._blocks for each in block.envelopes]
        rounds = [
            Round(
                self.number + 1,
                self._before,
                headers,
                [each for each in waiting if each.message.receiver == shard],
                transactions.get(shard, ()),
            )
            for shard in range(self.network.shards)
        ]
        blocks = self._advance(rounds)
        self._before = [each.hash for each in headers]
        self._blocks = blocks
        return blocks

    def account(self, shard: int, address: bytes) -> TrieAccount | None:
        """The account at an address of a shard, after its newest block; None where there is none.

        Raises:
            ConfigError: there is no such shard.
        """
        if shard not in range(self.network.shards):
            raise ConfigError(
                f"there are shards 0 to {self.network.shards - 1}, not {brief(shard)}"
            )
        return self._account(shard, address)

    def balance(self, shard: int, address: bytes) -> int:
        """The balance at an address of a shard, in wei; see `account`."""
        account = self.account(shard, address)
        return 0 if account is None else account.balance

    @property
    def in_flight(self) -> int:
        """Wei that have been sent and not received yet."""
        shards = range(self.network.shards)
        return sum(self.balance(each, BRIDGE) - RESERVE for each in shards)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _folder_of(self, folder: Any, shard: int) -> str:
        return f"{folder}/shard-{shard:02}"
