"""The bytes of an instruction and of a program.

Fields of a header are big-endian, as contracts write numbers; those in tensors are little-endian.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from blockstm.errors import PrecompileFailure

__all__ = [
    "CODES",
    "CODE_PREFIX",
    "HEADER_BYTES",
    "INLINE",
    "OPCODES",
    "REFERENCE_BYTES",
    "REGISTER",
    "REGISTERS",
    "RUN",
    "SINCE",
    "VERSION",
    "Instruction",
    "Program",
    "Reference",
    "parse_instruction",
    "parse_program",
    "parse_references",
]

OPCODES: Final = {
    "product": 1,
    "convolution": 2,
    "requantise": 3,
    "add": 4,
    "clip": 5,
    "table": 6,
    "max_pool": 7,
    "mean_pool": 8,
    "top": 9,
    "softmax": 10,
    "gelu": 11,
    "layer_norm": 12,
    "transpose": 13,
    "multiply": 14,
    "join": 15,
    "run": 16,
}
"""Instruction → the first byte of its header."""

VERSION: Final = 2
"""Of the instruction set, the latest: what a version has, later ones have with the same meaning."""

SINCE: Final = {"multiply": 2, "join": 2}
"""Instruction → the version that it came with; the others: 1."""

RUN: Final = OPCODES["run"]

INLINE: Final = 1
CODES: Final = 2
REGISTER: Final = 16
"""Where an operand lies: behind the header, in the codes, or from here on in a register."""

REGISTERS: Final = 32
HEADER_BYTES: Final = 96
REFERENCE_BYTES: Final = 52
CODE_PREFIX: Final = b"\0"
"""What a code that holds data begins with: STOP, so that nobody runs it."""

_HEADER: Final = struct.Struct(">BB3BB2x3I12x16i")
_PROGRAM: Final = struct.Struct(">x4sBHIB3x")
_MAGICS: Final = {f"AIP{version}".encode(): version for version in range(1, VERSION + 1)}


class Instruction(NamedTuple):
    """A header."""

    opcode: int
    code_count: int
    sources: tuple[int, int, int]
    destination: int
    offsets: tuple[int, int, int]
    parameters: tuple[int, ...]


class Reference(NamedTuple):
    """A code, by the account that has it and by what it must be."""

    address: bytes
    hash: bytes


class Program(NamedTuple):
    """What a code holds that ``run`` runs."""

    version: int
    input_bytes: int
    output: int
    references: list[Reference]
    instructions: list[Instruction]


def parse_instruction(data: bytes) -> Instruction:
    """The header at the beginning of some bytes.

    Raises:
        PrecompileFailure: it is too short, or what must be zero is not.
    """
    if len(data) < HEADER_BYTES:
        raise PrecompileFailure("a header is 96 bytes")
    opcode, count, *rest = _HEADER.unpack_from(data)
    sources, destination, offsets, parameters = rest[:3], rest[3], rest[4:7], rest[7:]
    found = Instruction(
        opcode, count, tuple(sources), destination, tuple(offsets), tuple(parameters)
    )
    if data[6:8] != bytes(2) or data[20:32] != bytes(12):
        raise PrecompileFailure("what is reserved is zero")
    if any(offset for offset, source in zip(offsets, sources, strict=True) if source == 0):
        raise PrecompileFailure("an operand that is not there has no offset")
    return found


def parse_references(data: bytes, count: int) -> list[Reference]:
    """The references at the beginning of some bytes.

    Raises:
        PrecompileFailure: it is too short.
    """
    if len(data) < count * REFERENCE_BYTES:
        raise PrecompileFailure("a reference is 52 bytes")
    places = range(0, count * REFERENCE_BYTES, REFERENCE_BYTES)
    return [Reference(data[at : at + 20], data[at + 20 : at + 52]) for at in places]


def parse_program(code: bytes) -> Program:
    """The program in a code.

    Raises:
        PrecompileFailure: it is none.
    """
    if len(code) < _PROGRAM.size:
        raise PrecompileFailure("a program is 16 bytes and more")
    magic, codes, count, input_bytes, output = _PROGRAM.unpack_from(code)
    if magic not in _MAGICS or code[:1] != CODE_PREFIX or code[13:16] != bytes(3):
        raise PrecompileFailure("a program begins with its magic bytes")
    begin = _PROGRAM.size + codes * REFERENCE_BYTES
    if len(code) != begin + count * HEADER_BYTES or count == 0:
        raise PrecompileFailure("a program ends with its last instruction")
    places = range(begin, len(code), HEADER_BYTES)
    return Program(
        _MAGICS[magic],
        input_bytes,
        output,
        parse_references(code[_PROGRAM.size :], codes),
        [parse_instruction(code[at : at + HEADER_BYTES]) for at in places],
    )
