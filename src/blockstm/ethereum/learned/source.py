"""Hints of any block from the model of conflicts, which learns from what each block did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import cast

from blockstm.errors import InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.blocks.transaction import Transaction
from blockstm.ethereum.codecs.json_files import parse_json
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.senders import find_senders
from blockstm.ethereum.learned.model import ConflictModel
from blockstm.ethereum.learned.patterns import Call, Slot
from blockstm.ethereum.results.block_accesses import TransactionAccesses
from blockstm.hints.hints import Expected, Hints
from blockstm.kinds import path_of
from blockstm.types import Address
from blockstm.whole_files import replacing

__all__ = ["Learned"]


class Learned:
    """A `blockstm.hints.HintSource` that learns from the blocks before.

    Args:
        model: what is known already; default: nothing.

    To be used by one thread at a time: learn from a block when it is final, before the next asks.

    >>> learned = Learned()
    >>> learned.blocks
    0
    """

    def __init__(self, model: ConflictModel | None = None) -> None:
        self._model = model if model is not None else ConflictModel()

    @property
    def blocks(self) -> int:
        """How many blocks it has learnt from."""
        return self._model.blocks

    def for_block(self, block: Block) -> Hints | None:
        """The hints of a block; None where nothing is known of any method that it calls."""
        return self.for_transactions(block.transactions, _senders(block))

    def for_transactions(
        self, transactions: Sequence[Transaction], senders: Sequence[Address | None]
    ) -> Hints | None:
        """The same of transactions whose senders are known, signed or not."""
        expected = [self._expected(call) for call in _calls(transactions, senders)]
        return Hints.of(expected) if any(expected) else None

    def learn(self, block: Block, executed: ExecutedBlock) -> None:
        """Learn from a block that is final.

        Raises:
            InputError: it was run without ``accesses=True``.
        """
        if executed.accesses is None:
            raise InputError("learning from a block takes its accesses: run it with accesses=True")
        gas_used = [outcome.gas_used for outcome in executed.outcomes]
        self.learn_from(block.transactions, _senders(block), executed.accesses, gas_used)

    def learn_from(
        self,
        transactions: Sequence[Transaction],
        senders: Sequence[Address | None],
        accesses: Iterable[TransactionAccesses],
        gas_used: Iterable[int],
    ) -> None:
        """The same of transactions of a block whose senders are known, of what each touched, and of
        the gas that it used."""
        for call, touched, gas in zip(
            _calls(transactions, senders), accesses, gas_used, strict=True
        ):
            if call is not None and touched.reads | touched.writes:
                reads = map(call.pattern_of, _slots(touched.reads))
                writes = map(call.pattern_of, _slots(touched.writes))
                self._model.note(call.method, reads, writes, gas)
        self._model.end_block()

    def save(self, path: str | Path) -> None:
        """Write what is known to a file, all of it or nothing.

        Raises:
            OSError: it cannot be written.
        """
        with replacing(path_of(path, "a model of conflicts"), durable=True) as unfinished:
            unfinished.write_text(json.dumps(self._model.document(), separators=(",", ":")))

    @classmethod
    def load(cls, path: str | Path) -> Learned:
        """What `save` wrote.

        Raises:
            OSError: it cannot be read.
            DecodeError: it is something else.
        """
        document = parse_json(
            path_of(path, "a model of conflicts").read_bytes(), "model of conflicts"
        )
        return cls(ConflictModel.of_document(document))

    def _expected(self, call: Call | None) -> Expected | None:
        found = None if call is None else self._model.predict(call.method)
        if call is None or found is None:
            return None
        writes = [*filter(None, map(call.slot_of, found.writes))]
        reads = [*filter(None, map(call.slot_of, found.reads))]
        return Expected(reads=reads, writes=writes, weight=found.gas)


def _senders(block: Block) -> Sequence[Address | None]:
    return find_senders(block.transaction_list, high_s_allowed=True)


def _calls(
    transactions: Sequence[Transaction], senders: Sequence[Address | None]
) -> Iterator[Call | None]:
    """Transactions as calls; None for those that create a contract or have no sender."""
    for transaction, sender in zip(transactions, senders, strict=True):
        is_call = transaction.to and sender is not None
        yield Call(transaction, cast(Address, sender)) if is_call else None


def _slots(locations: Iterable[tuple[Address, str | int]]) -> Iterator[Slot]:
    for address, what in locations:
        if isinstance(what, int):
            yield address, what
