"""What test suites ask a node to develop against for: dumps, reorganizations, switches."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.rpc.contracts import ADD, COUNT, call_data
from tests.rpc.sites import ask, code, result
from tests.rpc.test_dev import (
    ALICE,
    BOB,
    CAROL,
    CONTRACT,
    ETHER,
    NOBODY,
    START,
    balance,
    check_states,
    deploy,
    new_node,
    pay,
)

from blockstm.ethereum import AccountState, Transaction, state_root
from blockstm.rpc.dev import DevNode


@pytest.fixture
def node() -> Iterator[DevNode]:
    made = new_node(mined=100)
    yield made
    made.close()
    check_states(made.chain)
    made.chain.close()


def head(node: DevNode) -> dict[str, Any]:
    block: dict[str, Any] = result(node, "eth_getBlockByNumber", "latest", False)
    return block


def dumped(node: DevNode) -> dict[str, Any]:
    text = gzip.decompress(bytes.fromhex(result(node, "anvil_dumpState")[2:]))
    document: dict[str, Any] = json.loads(text)
    return document


def dump_of(document: Any) -> str:
    return "0x" + gzip.compress(json.dumps(document).encode()).hex()


# ---- dumps


def grown(node: DevNode) -> str:
    """Some blocks, and edits after the last one."""
    contract = deploy(node)
    add = {"from": BOB, "to": contract, "data": call_data(ADD, 7)}
    result(node, "eth_sendTransaction", add)
    result(node, "hardhat_setBalance", CAROL, hex(ETHER))
    result(node, "hardhat_setNonce", CAROL, "0x5")
    result(node, "hardhat_setStorageAt", CONTRACT, "0x3", "0x" + "00" * 31 + "09")
    result(node, "hardhat_setCode", CONTRACT, "0x6003545f5260205ff3")
    return contract


def test_a_dump_has_all_accounts_as_they_were_edited(node: DevNode) -> None:
    contract = grown(node)
    document = dumped(node)
    assert document["best_block_number"] == 2
    accounts = document["accounts"]
    assert accounts[CAROL] == {"nonce": 5, "balance": hex(ETHER), "code": "0x", "storage": {}}
    assert accounts[CONTRACT]["storage"] == {"0x" + "0" * 63 + "3": "0x" + "0" * 63 + "9"}
    assert accounts[contract]["code"] == result(node, "eth_getCode", contract)
    # Nothing is missing: the root of what was dumped is that of the state.
    state = AccountState(node.chain.accounts())
    assert state_root(state.accounts()) == node.chain.state_at(2).root  # type: ignore[arg-type]  # all are there
    assert set(accounts) == {"0x" + each.hex() for each, _ in state.accounts()}


def test_a_loaded_dump_is_the_same_state_elsewhere(node: DevNode) -> None:
    contract = grown(node)
    dump = result(node, "anvil_dumpState")
    other = new_node(mined=100)
    with other.chain:
        assert result(other, "anvil_loadState", dump) is True
        assert result(other, "eth_blockNumber") == "0x2"
        assert int(head(other)["timestamp"], 16) >= int(head(node)["timestamp"], 16)
        assert dumped(other)["accounts"] == dumped(node)["accounts"]
        assert int(result(other, "eth_call", {"to": contract, "data": call_data(COUNT)}), 16) == 7
        assert int(result(other, "eth_call", {"to": CONTRACT}), 16) == 9
        # And it goes on from there, block by block with the right roots.
        sent = result(
            other, "eth_sendTransaction", {"from": BOB, "to": contract, "data": call_data(ADD, 1)}
        )
        assert result(other, "eth_getTransactionReceipt", sent)["blockNumber"] == "0x3"
        assert int(result(other, "eth_call", {"to": contract, "data": call_data(COUNT)}), 16) == 8
        check_states(other.chain)


def test_what_is_loaded_replaces_accounts_and_leaves_others(node: DevNode) -> None:
    result(node, "hardhat_setStorageAt", CONTRACT, "0x1", "0x" + "00" * 31 + "01")
    result(node, "hardhat_setBalance", NOBODY, "0x7")
    account = {"balance": "5", "nonce": "0x2", "storage": {"0x2": "0x3"}}
    assert code(node, "anvil_loadState", dump_of({"accounts": {CONTRACT: account}})) == -32602
    account["balance"] = "0x5"
    assert result(node, "hardhat_loadState", dump_of({"accounts": {CONTRACT: account}})) is True
    assert balance(node, CONTRACT) == 5
    assert balance(node) == 7
    assert int(result(node, "eth_getStorageAt", CONTRACT, "0x1", "latest"), 16) == 0
    assert int(result(node, "eth_getStorageAt", CONTRACT, "0x2", "latest"), 16) == 3
    pay(node, 1)
    assert balance(node) == 8


def test_a_dump_need_not_be_compressed(node: DevNode) -> None:
    text = json.dumps({"accounts": {NOBODY: {"balance": "0x9"}}})
    assert result(node, "anvil_loadState", "0x" + text.encode().hex()) is True
    assert balance(node) == 9


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "an object"),
        ({}, "accounts"),
        ({"accounts": {"0x12": {}}}, "accounts.0x12"),
        ({"accounts": {NOBODY: 5}}, "an object"),
        ({"accounts": {NOBODY: {"nonce": -1}}}, "nonce"),
        ({"accounts": {NOBODY: {"code": "0xz"}}}, "code"),
        ({"accounts": {NOBODY: {"storage": []}}}, "storage"),
        ({"accounts": {NOBODY: {"storage": {"0x1": 5}}}}, "storage"),
        ({"accounts": {}, "block": 3}, "block"),
        ({"accounts": {}, "best_block_number": "x"}, "best_block_number"),
    ],
)
def test_what_is_no_dump_is_told(node: DevNode, document: Any, message: str) -> None:
    error = ask(node, "anvil_loadState", dump_of(document))["error"]
    assert error["code"] == -32602
    assert message in error["message"]


def test_a_dump_that_is_cut_or_too_large_is_told() -> None:
    node = new_node(dump_bytes=1000, mined=5)
    with node.chain:
        whole = dump_of({"accounts": {}})
        assert code(node, "anvil_loadState", whole[:-20]) == -32602
        assert code(node, "anvil_loadState", "0x1f8bffff") == -32602
        assert code(node, "anvil_loadState", "0x") == -32602
        bomb = dump_of({"accounts": {}, "more": "0" * 10_000_000})
        assert len(bomb) < 100_000
        assert code(node, "anvil_loadState", bomb) == -32005
        assert code(node, "anvil_loadState", dump_of({"accounts": {}, "best_block_number": 6})) == (
            -32005
        )
        assert result(node, "eth_blockNumber") == "0x0"


def test_what_waits_is_not_mined_before_the_accounts_of_a_dump_are_there(node: DevNode) -> None:
    result(node, "evm_setAutomine", False)
    sent = [pay(node, 5), pay(node, 6)]
    edited = {"accounts": {NOBODY: {"balance": "0x64"}}, "best_block_number": 2}
    assert result(node, "anvil_loadState", dump_of(edited)) is True
    assert result(node, "eth_blockNumber") == "0x2"
    assert [result(node, "eth_getTransactionReceipt", each) for each in sent] == [None, None]
    assert balance(node) == 100
    result(node, "evm_mine")
    for each in sent:
        assert result(node, "eth_getTransactionReceipt", each)["blockNumber"] == "0x3"
    assert balance(node) == 100 + 5 + 6


def test_a_load_that_fails_changes_nothing(node: DevNode) -> None:
    pay(node, 1)
    result(node, "evm_setNextBlockTimestamp", START + 77)
    was, late = head(node)["hash"], {"timestamp": hex((1 << 64) - 1)}
    wanted = {"accounts": {NOBODY: {"balance": "0x64"}}, "best_block_number": 9, "block": late}
    assert code(node, "anvil_loadState", dump_of(wanted)) == -32602
    assert (head(node)["hash"], balance(node)) == (was, 1)
    pay(node, 1)
    assert int(head(node)["timestamp"], 16) == START + 77


def test_bytes_behind_a_dump_are_told(node: DevNode) -> None:
    whole = dump_of({"accounts": {NOBODY: {"balance": "0x1"}}})
    for more in ("00", "4a554e4b", whole[2:]):
        assert code(node, "anvil_loadState", whole + more) == -32602
    assert balance(node) == 0


def test_an_account_that_no_state_would_keep_is_told(node: DevNode) -> None:
    account: dict[str, Any] = {"storage": {"0x1": "0x5"}}
    error = ask(node, "anvil_loadState", dump_of({"accounts": {NOBODY: account}}))["error"]
    assert error["code"] == -32602
    assert NOBODY in error["message"]
    for kept in ({"nonce": 1}, {"balance": "0x1"}, {"code": "0x00"}):
        whole = dump_of({"accounts": {NOBODY: account | kept}})
        assert result(node, "anvil_loadState", whole) is True
        assert int(result(node, "eth_getStorageAt", NOBODY, "0x1", "latest"), 16) == 5
    nothing = {"storage": {"0x1": "0x0"}}
    assert result(node, "anvil_loadState", dump_of({"accounts": {NOBODY: nothing}})) is True


# ---- going back


def test_blocks_are_rolled_back(node: DevNode) -> None:
    pay(node, 5)
    sent = pay(node, 6)
    assert result(node, "anvil_rollback") is None
    assert (result(node, "eth_blockNumber"), balance(node)) == ("0x1", 5)
    assert result(node, "eth_getTransactionReceipt", sent) is None
    assert result(node, "eth_getTransactionCount", ALICE, "latest") == "0x1"
    pay(node, 7)
    assert balance(node) == 12
    result(node, "anvil_rollback", 2)
    assert (result(node, "eth_blockNumber"), balance(node)) == ("0x0", 0)
    assert code(node, "anvil_rollback", 1) == -32000


def test_a_reorganization_has_other_blocks_and_other_transactions(node: DevNode) -> None:
    pay(node, 5)
    before = [result(node, "evm_mine"), head(node)["hash"]][1]
    result(node, "evm_mine")
    later = head(node)["hash"]
    signed = result(
        node, "eth_signTransaction", {"from": BOB, "to": NOBODY, "value": "0x3", "gas": "0x5208"}
    )
    pairs = [[{"from": ALICE, "to": NOBODY, "value": "0x9"}, 1], [signed["raw"], 0]]
    assert result(node, "anvil_reorg", {"depth": 2, "tx_block_pairs": pairs}) is None
    assert result(node, "eth_blockNumber") == "0x3"
    assert result(node, "eth_getBlockByNumber", "0x2", False)["hash"] != before
    assert head(node)["hash"] != later
    assert balance(node) == 5 + 3 + 9
    receipt = result(node, "eth_getTransactionReceipt", signed["tx"]["hash"])
    assert receipt["blockNumber"] == "0x2"
    # Empty ones are others, too.
    empty = head(node)["hash"]
    assert result(node, "anvil_reorg", 1, []) is None
    assert head(node)["hash"] != empty
    assert balance(node) == 5 + 3


def test_a_reorganization_that_fails_changes_nothing(node: DevNode) -> None:
    pay(node, 5)
    was = head(node)["hash"]
    poor = {"from": ALICE, "to": NOBODY, "value": hex(1 << 100), "gas": "0x5208"}
    assert code(node, "anvil_reorg", {"depth": 1, "tx_block_pairs": [[poor, 0]]}) == -32000
    assert code(node, "anvil_reorg", {"depth": 2}) == -32000
    for pairs in ([[{}, 1]], [5], 5):
        wrong = {"depth": 1, "tx_block_pairs": pairs}
        assert code(node, "anvil_reorg", wrong) == -32602
    assert code(node, "anvil_reorg", {"depth": "x"}) == -32602
    assert head(node)["hash"] == was
    assert balance(node) == 5


def test_a_listed_transaction_that_is_in_no_block_is_told(node: DevNode) -> None:
    pay(node, 5)
    was = head(node)["hash"]
    result(node, "evm_setAutomine", False)
    waits = pay(node, 6)
    result(node, "evm_setNextBlockTimestamp", START + 77)
    early = {"from": ALICE, "to": NOBODY, "value": "0x1", "gas": "0x5208", "nonce": "0x50"}
    error = ask(node, "anvil_reorg", {"depth": 1, "tx_block_pairs": [[early, 0]]})["error"]
    assert error["code"] == -32000
    assert "nonce 80" in error["message"]
    assert (head(node)["hash"], balance(node)) == (was, 5)
    # What waits and what was wanted of the next block are as they were.
    result(node, "evm_mine")
    assert result(node, "eth_getTransactionReceipt", waits)["blockNumber"] == "0x2"
    assert int(head(node)["timestamp"], 16) == START + 77


def test_no_clock_goes_beyond_the_times_that_blocks_can_have(node: DevNode) -> None:
    answers = [ask(node, "evm_increaseTime", (1 << 60) - 1) for _ in range(20)]
    assert "result" in answers[0]
    assert answers[-1]["error"]["code"] == -32602
    result(node, "evm_mine")
    late = int(head(node)["timestamp"], 16)
    assert late < 1 << 63
    pay(node, 1)
    assert int(head(node)["timestamp"], 16) > late


# ---- blocks, what waits, switches


def test_mined_blocks_are_told_whole(node: DevNode) -> None:
    result(node, "evm_setAutomine", False)
    assert result(node, "eth_mining") is False
    sent = pay(node, 5)
    [block] = result(node, "anvil_mine_detailed")
    assert [each["hash"] for each in block["transactions"]] == [sent]
    first, second = result(node, "evm_mine_detailed", {"blocks": 2, "timestamp": START + 50})
    assert (int(first["timestamp"], 16), second["parentHash"]) == (START + 50, first["hash"])
    assert result(node, "hardhat_intervalMine") is True
    assert result(node, "eth_blockNumber") == "0x4"


def test_the_interval_is_told(node: DevNode) -> None:
    assert result(node, "anvil_getIntervalMining") is None
    result(node, "anvil_setIntervalMining", 600)
    assert result(node, "anvil_getIntervalMining") == 600
    assert result(node, "eth_mining") is True
    result(node, "anvil_setIntervalMining", 0)
    assert result(node, "anvil_getIntervalMining") is None


def test_what_waits_is_told_and_dropped_by_its_sender(node: DevNode) -> None:
    result(node, "evm_setAutomine", False)
    pay(node, 5)
    bobs = {"from": BOB, "to": None, "data": "0x5f5ff3", "gas": "0xffff", "gasPrice": hex(10**10)}
    result(node, "eth_sendTransaction", bobs)
    inspected = result(node, "txpool_inspect")["pending"]
    lines = {sender.lower(): waiting["0"] for sender, waiting in inspected.items()}
    assert lines[BOB] == "contract creation: 0 wei + 65535 gas × 10000000000 wei"
    assert lines[ALICE].lower().startswith(f"{NOBODY}: 5 wei + 21000 gas × ")
    assert result(node, "anvil_removePoolTransactions", ALICE) is None
    assert result(node, "txpool_status")["pending"] == "0x1"
    assert result(node, "hardhat_dropAllTransactions") is None
    assert result(node, "txpool_status")["pending"] == "0x0"


def test_anybody_sends_without_a_signature_once(node: DevNode) -> None:
    result(node, "hardhat_setBalance", NOBODY, hex(ETHER))
    given = {"from": NOBODY, "to": CAROL, "value": "0x5"}
    sent = result(node, "eth_sendUnsignedTransaction", given)
    assert result(node, "eth_getTransactionReceipt", sent)["from"] == NOBODY
    assert code(node, "eth_sendTransaction", given) == -32000


def test_a_least_price_is_of_forks_without_a_base_fee(node: DevNode) -> None:
    assert code(node, "hardhat_setMinGasPrice", "0x5") == -32602
    old = new_node("berlin")
    with old.chain:
        assert result(old, "hardhat_setMinGasPrice", hex(10**10)) is True
        assert int(result(old, "eth_gasPrice"), 16) >= 10**10
        assert (
            code(old, "eth_sendTransaction", {"from": ALICE, "to": NOBODY, "gasPrice": hex(10**9)})
            == -32000
        )
        cheap = {
            "from": ALICE,
            "to": NOBODY,
            "gas": "0x5208",
            "gasPrice": hex(10**9),
            "nonce": "0x0",
        }
        raw = result(old, "eth_signTransaction", cheap)["raw"]
        assert Transaction.decode(bytes.fromhex(raw[2:])).gas_price == 10**9
        assert code(old, "eth_sendRawTransaction", raw) == -32000
        pay(old, 5)  # at a price that will do
        assert balance(old) == 5


def test_the_node_tells_of_itself(node: DevNode) -> None:
    pay(node, 1)
    said = result(node, "anvil_metadata")
    assert said["clientVersion"] == result(node, "web3_clientVersion")
    assert (said["chainId"], said["latestBlockNumber"]) == (31337, 1)
    assert said["instanceId"] == result(node, "hardhat_metadata")["instanceId"]
    info = result(node, "anvil_nodeInfo")
    assert (info["currentBlockNumber"], info["hardFork"]) == ("0x1", "osaka")
    assert info["environment"]["gasPrice"] == result(node, "eth_gasPrice")
    assert result(node, "hardhat_setLoggingEnabled", False) is True
    assert result(node, "anvil_setChainId", 31337) is None
    assert code(node, "anvil_setChainId", 5) == -32602
    assert code(node, "anvil_setRpcUrl", "http://localhost") == -32602
    assert result(node, "eth_requestAccounts") == result(node, "eth_accounts")
    assert result(node, "eth_hashrate") == "0x0"


def test_the_members_of_an_account_are_told(node: DevNode) -> None:
    contract = deploy(node)
    account = result(node, "eth_getAccount", contract, "latest")
    proof = result(node, "eth_getProof", contract, [], "latest")
    assert account == {
        "balance": "0x0",
        "nonce": "0x1",
        "codeHash": proof["codeHash"],
        "storageRoot": proof["storageHash"],
    }
    assert result(node, "eth_getAccount", NOBODY, "latest") is None
