"""Opcodes by go-ethereum's names, and what they do to the height of the stack."""

from __future__ import annotations

from typing import Final

from blockstm._native.evm.forks.tables import opcode_table

__all__ = ["STACK_INPUTS", "STACK_OUTPUTS", "opcode_name"]

_TABLE: Final = opcode_table()
_NAMES: Final = {opcode: name for opcode, (name, _, _) in _TABLE.items()} | {0x44: "DIFFICULTY"}
STACK_INPUTS: Final = {opcode: inputs for opcode, (_, inputs, _) in _TABLE.items()}
STACK_OUTPUTS: Final = {opcode: outputs for opcode, (_, _, outputs) in _TABLE.items()}


def opcode_name(opcode: int) -> str:
    """The name of an opcode, whatever the fork."""
    return _NAMES.get(opcode) or f"opcode {opcode:#x} not defined"
