"""What a transaction of the native EVM reads and writes: its conditions and its deltas."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from eth_typing import Address
from tests.evm.world_blocks import (
    BASE_FEE,
    COINBASE,
    EMPTY,
    FUNDS,
    GAS_PRICE,
    NOBODY,
    SENDERS,
    context,
    contract,
    number_of,
    run,
    spy_on,
    transaction,
    words,
    world,
)

import blockstm
from blockstm.bench.evm.assembly import assemble, initcode_of
from blockstm.errors import TransactionError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.state.accounts import Account
from blockstm.types import DELETED
from blockstm.values import ABSENT
from blockstm.vm.evm import BlockEnd, Evm, InvalidTransaction

SENDER, RECEIVER = SENDERS[0], SENDERS[1]
AT = Address(b"\xaa" * 20)
CHILD = initcode_of(assemble("STOP"))
TRANSFER_GAS = 21_000


def deleted(value: Any) -> bool:
    return value is DELETED or value is ABSENT


def test_a_transfer_reads_no_balance_and_writes_deltas() -> None:
    view, execution = spy_on("shanghai", world(), transaction(0, RECEIVER, value=5))
    assert execution.succeeded
    assert execution.gas_used == TRANSFER_GAS
    assert set(view.gets) == {
        (SENDER, "nonce"),
        (SENDER, "code_hash"),
        (RECEIVER, "code_hash"),
    }
    assert view.bounds == [((SENDER, "balance"), 400_000 * GAS_PRICE + 5)]
    assert view.written == {
        (SENDER, "balance"): ("+", -TRANSFER_GAS * GAS_PRICE - 5),
        (SENDER, "nonce"): 1,
        (RECEIVER, "balance"): ("+", 5),
        (COINBASE, "balance"): ("+", TRANSFER_GAS * (GAS_PRICE - BASE_FEE)),
    }


def test_each_location_is_read_once() -> None:
    code = "1 SLOAD 1 SLOAD 2 SLOAD ADD ADD SELFBALANCE ADDRESS BALANCE ADD ADD 0 SSTORE"
    view, execution = spy_on("cancun", world({AT: contract(code, 9, {1: 2})}), transaction(0, AT))
    assert execution.succeeded
    assert len(view.gets) == len(set(view.gets))
    assert view.written[AT, "storage", 0, 0] == 9 + 9 + 2 + 2


def test_a_slot_is_read_behind_its_epoch() -> None:
    view, _ = spy_on("cancun", world({AT: contract("7 SLOAD")}), transaction(0, AT))
    epoch, slot = (view.gets.index(key) for key in [(AT, "epoch"), (AT, "storage", 0, 7)])
    assert epoch < slot


def test_a_slot_that_ends_as_it_began_is_not_written() -> None:
    code = "5 1 SSTORE 2 1 SSTORE"
    view, _ = spy_on("london", world({AT: contract(code, 0, {1: 2})}), transaction(0, AT))
    assert (AT, "storage", 0, 1) not in view.written


def test_what_a_call_pays_on_is_a_bound_and_a_delta() -> None:
    code = f"0 0 0 0 3 {number_of(RECEIVER):#x} 0 CALL"
    view, execution = spy_on("shanghai", world({AT: contract(code, 10)}), transaction(0, AT))
    assert execution.succeeded
    assert (AT, "balance") not in view.gets
    assert ((AT, "balance"), 3) in view.bounds
    assert view.written[AT, "balance"] == ("+", -3)


def test_what_was_received_in_the_transaction_pays_without_a_question() -> None:
    code = f"0 0 0 0 3 {number_of(RECEIVER):#x} 0 CALL"
    accounts = world({AT: contract(code)})
    view, execution = spy_on("shanghai", accounts, transaction(0, AT, value=3))
    assert execution.succeeded
    assert (AT, "balance") not in view.gets + [key for key, _ in view.bounds]
    assert (AT, "balance") not in view.written
    assert view.written[RECEIVER, "balance"] == ("+", 3)


def test_a_balance_that_was_read_goes_out_as_a_value() -> None:
    accounts = world({AT: contract("SELFBALANCE", 4)})
    view, _ = spy_on("shanghai", accounts, transaction(0, AT, value=3))
    assert (AT, "balance") in view.gets
    assert view.written[AT, "balance"] == 7


def test_a_revert_takes_the_changes_back_and_keeps_the_conditions() -> None:
    inner = Address(b"\xbb" * 20)
    accounts = world(
        {
            AT: contract(f"0 0 0 0 2 {number_of(inner):#x} GAS CALL 0 SSTORE", 5),
            inner: contract("8 1 SSTORE 9 2 TSTORE 0 0 LOG0 0 0 REVERT", 0, {1: 3}),
        }
    )
    view, execution = spy_on("cancun", accounts, transaction(0, AT))
    assert execution.succeeded
    assert execution.logs == ()
    assert (inner, "storage", 0, 1) in view.gets
    assert not any(key[0] == inner for key in view.written)
    assert (AT, "balance") not in view.written


@pytest.mark.parametrize(
    ("members", "reason", "have", "want"),
    [
        ({"nonce": 1}, "nonce_too_high", 1, 0),
        ({"nonce": 2**64 - 1}, "nonce_is_max", 2**64 - 1, 0),
        ({"gas": 20_999}, "intrinsic_gas", 20_999, 21_000),
        ({"gas": 30_000_001}, "gas_above_block", 30_000_001, 30_000_000),
        ({"value": FUNDS}, "insufficient_funds", FUNDS, FUNDS + 4_000_000),
        ({"gas_price": 6}, "fee_cap_below_base_fee", 6, 7),
        ({"type": 2, "max_priority_fee_per_gas": 11}, "priority_fee_above_fee_cap", 11, 10),
        ({"type": 3, "to": RECEIVER}, "no_blobs", 0, 1),
        ({"type": 4}, "no_authorizations", 0, 1),
        ({"to": None, "data": bytes(49_153), "gas": 10**6}, "initcode_too_large", 49_153, 49_152),
        ({"data": b"\1" * 10_000, "gas": 200_000}, "floor_gas", 200_000, 421_000),
    ],
)
def test_a_transaction_that_does_not_belong_says_why_and_writes_nothing(
    members: dict[str, Any], reason: str, have: int, want: int
) -> None:
    to = members.pop("to", RECEIVER)
    step = transaction(0, to, **members)
    with pytest.raises(InvalidTransaction) as caught:
        spy_on("prague", world(), step)
    assert (caught.value.reason, caught.value.have, caught.value.want) == (reason, have, want)


def test_a_sender_with_code_is_refused() -> None:
    accounts = world({SENDER: contract("STOP", FUNDS)})
    with pytest.raises(InvalidTransaction, match="sender has code"):
        spy_on("london", accounts, transaction(0, RECEIVER, nonce=1))


def test_a_touch_leaves_a_record_before_spurious_dragon_only() -> None:
    step = transaction(0, NOBODY, gas_price=0)
    view, _ = spy_on("tangerine_whistle", world(), step)
    assert view.written[NOBODY, "recorded"] == 1
    assert view.written[COINBASE, "recorded"] == 1
    view, _ = spy_on("spurious_dragon", world(), step)
    assert set(view.written) == {(SENDER, "nonce")}


def test_a_touched_account_that_has_something_is_not_recorded() -> None:
    view, _ = spy_on("frontier", world(), transaction(0, RECEIVER, gas_price=0))
    assert (RECEIVER, "recorded") not in view.written


@pytest.mark.parametrize(
    ("fork", "is_gone"),
    [("tangerine_whistle", False), ("spurious_dragon", True), ("london", True), ("paris", False)],
)
def test_an_empty_account_is_deleted_when_it_is_touched(fork: str, is_gone: bool) -> None:
    view, _ = spy_on(fork, world({EMPTY: Account()}), transaction(0, EMPTY))
    assert ((EMPTY, "recorded") in view.written) == is_gone
    if is_gone:
        assert deleted(view.written[EMPTY, "recorded"])


def test_a_payment_asks_nothing_about_existence() -> None:
    for fork in ("frontier", "byzantium", "prague"):
        view, _ = spy_on(fork, world(), transaction(0, NOBODY, value=1))
        assert [key for key in view.gets if key[0] == NOBODY] == [(NOBODY, "code_hash")]
        assert [key for key in view.written if key[0] == NOBODY] == [(NOBODY, "balance")]


def test_withdrawals_and_rewards_are_deltas() -> None:
    step = BlockEnd(((NOBODY, 5), (RECEIVER, 6), (NOBODY, 7)), ((COINBASE, 1),))
    view, _ = spy_on("shanghai", world(), step)
    assert view.gets == []
    assert view.written == {
        (NOBODY, "balance"): ("+", 12),
        (RECEIVER, "balance"): ("+", 6),
        (COINBASE, "balance"): ("+", 1),
    }


def test_a_withdrawal_of_nothing_leaves_nothing_and_deletes_what_is_empty() -> None:
    step = BlockEnd(((NOBODY, 0), (EMPTY, 0)))
    view, _ = spy_on("shanghai", world({EMPTY: Account()}), step)
    assert set(view.written) == {(EMPTY, "recorded")}


def test_new_code_is_stored_by_its_hash() -> None:
    view, execution = spy_on("london", world(), transaction(0, None, data=CHILD))
    assert execution.succeeded
    code = assemble("STOP")
    (created,) = {key[0] for key, value in view.written.items() if value == keccak(code)}
    assert view.written["code", keccak(code)] == code
    assert view.written[created, "nonce"] == 1


def test_a_creation_asks_whether_the_address_is_free() -> None:
    view, _ = spy_on("london", world(), transaction(0, None, data=CHILD))
    (created,) = {key[0] for key, _ in view.written.items() if key[1] == "code_hash"}
    assert {field for address, field, *_ in view.gets if address == created} == {
        "nonce",
        "code_hash",
        "stored",
    }


@pytest.mark.parametrize("account", [Account(nonce=1), contract("STOP")])
def test_a_creation_where_something_is_loses_its_gas(account: Account) -> None:
    view, _ = spy_on("london", world(), transaction(0, None, data=CHILD))
    (created,) = {key[0] for key, _ in view.written.items() if key[1] == "code_hash"}
    view, execution = spy_on("london", world({created: account}), transaction(0, None, data=CHILD))
    assert execution.error == "address collision"
    assert execution.gas_used == 400_000
    assert view.written[SENDER, "nonce"] == 1


def test_a_creation_where_there_is_storage_loses_its_gas() -> None:
    view, _ = spy_on("london", world(), transaction(0, None, data=CHILD))
    (created,) = {key[0] for key, _ in view.written.items() if key[1] == "code_hash"}
    accounts = world({created: Account(1, storage={1: 1})})
    _, execution = spy_on("london", accounts, transaction(0, None, data=CHILD))
    assert execution.error == "address collision"


def test_a_destroyed_contract_leaves_nothing_and_begins_an_epoch() -> None:
    code = f"{number_of(RECEIVER):#x} SELFDESTRUCT"
    accounts = world({AT: contract(code, 9, {1: 2})})
    view, execution = spy_on("shanghai", accounts, transaction(0, AT))
    assert execution.succeeded
    assert view.written[AT, "epoch"] == 1
    assert all(deleted(view.written[AT, field]) for field in ("balance", "nonce", "code_hash"))
    assert view.written[RECEIVER, "balance"] == ("+", 9)


def test_since_cancun_only_the_ether_of_an_old_contract_goes() -> None:
    code = f"{number_of(RECEIVER):#x} SELFDESTRUCT"
    accounts = world({AT: contract(code, 9, {1: 2})})
    view, _ = spy_on("cancun", accounts, transaction(0, AT))
    assert [key for key in view.written if key[0] == AT] == [(AT, "balance")]


def test_what_is_created_and_destroyed_at_once_leaves_no_trace() -> None:
    code = assemble(f"1 1 SSTORE {number_of(RECEIVER):#x} SELFDESTRUCT")
    for fork in ("london", "prague"):
        view, execution = spy_on(fork, world(), transaction(0, None, data=code, value=3))
        assert execution.succeeded
        assert {key[0] for key in view.written} == {SENDER, RECEIVER, COINBASE}
        assert view.written[RECEIVER, "balance"] == ("+", 3)


UNSEEN = keccak(b"code that nobody has seen")
LACKING = Account(10**18, 0, None, UNSEEN)
CALLS = contract(f"0 0 0 0 0 0x{RECEIVER.hex()} GAS CALL")
DELEGATED = Account(1, 0, b"\xef\x01\x00" + RECEIVER)
DELEGATES = {
    "type": 4,
    "authorizations": (SimpleNamespace(chain_id=1, address=AT, nonce=0),),
    "authorities": (RECEIVER,),
}


@pytest.mark.parametrize(
    ("fork", "accounts", "members"),
    [
        ("london", {AT: LACKING}, {}),
        ("london", {AT: CALLS, RECEIVER: LACKING}, {}),
        ("prague", {AT: DELEGATED, RECEIVER: LACKING}, {}),
        ("prague", {RECEIVER: LACKING}, DELEGATES),
        ("amsterdam", {RECEIVER: LACKING}, DELEGATES),
        ("prague", {SENDERS[0]: LACKING}, {}),  # which may send if it is a delegation
    ],
    ids=["target", "callee", "delegate", "authority", "authority in Amsterdam", "sender"],
)
@pytest.mark.parametrize("workers", [1, 2])
def test_code_that_the_state_lacks_is_an_error_and_not_empty(
    fork: str, accounts: dict[Address, Account], members: dict[str, Any], workers: int
) -> None:
    on_workers = partial(blockstm.execute_block, workers=workers)
    with pytest.raises(TransactionError) as caught:
        run(fork, world(accounts), [transaction(0, AT, **members)], on_workers)
    assert isinstance(caught.value.__cause__, LookupError)
    assert UNSEEN.hex() in str(caught.value.__cause__)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_epoch_that_no_account_has_is_an_error(workers: int) -> None:
    """It counts how often an account was destroyed, in 32 bits."""
    code = assemble("7 SLOAD 0 MSTORE 32 0 RETURN")
    evm = Evm("berlin", context("berlin"))
    for epoch in (0, 5, 2**32, 2**64, 2**64 + 5):
        state = {
            (SENDER, "balance"): FUNDS,
            (AT, "code_hash"): keccak(code),
            ("code", keccak(code)): code,
            (AT, "epoch"): epoch,
            (AT, "storage", epoch, 7): 3,
        }
        block = partial(blockstm.execute_block, [transaction(0, AT)], state, evm, workers=workers)
        if epoch < 2**32:
            assert int.from_bytes(block().outcomes[0].value.output, "big") == 3
        else:
            with pytest.raises(TransactionError, match="neither 32 bytes nor code"):
                block()


def test_code_is_read_once_in_a_process() -> None:
    code = assemble("0x1234567890abcdef1234 POP")
    accounts = world({AT: contract(code)})
    spy_on("berlin", accounts, transaction(0, AT))
    view, _ = spy_on("berlin", accounts, transaction(0, AT))
    assert (AT, "code_hash") in view.gets
    assert ("code", keccak(code)) not in view.gets


def test_an_access_list_reads_nothing() -> None:
    step = transaction(0, AT, type=1, access_list=((AT, (1, 2)), (RECEIVER, (3,))))
    view, execution = spy_on("berlin", world({AT: contract("1 SLOAD")}), step)
    assert execution.gas_used == TRANSFER_GAS + 2 * 2400 + 3 * 1900 + 3 + 100
    assert {key for key in view.gets if key[1] == "storage"} == {(AT, "storage", 0, 1)}


def test_an_output_of_words_comes_back_whole() -> None:
    code = "CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 RETURN"
    data = words(*range(3000))
    step = transaction(0, AT, data=data, gas=5_000_000)
    _, execution = spy_on("istanbul", world({AT: contract(code)}), step)
    assert execution.output == data
