"""A node to develop against: blocks on sent transactions, time, snapshots, edits."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from tests.rpc.contracts import ADD, ADDED, CODE, COUNT, INITCODE, REFUSE, call_data
from tests.rpc.sites import ask, code, result

from blockstm.chain import DevChain
from blockstm.errors import ConfigError, InputError, UsageError
from blockstm.ethereum import BlockAttributes, StateTrie, Transaction, build_block
from blockstm.ethereum.execution.senders import recover_sender
from blockstm.rpc import Limits
from blockstm.rpc.dev import DevNode, Wallet, dev_chain
from blockstm.rpc.dev.mnemonic import keys_of
from blockstm.rpc.dev.wallet import MNEMONIC
from blockstm.state.changes import AccountChange
from blockstm.types import Address
from blockstm.vm.forks import FORKS

WALLET = Wallet.of(accounts=3)
ALICE, BOB, CAROL = ("0x" + each.hex() for each in WALLET.addresses)
NOBODY = "0x" + "ee" * 20
CONTRACT = "0x" + "c0" * 20
ETHER = 10**18
START = 1_700_000_000


def new_node(fork: str = "osaka", **limits: int) -> DevNode:
    chain = dev_chain(WALLET.addresses, fork=fork)
    wallet = Wallet.of(accounts=3)  # what is impersonated is of one node alone
    return DevNode(chain, wallet, Limits(**limits), clock=lambda: START)


@pytest.fixture
def node() -> Iterator[DevNode]:
    made = new_node(mined=100)
    yield made
    made.close()
    check_states(made.chain)
    made.chain.close()


def check_states(chain: DevChain) -> None:
    """Each state that was not edited has its header's root, as its tries and from nothing."""
    for number in range(chain.head.number + 1):
        state = chain.state_at(number)
        if type(state).__name__ != "EditedState":
            assert state.trie.root == state.header.state_root
    chain.audit()


def pay(node: DevNode, value: int = 1, to: str = NOBODY, **members: Any) -> str:
    given = {"from": ALICE, "to": to, "value": hex(value)} | members
    sent: str = result(node, "eth_sendTransaction", given)
    return sent


def balance(node: DevNode, address: str = NOBODY, block: str = "latest") -> int:
    return int(result(node, "eth_getBalance", address, block), 16)


def deploy(node: DevNode) -> str:
    sent = result(node, "eth_sendTransaction", {"from": ALICE, "data": "0x" + INITCODE.hex()})
    receipt = result(node, "eth_getTransactionReceipt", sent)
    address: str = receipt["contractAddress"]
    return address


# ---- keys


def test_the_keys_are_those_of_every_developers_node() -> None:
    assert ALICE == "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    assert BOB == "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
    assert keys_of(MNEMONIC, 10)[9].hex().startswith("2a871d0798f97d79848a013d4936a73bf4cc922c825d")
    assert keys_of("legal winner  thank", 1) == keys_of("legal winner thank ", 1)


def test_a_node_has_accounts_that_are_rich(node: DevNode) -> None:
    assert result(node, "eth_accounts") == [ALICE, BOB, CAROL]
    assert balance(node, ALICE) == 10_000 * ETHER
    assert result(node, "eth_chainId") == hex(31337)


# ---- sending


@pytest.mark.parametrize("fork", [each.name for each in FORKS])
def test_a_transaction_is_in_a_block_at_once_under_every_fork(fork: str) -> None:
    node = new_node(fork)
    with node.chain:
        sent = pay(node, 5)
        receipt = result(node, "eth_getTransactionReceipt", sent)
        assert (receipt["blockNumber"], receipt["from"]) == ("0x1", ALICE)
        assert balance(node) == 5
        second = pay(node, 6, nonce="0x1")
        assert result(node, "eth_getTransactionByHash", second)["blockNumber"] == "0x2"
        check_states(node.chain)


def test_what_is_sent_signed_is_in_a_block_at_once(node: DevNode) -> None:
    unsigned = {"from": BOB, "to": NOBODY, "value": "0x9", "gas": "0x5208"}
    signed = result(node, "eth_signTransaction", unsigned)
    transaction = Transaction.decode(bytes.fromhex(signed["raw"][2:]))
    assert recover_sender(transaction, "it").hex() == BOB[2:]
    assert result(node, "eth_blockNumber") == "0x0"
    sent = result(node, "eth_sendRawTransaction", signed["raw"])
    assert sent == signed["tx"]["hash"]
    assert balance(node) == 9
    assert code(node, "eth_sendRawTransaction", signed["raw"]) == -32000


