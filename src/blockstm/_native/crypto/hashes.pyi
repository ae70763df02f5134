from collections.abc import Iterable, Sequence

from typing_extensions import Buffer

def keccak256(data: Buffer) -> bytes: ...
def keccak256_pieces(pieces: Iterable[Buffer]) -> bytes:
    """The hash of the pieces one after another."""

def keccak256_many(messages: list[bytes], width_max: int = 8) -> list[bytes]:
    """The hash of each message, hashed side by side; the GIL is released.

    ``width_max`` bounds how many at once and changes no result: for tests.
    """

def permutations() -> list[tuple[str, int]]:
    """The permutations that this processor runs, and of how many states each; for tests."""

def permute(place: int, states: list[list[int]]) -> list[list[int]]:
    """The states after the permutation at that place of ``permutations()``; for tests."""

def finish(place: int, state: list[int] | None, data: Buffer) -> bytes:
    """The hash of a message that goes on so behind a state, if there is one, by the permutation at
    that place, which is of one state; for tests.
    """

def sha256(data: Buffer) -> bytes: ...
def sha256_portable(data: Buffer) -> bytes:
    """The same without the processor's own instructions; for tests."""

def ripemd160(data: Buffer) -> bytes: ...
def blake2f(
    rounds: int,
    state: Sequence[int],
    message: Sequence[int],
    offset: Sequence[int],
    final_block: bool,
) -> tuple[int, ...]:
    """EIP-152's F on 8 words of state, 16 of message and 2 of offset."""
