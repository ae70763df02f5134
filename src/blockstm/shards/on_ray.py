"""`RayShards`: each shard an actor of a Ray cluster, in a process of its own.

An actor that dies is begun again on its folder, and asked once more for the block that it was at:
what it had kept it gives as it is, what it had not it makes again, from the same messages and
transactions. So each message is received once, whenever an actor dies.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from blockstm.cluster import answer_of, cluster, is_lost, ready_of
from blockstm.errors import BlockstmError, ClusterError, ConfigError, StoreLocked
from blockstm.ethereum import Transaction
from blockstm.ethereum.tries.state_trie import TrieAccount
from blockstm.messages import brief, said_by
from blockstm.shards.network import Network
from blockstm.shards.rounds import Shards
from blockstm.shards.shard import Round, Shard, ShardBlock

__all__ = ["RayShards"]

_PATIENCE_S: Final = 30.0
_PAUSE_S: Final = 0.05

_Call = tuple[str, tuple[Any, ...]]


class RayShards(Shards):
    """The shards of a network as actors; see `Shards`.

    Args:
        network: which shards there are.
        folder: where each has a folder of its own, which all machines of the cluster see.
        address: of the cluster; None: one is started on this machine.
        cores: of the one that is started.
        workers: threads of a block.
        tries: how often a shard that dies is asked for the same block.

    Raises:
        InputError, ConfigError: an argument is of the wrong kind or out of range.
        MissingExtra, ClusterError: Ray is not installed, or the cluster cannot be used.
        StoreError: see `Shard.open`.
    """

    def __init__(
        self,
        network: Network,
        folder: str | Path,
        *,
        address: str | None = None,
        cores: int | None = None,
        workers: int = 1,
        tries: int = 3,
    ) -> None:
        super().__init__(network)
        if type(tries) is not int or tries < 1:
            raise ConfigError(f"a shard is asked once or more often, not {brief(tries)} times")
        self._folder = Path(folder).resolve()
        self._workers = workers
        self._tries = tries
        self._stack = ExitStack()
        self.deaths = 0
        try:
            self._ray = self._stack.enter_context(cluster(address, cores=cores))
            self._stack.callback(self._end_actors)
            self._actors = [self._actor(each) for each in range(network.shards)]
            self._begin()
        except BaseException:
            self.close()
            raise

    @property
    def processes(self) -> list[int]:
        """The process of each shard, by its number on its machine."""
        found: list[int] = self._ask([("process", ())] * self.network.shards)
        return found

    def _actor(self, shard: int) -> Any:
        # As many as there are shards have to be there at once, however few cores there are.
        made = self._ray.remote(_Actor).options(num_cpus=0, max_restarts=0)
        path = self._folder_of(self._folder, shard)
        return answer_of(lambda: made.remote(path, self.network, shard, self._workers))

    def _advance(self, rounds: Sequence[Round]) -> Sequence[ShardBlock]:
        packed = [
            ("advance", (replace(each, transactions=()), [t.encode() for t in each.transactions]))
            for each in rounds
        ]
        found: list[ShardBlock] = self._ask(packed)
        return found

    def _numbers(self) -> Sequence[int]:
        found: list[int] = self._ask([("number", ())] * self.network.shards)
        return found

    def _blocks_at(self, number: int) -> Sequence[ShardBlock]:
        found: list[ShardBlock] = self._ask([("block", (number,))] * self.network.shards)
        return found

    def _account(self, shard: int, address: bytes) -> TrieAccount | None:
        [found] = self._ask([("account", (address,))], [shard])
        account: TrieAccount | None = found
        return account

    def _ask(self, calls: Sequence[_Call], shards: Sequence[int] | None = None) -> list[Any]:
        """The answers of shards, by default of all of them, side by side.

        Raises:
            ClusterError: one dies again and again, or fails in another way.
            BlockstmError: what one raises.
        """
        asked = range(self.network.shards) if shards is None else shards
        pending = {
            shard: self._begin_call(shard, call) for shard, call in zip(asked, calls, strict=True)
        }
        return [
            self._answer(shard, call, pending[shard])
            for shard, call in zip(asked, calls, strict=True)
        ]

    def _begin_call(self, shard: int, call: _Call) -> Any:
        name, arguments = call
        method = getattr(self._actors[shard], name)
        return answer_of(lambda: method.remote(*arguments))

    def _answer(self, shard: int, call: _Call, reference: Any) -> Any:
        errors = self._ray.exceptions
        for _ in range(self._tries):
            try:
                ready_of(self._ray, [reference])
                return answer_of(partial(self._ray.get, reference))
            except errors.RayActorError as error:
                self.deaths += 1
                said = said_by(error)
                self._ray.kill(self._actors[shard])  # in case it is only out of reach
                self._actors[shard] = self._actor(shard)
                reference = self._begin_call(shard, call)
            except errors.RayTaskError as error:
                if isinstance(error.cause, BlockstmError):
                    raise error.cause from error
                raise ClusterError(f"shard {shard} failed: {said_by(error)}") from error
        raise ClusterError(f"shard {shard} died {self._tries} times at one block: {said}")

    def _end_actors(self) -> None:
        """Have the actors close their folders, so that others may open them, and end."""
        actors = () if is_lost() else getattr(self, "_actors", ())
        closing = [each.close.remote() for each in actors]
        if closing:
            self._ray.wait(closing, num_returns=len(closing), timeout=_PATIENCE_S)
        for each in actors:
            self._ray.kill(each)

    def close(self) -> None:
        """See `Shards`."""
        self._stack.close()


class _Actor:
    """A shard in a process of the cluster, opened when it is asked for the first time: what is
    wrong with its folder is then an answer."""

    def __init__(self, folder: str, network: Network, shard: int, workers: int) -> None:
        self._given = folder, network, shard
        self._workers = workers
        self._opened: Shard | None = None

    def advance(self, given: Round, transactions: Sequence[bytes]) -> ShardBlock:
        decoded = [Transaction.decode(each) for each in transactions]
        return self._shard.advance(replace(given, transactions=decoded))

    def number(self) -> int:
        return self._shard.number

    def block(self, number: int) -> ShardBlock:
        return self._shard.block(number)

    def account(self, address: bytes) -> TrieAccount | None:
        return self._shard.account(address)

    def process(self) -> int:
        return os.getpid()

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    @property
    def _shard(self) -> Shard:
        until = monotonic() + _PATIENCE_S
        while self._opened is None:
            try:
                self._opened = Shard.open(*self._given, workers=self._workers)
            except StoreLocked:  # by a process that is told to be dead, and is about to be
                if monotonic() > until:
                    raise
                sleep(_PAUSE_S)
        return self._opened
