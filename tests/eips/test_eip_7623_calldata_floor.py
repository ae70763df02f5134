"""EIP-7623 (Prague): a transaction pays 10 gas for each token of its data at the least."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import run, since
from tests.evm.world_blocks import GAS_PRICE, NOBODY, contract, transaction

WORKER = Address(b"\x0f" * 20)
FORKS = since("prague", until="amsterdam")  # EIP-7976 has another floor
# Data, and its tokens: one for a zero byte, four for another.
DATA = [
    (b"", 0),
    (bytes(100), 100),
    (b"\x01" * 100, 400),
    (bytes(60) + b"\xff" * 10, 100),
]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(("data", "tokens"), DATA)
def test_data_alone_pays_the_floor(fork: str, data: bytes, tokens: int) -> None:
    block = [transaction(i, NOBODY, data=data) for i in range(2)]
    assert [e.gas_used for e in run(fork, block).executions] == [21_000 + 10 * tokens] * 2


@pytest.mark.parametrize("fork", ["berlin", "cancun"])
@pytest.mark.parametrize(("data", "tokens"), DATA)
def test_before_it_paid_4_for_each_token(fork: str, data: bytes, tokens: int) -> None:
    sent = transaction(0, NOBODY, data=data, gas=21_000 + 4 * tokens)
    assert [e.gas_used for e in run(fork, [sent]).executions] == [21_000 + 4 * tokens]


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize(("data", "tokens"), DATA[1:])
def test_the_gas_limit_must_cover_the_floor(fork: str, data: bytes, tokens: int) -> None:
    floor = 21_000 + 10 * tokens
    block = [transaction(i, NOBODY, data=data, gas=floor - i) for i in range(2)]
    ran = run(fork, block)
    assert ran.reasons == (None, "floor_gas")
    assert ran.outcomes[0].value.gas_used == floor
    intrinsic = transaction(2, NOBODY, data=data, gas=21_000 + 4 * tokens - 1)
    assert run(fork, [intrinsic]).reasons == ("intrinsic_gas",)


@pytest.mark.parametrize("fork", FORKS)
def test_execution_above_the_floor_is_paid_as_it_is(fork: str) -> None:
    # A store of 20,000 and a cold slot are more than 6 * 100 for 100 tokens.
    accounts = {WORKER: contract("1 CALLDATASIZE SSTORE")}
    [did] = run(fork, [transaction(0, WORKER, data=bytes(100))], accounts).executions
    assert did.gas_used == 21_000 + 4 * 100 + 3 + 2 + 22_100


@pytest.mark.parametrize("fork", FORKS)
def test_refunds_stop_at_the_floor(fork: str) -> None:
    # Clearing a slot: 21,000 + 4 * 1,000 + 5,005 - 4,800 = 25,205 is less than 31,000.
    accounts = {WORKER: contract("0 CALLDATASIZE SSTORE", storage={1_000: 1})}
    [did] = run(fork, [transaction(0, WORKER, data=bytes(1_000))], accounts).executions
    assert did.gas_used == 31_000
    [did] = run("cancun", [transaction(0, WORKER, data=bytes(1_000))], accounts).executions
    assert did.gas_used == 21_000 + 4_000 + 5_005 - 4_800


@pytest.mark.parametrize("fork", FORKS)
def test_a_creation_is_held_against_the_same_floor(fork: str) -> None:
    # 32,000 and 2 for each word of initcode stand on the side of what is done.
    for size, paid in [(100, 53_000 + 400 + 8), (6_000, 21_000 + 60_000)]:
        sent = transaction(0, None, data=bytes(size))
        assert [e.gas_used for e in run(fork, [sent]).executions] == [paid]


@pytest.mark.parametrize("fork", FORKS)
def test_the_sender_is_charged_the_floor(fork: str) -> None:
    block = [transaction(0, NOBODY, data=bytes(100), nonce=n, gas=22_000 + n) for n in range(2)]
    ran = run(fork, block)
    assert ran.state.account(block[0].sender).balance == GAS_PRICE
    assert [e.gas_used for e in ran.executions] == [22_000] * 2
