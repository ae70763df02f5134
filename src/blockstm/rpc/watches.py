"""What is new since it was last asked for: blocks, logs, transactions that wait.

Filters are watches that a client asks, subscriptions are watches whose news a client is sent.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol

from blockstm.chain import Chain
from blockstm.chain.blocks import steps_between
from blockstm.errors import UnknownBlock
from blockstm.ethereum.codecs.fields import shown
from blockstm.rpc.errors import LIMIT_EXCEEDED, RpcError
from blockstm.rpc.forms import header_form
from blockstm.rpc.log_filter import LogFilter, logs_of
from blockstm.rpc.node import Node
from blockstm.types import Hash32

__all__ = ["BlockWatch", "HeadWatch", "LogWatch", "PendingWatch", "Watch"]


class Watch(Protocol):
    """What a client wants to know the news of. Any thread; calls take turns."""

    def news(self, node: Node) -> list[Any]:
        """What is new since the last call, or since it was made; oldest first.

        Raises:
            RpcError: that is more than the limits allow; it is passed over.
        """


class _Heads:
    """How the head has moved since the last call."""

    def __init__(self, chain: Chain) -> None:
        self._last = chain.head.hash
        self._lock = threading.Lock()

    def moved(self, node: Node) -> tuple[list[Hash32], list[Hash32]]:
        """Blocks that are none of its ancestors any more, newest first, and those that now are."""
        with self._lock:
            last, head = self._last, node.chain.head.hash
            self._last = head
            return _way(node.chain, last, head, node.limits.log_blocks)


def _way(chain: Chain, start: Hash32, end: Hash32, most: int) -> tuple[list[Hash32], list[Hash32]]:
    undone: list[Hash32] = []
    done: list[Hash32] = []
    try:
        for block_hash, is_undone in steps_between(chain.header, start, end):
            if len(undone) + len(done) >= most:
                raise RpcError(LIMIT_EXCEEDED, f"more than {most} blocks since it was last asked")
            (undone if is_undone else done).append(block_hash)
    except UnknownBlock:  # a side branch that is kept no more: what stands now is all there is
        return [], done[::-1]
    return undone, done[::-1]


class BlockWatch:
    """The hashes of new blocks of the chain."""

    def __init__(self, node: Node) -> None:
        self._heads = _Heads(node.chain)

    def news(self, node: Node) -> list[Any]:
        """See `Watch`."""
        return [shown(each) for each in self._heads.moved(node)[1]]


class HeadWatch:
    """The headers of new blocks of the chain."""

    def __init__(self, node: Node) -> None:
        self._heads = _Heads(node.chain)

    def news(self, node: Node) -> list[Any]:
        """See `Watch`."""
        _, done = self._heads.moved(node)
        return [header_form(node.chain.header(each), each) for each in done]


class LogWatch:
    """The logs of new blocks; of blocks that are no longer of the chain, as removed ones."""

    def __init__(self, node: Node, wanted: LogFilter) -> None:
        self._heads = _Heads(node.chain)
        self._wanted = wanted

    def news(self, node: Node) -> list[Any]:
        """See `Watch`."""
        undone, done = self._heads.moved(node)
        found = []
        for block_hash in undone:
            logs = [*logs_of(node, node.chain.block(block_hash), self._wanted)]
            found += [each | {"removed": True} for each in reversed(logs)]
        for block_hash in done:
            found += logs_of(node, node.chain.block(block_hash), self._wanted)
            if len(found) > node.limits.logs:
                raise RpcError(LIMIT_EXCEEDED, f"more than {node.limits.logs} logs")
        return found


class PendingWatch:
    """The hashes of transactions that begin to wait."""

    def __init__(self, node: Node) -> None:
        self._seen, _ = node.pool.arrived_after(0)
        self._lock = threading.Lock()

    def news(self, node: Node) -> list[Any]:
        """See `Watch`."""
        with self._lock:
            self._seen, hashes = node.pool.arrived_after(self._seen)
        return [shown(each) for each in hashes]
