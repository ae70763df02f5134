"""The official tests of Ethereum on the native EVM: every fork, every kind, none may fail.

By default a part of each archive, drawn by place; the slow tests run all of it, in one worker and
in two. A failure is one line of `blockstm statetest` or `blocktest`, which run it alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

import pytest
from tests.fixtures import fixtures

from blockstm.cli.fixtures.archives import Member, members
from blockstm.cli.fixtures.formats import block_tests, state_tests
from blockstm.cli.fixtures.jobs import MakeFormat
from blockstm.cli.fixtures.suites import Plan, check_member
from blockstm.cli.fixtures.verdicts import Tally

# Archive → how many cases it has at least, in the names that the files are released under.
STATE_TESTS = {
    "ethereum-tests-state": 17_954,
    "legacy-tests": 111_210,
    "eest-london": 902,
    "eest-shanghai": 64,
    "eest-cancun": 949,
    "eest-prague": 1_413,
    "eest-osaka": 10_160,
    "eest-amsterdam-glamsterdam-devnet-8": 4_663,
    "eest-amsterdam-glamsterdam-devnet-8-older": 816,
    "eest-cancuntopragueattime15k": 9,
    "eest-shanghaitocancunattime15k": 2,
}
BLOCK_TESTS = {
    "ethereum-tests-blockchain": 436,
    "legacy-tests": 3_742,
    "eest-london": 1_430,
    "eest-shanghai": 69,
    "eest-cancun": 1_691,
    "eest-prague": 1_633,
    "eest-osaka": 6_720,
    "eest-amsterdam-eip7928-only": 553,
    "eest-amsterdam-glamsterdam-devnet-8": 5_511,
    "eest-amsterdam-glamsterdam-devnet-8-older": 964,
    "eest-bpo2toamsterdam-glamsterdam-devnet-8attime15k": 11,
    "eest-benchmark-osaka_at_0001M": 30,
    "eest-cancuntopragueattime15k": 20,
    "eest-praguetoosakaattime15k": 10,
    "eest-shanghaitocancunattime15k": 13,
}
LONG = re.compile(r"stTimeConsuming|vmPerformance|stQuadraticComplexity|rlp_limit")
"""Files that take seconds each."""


def files(archive: str, folder: str, every: int) -> Iterator[Member]:
    """Every n-th of the files of an archive that ``folder`` is found in, not the long ones."""
    wanted = re.compile(folder)
    short = (
        member
        for member in members([fixtures() / f"{archive}.tar.xz"])
        if wanted.search(member.name) and (every == 1 or not LONG.search(member.name))
    )
    return islice(short, every // 2, None, every)


def run(make_format: MakeFormat, archive: str, folder: str, every: int, workers: int = 1) -> int:
    """Run files; how many cases passed. None may fail."""
    plan, total = Plan("evm", workers), Tally()
    with make_format(plan) as tests:
        for member in files(archive, folder, every):
            total.add(check_member(member, plan, tests))
    assert [str(failure) for failure in total.failures] == []
    return total.passed


@pytest.mark.parametrize("archive", STATE_TESTS)
def test_a_part_of_the_state_tests(archive: str) -> None:
    every = max(1, STATE_TESTS[archive] // 2_000)
    assert run(state_tests, archive, "[sS]tate_?[tT]ests", every) >= 2


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("archive", BLOCK_TESTS)
def test_a_part_of_the_blockchain_tests(archive: str, workers: int) -> None:
    every = max(1, BLOCK_TESTS[archive] // 400)
    assert run(block_tests, archive, "[bB]lockchain_?[tT]ests", every, workers) >= 10


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("archive", STATE_TESTS)
def test_all_state_tests(archive: str, workers: int) -> None:
    passed = run(state_tests, archive, "[sS]tate_?[tT]ests", every=1, workers=workers)
    assert passed == STATE_TESTS[archive]


@pytest.mark.slow
@pytest.mark.timeout(3000)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("archive", BLOCK_TESTS)
def test_all_blockchain_tests(archive: str, workers: int) -> None:
    passed = run(block_tests, archive, "[bB]lockchain_?[tT]ests", every=1, workers=workers)
    assert passed == BLOCK_TESTS[archive]
