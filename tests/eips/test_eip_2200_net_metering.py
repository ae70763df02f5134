"""EIP-2200 (Istanbul): SSTORE pays for what a transaction changes, and not from a stipend."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, call, word
from tests.evm.world_blocks import contract

OTHER = Address(b"\x0e" * 20)
# The EIP's table: what slot 0 held, what is stored there one after another, gas, refund.
CASES = [
    (0, (0, 0), 1_612, 0),
    (0, (0, 1), 20_812, 0),
    (0, (1, 0), 20_812, 19_200),
    (0, (1, 2), 20_812, 0),
    (0, (1, 1), 20_812, 0),
    (1, (0, 0), 5_812, 15_000),
    (1, (0, 1), 5_812, 4_200),
    (1, (0, 2), 5_812, 0),
    (1, (2, 0), 5_812, 15_000),
    (1, (2, 3), 5_812, 0),
    (1, (2, 1), 5_812, 4_200),
    (1, (2, 2), 5_812, 0),
    (1, (1, 0), 5_812, 15_000),
    (1, (1, 2), 5_812, 0),
    (1, (1, 1), 1_612, 0),
    (0, (1, 0, 1), 40_818, 19_200),
    (1, (0, 1, 0), 10_818, 19_200),
]


def stores(values: tuple[int, ...]) -> str:
    """Code that stores one value after another at slot 0."""
    return " ".join(f"{value} 0 SSTORE" for value in values)


@pytest.mark.parametrize(("original", "values", "used", "refund"), CASES)
def test_gas_and_refund_go_by_the_original_value(
    original: int, values: tuple[int, ...], used: int, refund: int
) -> None:
    called = call("istanbul", stores(values), storage={0: original})
    assert called.gas == used
    assert called.refund == min(called.execution.gas_before_refund // 2, refund)
    assert called.state.account(TARGET).storage.get(0, 0) == values[-1]


@pytest.mark.parametrize(
    ("original", "values", "used"),
    # Petersburg compares with the present value alone: 20,000 from zero to another, else 5,000.
    [(0, (0, 0), 10_012), (0, (1, 0), 25_012), (1, (2, 1), 10_012), (1, (0, 1), 25_012)],
)
def test_before_it_went_by_the_present_value(
    original: int, values: tuple[int, ...], used: int
) -> None:
    assert call("petersburg", stores(values), storage={0: original}).gas == used


@pytest.mark.parametrize(
    ("fork", "given", "answer"),
    # Two pushes for 6; a store that changes nothing needs more than 2,300 all the same.
    [
        ("istanbul", 2_306, 0),
        ("istanbul", 2_307, 1),
        ("berlin", 2_306, 0),
        ("berlin", 2_307, 1),
        ("osaka", 2_306, 0),
        ("osaka", 2_307, 1),
        ("amsterdam", 2_306, 0),
        ("amsterdam", 2_307, 1),
        # Without the rule it is a matter of the price: 200 in Constantinople, 5,000 in Petersburg.
        ("constantinople", 205, 0),
        ("constantinople", 206, 1),
        ("petersburg", 5_005, 0),
        ("petersburg", 5_006, 1),
    ],
)
def test_a_stipend_does_not_pay_for_a_store(fork: str, given: int, answer: int) -> None:
    source = f"0 0 0 0 0 0x{OTHER.hex()} {given} CALL"
    assert word(fork, source, accounts={OTHER: contract("0 0 SSTORE")}) == answer
