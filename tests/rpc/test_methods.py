"""What methods answer beyond the recorded exchanges, held against the chain itself."""

from __future__ import annotations

from typing import Any

import pytest
from tests.rpc.sites import code, recorded_node, result

from blockstm.chain import Chain
from blockstm.ethereum import MAINNET, Header
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.rpc import Limits, Node
from blockstm.rpc.methods import network

CONTRACT = "0x7dcd17433742f4c0ca53122ab541d0ba67fc27df"
UNKNOWN = "0x" + "ab" * 32


@pytest.fixture(scope="module")
def node() -> Node:
    return recorded_node()


def test_blocks_are_named_in_every_way(node: Node) -> None:
    head = node.chain.head
    names: list[Any] = ["latest", "safe", "finalized", "pending", "0x36", None]
    names += ["0x" + head.hash.hex(), {"blockHash": "0x" + head.hash.hex()}]
    names += [{"blockNumber": "0x36"}, {"blockNumber": "latest"}]
    assert {result(node, "eth_getBalance", CONTRACT, each) for each in names} == {"0x76"}
    assert result(node, "eth_getBalance", CONTRACT, "earliest") == hex(
        getattr(node.chain.state_at(0).account(bytes.fromhex(CONTRACT[2:])), "balance", 0)
    )


@pytest.mark.parametrize(
    "name",
    ["54", "newest", "0x036", 54, True, [], {}, {"blockHash": UNKNOWN, "blockNumber": "0x1"}],
)
def test_what_names_no_block_is_told(node: Node, name: Any) -> None:
    assert code(node, "eth_getBalance", CONTRACT, name) == -32602


def test_of_a_block_that_is_not_there_nothing_is_told(node: Node) -> None:
    for method in ("eth_getBlockByHash", "eth_getHeaderByHash", "eth_getUncleCountByBlockHash"):
        assert result(node, method, UNKNOWN) is None
    assert result(node, "eth_getBlockByNumber", "0x37") is None
    assert code(node, "eth_getBalance", CONTRACT, "0x37") == -32000
    assert code(node, "debug_getRawBlock", "0x37") == -32000
    assert code(node, "eth_getLogs", {"blockHash": UNKNOWN}) == -32000


def test_encodings_are_those_of_the_chain(node: Node) -> None:
    for number in (0, 1, 24, 54):
        block = node.chain.block(number)
        assert result(node, "debug_getRawBlock", hex(number)) == "0x" + block.encode().hex()
        header = result(node, "debug_getRawHeader", hex(number))
        assert keccak(bytes.fromhex(header[2:])) == block.hash
        shown = result(node, "eth_getHeaderByNumber", hex(number))
        assert shown["hash"] == "0x" + block.hash.hex()
        for index, each in enumerate(block.transactions):
            raw = "0x" + each.encode().hex()
            place = hex(number), hex(index)
            assert result(node, "eth_getRawTransactionByBlockNumberAndIndex", *place) == raw
            assert result(node, "eth_getRawTransactionByHash", "0x" + each.hash.hex()) == raw
        past = hex(len(block.transactions))
        assert result(node, "eth_getTransactionByBlockNumberAndIndex", hex(number), past) is None


def test_logs_are_those_of_the_receipts(node: Node) -> None:
    """The Bloom filters pass over no block that has one."""
    everything = result(node, "eth_getLogs", {"fromBlock": "earliest"})
    of_receipts = [
        log
        for number in range(55)
        for receipt in result(node, "eth_getBlockReceipts", hex(number))
        for log in receipt["logs"]
    ]
    assert everything == of_receipts
    assert len(everything) > 50
    for log in everything[::7]:
        asked = {"fromBlock": "0x0", "address": log["address"], "topics": log["topics"]}
        found = result(node, "eth_getLogs", asked)
        assert found == [
            each
            for each in everything
            if each["address"] == log["address"]
            and each["topics"][: len(log["topics"])] == log["topics"]
        ]


def test_proofs_prove_slots(node: Node) -> None:
    keys = ["0x0", "0x" + "00" * 32, "0x1"]
    proof = result(node, "eth_getProof", CONTRACT, keys)
    assert [each["key"] for each in proof["storageProof"]] == keys
    assert [each["value"] for each in proof["storageProof"]] == ["0x38", "0x38", "0x0"]
    top = bytes.fromhex(proof["accountProof"][0][2:])
    assert keccak(top) == node.chain.head.header.state_root
    assert (
        keccak(bytes.fromhex(proof["storageProof"][0]["proof"][0][2:])).hex()
        in (proof["storageHash"])
    )


