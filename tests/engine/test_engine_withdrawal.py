"""What a run wrote ahead of the frontier and its final run does not write, nobody sees."""

from __future__ import annotations

import random
from typing import Any

import pytest

from blockstm import Config, Executor, View
from blockstm.executor import explore
from blockstm.reference import execute_block as reference
from blockstm.testing import NativeScripts

READERS = 4
SEEDS = 300


def vm(view: View, role: str) -> Any:
    """The fork writes one key or the other, by what it saw; the readers copy the first."""
    if role == "sets":
        view.put("seen", 1)
    elif role == "forks":
        view.put("early" if view.get("seen") is None else "late", 1)
    else:
        view.put(("copy", view.index), view.get("early"))


@pytest.mark.parametrize("revalidation", [False, True])
@pytest.mark.parametrize("estimates", [False, True])
def test_a_write_that_the_final_run_does_not_make_is_gone(
    estimates: bool, revalidation: bool
) -> None:
    block = ["sets", "forks"] + ["copies"] * READERS
    wanted = reference(block, {}, vm).writes
    config = Config(estimates=estimates, revalidation=revalidation)
    for seed in range(SEEDS):
        draw = random.Random(seed)
        choices = [draw.randrange(2) for _ in range(60)]
        explored = explore(block, {}, vm, choices=choices, workers=2, config=config)
        assert explored.error is None, f"seed {seed}"
        assert explored.result is not None
        assert explored.result.writes == wanted, f"seed {seed}"


LARGE = 1 << 20
"""Bytes: so much from each of a few dozen transactions has workers leave the block."""


@pytest.mark.parametrize("workers", [2, 3])
def test_what_ran_ahead_and_is_valid_is_kept_where_the_others_leave(workers: int) -> None:
    """Large values make all workers but one leave a block several times; nothing runs again."""
    block = [[("put", index.to_bytes(4, "big"), bytes([index]) * LARGE)] for index in range(120)]
    native = NativeScripts(keys="bytes", values="bytes")
    with Executor(Config(gate=False), workers=workers) as engine:
        result = engine.execute_block(block, {}, native)
    assert result == reference(block, {}, native.python)
    stats = result.stats
    assert stats.incarnations - stats.aborts["stopped"] == stats.transactions == len(block)
