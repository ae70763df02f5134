"""The payments of the Block-STM paper, from two accounts to ten thousand."""

from __future__ import annotations

import pytest

from bench.conftest import Bench
from bench.parameters import ACCOUNTS, BLOCKS, HEAVY_US, LIGHT_US, WORKERS

SHAPES = [
    (transactions, accounts)
    for transactions in BLOCKS
    for accounts in ACCOUNTS
    if transactions < max(BLOCKS) or accounts in (min(ACCOUNTS), max(ACCOUNTS))
]
"""Of the longest block, which takes a second, the most contended one and the least."""


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize(("transactions", "accounts"), SHAPES)
def test_payments(bench: Bench, transactions: int, accounts: int, workers: int) -> None:
    bench(
        "payments",
        accounts=accounts,
        transactions=transactions,
        workers=workers,
        work_us=HEAVY_US,
    )


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("accounts", [10, 10_000])
@pytest.mark.parametrize("transactions", BLOCKS)
def test_light_payments(bench: Bench, transactions: int, accounts: int, workers: int) -> None:
    bench(
        "payments",
        accounts=accounts,
        transactions=transactions,
        workers=workers,
        work_us=LIGHT_US,
    )


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("accounts", ACCOUNTS)
def test_payments_by_deltas(bench: Bench, accounts: int, workers: int) -> None:
    bench(
        "payments-deltas",
        accounts=accounts,
        transactions=10_000,
        workers=workers,
        work_us=HEAVY_US,
    )
