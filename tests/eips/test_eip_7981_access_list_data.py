"""EIP-7981 (Amsterdam): access lists pay for their bytes, at the floor and above it."""

from __future__ import annotations

from typing import Any

import pytest
from eth_typing import Address
from tests.eips.rules import run
from tests.evm.world_blocks import NOBODY, transaction

A, B = Address(b"\x0a" * 20), Address(b"\x0b" * 20)
BASE = 15_000  # of a call to another account without value (EIP-2780)
# For an access 2,900 and 2,000 (EIP-8038); for 20 and 32 bytes 64 each.
LISTS: list[tuple[Any, int, int]] = [
    ((), 0, 0),
    (((A, ()),), 2_900, 1_280),
    (((A, (1,)),), 4_900, 1_280 + 2_048),
    (((A, (1, 2)), (B, (3,))), 2 * 2_900 + 3 * 2_000, 2 * 1_280 + 3 * 2_048),
    (((A, (1,)), (A, (1,))), 2 * 4_900, 2 * (1_280 + 2_048)),  # twice, twice the price
]


@pytest.mark.parametrize(("listed", "accesses", "data"), LISTS)
def test_both_are_paid(listed: Any, accesses: int, data: int) -> None:
    block = [transaction(i, NOBODY, type=1, access_list=listed) for i in range(2)]
    paid = BASE + accesses + data
    assert [e.gas_used for e in run("amsterdam", block).executions] == [paid] * 2
    least = [transaction(i, NOBODY, type=1, access_list=listed, gas=paid - i) for i in range(2)]
    assert run("amsterdam", least).reasons == (None, "intrinsic_gas")


@pytest.mark.parametrize(("listed", "accesses", "data"), LISTS)
def test_the_bytes_are_part_of_the_floor(listed: Any, accesses: int, data: int) -> None:
    # 1,000 bytes of data come to more at the floor than what the list is charged for accesses.
    sent = transaction(0, NOBODY, type=1, access_list=listed, data=bytes(1_000))
    [did] = run("amsterdam", [sent]).executions
    assert did.gas_used == BASE + 64_000 + data
    assert accesses < 60_000
    floor = [
        transaction(i, NOBODY, type=1, access_list=listed, data=bytes(1_000), gas=did.gas_used - i)
        for i in range(2)
    ]
    assert run("amsterdam", floor).reasons == (None, "floor_gas")


@pytest.mark.parametrize("listed", [each[0] for each in LISTS])
def test_before_it_they_paid_for_accesses_alone(listed: Any) -> None:
    sent = transaction(0, NOBODY, type=1, access_list=listed)
    slots = sum(len(keys) for _, keys in listed)
    paid = 21_000 + 2_400 * len(listed) + 1_900 * slots
    assert [e.gas_used for e in run("osaka", [sent]).executions] == [paid]
