"""From a block to a verdict: check it, run it, check what it gave; see `blockstm.execute_block`.

The first rule that is broken decides, in this order, whatever the VM and the workers:

1. the header, by itself and after its parent;
2. what the header says of the body, and the ommers; of a body that is not the header's, a
   transaction that is wrong by itself is told first, and nothing is executed;
3. the transactions, one after another: each by itself, its signature, and in the state before it;
4. what executing the block gave.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any, Unpack, cast

from blockstm._native.base.pins import pin_of
from blockstm.cores import usable_cores
from blockstm.errors import ConfigError, InputError
from blockstm.ethereum.blocks.block import Block
from blockstm.ethereum.execution.arguments import check_block_object
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.listed_root import ListedRoot
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.execution.options import BlockOptions, surroundings_of
from blockstm.ethereum.execution.preparation import prepare_under
from blockstm.ethereum.execution.prepared import ExecuteBlock, PreparedBlock
from blockstm.ethereum.execution.senders import find_senders, signature_violation
from blockstm.ethereum.execution.state_roots import (
    roots_after_transactions,
    state_root_after,
    tells_root,
)
from blockstm.ethereum.execution.traced import run_traced
from blockstm.ethereum.execution.vms import VMName
from blockstm.ethereum.results.flat_receipts import FlatReceipts
from blockstm.ethereum.results.header_comparison import results_violation
from blockstm.ethereum.rules.block_rules import block_violation, body_violation
from blockstm.ethereum.rules.reasons import Violation
from blockstm.ethereum.tracing.tracer import Tracer
from blockstm.hints import Hints
from blockstm.hints.options import hints_of, keys_of
from blockstm.messages import brief, kind_of
from blockstm.state.located import located
from blockstm.stopwatch import Stopwatch
from blockstm.types import Address, Hash32
from blockstm.vm.forks import BYZANTIUM, HOMESTEAD, Fork

__all__ = ["execute"]

_RECEIPTS_SHARED_MIN = 200
"""With fewer receipts, a thread costs more than it takes over."""


def execute(
    execute_block: ExecuteBlock,
    block: Block,
    state: Any,
    vm: VMName,
    *,
    workers: int | None = None,
    **options: Unpack[BlockOptions],
) -> ExecutedBlock:
    """Check a block, run it, check what it gave; see `blockstm.execute_block`."""
    watch = Stopwatch()
    check_block_object(block, vm)
    state = located(state)
    around = surroundings_of(block, vm, options)
    rules = around.fork
    violation = block_violation(
        block,
        around.parent,
        around.chain,
        around.ancestors,
        around.total_difficulty,
        workers=workers,
    )
    if violation is not None and (
        violation.index is None or body_violation(block, rules, workers) is not None
    ):
        raise violation.error()
    watch.end_phase("checks")
    sound = block if violation is None else _up_to(block, violation)
    senders, unsigned = _senders(sound, rules, workers)
    if unsigned is not None:
        violation, sound = unsigned, _up_to(block, unsigned)
    watch.end_phase("senders")
    inspector = options.get("inspector")
    _check_tracer(options.get("tracer"), vm, inspector)
    prepared = prepare_under(
        *(rules, sound, state, vm, around.chain, around.block_hashes, senders, workers, inspector),
        keeps_accesses=bool(options.get("accesses")),
    )
    watch.end_phase("prepare")
    with pin_of(state):
        if violation is not None:
            raise violation.error(prepared.run_transactions(execute_block))
        hints = _hints(options.get("hints"), prepared)
        with ListedRoot(hints, state, workers) as listed_root:
            hinted = _with_hints(hints, prepared, execute_block)
            executed = _run(prepared, options.get("tracer"), hinted, workers)
            watch.end_phase("run")
        has_roots = rules >= BYZANTIUM or not executed.receipts
        if not has_roots:
            roots = roots_after_transactions(prepared, execute_block, workers)
            has_roots = roots is not None
            executed = _with_roots(executed, roots)
        del prepared, hinted  # steps are large, and not needed for what follows
        return _verified(
            block, state, executed, listed_root, workers, watch, has_receipts_root=has_roots
        )


def _check_tracer(tracer: Any, vm: VMName, inspector: Any) -> None:
    """Refuse what is no tracer, and one where it cannot trace.

    Raises:
        InputError, ConfigError: so it is.
    """
    if tracer is None:
        return
    if not isinstance(tracer, Tracer):
        raise InputError(f"a tracer is a blockstm.ethereum.tracing.Tracer, not {kind_of(tracer)}")
    if vm != "evm" or inspector is not None:
        raise ConfigError('a tracer traces the native EVM, vm="evm", and goes without an inspector')


def _up_to(block: Block, violation: Violation) -> Block:
    """The block with the transactions before the one that has a violation."""
    return replace(block, transactions=block.transactions[: violation.index])


def _senders(
    block: Block, fork: Fork, workers: int | None
) -> tuple[Sequence[Address], Violation | None]:
    """The senders up to the first transaction without a valid signature, and its violation."""
    high_s_allowed = fork < HOMESTEAD
    found = find_senders(block.transaction_list, workers, high_s_allowed=high_s_allowed)
    violation = signature_violation(block.transaction_list, found, high_s_allowed=high_s_allowed)
    known = found if violation is None else found[: violation.index]
    return cast(Sequence[Address], known), violation


def _run(
    prepared: PreparedBlock,
    tracer: Tracer | None,
    execute_block: ExecuteBlock,
    workers: int | None,
) -> ExecutedBlock:
    if tracer is None:
        return prepared.run(execute_block)
    assert isinstance(prepared, BlockOnEvm)  # checked with the options
    return run_traced(prepared, tracer, execute_block, workers=workers)


def _hints(given: Any, prepared: PreparedBlock) -> Hints | None:
    """What a caller knows of a block's transactions."""
    if given is None:
        return None
    if keys_of(given) is not None:
        raise InputError(f"hints of an Ethereum block are of its transactions, not {brief(given)}")
    return hints_of(given, prepared.block)


