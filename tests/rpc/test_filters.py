"""Filters that a client asks for news, and subscriptions by which it is sent them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

import pytest
from tests.rpc.contracts import ADD, ADDED, call_data
from tests.rpc.sites import ask, code, recorded_node, result
from tests.rpc.test_dev import ALICE, BOB, deploy, new_node, pay

from blockstm.rpc import Limits, Node
from blockstm.rpc.dev import DevNode
from blockstm.rpc.registry import Registry
from blockstm.rpc.serving import listen, serve


@pytest.fixture
def node() -> Iterator[DevNode]:
    made = new_node(filters=3, log_blocks=5)
    with made.chain:
        yield made


def news(node: Node, name: str) -> Any:
    return result(node, "eth_getFilterChanges", name)


def add(node: Node, contract: str, amount: int, sender: str = ALICE) -> None:
    given = {"from": sender, "to": contract, "data": call_data(ADD, amount)}
    result(node, "eth_sendTransaction", given)


def test_a_filter_tells_of_each_block_once(node: DevNode) -> None:
    name = result(node, "eth_newBlockFilter")
    assert news(node, name) == []
    result(node, "hardhat_mine", "0x3")
    hashes = ["0x" + node.chain.block_hash(number).hex() for number in (1, 2, 3)]
    assert news(node, name) == hashes
    assert news(node, name) == []


def test_a_filter_tells_of_logs_and_of_those_that_are_gone(node: DevNode) -> None:
    contract = deploy(node)
    topics = ["0x" + ADDED.hex(), "0x" + bytes(12).hex() + BOB[2:]]
    every = result(node, "eth_newFilter", {"address": contract, "fromBlock": "0x0"})
    bobs = result(node, "eth_newFilter", {"topics": topics})
    snapshot = result(node, "evm_snapshot")
    add(node, contract, 1)
    add(node, contract, 2, BOB)
    first, second = news(node, every)
    assert [int(each["data"], 16) for each in (first, second)] == [1, 2]
    assert news(node, bobs) == [second]
    assert result(node, "eth_getFilterLogs", every) == [first, second]
    result(node, "evm_revert", snapshot)
    add(node, contract, 3)
    gone = [second | {"removed": True}, first | {"removed": True}]
    *removed, third = news(node, every)
    assert removed == gone
    assert (int(third["data"], 16), third["removed"]) == (3, False)
    assert news(node, bobs) == gone[:1]


def test_a_filter_tells_of_what_begins_to_wait(node: DevNode) -> None:
    hashes = result(node, "eth_newPendingTransactionFilter")
    whole = result(node, "eth_newPendingTransactionFilter", True)
    result(node, "evm_setAutomine", False)
    sent = [pay(node, 1), pay(node, 2)]
    assert news(node, hashes) == sent
    assert news(node, hashes) == []
    assert [each["hash"] for each in news(node, whole)] == sent


def test_filters_are_limited_and_end(node: DevNode) -> None:
    first = result(node, "eth_newBlockFilter")
    others = [result(node, "eth_newBlockFilter") for _ in range(3)]
    assert code(node, "eth_getFilterChanges", first) == -32000  # the oldest gave its place
    assert news(node, others[0]) == []
    result(node, "hardhat_mine", "0x6")
    assert code(node, "eth_getFilterChanges", others[0]) == -32005
    assert news(node, others[0]) == []  # that is passed over
    assert result(node, "eth_uninstallFilter", others[0]) is True
    assert result(node, "eth_uninstallFilter", others[0]) is False
    for wrong in ("0x0", None, 5, {}):
        assert code(node, "eth_getFilterChanges", wrong) == -32000
        assert code(node, "eth_getFilterLogs", wrong) == -32000
        assert result(node, "eth_uninstallFilter", wrong) is False
    assert code(node, "eth_getFilterLogs", others[1]) == -32000
    assert code(node, "eth_newFilter", {"topics": [1]}) == -32602


def test_every_node_has_filters() -> None:
    node = Node(recorded_node().chain, Limits())
    name = result(node, "eth_newFilter", {"fromBlock": "0x0", "toBlock": "latest"})
    everything = result(node, "eth_getLogs", {"fromBlock": "0x0"})
    assert result(node, "eth_getFilterLogs", name) == everything
    assert news(node, name) == []


def test_a_registry_keeps_what_was_asked_for_last() -> None:
    registry: Registry[int] = Registry(2)
    one, two = registry.add(1), registry.add(2)
    assert registry.find(one) == 1
    three = registry.add(3)
    assert [registry.find(each) for each in (one, two, three)] == [1, None, 3]
    assert len(registry) == 2


# ---- subscriptions


@contextmanager
def served(node: Node) -> Iterator[int]:
    """The port of a server that answers for the node."""
    pytest.importorskip("uvicorn")
    stops: Queue[Any] = Queue()
    with listen("127.0.0.1", 0) as listening:
        thread = threading.Thread(
            target=serve, args=(node, listening), kwargs={"on_start": stops.put}
        )
        thread.start()
        stop = stops.get(timeout=60)
        try:
            yield listening.getsockname()[1]
        finally:
            stop()
            thread.join(60)
            assert not thread.is_alive()


def asked(socket: Any, method: str, *params: Any) -> Any:
    """The answer to a request, which comes before all that is told later."""
    request = {"jsonrpc": "2.0", "id": 7, "method": method, "params": list(params)}
    socket.send(json.dumps(request))
    answer = json.loads(socket.recv(60))
    assert answer.get("id") == 7, answer
    return answer.get("result", answer.get("error"))


def told(socket: Any, count: int) -> list[tuple[str, Any]]:
    """The next notifications: of which subscription, and what."""
    found = []
    for _ in range(count):
        message = json.loads(socket.recv(60))
        assert message["method"] == "eth_subscription"
        found.append((message["params"]["subscription"], message["params"]["result"]))
    return found


def test_subscribers_are_told_of_heads_logs_and_transactions(node: DevNode) -> None:
    connect = pytest.importorskip("websockets.sync.client").connect
    contract = deploy(node)
    with served(node) as port, connect(f"ws://127.0.0.1:{port}") as socket:
        heads = asked(socket, "eth_subscribe", "newHeads")
        logs = asked(socket, "eth_subscribe", "logs", {"address": contract})
        waiting = asked(socket, "eth_subscribe", "newPendingTransactions")
        add(node, contract, 9)
        news = dict(told(socket, 3))
        assert news[heads]["number"] == "0x2"
        assert news[heads]["hash"] == "0x" + node.chain.head.hash.hex()
        assert int(news[logs]["data"], 16) == 9
        assert news[waiting] == news[logs]["transactionHash"]
        for each in (logs, waiting):
            assert asked(socket, "eth_unsubscribe", each) is True
        assert asked(socket, "eth_unsubscribe", logs) is False
        add(node, contract, 10)
        [(name, head)] = told(socket, 1)
        assert (name, head["number"]) == (heads, "0x3")


def test_a_subscriber_is_told_of_blocks_that_others_import(node: DevNode) -> None:
    """Nobody announces them: the node looks now and then."""
    connect = pytest.importorskip("websockets.sync.client").connect
    with served(node) as port, connect(f"ws://127.0.0.1:{port}") as socket:
        heads = asked(socket, "eth_subscribe", "newHeads")
        node.miner.mine()
        [(name, head)] = told(socket, 1)
        assert (name, head["number"]) == (heads, "0x1")


def test_what_cannot_be_subscribed_to_is_told(node: DevNode) -> None:
    connect = pytest.importorskip("websockets.sync.client").connect
    assert code(node, "eth_subscribe", "newHeads") == -32601
    assert "WebSocket" in ask(node, "eth_unsubscribe", "0x1")["error"]["message"]
    with served(node) as port, connect(f"ws://127.0.0.1:{port}") as socket:
        assert asked(socket, "eth_subscribe", "syncing")["code"] == -32602
        assert asked(socket, "eth_subscribe")["code"] == -32602
        assert asked(socket, "eth_subscribe", "logs", {"address": 5})["code"] == -32602
        for _ in range(3):
            asked(socket, "eth_subscribe", "newHeads")
        assert asked(socket, "eth_subscribe", "newHeads")["code"] == -32005
