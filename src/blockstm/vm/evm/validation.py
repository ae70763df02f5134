"""The exceptions of steps that did not succeed, from the bytes that the native core leaves."""

from __future__ import annotations

from blockstm._native.evm.prepared import reason_named
from blockstm.errors import InputError, TraceTooLarge
from blockstm.vm.evm.execution import InvalidTransaction
from blockstm.vm.evm.libraries import why_missing
from blockstm.vm.evmc.faults import error_of_fault

__all__ = ["MissingInput", "WrongCode", "error_of"]

# As in `vm_abi.h` and `_native/evm/execute.hpp`.
_INVALID = 2
_WORD = 32


class MissingInput(LookupError):
    """The state lacks the code of a hash, or the block the hash of another block.

    Attributes:
        block_number: of the block whose hash is missing; None where that is a code.
    """

    def __init__(self, message: str, block_number: int | None = None) -> None:
        super().__init__(message)
        self.block_number = block_number


class WrongCode(InputError):
    """The state gave a code for the hash of another one."""


def error_of(index: int, status: int, output: bytes) -> Exception:
    """The exception of a step that ended with ``status``."""
    if status == _INVALID:
        return _invalid(output)
    kind, rest = output[:1], output[1:]
    match kind[0] if kind else 0:
        case 1:
            return MissingInput(f"the state has only the hash of the code 0x{rest.hex()}")
        case 2:
            number = int.from_bytes(rest, "little")
            return MissingInput(
                f"BLOCKHASH asks for block {number}, whose hash did not come with it", number
            )
        case 3:
            return ImportError(why_missing())
        case 4:
            return ValueError("the state has a value that is neither 32 bytes nor code")
        case 6:
            return WrongCode(
                f"the code the state gave for the hash 0x{rest.hex()} has another hash"
            )
        case 8:
            return error_of_fault(int.from_bytes(rest, "little"))
        case 9:
            return TraceTooLarge("more is recorded than a tracer's bytes_max")
    return MemoryError("the EVM ran out of memory")


def _invalid(output: bytes) -> InvalidTransaction:
    have, want = (int.from_bytes(output[at : at + _WORD], "little") for at in (2, 2 + _WORD))
    return InvalidTransaction(reason_named(int.from_bytes(output[:2], "little")), have, want)
