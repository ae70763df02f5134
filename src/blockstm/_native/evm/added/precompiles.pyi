from collections.abc import Callable
from typing import Any

class Codes:
    """The codes of the chain as a precompile sees them, for as long as it runs: one thread.

    Attributes:
        gas: what its call has left.
    """

    @property
    def gas(self) -> int: ...
    def read(self, address: bytes) -> bytes:
        """The code at an address of 20 bytes; empty where there is none.

        A delegation (EIP-7702) is not followed.

        The call pays what an EXTCODECOPY of nothing costs, and the account is warm afterwards
        (EIP-2929). The transaction depends on that code as on all it reads.

        Raises:
            PrecompileFailure: the gas does not last for it. Let it through.
            InputError: the address is none, or the precompile has run.
        """

class CodePrecompile:
    """A precompile that reads codes: a callable ``run(input, codes)``, which gives what a
    `Precompile` gives; the gas that it says comes on top of what reading costs."""

    run: Callable[[bytes, Codes], tuple[bytes, int] | tuple[bytes, int, bool]]
    def __init__(
        self, run: Callable[[bytes, Codes], tuple[bytes, int] | tuple[bytes, int, bool]]
    ) -> None: ...

def is_precompile(target: Any) -> bool: ...
def number_at(fork: str, address: bytes) -> int: ...
