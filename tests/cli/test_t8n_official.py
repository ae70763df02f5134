"""Official blockchain tests made again, block by block, by ``t8n`` from their transactions."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import Any

import pytest
from tests.cli.transitions import calls, differences, spelled
from tests.ethereum.official import documents, official_chain

from blockstm import Executor
from blockstm.cli.transitions.request import Request

EVERY = {
    "eest-amsterdam-eip7928-only.tar.xz": 12,
    "eest-amsterdam-glamsterdam-devnet-8.tar.xz": 60,
    "eest-bpo2toamsterdam-glamsterdam-devnet-8attime15k.tar.xz": 1,
    "eest-cancun.tar.xz": 40,
    "eest-cancuntopragueattime15k.tar.xz": 1,
    "eest-london.tar.xz": 25,
    "eest-osaka.tar.xz": 80,
    "eest-prague.tar.xz": 40,
    "eest-praguetoosakaattime15k.tar.xz": 1,
    "eest-shanghai.tar.xz": 3,
    "eest-shanghaitocancunattime15k.tar.xz": 1,
    "ethereum-tests-blockchain.tar.xz": 12,
    "legacy-tests.tar.xz": 150,
}


def check(archive: str, every: int, forks: Counter[str]) -> list[str]:
    """What is wrong in every n-th test of an archive, as lines."""
    wrong = []
    tests = (
        (f"{path}:{name}", test)
        for path, document in documents(archive, "lockchain")
        for name, test in document.items()
        if isinstance(test, dict) and "genesisRLP" in test and "EOF" not in path
    )
    with Executor(workers=1) as executor:
        for name, test in islice(tests, every // 2, None, every):
            alloc: Any = test["pre"]
            for number, call in enumerate(calls(official_chain(name, test))):
                request = Request(
                    spelled(call.fork),
                    call.chain_id,
                    call.reward,
                    alloc,
                    call.env,
                    call.txs,
                    call.blob_params,
                )
                answer = request.answer(executor)
                found = differences(answer.result, call.header)
                if answer.result.get("rejected") or answer.result.get("blockException"):
                    found["rejected"] = answer.result
                if found:
                    wrong.append(f"{name} block {number}: {found}")
                    break
                alloc = answer.alloc
                forks[call.fork.name] += 1
    return wrong


@pytest.mark.parametrize("archive", EVERY)
def test_blocks_of_the_official_tests_come_out_as_they_are(archive: str) -> None:
    forks: Counter[str] = Counter()
    assert check(archive, EVERY[archive], forks) == []
    assert forks.total() > 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("archive", EVERY)
def test_all_blocks_of_the_official_tests_come_out_as_they_are(archive: str) -> None:
    assert check(archive, 1, Counter()) == []
