"""The figures to reach, each with the rows that decide it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench.decoding_table import milliseconds_to_decode
from bench.evm_table import block_rows, evm_rows, geometric_mean, total_ratio
from bench.hints_table import (
    CONTENDED,
    MAINNET,
    most_incarnations,
    speedup_of,
    worst_speedup,
)
from bench.imports_table import (
    IN_MEMORY,
    ONE_BY_ONE,
    RESIDENT_MB_MAX,
    growth,
    of_many,
    over_pipelined,
)
from bench.parallel_table import (
    aggregate,
    first_sight_of_once,
    mainnet_rows,
    of_length,
    own_pool_rows,
    parallel_rows,
    speedup_of_once,
)
from bench.parameters import HEAVY_US, LIGHT_US
from bench.pipeline_table import speed_of, sum_of_witnesses
from bench.signature_table import over_library, second_thread

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """A figure to reach.

    Attributes:
        words: what it is.
        bound: the figure; ``at_most`` says on which side of it is good.
        unit: printed behind the figure.
        measured: the figure from the rows; None where this run has no such rows.
    """

    words: str
    bound: float
    at_most: bool
    unit: str
    measured: Callable[[list[Row]], float | None]

    def met(self, value: float) -> bool:
        """Whether a measured figure is on the good side."""
        return value <= self.bound if self.at_most else value >= self.bound


def find(rows: Iterable[Row], **wanted: Any) -> Row | None:
    """The row with these fields, if it was measured."""
    return next((row for row in rows if wanted.items() <= row.items()), None)


def slowdown(**wanted: Any) -> Callable[[list[Row]], float | None]:
    """The engine's time over the baseline's."""

    def measured(rows: list[Row]) -> float | None:
        row = find(rows, **wanted)
        return row["seconds"] / row["baseline_seconds"] if row else None

    return measured


def speedup(**wanted: Any) -> Callable[[list[Row]], float | None]:
    """The baseline's time over the engine's."""

    def measured(rows: list[Row]) -> float | None:
        row = find(rows, **wanted)
        return row["speedup_over_baseline"] if row else None

    return measured


def unevenness(**wanted: Any) -> Callable[[list[Row]], float | None]:
    """How far the time per transaction lies apart between block sizes: highest over lowest - 1."""

    def measured(rows: list[Row]) -> float | None:
        chosen = [row for row in rows if wanted.items() <= row.items()]
        each = [row["seconds"] / row["transactions"] for row in chosen]
        return max(each) / min(each) - 1 if len(each) > 1 else None

    return measured


def least_of_the_evm(rows: list[Row]) -> float | None:
    """The speed-up over revm on the workload where it is least."""
    ratios = [row["ratio"] for row in evm_rows(rows)]
    return min(ratios) if ratios else None


def mean_of_the_evm(rows: list[Row]) -> float | None:
    """The geometric mean of the speed-ups over revm."""
    measured = evm_rows(rows)
    return geometric_mean(measured) if measured else None


def over_pyevm(baseline: str) -> Callable[[list[Row]], float | None]:
    """A py-evm's time for all real blocks over ours."""

    def measured(rows: list[Row]) -> float | None:
        blocks = block_rows(rows)
        return total_ratio(blocks, baseline) if blocks else None

    return measured


def bytes_per_transaction(name: str) -> Callable[[list[Row]], float | None]:
    """Growth of the process while a block of 100,000 runs."""

    def measured(rows: list[Row]) -> float | None:
        row = find((row["memory"] for row in rows if "memory" in row), workload=name)
        return row["bytes_per_transaction"] if row else None

    return measured


def of_workload(name: str, field: str) -> Callable[[list[Row]], float | None]:
    """A field of the row of a generated workload."""

    def measured(rows: list[Row]) -> float | None:
        row = find([*parallel_rows(rows), *own_pool_rows(rows)], workload=name)
        return row[field] if row else None

    return measured


def microseconds_of(name: str, *, workers: int) -> Callable[[list[Row]], float | None]:
    """The time of a transaction of a generated workload, with one worker or with two."""
    field = "sequential_transactions_per_second" if workers == 1 else "transactions_per_second"

    def measured(rows: list[Row]) -> float | None:
        found = of_workload(name, field)(rows)
        return None if found is None else 1e6 / found

    return measured


