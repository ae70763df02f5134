"""EIP-6110 (Prague): deposits are read off the logs of the deposit contract."""

from __future__ import annotations

from hashlib import sha256

import pytest
from eth_typing import Address
from tests.eips.rules import refusal
from tests.eips.whole_blocks import block_with, executed, signed, with_header, world
from tests.ethereum.made import block_of

from blockstm.bench.evm.assembly import assemble
from blockstm.ethereum import Account, Reason

FORKS = ["prague", "osaka", "amsterdam"]
CONTRACT = Address(bytes.fromhex("00000000219ab540356cbb839cbe05303d7705fa"))
EVENT = "0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5"
ELSEWHERE = Address(b"\x0d" * 20)
SIZES = (48, 32, 8, 96, 8)
OFFSETS = (160, 256, 320, 384, 512)
LOGS = Account(0, 1, assemble(f"CALLDATASIZE 0 0 CALLDATACOPY PUSH32 {EVENT} CALLDATASIZE 0 LOG1"))
LOGS_ANOTHER = Account(0, 1, assemble("CALLDATASIZE 0 0 CALLDATACOPY 7 CALLDATASIZE 0 LOG1"))
LOGS_NO_TOPIC = Account(0, 1, assemble("CALLDATASIZE 0 0 CALLDATACOPY CALLDATASIZE 0 LOG0"))
GAS = 1_000_000


def event(number: int) -> tuple[bytes, bytes]:
    """The data of a deposit's log, as its ABI lays it out, and the deposit it is of."""
    parts = [bytes([number + i + 1]) * size for i, size in enumerate(SIZES)]
    data = b"".join(offset.to_bytes(32, "big") for offset in OFFSETS)
    for part in parts:
        data += len(part).to_bytes(32, "big") + part + bytes(-len(part) % 32)
    return data, b"".join(parts)


@pytest.mark.parametrize("fork", FORKS)
def test_deposits_are_listed_in_the_order_of_their_logs(fork: str) -> None:
    events = [event(10 * i) for i in range(4)]
    transactions = [
        signed(i % 2, nonce=i // 2, to=CONTRACT, data=data, gas=GAS)
        for i, (data, _) in enumerate(events)
    ]
    assert all(len(data) == 576 for data, _ in events)
    done = executed(fork, transactions, {CONTRACT: LOGS})
    listed = b"\x00" + b"".join(deposit for _, deposit in events)
    assert done.requests == (listed,)
    assert len(listed) == 1 + 4 * 192


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    ("at", "logs"),
    [(ELSEWHERE, LOGS), (CONTRACT, LOGS_ANOTHER), (CONTRACT, LOGS_NO_TOPIC)],
)
def test_other_logs_are_none(fork: str, at: Address, logs: Account) -> None:
    # Neither what another contract logs, nor what the contract logs of something else.
    done = executed(fork, [signed(0, to=at, data=event(1)[0], gas=GAS)], {at: logs})
    assert done.receipts[0].logs
    assert done.requests == ()


@pytest.mark.parametrize("fork", FORKS)
def test_the_first_topic_says_that_it_is_one(fork: str) -> None:
    """Whatever follows: the EIP compares ``log.topics[0]``."""
    data, deposit = event(1)
    source = f"CALLDATASIZE 0 0 CALLDATACOPY 7 PUSH32 {EVENT} CALLDATASIZE 0 LOG2"
    logs_more = Account(0, 1, assemble(source))
    done = executed(fork, [signed(0, to=CONTRACT, data=data, gas=GAS)], {CONTRACT: logs_more})
    assert done.requests == (b"\x00" + deposit,)


@pytest.mark.parametrize("fork", FORKS)
def test_a_deposit_that_is_reverted_is_none(fork: str) -> None:
    reverts = Account(0, 1, LOGS.code + assemble("0 0 REVERT"))
    sent = [signed(0, to=CONTRACT, data=event(1)[0], gas=GAS)]
    assert executed(fork, sent, {CONTRACT: reverts}).requests == ()


def changed(place: int, value: int) -> bytes:
    """An event with another word in one place."""
    data = event(1)[0]
    return data[:place] + value.to_bytes(32, "big") + data[place + 32 :]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        event(1)[0][:-1],
        event(1)[0] + bytes(32),
        *(changed(32 * i, offset + 1) for i, offset in enumerate(OFFSETS)),
        *(changed(offset, size - 1) for offset, size in zip(OFFSETS, SIZES, strict=True)),
    ],
)
def test_a_log_that_is_laid_out_otherwise_makes_the_block_invalid(fork: str, data: bytes) -> None:
    state = world({CONTRACT: LOGS})
    good = signed(0, to=CONTRACT, data=event(1)[0], gas=GAS)
    bad = signed(1, to=CONTRACT, data=data, gas=GAS)
    assert refusal(block_of((good, bad), fork), state, fork) is Reason.DEPOSIT_LAYOUT


@pytest.mark.parametrize("fork", FORKS)
def test_the_header_names_their_hash(fork: str) -> None:
    data, deposit = event(3)
    state = world({CONTRACT: LOGS})
    block = block_with(fork, [signed(0, to=CONTRACT, data=data, gas=GAS)], state)
    assert block.header.requests_hash == sha256(sha256(b"\x00" + deposit).digest()).digest()
    assert refusal(block, state, fork) is None
    wrong = with_header(block, requests_hash=sha256(b"").digest())
    assert refusal(wrong, state, fork) is Reason.REQUESTS_HASH


def test_before_it_logs_were_only_logs() -> None:
    done = executed("cancun", [signed(0, to=CONTRACT, data=b"", gas=GAS)], {CONTRACT: LOGS})
    assert done.requests is None
