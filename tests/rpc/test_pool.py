"""Transactions that wait: sent, replaced, built into blocks, gone once they are mined."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from tests.ethereum.builders import NOBODY, SENDERS
from tests.ethereum.test_builders import blobs, pay
from tests.rpc.sites import ask, code, result

from blockstm.chain import Chain
from blockstm.ethereum import Transaction, block_of_payload
from blockstm.rpc import Limits, Node
from blockstm.rpc.methods.transactions import checksummed

FORKS = "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin london"
GENESIS: dict[str, Any] = {
    "config": {f"{fork}Block": 0 for fork in FORKS.split()}
    | {"chainId": 1337, "terminalTotalDifficulty": 0, "shanghaiTime": 0, "cancunTime": 0}
    | {"blobSchedule": {"cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477}}},
    "gasLimit": "0x1c9c380",
    "baseFeePerGas": "0x7",
    "alloc": {"0x" + sender.hex(): {"balance": hex(10**18)} for sender in SENDERS},
}
ATTRIBUTES = {
    "timestamp": "0xc",
    "suggestedFeeRecipient": "0x" + "cb" * 20,
    "prevRandao": "0x" + "00" * 32,
    "parentBeaconBlockRoot": "0x" + "00" * 32,
    "withdrawals": [],
}


@pytest.fixture
def node() -> Iterator[Node]:
    with Chain.in_memory(GENESIS) as chain:
        yield Node(chain, Limits(pool_of_sender=4, pool=6))


def shown(data: bytes) -> str:
    return "0x" + data.hex()


def send(node: Node, transaction: Transaction) -> dict[str, Any]:
    answer: dict[str, Any] = ask(node, "eth_sendRawTransaction", shown(transaction.encode()))
    return answer


def nonces(node: Node, kind: str) -> dict[str, list[str]]:
    return {who: [*each] for who, each in result(node, "txpool_content")[kind].items()}


def test_what_is_sent_waits_by_sender_and_nonce(node: Node) -> None:
    for nonce in (2, 0):
        _, transaction = pay(0, nonce)
        assert send(node, transaction)["result"] == shown(transaction.hash)
    who = checksummed(SENDERS[0])
    assert nonces(node, "pending") == {who: ["0"]}
    assert nonces(node, "queued") == {who: ["2"]}
    assert result(node, "txpool_status") == {"pending": "0x1", "queued": "0x1"}
    send(node, pay(0, 1)[1])
    assert nonces(node, "pending") == {who: ["0", "1", "2"]}
    assert [*result(node, "txpool_contentFrom", shown(SENDERS[0]))["pending"]] == ["0", "1", "2"]
    assert result(node, "eth_getTransactionCount", shown(SENDERS[0]), "pending") == "0x3"
    assert result(node, "eth_getTransactionCount", shown(SENDERS[0]), "latest") == "0x0"


def test_what_waits_is_found_by_its_hash(node: Node) -> None:
    _, transaction = pay(0, 0)
    send(node, transaction)
    found = result(node, "eth_getTransactionByHash", shown(transaction.hash))
    assert (found["blockHash"], found["from"]) == (None, shown(SENDERS[0]))
    raw = result(node, "debug_getRawTransaction", shown(transaction.hash))
    assert raw == shown(transaction.encode())
    assert result(node, "eth_getTransactionReceipt", shown(transaction.hash)) is None


def test_what_waits_is_built_and_gone_once_it_is_mined(node: Node) -> None:
    for key, nonce in ((0, 0), (0, 1), (1, 0), (2, 5)):
        send(node, pay(key, nonce)[1])
    head = shown(node.chain.head.hash)
    built = result(node, "testing_buildBlockV1", head, ATTRIBUTES, None)
    payload = built["executionPayload"]
    assert len(payload["transactions"]) == 3
    assert int(built["blockValue"], 16) == 3 * 21_000
    block = block_of_payload(payload, parent_beacon_block_root=bytes(32))
    assert node.chain.import_block(block).hash == block.hash
    assert nonces(node, "pending") == {}
    assert nonces(node, "queued") == {checksummed(SENDERS[2]): ["5"]}
    assert result(node, "eth_getBalance", shown(NOBODY)) == "0x3"
    receipt = result(node, "eth_getTransactionReceipt", shown(block.transactions[2].hash))
    assert (receipt["transactionIndex"], receipt["gasUsed"]) == ("0x2", "0x5208")
    assert receipt["cumulativeGasUsed"] == hex(63_000)
    traces = result(node, "debug_traceBlockByNumber", "0x1", {"tracer": "callTracer"})
    assert [each["result"]["gasUsed"] for each in traces] == ["0x5208"] * 3
    again = result(node, "debug_traceBlock", shown(block.encode()), {"tracer": "callTracer"})
    assert again == traces


def test_only_what_is_given_is_built(node: Node) -> None:
    send(node, pay(0, 0)[1])
    head, other = shown(node.chain.head.hash), shown(pay(1, 0)[1].encode())
    built = result(node, "testing_buildBlockV1", head, ATTRIBUTES, [other], "0x1234")
    assert built["executionPayload"]["transactions"] == [other]
    assert built["executionPayload"]["extraData"] == "0x1234"
    assert built["executionPayload"]["blockNumber"] == "0x1"
    late = shown(pay(1, 7)[1].encode())
    assert code(node, "testing_buildBlockV1", head, ATTRIBUTES, [late]) == -32000


@pytest.mark.parametrize(
    ("transaction", "message"),
    [
        (pay(0, 0, chain_id=5)[1], "chain"),
        (pay(0, 0, gas=20_000)[1], "intrinsic"),
        (pay(0, 0, gas=30_000_001)[1], "exceeds block gas limit"),
        (pay(0, 0, value=10**18)[1], "insufficient funds"),
        (pay(0, 0, max_priority_fee_per_gas=11)[1], "priority"),
    ],
)
def test_what_breaks_a_rule_does_not_wait(
    node: Node, transaction: Transaction, message: str
) -> None:
    error = send(node, transaction)["error"]
    assert error["code"] == -32000
    assert message in error["message"]
    assert result(node, "txpool_status") == {"pending": "0x0", "queued": "0x0"}


def test_a_transaction_is_replaced_by_one_that_pays_a_tenth_more(node: Node) -> None:
    fees = {"max_fee_per_gas": 100, "max_priority_fee_per_gas": 100}
    _, first = pay(0, 0, **fees)
    send(node, first)
    assert send(node, first)["error"]["message"] == "already known"
    _, little = pay(0, 0, max_fee_per_gas=110, max_priority_fee_per_gas=109)
    assert "underpriced" in send(node, little)["error"]["message"]
    _, enough = pay(0, 0, max_fee_per_gas=110, max_priority_fee_per_gas=110)
    assert send(node, enough)["result"] == shown(enough.hash)
    assert result(node, "eth_getTransactionByHash", shown(first.hash)) is None


def test_the_pool_has_limits(node: Node) -> None:
    for nonce in range(4):
        assert "result" in send(node, pay(0, nonce)[1])
    assert send(node, pay(0, 4)[1])["error"]["code"] == -32005
    assert "result" in send(node, pay(1, 0)[1])
    assert "result" in send(node, pay(2, 0)[1])
    assert send(node, pay(3, 0)[1])["error"]["message"] == "the pool is full"


def test_blobs_come_with_their_transaction(node: Node) -> None:
    _, transaction = blobs(0, 0, 1)
    error = send(node, transaction)["error"]
    assert error["code"] == -32602
    assert "sent with its blobs" in error["message"]


@pytest.mark.parametrize("text", ["0x", "0x02", "0x03", "0x03c0", "0x03c1c0", "0xc0", "0x7f" * 2])
def test_what_is_no_transaction_is_told(node: Node, text: str) -> None:
    assert code(node, "eth_sendRawTransaction", text) == -32602
