"""What a reverted call says: Solidity's ``Error(string)`` and ``Panic(uint256)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from blockstm.ethereum.codecs.solidity import ERROR, PANIC, PANICS

__all__ = ["RevertReason", "revert_reason"]

_WORD: Final = 32


@dataclass(frozen=True, slots=True)
class RevertReason:
    """The decoded reason of a revert.

    Attributes:
        kind: "error" of ``Error(string)``, "panic" of ``Panic(uint256)``.
        message: the string; of a panic, what its number means.
        code: the number of a panic; None of an error.
    """

    kind: Literal["error", "panic"]
    message: str
    code: int | None = None

    def __str__(self) -> str:
        return self.message


def revert_reason(output: bytes) -> RevertReason | None:
    """The reason in the output of a reverted call; None where it is of neither kind."""
    selector, arguments = output[:4], output[4:]
    if selector == PANIC and len(arguments) >= _WORD:
        code = _number(arguments, 0)
        return RevertReason("panic", PANICS.get(code, f"unknown panic code: {code:#x}"), code)
    if selector == ERROR:
        text = _string(arguments)
        return None if text is None else RevertReason("error", text)
    return None


def _string(arguments: bytes) -> str | None:
    """The one argument, a string; None where the bytes are no encoding of one.

    Bytes that are no UTF-8 stand as replacement characters.
    """
    if len(arguments) < 2 * _WORD:
        return None
    place = _number(arguments, 0)
    if place + _WORD > len(arguments):
        return None
    begin, size = place + _WORD, _number(arguments, place)
    if begin + size > len(arguments):
        return None
    return arguments[begin : begin + size].decode("utf-8", "replace")


def _number(data: bytes, place: int) -> int:
    return int.from_bytes(data[place : place + _WORD], "big")
