"""A block that is run under the eyes of a tracer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import accumulate
from typing import Any, Final

from blockstm import engine
from blockstm._native.crypto.hashes import keccak256_many
from blockstm._native.engine.results.results import NativeWrites
from blockstm._native.evm.prepared import EvmBlock
from blockstm._native.tracing.traces import BlockTraces
from blockstm.cores import usable_cores
from blockstm.errors import TraceTooLarge, TransactionError
from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.execution.prepared import ExecuteBlock
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer
from blockstm.ethereum.tracing.traces import Traces
from blockstm.ethereum.tracing.written import WrittenTracer
from blockstm.state.accounts import code_with
from blockstm.types import Hash32
from blockstm.vm.evm.inspection import BytesMax, Recorder
from blockstm.vm.forks import BYZANTIUM, CANCUN, ISTANBUL, OSAKA, PRAGUE, Fork

__all__ = ["precompiles_of", "run_traced"]

# Fork → the numbers of the precompiled contracts that it brought.
_PRECOMPILES: Final = (
    (None, range(1, 5)),
    (BYZANTIUM, range(5, 9)),
    (ISTANBUL, range(9, 10)),
    (CANCUN, range(10, 11)),
    (PRAGUE, range(11, 18)),
    (OSAKA, range(256, 257)),
)

_HASH_BYTES: Final = 32


def run_traced(
    prepared: BlockOnEvm,
    tracer: Tracer,
    execute_block: ExecuteBlock,
    only: Sequence[int] | None = None,
    *,
    workers: int | None = None,
) -> ExecutedBlock:
    """Run a block, its transactions recorded for a tracer; see `PreparedBlock.run`.

    ``only`` these transactions have traces; None: all have. ``workers``: threads that write traces,
    at most; None: the usable cores.

    Raises:
        TraceTooLarge: more is recorded than the tracer's ``bytes_max``.
    """
    places = prepared.transaction_steps
    steps = list(places) if only is None else [places[index] for index in only]
    executed, ran = _run(prepared, tracer.mask, steps, tracer.bytes_max, execute_block)
    return replace(executed, traces=_traces(prepared, tracer, executed, ran, workers))


def _run(
    prepared: BlockOnEvm,
    mask: int,
    only: list[int],
    bytes_max: BytesMax | None,
    execute_block: ExecuteBlock,
) -> tuple[ExecutedBlock, EvmBlock]:
    """What the block came to, and what has kept what was recorded.

    Where runs that may not count have left no room, it is done on one worker: so whether there is
    enough does not depend on the schedule.
    """
    try:
        return _run_once(prepared, Recorder(mask, only, bytes_max), execute_block)
    except TransactionError as error:
        if not isinstance(error.__cause__, TraceTooLarge):
            raise
    try:
        alone = partial(engine.run, workers=1)
        return _run_once(prepared, Recorder(mask, only, bytes_max), alone)
    except TransactionError as error:
        if isinstance(error.__cause__, TraceTooLarge):
            raise error.__cause__ from None
        raise


def _run_once(
    prepared: BlockOnEvm, recorder: Recorder, execute_block: ExecuteBlock
) -> tuple[ExecutedBlock, EvmBlock]:
    watched = replace(prepared, watched=prepared.vm.inspected_by(recorder))
    executed = watched.run(execute_block)
    assert recorder.block is not None  # the engine has run it
    return executed, recorder.block


def _traces(
    prepared: BlockOnEvm,
    tracer: Tracer,
    executed: ExecutedBlock,
    ran: EvmBlock,
    workers: int | None,
) -> Traces:
    block = prepared.block
    precompiles = frozenset(precompiles_of(prepared.fork)) | frozenset(prepared.chain.precompiles)

    @cache  # when the first trace is made: it takes longer than the block to run
    def logs_before() -> list[int]:
        logs = (len(outcome.value.logs) for outcome in executed.outcomes)
        return list(accumulate(logs, initial=0))

    @cache  # when the first code is shown
    def made() -> Mapping[bytes, bytes]:
        return _made_codes(executed.result.writes)

    def code_of(code_hash: Hash32) -> bytes:
        code: bytes | None = made().get(code_hash)
        if code is None:
            code = prepared.state.get(code_with(code_hash))
        return b"" if code is None else code

    def traced(index: int) -> TracedTransaction:
        return TracedTransaction(
            index,
            block.transactions[index],
            prepared.senders[index],
            block.header,
            prepared.fork,
            executed.outcomes[index].value,
            logs_before()[index],
            ran.kept_recording(prepared.transaction_steps[index]),
            code_of,
            precompiles,
        )

    def hashes() -> list[bytes]:
        return keccak256_many([each.encode() for each in block.transactions])

    written = None
    if isinstance(tracer, WrittenTracer) and tracer.is_as_written:

        @cache
        def written_with(shows_hashes: bool) -> BlockTraces:
            return BlockTraces(
                tracer.form,
                ran,
                executed.result.outcomes,
                block.header.hash,
                block.header.number,
                b"".join(sorted(precompiles)),
                b"".join(hashes()) if shows_hashes or tracer.shows_hashes else b"",
                code_of,
                tracer.json_bytes_max,
            )

        written = written_with
    threads = workers or usable_cores()
    return Traces(tracer, len(executed.outcomes), traced, written, hashes, threads)


def _made_codes(writes: Mapping[Any, Any]) -> Mapping[bytes, bytes]:
    """The code that a block has made, by its hash; of the engine's writes no others are decoded."""
    if isinstance(writes, NativeWrites):
        return writes.encoded_with_keys_of(_HASH_BYTES)
    return {key[1]: code for key, code in writes.items() if key[0] == "code"}


def precompiles_of(fork: Fork) -> Iterator[bytes]:
    """The addresses of the precompiled contracts that a fork has."""
    for since, numbers in _PRECOMPILES:
        if since is None or fork >= since:
            yield from (number.to_bytes(20, "big") for number in numbers)
