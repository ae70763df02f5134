"""`blockstm.compat.pyrevm` beside pyrevm itself: the same calls come to the same."""

from __future__ import annotations

import importlib
import json
from typing import Any

import pytest
from tests.baselines import HAS_PYREVM, needs_pyrevm
from tests.ethereum.far_node import far_node
from tests.rpc.test_dev import ALICE, BOB, deploy, new_node, pay

from blockstm.compat import pyrevm as ours
from blockstm.types import Address

SENDER, TARGET = "0x" + "11" * 20, "0x" + "ee" * 20
COUNTER = bytes.fromhex("5f545f5260015f54015f5560205ff3")  # gives slot 0, and adds 1 to it
BOTH = [
    pytest.param("blockstm.compat.pyrevm", id="blockstm"),
    pytest.param("pyrevm", id="pyrevm", marks=needs_pyrevm),
]


@pytest.fixture(params=BOTH)
def peer(request: pytest.FixtureRequest) -> Any:
    return importlib.import_module(request.param)


@pytest.fixture
def evm(peer: Any) -> Any:
    return peer.EVM(spec_id="Cancun")


def put(peer: Any, evm: Any, code: str | bytes, address: str = TARGET) -> None:
    code = bytes.fromhex(code) if isinstance(code, str) else code
    evm.insert_account_info(address, peer.AccountInfo(code=code))


def number(output: bytes) -> int:
    return int.from_bytes(output, "big")


# ---- what both do


def test_calls_see_what_those_before_them_did(peer: Any, evm: Any) -> None:
    put(peer, evm, COUNTER)
    assert [number(evm.message_call(SENDER, TARGET)) for _ in range(3)] == [0, 1, 2]
    assert evm.storage(TARGET, 0) == 3
    assert (evm.basic(SENDER).nonce, evm.get_balance(SENDER)) == (0, 0)


def test_a_checkpoint_takes_back_what_came_after_it(peer: Any, evm: Any) -> None:
    put(peer, evm, COUNTER)
    evm.message_call(SENDER, TARGET)
    checkpoint = evm.snapshot()
    assert (evm.journal_depth, len(evm.checkpoint_ids)) == (1, 1)
    evm.message_call(SENDER, TARGET)
    assert evm.storage(TARGET, 0) == 2
    evm.revert(checkpoint)
    assert (evm.storage(TARGET, 0), evm.journal_depth) == (1, 0)
    with pytest.raises(OverflowError):
        evm.revert(checkpoint)
    evm.snapshot()
    evm.revert(checkpoint)  # the same point
    later = [evm.snapshot() for _ in range(3)][-1]
    other = peer.EVM()
    other.snapshot()
    with pytest.raises(KeyError):
        other.revert(later)


def test_a_commit_keeps_what_came_after_its_checkpoint(peer: Any, evm: Any) -> None:
    put(peer, evm, COUNTER)
    evm.snapshot()
    evm.message_call(SENDER, TARGET)
    evm.commit()
    assert (evm.storage(TARGET, 0), evm.journal_depth) == (1, 0)


def test_a_creation_is_where_its_nonce_says(evm: Any) -> None:
    initcode = bytes.fromhex("600f600a5f39600f5ff3") + COUNTER
    first = evm.deploy(SENDER, initcode)
    second = evm.deploy(SENDER, initcode)
    assert first != second
    assert first == first.lower()
    assert evm.get_code(first).rstrip(b"\0") == COUNTER
    assert evm.basic(SENDER).nonce == 2
    assert number(evm.message_call(SENDER, second)) == 0


