"""Requests of every form: each has a response, and never an exception."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rpc.sites import archive, code, recorded_node, result

from blockstm.chain import Chain
from blockstm.errors import ConfigError
from blockstm.rpc import Limits, Node, dispatch, handle
from blockstm.rpc.methods.table import METHODS

GENESIS: dict[str, Any] = {
    "config": {"chainId": 1337, "londonBlock": 0, "terminalTotalDifficulty": 0},
    "gasLimit": "0x1c9c380",
    "alloc": {"0x" + "01" * 20: {"balance": "0x64"}},
}
NUMBER = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber"}


def node(**limits: int) -> Node:
    return Node(Chain.in_memory(GENESIS), Limits(**limits))


def error_code(text: bytes | str, **limits: int) -> int:
    answer = handle(node(**limits), text)
    assert answer is not None
    found: int = json.loads(answer)["error"]["code"]
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", -32700),
        ("{", -32700),
        (b"\xff", -32700),
        ('{"id": NaN}', -32700),
        ("[" * 100_000, -32700),
        ('{"a":' * 65 + "0" + "}" * 65, -32700),
        ("[0," * 64 + "[" + '"' + '\\"' * 100_000, -32700),
        ("9" * 5000, -32700),
        ("[]", -32600),
        ("3", -32600),
        ("null", -32600),
        ("{}", -32600),
        ('{"jsonrpc": "1.0", "id": 1, "method": "eth_blockNumber"}', -32600),
        ('{"jsonrpc": "2.0", "id": {}, "method": "eth_blockNumber"}', -32600),
        ('{"jsonrpc": "2.0", "id": true, "method": "eth_blockNumber"}', -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": 7}', -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": "eth_nothing"}', -32601),
        ('{"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": {}}', -32602),
        ('{"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": [1]}', -32602),
        ('{"jsonrpc": "2.0", "id": 1, "method": "eth_getBalance", "params": []}', -32602),
    ],
)
def test_what_is_no_request_has_its_code(text: bytes | str, wanted: int) -> None:
    assert error_code(text) == wanted


def test_brackets_in_strings_are_no_depth() -> None:
    text = json.dumps(NUMBER | {"id": '[{\\"' * 1000, "more": [[]] * 100})
    answer = handle(node(), text)
    assert answer is not None
    assert json.loads(answer)["result"] == "0x0"


def test_a_high_limit_of_recursion_lets_no_text_overflow_the_stack() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000_000)
    try:
        assert error_code("[" * 1_000_000) == -32700
    finally:
        sys.setrecursionlimit(before)


def test_a_method_that_is_nearly_there_is_named() -> None:
    response = dispatch(node(), NUMBER | {"method": "eth_blockNumbr"})
    assert "eth_blockNumber" in response["error"]["message"]


def test_a_batch_is_answered_in_order_and_without_its_notifications() -> None:
    silent = {"jsonrpc": "2.0", "method": "eth_blockNumber"}
    answers = dispatch(node(), [NUMBER, silent, NUMBER | {"id": "a"}, 5])
    assert [each["id"] for each in answers] == [1, "a", None]
    assert answers[2]["error"]["code"] == -32600
    assert dispatch(node(), [silent]) is None
    assert handle(node(), json.dumps(silent)) is None
    assert dispatch(node(), silent | {"method": "eth_nothing"}) is None
    assert dispatch(node(), NUMBER | {"id": None})["result"] == "0x0"


def test_requests_have_limits() -> None:
    assert error_code(json.dumps([NUMBER] * 3), batch=2) == -32005
    assert error_code(json.dumps(NUMBER), request_bytes=10) == -32005
    assert error_code(json.dumps(NUMBER), response_bytes=10) == -32005
    slots = NUMBER | {"method": "eth_getProof", "params": ["0x" + "01" * 20, ["0x0"] * 3]}
    assert error_code(json.dumps(slots), slots=2) == -32005
    with pytest.raises(ConfigError, match="limit gas is an int from 1"):
        Limits(gas=0)


def test_gas_logs_and_fees_have_limits() -> None:
    chain = recorded_node().chain
    small = Node(chain, Limits(log_blocks=5, fee_blocks=2, gas=20_000, logs=1))
    assert code(small, "eth_getLogs", {"fromBlock": "0x1", "toBlock": "0x6"}) == -32005
    assert code(small, "eth_getLogs", {"fromBlock": "0x2", "toBlock": "0x2"}) == -32005
    assert len(result(small, "eth_feeHistory", "0x400", "latest")["gasUsedRatio"]) == 2
    assert code(small, "eth_call", {"to": "0x" + "01" * 20}) == -32000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
ADDRESS = "0x7dcd17433742f4c0ca53122ab541d0ba67fc27df"
HASH = "0xb4874cd66b2070da5d1905b5937e97c82d1891747739b3ebb0f7f6ffc9ad518a"
MEMBERS = [
    "from",
    "to",
    "value",
    "data",
    "input",
    "gas",
    "nonce",
    "gasPrice",
    "maxFeePerGas",
    "accessList",
    "authorizationList",
    "blobVersionedHashes",
    "blockHash",
    "blockNumber",
    "fromBlock",
    "toBlock",
    "address",
    "topics",
    "tracer",
    "tracerConfig",
    "stateOverrides",
    "blockOverrides",
    "blockStateCalls",
    "calls",
    "validation",
    "balance",
    "code",
    "state",
    "stateDiff",
    "movePrecompileToAddress",
    "number",
    "time",
    "withdrawals",
    "timestamp",
    "prevRandao",
    "suggestedFeeRecipient",
    "parentBeaconBlockRoot",
    "limit",
    "enableMemory",
]
VALUES = st.deferred(
    lambda: (
        st.sampled_from(["0x", "0x0", "0x1", "0x2", "latest", "pending", "callTracer", ADDRESS])
        | st.sampled_from([HASH, "0x" + "f" * 64, "2", "0x01", "0xzz", "0x" + "f" * 16, {}, []])
        | JSON
        | st.lists(VALUES, max_size=3)
        | st.dictionaries(st.sampled_from([*MEMBERS, ADDRESS]), VALUES, max_size=5)
    )
)


@settings(max_examples=1500)
@given(st.sampled_from(sorted(METHODS)), st.lists(VALUES, max_size=4))
def test_no_parameters_are_our_fault(method: str, params: list[Any]) -> None:
    response = dispatch(recorded_node(), NUMBER | {"method": method, "params": params})
    assert ("result" in response) != ("error" in response)
    json.dumps(response)
    assert not is_our_fault(response, method), response


def is_our_fault(response: dict[str, Any], method: str) -> bool:
    """Whether a fault of ours is told; eth_simulateV1 has the same code for some of its rules."""
    error = response.get("error", {"code": 0})
    if method == "eth_simulateV1" and not error.get("message", "").startswith("internal error"):
        return False
    return bool(error["code"] == -32603)


@settings(max_examples=600)
@given(st.data())
def test_no_change_of_a_good_request_is_our_fault(data: Any) -> None:
    exchange = data.draw(st.sampled_from(archive().exchanges))
    request = json.loads(json.dumps(data.draw(st.sampled_from(exchange.steps))[0]))
    for _ in range(data.draw(st.integers(1, 3))):
        change(request.setdefault("params", []), data)
    response = dispatch(mutated_node(), request)
    json.dumps(response)
    assert not is_our_fault(response, request["method"]), response


def change(value: Any, data: Any) -> None:
    """Another value, another member or one element less, somewhere inside."""
    while value:
        keys = sorted(value) if isinstance(value, dict) else range(len(value))
        key = data.draw(st.sampled_from(keys))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            break
        value = inner
    else:
        return
    if isinstance(inner, str) and data.draw(st.booleans()):
        value[key] = inner[:-1] if data.draw(st.booleans()) else inner + "0"
    elif isinstance(value, list) and data.draw(st.booleans()):
        del value[key]
    else:
        value[key] = data.draw(VALUES)


@cache
def mutated_node() -> Node:
    """A node whose pool fills."""
    return Node(archive().chain())


@settings(max_examples=500)
@given(JSON | st.lists(st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "method": JSON})))
def test_every_document_has_a_response_or_wants_none(document: Any) -> None:
    answer = handle(node_once(), json.dumps(document))
    assert answer is None or isinstance(json.loads(answer), dict | list)


@settings(max_examples=500)
@given(st.binary(max_size=40))
def test_any_bytes_have_a_response(body: bytes) -> None:
    answer = handle(node_once(), body)
    assert answer is not None
    json.loads(answer)


@cache
def node_once() -> Node:
    return node()
