"""`Node`: a chain with what answering requests about it needs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from blockstm.chain import Chain, ChainState
from blockstm.errors import UnknownBlock
from blockstm.ethereum import Block, Header
from blockstm.rpc.limits import Limits
from blockstm.rpc.params import BlockName
from blockstm.rpc.pool import Pool
from blockstm.rpc.registry import Registry
from blockstm.types import Hash32
from blockstm.vm.forks import Fork

__all__ = ["Node"]


class Node:
    """A chain, the transactions that wait for its next block, and the limits of requests.

    Thread-safety: any thread may use it; it has no lock but the pool's.

    Attributes:
        namespaces: of the methods that it answers; None: all.

    Args:
        chain: what requests are about; it stays the caller's to close.
        limits: by default those of `Limits`.
        namespaces: of the methods that it answers, such as "eth"; None: all.
    """

    def __init__(
        self,
        chain: Chain,
        limits: Limits | None = None,
        *,
        namespaces: Collection[str] | None = None,
    ) -> None:
        self.chain = chain
        self.limits = limits or Limits()
        self.namespaces = namespaces
        self.pool = Pool(chain, self.limits)
        self.filters: Registry[Any] = Registry(self.limits.filters)
        self._listeners: set[Callable[[], None]] = set()

    def answers(self, method: str) -> bool:
        """Whether a method is in a namespace that it answers."""
        return self.namespaces is None or method.split("_")[0] in self.namespaces

    # ---- news

    def listen(self, listener: Callable[[], None]) -> None:
        """Have a function called, from any thread, when there may be news; it returns at once."""
        self._listeners.add(listener)

    def unlisten(self, listener: Callable[[], None]) -> None:
        """No longer call it."""
        self._listeners.discard(listener)

    def announce(self) -> None:
        """Tell who listens that there may be news."""
        for each in list(self._listeners):
            each()

    # ---- the chain

    def find(self, which: BlockName) -> Block | None:
        """A block; None where there is none."""
        try:
            return self.chain.block(which)
        except UnknownBlock:
            return None

    def state(self, which: BlockName) -> ChainState:
        """The state after a block.

        Raises:
            UnknownBlock, PrunedState: see `Chain.state_at`.
        """
        return self.chain.state_at(which)

    def fork_of(self, header: Header) -> Fork:
        """The fork that a block is under."""
        spec = self.chain.spec
        parent = None
        if spec.needs_total_difficulty:
            parent = self._difficulty_before(header)
        return spec.fork_at(header.number, header.timestamp, parent)

    def next_fork(self) -> Fork:
        """The fork that the block after the head is under, one second later."""
        head, spec = self.chain.head, self.chain.spec
        total = head.total_difficulty if spec.needs_total_difficulty else None
        return spec.fork_at(head.number + 1, head.header.timestamp + 1, total)

    def _difficulty_before(self, header: Header) -> int:
        if not header.number:
            return 0
        return self.chain.total_difficulty(header.parent_hash)

    def call_options(self, state: ChainState, block: Header | None = None) -> dict[str, Any]:
        """Where a call on a state runs: options of `blockstm.ethereum.call`."""
        header = block or state.header
        return {
            "block": header,
            "chain": self.chain.spec,
            "fork": self.fork_of(header),
            "block_hashes": state.block_hashes,
            "gas_cap": self.limits.gas,
        }

    def execution_options(self, parent_hash: Hash32) -> dict[str, Any]:
        """The chain of a block on another: options of `blockstm.execute_block`."""
        return {
            "chain": self.chain.spec,
            "block_hashes": self.state(parent_hash).block_hashes,
            "total_difficulty": self.chain.total_difficulty(parent_hash),
        }
