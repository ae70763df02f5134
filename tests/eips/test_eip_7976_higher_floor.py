"""EIP-7976 (Amsterdam): each byte of data, zero or not, costs 64 gas at the least."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import run
from tests.evm.world_blocks import NOBODY, contract, transaction

WORKER = Address(b"\x0f" * 20)
BASE = 15_000  # of a call to another account without value (EIP-2780)
CREATION = 24_000
DATA = [b"", b"\x00", b"\x01", bytes(100), b"\x01" * 100, b"\x00\xff" * 50]


@pytest.mark.parametrize("data", DATA)
def test_data_alone_pays_the_floor(data: bytes) -> None:
    block = [transaction(i, NOBODY, data=data) for i in range(2)]
    assert [e.gas_used for e in run("amsterdam", block).executions] == [BASE + 64 * len(data)] * 2


@pytest.mark.parametrize("data", DATA[1:])
def test_the_gas_limit_must_cover_the_floor(data: bytes) -> None:
    floor = BASE + 64 * len(data)
    block = [transaction(i, NOBODY, data=data, gas=floor - i) for i in range(2)]
    assert run("amsterdam", block).reasons == (None, "floor_gas")
    intrinsic = BASE + 4 * data.count(0) + 16 * (len(data) - data.count(0))
    short = transaction(2, NOBODY, data=data, gas=intrinsic - 1)
    assert run("amsterdam", [short]).reasons == ("intrinsic_gas",)


@pytest.mark.parametrize(
    ("value", "intrinsic"),
    [(b"\x00", 4), (b"\x01", 16)],
)
def test_execution_above_the_floor_is_paid_as_it_is(value: bytes, intrinsic: int) -> None:
    # What runs is charged beside 4 or 16 for a byte; here it is more than 48 or 60 for each.
    accounts = {WORKER: contract("0x0d0d BALANCE 0x0e0e BALANCE 0x0f0f BALANCE")}
    sent = transaction(0, WORKER, data=value * 100)
    [did] = run("amsterdam", [sent], accounts).executions
    assert did.gas_used == BASE + intrinsic * 100 + 3 * 3_003


def test_a_creation_has_its_own_base() -> None:
    sent = transaction(0, None, data=bytes(10_000), gas=2_000_000)
    [did] = run("amsterdam", [sent]).executions
    assert did.gas_before_refund == CREATION + 64 * 10_000


@pytest.mark.parametrize("data", DATA)
def test_before_it_a_zero_byte_cost_10_and_another_40(data: bytes) -> None:
    floor = 21_000 + 10 * data.count(0) + 40 * (len(data) - data.count(0))
    sent = transaction(0, NOBODY, data=data)
    assert [e.gas_used for e in run("osaka", [sent]).executions] == [floor]


def test_refunds_stop_at_the_floor() -> None:
    # Clearing a slot spends 27,106 and 400 for data, of which 5,501 would come back.
    accounts = {WORKER: contract("0 CALLDATASIZE SSTORE", storage={100: 1, 200: 1})}
    block = [transaction(i, WORKER, data=bytes(size)) for i, size in enumerate((100, 200))]
    spent = [BASE + 4 * size + 3 + 2 + 12_100 for size in (100, 200)]
    assert [e.gas_used for e in run("amsterdam", block, accounts).executions] == [
        max(spent[0] - spent[0] // 5, BASE + 6_400),
        BASE + 12_800,
    ]
