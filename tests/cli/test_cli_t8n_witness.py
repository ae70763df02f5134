"""``--witness``: beside the result of a transition, what its block asks of the state."""

from __future__ import annotations

from typing import Any

import pytest
from tests.cli.test_cli_t8n import given, result
from tests.rpc.contracts import ADD, INITCODE, call_data
from tests.rpc.sites import result as answer
from tests.rpc.test_dev import ALICE, BOB, NOBODY, new_node

from blockstm.ethereum.codecs.fields import shown
from blockstm.ethereum.transition import accounts_to_json
from blockstm.rpc.dev import DevNode

# Adds the word at 0 to slot 0, and removes slots 1 to 3, whose places in the trie close up.
CLEARING = "0x5f355f54015f555f6001555f6002555f600355"
CONTRACT = "0x" + "c0" * 20


def mined(node: DevNode) -> dict[str, Any]:
    """A block of a payment, a creation, a call of what was there, and one that removes slots."""
    answer(node, "eth_sendTransaction", {"from": ALICE, "data": "0x" + INITCODE.hex()})
    known = answer(node, "eth_getBlockByNumber", "latest", True)["transactions"][0]
    counter = answer(node, "eth_getTransactionReceipt", known["hash"])["contractAddress"]
    answer(node, "hardhat_setCode", CONTRACT, CLEARING)
    for slot in range(9):
        answer(node, "hardhat_setStorageAt", CONTRACT, hex(slot), "0x" + f"{slot + 1:064x}")
    answer(node, "evm_mine")  # from here on headers have the roots
    answer(node, "evm_setAutomine", False)
    for sent in (
        {"from": ALICE, "to": NOBODY, "value": "0x5"},
        {"from": BOB, "to": counter, "data": call_data(ADD, 7)},
        {"from": ALICE, "data": "0x" + INITCODE.hex()},
        {"from": BOB, "to": CONTRACT, "data": "0x" + f"{5:064x}"},
    ):
        answer(node, "eth_sendTransaction", sent | {"gas": "0x7a120"})
    block: dict[str, Any] = {"before": accounts_to_json(node.chain.accounts().items())}
    answer(node, "evm_mine")
    return block | answer(node, "eth_getBlockByNumber", "latest", True)


@pytest.mark.parametrize(
    ("fork", "name"),
    [("frontier", "Frontier"), ("berlin", "Berlin"), ("shanghai", "Shanghai"), ("osaka", "Osaka")],
)
def test_it_is_that_of_the_block_in_its_chain(
    fork: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    node = new_node(fork)
    with node.chain:
        block = mined(node)
        number = int(block["number"], 16)
        expected = node.chain.witness(number).to_json()
        hashes = {hex(each): shown(node.chain.block_hash(each)) for each in range(number)}
    members = {
        "currentCoinbase": block["miner"],
        "currentGasLimit": block["gasLimit"],
        "currentNumber": block["number"],
        "currentTimestamp": block["timestamp"],
        "currentDifficulty": block["difficulty"],
        "currentRandom": block["mixHash"],
        "currentBaseFee": block.get("baseFeePerGas"),
        "parentBeaconBlockRoot": block.get("parentBeaconBlockRoot"),
        "currentExcessBlobGas": block.get("excessBlobGas"),
        "parentHash": block["parentHash"],
        "blockHashes": hashes,
        "withdrawals": block.get("withdrawals"),
    }
    if int(block["difficulty"], 16):
        del members["currentRandom"]
    document = {
        "alloc": block["before"],
        "env": {name: value for name, value in members.items() if value is not None},
        "txs": block["transactions"],
    }
    reward = {"frontier": 5, "berlin": 2}.get(fork, 0) * 10**18
    flags = ("--state.chainid=31337", f"--state.reward={reward}", "--witness")
    made = result(document, monkeypatch, capsys, name, flags)["result"]
    assert made["stateRoot"] == block["stateRoot"], made.get("rejected")
    witness = made["executionWitness"]
    assert witness == {
        "state": expected["state"],
        "codes": expected["codes"],
        "keys": [],
        "headers": [],
    }


def test_without_the_flag_there_is_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "executionWitness" not in result(given(), monkeypatch, capsys)["result"]
