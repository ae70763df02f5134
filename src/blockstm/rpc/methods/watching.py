"""Filters, which a client asks for news, and subscriptions, whose news it is sent."""

from __future__ import annotations

from typing import Any

from blockstm.rpc.errors import SERVER_ERROR, RpcError
from blockstm.rpc.log_filter import filter_of
from blockstm.rpc.methods.logs import get_logs
from blockstm.rpc.methods.transactions import get_transaction_by_hash
from blockstm.rpc.node import Node
from blockstm.rpc.params import Params, refuse
from blockstm.rpc.sessions import Session
from blockstm.rpc.watches import BlockWatch, HeadWatch, LogWatch, PendingWatch, Watch

__all__ = [
    "filter_changes",
    "filter_logs",
    "new_block_filter",
    "new_filter",
    "new_pending_filter",
    "subscribe",
    "uninstall_filter",
    "unsubscribe",
]


class _LogFilter(LogWatch):
    """A watch for logs that remembers what was asked, for ``eth_getFilterLogs``."""

    def __init__(self, node: Node, asked: dict[str, Any]) -> None:
        super().__init__(node, filter_of(asked))
        self.asked = asked


class _PendingBodies(PendingWatch):
    """Transactions that begin to wait, whole."""

    def news(self, node: Node) -> list[Any]:
        """See `Watch`; those that wait no more are told where they are now."""
        found = [
            get_transaction_by_hash(node, Params([each], node.chain.head.number))
            for each in super().news(node)
        ]
        return [each for each in found if each is not None]


# ---- filters


def new_filter(node: Node, params: Params) -> Any:
    """``eth_newFilter``: of logs."""
    return node.filters.add(_LogFilter(node, dict(params.members(0))))


def new_block_filter(node: Node, params: Params) -> Any:
    """``eth_newBlockFilter``."""
    return node.filters.add(BlockWatch(node))


def new_pending_filter(node: Node, params: Params) -> Any:
    """``eth_newPendingTransactionFilter``; true: of whole transactions."""
    return node.filters.add(_pending(node, params.flag(0)))


def _pending(node: Node, full: bool) -> Watch:
    return _PendingBodies(node) if full else PendingWatch(node)


def filter_changes(node: Node, params: Params) -> Any:
    """``eth_getFilterChanges``: what is new since it was last asked for."""
    watch = node.filters.find(params.raw(0))
    if watch is None:
        raise RpcError(SERVER_ERROR, "filter not found")
    return watch.news(node)


def filter_logs(node: Node, params: Params) -> Any:
    """``eth_getFilterLogs``: all that there are."""
    watch = node.filters.find(params.raw(0))
    if not isinstance(watch, _LogFilter):
        raise RpcError(SERVER_ERROR, "filter not found")
    return get_logs(node, Params([watch.asked], node.chain.head.number))


def uninstall_filter(node: Node, params: Params) -> Any:
    """``eth_uninstallFilter``: whether there was one."""
    return node.filters.remove(params.raw(0))


# ---- subscriptions


def subscribe(session: Session, params: Params) -> Any:
    """``eth_subscribe``: "newHeads", "logs" or "newPendingTransactions"."""
    kind, node = params.raw(0), session.node
    if kind == "newHeads":
        return session.subscribe(HeadWatch(node))
    if kind == "logs":
        return session.subscribe(LogWatch(node, filter_of(params.members(1, optional=True))))
    if kind == "newPendingTransactions":
        return session.subscribe(_pending(node, params.flag(1)))
    raise refuse('a subscription is to "newHeads", "logs" or "newPendingTransactions"')


def unsubscribe(session: Session, params: Params) -> Any:
    """``eth_unsubscribe``: whether there was one."""
    return session.unsubscribe(params.raw(0))
