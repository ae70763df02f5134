"""A small assembler and the contracts that the tests of the EVM run. No test of its own."""

from __future__ import annotations

import re

from eth.vm import opcode_values

OPCODES = {name: value for name, value in vars(opcode_values).items() if name.isupper()}


def assemble(source: str) -> bytes:
    """Bytecode: opcodes by name, numbers as the shortest push, ``@name`` pushes a label.

    ``name:`` puts a JUMPDEST there. A line's rest behind ``;`` is a comment.
    """
    code = bytearray()
    labels: dict[str, int] = {}
    uses: list[tuple[int, str]] = []
    for word in re.sub(r";[^\n]*", "", source).split():
        if word.endswith(":"):
            labels[word[:-1]] = len(code)
            code.append(OPCODES["JUMPDEST"])
        elif word.startswith("@"):
            uses.append((len(code) + 1, word[1:]))
            code += bytes([OPCODES["PUSH1"], 0])
        elif word[0].isdigit():
            number = int(word, 0)
            size = max(1, (number.bit_length() + 7) // 8)
            code += bytes([OPCODES["PUSH1"] + size - 1]) + number.to_bytes(size, "big")
        else:
            code.append(OPCODES[word])
    for place, label in uses:
        code[place] = labels[label]
    return bytes(code)


def creation_of(runtime: bytes) -> bytes:
    """Initcode that deploys ``runtime``."""
    prefix = assemble(f"{len(runtime)} DUP1 11 0 CODECOPY 0 RETURN")
    assert len(prefix) <= 11, "the offset of the code is written for a prefix of 11 bytes"
    return prefix.ljust(11, b"\x5b") + runtime


FACTORY = assemble(
    """
    CALLDATASIZE 0 0 CALLDATACOPY
    0 CALLDATASIZE 0 CALLVALUE CREATE2          ; salt 0: the same address every time
    STOP
    """
)
"""Creates a contract from the initcode it is called with, by CREATE2."""

OLD_FACTORY = assemble(
    """
    CALLDATASIZE 0 0 CALLDATACOPY
    CALLDATASIZE 0 CALLVALUE CREATE
    STOP
    """
)
"""Creates a contract from the initcode it is called with, by CREATE."""

CELLS = assemble(
    """
    CALLDATASIZE @choose JUMPI
    0xbeef SELFDESTRUCT                         ; called with nothing
    choose:
    32 CALLDATASIZE GT @store JUMPI
    0 CALLDATALOAD SLOAD 0 MSTORE 32 0 LOG0     ; called with a slot: log its value
    STOP
    store:
    32 CALLDATALOAD 0 CALLDATALOAD SSTORE       ; called with slot and value
    64 CALLDATASIZE GT @again JUMPI
    STOP
    again:
    64 CALLDATALOAD 0 CALLDATALOAD SSTORE       ; and with a second value after it
    STOP
    """
)
"""Storage that can be looked at, written and destroyed; destruction pays to 0xbeef."""

FORWARDER = assemble(
    """
    0 0 0 0
    32 CALLDATALOAD                             ; the value to send
    0 CALLDATALOAD                              ; where to
    100000 CALL
    0 MSTORE 32 0 LOG0
    64 CALLDATALOAD ISZERO @end JUMPI           ; called with a third word: undo it all
    0 0 INVALID
    end: STOP
    """.replace("INVALID", "0 JUMP")
)
"""Calls an address with a value, logs whether that worked, and may fail afterwards."""

OBSERVER = assemble(
    """
    0 CALLDATALOAD BALANCE 0 MSTORE
    0 CALLDATALOAD EXTCODESIZE 32 MSTORE
    GAS 0 0 0 0 0 0 CALLDATALOAD 1000 CALL POP  ; costs more where the account is new
    GAS SWAP1 SUB 64 MSTORE
    96 0 LOG0
    """
)
"""Logs an address's balance and code size, and what a call without value to it costs."""


def words(*numbers: int) -> bytes:
    """Call data of 32-byte words."""
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def number_of(address: bytes) -> int:
    """An address as a word."""
    return int.from_bytes(address, "big")
