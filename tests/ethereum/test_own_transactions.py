"""Transactions of a chain's own types: read, executed, built; what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.ethereum.builders import COINBASE, NOBODY, SENDERS, contract, state_of
from tests.ethereum.own_rules import (
    DEPOSIT,
    GAS_LIMIT,
    SPONSORED,
    TYPES,
    Deposit,
    Sponsored,
    balance,
    built,
    everywhere,
    site,
)
from tests.ethereum.test_builders import RICH, pay

import blockstm
from blockstm.errors import ConfigError, DecodeError, InputError, InvalidBlock
from blockstm.ethereum import (
    AccountState,
    Block,
    OwnTransaction,
    OwnTransactionType,
    Reason,
    Receipt,
    Rules,
    by_price,
)
from blockstm.ethereum.blocks.receipt import contract_address, receipts_root
from blockstm.ethereum.codecs.fields import Fields
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.ethereum.execution.checks import execute_in_order
from blockstm.types import Address

FORKS = ["paris", "cancun", "prague", "amsterdam"]
POOR = Address(b"\x77" * 20)
# CALLER, PUSH1 0, SSTORE, ORIGIN, PUSH1 1, SSTORE, GASPRICE, PUSH1 2, SSTORE
TELLER = Address(b"\x7e" * 20)
TELLER_CODE = bytes.fromhex("33600055326001553a600255")


def with_teller() -> AccountState:
    return AccountState({**dict(RICH.accounts()), TELLER: contract(TELLER_CODE)})


# ---- prepaid ones


@pytest.mark.parametrize("fork", FORKS)
def test_a_prepaid_one_mints_sends_and_pays_nothing(fork: str) -> None:
    where = site(fork)
    deposit = Deposit(sender=POOR, to=NOBODY, mint=10, value=7, gas=300_000)
    done = everywhere(where, built(where, [deposit, pay(0, 0)[1]], RICH), RICH)
    assert balance(RICH, done, POOR) == 3
    assert balance(RICH, done, NOBODY) == 7 + 1
    assert done.writes[POOR].nonce == 1
    [first, second] = done.receipts
    assert first.succeeded
    assert dict(first.extra) == {"depositNonce": 0, "depositReceiptVersion": 1}
    assert second.extra == ()
    assert balance(RICH, done, COINBASE) == second.gas_used  # a tip of one wei per gas


def test_what_code_sees_of_it() -> None:
    where, state = site("cancun"), with_teller()
    done = everywhere(where, built(where, [Deposit(sender=POOR, to=TELLER)], state), state)
    origin = int.from_bytes(POOR, "big")
    assert done.writes[TELLER].storage == {0: origin, 1: origin}  # and a gas price of 0


FAILING: dict[str, dict[str, Any]] = {
    "without the funds for its value": {"mint": 5, "value": 60},
    "without intrinsic gas": {"mint": 5, "gas": 20_999},
    "with too much initcode": {"mint": 5, "to": None, "data": bytes(49_153), "gas": 390_000},
    "that runs out of gas": {"mint": 5, "to": TELLER, "gas": 21_005},
}


@pytest.mark.parametrize("how", FAILING)
def test_one_that_fails_is_in_the_block_and_keeps_what_it_minted(how: str) -> None:
    where, state = site("cancun"), with_teller()
    deposit = Deposit(**{"sender": POOR, "to": NOBODY, **FAILING[how]})
    count = min(2, GAS_LIMIT // deposit.gas)
    deposits = [replace(deposit, mark=mark) for mark in range(count)]
    done = everywhere(where, built(where, deposits, state), state)
    assert balance(state, done, POOR) == 5 * count
    assert done.writes[POOR].nonce == count
    for place, receipt in enumerate(done.receipts):
        assert not receipt.succeeded
        assert receipt.logs == ()
        assert receipt.gas_used == deposit.gas
        assert dict(receipt.extra)["depositNonce"] == place
    assert NOBODY not in done.writes


def test_a_second_mint_may_pay_for_what_a_first_could_not() -> None:
    where = site("cancun")
    first = Deposit(sender=POOR, to=NOBODY, mint=5, value=6)
    done = everywhere(where, built(where, [first, replace(first, mark=1)], RICH), RICH)
    assert [each.succeeded for each in done.receipts] == [False, True]
    assert (balance(RICH, done, POOR), balance(RICH, done, NOBODY)) == (4, 6)


@pytest.mark.parametrize("fork", FORKS)
def test_a_contract_sends_one_and_it_creates_by_the_nonce_of_the_state(fork: str) -> None:
    where = site(fork)
    state = AccountState({**dict(RICH.accounts()), TELLER: replace(contract(TELLER_CODE), nonce=9)})
    # PUSH1 0, PUSH1 0, RETURN: an account without code
    deposit = Deposit(sender=TELLER, to=None, data=bytes.fromhex("60006000f3"), gas=250_000)
    done = everywhere(where, built(where, [deposit], state), state)
    [receipt] = done.receipts
    assert receipt.succeeded
    assert receipt.contract_address == contract_address(deposit, TELLER, 9)
    assert dict(receipt.extra)["depositNonce"] == 9
    made = done.writes[receipt.contract_address]  # type: ignore[index]  # it is there
    assert made.nonce == 1
    assert done.writes[TELLER].nonce == 10


def test_the_largest_nonce_stays() -> None:
    where = site("cancun")
    state = AccountState({**dict(RICH.accounts()), POOR: blockstm.ethereum.Account(0, 2**64 - 1)})
    done = everywhere(where, built(where, [Deposit(sender=POOR, to=NOBODY, mint=3)], state), state)
    assert not done.receipts[0].succeeded
    assert balance(state, done, POOR) == 3
    assert done.writes[POOR].nonce in (None, 2**64 - 1)


def test_more_gas_than_the_block_has_is_no_failure_but_refused() -> None:
    where = site("cancun")
    much = Deposit(sender=POOR, to=NOBODY, gas=GAS_LIMIT + 1)
    halves = [Deposit(sender=POOR, to=None, gas=GAS_LIMIT, mark=1, data=b"\xfe")] * 1
    for transactions in ([much], [*halves, Deposit(sender=POOR, to=NOBODY)]):
        with pytest.raises(InvalidBlock) as caught:
            built(where, transactions, RICH)
        assert caught.value.reason == Reason.GAS_ABOVE_BLOCK
        assert caught.value.index == len(transactions) - 1


@pytest.mark.parametrize(("to", "succeeds"), [(NOBODY, True), (TELLER, False)])
def test_intrinsic_gas_above_the_cap_leaves_none_to_run_with(to: Address, succeeds: bool) -> None:
    """All the rest is for the state (EIP-8037)."""
    where, state = site("amsterdam"), with_teller()
    object.__setattr__(where, "gas_limit", 200_000_000)
    deposit = Deposit(sender=POOR, to=to, mint=5, gas=100_000_000, data=b"\1" * 1_100_000)
    done = everywhere(where, built(where, [deposit, pay(0, 0)[1]], state), state)
    receipt = done.receipts[0]
    assert receipt.succeeded == succeeds
    assert receipt.gas_used == 15_000 + 64 * 1_100_000  # the floor of EIP-7976
    assert balance(state, done, POOR) == 5


def test_those_of_one_sender_and_signed_ones_follow_each_other() -> None:
    """What a deposit mints and raises, a signed transaction needs."""
    where = site("cancun")
    state = state_of([0, 10**9, 10**9, 10**9])
    funding = Deposit(sender=SENDERS[0], to=NOBODY, mint=10**9)
    transactions = [
        pay(1, 0)[1],
        funding,
        pay(0, 1)[1],  # nonce 0 was the deposit's
        replace(funding, mark=1, mint=0, value=5),
        pay(0, 3, value=9)[1],
    ]
    done = everywhere(where, built(where, transactions, state), state)
    assert all(each.succeeded for each in done.receipts)
    assert done.writes[SENDERS[0]].nonce == 4
    with pytest.raises(InvalidBlock) as caught:
        built(where, [funding, pay(0, 0)[1]], state)
    assert (caught.value.reason, caught.value.index) == (Reason.NONCE_TOO_LOW, 1)


# ---- others


@pytest.mark.parametrize("fork", FORKS)
def test_one_that_is_not_prepaid_obeys_the_usual_rules(fork: str) -> None:
    where = site(fork)
    fees = {"max_fee_per_gas": 10, "max_priority_fee_per_gas": 1}
    sponsored = Sponsored(sender=SENDERS[0], to=NOBODY, value=3, nonce=0, **fees)
    done = everywhere(where, built(where, [sponsored, pay(0, 1)[1]], RICH), RICH)
    [first, _] = done.receipts
    assert first.extra == ()
    assert balance(RICH, done, COINBASE) == sum(each.gas_used or 0 for each in done.receipts)
    for wrong, reason in (
        ({"nonce": 1}, Reason.NONCE_TOO_HIGH),
        ({"sender": POOR}, Reason.INSUFFICIENT_FUNDS),
        ({"max_fee_per_gas": 1}, Reason.FEE_CAP_BELOW_BASE_FEE),
        ({"max_priority_fee_per_gas": 11}, Reason.PRIORITY_FEE_ABOVE_FEE_CAP),
        ({"gas": 20_000}, Reason.INTRINSIC_GAS),
        ({"nonce": 2**64 - 1}, Reason.NONCE_IS_MAX),
    ):
        broken = replace(sponsored, **wrong)
        if fork == "amsterdam" and reason == Reason.INTRINSIC_GAS:
            broken = replace(sponsored, gas=10_000)
        with pytest.raises(InvalidBlock) as caught:
            built(where, [broken], RICH)
        assert caught.value.reason == reason


def test_a_builder_orders_them_by_what_they_pay() -> None:
    where = site("cancun")
    fees = {"max_fee_per_gas": 20, "max_priority_fee_per_gas": 5}
    transactions = [
        pay(1, 0)[1],
        Deposit(sender=POOR, to=NOBODY),
        Sponsored(sender=SENDERS[0], to=NOBODY, **fees),
    ]
    done = built(where, transactions, RICH, order=by_price)
    assert [each.type for each in done.block.transactions] == [SPONSORED, 2, DEPOSIT]
    assert done.value == 5 * 21_000 + 21_000
    everywhere(where, done, RICH)


# ---- what is refused


def encoded(where: Any, *transactions: Any) -> bytes:
    return built(where, transactions, RICH).block.encode()


def test_a_chain_without_the_type_has_no_such_block() -> None:
    where, usual = site("cancun"), site("cancun", transaction_types=())
    done = built(where, [pay(0, 0)[1], Deposit(sender=POOR, to=NOBODY)], RICH)
    with pytest.raises(DecodeError, match=r"transactions\[1\]: no transaction type 126 is known"):
        Block.decode(done.block.encode())
    options: Any = {"chain": usual.chain, "parent": usual.parent}
    for run in (execute_in_order, blockstm.execute_block):
        with pytest.raises(InvalidBlock, match="no type 126 of its own") as caught:
            run(done.block, RICH, "evm", **options)
        assert (caught.value.reason, caught.value.index) == (Reason.TYPE_NOT_SUPPORTED, 1)


def other_payload(payload: bytes) -> bytes:
    """A block's encoding with another payload of its only transaction."""
    from blockstm.ethereum.codecs.rlp import encode_list

    where = site("cancun")
    block = built(where, [Deposit(sender=POOR, to=NOBODY)], RICH).block
    from blockstm.ethereum.codecs.rlp import encode

    listed = encode_list([encode(bytes((DEPOSIT,)) + payload)])
    return encode_list([block.header.encode(), listed, encode([]), encode([])])