def test_a_contract_is_deployed_called_and_tells_why_it_refuses(node: DevNode) -> None:
    contract = deploy(node)
    assert result(node, "eth_getCode", contract) == "0x" + CODE.hex()
    add = {"from": BOB, "to": contract, "data": call_data(ADD, 7)}
    sent = result(node, "eth_sendTransaction", add)
    [log] = result(node, "eth_getTransactionReceipt", sent)["logs"]
    assert log["topics"] == ["0x" + ADDED.hex(), "0x" + bytes(12).hex() + BOB[2:]]
    assert int(result(node, "eth_call", {"to": contract, "data": call_data(COUNT)}), 16) == 7
    refused = ask(node, "eth_sendTransaction", add | {"data": call_data(REFUSE)})["error"]
    assert (refused["code"], refused["message"]) == (3, "execution reverted: no more")
    # With gas of its own it is not tried before: it is in a block, and failed there.
    sent = pay(node, 0, contract, data=call_data(REFUSE), gas="0xffff")
    assert result(node, "eth_getTransactionReceipt", sent)["status"] == "0x0"
    trace = result(node, "debug_traceTransaction", sent, {"tracer": "callTracer"})
    assert trace["revertReason"] == "no more"


@pytest.mark.parametrize(
    ("changed", "wanted", "message"),
    [
        ({"from": NOBODY}, -32000, "unknown account"),
        ({"value": hex(1 << 90)}, -32000, "insufficient funds"),
        ({"nonce": "0x0", "gasPrice": "0x1"}, -32000, "base fee"),
        ({"gas": "0x5207"}, -32000, "intrinsic"),
        ({"gas": hex(1 << 40)}, -32000, "gas"),
        ({"value": "5"}, -32602, "0x"),
        ({"blobVersionedHashes": ["0x01" + "00" * 31]}, -32602, "sent signed"),
        ({"maxFeePerGas": "0x1", "maxPriorityFeePerGas": "0x2"}, -32000, "priority"),
    ],
)
def test_what_cannot_be_sent_is_told_and_does_not_wait(
    node: DevNode, changed: dict[str, str], wanted: int, message: str
) -> None:
    given = {"from": ALICE, "to": NOBODY, "value": "0x1", "gas": "0x5208"} | changed
    error = ask(node, "eth_sendTransaction", given)["error"]
    assert error["code"] == wanted
    assert message in error["message"]
    assert result(node, "txpool_status") == {"pending": "0x0", "queued": "0x0"}


def test_a_transaction_with_a_nonce_too_high_waits_for_those_before_it(node: DevNode) -> None:
    late = pay(node, 2, nonce="0x1")
    assert result(node, "eth_getTransactionReceipt", late) is None
    assert result(node, "eth_blockNumber") == "0x0"
    pay(node, 1, nonce="0x0")
    assert result(node, "eth_getTransactionReceipt", late)["blockNumber"] == "0x1"


def test_all_kinds_of_transactions_are_sent(node: DevNode) -> None:
    access = [{"address": NOBODY, "storageKeys": ["0x" + "00" * 32]}]
    kinds: list[tuple[dict[str, Any], str]] = [
        ({"gasPrice": hex(10**10)}, "0x0"),
        ({"gasPrice": hex(10**10), "accessList": access}, "0x1"),
        ({"maxFeePerGas": hex(10**10)}, "0x2"),
        ({"accessList": access}, "0x2"),
    ]
    for members, kind in kinds:
        sent = pay(node, 1, **members)
        assert result(node, "eth_getTransactionByHash", sent)["type"] == kind


def test_messages_are_signed(node: DevNode) -> None:
    """As `eth_account.messages.encode_defunct` and ecrecover have it."""
    signed = result(node, "eth_sign", ALICE, "0x1234")
    assert signed == result(node, "personal_sign", "0x1234", ALICE)
    assert len(bytes.fromhex(signed[2:])) == 65
    assert signed[-2:] in ("1b", "1c")
    assert code(node, "eth_sign", NOBODY, "0x1234") == -32000
    account = pytest.importorskip("eth_account").Account
    messages = pytest.importorskip("eth_account.messages")
    message = messages.encode_defunct(hexstr="0x1234")
    assert account.recover_message(message, signature=signed).lower() == ALICE


