"""What a reverted call says: Solidity's ``Error(string)`` and ``Panic(uint256)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

__all__ = ["PANICS", "RevertReason", "revert_reason"]

_ERROR: Final = bytes.fromhex("08c379a0")
_PANIC: Final = bytes.fromhex("4e487b71")
_WORD: Final = 32

PANICS: Final = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}
"""What the numbers of panics mean; Solidity's documentation, in go-ethereum's words."""


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
    if selector == _PANIC and len(arguments) >= _WORD:
        code = _number(arguments, 0)
        return RevertReason("panic", PANICS.get(code, f"unknown panic code: {code:#x}"), code)
    if selector == _ERROR:
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
