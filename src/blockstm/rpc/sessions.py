"""`Session`: a client that can be told more later, and what it subscribed to."""

from __future__ import annotations

from typing import Any

from blockstm.rpc.errors import LIMIT_EXCEEDED, RpcError
from blockstm.rpc.node import Node
from blockstm.rpc.registry import Registry
from blockstm.rpc.watches import Watch

__all__ = ["Session"]


class Session:
    """One connection of a client. Any thread.

    Attributes:
        node: what it asks.
    """

    def __init__(self, node: Node) -> None:
        self.node = node
        self._watches: Registry[Watch] = Registry(node.limits.filters)

    @property
    def is_subscribed(self) -> bool:
        """Whether there is anything to tell it."""
        return len(self._watches) > 0

    def subscribe(self, watch: Watch) -> str:
        """The name of a new subscription.

        Raises:
            RpcError: it has too many.
        """
        if len(self._watches) >= self.node.limits.filters:
            raise RpcError(LIMIT_EXCEEDED, f"more than {self.node.limits.filters} subscriptions")
        return self._watches.add(watch)

    def unsubscribe(self, name: object) -> bool:
        """End a subscription; whether there was one."""
        return self._watches.remove(name)

    def notifications(self) -> list[dict[str, Any]]:
        """What is new, each as the message that tells it."""
        found = []
        for name, watch in self._watches.items():
            try:
                news = watch.news(self.node)
            except RpcError:
                continue  # too much at once: it goes on behind that
            found += [_notification(name, each) for each in news]
        return found


def _notification(name: str, news: Any) -> dict[str, Any]:
    params = {"subscription": name, "result": news}
    return {"jsonrpc": "2.0", "method": "eth_subscription", "params": params}