TYPED: dict[str, Any] = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "chainId", "type": "uint256"},
            {"name": "verifyingContract", "type": "address"},
        ],
        "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
        "Mail": [
            {"name": "from", "type": "Person"},
            {"name": "to", "type": "Person[]"},
            {"name": "contents", "type": "string"},
            {"name": "number", "type": "int16"},
            {"name": "tag", "type": "bytes4"},
            {"name": "raw", "type": "bytes"},
            {"name": "flag", "type": "bool"},
            {"name": "grid", "type": "uint8[2][]"},
        ],
    },
    "primaryType": "Mail",
    "domain": {"name": "Mail", "chainId": 31337, "verifyingContract": "0x" + "cc" * 20},
    "message": {
        "from": {"name": "Cow", "wallet": "0x" + "cd" * 20},
        "to": [{"name": "Bob", "wallet": "0x" + "bb" * 20}],
        "contents": "Hello, Bob!",
        "number": -5,
        "tag": "0x01020304",
        "raw": "0xabcd",
        "flag": True,
        "grid": [[1, 2], [3, 4]],
    },
}


def with_message(**members: Any) -> dict[str, Any]:
    return {**TYPED, "message": {**TYPED["message"], **members}}


def test_typed_data_is_signed_as_clients_sign_it(node: DevNode) -> None:
    """As `eth_account.messages.encode_typed_data` and ecrecover have it."""
    signed = result(node, "eth_signTypedData_v4", ALICE, TYPED)
    assert signed == result(node, "eth_signTypedData", ALICE, json.dumps(TYPED))
    assert code(node, "eth_signTypedData_v4", NOBODY, TYPED) == -32000
    account = pytest.importorskip("eth_account").Account
    messages = pytest.importorskip("eth_account.messages")
    message = messages.encode_typed_data(full_message=TYPED)
    assert account.recover_message(message, signature=signed).lower() == ALICE


def test_a_domain_by_itself_is_signed(node: DevNode) -> None:
    domain = {**TYPED, "primaryType": "EIP712Domain"}
    assert result(node, "eth_signTypedData_v4", ALICE, domain)[-2:] in ("1b", "1c")


def nested() -> dict[str, Any]:
    kinds = {**TYPED["types"], "Chain": [{"name": "next", "type": "Chain"}]}
    message: dict[str, Any] = {"next": None}
    for _ in range(40):
        message = {"next": message}
    return {**TYPED, "types": kinds, "primaryType": "Chain", "message": message}


@pytest.mark.parametrize(
    "document",
    [
        None,
        7,
        "no JSON",
        {},
        {**TYPED, "types": []},
        {**TYPED, "types": {"EIP712Domain": [7]}},
        {**TYPED, "types": {"EIP712Domain": [{"name": 1, "type": "x"}]}},
        {**TYPED, "primaryType": "Nothing"},
        {**TYPED, "primaryType": []},
        {**TYPED, "message": []},
        with_message(contents=7),
        with_message(number=2**15),
        with_message(number="many"),
        with_message(number=True),
        with_message(tag="0x01"),
        with_message(raw="zz"),
        with_message(flag=1),
        with_message(grid=[[1]]),
        with_message(grid=7),
        with_message(grid=[[1, 256]]),
        with_message(to=[{"name": "Bob"}]),
        {**TYPED, "types": {**TYPED["types"], "Mail": [{"name": "a", "type": "int7"}]}},
        nested(),
    ],
    ids=lambda document: str(document)[:24],
)
def test_what_is_no_typed_data_is_told(node: DevNode, document: Any) -> None:
    assert code(node, "eth_signTypedData_v4", ALICE, document) == -32602


# ---- impersonating


def test_a_transaction_is_sent_as_anybody(node: DevNode) -> None:
    assert code(node, "eth_sendTransaction", {"from": NOBODY, "to": ALICE}) == -32000
    assert result(node, "hardhat_setBalance", NOBODY, hex(ETHER))
    assert result(node, "hardhat_impersonateAccount", NOBODY)
    contract = deploy(node)
    data = call_data(ADD, 1)
    sent = result(node, "eth_sendTransaction", {"from": NOBODY, "to": contract, "data": data})
    again = result(node, "eth_sendTransaction", {"from": NOBODY, "to": contract, "data": data})
    assert sent != again
    receipt = result(node, "eth_getTransactionReceipt", sent)
    assert (receipt["from"], receipt["status"]) == (NOBODY, "0x1")
    assert receipt["logs"][0]["topics"][1][-40:] == NOBODY[2:]
    assert result(node, "eth_getTransactionByHash", again)["from"] == NOBODY
    trace = result(node, "debug_traceTransaction", again, {"tracer": "callTracer"})
    assert trace["from"] == NOBODY
    assert result(node, "hardhat_stopImpersonatingAccount", NOBODY) is True
    assert result(node, "hardhat_stopImpersonatingAccount", NOBODY) is False
    assert code(node, "eth_sendTransaction", {"from": NOBODY, "to": ALICE}) == -32000
    result(node, "anvil_autoImpersonateAccount", True)
    assert result(node, "eth_sendTransaction", {"from": NOBODY, "to": ALICE})


