"""32 bytes as a kernel sees them: four words of 64 bits, the least significant first.

The same representation serves keys and values, `uint256` numbers and opaque `bytes32` alike:
word 0 is the first 8 bytes, little-endian.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["Words", "bytes_of_words", "minus", "number_of_words", "words_of_bytes"]

Words = tuple[int, int, int, int]

WORD_MASK = (1 << 64) - 1


def minus(words: Sequence[int]) -> tuple[int, int, int, int, int]:
    """A negative delta or bound for `uint256` values: four words and the sign.

    Works inside kernels and outside: ``view.add(tx.source, minus(tx.amount))``.
    """
    return (words[0], words[1], words[2], words[3], 1)


def words_of_bytes(data: bytes) -> Words:
    """32 bytes as four words."""
    first, second, third, fourth = (
        int.from_bytes(data[place : place + 8], "little") for place in range(0, 32, 8)
    )
    return first, second, third, fourth


def bytes_of_words(words: Any) -> bytes:
    """Four words, or an array of 4 uint64 or 32 uint8, as 32 bytes.

    Raises:
        ValueError: another length.
    """
    if len(words) == 32:
        return bytes(int(byte) for byte in words)
    if len(words) != 4:
        raise ValueError(WRONG_LENGTH)
    return b"".join((int(word) & WORD_MASK).to_bytes(8, "little") for word in words)


def number_of_words(words: Any) -> int:
    """The number that an int, four words or `minus` of four words stand for."""
    if isinstance(words, int) or not hasattr(words, "__len__"):
        return int(words)
    if len(words) == 5:
        magnitude = int.from_bytes(bytes_of_words(words[:4]), "little")
        return -magnitude if words[4] else magnitude
    return int.from_bytes(bytes_of_words(words), "little")


WRONG_LENGTH = "32 bytes are four words, or an array of 4 uint64 or 32 uint8"
