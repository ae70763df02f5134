"""Cases as a Hypothesis strategy: what fails is shrunk to a few choices."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies
from tests.fuzz.case import Case
from tests.fuzz.choices import DrawnChoices
from tests.fuzz.worlds import make_case

from blockstm.vm.forks import Fork


@strategies.composite
def cases(draw: Any, fork: Fork, size: int = 5, transactions: int = 3) -> Case:
    """Blocks under a fork: up to ``size`` statements a program, up to ``transactions``."""
    return make_case(
        DrawnChoices(draw), fork, size=size, transactions=transactions, story="by Hypothesis"
    )
