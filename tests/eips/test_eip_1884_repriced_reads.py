"""EIP-1884 (Istanbul): reads of the state cost what they take, and SELFBALANCE."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, by_fork, call, error, gas, since, word

OTHER = f"0x{'0e' * 20}"


# An address is pushed for 3; BALANCE and EXTCODEHASH of one that was not touched before.
@pytest.mark.parametrize(
    ("fork", "price"),
    by_fork(frontier=20, tangerine_whistle=400, istanbul=700, berlin=2_600, amsterdam=3_000),
)
def test_balance(fork: str, price: int) -> None:
    assert gas(fork, f"{OTHER} BALANCE") == 3 + price


@pytest.mark.parametrize(
    ("fork", "price"), by_fork(constantinople=400, istanbul=700, berlin=2_600, amsterdam=3_000)
)
def test_extcodehash(fork: str, price: int) -> None:
    assert gas(fork, f"{OTHER} EXTCODEHASH") == 3 + price


@pytest.mark.parametrize(
    ("fork", "price"), by_fork(frontier=50, tangerine_whistle=200, istanbul=800, berlin=2_100)
)
def test_sload(fork: str, price: int) -> None:
    called = call(fork, "7 SLOAD", storage={7: 5})
    assert called.gas == 3 + price


@pytest.mark.parametrize("fork", since("istanbul"))
def test_selfbalance(fork: str) -> None:
    assert gas(fork, "SELFBALANCE", balance=5) == 5
    assert word(fork, "SELFBALANCE", balance=77) == 77
    assert word(fork, "SELFBALANCE", balance=77, value=3) == 80


@pytest.mark.parametrize("fork", before("istanbul"))
def test_there_was_no_selfbalance(fork: str) -> None:
    assert error(fork, "SELFBALANCE") == "invalid opcode"
