"""A compiled model: its program, its weights in codes, what it takes and gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Final

from blockstm.ai.instructions import Called, Reference, call, call_data
from blockstm.errors import InputError
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief
from blockstm.reference.inference.layout import CODE_PREFIX, parse_instruction
from blockstm.reference.inference.meanings import version_of
from blockstm.types import Address, Hash32

__all__ = ["CODE_BYTES", "Model", "Scale", "Tensor", "run_program"]

CODE_BYTES: Final = 24_576
"""The longest code of an account (EIP-170)."""

_CODES_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Scale:
    """What integers mean: ``(integer - zero) * scale``."""

    scale: float
    zero: int = 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a model takes or gives.

    Attributes:
        name: in the model that was compiled.
        kind: ``int8``; ``int32``, little-endian; ``words``: places, each 32 bytes, big-endian.
        shape: without the batch, which is one.
        scales: what the integers mean: one, or one for each channel of an int32; none of words.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    scales: tuple[Scale, ...] = ()

    @property
    def size(self) -> int:
        """In bytes."""
        return prod(self.shape) * {"int8": 1, "int32": 4, "words": 32}[self.kind]


@dataclass(frozen=True)
class Model:
    """A model as instructions on constants. Immutable.

    Attributes:
        name: of the graph that was compiled.
        input, output: what it takes and gives.
        instructions: headers of 96 bytes each.
        constants: weights, biases, multipliers, tables, one behind the other.
        output_register: of the last value.
        work: multiply-accumulates of one inference.
    """

    name: str
    input: Tensor
    output: Tensor
    instructions: tuple[bytes, ...]
    constants: bytes
    output_register: int
    work: int

    @property
    def version(self) -> int:
        """The earliest version of the instruction set that has all of it."""
        return max(version_of(parse_instruction(each)) for each in self.instructions)

    def codes(self, limit: int = CODE_BYTES) -> list[bytes]:
        """The codes that hold the constants, each of at most ``limit`` bytes.

        Raises:
            InputError: so many codes are more than a program can name, or the limit leaves no byte.
        """
        if type(limit) is not int or limit <= len(CODE_PREFIX):
            raise InputError(f"a code is at most 2 bytes or more, not {brief(limit)}")
        step = limit - len(CODE_PREFIX)
        parts = [self.constants[at : at + step] for at in range(0, len(self.constants), step)]
        if len(parts) > _CODES_MAX:
            raise InputError(
                f"{len(self.constants)} bytes of constants need {len(parts)} codes of {limit} "
                f"bytes; a program names {_CODES_MAX}"
            )
        return [CODE_PREFIX + part for part in parts]

    def program(self, references: Sequence[Reference]) -> bytes:
        """The code of the program, whose constants these accounts have."""
        begin = (
            CODE_PREFIX + f"AIP{self.version}".encode() + bytes([len(references)])
            + len(self.instructions).to_bytes(2, "big")
            + self.input.size.to_bytes(4, "big")
            + bytes([16 + self.output_register, 0, 0, 0])
        )  # fmt: skip
        named = b"".join(each.address + each.hash for each in references)
        return begin + named + b"".join(self.instructions)

    @cached_property
    def canonical(self) -> dict[Address, bytes]:
        """The codes, the program last, each at the address that its own hash ends in.

        So they lie nowhere in particular: for running off chain.
        """
        parts = self.codes()  # equal ones have one address, and are named as often as they occur
        program = self.program([Reference.of(_own(code), code) for code in parts])
        return {**{_own(code): code for code in parts}, _own(program): program}

    @property
    def hash(self) -> Hash32:
        """The hash of the canonical program: it decides every bit of every answer."""
        return keccak([*self.canonical.values()][-1])

    def run(self, data: bytes, *, kernel: str | None = None) -> bytes:
        """An inference off chain: what the same model gives on chain, bit for bit.

        Args:
            data: the input tensor; see `quantised`.
            kernel: see `blockstm.ai.call`.

        Raises:
            InputError: it is of another size than the model's input.
        """
        return self.called(data, kernel=kernel).output

    def called(self, data: bytes, *, kernel: str | None = None) -> Called:
        """As `run`, with the gas of it, without that of reading codes.

        Raises:
            InputError: as of `run`.
        """
        if type(data) is not bytes or len(data) != self.input.size:
            raise InputError(
                f"the input {self.input.name} is {self.input.size} bytes, not {brief(data)}"
            )
        codes = self.canonical
        program = [*codes][-1]
        return run_program(Reference.of(program, codes[program]), codes, data, kernel=kernel)

    def quantised(self, numbers: Sequence[float]) -> bytes:
        """Real numbers as the input tensor, row by row: rounded to the nearest, of two to the even.

        Raises:
            InputError: they are not as many as the input has.
        """
        if len(numbers) != prod(self.input.shape):
            raise InputError(f"the input has {prod(self.input.shape)} numbers, not {len(numbers)}")
        [to] = self.input.scales
        return bytes(
            min(max(round(number / to.scale) + to.zero, -128), 127) & 0xFF for number in numbers
        )

    def real(self, output: bytes) -> list[float]:
        """What an output means: real numbers, or the places that words are.

        Raises:
            InputError: it is of another size than the model's output.
        """
        if len(output) != self.output.size:
            raise InputError(f"the output is {self.output.size} bytes, not {len(output)}")
        width = self.output.size // prod(self.output.shape)
        parts = [output[at : at + width] for at in range(0, len(output), width)]
        if self.output.kind == "words":
            return [float(int.from_bytes(part, "big")) for part in parts]
        numbers = [int.from_bytes(part, "little", signed=True) for part in parts]
        scales = self.output.scales
        inner = len(numbers) // len(scales) if self.output.kind == "int32" else len(numbers)
        return [
            (number - scales[at // inner].zero) * scales[at // inner].scale
            for at, number in enumerate(numbers)
        ]


def run_program(
    program: Reference, codes: Mapping[Address, bytes], data: bytes, *, kernel: str | None = None
) -> Called:
    """Run a program off chain.

    Raises:
        PrecompileFailure: the program or its codes are not what they must be.
    """
    asked = call_data("run", (), [data], [program])
    return call("run", asked, codes, kernel=kernel)


def _own(code: bytes) -> Address:
    return Address(keccak(code)[12:])
