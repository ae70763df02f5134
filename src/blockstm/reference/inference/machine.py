"""An instruction called, a program run."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from blockstm.errors import PrecompileFailure
from blockstm.reference.inference.layout import (
    CODE_PREFIX,
    CODES,
    HEADER_BYTES,
    INLINE,
    REFERENCE_BYTES,
    REGISTER,
    REGISTERS,
    RUN,
    VERSION,
    Instruction,
    Reference,
    parse_instruction,
    parse_program,
    parse_references,
)
from blockstm.reference.inference.meanings import MEANINGS
from blockstm.reference.inference.shapes import BASE_GAS, BYTES_MAX, BYTES_PER_GAS, Shape, check

__all__ = ["run"]

ReadCode = Callable[[bytes], bytes]


class _Step(NamedTuple):
    """An instruction that was checked."""

    instruction: Instruction
    shape: Shape
    sizes: tuple[int, ...]
    """Bytes of the operands that are there."""

    @property
    def gas(self) -> int:
        return self.shape.gas(self.sizes)


def run(
    opcode: int,
    data: bytes,
    read_code: ReadCode,
    keccak: Callable[[bytes], bytes],
    version: int = VERSION,
) -> tuple[bytes, int]:
    """What a call of an instruction gives, and its gas beside what reading codes costs.

    Args:
        opcode: which one is called.
        data: its header, its references, and what lies inline.
        read_code: address → the code there, for the price of an access.
        keccak: the hash that references name.
        version: of the instruction set.

    Raises:
        PrecompileFailure: the input is malformed, or a code is not what a reference says.
    """
    instruction = parse_instruction(data)
    check(instruction.opcode == opcode, "the header is of the instruction that is called")
    check(instruction.destination == 0, "a call has no destination")
    begin = HEADER_BYTES + instruction.code_count * REFERENCE_BYTES
    references = parse_references(data[HEADER_BYTES:], instruction.code_count)
    inline = data[begin:]
    if opcode == RUN:
        return _run_program(instruction, references, inline, read_code, keccak, version)
    places = {
        INLINE: inline,
        CODES: b"".join(_data(each, read_code, keccak) for each in references),
    }
    step = _checked(instruction, {source: len(place) for source, place in places.items()}, version)
    ends = [
        offset + size
        for source, offset, size in zip(
            instruction.sources, instruction.offsets, step.sizes, strict=True
        )
        if source == INLINE
    ]
    check(len(inline) == max(ends, default=0), "the input ends with its last operand")
    return _computed(step, places), step.gas


def _run_program(
    instruction: Instruction,
    references: list[Reference],
    inline: bytes,
    read_code: ReadCode,
    keccak: Callable[[bytes], bytes],
    version: int,
) -> tuple[bytes, int]:
    check(len(references) == 1, "a program is one code")
    check(instruction.sources == (INLINE, 0, 0), "a program's input is inline")
    check(instruction.offsets[0] == 0, "a program's input follows the reference")
    check(not any(instruction.parameters), "running has no parameters")
    code = _code(references[0], read_code, keccak)
    program = parse_program(code)
    check(program.version <= version, "a program is of a version that the chain has")
    check(len(inline) == program.input_bytes > 0, "the input is of the size that it must have")
    constants = b"".join(_data(each, read_code, keccak) for each in program.references)
    places = {CODES: constants, REGISTER: inline}
    sizes = {source: len(place) for source, place in places.items()}
    gas = BASE_GAS + -(-(len(code) + len(inline)) // BYTES_PER_GAS)
    steps = []
    for each in program.instructions:
        check(each.code_count == 0, "a program names the codes for all its instructions")
        check(REGISTER <= each.destination < REGISTER + REGISTERS, "there are 32 registers")
        steps.append(_checked(each, sizes, program.version))
        sizes[each.destination] = steps[-1].shape.output_bytes
        held = sum(size for source, size in sizes.items() if source >= REGISTER)
        check(held <= BYTES_MAX, "the registers hold 2**26 bytes at most")
        gas += steps[-1].gas
    check(program.output >= REGISTER and program.output in sizes, "the output was computed")
    for step in steps:
        places[step.instruction.destination] = _computed(step, places)
    return places[program.output], gas


def _code(reference: Reference, read_code: ReadCode, keccak: Callable[[bytes], bytes]) -> bytes:
    code = read_code(reference.address)
    check(keccak(code) == reference.hash, "the code is the one that is meant")
    return code


def _data(reference: Reference, read_code: ReadCode, keccak: Callable[[bytes], bytes]) -> bytes:
    code = _code(reference, read_code, keccak)
    check(code[:1] == CODE_PREFIX, "a code that holds data begins with STOP")
    return code[1:]


def _checked(instruction: Instruction, place_sizes: dict[int, int], version: int) -> _Step:
    """The instruction with its shape, whose operands are where it says.

    Raises:
        PrecompileFailure: it is malformed, or they are not.
    """
    meaning = MEANINGS.get(instruction.opcode)
    if meaning is None or meaning.since > version:
        raise PrecompileFailure("no such instruction")
    check(
        not any(instruction.parameters[meaning.parameters_in(version) :]),
        "no more parameters than it has",
    )
    shape = meaning.shape(instruction.parameters)
    check(
        max(*shape.operand_bytes, shape.output_bytes) <= BYTES_MAX,
        "a tensor is of 2**26 bytes at most",
    )
    sizes = []
    for number, wanted in enumerate(shape.operand_bytes):
        source, offset = instruction.sources[number], instruction.offsets[number]
        if source == 0:
            check(wanted == 0 or number == shape.optional, "each operand is somewhere")
            sizes.append(0)
            continue
        there = place_sizes.get(source, -1)
        check(wanted > 0 and offset + wanted <= there, "an operand lies in its place")
        sizes.append(wanted)
    return _Step(instruction, shape, tuple(sizes))


def _computed(step: _Step, places: dict[int, bytes]) -> bytes:
    instruction = step.instruction
    operands = [
        places[source][offset : offset + size] if source else b""
        for source, offset, size in zip(
            instruction.sources, instruction.offsets, step.sizes, strict=True
        )
    ]
    return MEANINGS[instruction.opcode].compute(instruction.parameters, operands)
