"""A node on the chain of ethereum/execution-apis. No test of its own."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.fixtures import fixtures

from blockstm.rpc import Node, dispatch
from blockstm.rpc.exchanges import Archive, read_archive


@cache
def archive() -> Archive:
    """The recorded exchanges; skips the test where they are absent."""
    return read_archive(fixtures() / "execution-apis.tar.xz")


@cache
def recorded_node() -> Node:
    """A node on their chain, for tests that change nothing."""
    return Node(archive().chain())


def ask(node: Node, method: str, *params: Any) -> Any:
    """The whole response to a request."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    return dispatch(node, request)


def result(node: Node, method: str, *params: Any) -> Any:
    """The result of a request that has one."""
    return ask(node, method, *params)["result"]


def code(node: Node, method: str, *params: Any) -> int:
    """The code of the error of a request that has one."""
    found: int = ask(node, method, *params)["error"]["code"]
    return found
