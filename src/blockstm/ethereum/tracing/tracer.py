"""What a tracer is, and what it is given of a transaction."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from blockstm.errors import ConfigError
from blockstm.ethereum.blocks.header import Header
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.messages import brief
from blockstm.types import Address, Hash32
from blockstm.values import is_int
from blockstm.vm.evm.execution import Execution
from blockstm.vm.evm.inspection import BytesMax
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
        bytes_max: how much may be recorded of all transactions of a block, and of each; None: as
            much as there is memory for. See `within`.
        json_bytes_max: how much the native core writes of traces at once. See `within`.
    """

    mask: int = 0
    bytes_max: BytesMax | None = None
    json_bytes_max: int = 2**64 - 1

    def trace(self, traced: TracedTransaction) -> Any:
        """The trace of a transaction: a JSON value."""
        raise NotImplementedError

    def json(self, traced: TracedTransaction) -> bytes:
        """The same as JSON, in UTF-8."""
        return json.dumps(self.trace(traced), separators=(",", ":")).encode()

    def within(
        self, bytes_max: int, of_each: int | None = None, *, as_json: int | None = None
    ) -> Self:
        """The same tracer, which gives up where so many bytes do not do for what is recorded.

        Code may have a thousand times its gas in bytes recorded. What runs is then ended as soon
        as that is known, as a `blockstm.errors.TraceTooLarge`: on any number of workers the same,
        and without more memory than that, but for an event of each worker.

        Args:
            bytes_max: of all transactions of a block together, in bytes.
            of_each: of each of them; None: no less.
            as_json: of the JSON of those that are asked for at once, or of the code in it: struct
                logs have all of an account's slots again with each that is read, and pre-states
                code that a few bytes name. What asks for more raises `TraceTooLarge`. None: as much
                as there is memory for.

        Raises:
            ConfigError: one is no positive int.
        """
        least = bytes_max if of_each is None else of_each
        most = least if as_json is None else as_json
        for each in (bytes_max, least, most):
            if not is_int(each) or not 0 < each < 1 << 62:
                raise ConfigError(f"bytes_max is an int from 1 to 2**62-1, not {brief(each)}")
        other = copy(self)
        other.bytes_max = BytesMax(bytes_max, least)
        other.json_bytes_max = self.json_bytes_max if as_json is None else as_json
        return other


class NoopTracer(Tracer):
    """Traces nothing: an empty object, as go-ethereum's ``noopTracer``."""

    def trace(self, traced: TracedTransaction) -> Any:
        """An empty object."""
        return {}
