"""Why a call that began did not succeed."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Failure"]


class Failure(StrEnum):
    """Why a call that began did not succeed; the words are those of `Execution.error`."""

    OUT_OF_GAS = "out of gas"
    STACK_UNDERFLOW = "stack underflow"
    STACK_OVERFLOW = "stack overflow"
    INVALID_JUMP = "invalid jump"
    INVALID_OPCODE = "invalid opcode"
    WRITE_PROTECTION = "write protection"
    RETURN_DATA_OUT_OF_BOUNDS = "return data out of bounds"
    INVALID_CODE = "invalid code"
    CODE_TOO_LARGE = "code too large"
    INITCODE_TOO_LARGE = "initcode too large"
    ADDRESS_COLLISION = "address collision"
    NONCE_OVERFLOW = "nonce overflow"
    INSUFFICIENT_BALANCE = "insufficient balance"
    DEPTH_EXCEEDED = "depth exceeded"
    PRECOMPILE_FAILURE = "precompile failure"
    REVERTED = "reverted"