@pytest.mark.parametrize("fork", ["london", "osaka", "amsterdam"])
def test_a_contract_may_be_impersonated(fork: str) -> None:
    """Nobody has its key, so EIP-3607 says nothing of it here."""
    node = new_node(fork)
    assert result(node, "hardhat_setBalance", CONTRACT, hex(ETHER))
    assert result(node, "hardhat_setCode", CONTRACT, "0x" + CODE.hex())
    assert result(node, "hardhat_impersonateAccount", CONTRACT)
    sent = result(node, "eth_sendTransaction", {"from": CONTRACT, "to": NOBODY, "value": "0x7"})
    receipt = result(node, "eth_getTransactionReceipt", sent)
    assert (receipt["from"], receipt["status"]) == (CONTRACT, "0x1")
    assert balance(node, NOBODY) == 7
    trace = result(node, "debug_traceTransaction", sent, {"tracer": "callTracer"})
    assert (trace["from"], trace["to"]) == (CONTRACT, NOBODY)


# ---- editing


def test_an_edit_is_there_at_once_and_in_the_next_blocks_root(node: DevNode) -> None:
    before = node.chain.head
    assert result(node, "hardhat_setBalance", CONTRACT, hex(77))
    assert result(node, "anvil_setCode", CONTRACT, "0x" + CODE.hex())
    assert result(node, "hardhat_setNonce", CONTRACT, "0x5")
    assert result(node, "hardhat_setStorageAt", CONTRACT, "0x0", "0x" + "00" * 31 + "09")
    assert node.chain.head == before
    count = {"to": CONTRACT, "data": call_data(COUNT)}
    assert int(result(node, "eth_call", count), 16) == 9
    assert balance(node, CONTRACT) == 77
    assert result(node, "eth_getTransactionCount", CONTRACT) == "0x5"
    assert result(node, "eth_getCode", CONTRACT) == "0x" + CODE.hex()
    assert int(result(node, "eth_getStorageAt", CONTRACT, "0x0"), 16) == 9
    pay(node, 0, CONTRACT, data=call_data(ADD, 2))
    assert int(result(node, "eth_call", count), 16) == 11
    assert balance(node, CONTRACT) == 77
    check_states(node.chain)
    # The state before the block stays as it was edited, so that the block can be run again.
    assert int(result(node, "eth_call", count, "0x0"), 16) == 9
    [trace] = result(node, "debug_traceBlockByNumber", "0x1", {"tracer": "prestateTracer"})
    assert int(trace["result"][CONTRACT]["storage"]["0x" + "00" * 32], 16) == 9


def test_the_root_after_edits_is_that_of_the_same_accounts_from_nothing() -> None:
    node = new_node()
    with node.chain as chain:
        accounts = {each: chain.state_at(0).account(each) for each in WALLET.addresses}
        assert all(accounts.values())
        pay(node, 3)
        result(node, "hardhat_setStorageAt", CONTRACT, "0x1", "0x" + "11" * 32)
        result(node, "hardhat_setStorageAt", CONTRACT, "0x1", "0x" + "00" * 32)
        result(node, "hardhat_setBalance", NOBODY, "0x0")
        result(node, "evm_mine")
        head = chain.state_at(chain.head.hash)
        assert head.account(bytes.fromhex(NOBODY[2:])) is None
        assert head.account(bytes.fromhex(CONTRACT[2:])) is None
        assert isinstance(head.trie, StateTrie)
        chain.audit()


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("hardhat_setBalance", ["0x01", "0x1"]),
        ("hardhat_setBalance", [NOBODY, "0x" + "f" * 65]),
        ("hardhat_setBalance", [NOBODY, -1]),
        ("hardhat_setBalance", [NOBODY, True]),
        ("hardhat_setNonce", [NOBODY, hex(1 << 64)]),
        ("hardhat_setCode", [NOBODY, "0x0"]),
        ("hardhat_setStorageAt", [NOBODY, "0x0", "0x01"]),
        ("hardhat_setStorageAt", [NOBODY, "0x" + "1" * 65, "0x" + "00" * 32]),
        ("evm_setNextBlockTimestamp", ["0x0"]),
        ("evm_setNextBlockTimestamp", [hex(1 << 63)]),
        ("evm_setAutomine", ["yes"]),
        ("evm_setIntervalMining", [-1]),
        ("evm_setIntervalMining", [1 << 60]),
        ("evm_setBlockGasLimit", [0]),
        ("evm_mine", [{"blocks": "x"}]),
        ("hardhat_reset", [{"forking": {"jsonRpcUrl": "http://127.0.0.1:1"}}]),
        ("hardhat_dropTransaction", ["0x00"]),
        ("anvil_addBalance", [ALICE, "0x" + "f" * 64]),
    ],
)
def test_what_cannot_be_set_is_told(node: DevNode, method: str, params: list[Any]) -> None:
    assert code(node, method, *params) == -32602
    assert result(node, "eth_blockNumber") == "0x0"