WRONG = {
    "nothing": b"",
    "no list": b"\x80",
    "too short a list": b"\xc1\x80",
    "not the only encoding": None,
    "a sender of 19 bytes": bytes.fromhex("d8") + b"\x80" + b"\x93" + b"\x01" * 19 + b"\x80" * 3,
    "cut off": b"\xf8\xff",
    "garbage": b"\xff" * 40,
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_transaction_of_the_type_is_told(what: str) -> None:
    payload = WRONG[what]
    if payload is None:  # an item too many
        inner = Deposit(sender=POOR, to=NOBODY).payload()
        payload = bytes((inner[0] + 1,)) + inner[1:] + b"\x80"
    with pytest.raises(DecodeError):
        Block.decode(other_payload(payload), rules=site("cancun").chain.rules)


def decoding(decode: Any) -> Rules:
    return Rules(transaction_types=(OwnTransactionType(DEPOSIT, decode, is_prepaid=True),))


def test_what_a_decoder_raises_or_gives_is_typed() -> None:
    encoding = other_payload(Deposit(sender=POOR, to=NOBODY).payload())

    def broken(payload: bytes) -> Any:
        raise IndexError("mine")

    with pytest.raises(DecodeError, match=r"no transaction of type 126: .*mine") as raised:
        Block.decode(encoding, rules=decoding(broken))
    assert isinstance(raised.value.__cause__, IndexError)
    for given in (None, 7, Sponsored(sender=POOR, to=None)):
        with pytest.raises(ConfigError, match="gives an OwnTransaction of this type"):
            Block.decode(encoding, rules=decoding(lambda payload, given=given: given))
    other = Deposit(sender=POOR, to=None)
    with pytest.raises(DecodeError, match="not the only encoding"):
        Block.decode(encoding, rules=decoding(lambda payload: other))
    wrong = Deposit(sender=POOR, to=NOBODY, value=-1)
    with pytest.raises(DecodeError, match="value is an int"):
        Block.decode(encoding, rules=decoding(lambda payload: wrong))


@pytest.mark.parametrize("number", [-1, 0, 4, 0x80, 0xC0, 2**70, True, "7", None, 5.0])
def test_a_number_that_is_taken_is_refused(number: Any) -> None:
    with pytest.raises(ConfigError, match="an int from 5 to 0x7f"):
        OwnTransactionType(number, Deposit.from_payload)


def test_two_types_of_one_number_are_refused() -> None:
    with pytest.raises(ConfigError, match="a number of its own"):
        Rules(transaction_types=(TYPES[0], TYPES[0]))


@pytest.mark.parametrize(
    "member",
    [
        {"sender": b"short"},
        {"mint": -1},
        {"value": 2**256},
        {"gas": 2**64},
        {"data": "00"},
        {"to": b"\x01"},
        {"type": 4},
        {"type": 0x80},
        {"blob_hashes": (bytes(32),)},
    ],
    ids=str,
)
def test_a_member_that_none_can_have_is_named(member: dict[str, Any]) -> None:
    wrong = Deposit(**{"sender": POOR, "to": NOBODY, **member})
    [name] = member
    with pytest.raises(InputError, match=f"transaction.{name}"):
        wrong.encode()
    with pytest.raises(InputError, match=rf"transactions\[0\]: transaction.{name}"):
        built(site("cancun"), [wrong], RICH)


def test_a_class_without_a_payload_says_so() -> None:
    with pytest.raises(NotImplementedError, match="has no payload"):
        OwnTransaction(type=9, sender=POOR, to=None, value=0, gas=1, data=b"").encode()


@pytest.mark.parametrize("given", [None, 7, {"a": -1}, {"a": 2**256}, {1: 1}, {"a": "1"}])
def test_what_no_receipt_has_is_refused(given: Any) -> None:
    types = (replace(TYPES[0], receipt=lambda *_: given),)
    where = site("cancun", transaction_types=types)
    with pytest.raises(ConfigError, match="numbers of up to 256 bits by their names"):
        built(where, [Deposit(sender=POOR, to=NOBODY)], RICH)


# ---- receipts and JSON


def test_a_receipt_with_more_members_reads_back() -> None:
    where = site("cancun")
    done = built(where, [Deposit(sender=POOR, to=NOBODY)], RICH)
    [receipt] = done.executed.receipts
    names = {DEPOSIT: ("depositNonce", "depositReceiptVersion")}
    assert Receipt.decode(receipt.encode(), own_types=names) == receipt
    assert receipt.to_json()["depositReceiptVersion"] == "0x1"
    assert receipt.encode()[0] == DEPOSIT
    assert receipts_root(done.executed.receipts) == done.block.header.receipts_root
    fields = Fields(receipt.to_json(), "")
    assert Receipt.from_fields(fields, extra_names=names[DEPOSIT]) == receipt
    assert Receipt.from_fields(fields) == replace(receipt, extra=())
    with pytest.raises(DecodeError, match="depositMark"):
        Receipt.from_fields(fields, extra_names=("depositMark",))
    with pytest.raises(DecodeError, match="no transaction type 126"):
        Receipt.decode(receipt.encode())
    with pytest.raises(DecodeError):
        Receipt.decode(receipt.encode(), own_types={DEPOSIT: ("depositNonce",)})


@pytest.mark.parametrize("names", [("status",), ("root",), ("logs",), ("a", "a")])
def test_a_receipt_has_no_member_twice(names: tuple[str, ...]) -> None:
    receipt = Receipt(DEPOSIT, True, 21_000, (), extra=tuple((name, 1) for name in names))
    with pytest.raises(InputError, match="a name of its own"):
        receipt.to_json()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Receipt.decode(b"", own_types=5),
        lambda: Receipt.decode(b"", own_types={5: 7}),
        lambda: Receipt.decode(b"", own_types={5: "name"}),
        lambda: Receipt.decode(b"", own_types={5: (7,)}),
        lambda: Receipt.from_fields(Fields({}, ""), extra_names="name"),
        lambda: Block.decode(b"", rules=5),
        lambda: Block.decode(b"", rules=None),
    ],
)
def test_rules_to_read_by_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(InputError):
        wrong()


@pytest.mark.parametrize("each", ["text", b"bytes", 5, None])
def test_what_is_no_transaction_is_not_encoded(each: Any) -> None:
    block = replace(built(site(), [pay(0, 0)[1]], RICH).block, transactions=(each,))
    for read in (lambda: block.transactions_root, lambda: block.encoded_size, block.encode):
        with pytest.raises(InputError, match="Transaction"):
            read()


def test_a_transaction_tells_its_members_and_its_hash() -> None:
    deposit = Deposit(sender=POOR, to=None, mint=3, value=1, data=b"\x01")
    shown = deposit.to_json()
    assert shown["from"] == "0x" + POOR.hex()
    assert (shown["type"], shown["mint"], shown["to"]) == ("0x7e", "0x3", None)
    assert deposit.hash == keccak(deposit.encode())
