"""A sample of the official tests, each small enough to be run for every mutant.

Not part of the suite, which runs larger ones: only `tests.mutation` names this file.
"""

from __future__ import annotations

from functools import cache

import pytest
from tests.ethereum.test_official_tests import BLOCK_TESTS, STATE_TESTS, files

from blockstm.cli.fixtures.archives import Member
from blockstm.cli.fixtures.formats import block_tests, state_tests
from blockstm.cli.fixtures.suites import Plan, check_member
from blockstm.cli.fixtures.verdicts import Tally

FILES_OF_A_CASE = 4
FILES = {"state": 40, "block": 12}
"""How many files of an archive, by the kind of tests."""
FOLDERS = {"state": "[sS]tate_?[tT]ests", "block": "[bB]lockchain_?[tT]ests"}
KINDS = [("state", archive) for archive in STATE_TESTS] + [("block", each) for each in BLOCK_TESTS]


@cache
def sample(kind: str, archive: str) -> list[Member]:
    """Files of an archive, drawn by place."""
    cases = (STATE_TESTS if kind == "state" else BLOCK_TESTS)[archive]
    found = list(files(archive, FOLDERS[kind], max(1, cases // 3_000)))
    short = [member for member in found if len(member.data) < 200_000]
    return short[:: max(1, len(short) // FILES[kind])]


def cases() -> list[tuple[str, str, int]]:
    return [
        (kind, archive, first)
        for kind, archive in KINDS
        for first in range(0, len(sample(kind, archive)), FILES_OF_A_CASE)
    ]


@pytest.mark.parametrize(("kind", "archive", "first"), cases())
def test_a_few_files(kind: str, archive: str, first: int) -> None:
    plan, total = Plan("evm", 1), Tally()
    with (state_tests if kind == "state" else block_tests)(plan) as tests:
        for member in sample(kind, archive)[first : first + FILES_OF_A_CASE]:
            total.add(check_member(member, plan, tests))
    assert total.failures == []
