"""Which transactions do not belong in a block; and what blocks do beside their transactions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import rlp
from eth.constants import SECPK1_N
from eth.vm.forks.cancun.constants import BEACON_ROOTS_ADDRESS, BEACON_ROOTS_CONTRACT_CODE
from eth.vm.forks.prague.constants import HISTORY_STORAGE_ADDRESS, HISTORY_STORAGE_CONTRACT_CODE
from eth_keys.datatypes import PrivateKey
from tests.vm.pyevm.blocks import COINBASE, KEYS, SENDERS, context, contract, funded

from blockstm.config import Config
from blockstm.errors import ConfigError, InputError, Invalid, InvalidBlock
from blockstm.ethereum.blocks.transaction import Authorization, Transaction
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution import StateAfter
from blockstm.executor import Executor
from blockstm.reference import execute_block
from blockstm.types import Status
from blockstm.vm.pyevm import Account, AccountState, Ommer, PyEvm, Withdrawal

SENDER, RECEIVER, CONTRACT, DELEGATED = SENDERS[0], b"\x22" * 20, b"\x33" * 20, b"\x44" * 20
OLDEST, OLDER = b"\x55" * 20, b"\x66" * 20
DESIGNATION = b"\xef\x01\x00" + CONTRACT
BASE: dict[str, Any] = {
    "type": 0,
    "nonce": 0,
    "gas": 50_000,
    "to": RECEIVER,
    "value": 1,
    "data": b"",
    "v": 37,
    "r": 1,
    "s": 1,
    "chain_id": 1,
    "gas_price": 100,
}
OLD = {**BASE, "v": 27, "chain_id": None}
TYPED = {**BASE, "v": 0, "max_fee_per_gas": 100, "max_priority_fee_per_gas": 2}
BLOB = {**TYPED, "type": 3, "max_fee_per_blob_gas": 10, "blob_hashes": (b"\x01" * 32,)}
TWO_BLOBS = {**BLOB, "blob_hashes": (b"\x01" * 32,) * 2}
SET_CODE = {**TYPED, "type": 4, "gas": 100_000, "authorizations": ()}
WISH = Authorization(9, CONTRACT, 0, 0, 1, 1)  # type: ignore[arg-type]  # an address is bytes
WORLD = funded(
    {
        CONTRACT: contract(b"\x00"),
        DELEGATED: contract(DESIGNATION, balance=10**18),
        OLDEST: Account(10**18, 2**64 - 1),
        OLDER: Account(10**18, 2**64 - 2),
    }
)


def execute(fork: str, members: dict[str, Any], sender: bytes = SENDER, **options: Any) -> Any:
    vm = PyEvm(fork, context(fork))
    transaction = vm.decode(Transaction(**members).encode(), sender)  # type: ignore[arg-type]  # an address is bytes
    return execute_block([transaction], AccountState(WORLD), vm, **options)


@pytest.mark.parametrize(
    ("fork", "members"),
    [
        ("frontier", {**OLD, "s": SECPK1_N - 1}),
        ("frontier", {**OLD, "gas": 21_000}),
        ("frontier", {**OLD, "gas": 30_000_000}),  # the block's limit
        ("frontier", {**OLD, "v": 28}),
        ("homestead", OLD),
        ("homestead", {**OLD, "s": SECPK1_N // 2}),
        ("spurious_dragon", OLD),
        ("spurious_dragon", BASE),
        ("berlin", {**TYPED, "type": 1}),
        ("london", {**TYPED, "type": 2}),
        ("london", {**TYPED, "type": 2, "max_fee_per_gas": 7}),  # the base fee
        ("shanghai", {**BASE, "to": None, "data": bytes(49_152), "gas": 10**6}),
        ("shanghai", {**BASE, "to": None, "data": bytes(32), "gas": 53_130, "value": 0}),
        ("shanghai", {**BASE, "to": None, "data": bytes(33), "gas": 53_136, "value": 0}),
        ("shanghai", {**BASE, "data": bytes(49_153), "gas": 10**6}),  # no initcode
        ("cancun", BLOB),
        ("cancun", {**BLOB, "max_fee_per_blob_gas": 1}),  # all that a blob costs here
        ("cancun", {**BLOB, "max_fee_per_blob_gas": 5 * 10**12}),  # one of 2**17 gas is paid for
        ("prague", {**BASE, "data": b"\1" * 1000, "gas": 61_000}),
        ("prague", {**BASE, "data": bytes(1000), "gas": 31_000}),
        ("prague", {**SET_CODE, "authorizations": (WISH,)}),
        ("london", {**BASE, "value": 10**18 - 50_000 * 100}),
    ],
)
def test_a_transaction_that_belongs_is_run(fork: str, members: dict[str, Any]) -> None:
    assert execute(fork, members).outcomes[0].status is Status.SUCCESS


@pytest.mark.parametrize(
    ("fork", "members", "why"),
    [
        ("frontier", {**OLD, "gas": 20_999}, "intrinsic"),
        ("frontier", {**OLD, "gas": 30_000_001}, "limit"),
        ("frontier", {**OLD, "nonce": 1}, "nonce"),
        ("frontier", {**OLD, "value": 10**18 - 50_000 * 100 + 1}, "cannot pay"),
        ("homestead", {**OLD, "s": SECPK1_N - 1}, "high s"),
        ("homestead", {**OLD, "s": SECPK1_N // 2 + 1}, "high s"),
        ("homestead", {**OLD, "s": 0}, "high s"),
        ("tangerine_whistle", BASE, "the v 37"),
        ("spurious_dragon", {**BASE, "chain_id": 5, "v": 45}, "chain 5"),
        ("london", {**TYPED, "type": 2, "max_fee_per_gas": 6}, "base fee"),
        ("london", {**TYPED, "type": 2, "max_priority_fee_per_gas": 101}, "priority"),
        ("london", {**TYPED, "type": 2, "max_fee_per_gas": 10**14}, "cannot pay"),
        ("london", {**TYPED, "type": 2, "gas": 20_999}, "intrinsic"),
        ("shanghai", {**BASE, "to": None, "data": bytes(49_153), "gas": 10**6}, "initcode"),
        ("shanghai", {**BASE, "to": None, "data": bytes(32), "gas": 53_129}, "intrinsic"),
        ("shanghai", {**BASE, "to": None, "data": bytes(33), "gas": 53_135}, "intrinsic"),
        ("cancun", {**BLOB, "blob_hashes": ()}, "no blob"),
        ("cancun", {**BLOB, "blob_hashes": (bytes(32),)}, "KZG"),
        ("cancun", {**BLOB, "blob_hashes": (b"\1" * 32, bytes(32))}, "KZG"),
        ("cancun", {**BLOB, "to": None, "gas": 60_000}, "no receiver"),
        ("cancun", {**BLOB, "max_fee_per_blob_gas": 0}, "blob gas"),
        ("cancun", {**BLOB, "max_fee_per_blob_gas": 10**14}, "cannot pay"),
        ("cancun", {**TWO_BLOBS, "max_fee_per_blob_gas": 5 * 10**12}, "cannot pay"),
        ("prague", {**BASE, "data": b"\1" * 1000, "gas": 60_999}, "floor"),
        ("prague", SET_CODE, "no authorization"),
        ("prague", {**SET_CODE, "to": None, "authorizations": (WISH,)}, "no receiver"),
    ],
)
def test_a_transaction_that_does_not_belong_is_refused(
    fork: str, members: dict[str, Any], why: str
) -> None:
    with pytest.raises(InvalidBlock, match=why) as caught:
        execute(fork, members)
    assert isinstance(caught.value.__cause__, Invalid)
    skipped = execute(fork, members, on_invalid="skip")
    assert skipped.outcomes[0].status is Status.SKIPPED
    assert skipped.writes == {}


def test_the_last_nonce_is_of_no_transaction() -> None:
    """EIP-2681: it would have none behind it."""
    with pytest.raises(InvalidBlock, match="the last there is"):
        execute("frontier", {**OLD, "nonce": 2**64 - 1}, OLDEST)
    assert execute("frontier", {**OLD, "nonce": 2**64 - 2}, OLDER).outcomes[0].succeeded


def test_a_contract_cannot_send() -> None:
    with pytest.raises(InvalidBlock, match="is a contract"):
        execute("london", {**BASE, "nonce": 1}, CONTRACT)
    with pytest.raises(InvalidBlock, match="is a contract"):
        execute("cancun", {**BASE, "nonce": 1}, DELEGATED)


def test_from_prague_on_a_delegated_account_can_send() -> None:
    result = execute("prague", {**BASE, "nonce": 1}, DELEGATED)
    assert result.outcomes[0].value.succeeded
    assert result.writes[DELEGATED, "nonce"] == 2


@pytest.mark.parametrize(
    ("fork", "encoded"),
    [
        ("frontier", b""),
        ("frontier", b"\xc0"),
        ("frontier", b"\x01\xc0"),
        ("berlin", Transaction(**{**TYPED, "type": 2}).encode()),
        ("london", b"\x02" + rlp.encode([b""] * 11)),
        ("prague", b"\x05\xc0"),
        ("prague", b"\xff"),
    ],
)
def test_what_is_no_transaction_of_the_fork_is_a_typed_error(fork: str, encoded: bytes) -> None:
    with pytest.raises(InputError, match=fork):
        PyEvm(fork, context(fork)).decode(encoded)


def test_a_fork_that_pyevm_does_not_have_is_a_typed_error() -> None:
    with pytest.raises(ConfigError, match="osaka"):
        PyEvm("osaka", context("prague"))


def authorization(key: PrivateKey, address: bytes, nonce: int) -> Authorization:
    signature = key.sign_msg(b"\x05" + rlp.encode([1, address, nonce]))
    return Authorization(1, address, nonce, signature.v, signature.r, signature.s)  # type: ignore[arg-type]  # an address is bytes


@pytest.mark.parametrize("workers", [1, 2])
def test_a_sender_that_delegates_itself_moves_its_nonce_twice(workers: int) -> None:
    """EIP-7702, self-sponsored: the next transactions run the code that came with the first."""
    logger = b"\x55" * 20
    world = {**WORLD, logger: contract(bytes.fromhex("60003560005260206000a0"))}
    vm = PyEvm("prague", context("prague"))
    first = {**SET_CODE, "authorizations": (authorization(KEYS[0], logger, 1),)}
    call = {**TYPED, "type": 2, "to": SENDER, "data": b"\x07" * 32}
    block = [
        (first, SENDER),
        (call, SENDERS[1]),
        ({**call, "nonce": 2}, SENDER),
        ({**call, "nonce": 1}, SENDERS[1]),
    ]
    transactions = [vm.decode(Transaction(**m).encode(), sender) for m, sender in block]
    with Executor(Config(gate=False), workers=workers) as executor:
        result = executor.execute_block(transactions, AccountState(world), vm)
    assert [len(outcome.value.logs) for outcome in result.outcomes] == [0, 1, 1, 1]
    assert result.writes[SENDER, "nonce"] == 3
    assert result.writes[SENDER, "code_hash"] == keccak(b"\xef\x01\x00" + logger)
    assert result == execute_block(transactions, AccountState(world), vm)


def run_step(vm: PyEvm, world: dict[Any, Account], step: Any) -> tuple[Any, StateAfter]:
    state = AccountState(world)
    result = execute_block([None], state, lambda view, _: step(view))
    return result.outcomes[0].value, StateAfter(state, result.writes)


def test_a_withdrawal_pays_in_gwei_and_leaves_nothing_empty() -> None:
    world = {RECEIVER: Account(5), b"\x66" * 20: Account()}
    payments = [Withdrawal(RECEIVER, 2), Withdrawal(RECEIVER, 3), Withdrawal(b"\x66" * 20, 0)]  # type: ignore[arg-type]  # an address is bytes
    vm = PyEvm("shanghai", context("shanghai"))
    _, state = run_step(vm, world, lambda view: vm.end_block(view, (), payments))
    assert state.get((RECEIVER, "balance")) == 5 + 5 * 10**9
    assert state.get((b"\x66" * 20, "recorded")) is None


@pytest.mark.parametrize(
    ("fork", "reward"), [("frontier", 5), ("byzantium", 3), ("petersburg", 2), ("paris", 0)]
)
def test_the_miner_and_the_miners_of_ommers_are_rewarded(fork: str, reward: int) -> None:
    vm = PyEvm(fork, context(fork))
    ommers = [Ommer(999, RECEIVER), Ommer(994, RECEIVER)]  # type: ignore[arg-type]  # an address is bytes
    _, state = run_step(vm, {}, lambda view: vm.end_block(view, ommers))
    wei = reward * 10**18
    assert (state.get((COINBASE, "balance")) or 0) == wei + 2 * (wei // 32)
    assert (state.get((RECEIVER, "balance")) or 0) == wei * 7 // 8 + wei * 2 // 8


def test_the_dao_fork_moves_balances_once() -> None:
    drained = bytes.fromhex("d4fe7bc31cedb7bfb8a345f31e668033056b2728")
    refund = bytes.fromhex("bf4ed7b27f1d666546e30d74d50d173d20bca754")
    for number, moved in ((1_920_000, 12), (1_920_001, 0)):
        vm = PyEvm("dao_fork", replace(context("dao_fork"), number=number))  # type: ignore[arg-type]  # a block number is an int
        _, state = run_step(vm, {drained: Account(12)}, vm.begin_block)
        assert (state.get((refund, "balance")) or 0) == moved
        assert (state.get((drained, "balance")) or 0) == 12 - moved


def test_a_block_stores_its_parents_where_contracts_find_them() -> None:
    world = {
        BEACON_ROOTS_ADDRESS: contract(BEACON_ROOTS_CONTRACT_CODE),
        HISTORY_STORAGE_ADDRESS: contract(HISTORY_STORAGE_CONTRACT_CODE),
    }
    block = replace(
        context("prague"),
        parent_hash=b"\x0a" * 32,  # type: ignore[arg-type]  # a hash is bytes
        parent_beacon_block_root=b"\x0b" * 32,  # type: ignore[arg-type]  # a hash is bytes
    )
    vm = PyEvm("prague", block)
    _, state = run_step(vm, world, vm.begin_block)
    place = block.timestamp % 8191
    slots = {
        (BEACON_ROOTS_ADDRESS, place): block.timestamp,
        (BEACON_ROOTS_ADDRESS, place + 8191): int.from_bytes(b"\x0b" * 32, "big"),
        (HISTORY_STORAGE_ADDRESS, 999): int.from_bytes(b"\x0a" * 32, "big"),
    }
    for (address, slot), value in slots.items():
        assert state.get((address, "storage", 0, slot)) == value
    assert run_step(vm, {}, vm.begin_block)[1].writes == {}


def test_a_missing_block_hash_is_an_error_and_never_a_zero() -> None:
    asker = bytes.fromhex("60003540" + "60005260206000a0")
    world = {**WORLD, CONTRACT: contract(asker)}
    block = replace(context("london"), block_hashes={999: b"\x09" * 32})
    vm = PyEvm("london", block)

    def ask(number: int) -> bytes:
        members = {**BASE, "to": CONTRACT, "data": number.to_bytes(32, "big")}
        transaction = vm.decode(Transaction(**members).encode(), SENDER)
        result = execute_block([transaction], AccountState(world), vm)
        return bytes(result.outcomes[0].value.logs[0].data)

    assert ask(999) == b"\x09" * 32
    assert ask(1000) == ask(743) == bytes(32)
    with pytest.raises(Exception, match="hash of block 998") as caught:
        ask(998)
    assert isinstance(caught.value.__cause__, LookupError)
