"""The official DifficultyTests, and the older ones among the BasicTests."""

from __future__ import annotations

from typing import Any

import pytest
from tests.ethereum.official import documents

from blockstm.ethereum.chains import MAINNET, Activation, Chain
from blockstm.ethereum.rules.difficulty import difficulty_after
from blockstm.vm.forks import BYZANTIUM, CONSTANTINOPLE, HOMESTEAD, LONDON, PARIS, Fork, fork_named

ARCHIVE = "ethereum-tests-basic.tar.xz"
NO_OMMERS = ("0x00", "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347")
ROPSTEN = Chain(
    3,
    (
        Activation(HOMESTEAD, block=0),
        Activation(BYZANTIUM, block=1_700_000),
        Activation(CONSTANTINOPLE, block=4_230_000),
    ),
)


FORKS = (
    "Frontier",
    "Homestead",
    "Byzantium",
    "Constantinople",
    "Berlin",
    "ArrowGlacier",
    "GrayGlacier",
)


@pytest.mark.parametrize("fork", FORKS)
def test_the_difficulty_is_that_of_the_official_tests(fork: str) -> None:
    cases = 0
    for _, document in documents(ARCHIVE, "DifficultyTests/"):
        for test in document.values():
            for case in test.get(fork, {}).values():
                cases += 1
                _check(case, fork_named(fork))
    assert cases > 2000


@pytest.mark.parametrize(
    ("name", "chain", "cases"),
    [
        ("difficulty.json", MAINNET, 14),
        ("difficultyMainNetwork.json", MAINNET, 2254),
        ("difficultyRopsten.json", ROPSTEN, 2254),
        ("difficultyCustomHomestead.json", Chain(1, (Activation(HOMESTEAD, block=0),)), 120),
    ],
)
def test_the_difficulty_is_that_of_the_chain(name: str, chain: Chain, cases: int) -> None:
    (document,) = (content for _, content in documents(ARCHIVE, f"BasicTests/{name}"))
    assert len(document) == cases
    for case in document.values():
        _check(case, chain.fork_at(_number(case["currentBlockNumber"]), 0))


def _check(case: dict[str, str], fork: Fork) -> None:
    found = difficulty_after(
        _number(case["parentDifficulty"]),
        _number(case["parentTimestamp"]),
        case.get("parentUncles", NO_OMMERS[0]) not in NO_OMMERS,
        _number(case["currentBlockNumber"]),
        _number(case["currentTimestamp"]),
        fork,
    )
    assert found == _number(case["currentDifficulty"]), case


def _number(text: Any) -> int:
    return int(text, 16) if text.startswith("0x") else int(text)


def test_the_bomb_is_put_off_by_london_too() -> None:
    """Mainnet's block 13,000,001; no official test is of London."""
    found = difficulty_after(
        7_618_447_370_399_217, 1628632419, False, 13_000_001, 1628632419, LONDON
    )
    assert found == 7_618_447_370_399_217 + 7_618_447_370_399_217 // 2048 + 2**31


def test_from_paris_on_there_is_none() -> None:
    with pytest.raises(ValueError, match="paris"):
        difficulty_after(1, 0, False, 1, 1, PARIS)
