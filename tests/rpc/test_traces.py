"""Traces over JSON-RPC that are deep, or many."""

from __future__ import annotations

import json
import sys

import pytest
from tests.rpc.sites import result
from tests.rpc.test_dev import ALICE, CONTRACT, NOBODY, new_node, pay

from blockstm.bench.evm.assembly import assemble
from blockstm.rpc.dev import DevNode
from blockstm.rpc.dispatch import handle

DEEPER = assemble("0 0 0 0 0 ADDRESS GAS CALL STOP")


def close(node: DevNode) -> None:
    node.close()
    node.chain.close()


@pytest.mark.parametrize("tracer", ["callTracer", "flatCallTracer", None])
def test_calls_may_be_traced_however_deep(tracer: str | None) -> None:
    node = new_node()
    result(node, "hardhat_setCode", CONTRACT, f"0x{DEEPER.hex()}")
    called = {"to": CONTRACT, "gas": hex(40_000_000)}
    config = {} if tracer is None else {"tracer": tracer}
    params = [called, "latest", config | {"disableStack": True}]
    request = {"jsonrpc": "2.0", "id": 1, "method": "debug_traceCall", "params": params}
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # as it is unless somebody says otherwise, as test runners do
    try:
        answer = handle(node, json.dumps(request))
    finally:
        sys.setrecursionlimit(limit)
    assert answer is not None
    mark = {"callTracer": b'"from":', "flatCallTracer": b'"action":'}.get(tracer or "", b'"CALL"')
    assert answer.startswith(b'{"jsonrpc":"2.0","id":1,"result":')
    assert answer.count(mark) > 500  # deeper than the standard library's parser goes
    close(node)


def test_a_batch_ends_where_its_traces_are_too_many() -> None:
    node = new_node(response_bytes=2000)
    pay(node)
    asked = ("debug_traceBlockByNumber", ["0x1", {"tracer": "callTracer"}])
    sent = ("eth_sendTransaction", [{"from": ALICE, "to": NOBODY, "value": "0x1"}])
    few, many = (
        [
            {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
            for index, (method, params) in enumerate([*[asked] * count, sent])
        ]
        for count in (2, 20)
    )
    answers = json.loads(handle(node, json.dumps(few)) or b"")
    assert [each["id"] for each in answers] == [0, 1, 2]
    assert answers[0]["result"] == answers[1]["result"]
    answer = json.loads(handle(node, json.dumps(many)) or b"")
    assert (answer["id"], answer["error"]["code"]) == (None, -32005)
    assert node.chain.head.number == 2  # nothing behind the last trace has run
    close(node)


def test_a_trace_that_is_larger_than_any_answer_is_not_written_to_its_end() -> None:
    """Each slot that is read is shown again with all that are read after it: gigabytes."""
    node = new_node(response_bytes=1 << 20)
    reads = assemble("0 loop: 1 ADD DUP1 SLOAD POP @loop JUMP")
    result(node, "hardhat_setCode", CONTRACT, f"0x{reads.hex()}")
    params = [{"to": CONTRACT, "gas": hex(45_000_000)}, "latest", {}]
    request = {"jsonrpc": "2.0", "id": 1, "method": "debug_traceCall", "params": params}
    answer = json.loads(handle(node, json.dumps(request)) or b"")
    assert answer["error"]["code"] == -32005
    assert f"more than {1 << 20} bytes as JSON" in answer["error"]["message"]
    close(node)