FAILURES = {
    "revert": ("602a5f5260205ffd", "Revert { gas_used: "),
    "revert with nothing": ("5f5ffd", "Revert { gas_used: 21004, output: 0x }"),
    "invalid": ("fe", "Halt { reason: InvalidFEOpcode, gas_used: 50000 }"),
    "underflow": ("01", "Halt { reason: StackUnderflow, gas_used: 50000 }"),
    "jump": ("5f56", "Halt { reason: InvalidJump, gas_used: 50000 }"),
    "out of gas": ("5b5f56", "Halt { reason: OutOfGas("),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failed_call_is_a_runtime_error(peer: Any, evm: Any, name: str) -> None:
    code, words = FAILURES[name]
    put(peer, evm, code)
    with pytest.raises(RuntimeError) as raised:
        evm.message_call(SENDER, TARGET, gas=50_000)
    assert str(raised.value).startswith(words)
    done = evm.result
    assert (done.is_success, done.is_halt) == (False, not words.startswith("Revert"))
    assert (done.gas_refunded, done.logs) == (0, [])


def test_a_call_that_cannot_begin_says_why(peer: Any, evm: Any) -> None:
    put(peer, evm, COUNTER)
    with pytest.raises(RuntimeError) as raised:
        evm.message_call(SENDER, TARGET, value=10)
    assert str(raised.value) == "Transaction(LackOfFundForMaxFee { fee: 10, balance: 0 })"
    with pytest.raises(RuntimeError, match="Initial gas spend is 21000 but gas limit is 5"):
        evm.message_call(SENDER, TARGET, gas=5)
    assert evm.result is None
    with pytest.raises(TypeError):
        evm.message_call("0x12", TARGET)


def test_a_static_call_changes_nothing(peer: Any, evm: Any) -> None:
    put(peer, evm, COUNTER)
    with pytest.raises(RuntimeError, match="StateChangeDuringStaticCall"):
        evm.message_call(SENDER, TARGET, is_static=True)
    assert evm.storage(TARGET, 0) == 0


def test_logs_are_read(peer: Any, evm: Any) -> None:
    put(peer, evm, "602a5f526001600260205fa200")
    evm.message_call(SENDER, TARGET)
    [log] = evm.result.logs
    topics, data = log.data
    assert log.address.lower() == TARGET
    assert [int(each, 16) for each in log.topics] == [number(each) for each in topics] == [2, 1]
    assert number(data) == 42
    assert evm.result.reason == "Stop"


def test_gas_is_told_after_refunds(peer: Any, evm: Any) -> None:
    put(peer, evm, "5f5f55")
    evm.insert_account_storage(TARGET, 0, 5)
    evm.message_call(SENDER, TARGET)
    assert evm.result.gas_refunded == 4800
    assert evm.result.gas_used == 21_000 + 2 + 2 + 5_000 - 4_800


def test_ether_moves(peer: Any, evm: Any) -> None:
    evm.set_balance(SENDER, 100)
    evm.message_call(SENDER, TARGET, value=60)
    assert (evm.get_balance(SENDER), evm.get_balance(TARGET)) == (40, 60)


def test_the_block_is_what_was_set(peer: Any, evm: Any) -> None:
    block = evm.env.block
    block.number, block.timestamp, block.excess_blob_gas = 20, 100, 2**24
    assert evm.env.block.number == 0
    evm.set_block_env(block)
    code = "435f52426020524a60405260605ff3"
    put(peer, evm, code)
    output = evm.message_call(SENDER, TARGET)
    values = [number(output[at : at + 32]) for at in (0, 32, 64)]
    assert values == [20, 100, evm.env.block.blob_gasprice] == [20, 100, 152]


def test_hashes_of_blocks_are_made_of_their_numbers(peer: Any) -> None:
    evm = peer.EVM(env=peer.Env(block=peer.BlockEnv(number=400)), spec_id="Cancun")
    put(peer, evm, "61018f405f5261018e4060205260405ff3")
    output = evm.message_call(SENDER, TARGET)
    assert [output[:32], output[32:]] == [evm.block_hash(399), evm.block_hash(398)]


def test_transient_storage_lasts_until_it_is_reset(peer: Any, evm: Any) -> None:
    put(peer, evm, "5f5c5f5260015f5c015f5d60205ff3")
    assert [number(evm.message_call(SENDER, TARGET)) for _ in range(2)] == [0, 1]
    evm.reset_transient_storage()
    assert number(evm.message_call(SENDER, TARGET)) == 0


def test_what_a_transaction_has_besides(peer: Any, evm: Any) -> None:
    hashes = [b"\x01" + bytes(31), b"\x02" * 32]
    evm.set_tx_env(peer.TxEnv(blob_hashes=hashes, access_list=[(TARGET, [7])]))
    put(peer, evm, "5f495f5260014960205260405ff3")
    assert evm.message_call(SENDER, TARGET) == b"".join(hashes)
    assert evm.env.tx.blob_hashes == hashes
    assert evm.env.tx.caller.lower() == SENDER
    evm.set_tx_env(peer.TxEnv(nonce=3))
    with pytest.raises(RuntimeError, match=r"Transaction\(NonceTooHigh \{ tx: 3, state: 0 \}\)"):
        evm.message_call(SENDER, TARGET)


def test_a_trace_is_printed(peer: Any, capsys: pytest.CaptureFixture[str]) -> None:
    evm = peer.EVM(tracing=True, spec_id="Cancun")
    put(peer, evm, COUNTER)
    evm.message_call(SENDER, TARGET)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["op"] for line in lines[:-1]] == [
        *COUNTER.replace(b"\x60\x01", b"\x60").replace(b"\x60\x20", b"\x60")
    ]
    assert lines[-1]["pass"] is True
    assert lines[-1]["fork"] == "Cancun"
    assert int(lines[-1]["gasUsed"], 16) == evm.result.gas_used


