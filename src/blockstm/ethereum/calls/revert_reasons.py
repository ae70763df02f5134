"""What a reverted call says: Solidity's ``Error(string)`` and ``Panic(uint256)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from blockstm.ethereum.codecs.solidity import decode_revert

__all__ = ["RevertReason", "revert_reason"]


@dataclass(frozen=True, slots=True)
class RevertReason:
    """The decoded reason of a revert.

    Attributes:
        kind: "error" of ``Error(string)``, "panic" of ``Panic(uint256)``.
        message: the string; of a panic, what its number means.
        code: the number of a panic; None of an error.
    """

    kind: Literal["error", "panic"]
    message: str
    code: int | None = None

    def __str__(self) -> str:
        return self.message


def revert_reason(output: bytes) -> RevertReason | None:
    """The reason in the output of a reverted call; None where it is of neither kind."""
    decoded = decode_revert(output)
    if decoded is None:
        return None
    message, code = decoded
    return RevertReason("error" if code is None else "panic", message, code)
