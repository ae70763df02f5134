"""What executing a block did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from blockstm.ethereum.blocks.access_list import BlockAccessList
from blockstm.ethereum.blocks.receipt import Receipt, receipts_bloom, receipts_root
from blockstm.ethereum.results.block_accesses import BlockAccesses
from blockstm.ethereum.results.outcomes import TransactionOutcomes
from blockstm.state.changes import AccountChanges
from blockstm.types import BlockResult, Hash32, HintsReport, Stats

__all__ = ["ExecutedBlock"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutedBlock:
    """The result of a block.

    Attributes:
        receipts: one per transaction.
        outcomes: one per transaction, at its own place: ``outcomes[i].succeeded``; its ``value`` is
            what the VM says of it, see `blockstm.vm.evm.Execution`.
        requests: deposits, withdrawal and consolidation requests, each behind its type
            (EIP-7685); None before Prague, or where the state is partial and lacks the contracts
            that collect them.
        writes: address → `AccountChange`, of everything the block changed, system calls,
            withdrawals and rewards included; decoded on access. `AccountState.apply` takes it.
        result: the engine's, of all the block's steps, which are not only its transactions.
        gas_used: what the header names.
        execution_gas: what its transactions spent before refunds, without state gas, in gas; None
            where the VM does not tell.
        state_gas: what they paid for the growth of the state, in gas (EIP-8037); 0 before
            Amsterdam, whose header names the greater of the two.
        access_list: what the block touched (EIP-7928); None where the fork has no such lists.
        accesses: what each transaction looked at and changed, and a list as ``access_list`` of any
            fork's block; None unless it was asked for (``accesses=True``).
        state_root: of the state after the block; None where the state is partial, and in a block
            that `PreparedBlock.run` gave, which computes none.
        traces: one for each transaction, made when it is asked for; empty without a tracer.
        stats: what running it took; the same as ``result.stats``.
        seconds: wall time by phase, in s: ``checks`` of what needs no state, ``senders`` recovered,
            ``prepare`` for the VM, ``run`` by the engine, ``receipts`` and ``roots`` made of it.
        overlapped: phase → time of its work that was done beside other phases, on another core, in
            s; no part of ``seconds``.
    """

    receipts: Sequence[Receipt]
    outcomes: TransactionOutcomes
    requests: tuple[bytes, ...] | None
    writes: AccountChanges
    result: BlockResult
    gas_used: int
    execution_gas: int | None = None
    state_gas: int = 0
    access_list: BlockAccessList | None = None
    accesses: BlockAccesses | None = None
    state_root: Hash32 | None = None
    traces: Sequence[Any] = field(default=(), compare=False)
    stats: Stats = field(default_factory=Stats, compare=False)
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)
    overlapped: Mapping[str, float] = field(default_factory=dict, compare=False)

    @property
    def dependencies(self) -> Sequence[tuple[int, ...]] | None:
        """For each transaction, ascending, the earlier ones whose writes it read; see
        `BlockAccesses`. None unless the block was run with ``accesses=True``."""
        return None if self.accesses is None else self.accesses.dependencies

    @property
    def hints_report(self) -> HintsReport | None:
        """What hints did; None where the block was run without any."""
        return self.stats.hints

    @property
    def stages(self) -> dict[str, float]:
        """``seconds`` with the ``run`` in its two parts: the engine's, and reading what it left,
        which counts for ``receipts``."""
        run = min(self.stats.seconds, self.seconds["run"])
        receipts = self.seconds["receipts"] + self.seconds["run"] - run
        return {**self.seconds, "run": run, "receipts": receipts}

    @property
    def logs_bloom(self) -> bytes:
        """The bloom filter of all logs, 256 bytes."""
        return receipts_bloom(self.receipts)

    @property
    def receipts_root(self) -> Hash32:
        """The root of the receipts as they are.

        Before Byzantium the header names it only where they have their state roots: not in a block
        on a partial state, nor in one that `PreparedBlock.run` gave.
        """
        return receipts_root(self.receipts)