def test_accounts_are_listed(peer: Any, evm: Any) -> None:
    put(peer, evm, COUNTER)
    evm.message_call(SENDER, TARGET)
    listed = {address.lower(): info for address, info in evm.journal_state.items()}
    assert listed[TARGET].code.rstrip(b"\0") == COUNTER
    assert evm.db_accounts
    assert evm.journal_len >= 1
    assert isinstance(evm.journal_str, str)


def test_values_of_the_environment_are_checked(peer: Any) -> None:
    assert peer.CfgEnv(perf_analyse_created_bytecodes="RAW").perf_analyse_created_bytecodes == "raw"
    with pytest.raises(ValueError, match="Invalid analysis kind"):
        peer.CfgEnv(perf_analyse_created_bytecodes="never")
    with pytest.raises(TypeError):
        peer.TxEnv(caller="0x12")
    with pytest.raises(TypeError):
        peer.BlockEnv(prevrandao=b"")
    assert peer.fake_exponential(1, 2**24, 3338477) == 152


# ---- the names


@pytest.mark.skipif(not HAS_PYREVM, reason="pyrevm has no wheels for this Python")
def test_every_name_is_there() -> None:
    theirs = importlib.import_module("pyrevm")
    names = {name for name in dir(theirs) if not name.startswith("_")} - {"pyrevm"}
    assert names <= set(ours.__all__)
    for name in names:
        members = {each for each in dir(getattr(theirs, name)) if not each.startswith("_")}
        assert members <= set(dir(instance(name))), name


def instance(name: str) -> Any:
    """One of a kind, as some have their members only then."""
    kind = getattr(ours, name)
    match name:
        case "Log" | "fake_exponential" | "JournalCheckpoint":
            return kind
        case "ExecutionResult":
            return kind(True, False, "Stop", 0, 0)
    return kind()


# ---- a node's accounts


def test_accounts_are_read_from_a_node_and_changed_here() -> None:
    node = new_node("prague")
    pay(node, 5)
    contract = deploy(node)
    with node.chain, far_node(node) as far:
        number = node.chain.head.header.number
        head = node.chain.head.header
        for named in (None, "latest", str(number), hex(number), "0x" + head.hash.hex()):
            evm = ours.EVM(fork_url=far.url, fork_block=named, spec_id="Prague")
            there = node.chain.state_at(number).account(Address(bytes.fromhex(BOB[2:])))
            assert there is not None
            assert evm.get_balance(BOB) == there.balance > 0
        assert evm.get_code(contract)
        evm.message_call(ALICE, BOB, value=1)
        assert evm.get_balance(BOB) == there.balance + 1
        evm.set_block_env(ours.BlockEnv(number=number + 1))
        assert evm.block_hash(number) == head.hash
        assert evm.block_hash(number - 1) == head.parent_hash
        put(ours, evm, "43600190034060005260206000f3")  # the hash of the block before
        assert evm.message_call(ALICE, TARGET) == head.hash
