"""What a tracer is, and what it is given of a transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.types import Address, Hash32
from blockstm.vm.evm.execution import Execution
from blockstm.vm.forks import Fork

__all__ = ["NoopTracer", "TracedTransaction", "Tracer"]


@dataclass(frozen=True, slots=True)
class TracedTransaction:
    """A transaction of a block, what came of it, and what was recorded of its run.

    Attributes:
        index: its place in the block.
        transaction: itself.
        sender: who signed it.
        header: of the block.
        fork: whose rules held.
        execution: what came of it.
        first_log: how many logs the transactions before it left.
        events: what was recorded of its run, see `blockstm.vm.evm.recording`.
        code_with: the code of a hash.
        precompiles: addresses of precompiled contracts.
    """

    index: int
    transaction: Transaction
    sender: Address
    header: Header
    fork: Fork
    execution: Execution
    first_log: int
    events: bytes
    code_with: Callable[[Hash32], bytes]
    precompiles: frozenset[bytes]


class Tracer:
    """Says what is recorded of a transaction, and makes a trace of it.

    Immutable; safe from any thread.

    Attributes:
        mask: what is recorded, see `blockstm.vm.evm.recording`.
        words_failures: whether it needs to know at which instruction a call failed.
    """

    mask: int = 0
    words_failures: ClassVar[bool] = False

    def trace(self, traced: TracedTransaction) -> Any:
        """The trace of a transaction: a JSON value."""
        raise NotImplementedError


class NoopTracer(Tracer):
    """Traces nothing: an empty object, as go-ethereum's ``noopTracer``."""

    def trace(self, traced: TracedTransaction) -> Any:
        """An empty object."""
        return {}