def _with_hints(
    hints: Hints | None, prepared: PreparedBlock, execute_block: ExecuteBlock
) -> ExecuteBlock:
    """What runs the block's steps, with that."""
    if hints is None:
        return execute_block
    engine: Any = execute_block  # the reference has no hints
    return partial(engine, hints=hints.shifted(prepared.transaction_steps.start))


def _verified(
    block: Block,
    state: Any,
    executed: ExecutedBlock,
    listed_root: ListedRoot,
    workers: int | None,
    watch: Stopwatch,
    *,
    has_receipts_root: bool,
) -> ExecutedBlock:
    """The block with its roots, where these and all else are what the header says."""
    state_root, overlapped = _state_root(state, executed, listed_root, workers)
    watch.end_phase("roots")
    violation = results_violation(
        block.header,
        executed.gas_used,
        executed.receipts,
        state_root=state_root,
        requests=executed.requests,
        access_list=executed.access_list,
        has_receipts_root=has_receipts_root,
        given_list=block.access_list,
    )
    watch.end_phase("receipts")
    executed = replace(
        executed, state_root=state_root, seconds=watch.seconds, overlapped=overlapped
    )
    if violation is not None:
        raise violation.error(executed=executed)
    return executed


def _with_roots(executed: ExecutedBlock, roots: Sequence[Hash32] | None) -> ExecutedBlock:
    """With the state roots that receipts before Byzantium have, where these are known."""
    if roots is None:
        return executed
    receipts = executed.receipts
    if isinstance(receipts, FlatReceipts):
        return replace(executed, receipts=receipts.with_state_roots(roots))
    with_roots = (
        replace(each, state_root=root) for each, root in zip(receipts, roots, strict=True)
    )
    return replace(executed, receipts=tuple(with_roots))


def _state_root(
    state: Any, executed: ExecutedBlock, listed_root: ListedRoot, workers: int | None
) -> tuple[Hash32 | None, dict[str, float]]:
    """The state root, and what was computed beside something else in how many seconds."""
    confirmed = listed_root.confirmed(executed.writes)
    if confirmed is None:
        return _state_root_beside_receipts(state, executed, workers)
    root, seconds = confirmed
    return root, {"roots": seconds}


def _state_root_beside_receipts(
    state: Any, executed: ExecutedBlock, workers: int | None
) -> tuple[Hash32 | None, dict[str, float]]:
    """`state_root_after` the block, while a thread encodes its receipts, which keep the result; and
    how long that took beside it."""
    encode = getattr(executed.receipts, "encode", None)
    if workers == 1 or encode is None or len(executed.receipts) < _RECEIPTS_SHARED_MIN:
        return state_root_after(state, executed.writes, workers), {}
    workers = workers or usable_cores()
    if not tells_root(state):
        encode(workers)  # there is nothing to compute beside it
        return None, {}
    with ThreadPoolExecutor(1, thread_name_prefix="blockstm-receipts") as pool:
        # What goes wrong there goes wrong again where the root is compared.
        encoding = pool.submit(_timed, encode, workers)
        root = state_root_after(state, executed.writes, workers)
    return root, {} if encoding.exception() else {"receipts": encoding.result()}


def _timed(act: Callable[[int], None], workers: int) -> float:
    watch = Stopwatch()
    act(workers)
    return watch.end_phase("all")
