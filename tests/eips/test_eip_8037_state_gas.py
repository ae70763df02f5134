"""EIP-8037 (Amsterdam): what makes the state grow is paid in a gas of its own, by the byte."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from eth_typing import Address
from tests.eips.request_contracts import WITHDRAWALS, outputs, run_to_the_end
from tests.eips.rules import TARGET, call, created_by, run
from tests.eips.whole_blocks import executed, signed
from tests.evm.world_blocks import NOBODY, SENDERS, contract, transaction

from blockstm.bench.evm.assembly import assemble
from blockstm.state.accounts import Account

BYTE = 1_530
NEW_ACCOUNT, NEW_SLOT, NEW_DELEGATION = 120 * BYTE, 64 * BYTE, 23 * BYTE
CAP = 2**24  # on gas that runs (EIP-7825)
A, B = Address(b"\x1a" * 20), Address(b"\x1b" * 20)
TO_B = f"0x{B.hex()}"
PLENTY = 3_000_000
MAKES = "CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 0 CREATE"
CHILD = created_by(TARGET, 1)
EMPTY, HUNDRED = b"", assemble("100 0 RETURN")


@pytest.mark.parametrize(
    ("source", "options", "state"),
    [
        ("STOP", {}, 0),
        ("1 7 SSTORE", {}, NEW_SLOT),
        ("1 7 SSTORE 1 8 SSTORE", {}, 2 * NEW_SLOT),
        ("1 7 SSTORE 2 7 SSTORE", {}, NEW_SLOT),
        ("1 7 SSTORE 0 7 SSTORE", {}, 0),
        ("1 7 SSTORE 0 7 SSTORE 1 7 SSTORE", {}, NEW_SLOT),
        ("2 7 SSTORE", {"storage": {7: 1}}, 0),
        ("0 7 SSTORE", {"storage": {7: 1}}, 0),
        ("0 7 SSTORE 2 7 SSTORE", {"storage": {7: 1}}, 0),
        (f"0 0 0 0 1 {TO_B} 0 CALL", {"balance": 5}, NEW_ACCOUNT),
        (f"0 0 0 0 1 {TO_B} 0 CALL 0 0 0 0 1 {TO_B} 0 CALL", {"balance": 5}, NEW_ACCOUNT),
        (f"0 0 0 0 0 {TO_B} 0 CALL", {"balance": 5}, 0),
        (f"0 0 0 0 9 {TO_B} 0 CALL", {"balance": 5}, 0),  # more than there is
        (f"0 0 0 0 1 {TO_B} 0 CALLCODE", {"balance": 5}, 0),
        (f"{TO_B} SELFDESTRUCT", {"balance": 5}, NEW_ACCOUNT),
        (f"{TO_B} SELFDESTRUCT", {}, 0),
        (MAKES, {"data": EMPTY}, NEW_ACCOUNT),
        (MAKES, {"data": HUNDRED}, NEW_ACCOUNT + 100 * BYTE),
        (MAKES, {"data": assemble("0 0 REVERT")}, 0),
        (MAKES, {"data": b"\xfe"}, 0),
        ("0 0 9 CREATE", {"balance": 5}, 0),  # more than there is
        (MAKES, {"data": assemble("CALLER SELFDESTRUCT")}, NEW_ACCOUNT),  # gone, and paid for
        (MAKES, {"data": HUNDRED, "accounts": {CHILD: Account(1)}}, 100 * BYTE),  # not new
        (MAKES, {"data": HUNDRED, "accounts": {CHILD: Account(1, 1)}}, 0),  # a collision
        (MAKES, {"data": assemble("65537 0 RETURN")}, 0),  # too large
        ("0 0 0 0 1 8 0 CALL", {"balance": 5}, 0),  # a stipend is too little for a pairing
        ("0 0 0 0 1 4 0 CALL", {"balance": 5}, NEW_ACCOUNT),  # but not for IDENTITY
    ],
)
def test_what_code_pays_for_growth(source: str, options: dict[str, Any], state: int) -> None:
    called = call("amsterdam", source, gas=PLENTY, **options)
    assert called.execution.succeeded
    assert called.execution.state_gas == state
    assert call("osaka", source, gas=PLENTY, **options).execution.state_gas == 0


@pytest.mark.parametrize(("balance", "leaves"), [(8, 0), (9, None)])
def test_a_creation_that_cannot_begin_needs_no_gas_for_an_account(
    balance: int, leaves: int | None
) -> None:
    """It leaves 0 where one that could begin finds too little gas, and halts."""
    source = "0 0 9 CREATE 0 MSTORE 32 0 RETURN"
    called = call("amsterdam", source, gas=60_000, balance=balance)
    assert called.execution.succeeded is (leaves is not None)
    assert leaves is None or called.word == leaves


@pytest.mark.parametrize(
    ("ending", "spent", "state"),
    # Two pushes, a cold slot and a write; a halt takes all, with what the slot was paid from it.
    [("STOP", 12_106, NEW_SLOT), ("0 0 REVERT", 12_112, 0), ("INVALID", 200_000, 0)],
)
def test_what_is_undone_is_given_back(ending: str, spent: int, state: int) -> None:
    source = f"0 0 0 0 0 {TO_B} 200000 CALL"
    called = call("amsterdam", source, accounts={B: contract(f"1 7 SSTORE {ending}")})
    assert called.gas == 21 + 3_000 + spent
    assert called.execution.state_gas == state
    assert called.refund == 0


@pytest.mark.parametrize(
    ("extra", "answer", "spent", "state"),
    # 50,000 do not suffice for 12,106 and 97,920, unless the latter are in the reservoir.
    [(0, 0, 50_000, 0), (NEW_SLOT - 1, 1, 12_106, NEW_SLOT), (NEW_SLOT, 1, 12_106, NEW_SLOT)],
)
def test_the_reservoir_pays_first_and_goes_along_with_every_call(
    extra: int, answer: int, spent: int, state: int
) -> None:
    source = f"0 0 0 0 0 {TO_B} 50000 CALL 0 MSTORE 32 0 RETURN"
    accounts = {B: contract("1 7 SSTORE")}
    changed = {"gas_limit": 100_000_000}
    called = call("amsterdam", source, gas=CAP + extra, accounts=accounts, changed=changed)
    assert called.word == answer
    assert called.execution.state_gas == state
    assert called.gas == 21 + 3_000 + spent + 3 + 3 + 3 + 6


def test_gas_is_what_there_is_to_run_with() -> None:
    def left(gas: int) -> int:
        source = "GAS 0 MSTORE 32 0 RETURN"
        return call("amsterdam", source, gas=gas, changed={"gas_limit": 10**9}).word

    assert left(CAP) - left(CAP - 1) == 1
    assert left(CAP + 1) == left(10 * CAP) == left(CAP)


def test_what_a_call_gives_back_may_run_again() -> None:
    # The caller pays for a slot from its gas; a call in its name clears the slot, and returns.
    source = f"1 7 SSTORE 0 0 0 0 {TO_B} GAS DELEGATECALL POP GAS 0 MSTORE 32 0 RETURN"
    called = call("amsterdam", source, accounts={B: contract("0 7 SSTORE")}, gas=PLENTY)
    spent = 6 + 12_100 + 17 + 3_000 + 6 + 100 + 2 + 2
    assert called.word == PLENTY - called.idle.gas_before_refund - spent
    assert called.execution.state_gas == 0


def test_refunds_are_a_part_of_both_kinds() -> None:
    # 11,616 for a slot that is cleared: more than a fifth of what ran, less than one of all.
    called = call("amsterdam", "1 8 SSTORE 0 7 SSTORE", storage={7: 1})
    assert (called.gas, called.execution.state_gas) == (2 * 12_106, NEW_SLOT)
    assert called.execution.gas_before_refund // 5 < 11_616
    assert called.refund == 11_616


@pytest.mark.parametrize("left", [-1, 0, 1])
def test_a_slot_is_paid_from_the_reservoir_though_no_other_gas_is_left(left: int) -> None:
    """Two pushes, a cold slot for 2,100 and a write for 10,000; state gas comes behind them."""
    calls = f"0 0 0 0 0 {TO_B} {6 + 2_100 + 10_000 + left} CALL"
    called = call("amsterdam", calls, accounts={B: contract("1 7 SSTORE")}, gas=CAP + 400_000)
    assert called.execution.state_gas == NEW_SLOT * (left >= 0)
    assert called.state.account(B).storage == ({7: 1} if left >= 0 else {})


@pytest.mark.parametrize("left", [14, 15, 16])
def test_code_is_paid_from_the_reservoir_though_no_other_gas_is_left(left: int) -> None:
    """A byte of code: 9 gas for initcode that returns it, 6 for its hash, and 1,530 of state gas.

    What creates it gets 12,000 for the creation, 3 for each of six words and for its memory, and 2
    for the initcode's word.
    """
    returns = assemble("1 0 RETURN")
    source = f"0x{returns.hex()} 0 MSTORE {len(returns)} {32 - len(returns)} 0 CREATE"
    calls = f"0 0 0 0 0 {TO_B} {12_023 + left} CALL"
    called = call("amsterdam", calls, accounts={B: contract(source)}, gas=CAP + 400_000)
    deployed = NEW_ACCOUNT + BYTE if left >= 15 else 0
    assert called.execution.state_gas == deployed
    assert (called.state.account(created_by(B, 1)) is not None) is bool(deployed)


def test_code_that_cannot_be_paid_for_is_not_deployed() -> None:
    needed = 24_000 + 4 * 16 + 4 + 2 + 6 + 12 + 24 + NEW_ACCOUNT + 100 * BYTE
    block = [transaction(0, None, nonce=i, data=HUNDRED, gas=needed - i) for i in range(2)]
    ran = run("amsterdam", block)
    assert [e.succeeded for e in ran.executions] == [True, False]
    assert [e.gas_used for e in ran.executions] == [needed, needed - 1]
    assert [e.state_gas for e in ran.executions] == [NEW_ACCOUNT + 100 * BYTE, 0]
    assert ran.state.account(created_by(SENDERS[0], 1)) is None


@pytest.mark.parametrize(
    ("code", "gas", "paid"),
    [
        ("1 7 SSTORE INVALID", 200_000, 200_000),
        ("1 7 SSTORE INVALID", CAP + NEW_SLOT, CAP),  # the reservoir comes back
        ("1 7 SSTORE INVALID", CAP + 10 * NEW_SLOT, CAP),
        ("1 7 SSTORE 0 0 REVERT", CAP + NEW_SLOT, 15_000 + 12_112),
        ("1 7 SSTORE 0 0 REVERT", 200_000, 15_000 + 12_112),
        ("1 7 SSTORE STOP", CAP + NEW_SLOT, 15_000 + 12_106 + NEW_SLOT),
    ],
)
def test_what_a_transaction_pays_in_the_end(code: str, gas: int, paid: int) -> None:
    sent = transaction(0, A, gas=gas)
    [execution] = run("amsterdam", [sent], {A: contract(code)}, gas_limit=100_000_000).executions
    assert execution.gas_used == paid


@pytest.mark.parametrize(
    ("data", "ran", "state"),
    [
        (b"", 24_000, NEW_ACCOUNT),
        # Data at 16 and 4 gas, a word of initcode, two pushes, 4 words of memory and 4 to hash.
        (assemble("100 0 RETURN"), 24_000 + 4 * 16 + 4 + 2 + 6 + 12 + 24, 336_600),
        (assemble("0 0 REVERT"), 24_000 + 3 * 16 + 2 * 4 + 2 + 6, 0),
    ],
)
def test_a_creating_transaction(data: bytes, ran: int, state: int) -> None:
    sent = transaction(0, None, data=data, gas=PLENTY)
    [execution] = run("amsterdam", [sent]).executions
    # Both kinds together are held against the floor of data; for the block, what ran alone.
    floor = 24_000 + 64 * len(data)
    assert execution.state_gas == state
    assert execution.gas_used == max(ran + state, floor)
    assert execution.gas_before_refund == max(ran, floor)


def test_a_delegation_stays_paid_where_the_transaction_fails() -> None:
    authorization = SimpleNamespace(chain_id=1, address=B, nonce=0)
    authority = Address(b"\xa0" * 20)
    sent = transaction(
        0, A, type=4, authorizations=(authorization,), authorities=(authority,), gas=PLENTY
    )
    [execution] = run("amsterdam", [sent], {A: contract("1 7 SSTORE 0 0 REVERT")}).executions
    assert not execution.succeeded
    assert execution.state_gas == NEW_ACCOUNT + NEW_DELEGATION


def test_the_header_names_the_greater_of_the_two() -> None:
    accounts = {B: Account(1)}
    grows = signed(0, to=NOBODY, value=1, gas=300_000)
    moves = [signed(1, nonce=nonce, to=B, value=1) for nonce in range(9)]
    few = executed("amsterdam", [grows, *moves[:2]], accounts)
    assert (few.execution_gas, few.state_gas) == (3 * 21_000, NEW_ACCOUNT)
    assert few.gas_used == NEW_ACCOUNT
    many = executed("amsterdam", [grows, *moves], accounts)
    assert (many.execution_gas, many.state_gas) == (10 * 21_000, NEW_ACCOUNT)
    assert many.gas_used == 10 * 21_000
    paid = [receipt.gas_used for receipt in few.receipts]
    assert paid == [21_000 + NEW_ACCOUNT, 21_000, 21_000]


@pytest.mark.parametrize(
    ("room", "last"),
    # Each kind of gas has the block's limit to itself, and must hold all that is asked for.
    [(0, None), (-1, "gas_above_block")],
)
def test_a_transaction_must_find_room_in_both(room: int, last: str | None) -> None:
    funded = {sender: Account(10**18) for sender in SENDERS}
    gas = 21_000 + NEW_ACCOUNT
    block = [transaction(i, to, value=1, gas=gas) for i, to in enumerate((A, B))]
    limit = NEW_ACCOUNT + gas + room
    assert run("amsterdam", block, funded, gas_limit=limit).reasons == (None, last)


@pytest.mark.parametrize(("blobs", "last"), [(6, None), (7, "blob_gas_above_block")])
def test_blobs_are_counted_apart_from_both(blobs: int, last: str | None) -> None:
    grows = transaction(0, A, value=1, gas=21_000 + NEW_ACCOUNT)
    blob = b"\x01" + bytes(31)
    carries = [
        transaction(1, B, nonce=i, type=3, blob_hashes=(blob,) * n, max_fee_per_blob_gas=9)
        for i, n in enumerate((3, blobs - 3))
    ]
    ran = run("amsterdam", [grows, *carries], blob_base_fee=9, blobs_max=6)
    assert ran.reasons == (None, None, last)


def test_what_is_above_the_cap_needs_no_room_to_run() -> None:
    funded = {sender: Account(10**18) for sender in SENDERS}
    for room, reasons in [(0, (None, None)), (-1, (None, "gas_above_block"))]:
        block = [transaction(0, SENDERS[0]), transaction(1, SENDERS[1], gas=CAP + 5_000)]
        ran = run("amsterdam", block, funded, gas_limit=12_000 + CAP + room)
        assert ran.reasons == reasons


@pytest.mark.parametrize("gas", [21_000 + NEW_ACCOUNT + 1_000, CAP + NEW_ACCOUNT])
def test_a_precompile_that_fails_gives_its_account_back(gas: int) -> None:
    pairing = Address(bytes(19) + b"\x08")  # fails with a byte too many
    sent = transaction(0, pairing, value=1, data=b"\x01", gas=gas)
    ran = run("amsterdam", [sent], gas_limit=100_000_000)
    [execution] = ran.executions
    assert (execution.succeeded, execution.state_gas) == (False, 0)
    assert execution.gas_used == min(gas, CAP)
    assert ran.state.account(pairing) is None


def test_a_call_of_the_system_has_a_reservoir_for_16_slots() -> None:
    # It returns what each of 17 new slots took from its gas, then three reads of accounts.
    reads = [f"{at} BALANCE POP" for at in ("CALLER", "COINBASE", "ADDRESS")]
    measured = [f"1 {slot} SSTORE" for slot in range(1, 18)] + reads
    code = " ".join(
        f"GAS {each} GAS SWAP1 SUB PUSH2 {32 * place} MSTORE" for place, each in enumerate(measured)
    )
    contracts = {WITHDRAWALS: contract(f"{code} PUSH2 {32 * len(measured)} 0 RETURN")}
    given = outputs(run_to_the_end("amsterdam", [], contracts)).withdrawal_requests
    spent = [int.from_bytes(given[at : at + 32], "big") - 2 for at in range(0, len(given), 32)]
    assert spent == [12_106] * 16 + [12_106 + NEW_SLOT] + [104] * 3


def test_later_transactions_find_the_state_grown() -> None:
    accounts = {A: contract("1 CALLDATASIZE SSTORE")}
    block = [transaction(i, A, data=bytes(i // 2), gas=PLENTY) for i in range(8)]
    ran = run("amsterdam", block, accounts)
    assert [e.state_gas for e in ran.executions] == [NEW_SLOT, 0] * 4
    assert ran.state.account(A).storage == dict.fromkeys(range(4), 1)
