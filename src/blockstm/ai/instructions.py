"""The instructions: precompiles of a chain, calls of one by itself, the bytes that ask for one."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from blockstm._native.ai import instructions as native
from blockstm.errors import ConfigError, InputError, PrecompileFailure
from blockstm.ethereum.codecs.hashing import keccak
from blockstm.messages import brief
from blockstm.reference.inference.layout import (
    CODES,
    INLINE,
    OPCODES,
    REGISTER,
    REGISTERS,
    SINCE,
    VERSION,
)
from blockstm.types import Address, Hash32

__all__ = [
    "ADDRESSES",
    "At",
    "Called",
    "Reference",
    "call",
    "call_data",
    "constant",
    "header",
    "kernels",
    "precompiles",
    "register",
]

ADDRESSES: Final = {
    name: Address(bytes(18) + bytes([0xA1, opcode])) for name, opcode in OPCODES.items()
}
"""Instruction → where `precompiles` puts it: ``0x…a1`` and its opcode."""

_HEADER: Final = struct.Struct(">BB3BB2x3I12x16i")
_GAS_MAX: Final = (1 << 63) - 1
_PARAMETERS: Final = 16
_OPERANDS: Final = 3


class Reference(NamedTuple):
    """A code, by the account that has it and by what it must be.

    Attributes:
        address: of the account.
        hash: Keccak-256 of its code; a call fails where it is another.
    """

    address: Address
    hash: Hash32

    @classmethod
    def of(cls, address: Address, code: bytes) -> Reference:
        """The reference to a code that an account has."""
        return cls(address, keccak(code))


class At(NamedTuple):
    """Where an operand lies.

    Attributes:
        source: 0 nowhere, 1 behind the header, 2 in the codes, 16 to 47 in a register.
        offset: in bytes, from the beginning of that.
    """

    source: int
    offset: int = 0


class Called(NamedTuple):
    """What a call of an instruction gave.

    Attributes:
        output: its bytes.
        gas_used: its price, without that of reading codes.
    """

    output: bytes
    gas_used: int


def register(number: int, offset: int = 0) -> At:
    """An operand in a register of a program, 0 to 31; 0 has the program's input at first.

    Raises:
        InputError: there is no such register.
    """
    if not 0 <= number < REGISTERS:
        raise InputError(f"a program has the registers 0 to {REGISTERS - 1}, not {number}")
    return At(REGISTER + number, offset)


def constant(offset: int) -> At:
    """An operand in the codes, from there on."""
    return At(CODES, offset)


def header(
    name: str,
    parameters: Sequence[int],
    operands: Sequence[At | None],
    *,
    codes: int = 0,
    destination: int | None = None,
) -> bytes:
    """The 96 bytes of an instruction.

    Args:
        name: one of `ADDRESSES`.
        parameters: at most 16; those that are left out are 0.
        operands: at most 3; None for one that is not there.
        codes: how many references follow it; 0 in a program.
        destination: the register that the output goes to, in a program.

    Raises:
        InputError: there is no such instruction, or a number does not fit its field.
    """
    opcode = _opcode(name)
    padded = [at or At(0) for at in operands] + [At(0)] * (_OPERANDS - len(operands))
    numbers = [*parameters, *[0] * (_PARAMETERS - len(parameters))]
    target = 0 if destination is None else register(destination).source
    sources, offsets = [at.source for at in padded], [at.offset for at in padded]
    try:
        return _HEADER.pack(opcode, codes, *sources, target, *offsets, *numbers)
    except struct.error as error:
        raise InputError(
            f"{name}: parameters {brief(list(parameters))} and operands {brief(list(operands))} "
            f"do not fit a header: {error}"
        ) from error


def call_data(
    name: str,
    parameters: Sequence[int],
    operands: Sequence[bytes | At | None] = (),
    references: Sequence[Reference] = (),
) -> bytes:
    """The input of an instruction that is called by itself.

    Args:
        name: one of `ADDRESSES`.
        parameters: as its table in the documentation has them.
        operands: each as bytes, which are put behind the header, or where it lies in the codes.
        references: the codes.

    Raises:
        InputError: there is no such instruction, or a number does not fit its field.
    """
    places: list[At | None] = []
    inline = b""
    for operand in operands:
        if isinstance(operand, bytes):
            places.append(At(INLINE, len(inline)))
            inline += operand
        else:
            places.append(operand)
    begin = header(name, parameters, places, codes=len(references))
    return begin + b"".join(address + digest for address, digest in references) + inline


def call(
    name: str,
    data: bytes,
    codes: Mapping[Address, bytes] | None = None,
    *,
    gas: int = _GAS_MAX,
    kernel: str | None = None,
    version: int = VERSION,
) -> Called:
    """Run an instruction off chain: what a call of its precompile gives, bit for bit.

    Safe from any thread; works without the GIL.

    Args:
        name: one of `ADDRESSES`.
        data: what the precompile is called with, see `call_data`.
        codes: address → code, of those that the data refers to.
        gas: what the call has, from 0 to 2**63 - 1.
        kernel: one of `kernels`; None for the fastest. Every one gives the same.
        version: of the instruction set; see `precompiles`.

    Raises:
        PrecompileFailure: the call fails: the data is malformed, a code is not there or not the
            one that is meant, or the gas does not suffice.
        ConfigError: this processor has no such kernel, or the set no such version.
        InputError: there is no such instruction, the data or a code is not bytes, or the gas not
            from 0 to 2**63 - 1.
        MemoryError: there is none for the operands.
    """
    opcode = _opcode(name)
    if type(gas) is not int or not 0 <= gas <= _GAS_MAX:
        raise InputError(f"gas is from 0 to {_GAS_MAX}, not {brief(gas)}")
    for what, given in (("the data", data), *(("a code", code) for code in (codes or {}).values())):
        if type(given) is not bytes:
            raise InputError(f"{what} is bytes, not {brief(given)}")
    known = {at: (code, keccak(code)) for at, code in (codes or {}).items()}
    made = native.call(opcode, data, known, gas, _checked(kernel), _known(version))
    if made is None:
        raise PrecompileFailure(f"the call of {name} fails: see docs/ai.md for what it takes")
    return Called(*made)


def kernels() -> tuple[str, ...]:
    """The kernels that this processor can run, the fastest last."""
    return native.kernels()


def precompiles(kernel: str | None = None, *, version: int = VERSION) -> dict[Address, Any]:
    """The instructions for ``Chain(precompiles=...)`` and ``Evm(precompiles=...)``.

    Args:
        kernel: one of `kernels`; None for the fastest. Every one gives the same.
        version: of the instruction set, which is part of a chain's rules. What a version has, the
            later ones have with the same meaning; 2 added `multiply`, `join` and the epsilon of
            `layer_norm`.

    Raises:
        ConfigError: this processor has no such kernel, or the set no such version.
    """
    chosen, known = _checked(kernel), _known(version)
    return {
        ADDRESSES[name]: native.capsule(opcode, chosen, known)
        for name, opcode in OPCODES.items()
        if SINCE.get(name, 1) <= known
    }


def _checked(kernel: str | None) -> str | None:
    if kernel is not None and kernel not in native.kernels():
        there = ", ".join(native.kernels())
        raise ConfigError(f"this processor has the kernels {there}, not {brief(kernel)}")
    return kernel


def _known(version: int) -> int:
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ConfigError(
            f"the instruction set has the versions 1 to {VERSION}, not {brief(version)}"
        )
    return version


def _opcode(name: str) -> int:
    if name not in OPCODES:
        raise InputError(f"the instructions are {', '.join(OPCODES)}, not {brief(name)}")
    return OPCODES[name]
