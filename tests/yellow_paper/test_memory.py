"""Yellow Paper, appendix H.1: memory costs 3 a word and its square by 512."""

from __future__ import annotations

import pytest
from tests.eips.rules import call, gas

FORKS = ["frontier", "spurious_dragon", "osaka", "amsterdam"]
# Words → their cost.
COSTS = {0: 0, 1: 3, 2: 6, 22: 66, 23: 70, 32: 98, 724: 3_195, 1_024: 5_120, 4_096: 45_056}


@pytest.mark.parametrize("fork", FORKS)
def test_each_word_that_is_reached_costs(fork: str) -> None:
    for words, cost in COSTS.items():
        if words:
            assert gas(fork, f"{32 * words - 32} MLOAD") == 3 + 3 + cost
            assert gas(fork, f"1 {32 * words - 1} MSTORE8") == 9 + cost
        if words > 1:
            assert gas(fork, f"1 {32 * words - 63} MSTORE") == 9 + cost  # not on a word's edge
        assert gas(fork, f"{32 * words} 0 RETURN") == 6 + cost
    assert gas(fork, "1 MLOAD") == 6 + 6  # one byte into the second word


@pytest.mark.parametrize("fork", FORKS)
def test_what_is_reached_again_is_free(fork: str) -> None:
    words_33 = 3 * 33 + 2
    assert gas(fork, "1000 MLOAD POP 0 MLOAD POP 31 1000 RETURN") == 2 * (3 + 3 + 2) + 6 + words_33
    assert call(fork, "0 MLOAD 32 MLOAD 64 MLOAD MSIZE 0 MSTORE 32 0 RETURN").word == 96


# Offset and size of what is read or written, for each that takes both.
RANGES = {
    "KECCAK256": "{size} {offset} KECCAK256",
    "CALLDATACOPY": "{size} 0 {offset} CALLDATACOPY",
    "CODECOPY": "{size} 0 {offset} CODECOPY",
    "EXTCODECOPY": "{size} 0 {offset} 4 EXTCODECOPY",
    "LOG0": "{size} {offset} LOG0",
    "RETURN": "{size} {offset} RETURN",
    "CREATE": "{size} {offset} 0 CREATE",
    "CALL's input": "0 0 {size} {offset} 0 4 0 CALL",
    "CALL's output": "{size} {offset} 0 0 0 4 0 CALL",
}


@pytest.mark.parametrize("fork", FORKS)
@pytest.mark.parametrize("name", RANGES)
def test_nothing_reaches_nowhere_and_too_far_costs_all(fork: str, name: str) -> None:
    source = RANGES[name]
    given = {"gas": 1_000_000}
    far = 2**256 - 1
    nowhere = call(fork, source.format(size=0, offset=far), **given).execution
    assert nowhere.succeeded
    for size, offset in (
        (1, far),
        (far, 0),
        (far, 1),
        (1, 2**64),
        (2**64, 0),
        (1, 2**40),
        (2**32, 0),
    ):
        execution = call(fork, source.format(size=size, offset=offset), **given).execution
        assert not execution.succeeded, (size, offset)
        assert execution.gas_used == 1_000_000


@pytest.mark.parametrize("fork", FORKS)
def test_a_range_over_two_ends_pays_for_the_farther(fork: str) -> None:
    """CALL reaches for its input and its output: the greater of both is paid, once."""
    base = call(fork, "0 0 0 0 0 4 0 CALL").gas
    assert call(fork, "32 0 64 0 0 4 0 CALL").gas - base == 6
    assert call(fork, "64 32 32 0 0 4 0 CALL").gas - base == 9
    assert call(fork, "0 0 0 99999 0 4 0 CALL").gas - base == 0
