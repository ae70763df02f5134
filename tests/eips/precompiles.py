"""Precompiles called for what they return to the last byte, which RETURNDATASIZE tells (Byzantium).

As `tests.eips.rules.precompile`, which knows older forks and fills up what is returned. No test of
its own.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.eips.rules import call, since

PLENTY = 16_000_000
_WORD = 32


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of calling a precompile.

    Attributes:
        succeeded: False where it failed, and took all gas that it was given.
        gas: what it took beside the price of a call to a warm account.
        output: what it returned.
    """

    succeeded: bool
    gas: int
    output: bytes

    @property
    def word(self) -> int:
        return int.from_bytes(self.output, "big")


def exact_answer(fork: str, number: int, data: bytes, given: int | None = None) -> Answer:
    """Call a precompile with data and all gas that there is, or as much as is given."""
    gas = "GAS" if given is None else f"PUSH4 {given}"
    called = call(
        fork,
        f"""
        CALLDATASIZE 0 0 CALLDATACOPY
        GAS 0 0 CALLDATASIZE 0 PUSH20 {number} {gas} STATICCALL GAS
        SWAP1 0 MSTORE SWAP1 SUB 32 MSTORE
        RETURNDATASIZE 0 64 RETURNDATACOPY
        RETURNDATASIZE 64 ADD 0 RETURN
        """,
        data=data,
        gas=PLENTY,
    )
    output = called.execution.output
    succeeded, spent = (int.from_bytes(output[i : i + _WORD], "big") for i in (0, _WORD))
    pushes = 3 + 3 + 2 + 3 + 3 + (2 if given is None else 3) + 2
    access = 100 if fork in since("berlin") else 700
    return Answer(bool(succeeded), spent - pushes - access, output[2 * _WORD :])