def megagas_of(name: str) -> Callable[[list[Row]], float | None]:
    """Million gas a second of a generated workload, with one worker."""

    def measured(rows: list[Row]) -> float | None:
        row = find(own_pool_rows(rows), workload=name)
        return row["gas"] / row["sequential_seconds"] / 1e6 if row else None

    return measured


def of_all_witnesses(rows: list[Row]) -> float | None:
    """The time of all blocks that came with a witness, each in a fresh process, in ms."""
    return sum_of_witnesses("cold")(rows) or None


def of_mainnet(
    value: Callable[[list[Row]], float], *, long: bool
) -> Callable[[list[Row]], float | None]:
    """Something of all mainnet's blocks that are long, or of those that are not."""

    def measured(rows: list[Row]) -> float | None:
        chosen = of_length(mainnet_rows(rows), long=long)
        return value(chosen) if chosen else None

    return measured


def worst(rows: list[Row]) -> float:
    """The least speed-up."""
    return float(min(row["speedup"] for row in rows))


PAYMENTS = {"workload": "payments", "accounts": 10_000, "vm": "kernel"}
BLOCK = PAYMENTS | {"transactions": 10_000}
SHAPE = {"vm": "kernel", "transactions": 10_000, "work_us": HEAVY_US}
PYTHON = {"workload": "payments", "vm": "python"}

LOADS_TO_REACH = {
    "transfers": 1.7,
    "erc20": 1.8,
    "swaps": 1.85,
    "erc20-hot-10": 1.6,
    "erc20-hot-30": 1.4,
    "hybrid": 1.4,
    "one-recipient": 1.6,
    "beneficiary": 1.6,
    "transfer-chain": 0.97,
    "token-chain": 0.97,
    "pool-chain": 0.97,
}

