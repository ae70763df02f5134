"""Calls to measure EVMs with: each runs long inside one contract, so that only the EVM counts.

The contracts are ours: sources in ``bench/contracts``, compiled into the package beside this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from blockstm.bench.evm.artefacts import runtime, selector
from blockstm.errors import ConfigError
from blockstm.messages import brief

__all__ = [
    "GAS",
    "SENDER",
    "SENDER_KEY",
    "TURNS",
    "WORKLOADS",
    "Account",
    "Workload",
    "workload_named",
]

GAS = 4_000_000_000
"""The gas limit of every call: none is meant to end for lack of it."""
SENDER_KEY = b"\x01" * 32
SENDER = bytes.fromhex("1a642f0e3c3af545e7acbd38b07251b3990914f1")
"""The caller: the account of the private key `SENDER_KEY`. Gas is free here."""

_MAIN = b"\xcc" * 20
_OTHER = b"\xdd" * 20


@dataclass(frozen=True)
class Account:
    """An account that a call meets: ``storage`` is slot → value, both numbers."""

    code: bytes = field(default=b"", repr=False)
    balance: int = 0
    nonce: int = 0
    storage: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Workload:
    """One call, as a transaction by `SENDER`, under the rules of Cancun.

    Attributes:
        name: what it is called by, one of `WORKLOADS` or a name of a fixture.
        about: what it does, in a few words.
        accounts: address → account: all that is there but the sender.
        to: the contract that is called.
        data: what it is called with.
        gas: the limit.
    """

    name: str
    about: str
    accounts: Mapping[bytes, Account] = field(repr=False)
    to: bytes
    data: bytes = field(repr=False)
    gas: int = GAS


def _call(name: str, *arguments: int) -> bytes:
    """Call data: the selector of ``run`` where the contract has one, then words."""
    return selector(name, "run") + b"".join(each.to_bytes(32, "big") for each in arguments)


@dataclass(frozen=True)
class _Recipe:
    """How a workload is made from a contract: ``turns`` at full length, ``callee`` beside it."""

    about: str
    turns: int
    callee: str = ""
    arguments: tuple[int, ...] = ()

    def made(self, name: str, turns: int) -> Workload:
        accounts = {_MAIN: Account(runtime(name), nonce=1)}
        arguments = self.arguments
        if self.callee:
            accounts[_OTHER] = Account(runtime(self.callee), nonce=1)
            arguments = (int.from_bytes(_OTHER, "big"), *arguments)
        return Workload(name, self.about, accounts, _MAIN, _call(name, turns, *arguments))


_RECIPES: Mapping[str, _Recipe] = MappingProxyType(
    {
        "hashing": _Recipe("Keccaks of one and two words", 40_000),
        "hashing_long": _Recipe("Keccaks of 4 KiB", 3_000),
        "arithmetic": _Recipe("every operation on numbers, all sizes", 40_000),
        "storage": _Recipe("reads and writes of 256 slots", 100_000),
        "calls": _Recipe("calls of all kinds to a small contract", 15_000, "successor"),
        "memory": _Recipe("loads, stores, copies; grows to 3 MB", 100_000, arguments=(7**80,)),
        "erc20_loop": _Recipe("an ERC-20's transfers (Vyper)", 8_000, "token"),
        "sorting": _Recipe("heap and insertion sort (Vyper)", 30),
        "bignumber": _Recipe("squares of 1,024 bits (Vyper)", 2_500),
        "mandelbrot": _Recipe("a fractal in fixed point (Vyper)", 32),
        "fibonacci": _Recipe("recursion: jumps forth and back", 27),
    }
)
WORKLOADS = tuple(_RECIPES)
"""The names of the workloads."""
TURNS: Mapping[str, int] = MappingProxyType({name: each.turns for name, each in _RECIPES.items()})
"""Name → turns of the loop at full length: some 50 ms natively."""


def workload_named(name: str, *, turns: int | None = None) -> Workload:
    """A workload by name; ``turns`` of its loop, by default those of `TURNS`.

    Raises:
        ConfigError: no such workload, or turns below 1.
    """
    if name not in _RECIPES:
        raise ConfigError(f"an EVM workload is one of {', '.join(WORKLOADS)}, not {brief(name)}")
    recipe = _RECIPES[name]
    if turns is not None and turns < 1:
        raise ConfigError(f"turns is 1 or more, not {turns}")
    return recipe.made(name, recipe.turns if turns is None else turns)
