from collections.abc import Iterable, Sequence

from typing_extensions import Buffer

def keccak256(data: Buffer) -> bytes: ...
def keccak256_pieces(pieces: Iterable[Buffer]) -> bytes:
    """The hash of the pieces one after another."""

def sha256(data: Buffer) -> bytes: ...
def ripemd160(data: Buffer) -> bytes: ...
def blake2f(
    rounds: int,
    state: Sequence[int],
    message: Sequence[int],
    offset: Sequence[int],
    final_block: bool,
) -> tuple[int, ...]:
    """EIP-152's F on 8 words of state, 16 of message and 2 of offset."""
