"""`execute_block`: one block on an executor that is kept for the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from blockstm.config import Config
from blockstm.engine.options import VM, RunOptions, State
from blockstm.engine.pool import POOL
from blockstm.errors import ConfigError
from blockstm.executor.executor import execute_on
from blockstm.messages import kind_of
from blockstm.types import BlockResult, Transactions

if TYPE_CHECKING:
    from blockstm.ethereum.blocks.block import Block
    from blockstm.ethereum.execution.executed import ExecutedBlock
    from blockstm.ethereum.execution.options import BlockOptions
    from blockstm.ethereum.execution.vms import VMName

__all__ = ["execute_block"]


@overload
def execute_block(
    block: Transactions,
    state: State,
    vm: VM,
    *,
    config: Config | None = None,
    workers: int | Literal["auto"] | None = None,
    **options: Unpack[RunOptions],
) -> BlockResult: ...


@overload
def execute_block(
    block: Block,
    state: Any,
    vm: VMName,
    *,
    config: Config | None = None,
    workers: int | Literal["auto"] | None = None,
    **options: Unpack[BlockOptions],
) -> ExecutedBlock: ...


def execute_block(
    block: Any,
    state: Any,
    vm: Any,
    *,
    config: Config | None = None,
    workers: int | Literal["auto"] | None = None,
    **options: Any,
) -> Any:
    """Run a block of ordered transactions; the result is that of running them one by one.

    With ``vm="evm"`` the block is an Ethereum block, checked before and after it is run; see
    below.

    Args:
        block: its transactions, in order; whatever the VM understands.
        state: what the block starts from: a mapping, or a `StateReader`. It is not changed.
        vm: ``vm(view, transaction)``, called once or more per transaction, from any worker
            thread; or a native VM such as a `kernel`.
        config, workers: see `Config`.
        on_invalid: what an `Invalid` transaction does: "raise" `InvalidBlock`, or be "skip"ped.
        limit: where to cut the block, see `blockstm.types.Limit`.
        hints: what is known of its transactions, in one of the forms of `blockstm.hints`; or keys
            that the block will probably read, for ``state.prefetch``. It never changes a result.

    Returns:
        Outcomes, final writes and statistics of all transactions, or up to where it was cut.

    Raises:
        UsageError: something passed is of the wrong kind; nothing was run.
        TransactionError, InvalidBlock, StateError, LimitError: the block ended early; ``index``
            says where and ``prefix`` holds the result of what is final.
        KeyboardInterrupt: Ctrl-C, within 0.2 s unless one transaction takes longer without asking
            its view; one of the native EVM does ask.

    An Ethereum block is a `blockstm.ethereum.Block`, run by the native EVM (``vm="evm"``), by
    py-evm (``vm="py-evm"``) or by another EVM (`blockstm.vm.evmc.load`) on a
    `blockstm.ethereum.AccountState` or another `blockstm.ethereum.State`. The result is an
    `blockstm.ethereum.ExecutedBlock`; a block that breaks a rule is an
    `InvalidBlock` whose ``reason`` is one of `blockstm.ethereum.Reason`, the same in sequential and
    parallel runs.
    Header, body, results and, where the state is complete, its root are checked. Its options:

    Args:
        fork: whose rules hold, by name; default: what ``chain`` has at the block. It changes
            the rules and nothing else of the chain, see `blockstm.ethereum.Chain.under`.
        chain: whose block it is; default: mainnet.
        parent: the header of the block before it; without it, the header is not checked against
            its parent.
        ancestors: the blocks before it, its parent first; without them, its ommers are not
            checked against them.
        block_hashes: number → hash of the blocks before its parent, for BLOCKHASH.
        total_difficulty: of the parent, the difficulties of all blocks up to it summed up; asked
            for only on a chain whose merge is at one (``terminalTotalDifficulty``). Without it, a
            header of difficulty 0, and any on top of one, is after the merge (EIP-3675), so that
            at the merge itself it is not checked whether that came too early or too late.
        inspector: told what the block does inside, see `blockstm.vm.evm.Inspector`; only the
            native EVM has one.
        hints: what is known of its transactions, see `blockstm.hints` and
            `blockstm.ethereum.hints`.
        accesses: whether the result tells what each transaction looked at and changed, and whose
            writes it read: its ``accesses`` and ``dependencies``; only from the native EVM.
        tracer: makes the ``traces`` of the result, see `blockstm.ethereum.tracing`; likewise, and
            not beside an inspector.

    Deterministic: outcomes and writes are the same for any workers and options. Thread-safe.
    The algorithm is Block-STM (arXiv 2203.06871) with conditions in place of versions.

    >>> import blockstm
    >>> def transfer(view, tx):
    ...     source, target, amount = tx
    ...     if not view.at_least(source, amount):
    ...         raise blockstm.Revert("insufficient funds")
    ...     view.add(source, -amount)
    ...     view.add(target, amount)
    >>> block = [("alice", "bob", 5), ("bob", "carol", 3)]
    >>> blockstm.execute_block(block, state={"alice": 10}, vm=transfer).writes
    {'alice': 5, 'bob': 2, 'carol': 3}
    """
    config = config if config is not None else Config()
    if not isinstance(config, Config):
        raise ConfigError(f"config is a blockstm.Config, not {kind_of(config)}")
    if workers is not None:
        config = replace(config, workers=workers)
    engine = POOL.take(config)
    try:
        return execute_on(engine, block, state, vm, options)
    finally:
        POOL.give_back(engine)
