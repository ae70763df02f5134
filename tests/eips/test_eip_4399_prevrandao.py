"""EIP-4399 (Paris): 0x44 pushes the beacon chain's randomness in place of the difficulty."""

from __future__ import annotations

import pytest
from tests.eips.rules import before, gas, since, word

RANDOM = (2**256 - 5).to_bytes(32, "big")


@pytest.mark.parametrize("fork", since("paris"))
@pytest.mark.parametrize("mix", [bytes(32), RANDOM, b"\x01" + bytes(31)])
def test_it_is_the_mix_hash(fork: str, mix: bytes) -> None:
    assert word(fork, "PREVRANDAO", changed={"mix_hash": mix}) == int.from_bytes(mix, "big")


@pytest.mark.parametrize("fork", before("paris"))
@pytest.mark.parametrize("difficulty", [131_072, 2**200])
def test_before_it_was_the_difficulty(fork: str, difficulty: int) -> None:
    changed = {"difficulty": difficulty, "mix_hash": RANDOM}
    assert word(fork, "PREVRANDAO", changed=changed) == difficulty


@pytest.mark.parametrize("fork", since("frontier"))
def test_it_costs_2_gas(fork: str) -> None:
    assert gas(fork, "PREVRANDAO") == 2
