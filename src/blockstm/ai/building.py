"""A program put together: constants one behind the other, registers that are used again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from blockstm.ai.instructions import At, constant, header, register
from blockstm.errors import ModelError
from blockstm.reference.inference.layout import REGISTERS

__all__ = ["Builder", "Value"]


class Value(NamedTuple):
    """What an instruction gives, or the program's input: a register that no other value has."""

    number: int
    size: int
    """In bytes."""


class _Step(NamedTuple):
    name: str
    parameters: tuple[int, ...]
    operands: tuple[Value | bytes | None, ...]
    output: Value


@dataclass
class Builder:
    """Instructions in their order, each of which names the values that it takes.

    Attributes:
        input_bytes: of the program's input, which is value 0.
        work: multiply-accumulates of products and convolutions.
    """

    input_bytes: int
    work: int = 0
    _steps: list[_Step] = field(default_factory=list)

    @property
    def input(self) -> Value:
        """The program's input."""
        return Value(0, self.input_bytes)

    def add(
        self,
        name: str,
        parameters: Sequence[int],
        operands: Sequence[Value | bytes | None],
        size: int,
    ) -> Value:
        """An instruction more; what it gives, of so many bytes. Bytes are constants."""
        output = Value(len(self._steps) + 1, size)
        self._steps.append(_Step(name, tuple(parameters), tuple(operands), output))
        return output

    def finish(self, output: Value) -> tuple[list[bytes], bytes, int]:
        """The headers of the instructions, the constants, and the register of the output.

        Raises:
            ModelError: more values are needed at the same time than there are registers.
        """
        constants, offsets = self._constants()
        last_use = {output.number: len(self._steps)}
        for place, step in enumerate(self._steps):
            for operand in step.operands:
                if isinstance(operand, Value):
                    last_use[operand.number] = max(last_use.get(operand.number, 0), place)
        free, held = list(range(REGISTERS - 1, 0, -1)), {0: 0}
        headers = []
        for place, step in enumerate(self._steps):
            if not free:
                raise ModelError(f"more than {REGISTERS - 1} values are needed at once", step.name)
            target = free.pop()
            operands = [self._at(operand, held, offsets) for operand in step.operands]
            headers.append(header(step.name, step.parameters, operands, destination=target))
            held[step.output.number] = target
            for number in [each for each in held if last_use.get(each, -1) <= place]:
                free.append(held.pop(number))
        return headers, constants, held[output.number]

    def _constants(self) -> tuple[bytes, dict[bytes, int]]:
        """All constants, each once, and where each begins."""
        offsets: dict[bytes, int] = {}
        size = 0
        for step in self._steps:
            for operand in step.operands:
                if isinstance(operand, bytes) and operand not in offsets:
                    offsets[operand] = size
                    size += len(operand)
        return b"".join(offsets), offsets

    @staticmethod
    def _at(
        operand: Value | bytes | None, held: dict[int, int], offsets: dict[bytes, int]
    ) -> At | None:
        if operand is None:
            return None
        if isinstance(operand, bytes):
            return constant(offsets[operand])
        return register(held[operand.number])
