"""EIP-1283 (Constantinople as it was planned): SSTORE costs by what a slot was, is and becomes.

Petersburg took it back (EIP-1716), Istanbul brought it with other figures (EIP-2200).
"""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import TARGET, before, by_fork, call, run
from tests.evm.world_blocks import contract, number_of, transaction

OTHER = Address(b"\x11" * 20)
# The EIP's own: what the slot was, what is stored in it, the gas, the refund.
ROWS = [
    (0, (0, 0), 412, 0),
    (0, (0, 1), 20_212, 0),
    (0, (1, 0), 20_212, 19_800),
    (0, (1, 2), 20_212, 0),
    (0, (1, 1), 20_212, 0),
    (1, (0, 0), 5_212, 15_000),
    (1, (0, 1), 5_212, 4_800),
    (1, (0, 2), 5_212, 0),
    (1, (2, 0), 5_212, 15_000),
    (1, (2, 3), 5_212, 0),
    (1, (2, 1), 5_212, 4_800),
    (1, (2, 2), 5_212, 0),
    (1, (1, 0), 5_212, 15_000),
    (1, (1, 2), 5_212, 0),
    (1, (1, 1), 412, 0),
    (0, (1, 0, 1), 40_218, 19_800),
    (1, (0, 1, 0), 10_218, 19_800),
]
# By the rule before and after: 20,000 where zero becomes something, 5,000 otherwise, and 15,000
# back where something becomes zero.
PLAIN = [
    (0, (0, 0), 10_012, 0),
    (0, (0, 1), 25_012, 0),
    (0, (1, 0), 25_012, 15_000),
    (0, (1, 1), 25_012, 0),
    (1, (0, 1), 25_012, 15_000),
    (1, (1, 1), 10_012, 0),
    (1, (2, 3), 10_012, 0),
    (1, (0, 0), 10_012, 15_000),
]
BURNS = "0x20000 0 KECCAK256"  # enough that no refund meets its cap of a half


def stores(values: tuple[int, ...]) -> str:
    return " ".join(f"{value} 0 SSTORE" for value in values)


def check(fork: str, original: int, values: tuple[int, ...], gas: int, refund: int) -> None:
    called = call(fork, stores(values), storage={0: original})
    assert called.gas == gas
    burns = call(fork, f"{stores(values)} {BURNS}", storage={0: original}, gas=900_000)
    assert burns.refund == refund
    slots = {0: values[-1]} if values[-1] else {}
    assert called.state.account(TARGET).storage == slots


@pytest.mark.parametrize(("original", "values", "gas", "refund"), ROWS)
def test_the_examples(original: int, values: tuple[int, ...], gas: int, refund: int) -> None:
    """In a block in which another transaction has made the slot what it was."""
    check("constantinople", original, values, gas, refund)


@pytest.mark.parametrize("fork", [*before("constantinople"), "petersburg"])
def test_the_rule_before_and_after(fork: str) -> None:
    for row in PLAIN:
        check(fork, *row)


def test_frames_share_the_counter() -> None:
    """A frame below may take back the refund that one above was promised: it goes below zero."""
    clears, stores_again = "0 0 SSTORE", "1 0 SSTORE"
    delegate = f"0 0 0 0 {number_of(OTHER):#x} 50000 DELEGATECALL POP"
    source = f"{clears} {delegate} {BURNS}"
    for code, refund in ((stores_again, 4_800), (f"{stores_again} INVALID", 15_000)):
        accounts = {OTHER: contract(code)}
        called = call("constantinople", source, storage={0: 1}, accounts=accounts, gas=900_000)
        assert called.refund == refund
    assert called.state.account(TARGET).storage == {}


@pytest.mark.parametrize(
    ("fork", "paid"),
    by_fork(until="istanbul", byzantium=5_000, constantinople=200, petersburg=5_000),
)
def test_what_counts_is_the_transaction(fork: str, paid: int) -> None:
    """What an earlier transaction of the block stored is what the slot was: nothing is left of
    its being dirty, on whichever worker it ran."""
    code = contract("CALLVALUE 0 SSTORE")
    block = [transaction(sender, TARGET, value=value) for sender, value in enumerate((4, 4, 5, 0))]
    spent = [
        each.gas_before_refund - 21_000 - 5 - (15_000 if place == 0 else 0)
        for place, each in enumerate(run(fork, block, {TARGET: code}).executions)
    ]
    assert spent == [5_000, paid, 5_000, 5_000]
