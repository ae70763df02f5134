"""An assembler for the EVM: readable sources in, bytecode out.

```
0 CALLDATALOAD          ; a number is pushed, as short as it goes: PUSH1 0 CALLDATALOAD
again:                  ; a label: a JUMPDEST stands here
    1 SWAP1 SUB
    DUP1 @again JUMPI   ; its place is pushed, in two bytes
STOP
table: 'c0ffee'         ; bytes as they are
```

Opcodes are named as in the Yellow Paper, appendix H, and in the EIPs that came after it. `PUSH0`
and pushes of a given width (``PUSH32 1``) are written out; `;` starts a comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from blockstm.errors import ConfigError
from blockstm.messages import brief

__all__ = ["OPCODES", "assemble", "initcode_of"]

_ROWS = {
    0x00: "STOP ADD MUL SUB DIV SDIV MOD SMOD ADDMOD MULMOD EXP SIGNEXTEND",
    0x10: "LT GT SLT SGT EQ ISZERO AND OR XOR NOT BYTE SHL SHR SAR CLZ",
    0x20: "KECCAK256",
    0x30: "ADDRESS BALANCE ORIGIN CALLER CALLVALUE CALLDATALOAD CALLDATASIZE CALLDATACOPY CODESIZE "
    "CODECOPY GASPRICE EXTCODESIZE EXTCODECOPY RETURNDATASIZE RETURNDATACOPY EXTCODEHASH",
    0x40: "BLOCKHASH COINBASE TIMESTAMP NUMBER PREVRANDAO GASLIMIT CHAINID SELFBALANCE BASEFEE "
    "BLOBHASH BLOBBASEFEE",
    0x50: "POP MLOAD MSTORE MSTORE8 SLOAD SSTORE JUMP JUMPI PC MSIZE GAS JUMPDEST TLOAD TSTORE "
    "MCOPY PUSH0",
    0x60: " ".join(f"PUSH{size}" for size in range(1, 33)),
    0x80: " ".join(f"DUP{depth}" for depth in range(1, 17)),
    0x90: " ".join(f"SWAP{depth}" for depth in range(1, 17)),
    0xA0: " ".join(f"LOG{topics}" for topics in range(5)),
    0xF0: "CREATE CALL CALLCODE RETURN DELEGATECALL CREATE2",
    0xFA: "STATICCALL",
    0xFD: "REVERT INVALID SELFDESTRUCT",
}

OPCODES: Mapping[str, int] = MappingProxyType(
    {name: first + place for first, row in _ROWS.items() for place, name in enumerate(row.split())}
)
"""Opcode name → byte, of all forks up to Osaka."""

_PUSH0 = OPCODES["PUSH0"]


def assemble(source: str) -> bytes:
    """The bytecode of a source.

    Raises:
        ConfigError: an unknown word, a label that is missing or there twice, a number that does
            not fit its push.
    """
    code = bytearray()
    labels: dict[str, int] = {}
    uses: list[tuple[int, str]] = []
    words = iter(re.sub(r";[^\n]*", "", source).split())
    for word in words:
        if word.endswith(":"):
            if labels.setdefault(word[:-1], len(code)) != len(code):
                raise ConfigError(f"the label {word} is there twice")
            code.append(OPCODES["JUMPDEST"])
        elif word.startswith("@"):
            uses.append((len(code) + 1, word[1:]))
            code += bytes([OPCODES["PUSH2"], 0, 0])
        elif word.startswith("'"):
            code += bytes.fromhex(word.strip("'"))
        elif word[0].isdigit():
            code += _push(word)
        elif word not in OPCODES:
            raise ConfigError(f"there is no opcode {brief(word)}")
        elif word.startswith("PUSH") and word != "PUSH0":
            code += _push(next(words, ""), OPCODES[word] - _PUSH0)
        else:
            code.append(OPCODES[word])
    for place, label in uses:
        if label not in labels:
            raise ConfigError(f"there is no label {brief(label)}")
        code[place : place + 2] = labels[label].to_bytes(2, "big")
    return bytes(code)


def initcode_of(runtime: bytes) -> bytes:
    """Initcode that deploys ``runtime``, for a creation by transaction, CREATE or CREATE2."""
    prefix = assemble(f"PUSH2 {len(runtime)} DUP1 PUSH1 12 PUSH1 0 CODECOPY PUSH1 0 RETURN")
    return prefix + runtime


def _push(word: str, size: int = 0) -> bytes:
    """The push of a number, ``size`` bytes wide; 0: as short as it goes."""
    try:
        number = int(word, 0)
        size = size or min(32, max(1, (number.bit_length() + 7) // 8))
        return bytes([_PUSH0 + size]) + number.to_bytes(size, "big")
    except (ValueError, OverflowError) as error:
        raise ConfigError(f"cannot push {brief(word)} in {size or 32} bytes") from error
