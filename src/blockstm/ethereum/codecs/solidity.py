"""How Solidity's contracts say why they revert: ``Error(string)`` and ``Panic(uint256)``."""

from __future__ import annotations

from typing import Final

__all__ = ["ERROR", "PANIC", "PANICS", "decode_revert"]

_WORD: Final = 32

ERROR: Final = bytes.fromhex("08c379a0")
"""The selector of ``Error(string)``."""

PANIC: Final = bytes.fromhex("4e487b71")
"""The selector of ``Panic(uint256)``."""

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


def decode_revert(output: bytes) -> tuple[str, int | None] | None:
    """What the output of a reverted call says, and the number if it is a panic's.

    As go-ethereum decodes it: bytes after the arguments change nothing, and bytes that are no
    UTF-8 stand as replacement characters. None of output that is of neither kind.
    """
    selector, arguments = output[:4], output[4:]
    if selector == PANIC and len(arguments) >= _WORD:
        code = _number(arguments, 0)
        return PANICS.get(code, f"unknown panic code: {code:#x}"), code
    text = _string(arguments) if selector == ERROR else None
    return None if text is None else (text, None)


def _string(arguments: bytes) -> str | None:
    """The one argument, a string; None where the bytes are no encoding of one."""
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
