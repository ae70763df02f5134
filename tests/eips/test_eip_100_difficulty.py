"""EIP-100 (Byzantium): difficulty aims at a time that counts ommers."""

from __future__ import annotations

import pytest
from tests.eips.rules import refusal_after, since

from blockstm.ethereum import Reason

WITH_OMMERS = b"\x01" * 32
STEP = 1_000_000
# Seconds since the parent → steps up, where the parent names no ommers; one more where it does.
ROWS = [(1, 1), (8, 1), (9, 0), (17, 0), (18, -1), (899, -98), (900, -99), (909, -99), (5_000, -99)]
WORK = since("byzantium", until="paris")


def reason(
    fork: str, seconds: int, steps: int, parent: dict[str, object], extra: int = 0
) -> object:
    parent = {"difficulty": 2_048 * STEP + 77, "timestamp": 5, **parent}
    difficulty = parent["difficulty"] + steps * STEP + extra
    return refusal_after(fork, parent, timestamp=5 + seconds, difficulty=difficulty)


@pytest.mark.parametrize("fork", WORK)
def test_after_a_parent_without_ommers(fork: str) -> None:
    for seconds, steps in ROWS:
        assert reason(fork, seconds, steps, {}) is None
        assert reason(fork, seconds, steps, {}, extra=1) is Reason.DIFFICULTY
        assert reason(fork, seconds, steps - 1, {}) is Reason.DIFFICULTY


@pytest.mark.parametrize("fork", WORK)
def test_after_a_parent_with_ommers(fork: str) -> None:
    for seconds, steps in [(s, n + 1) for s, n in ROWS if n > -99] + [(909, -99), (908, -98)]:
        parent = {"ommers_hash": WITH_OMMERS}
        assert reason(fork, seconds, steps, parent) is None
        assert reason(fork, seconds, steps - 1, parent) is Reason.DIFFICULTY


def test_before_it_ommers_did_not_count() -> None:
    """And ten seconds were a step."""
    for parent in ({}, {"ommers_hash": WITH_OMMERS}):
        assert reason("spurious_dragon", 9, 1, parent) is None
        assert reason("spurious_dragon", 10, 0, parent) is None
        assert reason("byzantium", 9, 1, parent) is (Reason.DIFFICULTY if not parent else None)
