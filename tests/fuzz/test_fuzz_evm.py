"""Ours against py-evm on generated blocks: a short part of what `make fuzz` does for long.

Gas, status, output, logs and all accounts afterwards must be equal, also where ours runs with two
workers or on the reference's view.
"""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.fuzz import on_ours, on_pyevm
from tests.fuzz.case import Case
from tests.fuzz.result import differences
from tests.fuzz.seeds import case_of, long_case_of
from tests.fuzz.stack_headroom import with_headroom
from tests.fuzz.strategies import cases

from blockstm.vm.forks import FORKS, Fork

SEEDS = range(1, 5)
SLOW_SEEDS = range(1_000, 1_040)

FORKS_OF_PYEVM = on_pyevm.forks()


def disagreements(case: Case) -> list[str]:
    """Where ours differs from py-evm, and from itself run otherwise."""
    ours = on_ours.run(case)
    others = {"2 workers": on_ours.run(case, 2), "the reference": on_ours.run_on_reference(case)}
    if case.fork in FORKS_OF_PYEVM:
        others["py-evm"] = on_pyevm.run(case)
    return [
        f"{name}: {line}" for name, other in others.items() for line in differences(ours, other)
    ]


@pytest.mark.parametrize("fork", FORKS, ids=str)
def test_seeded_blocks_agree(fork: Fork) -> None:
    for seed in SEEDS:
        assert with_headroom(lambda seed=seed: disagreements(case_of(seed, fork))) == []


@pytest.mark.slow
@pytest.mark.parametrize("fork", FORKS, ids=str)
def test_more_seeded_blocks_agree(fork: Fork) -> None:
    for seed in SLOW_SEEDS:
        assert with_headroom(lambda seed=seed: disagreements(case_of(seed, fork))) == []


@pytest.mark.parametrize("fork", FORKS, ids=str)
def test_long_blocks_agree_in_parallel(fork: Fork) -> None:
    for seed in SEEDS:
        case = long_case_of(seed, fork)
        ours = on_ours.run(case)
        for other in (on_ours.run(case, 2), on_ours.run(case, 4), on_ours.run_on_reference(case)):
            assert list(differences(ours, other)) == []


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),  # cases are large
    phases=[Phase.reuse, Phase.generate, Phase.shrink],
)
@given(st.sampled_from(FORKS_OF_PYEVM).flatmap(cases))
def test_drawn_blocks_agree(case: Case) -> None:
    assert with_headroom(lambda: disagreements(case)) == []
