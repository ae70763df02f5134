"""The keyed hash of the native tables."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import pytest

from blockstm._native.base.hashing import hash_of

SEED = (0x1234567812345678, 0x9ABCDEF09ABCDEF0, 0x0F1E2D3C4B5A6978, 0x1122334455667788)
SIZES = [8, 20, 32, 52]
COUNT = 1 << 16


def test_the_same_bytes_under_the_same_seed_hash_the_same() -> None:
    assert hash_of(b"some key", SEED) == hash_of(b"some key", SEED)


def test_every_word_of_the_seed_counts() -> None:
    for data in (b"short", bytes(20), bytes(52)):
        seeds = [tuple(word ^ (place == at) for at, word in enumerate(SEED)) for place in range(5)]
        assert len({hash_of(data, seed) for seed in seeds}) == 5  # type: ignore[arg-type]  # of 4


def test_processes_hash_differently() -> None:
    program = "from blockstm._native.base.hashing import hash_of; print(hash_of(b'key'))"
    run = [sys.executable, "-c", program]
    hashes = {subprocess.run(run, capture_output=True, check=True).stdout for _ in range(3)}
    assert len(hashes) == 3


def test_every_length_and_every_bit_counts() -> None:
    seen = set()
    for size in range(70):
        zeros = bytes(size)
        seen.add(hash_of(zeros, SEED))
        for bit in range(8 * size):
            flipped = (1 << bit).to_bytes(size, "little")
            seen.add(hash_of(flipped, SEED))
    assert len(seen) == sum(1 + 8 * size for size in range(70))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("at_end", [False, True], ids=["first bytes", "last bytes"])
@pytest.mark.parametrize("shift", [0, 54], ids=["low bits", "high bits"])
def test_counted_keys_spread_evenly(size: int, at_end: bool, shift: int) -> None:
    """Chi-squared over 1024 buckets: 1023 expected, 5 standard deviations (226) allowed."""
    tally: Counter[int] = Counter()
    for number in range(COUNT):
        word, rest = number.to_bytes(8, "little"), bytes(size - 8)
        key = rest + word if at_end else word + rest
        tally[hash_of(key, SEED) >> shift & 1023] += 1
    expected = COUNT / 1024
    assert sum((tally[place] - expected) ** 2 for place in range(1024)) / expected < 1023 + 226
