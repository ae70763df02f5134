"""Precompiled contracts of your own, beside those of a fork or in their place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from blockstm._native.evm.added.precompiles import (
    CodePrecompile,
    Codes,
    is_precompile,
    number_at,
)
from blockstm.errors import InputError
from blockstm.messages import brief
from blockstm.types import Address
from blockstm.vm.forks import Fork

__all__ = [
    "CodePrecompile",
    "Codes",
    "ForkPrecompile",
    "Precompile",
    "checked_precompiles",
    "has_precompile",
]

Precompile = Callable[[bytes, int], tuple[bytes, int] | tuple[bytes, int, bool]]
"""``precompile(input, gas)`` gives its output and how much of the gas it has used.

A third member that is true reverts the call: the output is its reason, and the gas that it has not
used goes back. `PrecompileFailure`, and more gas used than there is, makes the call fail and takes
all its gas. Any other exception ends the block with a `TransactionError`.

It is called with the GIL, by any worker thread and more than once for one transaction, and must
depend on nothing but its two arguments: then the result is the same on any number of workers.
One that reads the codes of accounts as well is a `CodePrecompile`.

A function of C comes in a PyCapsule "blockstm.precompile" (`blockstm/precompile.h`) and is called
without the GIL.
"""

_ADDRESS_BYTES = 20


@dataclass(frozen=True, slots=True)
class ForkPrecompile:
    """In place of a `Precompile`: what a fork has, at another address or taken away.

    Attributes:
        source: the address at which the fork has the precompile that is meant; None for none.
    """

    source: Address | None


def has_precompile(fork: Fork, address: Address) -> bool:
    """Whether a fork has a precompiled contract at an address."""
    return number_at(fork.rules, address) != 0


def checked_precompiles(
    precompiles: Mapping[Address, Precompile | Any] | None,
) -> dict[Address, Any]:
    """A copy of what was passed.

    Raises:
        InputError: an address is not 20 bytes, or what is there cannot be called.
    """
    if precompiles is None:
        return {}
    if not isinstance(precompiles, Mapping):
        raise InputError(
            f"precompiles are a mapping, address -> callable, not {brief(precompiles)}"
        )
    for address, target in precompiles.items():
        if type(address) is not bytes or len(address) != _ADDRESS_BYTES:
            raise InputError(f"a precompile's address is 20 bytes, not {brief(address)}")
        if not isinstance(target, ForkPrecompile) and not is_precompile(target):
            raise InputError(
                f"the precompile at 0x{address.hex()} is a callable or a capsule "
                f'"blockstm.precompile", not {brief(target)}'
            )
    return {
        address: target.source if isinstance(target, ForkPrecompile) else target
        for address, target in precompiles.items()
    }
