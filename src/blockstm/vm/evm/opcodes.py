"""Opcodes of your own, where a fork has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from blockstm._native.evm.added.opcodes import Memory, is_runnable
from blockstm._native.evm.forks.tables import is_opcode
from blockstm.errors import InputError
from blockstm.messages import brief

__all__ = ["Memory", "Opcode", "checked_opcodes"]

_INPUTS_MAX = 16
_GAS_MAX = 0xFFFF
_NUMBERS = 256


@dataclass(frozen=True, slots=True)
class Opcode:
    """An instruction that computes a word from words, or works on the frame's memory.

    Nothing follows it in the code that belongs to it, so where jumps may lead does not change.

    Attributes:
        inputs: words that it takes from the stack, 0 to 16.
        outputs: words that it pushes, 0 or 1.
        gas: charged before it runs, 0 to 65,535.
        run: ``run(operands, gas, memory)`` gives the word (0 where it pushes none) and how much gas
            it has used beside ``gas`` and its memory. The operands are ints, the topmost first;
            ``gas`` is what is left; ``memory.read(offset, size)`` and ``memory.write(offset,
            data)`` grow the frame's memory and charge for that, as MLOAD and MSTORE do, and are
            valid until it returns. `ExceptionalHalt`, and more gas than there is, halts the frame,
            which loses all its gas. Any other exception ends the block with a `TransactionError`.

            It is called with the GIL, by any worker thread and more than once for one transaction,
            and must depend on nothing but its arguments: then the result is the same on any number
            of workers. A function of C comes in a PyCapsule "blockstm.opcode"
            (`blockstm/opcode.h`) and is called without the GIL.
    """

    inputs: int
    outputs: int
    gas: int
    run: Callable[[tuple[int, ...], int, Memory], tuple[int, int]] | Any


def checked_opcodes(
    fork: str, opcodes: Mapping[int, Opcode] | None
) -> dict[int, tuple[int, int, int, Any]]:
    """What was passed, as the core takes it.

    Raises:
        InputError: a number is none of an opcode or is one of the fork's, or what is there is no
            `Opcode` or has a member out of range.
    """
    if opcodes is None:
        return {}
    if not isinstance(opcodes, Mapping):
        raise InputError(f"opcodes are a mapping, number -> Opcode, not {brief(opcodes)}")
    for number, opcode in opcodes.items():
        if not _is_within(number, _NUMBERS - 1):
            raise InputError(f"an opcode's number is an int from 0 to 255, not {brief(number)}")
        if is_opcode(fork, number):
            raise InputError(
                f"the opcode 0x{number:02x} is one of {fork}'s own, which cannot be replaced: take "
                "a number that this fork does not define"
            )
        _check(f"the opcode 0x{number:02x}", opcode)
    return {
        number: (opcode.inputs, opcode.outputs, opcode.gas, opcode.run)
        for number, opcode in opcodes.items()
    }


def _check(what: str, opcode: Any) -> None:
    if not isinstance(opcode, Opcode):
        raise InputError(f"{what} is a blockstm.vm.evm.Opcode, not {brief(opcode)}")
    for name, most in (("inputs", _INPUTS_MAX), ("outputs", 1), ("gas", _GAS_MAX)):
        if not _is_within(getattr(opcode, name), most):
            given = brief(getattr(opcode, name))
            raise InputError(f"{what}: {name} is an int from 0 to {most}, not {given}")
    if not is_runnable(opcode.run):
        raise InputError(
            f'{what}: run is a callable or a capsule "blockstm.opcode", not {brief(opcode.run)}'
        )


def _is_within(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most