# ---- blocks and time


def test_blocks_are_mined_when_asked_for(node: DevNode) -> None:
    result(node, "evm_setAutomine", False)
    assert result(node, "hardhat_getAutomine") is False
    first, second = pay(node, 1), pay(node, 2)
    assert result(node, "eth_blockNumber") == "0x0"
    assert result(node, "eth_getTransactionCount", ALICE, "pending") == "0x2"
    result(node, "evm_mine")
    hashes = result(node, "eth_getBlockByNumber", "latest")["transactions"]
    assert hashes == [first, second]
    third = pay(node, 3)
    assert result(node, "hardhat_dropTransaction", third) is True
    assert result(node, "hardhat_dropTransaction", third) is False
    pay(node, 4)
    result(node, "anvil_dropAllTransactions")
    result(node, "hardhat_mine", "0x5", "0x3c")
    assert result(node, "eth_blockNumber") == "0x6"
    times = [node.chain.header(number).timestamp for number in range(2, 7)]
    assert [b - a for a, b in pairwise(times)] == [60] * 4
    assert balance(node) == 3
    assert code(node, "hardhat_mine", "0x65") == -32005
    assert code(node, "evm_mine", {"blocks": 101}) == -32005
    result(node, "evm_mine", {"blocks": 2})
    assert result(node, "eth_blockNumber") == "0x8"


def test_blocks_are_mined_by_themselves_until_no_longer(node: DevNode) -> None:
    grown = threading.Event()
    node.listen(lambda: grown.set() if node.chain.head.number >= 3 else None)
    assert result(node, "evm_setIntervalMining", 1)
    assert node.interval == 0.001
    assert grown.wait(60)
    assert result(node, "evm_setIntervalMining", [0, 0])
    head = node.chain.head
    assert node.interval == 0
    assert node.chain.head == head
    result(node, "anvil_setIntervalMining", 1000)
    assert node.interval == 1000


def test_time_goes_as_it_is_told(node: DevNode) -> None:
    def mined() -> int:
        result(node, "evm_mine")
        return int(result(node, "eth_getBlockByNumber", "latest")["timestamp"], 16)

    assert mined() == START
    assert mined() == START + 1  # no two blocks have one time
    assert result(node, "evm_increaseTime", 100) == "100"
    assert mined() == START + 100
    result(node, "evm_setNextBlockTimestamp", hex(START + 1000))
    assert mined() == START + 1000
    assert mined() == START + 1001
    assert code(node, "evm_setNextBlockTimestamp", START) == -32602
    result(node, "evm_setTime", START + 5000)
    assert mined() == START + 5000
    result(node, "anvil_setBlockTimestampInterval", 12)
    assert mined() == START + 5012
    assert result(node, "anvil_removeBlockTimestampInterval") is True
    assert mined() == START + 5013
    result(node, "evm_mine", hex(START + 9000))
    assert result(node, "hardhat_metadata")["currentTimestamp"] == START + 9000


