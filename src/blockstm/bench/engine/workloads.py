"""Blocks to measure with, by name and parameters, and what each of them must come to.

A transaction is ``(source, target, amount)``, three ints; what it does is the workload's
program (`programs`, in Python) or its kernel (`kernels`). The same name,
parameters and seed give the same block on every machine.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate

from blockstm.errors import ConfigError
from blockstm.messages import brief

__all__ = ["ABOUT", "WORKLOADS", "Transaction", "Workload", "workload_named"]

Transaction = tuple[int, int, int]

RICH = 1 << 40
"""The initial balance of an account where no payment of the block is meant to fail."""
READS = 10
"""Accounts that a transaction of the read-heavy workload reads."""
SKEW = 1.0
"""The exponent of the zipf workload: account k is drawn with weight 1 / k."""


@dataclass(frozen=True)
class Workload:
    """A block, the state it starts from, and how to run it.

    Attributes:
        name: one of `WORKLOADS`.
        parameters: what it was made from: ``transactions`` and, where it has them, ``accounts``.
        program: the name of what a transaction does, in both `programs` and `kernels`.
        transactions: the block.
        state: key → value, ints; what the block starts from.
    """

    name: str
    parameters: dict[str, int]
    program: str
    transactions: list[Transaction] = field(repr=False)
    state: dict[int, int] = field(repr=False)


def workload_named(name: str, *, accounts: int, transactions: int, seed: int = 1) -> Workload:
    """Make a block.

    Args:
        name: one of `WORKLOADS`.
        accounts: accounts to draw from, 2 or more; ignored by the workloads without accounts.
        transactions: length of the block, 1 or more.
        seed: of the generator, any int.

    Raises:
        ConfigError: no such workload, or a parameter out of range.
    """
    if name not in WORKLOADS:
        raise ConfigError(f"a workload is one of {', '.join(WORKLOADS)}, not {brief(name)}")
    if transactions < 1:
        raise ConfigError(f"transactions is 1 or more, not {transactions}")
    if accounts < 2:
        raise ConfigError(f"accounts is 2 or more, not {accounts}")
    return WORKLOADS[name](name, accounts, transactions, random.Random(seed))


def _payments(program: str) -> Callable[[str, int, int, random.Random], Workload]:
    """Payments between two accounts drawn evenly: the workload of the Block-STM paper, § 5."""

    def make(name: str, accounts: int, count: int, draw: random.Random) -> Workload:
        block = []
        for _ in range(count):
            source = draw.randrange(accounts)
            target = (source + draw.randrange(1, accounts)) % accounts
            block.append((source, target, draw.randrange(1, 100)))
        parameters = {"accounts": accounts, "transactions": count}
        return Workload(name, parameters, program, block, dict.fromkeys(range(accounts), RICH))

    return make


def _zipf(name: str, accounts: int, count: int, draw: random.Random) -> Workload:
    """Payments between accounts of which a few are in most of them."""
    weights = list(accumulate(1 / rank**SKEW for rank in range(1, accounts + 1)))

    def account() -> int:
        return bisect_left(weights, draw.random() * weights[-1])

    block = []
    for _ in range(count):
        source = target = account()
        while target == source:
            target = account()
        block.append((source, target, draw.randrange(1, 100)))
    parameters = {"accounts": accounts, "transactions": count}
    return Workload(name, parameters, "payment", block, dict.fromkeys(range(accounts), RICH))


def _read_heavy(name: str, accounts: int, count: int, draw: random.Random) -> Workload:
    """Each reads `READS` accounts and sets one: ``amount`` is the stride between them."""
    widest = (accounts - 1) // (READS - 1)
    block = []
    for _ in range(count):
        stride = draw.randint(min(1, widest), widest)
        first = draw.randrange(accounts - (READS - 1) * stride)
        block.append((first, draw.randrange(accounts), stride))
    parameters = {"accounts": accounts, "transactions": count}
    return Workload(name, parameters, "read_heavy", block, dict.fromkeys(range(accounts), 1))


def _counter(program: str) -> Callable[[str, int, int, random.Random], Workload]:
    """Every transaction counts up the one key 0."""

    def make(name: str, accounts: int, count: int, draw: random.Random) -> Workload:
        block = [(0, 0, 1)] * count
        return Workload(name, {"transactions": count}, program, block, {0: 0})

    return make


def _chain(name: str, accounts: int, count: int, draw: random.Random) -> Workload:
    """One coin handed on: each transaction can pay only what the one before it paid."""
    block = [(index, index + 1, 1) for index in range(count)]
    state = {0: 1} | dict.fromkeys(range(1, count + 1), 0)
    return Workload(name, {"transactions": count}, "payment", block, state)


WORKLOADS: dict[str, Callable[[str, int, int, random.Random], Workload]] = {
    "payments": _payments("payment"),
    "payments-deltas": _payments("payment_deltas"),
    "counter": _counter("count"),
    "counter-exact": _counter("count_exact"),
    "chain": _chain,
    "read-heavy": _read_heavy,
    "zipf": _zipf,
}
"""name → maker. ``-deltas`` and ``-exact`` are the same payments and counts by the other means."""

ABOUT = {
    "payments": "payments between accounts drawn evenly; each reads two balances and sets them",
    "payments-deltas": "the same payments by a condition and two deltas",
    "counter": "every transaction counts up one key, by a delta",
    "counter-exact": "every transaction counts up one key, by reading and setting it",
    "chain": "one coin handed on: each transaction needs what the one before it paid",
    "read-heavy": "each transaction reads ten accounts and sets one",
    "zipf": "payments between accounts of which a few are in most of them",
}
"""Name → what its transactions do, in a line."""
