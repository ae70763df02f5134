"""A block of a file as ``blockstm run`` takes it, and what is said about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from blockstm.errors import DecodeError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from blockstm.ethereum import AccountState, Block, BlockFile, ExecutedBlock, Fork
    from blockstm.types import Address

__all__ = ["Subject", "Verdict"]


@dataclass(slots=True)
class Verdict:
    """The verdict on one block; the keys of ``--json`` are these names."""

    number: int
    fork: str
    transactions: int
    gas_used: int = 0
    execution_gas: int | None = None  # from Amsterdam on (EIP-8037), as the next one
    state_gas: int | None = None
    workers: int = 0
    seconds: float = 0.0
    incarnations_per_transaction: float = 0.0
    checks: dict[str, bool | None] = field(default_factory=dict)
    ok: bool = False
    transaction: int | None = None  # the first one that differs or cannot be executed
    reason: str = ""  # what is wrong, in words; empty if nothing is
    stats: dict[str, Any] | None = None  # with ``--stats``, of a block that came to its end

    def as_object(self) -> dict[str, Any]:
        """The JSON object: nothing about what is wrong where nothing is, nor of two kinds of gas
        where there is one."""
        left_out = ["transaction", "reason"] if self.ok else []
        if self.state_gas is None:
            left_out += ["execution_gas", "state_gas"]
        if self.stats is None:
            left_out.append("stats")
        return {name: getattr(self, name) for name in self.__slots__ if name not in left_out}


@dataclass(frozen=True, slots=True)
class Subject:
    """What a file holds, whose rules hold, and what it runs on; ``given_fork`` is None where
    mainnet decides."""

    file: BlockFile
    fork: Fork
    state: AccountState
    vm: Any
    given_fork: Fork | None = None

    @property
    def block(self) -> Block:
        return self.file.block

    @property
    def senders(self) -> Sequence[Address]:
        """Of the transactions; none at all where one of them is not known."""
        from blockstm.ethereum import recover_senders  # loads what only this command needs

        try:
            return recover_senders(self.block.transactions)
        except DecodeError:
            return ()

    def execute(self, execute_block: Callable[..., Any]) -> ExecutedBlock:
        """Execute the block as anybody does."""
        executed: ExecutedBlock = self.given_to(execute_block)
        return executed

    def given_to(self, function: Callable[..., Any]) -> Any:
        """The result of a function that takes the arguments of `execute_block`, on the block."""
        hashes = self.file.block_hashes
        if self.given_fork is not None:
            return function(
                self.block, self.state, self.vm, block_hashes=hashes, fork=self.given_fork
            )
        return function(self.block, self.state, self.vm, block_hashes=hashes)
