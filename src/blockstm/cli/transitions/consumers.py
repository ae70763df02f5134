"""Official tests, reported as go-ethereum's ``evm statetest`` and ``evm blocktest`` report them.

On standard output is a JSON list with an object for each test: ``name``, ``pass``, and ``error``
where it did not pass. The exit status is that of the tool: 0 whatever the tests come to.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from blockstm.cli.fixtures.archives import Member, members
from blockstm.cli.fixtures.formats import block_tests, state_tests
from blockstm.cli.fixtures.suites import Case, Plan, Skip, cases, count
from blockstm.cli.fixtures.verdicts import Tally
from blockstm.cli.transitions.failures import CONFIG, IO, TransitionFailure

__all__ = ["report_block_tests", "report_state_tests"]


def report_state_tests(path: str, traces: bool = False) -> int:
    """Run the state tests of a file; the exit status.

    Raises:
        TransitionFailure: there is no such file.
    """
    plan = Plan("evm", 1, traces=traces)
    with state_tests(plan) as tests:
        found = [
            _verdict(each, member) | {"fork": each.fork}
            for member in _members(path)
            for each in cases(member, plan, tests)
            if not isinstance(each, Skip)
        ]
    return _print(found)


def report_block_tests(path: str, pattern: str = "") -> int:
    """Run the blockchain tests of a file whose names a regular expression is found in.

    Raises:
        TransitionFailure: there is no such file, or the expression is none.
    """
    try:
        wanted = re.compile(pattern)
    except re.error as error:
        raise TransitionFailure(CONFIG, f"invalid regex --run: {error}") from error
    plan = Plan("evm", 1)
    with block_tests(plan) as tests:
        found = [
            _verdict(each, member)
            for member in _members(path)
            for each in cases(member, plan, tests)
            if not isinstance(each, Skip) and wanted.search(each.test)
        ]
    return _print(found)


def _members(path: str) -> list[Member]:
    if not Path(path).exists():
        raise TransitionFailure(IO, f"failed reading tests: no such file: {path}")
    return list(members([Path(path)]))


def _verdict(case: Case, member: Member) -> dict[str, Any]:
    tally = Tally()
    count(case, member.name, tally)
    verdict: dict[str, Any] = {"name": case.test, "pass": not tally.failures}
    for failure in tally.failures:
        verdict["error"] = f"expected {failure.expected}, got {failure.got}"
    return verdict


def _print(found: list[dict[str, Any]]) -> int:
    json.dump(found, sys.stdout, indent=2)
    print()
    return 0
