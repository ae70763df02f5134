"""Real blocks on our EVM and on py-evm: what executing one takes, signatures left out.

Ours is compared with py-evm on the same engine with one worker (``py-evm``), where it reads
accounts in memory, and against py-evm upstream, with its own accounts (``py-evm-stock``). Each
iteration's gas is compared with the header, and the receipts of all iterations that have any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from blockstm.bench.benchmark import Benchmark, Candidate, Timing
from blockstm.config import Config
from blockstm.errors import ConfigError
from blockstm.ethereum.execution import ExecutedBlock, PreparedBlock, prepare_file
from blockstm.ethereum.files.block_files import BlockFile
from blockstm.executor import Executor
from blockstm.messages import brief

__all__ = ["BASELINES", "BlockRow", "measure_block"]

BASELINES = ("py-evm", "py-evm-stock")
_OURS = "evm"


@dataclass(frozen=True)
class BlockRow:
    """One row: the measurement of one block.

    Attributes:
        number: of the block; ``fork``, ``transactions`` and ``gas`` are its.
        workers: threads of ours.
        first_seconds: ours on codes it had not seen, in s.
        timing: what the iterations of ours come to, after the first.
        baselines: the timings of the others, by name; they have one worker.
    """

    number: int
    fork: str
    transactions: int
    gas: int
    workers: int
    first_seconds: float
    timing: Timing
    baselines: Mapping[str, Timing]

    def as_dict(self) -> dict[str, object]:
        """The row flat, ready for JSON. ``ratio``, to the first baseline: above 1, ours wins."""
        flat: dict[str, object] = {
            "workload": f"block {self.number}",
            "number": self.number,
            "fork": self.fork,
            "transactions": self.transactions,
            "gas": self.gas,
            "workers": self.workers,
            "first_seconds": self.first_seconds,
            "seconds": self.timing.seconds,
            "spread": self.timing.spread,
            "mgas_per_second": self.gas / self.timing.seconds / 1e6,
        }
        for place, (name, timing) in enumerate(self.baselines.items()):
            key, ratio = name.replace("-", "_"), timing.seconds / self.timing.seconds
            if place == 0:
                flat |= {"against": name, "ratio": ratio}
            flat |= {f"{key}_seconds": timing.seconds, f"{key}_ratio": ratio}
        return flat | {"iterations": self.timing.iterations, "stable": self.timing.stable}


def measure_block(
    file: BlockFile, *, workers: int = 1, baselines: Sequence[str] = (), iterations: int = 10
) -> BlockRow:
    """Run a block ``iterations`` times on our EVM, and once on each baseline in between.

    Raises:
        ConfigError: there is no such baseline.
        AssertionError: an iteration came to something else than the header or another EVM.
    """
    unknown = [name for name in baselines if name not in BASELINES]
    if unknown:
        raise ConfigError(
            f"blocks are compared with {', '.join(BASELINES)}, not {brief(unknown[0])}"
        )
    header = file.block.header
    same = _same(header.number, header.gas_used)
    with Executor(Config(workers=workers)) as many, Executor(Config(workers=1)) as one:
        ours = prepare_file(file)
        benchmark = Benchmark(
            {_OURS: _on_engine(ours, many, same)}
            | {name: _baseline(name, file, one, same) for name in baselines}
        )
        benchmark.iterate(_OURS)
        first = benchmark.iterations.pop(_OURS)[0].seconds
        for number in range(iterations):
            benchmark.iterate(_OURS)
            if number == iterations // 2:
                for name in baselines:
                    benchmark.iterate(name)
    return BlockRow(
        number=header.number,
        fork=ours.fork.name,
        transactions=len(file.block.transactions),
        gas=header.gas_used,
        workers=workers,
        first_seconds=first,
        timing=benchmark.timing(_OURS),
        baselines={name: benchmark.timing(name) for name in baselines},
    )


def _on_engine(
    prepared: PreparedBlock, executor: Executor, same: Callable[[Any], None]
) -> Candidate:
    return Candidate(lambda _: prepared.run(executor.execute_block), check=same)


def _baseline(
    name: str, file: BlockFile, executor: Executor, same: Callable[[Any], None]
) -> Candidate:
    prepared = prepare_file(file, "py-evm")
    if name == "py-evm":
        return _on_engine(prepared, executor, same)
    # an optional extra
    from blockstm.bench.blocks.upstream_pyevm import upstream_pyevm

    stock = upstream_pyevm(prepared)
    return Candidate(stock.run, stock.prepare, same)


def _same(number: int, gas_used: int) -> Callable[[ExecutedBlock | int], None]:
    """Raises unless an iteration has the header's gas and the receipts of the first iteration."""
    seen: list[bytes] = []

    def check(executed: ExecutedBlock | int) -> None:
        used = executed if isinstance(executed, int) else executed.gas_used
        if used != gas_used:
            raise AssertionError(f"block {number} used {used} gas, not {gas_used}")
        if isinstance(executed, int):
            return
        encoded = b"".join(receipt.encode() for receipt in executed.receipts)
        if not seen:
            seen.append(encoded)
        elif seen[0] != encoded:
            raise AssertionError(f"the EVMs disagree on the receipts of block {number}")

    return check
