"""How Solidity's contracts say why they revert: ``Error(string)`` and ``Panic(uint256)``."""

from typing import Final

__all__ = ["ERROR", "PANIC", "PANICS"]

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
