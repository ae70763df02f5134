"""A block that is run under the eyes of a tracer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Final

from blockstm.ethereum.execution.executed import ExecutedBlock
from blockstm.ethereum.execution.on_evm import BlockOnEvm
from blockstm.ethereum.execution.prepared import ExecuteBlock, StateAfter
from blockstm.ethereum.tracing.tracer import TracedTransaction, Tracer
from blockstm.ethereum.tracing.traces import Traces
from blockstm.state.accounts import code_with
from blockstm.types import Hash32
from blockstm.vm.evm import recording
from blockstm.vm.evm.inspection import Recorder
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


def run_traced(prepared: BlockOnEvm, tracer: Tracer, execute_block: ExecuteBlock) -> ExecutedBlock:
    """Run a block, its transactions recorded for a tracer; see `PreparedBlock.run`.

    Where a call failed for a reason that only its instructions tell, and the tracer has words for
    it, the block runs once more, and the instructions of these transactions are followed.
    """
    marks = recording.VAGUE if tracer.words_failures else 0
    recorder = Recorder(tracer.mask | marks)
    executed = _run(prepared, recorder, execute_block)
    events = recorder.events
    vague = [index for index, recorded in events.items() if recording.is_vague(recorded)]
    if vague:
        again = Recorder(tracer.mask | recording.FAULTS, vague)
        _run(prepared, again, execute_block)
        events |= {index: again.events[index] for index in vague}
    return replace(executed, traces=_traces(prepared, tracer, executed, recorder))


def _run(prepared: BlockOnEvm, recorder: Recorder, execute_block: ExecuteBlock) -> ExecutedBlock:
    return replace(prepared, watched=prepared.vm.inspected_by(recorder)).run(execute_block)


def _traces(
    prepared: BlockOnEvm, tracer: Tracer, executed: ExecutedBlock, recorder: Recorder
) -> Traces:
    after = StateAfter(prepared.state, executed.result.writes)
    logs = [len(outcome.value.logs) for outcome in executed.outcomes]
    logs_before = list(accumulate(logs, initial=0))
    precompiles = frozenset(precompiles_of(prepared.fork)) | frozenset(prepared.chain.precompiles)

    def code_of(code_hash: Hash32) -> bytes:
        code: bytes = after.get(code_with(code_hash), b"")
        return code

    def traced(index: int) -> TracedTransaction:
        return TracedTransaction(
            index,
            prepared.block.transactions[index],
            prepared.senders[index],
            prepared.block.header,
            prepared.fork,
            executed.outcomes[index].value,
            logs_before[index],
            recorder.events[prepared.transaction_steps[index]],
            code_of,
            precompiles,
        )

    return Traces(tracer, len(logs), traced)


def precompiles_of(fork: Fork) -> Iterator[bytes]:
    """The addresses of the precompiled contracts that a fork has."""
    for since, numbers in _PRECOMPILES:
        if since is None or fork >= since:
            yield from (number.to_bytes(20, "big") for number in numbers)
