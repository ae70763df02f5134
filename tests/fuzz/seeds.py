"""Cases by seed: the same on every machine, for the fuzzer and for a failure's replay."""

from __future__ import annotations

from tests.fuzz.case import Case
from tests.fuzz.choices import SeededChoices
from tests.fuzz.worlds import make_case

from blockstm.vm.forks import Fork

LONG = 60


def case_of(seed: int, fork: Fork) -> Case:
    """The case of a seed under a fork."""
    name = f"{seed}/{fork.name}"
    return make_case(SeededChoices(name), fork, story=f"seed {seed}, {fork.name}")


def long_case_of(seed: int, fork: Fork) -> Case:
    """A block of up to `LONG` transactions that get into each other's way: for running it in
    parallel, too long for an oracle."""
    choices = SeededChoices(f"{seed}/{fork.name}/long")
    story = f"seed {seed}, {fork.name}, long"
    return make_case(choices, fork, size=8, transactions=LONG, story=story)
