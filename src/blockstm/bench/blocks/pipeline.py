"""Blocks verified from their bytes: decoded, senders recovered, run, all roots compared.

Each block is verified in processes of their own: the first time there is *cold*; further times, its
senders forgotten, are of a *new* block in a process that has run others; the last ones are of a
block that is *known*. A state in memory and its tries are there before, as the block before it left
them, and so are modules; a witness is read within the time.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from time import perf_counter, process_time
from typing import Any

from blockstm.bench.benchmark import Iteration, Timing, timing_of
from blockstm.bench.blocks.signed_blocks import SignedBlock, chain_of_generated
from blockstm.bench.peak import PeakMemory
from blockstm.config import Config
from blockstm.ethereum import Block
from blockstm.ethereum.chains.chain import MAINNET, Chain
from blockstm.ethereum.execution.known_senders import KNOWN_SENDERS
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.ethereum.tries.state_trie import StateTrie
from blockstm.ethereum.witnesses import Witness, WitnessState
from blockstm.executor import Executor
from blockstm.extras import need
from blockstm.stopwatch import Stopwatch
from blockstm.types import Hash32

__all__ = ["SIGHTS", "STAGES", "PipelineRow", "Subject", "measure_pipeline"]

STAGES = ("decode", "witness", "checks", "senders", "prepare", "run", "receipts", "roots")
"""The stages of a block, in order; see `blockstm.ethereum.ExecutedBlock`."""

SIGHTS = ("cold", "new", "known")
"""How much of a block was met before; see the module."""


@dataclass(frozen=True)
class Subject:
    """A block to verify, as it goes from one process to another.

    Attributes:
        name: what it is called.
        encoding: its RLP.
        is_generated: whether its rules are those of generated blocks; else mainnet's.
        uses_ai: whether they have the instructions of `blockstm.ai`, too.
        state: in memory, what it starts from; None where there is a witness.
        witness: None where there is a state.
        codes: more codes that may be run, beside the witness's.
        block_hashes: of the blocks before it.
    """

    name: str
    encoding: bytes = field(repr=False)
    is_generated: bool = False
    uses_ai: bool = False
    state: Any = field(default=None, repr=False)
    witness: Witness | None = field(default=None, repr=False)
    codes: Sequence[bytes] = field(default=(), repr=False)
    block_hashes: Mapping[int, Hash32] = field(default_factory=dict, repr=False)

    @classmethod
    def of_file(cls, file: BlockFile, witness: Witness | None) -> Subject:
        """The block of a file; without a witness, its state root cannot be told."""
        state = file.state()
        name = f"block {file.block.header.number}"
        encoding, hashes = file.block.encode(), file.block_hashes
        if witness is None:
            return cls(name, encoding, state=state, block_hashes=hashes)
        codes = tuple(account.code for _, account in state.accounts() if account.code)
        return cls(name, encoding, witness=witness, codes=codes, block_hashes=hashes)

    @classmethod
    def of_signed(cls, block: SignedBlock) -> Subject:
        """A generated block."""
        return cls(block.name, block.encoding, True, block.uses_ai, block.state)

    @property
    def chain(self) -> Chain:
        """Whose block it is. Precompiles are of one process, so each makes its own."""
        return chain_of_generated(self.uses_ai) if self.is_generated else MAINNET


@dataclass(frozen=True)
class PipelineRow:
    """One row: a block at one sight.

    Attributes:
        name: of the block; ``transactions`` and ``gas`` are its.
        sight: one of `SIGHTS`.
        workers: threads of ours.
        timing: from bytes to verified.
        stages: stage → median s. They add up to about all of the time.
        overlapped: stage → median s of its work that was done beside other stages, on another core,
            and is no part of ``stages``.
        first_sight: by how much a cold ``run`` took longer than a known one, in s; None of others.
        has_state_root: whether the state root was compared.
        data_bytes: of the block's encoding, its witness, and what it wrote.
        peak_bytes: by how much the process grew at the highest, while a block was verified in it:
            cold, all that there is in memory for it but its state; new and known, what comes on top
            of what executor, caches and threads keep. None where the system does not tell.
        baselines: seconds for the block, by name of who verified it, on one core.
    """

    name: str
    transactions: int
    gas: int
    sight: str
    workers: int
    timing: Timing
    stages: Mapping[str, float]
    overlapped: Mapping[str, float]
    first_sight: float | None
    has_state_root: bool
    data_bytes: int = 0
    peak_bytes: float | None = None
    baselines: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """The row flat, ready for JSON."""
        flat: dict[str, object] = {
            "workload": self.name,
            "transactions": self.transactions,
            "gas": self.gas,
            "sight": self.sight,
            "workers": self.workers,
            "seconds": self.timing.seconds,
            "spread": self.timing.spread,
            "transactions_per_second": self.transactions / self.timing.seconds,
            "mgas_per_second": self.gas / self.timing.seconds / 1e6,
            "stages": dict(self.stages),
            "overlapped": dict(self.overlapped),
            "first_sight_seconds": self.first_sight,
            "has_state_root": self.has_state_root,
            "data_bytes": self.data_bytes,
            "peak_bytes": self.peak_bytes,
        }
        for name, seconds in self.baselines.items():
            key = name.replace("-", "_")
            flat |= {f"{key}_seconds": seconds, f"{key}_ratio": seconds / self.timing.seconds}
        return flat | {"iterations": self.timing.iterations, "stable": self.timing.stable}


@dataclass(frozen=True, slots=True)
class _Verified:
    """One verification: what it took, and of what."""

    iteration: Iteration
    stages: Mapping[str, float]
    overlapped: Mapping[str, float]
    transactions: int
    gas: int
    has_state_root: bool
    data_bytes: int
    peak_bytes: int | None


def measure_pipeline(
    subject: Subject,
    *,
    workers: int,
    processes: int = 3,
    iterations: int = 5,
    against: Sequence[str] = (),
) -> Iterator[PipelineRow]:
    """Verify a block in ``processes``, one after another, in each so often as new and as known.

    ``against`` may name py-evm: it runs the block in place of ours, once, with one worker, between
    the same stages of ours before and behind it.

    Raises:
        InvalidBlock: a verification came to something else than the header.
        ImportError: py-evm is not installed.
    """
    samples: dict[str, list[_Verified]] = {sight: [] for sight in SIGHTS}
    for _ in range(processes):
        found = in_a_process(_verify_often, subject, workers, iterations)
        for sight in SIGHTS:
            samples[sight] += found[sight]
    baselines = {name: in_a_process(_verify_on, subject, name) for name in against}
    known = _median(each.stages["run"] for each in samples["known"])
    for sight in SIGHTS:
        yield _row(subject, workers, sight, samples[sight], known, baselines)


def in_a_process(act: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function in a fresh interpreter that ends with it."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(act, *arguments).result()


def _verify_often(subject: Subject, workers: int, iterations: int) -> dict[str, list[_Verified]]:
    _make_tries(subject.state)
    with Executor(Config(workers=workers)) as executor:
        cold = [_verify(subject, executor)]
        new = []
        for _ in range(iterations):
            KNOWN_SENDERS.clear()
            new.append(_verify(subject, executor))
        known = [_verify(subject, executor) for _ in range(iterations)]
    return {"cold": cold, "new": new, "known": known}


def _make_tries(state: Any) -> None:
    """Have a complete state's tries at hand, and hashed, before the time begins."""
    if state is not None and not state.partial:
        trie: StateTrie = state.tries(StateTrie.of)
        trie.root  # noqa: B018  # which keeps the hashes