TARGETS = (
    Target(
        "1 worker, payments, 0.2 µs of work: time over the baseline's",
        1.5, True, "x", slowdown(**BLOCK, workers=1, work_us=LIGHT_US),
    ),
    Target(
        "1 worker, payments, 5 µs: time over the baseline's",
        1.05, True, "x", slowdown(**BLOCK, workers=1, work_us=HEAVY_US),
    ),
    Target(
        "2 workers, payments among 10,000 accounts, 5 µs: speed-up",
        1.8, False, "x", speedup(**BLOCK, workers=2, work_us=HEAVY_US),
    ),
    Target(
        "2 workers, pure chain, 5 µs: speed-up",
        0.95, False, "x", speedup(**SHAPE, workload="chain", workers=2),
    ),
    Target(
        "2 workers, one counter by deltas, 5 µs: speed-up",
        1.8, False, "x", speedup(**SHAPE, workload="counter", workers=2),
    ),
    *(
        Target(
            f"{workers} worker{'s' * (workers > 1)}, payments, {work_us:g} µs: time per "
            "transaction, 1k to 100k, highest over lowest - 1",
            0.10, True, "", unevenness(**PAYMENTS, workers=workers, work_us=work_us),
        )
        for workers in (1, 2)
        for work_us in (LIGHT_US, HEAVY_US)
    ),
    *(
        Target(
            f"{name}, block of 100k: bytes per transaction beyond its data",
            1024, True, " B", bytes_per_transaction(name),
        )
        for name in ("payments", "payments-deltas")
    ),
    *(
        Target(
            f"Python VM, payments, {work_us:g} µs: time over a plain Python loop's",
            1.3, True, "x", slowdown(**PYTHON, work_us=work_us),
        )
        for work_us in (0.0, 1.0, 5.0, 20.0)
    ),
    Target(
        "the EVM on its slowest workload: speed-up over revm", 1.0, False, "x", least_of_the_evm,
    ),
    Target("the EVM on all workloads: speed-up over revm", 1.5, False, "x", mean_of_the_evm),
    Target(
        "the EVM on real blocks, 1 worker: speed-up over py-evm upstream",
        300, False, "x", over_pyevm("py_evm_stock"),
    ),
    Target(
        "the EVM on real blocks, 1 worker: speed-up over py-evm on our accounts",
        300, False, "x", over_pyevm("py_evm"),
    ),
    *(
        Target(
            f"{name}, 2 workers: speed-up over one",
            bound, False, "x", of_workload(name, "speedup"),
        )
        for name, bound in LOADS_TO_REACH.items()
    ),
    *(
        Target(f"{name}, 2 workers: cores used", 1.25, True, "", of_workload(name, "cpu_cores"))
        for name in ("transfer-chain", "token-chain", "pool-chain")
    ),
    *(
        Target(
            f"{name}, 1 worker: transactions per second",
            bound, False, "", of_workload(name, "sequential_transactions_per_second"),
        )
        for name, bound in (("transfers", 300_000), ("erc20", 150_000), ("swaps", 16_000))
    ),
    Target(
        "mainnet, blocks of 4 Mgas and more, 2 workers: speed-up of all together",
        1.6, False, "x", of_mainnet(aggregate, long=True),
    ),
    Target(
        "mainnet, blocks of 4 Mgas and more, 2 workers: speed-up of the worst",
        0.97, False, "x", of_mainnet(worst, long=True),
    ),
    Target(
        "mainnet, blocks of less than 4 Mgas, 2 workers: speed-up of all together",
        0.99, False, "x", of_mainnet(aggregate, long=False),
    ),
    Target(
        "mainnet, blocks of 4 Mgas and more, each once in a fresh process, 2 workers: speed-up",
        1.35, False, "x", speedup_of_once,
    ),
    Target(
        "mainnet, blocks of 4 Mgas and more, 1 worker: first sight over known",
        1.3, True, "x", first_sight_of_once,
    ),
    *(
        Target(
            f"{name}, 2 workers, from bytes to verified: transactions per second",
            bound, False, "", speed_of(name, "transactions_per_second"),
        )
        for name, bound in (
            ("transfers-20000", 160_000), ("transfers-47620", 160_000), ("erc20-29516", 120_000),
        )
    ),
    *(
        Target(
            f"{name}, from bytes to verified, {sight}: peak of memory over data and writes",
            1.5, True, "x", speed_of(name, "peak_ratio", sight),
        )
        for name in ("transfers-20000", "transfers-47620", "erc20-29516")
        for sight in ("cold", "known")
    ),
    Target(
        "mainnet with witnesses, 2 workers, from bytes to verified, cold: all together",
        149, True, " ms", of_all_witnesses,
    ),
    Target(
        "a chain on disk, 200,000 accounts: one by one over pipelined",
        1.3, False, "x", over_pipelined(ONE_BY_ONE),
    ),
    Target(
        "a chain on disk, 200,000 accounts: in memory over pipelined",
        0.7, False, "x", over_pipelined(IN_MEMORY),
    ),
    Target(
        "a chain on disk, 2,000,000 accounts: opening its folder",
        1000, True, " ms", of_many("opening_seconds", 1e3),
    ),
    Target(
        "a chain on disk, 2,000,000 accounts: memory beside the mapped file",
        RESIDENT_MB_MAX, True, " MB", of_many("resident_bytes", 1e-6),
    ),
    Target("a chain on disk: a block with 2,000,000 accounts over 200,000", 1.1, True, "x", growth),
    Target(
        "own-pools, 1 worker: a swap", 70, True, " µs", microseconds_of("own-pools", workers=1),
    ),
    Target(
        "own-pools, 2 workers: speed-up over one",
        1.7, False, "x", of_workload("own-pools", "speedup"),
    ),
    Target(
        "calls to codes that are not kept, 1 worker: Mgas a second",
        100, False, "", megagas_of("unmet-codes"),
    ),
    Target(
        "access lists, mainnet of 4 Mgas and more, 2 workers: speed-up over optimistic",
        1.05, False, "x", partial(speedup_of, "values", MAINNET),
    ),
    Target(
        "access lists, the same: runs of a transaction, of the block that has the most",
        1, True, "", partial(most_incarnations, "values", MAINNET),
    ),
    Target(
        "access lists, contended generated blocks, 2 workers: speed-up over optimistic",
        1.1, False, "x", partial(speedup_of, "values", CONTENDED),
    ),
    *(
        Target(
            f"{word}, contended generated blocks, 2 workers: the worst, speed-up over optimistic",
            0.97, False, "x", partial(worst_speedup, word, CONTENDED),
        )
        for word in ("grouped", "learned")
    ),
    Target(
        "hostile hints, mainnet of 4 Mgas and more, 2 workers: the worst, speed-up over none",
        0.87, False, "x", partial(worst_speedup, "hostile", MAINNET),
    ),
    Target("senders, 1 thread: speed-up over libsecp256k1", 4, False, "x", over_library),
    Target("senders, 2 threads: speed-up over one", 1.9, False, "x", second_thread),
    Target("Block.decode of 1,000 transactions", 0.4, True, " ms", milliseconds_to_decode),
)  # fmt: skip  # a target is a line of words and a line of figures
