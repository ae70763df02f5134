"""Mutants that take effect while the library is loaded. No test of its own.

The process must not have loaded the library: each mutant gets a fork of it, which does.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from tests.mutation.forks import Fork, Tell
from tests.mutation.mutant import Mutant
from tests.mutation.trials import noticed

__all__ = ["QUIETLY", "meet_at_load"]

QUIETLY = ("-q", "-p", "no:cacheprovider", "-p", "no:faulthandler", "--timeout", "0")
SECONDS_MAX = 300


def meet_at_load(mutant: Mutant, names: Sequence[str]) -> tuple[str, str]:
    """The first of these tests that notices a mutant, and how; two empty texts: none does."""

    def run(tell: Tell) -> None:
        tell("while loading")
        os.environ["BLOCKSTM_MUTANT"] = str(mutant.number)
        code = pytest.main([*names, "-x", *QUIETLY], plugins=[_Teller(tell)])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            tell("")

    return noticed(Fork(run, SECONDS_MAX))


class _Teller:
    """Tells which test begins, and that one failed."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.tell(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.tell("")
