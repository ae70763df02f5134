"""EIP-3529 (London): less is refunded, a fifth at most, and nothing for a SELFDESTRUCT."""

from __future__ import annotations

import pytest
from eth_typing import Address
from tests.eips.rules import by_fork, call, run
from tests.evm.world_blocks import NOBODY, contract, transaction

from blockstm.state.accounts import Account

# The EIP's tables: what slot 0 held, what is stored there, gas, refund before, refund now.
CASES = [
    (0, (0, 0), 212, 0, 0),
    (0, (0, 1), 20_112, 0, 0),
    (0, (1, 0), 20_112, 19_900, 19_900),
    (0, (1, 2), 20_112, 0, 0),
    (0, (1, 1), 20_112, 0, 0),
    (1, (0, 0), 3_012, 15_000, 4_800),
    (1, (0, 1), 3_012, 2_800, 2_800),
    (1, (0, 2), 3_012, 0, 0),
    (1, (2, 0), 3_012, 15_000, 4_800),
    (1, (2, 3), 3_012, 0, 0),
    (1, (2, 1), 3_012, 2_800, 2_800),
    (1, (2, 2), 3_012, 0, 0),
    (1, (1, 0), 3_012, 15_000, 4_800),
    (1, (1, 2), 3_012, 0, 0),
    (1, (1, 1), 212, 0, 0),
    (0, (1, 0, 1), 40_118, 19_900, 19_900),
    (1, (0, 1, 0), 5_918, 17_800, 7_600),
]
WARM = 5 + 2_100  # the tables start with a slot that is warm
PLENTY = 100_000  # so much is spent that no refund is cut short
BURNS = "PUSH3 {count} burn: 1 SWAP1 SUB DUP1 @burn JUMPI"
FORKS = by_fork(berlin=False, london=True, amsterdam=None)[:-1]


@pytest.mark.parametrize(("fork", "is_reduced"), FORKS)
@pytest.mark.parametrize(("original", "values", "used", "before", "now"), CASES)
def test_the_tables(
    fork: str, is_reduced: bool, original: int, values: tuple[int, ...], used: int, before: int,
    now: int,
) -> None:  # fmt: skip
    stores = "0 SLOAD POP " + " ".join(f"{value} 0 SSTORE" for value in values)
    assert call(fork, stores, storage={0: original}).gas == WARM + used
    burns = BURNS.format(count=PLENTY // 26)  # a round takes 26
    called = call(fork, f"{stores} {burns}", storage={0: original}, gas=500_000)
    assert called.refund == (now if is_reduced else before)


@pytest.mark.parametrize(("fork", "is_reduced"), FORKS)
@pytest.mark.parametrize("slots", [1, 2, 7])
def test_a_part_is_refunded_at_most(fork: str, is_reduced: bool, slots: int) -> None:
    clears = " ".join(f"0 {slot} SSTORE" for slot in range(slots))
    called = call(fork, clears, storage=dict.fromkeys(range(slots), 9))
    spent = 21_000 + slots * (6 + 5_000)
    installer = called.idle.gas_before_refund - 21_000  # where every case's code begins
    spent += installer
    assert called.execution.gas_before_refund == spent
    most, each = (spent // 5, 4_800) if is_reduced else (spent // 2, 15_000)
    assert called.refund == min(most, slots * each)


@pytest.mark.parametrize(("fork", "is_reduced"), FORKS)
def test_selfdestruct_gives_nothing_back(fork: str, is_reduced: bool) -> None:
    destroyed = [Address(bytes([0xD0 + i]) * 20) for i in range(3)]
    code = contract(f"0x{NOBODY.hex()} SELFDESTRUCT")
    accounts = {NOBODY: Account(1), **dict.fromkeys(destroyed, code)}
    ran = run(fork, [transaction(i, each) for i, each in enumerate(destroyed)], accounts)
    spent = 21_000 + 3 + 5_000 + 2_600
    assert [e.gas_before_refund for e in ran.executions] == [spent] * 3
    refund = 0 if is_reduced else spent // 2  # half of it is less than 24,000
    assert [e.gas_used for e in ran.executions] == [spent - refund] * 3