def test_the_next_block_is_as_it_is_wanted(node: DevNode) -> None:
    randao = "0x" + "ab" * 32
    assert result(node, "hardhat_setNextBlockBaseFeePerGas", hex(5 * 10**9))
    assert result(node, "hardhat_setPrevRandao", randao)
    assert result(node, "hardhat_setCoinbase", NOBODY)
    assert result(node, "evm_setBlockGasLimit", hex(10**7))
    assert result(node, "eth_coinbase") == NOBODY
    sent = pay(node, 1, CONTRACT)
    block = result(node, "eth_getBlockByNumber", "latest")
    assert int(block["baseFeePerGas"], 16) == 5 * 10**9
    assert (block["mixHash"], block["miner"]) == (randao, NOBODY)
    assert int(block["gasLimit"], 16) == 10**7
    assert balance(node) > 0
    assert result(node, "debug_traceTransaction", sent, {"tracer": "callTracer"})["to"] == CONTRACT
    result(node, "evm_mine")
    block = result(node, "eth_getBlockByNumber", "latest")
    assert int(block["baseFeePerGas"], 16) < 5 * 10**9
    assert block["mixHash"] != randao


# ---- snapshots


def test_a_snapshot_is_gone_back_to_with_all_that_was(node: DevNode) -> None:
    pay(node, 1)
    result(node, "hardhat_setBalance", CONTRACT, "0x5")
    result(node, "evm_setAutomine", False)
    waiting = pay(node, 2)
    first = result(node, "evm_snapshot")
    second = result(node, "evm_snapshot")
    result(node, "evm_increaseTime", 1000)
    result(node, "evm_mine")
    result(node, "hardhat_setBalance", CONTRACT, "0x6")
    pay(node, 3)
    result(node, "evm_mine")
    assert (balance(node), balance(node, CONTRACT)) == (6, 6)
    assert result(node, "evm_revert", first) is True
    assert (balance(node), balance(node, CONTRACT)) == (1, 5)
    assert result(node, "eth_blockNumber") == "0x1"
    assert result(node, "eth_getTransactionByHash", waiting)["blockNumber"] is None
    assert result(node, "evm_revert", first) is False
    assert result(node, "evm_revert", second) is False
    result(node, "evm_mine")
    assert (balance(node), balance(node, CONTRACT)) == (3, 5)
    assert int(result(node, "eth_getBlockByNumber", "latest")["timestamp"], 16) == START + 1
    result(node, "anvil_reset")
    assert (balance(node), balance(node, CONTRACT)) == (0, 0)
    assert result(node, "eth_blockNumber") == "0x0"


def test_the_same_block_after_going_back_is_the_same(node: DevNode) -> None:
    snapshot = result(node, "evm_snapshot")
    first = pay(node, 1)
    head = node.chain.head
    result(node, "hardhat_setBalance", CONTRACT, "0x6")
    result(node, "evm_revert", snapshot)
    assert pay(node, 1) == first
    assert node.chain.head == head
    assert balance(node, CONTRACT) == 0
    result(node, "evm_mine")


# ---- the chain by itself


def test_a_dev_chain_takes_only_what_was_built_on_it() -> None:
    with dev_chain(WALLET.addresses) as chain, dev_chain() as other:
        node = DevNode(chain, WALLET, clock=lambda: START)
        pay(node)
        block = chain.block(1)
        with pytest.raises(Exception, match="does not have"):
            other.import_block(block)
        mark = chain.mark()
        chain.return_to(type(mark)(chain.block_hash(0), {}))
        assert chain.import_block(block.encode()).is_head
        chain.edit({Address(bytes(20)): AccountChange(balance=1)})
        result(node, "evm_mine")
        with pytest.raises(UsageError, match="edited"):
            chain.witness(2)
        assert chain.witness(1).headers
        edited = chain.block(2)
        chain.return_to(mark)
        chain.edit({Address(bytes(20)): AccountChange(balance=1)})
        with pytest.raises(UsageError, match="edited"):
            chain.import_block(edited)
        with pytest.raises(UsageError, match="edited"):
            list(chain.import_blocks([edited]))


def test_what_no_dev_chain_can_begin_with_is_told() -> None:
    wrongs: list[dict[str, Any]] = [
        {"fork": "nowhere"},
        {"chain_id": -1},
        {"balance": 1.5},
        {"gas_limit": True},
    ]
    for wrong in wrongs:
        with pytest.raises(ConfigError):
            dev_chain(**wrong)


def test_a_block_on_another_than_the_head_is_not_appended() -> None:
    with dev_chain() as chain:
        attributes = BlockAttributes(timestamp=1)
        state, header = chain.state_at(0), chain.header(0)
        one = build_block(header, [], state, attributes=attributes, chain=chain.spec)
        assert chain.append(one).is_head
        with pytest.raises(InputError, match="not on the head"):
            chain.append(one)
