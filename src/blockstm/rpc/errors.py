"""`RpcError`: what a request is answered where it has no result, and the codes of such answers."""

from __future__ import annotations

from typing import Any, Final

from blockstm.errors import (
    BlockstmError,
    CallError,
    DecodeError,
    InternalError,
    InvalidBlock,
    SimulationError,
    TraceTooLarge,
    UnknownBlock,
)
from blockstm.ethereum import Failure

__all__ = [
    "INTERNAL_ERROR",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "LIMIT_EXCEEDED",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "REVERTED",
    "SERVER_ERROR",
    "RpcError",
    "call_error",
    "error_of",
]

# Of JSON-RPC 2.0; -32000 to -32099 are a server's own, and as go-ethereum and EIP-1474 use them.
PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SERVER_ERROR: Final = -32000
LIMIT_EXCEEDED: Final = -32005
REVERTED: Final = 3


class RpcError(Exception):
    """A request that has no result.

    Attributes:
        code: see this module's constants.
        data: what comes with it, such as what a reverted call returned; None: nothing.
    """

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data

    def to_json(self) -> dict[str, Any]:
        """The ``error`` of a response."""
        members: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.data is not None:
            members["data"] = self.data
        return members


def error_of(error: BlockstmError) -> RpcError:
    """What a request is answered that one of the library's errors ended."""
    if isinstance(error, CallError):
        return call_error(error.result)
    if isinstance(error, SimulationError):
        return RpcError(error.code, str(error))
    if isinstance(error, TraceTooLarge):
        return RpcError(LIMIT_EXCEEDED, str(error))
    if isinstance(error, UnknownBlock):
        return RpcError(SERVER_ERROR, "header not found")
    if isinstance(error, DecodeError):
        return RpcError(INVALID_PARAMS, str(error))
    if isinstance(error, InvalidBlock):
        return RpcError(SERVER_ERROR, f"invalid: {error}")
    code = INTERNAL_ERROR if isinstance(error, InternalError) else SERVER_ERROR
    return RpcError(code, str(error))


def call_error(result: Any) -> RpcError:
    """What a call is answered that did not succeed: a `blockstm.ethereum.CallResult`."""
    if result.failure is Failure.REVERTED:
        return RpcError(REVERTED, result.error, "0x" + result.output.hex())
    return RpcError(SERVER_ERROR, result.error)