def _verify_on(subject: Subject, vm: str) -> float:
    need("pyevm", vm)
    _make_tries(subject.state)
    with Executor(Config(workers=1)) as executor:
        return _verify(subject, executor, vm).iteration.seconds


def _verify(subject: Subject, executor: Executor, vm: Any = "evm") -> _Verified:
    """From bytes to verified. What is not the header's raises within the time."""
    gc.collect()
    gc.disable()
    try:
        memory = PeakMemory()
        begin, cpu, watch = perf_counter(), process_time(), Stopwatch()
        block = Block.decode(subject.encoding)
        watch.end_phase("decode")
        state = subject.state
        if subject.witness is not None:
            state = WitnessState(subject.witness, subject.codes)
            watch.end_phase("witness")
        executed: Any = executor.execute_block(
            block, state, vm, chain=subject.chain, block_hashes=subject.block_hashes
        )
        has_root = executed.state_root is not None
        if has_root and executed.state_root != block.header.state_root:
            raise AssertionError(f"{subject.name}: another state root than the header's")
        iteration = Iteration(perf_counter() - begin, process_time() - cpu)
        peak = memory.grown()
    finally:
        gc.enable()
    stages = {**watch.seconds, **executed.stages}
    transactions, gas = len(block.transactions), executed.gas_used
    data = len(subject.encoding) + _bytes_of(subject.witness) + _bytes_written(executed.writes)
    return _Verified(
        iteration, stages, executed.overlapped, transactions, gas, has_root, data, peak
    )


def _bytes_of(witness: Witness | None) -> int:
    return 0 if witness is None else sum(map(len, (*witness.nodes, *witness.codes)))


def _bytes_written(writes: Any) -> int:
    return len(getattr(writes, "records", b""))  # py-evm's are no bytes


def _row(
    subject: Subject,
    workers: int,
    sight: str,
    samples: Sequence[_Verified],
    known_run: float,
    baselines: Mapping[str, float],
) -> PipelineRow:
    stages = {name: _median_of(samples, "stages", name) for name in STAGES}
    overlapped = {name: _median_of(samples, "overlapped", name) for name in STAGES}
    first = samples[0]
    return PipelineRow(
        name=subject.name,
        transactions=first.transactions,
        gas=first.gas,
        sight=sight,
        workers=workers,
        timing=timing_of([each.iteration for each in samples]),
        stages={name: seconds for name, seconds in stages.items() if seconds},
        overlapped={name: seconds for name, seconds in overlapped.items() if seconds},
        first_sight=max(0.0, stages["run"] - known_run) if sight == "cold" else None,
        has_state_root=first.has_state_root,
        data_bytes=first.data_bytes,
        peak_bytes=_peak_of(samples),
        baselines=baselines if sight == "cold" else {},
    )


def _peak_of(samples: Sequence[_Verified]) -> float | None:
    peaks = [each.peak_bytes for each in samples if each.peak_bytes is not None]
    return statistics.median(peaks) if peaks else None


def _median_of(samples: Sequence[_Verified], kind: str, name: str) -> float:
    return _median(getattr(each, kind).get(name, 0.0) for each in samples)


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)
