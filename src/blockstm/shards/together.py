"""`LocalShards`: all shards in this process, one after another. The reference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from blockstm.ethereum.tries.state_trie import TrieAccount
from blockstm.shards.network import Network
from blockstm.shards.rounds import Shards
from blockstm.shards.shard import Round, Shard, ShardBlock

__all__ = ["LocalShards"]


class LocalShards(Shards):
    """The shards of a network in this process, in memory or in folders; see `Shards`.

    Args:
        network: which shards there are.
        folder: where each has a folder of its own; None: they end with the process.
        workers: threads of a block; by default one for each usable core.

    Raises:
        InputError: it is no network.
        MissingExtra, StoreError: see `Shard.open`.
    """

    def __init__(
        self, network: Network, folder: str | Path | None = None, *, workers: int | None = None
    ) -> None:
        super().__init__(network)
        self.shards: list[Shard] = []
        try:
            for index in range(network.shards):
                if folder is None:
                    made = Shard.in_memory(network, index, workers=workers)
                else:
                    path = self._folder_of(folder, index)
                    made = Shard.open(path, network, index, workers=workers)
                self.shards.append(made)
            self._begin()
        except BaseException:
            self.close()
            raise

    def _advance(self, rounds: Sequence[Round]) -> Sequence[ShardBlock]:
        return [shard.advance(given) for shard, given in zip(self.shards, rounds, strict=True)]

    def _numbers(self) -> Sequence[int]:
        return [each.number for each in self.shards]

    def _blocks_at(self, number: int) -> Sequence[ShardBlock]:
        return [each.block(number) for each in self.shards]

    def _account(self, shard: int, address: bytes) -> TrieAccount | None:
        return self.shards[shard].account(address)

    def close(self) -> None:
        """See `Shards`."""
        for each in self.shards:
            each.close()
