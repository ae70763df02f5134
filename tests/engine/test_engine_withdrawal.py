"""What a run wrote ahead of the frontier and its final run does not write, nobody sees."""

from __future__ import annotations

import random
from typing import Any

import pytest

from blockstm import Config, View
from blockstm.executor import explore
from blockstm.reference import execute_block as reference

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
