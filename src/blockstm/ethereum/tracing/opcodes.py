"""Opcodes by go-ethereum's names."""

from __future__ import annotations

from typing import Final

from blockstm._native.evm.forks.tables import opcode_table

__all__ = ["opcode_name"]

_NAMES: Final = {opcode: name for opcode, (name, _, _) in opcode_table().items()} | {
    0x44: "DIFFICULTY"
}


def opcode_name(opcode: int) -> str:
    """The name of an opcode, whatever the fork."""
    return _NAMES.get(opcode) or f"opcode {opcode:#x} not defined"
