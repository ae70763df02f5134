"""Code of the EVM put together from its parts: opcodes, numbers to push, places to jump to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

__all__ = ["assembled"]

_OPCODES: Final = {
    "STOP": 0x00, "ADD": 0x01, "MUL": 0x02, "SUB": 0x03, "LT": 0x10, "GT": 0x11, "EQ": 0x14,
    "ISZERO": 0x15, "AND": 0x16, "OR": 0x17, "NOT": 0x19, "SHL": 0x1B, "CALLER": 0x33,
    "CALLVALUE": 0x34, "CALLDATALOAD": 0x35, "CALLDATASIZE": 0x36, "CALLDATACOPY": 0x37,
    "NUMBER": 0x43, "POP": 0x50, "MLOAD": 0x51, "MSTORE": 0x52, "SLOAD": 0x54, "SSTORE": 0x55,
    "JUMP": 0x56, "JUMPI": 0x57, "GAS": 0x5A, "JUMPDEST": 0x5B, "DUP1": 0x80, "DUP2": 0x81,
    "DUP3": 0x82, "SWAP1": 0x90, "SWAP2": 0x91, "LOG3": 0xA3, "CREATE": 0xF0, "CALL": 0xF1,
    "REVERT": 0xFD,
}  # fmt: skip
_PUSH1: Final = 0x60
_PUSH2: Final = 0x61


def assembled(parts: Sequence[str | int]) -> bytes:
    """The code of these parts.

    A number is pushed in as few bytes as it takes. ``"name:"`` is a place to jump to; ``"@name"``
    pushes where that is, in two bytes.

    >>> assembled([5, "POP", "end:", "@end", "STOP"]).hex()
    '6005505b61000300'
    """
    code = bytearray()
    places: dict[str, int] = {}
    open_places: list[tuple[int, str]] = []
    for part in parts:
        if isinstance(part, int):
            data = part.to_bytes(max((part.bit_length() + 7) // 8, 1), "big")
            code += bytes([_PUSH1 + len(data) - 1]) + data
        elif part.endswith(":"):
            places[part[:-1]] = len(code)
            code.append(_OPCODES["JUMPDEST"])
        elif part.startswith("@"):
            open_places.append((len(code) + 1, part[1:]))
            code += bytes([_PUSH2, 0, 0])
        else:
            code.append(_OPCODES[part])
    for at, name in open_places:
        code[at : at + 2] = places[name].to_bytes(2, "big")
    return bytes(code)
