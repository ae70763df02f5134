"""Blocks and states of nodes far away, which are ours, lack methods, lie, or do not answer."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.ethereum.far_node import FarNode, Handler, answers, far_node, without
from tests.rpc.contracts import ADD, CODE, COUNT, call_data
from tests.rpc.sites import recorded_node, result
from tests.rpc.test_dev import ALICE, BOB, deploy, new_node, pay

import blockstm
from blockstm.cli import main
from blockstm.errors import (
    ConfigError,
    InputError,
    NodeError,
    NodeRefused,
    NodeUnreachable,
    StateError,
    WrongAnswer,
)
from blockstm.ethereum import (
    Message,
    NodeClient,
    RpcState,
    call,
    call_many,
    fetch_block,
    read_block_file,
)
from blockstm.types import Address

WAYS = ("witness", "proofs", "prestate", "slots")
PROOFS = "eth_getProof"


@pytest.fixture(scope="module")
def grown() -> Iterator[Any]:
    """A node with some blocks: payments, a contract that is deployed and called."""
    node = new_node("prague")
    pay(node, 5)
    contract = deploy(node)
    for amount, sender in ((3, ALICE), (4, BOB)):
        given = {"from": sender, "to": contract, "data": call_data(ADD, amount)}
        result(node, "eth_sendTransaction", given)
    node.contract = contract  # type: ignore[attr-defined]  # for these tests alone
    with node.chain:
        yield node


def accounts_of(far: FarNode) -> list[Address]:
    named = [ALICE, BOB, far.node.contract, "0x" + "77" * 20]  # type: ignore[attr-defined]  # see above
    return [Address(bytes.fromhex(each[2:])) for each in named]


# ---- the state


@pytest.mark.parametrize("proofs", [True, False, None])
@pytest.mark.parametrize("number", [0, 2, 4])
def test_a_state_is_that_of_the_node(far: FarNode, proofs: bool | None, number: int) -> None:
    ours = far.node.chain.state_at(number)
    state = RpcState(far.client(), number, proofs=proofs)
    assert (state.header, state.hash) == (ours.header, ours.hash)
    for address in accounts_of(far):
        expected, found = ours.account(address), state.account(address)
        if expected is None:
            assert found is None
            continue
        assert found is not None
        for name in ("balance", "nonce", "code_hash", "has_storage"):
            if name != "has_storage" or proofs is not False:
                assert getattr(found, name) == getattr(expected, name)
        assert state.code(found.code_hash) == ours.code(expected.code_hash)
        assert state.storage(address, 0) == ours.storage(address, 0)
        assert state.storage(address, 1) == 0
    assert state.is_proved == (proofs is not False)
    assert dict(state.block_hashes) == dict(ours.block_hashes)


def test_calls_run_on_it(far: FarNode) -> None:
    contract = accounts_of(far)[2]
    state = RpcState(far.client(), "latest")
    options = {"block": state.header, "chain": far.node.chain.spec}
    count = Message(to=contract, data=bytes.fromhex(call_data(COUNT)[2:]))
    assert int.from_bytes(call(state, count, **options).output, "big") == 7
    found = call_many(state, [count] * 20, workers=4, **options)
    assert {each.output for each in found} == {(7).to_bytes(32, "big")}


def test_a_value_is_asked_for_once_and_many_in_one_body(far: FarNode) -> None:
    state = RpcState(far.client(), 4)
    addresses = accounts_of(far)
    state.prefetch(addresses, {addresses[2]: [0, 1, 2]})
    bodies = len(far.asked)
    assert bodies == 3  # the header, whether there are proofs, all the rest
    for address in addresses:
        account = state.account(address)
        if account is not None:
            state.code(account.code_hash)
    assert [state.storage(addresses[2], slot) for slot in range(3)] == [7, 0, 0]
    state.prefetch(addresses, {addresses[2]: [0]})
    assert len(far.asked) == bodies


def test_what_many_threads_wait_for_goes_in_few_bodies(far: FarNode) -> None:
    state = RpcState(far.client(), 4, proofs=True)
    first, gate = threading.Event(), threading.Event()

    def hold(handler: Handler, document: Any) -> bool:
        first.set()
        assert gate.wait(60)
        return False

    far.misbehave = hold
    before = len(far.asked)
    threads = [
        threading.Thread(target=state.account, args=(Address(bytes([n]) * 20),)) for n in range(9)
    ]
    threads[0].start()
    assert first.wait(60)
    for each in threads[1:]:
        each.start()
    while state.waiting < 8:
        time.sleep(0.001)
    gate.set()
    for each in threads:
        each.join(60)
    assert len(far.asked) - before == 2


def test_what_was_read_is_kept_in_files(far: FarNode, tmp_path: Path) -> None:
    addresses = accounts_of(far)

    def read(proofs: bool) -> list[Any]:
        state = RpcState(far.client(), 4, cache=tmp_path, proofs=proofs)
        found = [state.account(each) for each in addresses]
        codes = [state.code(each.code_hash) for each in found if each is not None]
        return [found, codes, state.storage(addresses[2], 0)]

    for proofs in (True, False):
        first = read(proofs)
        asked = len(far.asked)
        assert read(proofs) == first
        assert len(far.asked) == asked + 1  # the header
    # Lines that are none, and codes that are not whole, are asked for again.
    for file in tmp_path.glob("*.jsonl"):
        file.write_bytes(
            b'{"address": "0x00"}\n\xff\n' + b"[" * 100_000 + b'\n{"addr' + file.read_bytes()[:50]
        )
    for file in (tmp_path / "codes").iterdir():
        file.write_bytes(b"\0")
    assert read(True)[1][-1] == CODE


@pytest.mark.parametrize("block", ["newest", -1, 1 << 64, b"\0" * 31, None, True, 1.0])
def test_what_names_no_block_is_told(far: FarNode, block: Any) -> None:
    with pytest.raises(InputError, match="a block is a number"):
        RpcState(far.client(), block)


def test_a_block_that_the_node_lacks_is_told(far: FarNode) -> None:
    for block in (100, b"\7" * 32):
        with pytest.raises(NodeRefused, match="no block"):
            RpcState(far.client(), block)
        assert RpcState(far.client(), far.node.chain.head.hash).number == 4


def test_a_node_without_proofs_is_believed_unless_they_are_asked_for(far: FarNode) -> None:
    far.misbehave = without(PROOFS)
    state = RpcState(far.client(), 4)
    address = accounts_of(far)[0]
    account = state.account(address)
    assert account is not None
    assert account.balance == getattr(far.node.chain.state_at(4).account(address), "balance", 0)
    assert state.is_proved is False
    with pytest.raises(NodeRefused):
        RpcState(far.client(), 4, proofs=True).account(address)


# ---- blocks


@pytest.mark.parametrize("way", [*WAYS, None])
def test_a_block_is_fetched_with_all_that_it_reads(
    far: FarNode, way: str | None, tmp_path: Path
) -> None:
    spec = far.node.chain.spec
    for number in range(1, 5):
        told: list[str] = []
        file = fetch_block(far.client(), number, way=way, chain=spec, on_progress=told.append)
        block = far.node.chain.block(number)
        assert file.block.encode() == block.encode()
        done = blockstm.execute_block(file.block, file.state(), vm="evm", chain=spec)
        assert tuple(done.receipts) == far.node.chain.receipts(number)
        before = far.node.chain.state_at(number - 1)
        for address, account in file.accounts.items():
            expected = before.account(address)
            assert expected is not None
            assert (account.balance, account.nonce) == (expected.balance, expected.nonce)
            for slot, value in account.storage.items():
                assert value == before.storage(address, slot)
        assert told[0].startswith(f"block {number}: ")
        assert told[-1].startswith(f"by {way or 'witness'}: ")


@pytest.mark.parametrize("way", [*WAYS, None])
def test_the_blocks_of_execution_apis_are_fetched(way: str | None) -> None:
    """Of all forks from Frontier on, with ommers, withdrawals, and every kind of transaction."""
    node = recorded_node()
    with far_node(node) as far:
        for number in range(1, 55, 6):
            file = fetch_block(far.client(), number, way=way, chain=node.chain.spec)
            assert file.block.encode() == node.chain.block(number).encode()


def test_the_next_way_is_taken_where_a_node_lacks_one(far: FarNode) -> None:
    chain = far.node.chain.spec
    lacks: list[str] = []
    for method, way in (
        ("debug_executionWitness", "proofs"),
        (PROOFS, "prestate"),
        ("debug_traceBlockByNumber", "slots"),
    ):
        lacks.append(method)
        far.misbehave = without(*lacks)
        told: list[str] = []
        fetch_block(far.client(), 4, chain=chain, on_progress=told.append)
        assert told[-1].startswith(f"by {way}: ")
        assert told[1].startswith("not by witness: ")
    far.misbehave = without(*lacks, "eth_getBalance")
    with pytest.raises(NodeRefused, match="by no way"):
        fetch_block(far.client(), 4, chain=chain)


# ---- lies


def other_end(text: str) -> str:
    return text[:-1] + ("1" if text[-1] == "0" else "0")


def lie(method: str, answer: Any, wanted: str) -> Any:
    """Another answer, of those to one method."""
    if method != wanted:
        return answer
    if method == "eth_getTransactionCount":
        return hex(int(answer, 16) + 1)
    if method == "eth_getStorageAt":
        return "0x" + "00" * 32
    if method == "eth_getCode":
        return "0x00" if answer != "0x" else answer
    name = "state" if method == "debug_executionWitness" else "accountProof"
    return answer | {name: [other_end(each) for each in answer[name]]}


@pytest.mark.parametrize(
    ("way", "method"),
    [
        ("witness", "debug_executionWitness"),
        ("proofs", PROOFS),
        ("slots", "eth_getStorageAt"),
        ("slots", "eth_getTransactionCount"),
        ("slots", "eth_getCode"),
    ],
)
def test_a_lie_is_found_out(far: FarNode, way: str, method: str) -> None:
    """By proofs at once; else by what the block does, where that shows it."""
    far.misbehave = answers(lambda name, answer: lie(name, answer, method))
    with pytest.raises(WrongAnswer):
        fetch_block(far.client(), 4, way=way, chain=far.node.chain.spec)


def test_no_lie_is_told_of_a_state_that_is_proved(far: FarNode) -> None:
    far.misbehave = answers(lambda name, answer: lie(name, answer, PROOFS))
    address = accounts_of(far)[0]
    state = RpcState(far.client(), 4, proofs=True)
    with pytest.raises(WrongAnswer, match="proof"):
        state.account(address)
    options = {"block": state.header, "chain": far.node.chain.spec}
    with pytest.raises(StateError) as raised:
        call(state, Message(to=address), **options)
    assert isinstance(raised.value.__cause__, WrongAnswer)


@pytest.mark.parametrize("name", ["hash", "parentHash", "stateRoot", "number"])
def test_a_header_that_is_not_the_blocks_is_found_out(far: FarNode, name: str) -> None:
    def change(method: str, answer: Any) -> Any:
        if method == "eth_getBlockByNumber":
            answer[name] = "0x5" if name == "number" else "0x" + "11" * 32
        return answer

    far.misbehave = answers(change)
    with pytest.raises(WrongAnswer):
        RpcState(far.client(), 4)
    with pytest.raises(WrongAnswer):
        fetch_block(far.client(), 4, chain=far.node.chain.spec)


@pytest.mark.parametrize("answer", [5, [], "0x", {}, {"accountProof": [1], "storageProof": []}])
def test_what_is_no_answer_is_told(far: FarNode, answer: Any) -> None:
    far.misbehave = answers(lambda name, told: answer if name != "eth_getBlockByNumber" else told)
    for proofs in (True, False):
        with pytest.raises(WrongAnswer):
            RpcState(far.client(), 4, proofs=proofs).account(accounts_of(far)[0])
    for way in WAYS:
        with pytest.raises(WrongAnswer):
            fetch_block(far.client(), 4, way=way, chain=far.node.chain.spec)


# ---- what the world does


def in_turn(*faults: Any) -> Any:
    """Misbehaves once in each way, and then no more."""
    left = list(faults)

    def misbehave(handler: Handler, document: Any) -> bool:
        if not left:
            return False
        left.pop(0)(handler, document)
        return True

    return misbehave


def truncated(handler: Handler, document: Any) -> None:
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"jsonrpc": "2.0", ')
    handler.close_connection = True


def cut(handler: Handler, document: Any) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def refused(code: int) -> Any:
    def misbehave(handler: Handler, document: Any) -> None:
        error = {"code": code, "message": "too many"}
        listed = document if isinstance(document, list) else [document]
        found = [{"jsonrpc": "2.0", "id": each["id"], "error": error} for each in listed]
        handler.answer(found if isinstance(document, list) else found[0])

    return misbehave


FAULTS: list[Any] = [
    truncated,
    cut,
    lambda handler, document: handler.answer({}, 429, Retry_After="7"),
    lambda handler, document: handler.answer({}, 503),
    lambda handler, document: handler.send(b"<html>"),
    lambda handler, document: handler.send(b'{"jsonrpc"'),
    lambda handler, document: handler.answer([]),
    refused(-32005),
]


def test_what_may_go_better_is_tried_again(far: FarNode) -> None:
    waits: list[float] = []
    far.misbehave = in_turn(*FAULTS)
    client = far.client(retries=len(FAULTS), sleep=waits.append)
    assert client.ask("eth_blockNumber") == "0x4"
    assert len(waits) == len(FAULTS)
    assert waits[2] == 7  # what the node says
    assert 0.25 <= waits[0] <= 0.5
    assert waits[-1] > waits[0]


@pytest.mark.parametrize("place", range(len(FAULTS)))
def test_a_node_that_stays_so_is_unreachable(far: FarNode, place: int) -> None:
    far.misbehave = in_turn(*[FAULTS[place]] * 10)
    with pytest.raises(NodeUnreachable, match="after 3 tries"):
        far.client(retries=2).ask("eth_blockNumber")
    assert len(far.asked) == 3


def test_a_node_that_hangs_is_given_up(far: FarNode) -> None:
    gate = threading.Event()
    far.misbehave = lambda handler, document: not gate.wait(60)
    with pytest.raises(NodeUnreachable, match="timed out"):
        far.client(timeout=0.05, retries=1).ask("eth_blockNumber")
    gate.set()


def test_a_node_that_is_not_there_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    client = NodeClient(f"http://127.0.0.1:{port}", retries=0)
    with pytest.raises(NodeUnreachable, match="no answer"):
        client.ask("eth_blockNumber")


@pytest.mark.parametrize(
    "document",
    [5, [5], {"id": 9, "result": 1}, {"id": 0}, {"id": True, "result": 1}, [{"id": "0"}], "x"],
)
def test_answers_to_nothing_are_told(far: FarNode, document: Any) -> None:
    far.misbehave = lambda handler, asked: handler.answer(document) is None
    with pytest.raises(NodeError):
        far.client(retries=0).ask("eth_blockNumber")


def test_what_will_not_go_better_is_not_tried_again(far: FarNode) -> None:
    far.misbehave = lambda handler, document: handler.answer({}, 401) is None
    with pytest.raises(NodeRefused, match="status 401") as raised:
        far.client().ask("eth_blockNumber")
    assert raised.value.code == 401
    far.misbehave = lambda handler, document: (
        handler.answer({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no"}})
        is None
    )
    with pytest.raises(NodeRefused, match="the request"):
        far.client().ask("eth_blockNumber")
    far.misbehave = None
    with pytest.raises(NodeRefused, match="does not exist"):
        far.client().ask("eth_nothing")
    assert len(far.asked) == 3


def test_an_answer_may_not_be_too_long(far: FarNode) -> None:
    with pytest.raises(WrongAnswer, match="over 100 bytes"):
        far.client(response_bytes=100).ask("eth_getBlockByNumber", "0x0", False)


def test_only_what_failed_is_asked_again(far: FarNode) -> None:
    def half(handler: Handler, document: Any) -> None:
        found = [{"jsonrpc": "2.0", "id": each["id"], "result": each["id"]} for each in document]
        handler.answer(found[: len(found) // 2])

    far.misbehave = in_turn(half)
    requests = [("eth_blockNumber", [])] * 4
    assert far.client().ask_all(requests) == [0, 1, "0x4", "0x4"]
    assert [len(each) for each in far.asked] == [4, 2]


def test_bodies_are_bounded_and_no_faster_than_wanted(far: FarNode) -> None:
    waits: list[float] = []
    client = far.client(batch=2, rate=0.001, sleep=waits.append)
    assert client.ask_all([("eth_blockNumber", [])] * 5) == ["0x4"] * 5
    assert [len(each) if isinstance(each, list) else 1 for each in far.asked] == [2, 2, 1]
    assert len(waits) == 2
    assert all(900 < each < 2001 for each in waits)


def test_a_key_goes_with_every_request(far: FarNode) -> None:
    url = far.url.replace("//", "//us%40er:pass@")
    client = NodeClient(url, headers={"x-key": "7"})
    assert client.ask("eth_blockNumber") == "0x4"
    sent = {name.lower(): value for name, value in far.headers[-1].items()}
    assert (sent["authorization"], sent["x-key"]) == ("Basic dXNAZXI6cGFzcw==", "7")


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x"},
        {"url": "127.0.0.1:8545"},
        {"url": 5},
        {"timeout": 0},
        {"retries": -1},
        {"batch": 0},
        {"rate": 0},
        {"back_off": "x"},
        {"response_bytes": True},
    ],
)
def test_options_that_are_none_are_told(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        NodeClient(**({"url": "http://127.0.0.1:1"} | wrong))


# ---- the command


def test_the_command_writes_a_block_file(
    far: FarNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    genesis = tmp_path / "genesis.json"
    config = {"chainId": 31337, "terminalTotalDifficulty": 0}
    forks = "homestead eip150 eip155 eip158 byzantium constantinople petersburg istanbul berlin"
    config |= {f"{fork}Block": 0 for fork in [*forks.split(), "london"]}
    config |= {f"{fork}Time": 0 for fork in ("shanghai", "cancun", "prague")}
    genesis.write_text(json.dumps({"config": config, "alloc": {}}))
    for ending in ("json", "json.gz", "json.xz"):
        output = tmp_path / f"4.{ending}"
        arguments = ["fetch", far.url, "4", "-o", str(output), "--genesis", str(genesis)]
        assert main([*arguments, "--prestate"]) == 0
        told = capsys.readouterr()
        assert told.out == f"{output}\n"
        assert "by prestate" in told.err
        file = read_block_file(output)
        assert file.block.encode() == far.node.chain.block(4).encode()
    assert main([*arguments, "--by", "witness", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("changed", "status", "message"),
    [
        (["9"], 1, "no block 9"),
        (["4"], 1, "wrong"),
        (["0"], 2, "an int from 1"),
        (["4", "--by", "magic"], 2, "a way is one of"),
        (["4", "-o", "x.txt"], 2, "--output ends in"),
        (["4", "--genesis", "nowhere.json"], 2, "--genesis: "),
        (["4", "--batch", "0"], 2, "batch is a number from 1"),
    ],
)
def test_the_command_tells_what_is_wrong(
    far: FarNode, changed: list[str], status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mainnet's rules are not those of this chain."""
    assert main(["fetch", far.url, *changed]) == status
    if message != "wrong":
        assert message in capsys.readouterr().err
