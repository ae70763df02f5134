"""A block of every shard after another, whatever runs them.

Block n of a shard receives what all others sent in their blocks n - 1, and nothing else. So it
follows from those blocks and its own transactions alone, and the shards may run in any order, or
side by side: what comes out is the same.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

from blockstm.errors import ConfigError, InputError, StoreDamaged, UsageError
from blockstm.ethereum import Transaction
from blockstm.ethereum.tries.state_trie import TrieAccount
from blockstm.messages import brief
from blockstm.shards.bridge import BRIDGE
from blockstm.shards.network import RESERVE, Network
from blockstm.shards.shard import Round, ShardBlock, check_kind
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
        self._begun: Sequence[Round] = ()  # which may be made of a part of the shards

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

        Raises:
            StoreDamaged: some are further apart, as one has lost blocks.
        """
        numbers = self._numbers()
        least = min(numbers)
        if max(numbers) > least + 1:
            shard = numbers.index(least)
            raise StoreDamaged(
                f"shard {shard} is at block {least}, and another at block {max(numbers)}: what it "
                "lacks cannot be made again; put its whole folder back"
            )
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

        Where it does not come to its end, some shards may have their block and others not. Asked
        again, it makes those that are missing. Those that are there stay, so the transactions of
        their shards must be the same as before.

        Raises:
            InputError: a transaction is none; no shard has advanced.
            ConfigError: there is no such shard.
            UsageError: a shard has its block already, of other transactions.
            ClusterError: a shard dies again and again.
            StoreError: a block cannot be kept.
        """
        self._check(transactions)
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
        self._check_begun(rounds)
        self._begun = rounds
        blocks = self._advance(rounds)
        # At once: between two of them Ctrl-C could come.
        self._before, self._blocks, self._begun = [each.hash for each in headers], blocks, ()
        return blocks

    def _check(self, transactions: Any) -> None:
        if not isinstance(transactions, Mapping):
            raise InputError(f"transactions are by their shard, not {brief(transactions)}")
        for shard, given in transactions.items():
            self._check_shard(shard)
            if not isinstance(given, Sequence):
                raise InputError(
                    f"the transactions of a shard are a list or a tuple, not {brief(given)}"
                )
            check_kind(given)

    def _check_shard(self, shard: Any) -> None:
        if type(shard) is not int or not 0 <= shard < self.network.shards:
            raise ConfigError(
                f"there are shards 0 to {self.network.shards - 1}, not {brief(shard)}"
            )

    def _check_begun(self, rounds: Sequence[Round]) -> None:
        """Refuse other transactions for a shard that has its block of a round already.

        Raises:
            UsageError: there are some.
        """
        if not self._begun:
            return
        pairs = zip(self._begun, rounds, self._numbers(), strict=True)
        for shard, (begun, asked, number) in enumerate(pairs):
            if number == asked.number and [*begun.transactions] != [*asked.transactions]:
                raise UsageError(
                    f"shard {shard} has block {number} already, of other transactions: ask for it "
                    "with the same, and for these after it"
                )

    def account(self, shard: int, address: bytes) -> TrieAccount | None:
        """The account at an address of a shard, after its newest block; None where there is none.

        Raises:
            ConfigError: there is no such shard.
            InputError: an address is 20 bytes.
        """
        self._check_shard(shard)
        if not isinstance(address, bytes) or len(address) != 20:
            raise InputError(f"an address is 20 bytes, not {brief(address)}")
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

    def __exit__(self, *_: object) -> None:
        self.close()

    def _folder_of(self, folder: Any, shard: int) -> str:
        return f"{folder}/shard-{shard:02}"