def test_fees_are_those_of_the_headers(node: Node) -> None:
    told = result(node, "eth_feeHistory", "0x37", "latest", [0, 100])
    headers = [node.chain.header(number) for number in range(55)]
    fees = [hex(each.base_fee_per_gas or 0) for each in headers]
    assert told["baseFeePerGas"] == [*fees, result(node, "eth_baseFee")]
    assert told["baseFeePerBlobGas"][-1] == result(node, "eth_blobBaseFee")
    assert told["gasUsedRatio"] == [each.gas_used / each.gas_limit for each in headers]
    tip = int(result(node, "eth_maxPriorityFeePerGas"), 16)
    assert int(result(node, "eth_gasPrice"), 16) == tip + (headers[-1].base_fee_per_gas or 0)
    assert code(node, "eth_feeHistory", "0x1", "0x37") == -32602
    for wrong in ([101], [2, 1], ["5"], [True]):
        assert code(node, "eth_feeHistory", "0x1", "latest", wrong) == -32602


def test_a_call_is_traced_as_it_would_be_run(node: Node) -> None:
    call = {"to": CONTRACT, "gas": "0xfffff", "input": "0x01"}
    trace = result(node, "debug_traceCall", call, "latest", {"tracer": "callTracer"})
    assert trace["to"] == CONTRACT
    steps = result(node, "debug_traceCall", call, "latest")
    assert steps["gas"] == int(trace["gasUsed"], 16)
    overrides = {CONTRACT: {"code": "0x6001600055"}}
    changed = result(node, "debug_traceCall", call, "latest", {"stateOverrides": overrides})
    assert [each["op"] for each in changed["structLogs"]] == ["PUSH1", "PUSH1", "SSTORE", "STOP"]
    assert code(node, "debug_traceCall", call, "latest", {"tracer": "noTracer"}) == -32000


def test_calls_see_what_is_overridden(node: Node) -> None:
    code_of_number = "0x4360005260206000f3"
    call = {"to": CONTRACT}
    state = {CONTRACT: {"code": code_of_number}}
    assert int(result(node, "eth_call", call, "latest", state), 16) == 54
    assert int(result(node, "eth_call", call, "latest", state, {"number": "0x100"}), 16) == 256
    both = {"to": CONTRACT, "data": "0x01", "input": "0x02"}
    assert code(node, "eth_call", both) == -32602


def test_traces_and_namespaces_are_limited(node: Node) -> None:
    small = Node(node.chain, Limits(trace_bytes=1000), namespaces=("debug",))
    assert len(result(small, "debug_traceBlockByNumber", "0x1", {"tracer": "callTracer"})) == 4
    assert code(small, "debug_traceBlockByNumber", "0x1") == -32005
    call = {"to": CONTRACT, "input": "0x01"}
    assert code(small, "debug_traceCall", call, "latest") == -32005
    assert code(small, "eth_blockNumber") == -32601


class _Mainnet:
    spec = MAINNET

    def header(self, which: int) -> Header:
        return recorded_node().chain.header(which)  # its time is that of mainnet's first block: 0

    def block_hash(self, number: int) -> bytes:
        return bytes.fromhex("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3")


@pytest.mark.parametrize(
    ("fork", "identifier"),
    [
        ("frontier", "fc64ec04"),
        ("homestead", "97c2c34c"),
        ("dao_fork", "91d1f948"),
        ("byzantium", "a00bc324"),
        ("london", "b715077d"),
        ("paris", "f0afd0e3"),
        ("shanghai", "dce96c2d"),
        ("cancun", "9f3d2254"),
        ("prague", "c376cf8b"),
    ],
)
def test_fork_identifiers_are_those_of_the_eips(fork: str, identifier: str) -> None:
    """EIP-2124 and EIP-6122 list them for mainnet; later ones are widely known."""
    [activation] = [each for each in MAINNET.activations if each.fork.name == fork]
    told = network.fork_identifier(_Mainnet(), activation)  # type: ignore[arg-type]  # as much of a chain as it reads
    assert told.hex() == identifier


def test_a_chain_of_one_old_block_has_answers_too() -> None:
    genesis: dict[str, Any] = {
        "config": {"chainId": 1, "homesteadBlock": 0},
        "difficulty": "0x20000",
        "alloc": {},
    }
    with Chain.in_memory(genesis) as chain:
        node = Node(chain)
        assert result(node, "eth_capabilities")["state"]["oldestBlock"] == "0x0"
        assert result(node, "eth_config") == {"current": None, "next": None, "last": None}
        assert result(node, "eth_baseFee") == "0x0"
        assert result(node, "web3_sha3", "0x") == "0x" + keccak(b"").hex()
        assert result(node, "web3_clientVersion").startswith("blockstm/")
        assert result(node, "eth_accounts") == []
        assert result(node, "net_peerCount") == "0x0"
        assert result(node, "net_listening") is False
