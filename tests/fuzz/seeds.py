"""Cases by seed: the same on every machine, for the fuzzer and for a failure's replay."""

from __future__ import annotations

from tests.fuzz.case import Case
from tests.fuzz.choices import SeededChoices
from tests.fuzz.worlds import make_case

from blockstm.ethereum.forks import Fork


def case_of(seed: int, fork: Fork) -> Case:
    """The case of a seed under a fork."""
    name = f"{seed}/{fork.name}"
    return make_case(SeededChoices(name), fork, story=f"seed {seed}, {fork.name}")
